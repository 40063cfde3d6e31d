/* cmd_evaluate.c - elbo evaluate MODEL DATA: the loss on data. */
#include "cli.h"

#include <inttypes.h>

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_INT("nll", "measure", "0", 0, 1e9,
             "Also -log p(x) by importance sampling with so many draws (5000 is customary); 0: not."),
    FLAG_BOOL("squared-error", "measure", "false",
              "Also the squared error of reconstructions, summed over an example, beside that of the data's mean."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo evaluate runs/toy-vae toy", "the loss on the test part"},
    {"elbo evaluate runs/toy-vae toy --part train --json", "on the training part, for a program to read"},
    {"elbo evaluate runs/toy-vae toy --nll 5000", "and the likelihood itself, which the loss bounds"},
    {"elbo evaluate runs/toy-vae toy --squared-error", "how near reconstructions are"},
    {"elbo evaluate runs/toy-vae/last.safetensors toy", "of the last checkpoint instead of the best"},
    {0},
};

typedef struct figures {
    elbo_metrics loss;
    int64_t samples; /* of nll; 0: it was not asked for */
    double nll;
    bool compared; /* the rest was asked for */
    double error, of_mean;
} figures;

static elbo_status measure(cli *c, figures *f)
{
    elbo_status status = elbo_model_evaluate(c->model, c->data, &f->loss, &c->error);
    f->samples = flag_int(c, "nll");
    f->compared = flag_bool(c, "squared-error");
    if (status == ELBO_OK && f->samples) status = elbo_model_nll(c->model, c->data, f->samples, &f->nll, &c->error);
    if (status == ELBO_OK && f->compared)
        status = elbo_model_squared_error(c->model, c->data, &f->error, &f->of_mean, &c->error);
    return status;
}

static elbo_status print_text(const cli *c, const figures *f)
{
    const elbo_metrics *m = &f->loss;
    char number[32];
    printf("rec    %10.4f nats per example\n", m->rec);
    printf("kl     %10.4f\n", m->kl);
    printf("total  %10.4f\n", m->total);
    for (int64_t i = 0; i < m->n_other; i++) printf("%-10s %6.4f\n", m->other[i].name, m->other[i].value);
    printf("active %10" PRId64 " of %" PRId64 " latent numbers\n", m->active,
           elbo_model_describe(c->model)->latent_size);
    printf("count  %10s\n", count_text(m->count, number));
    if (f->samples) printf("nll    %10.4f with %" PRId64 " draws\n", f->nll, f->samples);
    if (f->compared)
        printf("error  %10.4f squared; the mean example's is %.4f, %.2f times as much\n", f->error, f->of_mean,
               f->of_mean / f->error);
    return ELBO_OK;
}

static elbo_status print_numbers(cli *c, const figures *f)
{
    json_t *j = json_metrics(&f->loss);
    if (f->samples) json_object_set_new(j, "nll", json_number(f->nll));
    if (f->compared) {
        json_object_set_new(j, "squared_error", json_number(f->error));
        json_object_set_new(j, "squared_error_of_mean", json_number(f->of_mean));
    }
    return print_json(c, j);
}

static elbo_status run(cli *c)
{
    figures f = {.samples = 0};
    elbo_status status = open_model_and_data(c);
    if (status == ELBO_OK) status = measure(c, &f);
    if (status != ELBO_OK) return status;
    return flag_bool(c, "json") ? print_numbers(c, &f) : print_text(c, &f);
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
