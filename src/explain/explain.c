/* explain.c - elbo_explain: evidence is gathered, every check looks at it. */
#include "explain.h"
#include "../base/file.h"
#include "../base/mode.h"
#include "../train/evaluate.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef enum finding_kind { STOP, CAUSE, SYMPTOM } finding_kind;

static const struct {
    const char *name, *title, *why;
    finding_kind kind;
    bool (*look)(const evidence *e, finding *f);
} rows[] = {
#define FINDING(name, kind, title, why) {#name, title, why, kind, finding_##name},
#include "findings.def"
#undef FINDING
};

enum { N_FINDINGS = sizeof rows / sizeof *rows, NAME = 32 };

struct elbo_explanation {
    memory m;
    elbo_finding found[N_FINDINGS];
    char names[N_FINDINGS][NAME];
    finding texts[N_FINDINGS];
    size_t n;
};

/* ---- What checks share ---- */

void finding_show(finding *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->evidence, sizeof f->evidence, format, args);
    va_end(args);
}

void finding_show_remedy(finding *f, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(f->remedy, sizeof f->remedy, format, args);
    va_end(args);
}

void finding_retrain(const evidence *e, finding *f, const char *format, ...)
{
    const char *data = e->data_name ? e->data_name : "DATA";
    int used = snprintf(f->remedy, sizeof f->remedy, "elbo train %s%s%s%s ", data, e->is_run ? " --config " : "",
                        e->is_run ? e->path : "", e->is_run ? "/config.toml" : "");
    if (used < 0 || (size_t)used >= sizeof f->remedy) return;
    va_list args;
    va_start(args, format);
    vsnprintf(f->remedy + used, sizeof f->remedy - (size_t)used, format, args);
    va_end(args);
}

double explained_share(const evidence *e)
{
    const measured *x = &e->measured;
    return x->count && x->variance > 0 ? 1 - x->error / x->variance : NAN;
}

const epoch_figures *last_epoch(const evidence *e)
{
    return e->history.n ? &e->history.at[e->history.n - 1] : NULL;
}

int64_t active_numbers(const evidence *e)
{
    int64_t n = 0;
    if (!e->model) return -1;
    if (!e->measured.count) return last_epoch(e) ? last_epoch(e)->train.active : -1;
    for (int64_t j = 0; j < e->model->info.latent_size; j++) n += e->measured.mean_variance[j] > ACTIVE_VARIANCE;
    return n;
}

bool code_is_weak(const evidence *e)
{
    int64_t active = active_numbers(e);
    return (active >= 0 && active <= e->model->info.latent_size / 4) || explained_share(e) < 0.3;
}

double assumed_noise(const evidence *e)
{
    const elbo_config *c = e->config;
    if (!e->model) return NAN;
    double beta = model_effective_beta(e->model);
    switch ((likelihood_kind)c->likelihood) {
    case L_gaussian: return c->variance == SIGMA_FIXED ? c->sigma * c->sigma * beta : NAN;
    case L_squared: return 0.5 * beta;
    case L_half_squared: return beta;
    default: return NAN;
    }
}

/* ---- Gathering ---- */

static bool is_config(const char *path)
{
    size_t n = strlen(path);
    return n > 5 && strcmp(path + n - 5, ".toml") == 0;
}

static elbo_status gather_history(evidence *e, memory m, elbo_error *error)
{
    char *path = file_join(m, e->path, "metrics.jsonl");
    if (!path) return err_memory(error, "a path");
    elbo_status status = file_exists(path) ? history_read(&e->history, path, error) : ELBO_OK;
    mem_free(m, path);
    return status;
}

static void look_at_all(const evidence *e, elbo_explanation *x)
{
    bool cause = false, stop = false;
    for (size_t i = 0; i < N_FINDINGS && !stop; i++) {
        finding *f = &x->texts[x->n];
        if ((rows[i].kind == SYMPTOM && cause) || !rows[i].look(e, f)) continue;
        char *name = x->names[x->n];
        snprintf(name, NAME, "%s", rows[i].name);
        for (char *p = name; *p; p++) *p = (char)(*p == '_' ? '-' : *p);
        x->found[x->n++] = (elbo_finding){name, rows[i].title, f->evidence, rows[i].why, f->remedy};
        stop = rows[i].kind == STOP;
        cause = cause || rows[i].kind == CAUSE;
    }
}

/* Of a model and, where there are any, data. */
static elbo_status gather(evidence *e, elbo_engine *engine, elbo_model *m, elbo_data *data, elbo_error *error)
{
    elbo_status status = e->is_run ? gather_history(e, engine->m, error) : ELBO_OK;
    e->model = m;
    if (!m) return status;
    e->config = &m->config;
    bool trained = m->info.step > 0 && data;
    if (status == ELBO_OK && trained) status = evaluate_check(m, &data->info, error);
    return status == ELBO_OK && trained ? measure(m, data, &e->measured, error) : status;
}

/* The model asked about. Of a configuration it is made, which may be refused, and then there is none. */
static elbo_status open_subject(evidence *e, elbo_engine *engine, elbo_config *c, elbo_data *data, elbo_model **model,
                                elbo_error *refusal, elbo_error *error)
{
    if (!is_config(e->path)) {
        *model = elbo_model_load(engine, e->path, error);
        return *model ? ELBO_OK : ELBO_FAILED;
    }
    elbo_status status = elbo_config_read(c, e->path, error);
    if (status != ELBO_OK) return status;
    if (!data) return err_set(error, ELBO_USAGE, "%s is a configuration: name the data it is for, too", e->path);
    *model = elbo_model_new(engine, c, data, refusal);
    e->config = c;
    e->refusal = *model ? NULL : refusal->message;
    return *model || refusal->code == ELBO_USAGE ? ELBO_OK : err_set(error, refusal->code, "%s", refusal->message);
}

elbo_explanation *elbo_explain(elbo_engine *engine, const char *path, elbo_data *data, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    elbo_explanation *x = mem_new(engine->m, 1, sizeof *x);
    elbo_config *c = elbo_config_new(engine, error);
    elbo_model *m = NULL;
    elbo_error refusal = {0};
    evidence e = {.path = path,
                  .data_name = data ? data->info.name : NULL,
                  .history = {.m = engine->m}};
    file_kind kind = FILE_NONE;
    elbo_status status = x && c ? file_look(path, &kind, error) : err_memory(error, "an explanation");
    e.is_run = kind >= FILE_DIRECTORY;
    if (status == ELBO_OK) status = open_subject(&e, engine, c, data, &m, &refusal, error);
    if (status == ELBO_OK) status = gather(&e, engine, m, data, error);
    if (status == ELBO_OK) look_at_all(&e, x);
    measured_close(&e.measured, engine->m);
    history_close(&e.history);
    elbo_model_free(m);
    elbo_config_free(c);
    if (status != ELBO_OK) {
        mem_free(engine->m, x);
        return NULL;
    }
    x->m = engine->m;
    return x;
}

const elbo_finding *elbo_finding_at(const elbo_explanation *x, size_t i)
{
    return i < x->n ? &x->found[i] : NULL;
}

void elbo_explanation_free(elbo_explanation *x)
{
    if (x) mem_free(x->m, x);
}
