/* data_bias.c - a model that begins at the mean of its data: before training its last layer's bias is what the decoder would have
 * to emit for it (Burda et al. 2016), so that training begins with what varies. For bits that is the logit of the mean within
 * [0.001, 0.999], for counts the logarithm of their mean, for levels that of how often there is each; numbers of a table
 * are standardised, and 0. */
#include "data_bias.h"
#include "../vae/units.h"

#include <math.h>

enum { ENOUGH = 100000 };

static float logit(double mean)
{
    double p = fmin(fmax(mean, 0.001), 0.999);
    return (float)log(p / (1 - p));
}

/* ---- Pictures ---- */

static void add_batch(const feed *f, int64_t n, size_t d, double *sum)
{
    bool bytes = f->data->info.dtype == ELBO_U8;
    for (size_t i = 0; i < (size_t)n * d; i++)
        sum[i % d] += bytes ? ((const unsigned char *)f->x)[i] / 255.0 : (double)((const float *)f->x)[i];
}

static elbo_status sum_examples(feed *f, size_t d, double *sum, int64_t *seen, elbo_error *error)
{
    *seen = 0;
    for (int64_t step = 0; step < feed_steps(f) && *seen < ENOUGH; step++) {
        int64_t n;
        elbo_status status = feed_train(f, 0, step, &n, error);
        if (status != ELBO_OK) return status;
        add_batch(f, n, d, sum);
        *seen += n;
    }
    return ELBO_OK;
}

static elbo_status set_logits(elbo_model *m, feed *f, float *bias, elbo_error *error)
{
    size_t d = (size_t)model_numbers(m);
    double *sum = mem_new(m->m, d, sizeof *sum);
    if (!sum) return err_memory(error, "the mean of the data");
    int64_t seen;
    elbo_status status = sum_examples(f, d, sum, &seen, error);
    for (size_t i = 0; i < d && status == ELBO_OK; i++) bias[i] = logit(sum[i] / (double)seen);
    mem_free(m->m, sum);
    return status;
}

/* ---- Tables ---- */

static float bias_of(elbo_column_kind kind, double mean)
{
    switch (kind) {
    case ELBO_COLUMN_BINARY: return logit(mean);
    case ELBO_COLUMN_CATEGORICAL: return (float)log(fmax(mean, 0.001));
    case ELBO_COLUMN_COUNT:
    case ELBO_COLUMN_OVERDISPERSED: return (float)log(fmax(expm1(mean), 0.001)); /* mean is that of log(1 + x) */
    default: return 0;
    }
}

/* From the states data.mean, in the order in which the columns are emitted. */
static void set_columns(elbo_model *m, float *bias)
{
    const float *mean = m->store.state + store_find(&m->store.states, "data.mean")->offset;
    likelihood l = model_likelihood(m);
    for (column_run r = {0}; columns_next_run(m->columns, &r); mean += units_run_features(r)) {
        bool real = r.kind == ELBO_COLUMN_REAL || r.kind == ELBO_COLUMN_CONSTANT;
        int64_t n = columns_run_emits(&l, r);
        for (int64_t i = 0; i < n; i++) *bias++ = real ? 0 : bias_of(r.kind, (double)mean[i]);
    }
}

elbo_status data_bias_set(elbo_model *m, feed *f, elbo_error *error)
{
    const entry *e = store_find(&m->store.params, "decoder.out.bias");
    likelihood l = model_likelihood(m);
    if (!e || e->count != likelihood_emits(&l, model_numbers(m)))
        return err_set(error, ELBO_USAGE, "data-bias needs a decoder whose last layer has a bias for each number of an example");
    if (l.kind != L_columns) return set_logits(m, f, m->store.value + e->offset, error);
    set_columns(m, m->store.value + e->offset);
    return ELBO_OK;
}
