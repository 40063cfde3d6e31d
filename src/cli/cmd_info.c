/* cmd_info.c - elbo info MODEL: what a model file holds. */
#include "cli.h"

#include <inttypes.h>

static const elbo_option_info flags[] = {FLAG_END};

static const example examples[] = {
    {"elbo info runs/toy-vae", "family, shape, size, latents, options and progress of the best checkpoint"},
    {"elbo info runs/toy-vae/last.safetensors --json", "the same of the last, for a program to read"},
    {0},
};

static elbo_status print_text(cli *c, const elbo_model_info *m)
{
    char shape[64], number[32];
    const elbo_latent_info *latent;
    const elbo_option_info *option;
    printf("family      %s\n", m->family);
    printf("examples    %s in [%g, %g]\n", shape_text(m->shape, shape), m->min, m->max);
    printf("parameters  %s\n", count_text(m->n_parameters, number));
    for (size_t i = 0; (latent = elbo_model_latent_at(c->model, i)) != NULL; i++)
        printf("latent      %s: %" PRId64 " numbers, %s\n", latent->name, latent->size, latent->kind);
    printf("trained     %" PRId64 " epochs, %s steps\n", m->epoch, count_text(m->step, number));
    printf("options\n");
    for (size_t i = 0; (option = elbo_option_at(i)) != NULL; i++) {
        const char *value = elbo_model_option(c->model, option->key);
        if (value) printf("  %-20s %s\n", option->key, value);
    }
    return ELBO_OK;
}

static json_t *latents_json(const cli *c)
{
    json_t *list = json_array();
    const elbo_latent_info *latent;
    for (size_t i = 0; (latent = elbo_model_latent_at(c->model, i)) != NULL; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:I}", "name", latent->name, "kind", latent->kind, "size",
                                              (json_int_t)latent->size));
    return list;
}

/* Every option as the text that a configuration holds. */
static json_t *options_json(const cli *c)
{
    json_t *object = json_object();
    const elbo_option_info *option;
    for (size_t i = 0; (option = elbo_option_at(i)) != NULL; i++) {
        const char *value = elbo_model_option(c->model, option->key);
        if (value) json_object_set_new(object, option->key, json_string(value));
    }
    return object;
}

static elbo_status print_object(cli *c, const elbo_model_info *m)
{
    return print_json(c, json_pack("{s:s, s:o, s:o, s:o, s:I, s:I, s:o, s:I, s:I, s:o}", "family", m->family, "shape",
                                   json_shape(m->shape), "min", json_number(m->min), "max", json_number(m->max),
                                   "parameters", (json_int_t)m->n_parameters, "latent_size", (json_int_t)m->latent_size,
                                   "latents", latents_json(c), "step", (json_int_t)m->step, "epoch",
                                   (json_int_t)m->epoch, "options", options_json(c)));
}

static elbo_status run(cli *c)
{
    elbo_status status = open_engine(c);
    if (status == ELBO_OK) status = open_model(c, c->word[0]);
    if (status != ELBO_OK) return status;
    const elbo_model_info *info = elbo_model_describe(c->model);
    return flag_bool(c, "json") ? print_object(c, info) : print_text(c, info);
}

const command command_info = {
    .name = "info",
    .summary = "Tell what a model is",
    .words = {"MODEL"},
    .about = "Prints what MODEL is, how far it has been trained, and the options it was made with.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
