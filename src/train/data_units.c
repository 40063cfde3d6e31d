/* data_units.c - see data_units.h. Two passes over the training part, in double: means of the features, then the mean of the
 * squared differences from them. Missing values are left out. Only numbers and counts have a scale: bits and levels are 0
 * and 1. A number that does not vary keeps the scale 1. */
#include "data_units.h"
#include "../vae/units.h"

#include <math.h>

typedef struct sums {
    double *mean, *square; /* [F] */
    double *seen;          /* [F] examples in which the feature is there */
    double *x;             /* [D] an example */
    bool squares;          /* the second pass */
} sums;

static void read_example(const feed *f, int64_t i, int64_t d, double *x)
{
    bool bytes = f->data->info.dtype == ELBO_U8;
    for (int64_t j = i * d; j < (i + 1) * d; j++)
        *x++ = bytes ? ((const unsigned char *)f->x)[j] / 255.0 : (double)((const float *)f->x)[j];
}

static void add_feature(sums *s, int64_t at, double v)
{
    if (isnan(v)) return;
    if (s->squares) s->square[at] += (v - s->mean[at]) * (v - s->mean[at]);
    else s->mean[at] += v;
    s->seen[at]++;
}

static void add_run(sums *s, column_run r, int64_t at)
{
    bool count = r.kind == ELBO_COLUMN_COUNT || r.kind == ELBO_COLUMN_OVERDISPERSED;
    const double *x = s->x + r.first;
    if (r.kind == ELBO_COLUMN_CATEGORICAL)
        for (int64_t l = 0; l < r.levels; l++) add_feature(s, at + l, isnan(*x) ? *x : *x == (double)l);
    else
        for (int64_t i = 0; i < r.n; i++) add_feature(s, at + i, count ? log1p(x[i]) : x[i]);
}

static void add_example(const elbo_model *m, sums *s)
{
    int64_t at = 0;
    for (column_run r = {0}; units_next_run(&m->config, m->columns, model_numbers(m), &r); at += units_run_features(r))
        add_run(s, r, at);
}

static elbo_status pass(const elbo_model *m, feed *f, sums *s, elbo_error *error)
{
    int64_t d = model_numbers(m), n;
    for (int64_t step = 0; step < feed_steps(f); step++) {
        elbo_status status = feed_train(f, 0, step, &n, error);
        if (status != ELBO_OK) return status;
        for (int64_t i = 0; i < n; i++) {
            read_example(f, i, d, s->x);
            add_example(m, s);
        }
    }
    return ELBO_OK;
}

static elbo_status two_passes(const elbo_model *m, feed *f, sums *s, int64_t n, elbo_error *error)
{
    elbo_status status = pass(m, f, s, error);
    for (int64_t i = 0; i < n && status == ELBO_OK; i++) {
        s->mean[i] /= fmax(s->seen[i], 1);
        s->seen[i] = 0;
    }
    s->squares = true;
    return status == ELBO_OK ? pass(m, f, s, error) : status;
}

/* sd, or 1 where there is none to speak of */
static double scale_of(const sums *s, int64_t i)
{
    double sd = sqrt(s->square[i] / fmax(s->seen[i], 1));
    return sd > 1e-6 * fmax(fabs(s->mean[i]), 1e-12) ? sd : 1;
}

static void keep(elbo_model *m, const sums *s)
{
    const entry *mean = store_find(&m->store.states, "data.mean"), *scale = store_find(&m->store.states, "data.scale");
    int64_t at = 0;
    for (column_run r = {0}; units_next_run(&m->config, m->columns, model_numbers(m), &r); at += units_run_features(r))
        for (int64_t i = at; i < at + units_run_features(r); i++) {
            bool number = r.kind == ELBO_COLUMN_REAL || r.kind == ELBO_COLUMN_COUNT || r.kind == ELBO_COLUMN_OVERDISPERSED;
            m->store.state[mean->offset + i] = (float)s->mean[i];
            if (scale && number) m->store.state[scale->offset + i] = (float)scale_of(s, i);
        }
    store_revert(&m->store);
}

elbo_status data_units_set(elbo_model *m, feed *f, elbo_error *error)
{
    const entry *mean = store_find(&m->store.states, "data.mean");
    if (!mean) return ELBO_OK;
    size_t n = (size_t)mean->count;
    sums s = {.mean = mem_new(m->m, 3 * n + (size_t)model_numbers(m), sizeof *s.mean)};
    if (!s.mean) return err_memory(error, "means of the data");
    s.square = s.mean + n;
    s.seen = s.square + n;
    s.x = s.seen + n;
    elbo_status status = two_passes(m, f, &s, mean->count, error);
    if (status == ELBO_OK) keep(m, &s);
    mem_free(m->m, s.mean);
    return status == ELBO_OK ? model_note_units(m, error) : status;
}
