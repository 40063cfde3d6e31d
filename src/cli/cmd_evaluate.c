/* cmd_evaluate.c - elbo evaluate MODEL DATA: the loss on data. */
#include "cli.h"

#include <inttypes.h>

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_INT("nll", "measure", "0", 0, 1e9,
             "Also -log p(x) by importance sampling with so many draws (5000 is customary); 0: not."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo evaluate runs/toy-vae toy", "the loss on the test part"},
    {"elbo evaluate runs/toy-vae toy --part train --json", "on the training part, for a program to read"},
    {"elbo evaluate runs/toy-vae toy --nll 5000", "and the likelihood itself, which the loss bounds"},
    {"elbo evaluate runs/toy-vae/last.safetensors toy", "of the last checkpoint instead of the best"},
    {0},
};

static elbo_status print_text(const cli *c, const elbo_metrics *m, int64_t samples, double nll)
{
    char number[32];
    printf("rec    %10.4f nats per example\n", m->rec);
    printf("kl     %10.4f\n", m->kl);
    printf("total  %10.4f\n", m->total);
    for (int64_t i = 0; i < m->n_other; i++) printf("%-10s %6.4f\n", m->other[i].name, m->other[i].value);
    printf("active %10" PRId64 " of %" PRId64 " latent numbers\n", m->active,
           elbo_model_describe(c->model)->latent_size);
    printf("count  %10s\n", count_text(m->count, number));
    if (samples) printf("nll    %10.4f with %" PRId64 " draws\n", nll, samples);
    return ELBO_OK;
}

static elbo_status run(cli *c)
{
    elbo_metrics metrics = {0};
    elbo_status status = open_model_and_data(c);
    if (status == ELBO_OK) status = elbo_model_evaluate(c->model, c->data, &metrics, &c->error);
    int64_t samples = flag_int(c, "nll");
    double nll = 0;
    if (status == ELBO_OK && samples) status = elbo_model_nll(c->model, c->data, samples, &nll, &c->error);
    if (status != ELBO_OK) return status;
    if (!flag_bool(c, "json")) return print_text(c, &metrics, samples, nll);
    json_t *j = json_metrics(&metrics);
    if (samples) json_object_set_new(j, "nll", json_number(nll));
    return print_json(c, j);
}

const command command_evaluate = {
    .name = "evaluate",
    .summary = "Measure a model's loss on data",
    .words = {"MODEL", "DATA"},
    .about = "Prints the loss of MODEL on DATA in nats per example: total = rec + beta kl.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
