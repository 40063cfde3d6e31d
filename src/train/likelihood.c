/* likelihood.c - the likelihood of data by importance sampling (elbo_model_nll), and what it is in bits (elbo_model_bits).
 * Draws come in batches of a few for each example; the log of their mean weight is kept as a running largest and a sum
 * relative to it, in double. */
#include "../data/data.h"
#include "../base/mode.h"
#include "evaluate.h"

#include <math.h>

enum { BATCH = 64, DRAWS = 50 };

typedef struct weighing {
    elbo_model *m;
    int64_t samples;
    double largest[BATCH], sum[BATCH]; /* log sum_k w_k = largest + log sum */
    int64_t index[BATCH];
    void *x;
} weighing;

static void add_weight(weighing *w, int64_t i, double log_w)
{
    if (log_w > w->largest[i]) {
        w->sum[i] = w->sum[i] * exp(w->largest[i] - log_w) + 1;
        w->largest[i] = log_w;
    } else {
        w->sum[i] += exp(log_w - w->largest[i]);
    }
}

/* One round of draws for the batch; the round is the step of the noise's key. */
static elbo_status draw_round(weighing *w, elbo_dtype stored, int64_t n, int64_t round, int64_t draws, elbo_error *error)
{
    plan_key key = {.purpose = WEIGH, .examples = BATCH, .dtype = stored, .draws = (int)draws};
    compiled *c = model_plan(w->m, key, error);
    if (!c) return ELBO_NO_MEMORY;
    model_run(w->m, c, w->x, (run_env){.seed = (uint64_t)w->m->config.seed, .step = (uint32_t)round, .index = w->index});
    const float *log_w = model_result(w->m, c, c->x); /* [B,draws] */
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < draws; k++) add_weight(w, i, (double)log_w[i * draws + k]);
    return ELBO_OK;
}

/* The sum over a batch of -log p(x). */
static elbo_status weigh_batch(weighing *w, elbo_dtype stored, int64_t n, double *sum, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    for (int64_t i = 0; i < n; i++) {
        w->largest[i] = -INFINITY;
        w->sum[i] = 0;
    }
    for (int64_t done = 0, draws; done < w->samples && status == ELBO_OK; done += draws) {
        draws = w->samples - done < DRAWS ? w->samples - done : DRAWS;
        status = draw_round(w, stored, n, done / DRAWS, draws, error);
    }
    for (int64_t i = 0; i < n; i++) *sum -= w->largest[i] + log(w->sum[i]) - log((double)w->samples);
    return status;
}

static elbo_status weigh_all(weighing *w, elbo_data *data, double *nll, elbo_error *error)
{
    int64_t count = data->info.count;
    elbo_status status = ELBO_OK;
    double sum = 0;
    for (int64_t first = 0, n; first < count && status == ELBO_OK; first += n) {
        n = count - first < BATCH ? count - first : BATCH;
        for (int64_t i = 0; i < n; i++) w->index[i] = first + i;
        status = data_read_raw(data, w->index, n, w->x, NULL, error);
        if (status == ELBO_OK) status = weigh_batch(w, data->info.dtype, n, &sum, error);
    }
    *nll = sum / (double)count;
    return status;
}

elbo_status elbo_model_nll(elbo_model *m, elbo_data *data, int64_t samples, double *nll, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    elbo_status status = evaluate_check(m, &data->info, error);
    if (status != ELBO_OK) return status;
    if (!m->family->has_prior)
        return err_set(error, ELBO_USAGE, "family %s has no Gaussian prior to weigh its codes by", m->info.family);
    if (samples < 1) return err_set(error, ELBO_USAGE, "got %lld samples, expected 1 or more", (long long)samples);
    weighing *w = mem_new(m->m, 1, sizeof *w);
    if (!w) return err_memory(error, "a likelihood");
    w->m = m;
    w->samples = samples;
    w->x = mem_new(m->m, BATCH, data_example_bytes(data));
    status = w->x ? weigh_all(w, data, nll, error) : err_memory(error, "a likelihood");
    mem_free(m->m, w->x);
    mem_free(m->m, w);
    return status;
}

/* Why the model's likelihood is that of no data that have bits. */
static elbo_status refuse_bits(const elbo_model *m, elbo_error *error)
{
    const likelihood_info *l = likelihood_at((size_t)m->config.likelihood);
    if (!m->family->has_prior)
        return err_set(error, ELBO_USAGE, "family %s has no prior of codes, and so no p(x) to have bits of", m->info.family);
    if (m->info.measure == ELBO_DENSITY)
        return err_set(error, ELBO_USAGE,
                       "the model's data are real numbers: their density is not a probability, and has as many bits as one "
                       "likes to give it digits; compare nats, of models of the same data");
    if (l->takes == TAKES_UNIT)
        return err_set(error, ELBO_USAGE, "likelihood %s of grey values is a cross-entropy, and no -log p(x): use --binarize, or "
                                          "--likelihood logistic, categorical or gaussian", l->name);
    return err_set(error, ELBO_USAGE, "likelihood %s lacks the constants of a distribution: --likelihood gaussian has them",
                   l->name);
}

elbo_status elbo_model_bits(const elbo_model *m, double nats, double *bits, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    bool levels = m->info.measure == ELBO_DENSITY && m->data.step > 0;
    if (!m->family->has_prior || !(m->info.measure == ELBO_MASS || levels)) return refuse_bits(m, error);
    *bits = (nats + m->info.log_volume) / ((double)model_numbers(m) * log(2));
    return ELBO_OK;
}
