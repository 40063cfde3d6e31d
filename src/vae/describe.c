/* describe.c - what a model says about itself. */
#include "model.h"
#include "../base/mode.h"
#include "../base/text.h"

#include <stdio.h>
#include <string.h>

const elbo_model_info *elbo_model_describe(const elbo_model *m)
{
    return &m->info;
}

const elbo_latent_info *elbo_model_latent_at(const elbo_model *m, size_t i)
{
    return i < (size_t)m->n_latents ? &m->latent_info[i] : NULL;
}

elbo_data_options elbo_model_data_options(const elbo_model *m)
{
    elbo_data_options options = elbo_config_data_options(&m->config);
    options.classes = NULL;
    return options;
}

const char *elbo_model_option(elbo_model *m, const char *key)
{
    ROUNDS_TO_NEAREST;
    return elbo_config_get(&m->config, key);
}

/* ---- Texts ---- */

bool model_next_layer(const char **at, model_layer *out)
{
    *out = (model_layer){.parameters = 0};
    /* NOLINTNEXTLINE(cert-err34-c): a text of elbo's own making */
    if (sscanf(*at, "%31[^\t]\t%15[^\t]\t%191[^\t]\t%63[^\t]\t%lld\t%lld", out->part, out->name, out->words, out->result,
               &out->parameters, &out->flop) < 4)
        return false;
    *at += strcspn(*at, "\n");
    *at += **at == '\n';
    return true;
}

/* A line for each layer of the architecture, then one for each parameter with its exported shape. */
static void write_layers(const elbo_model *m, text *out)
{
    text_add(out, "%-8s %-3s %-34s %-16s %12s %14s\n", "part", "", "layer", "result", "parameters", "flop/example");
    model_layer l;
    for (const char *at = m->layers; model_next_layer(&at, &l);)
        text_add(out, "%-8s %-3s %-34.34s %-16s %12lld %14lld\n", l.part, l.name, l.words, l.result, l.parameters, l.flop);
    text_add(out, "\n%-45s %-16s %12s\n", "parameter", "shape", "numbers");
    for (int i = 0; i < m->store.params.n; i++) {
        const entry *e = &m->store.params.at[i];
        char words[96];
        shape_text(e->layout.exported, words);
        text_add(out, "%-45s %-16s %12lld\n", e->name, words, (long long)e->count);
    }
    text_add(out, "%-45s %-16s %12lld\n", "total", "", (long long)m->info.n_parameters);
}

static elbo_status write_graph(elbo_model *m, bool compiled_steps, text *out, elbo_error *error)
{
    plan_key key = {.purpose = TRAIN, .examples = m->config.batch, .dtype = ELBO_U8};
    compiled *c = model_plan(m, key, error);
    if (!c) return ELBO_NO_MEMORY;
    if (compiled_steps) plan_dump(c->plan, NULL, out);
    else g_dump(c->graph, out);
    return ELBO_OK;
}

char *elbo_model_text(elbo_model *m, const char *what, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    text out;
    text_open(&out, m->m);
    elbo_status status = ELBO_OK;
    if (strcmp(what, "layers") == 0) write_layers(m, &out);
    else if (strcmp(what, "graph") == 0) status = write_graph(m, false, &out, error);
    else if (strcmp(what, "plan") == 0) status = write_graph(m, true, &out, error);
    else status = err_set(error, ELBO_USAGE, "no text '%.32s' about a model; expected layers, graph or plan", what);
    if (status == ELBO_OK && out.failed) status = err_memory(error, "a text about the model");
    if (status == ELBO_OK) return text_take(&out);
    text_close(&out);
    return NULL;
}

void elbo_text_free(elbo_engine *engine, char *words)
{
    mem_free(engine->m, words);
}
