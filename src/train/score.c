/* score.c - elbo_model_score: the loss of each example. The plan is the one that evaluation runs, but with elbo's own products,
 * whose bits do not depend on the rows beside; its noise is keyed by the example's index and the round of draws. So a score is
 * the same whatever is scored beside it. */
#include "../data/data.h"
#include "../base/mode.h"
#include "evaluate.h"

#include <string.h>

enum { BATCH = MOST_SERVED }; /* a plan that looks at several at once reads all rows of its bucket */

typedef struct scoring {
    elbo_model *m;
    int64_t samples;
    int64_t index[BATCH];
    void *x;
} scoring;

/* Adds one round of draws of n examples. */
static void add_round(scoring *s, compiled *c, int64_t n, uint32_t round, elbo_score *scores)
{
    elbo_model *m = s->m;
    run_env env = {.seed = (uint64_t)m->config.seed, .step = round, .index = s->index, .examples = n};
    model_run(m, c, s->x, env);
    for (int t = 0; t < m->objectives[0].n_terms; t++) {
        const float *value = model_result(m, c, c->first_term + t); /* [B] */
        bool rec = strcmp(m->terms[t].name, "rec") == 0, kl = strcmp(m->terms[t].name, "kl") == 0;
        double weight = model_term_weight(m, t), share = 1 / (double)s->samples;
        for (int64_t i = 0; i < n; i++) {
            double v = share * (double)value[i];
            if (weight != 0) scores[i].total += weight * v;
            if (rec) scores[i].rec += v;
            if (kl) scores[i].kl += v;
        }
    }
}

static elbo_status score_batch(scoring *s, elbo_data *data, int64_t first, int64_t n, elbo_score *scores, elbo_error *error)
{
    plan_key key = {.purpose = EVALUATE, .examples = model_bucket(n), .dtype = data->info.dtype, .backend = BACKEND_CPU_OWN};
    for (int64_t i = 0; i < n; i++) {
        s->index[i] = first + i;
        scores[i] = (elbo_score){0};
    }
    elbo_status status = data_read_raw(data, s->index, n, s->x, NULL, error);
    if (status != ELBO_OK) return status;
    compiled *c = model_plan(s->m, key, error);
    if (!c) return ELBO_NO_MEMORY;
    for (int64_t round = 0; round < s->samples; round++) add_round(s, c, n, (uint32_t)round, scores);
    return ELBO_OK;
}

static elbo_status check(const elbo_model *m, const elbo_data_info *d, int64_t first, int64_t n, int64_t samples,
                         elbo_error *error)
{
    if (first < 0 || n < 0 || first > d->count - n)
        return err_set(error, ELBO_USAGE, "there are no examples %lld to %lld in %s: it has %lld", (long long)first,
                       (long long)(first + n - 1), d->name, (long long)d->count);
    if (samples < 1 || samples > UINT32_MAX)
        return err_set(error, ELBO_USAGE, "got %lld samples, expected 1 to %u", (long long)samples, UINT32_MAX);
    return evaluate_check(m, d, error);
}

elbo_status elbo_model_score(elbo_model *m, elbo_data *data, int64_t first, int64_t n, int64_t samples, elbo_score *scores,
                             elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    elbo_status status = check(m, &data->info, first, n, samples, error);
    if (status != ELBO_OK) return status;
    scoring *s = mem_new(m->m, 1, sizeof *s);
    if (!s) return err_memory(error, "scores");
    s->m = m;
    s->samples = samples;
    s->x = mem_new(m->m, (size_t)model_bucket(n), data_example_bytes(data));
    if (!s->x) status = err_memory(error, "scores");
    for (int64_t done = 0; done < n && status == ELBO_OK; done += BATCH)
        status = score_batch(s, data, first + done, n - done < BATCH ? n - done : BATCH, scores + done, error);
    mem_free(m->m, s->x);
    mem_free(m->m, s);
    return status;
}
