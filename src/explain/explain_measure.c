/* explain_measure.c - see explain_measure.h */
#include "explain_measure.h"

#include <math.h>

enum { BLOCK = 250 };
#define END 0.01 /* of the range: what counts as at its end */

/* A block of examples x [n,D], their codes [n,Z] with standard deviations, and reconstructions. */
typedef struct block {
    int64_t index[BLOCK];
    float *x, *mean, *std, *out;
} block;

typedef struct sums {
    double *x;        /* [D] */
    double *mu, *mu2; /* [Z] */
    double square, error;
    double at_wrong_end;
} sums;

static bool open_room(memory m, block *b, sums *s, measured *out, size_t d, size_t z)
{
    b->x = mem_new(m, BLOCK * d, sizeof *b->x);
    b->out = mem_new(m, BLOCK * d, sizeof *b->out);
    b->mean = mem_new(m, BLOCK * z, sizeof *b->mean);
    b->std = mem_new(m, BLOCK * z, sizeof *b->std);
    s->x = mem_new(m, d, sizeof *s->x);
    s->mu = mem_new(m, z, sizeof *s->mu);
    s->mu2 = mem_new(m, z, sizeof *s->mu2);
    out->mean_variance = mem_new(m, z, sizeof *out->mean_variance);
    out->mean_square = mem_new(m, z, sizeof *out->mean_square);
    return b->x && b->out && b->mean && b->std && s->x && s->mu && s->mu2 && out->mean_variance && out->mean_square;
}

static void close_room(memory m, block *b, sums *s)
{
    void *all[] = {b->x, b->out, b->mean, b->std, s->x, s->mu, s->mu2};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) mem_free(m, all[i]);
}

/* Values of which the model only sees whether they reach 1/2 are compared as that. */
static double as_seen(const elbo_model *m, double x)
{
    enum { NONE, THRESHOLD };
    return m->config.binarize == THRESHOLD ? (double)(x >= 0.5) : x;
}

static void add_pictures(const elbo_model *m, const block *b, int64_t n, int64_t d, sums *s, measured *out)
{
    double low = m->info.min, high = m->info.max, end = END * (high - low);
    for (int64_t i = 0; i < n * d; i++) {
        double x = (double)b->x[i], y = (double)b->out[i], seen = as_seen(m, x);
        out->min = fmin(out->min, x);
        out->max = fmax(out->max, x);
        out->out_min = fmin(out->out_min, y);
        out->out_max = fmax(out->out_max, y);
        s->x[i % d] += seen;
        s->square += seen * seen;
        s->error += (seen - y) * (seen - y);
        s->at_wrong_end += (y < low + end && seen > high - end) || (y > high - end && seen < low + end);
    }
}

static void add_codes(const block *b, int64_t n, int64_t z, sums *s, measured *out)
{
    for (int64_t i = 0; i < n * z; i++) {
        double mu = (double)b->mean[i], std = (double)b->std[i];
        s->mu[i % z] += mu;
        s->mu2[i % z] += mu * mu;
        out->mean_square[i % z] += mu * mu + std * std;
    }
}

static elbo_status add_block(elbo_model *m, elbo_data *data, block *b, int64_t first, sums *s, measured *out,
                             elbo_error *error)
{
    int64_t n = out->count - first < BLOCK ? out->count - first : BLOCK, d = model_numbers(m), z = m->info.latent_size;
    for (int64_t i = 0; i < n; i++) b->index[i] = (first + i) * data->info.count / out->count;
    elbo_status status = elbo_data_read(data, b->index, n, b->x, NULL, error);
    if (status == ELBO_OK) status = elbo_model_encode(m, b->x, n, b->mean, b->std, error);
    if (status == ELBO_OK) status = elbo_model_decode(m, b->mean, n, b->out, error);
    if (status != ELBO_OK) return status;
    add_pictures(m, b, n, d, s, out);
    add_codes(b, n, z, s, out);
    return ELBO_OK;
}

static void finish(const sums *s, int64_t d, int64_t z, measured *out)
{
    double n = (double)out->count, numbers = n * (double)d, between = 0;
    for (int64_t i = 0; i < d; i++) between += s->x[i] * s->x[i] / n;
    out->variance = (s->square - between) / numbers;
    out->error = s->error / numbers;
    out->wrong_end = s->at_wrong_end / numbers;
    for (int64_t j = 0; j < z; j++) {
        double mean = s->mu[j] / n;
        out->mean_variance[j] = s->mu2[j] / n - mean * mean;
        out->mean_square[j] /= n;
    }
}

static elbo_status measure_in(elbo_model *m, elbo_data *data, block *b, sums *s, measured *out, elbo_error *error)
{
    int64_t d = model_numbers(m), z = m->info.latent_size;
    if (!open_room(m->m, b, s, out, (size_t)d, (size_t)z)) return err_memory(error, "measuring a model");
    elbo_status status = ELBO_OK;
    for (int64_t first = 0; first < out->count && status == ELBO_OK; first += BLOCK)
        status = add_block(m, data, b, first, s, out, error);
    if (status == ELBO_OK) finish(s, d, z, out);
    return status;
}

elbo_status measure(elbo_model *m, elbo_data *data, measured *out, elbo_error *error)
{
    block b = {.x = NULL};
    sums s = {.x = NULL};
    *out = (measured){.count = data->info.count < MEASURED_EXAMPLES ? data->info.count : MEASURED_EXAMPLES,
                      .min = INFINITY,
                      .max = -INFINITY,
                      .out_min = INFINITY,
                      .out_max = -INFINITY};
    elbo_status status = measure_in(m, data, &b, &s, out, error);
    close_room(m->m, &b, &s);
    return status;
}

void measured_close(measured *x, memory m)
{
    mem_free(m, x->mean_variance);
    mem_free(m, x->mean_square);
    *x = (measured){.count = 0};
}
