/* information.c - what the numbers of a code tell of the factors behind the data: mutual information by histograms, and its gap.
 *
 *     I(z_j; v_k) = sum_{b,c} p(b,c) log p(b,c) / (p(b) p(c)),   b the bin of z_j, c the value of v_k, p from counts
 *     gap_k = (I(z_j*; v_k) - max_{j != j*} I(z_j; v_k)) / H(v_k),   j* the number that tells most
 *
 * R. Chen, X. Li, R. Grosse, D. Duvenaud, "Isolating Sources of Disentanglement in VAEs" (2018); bins of equal width as in
 * F. Locatello et al., "Challenging Common Assumptions" (2019). Counting favours I by about (bins - 1)(values - 1) / 2n. */
#include "../base/mode.h"
#include "../base/philox.h"
#include "../data/data.h"
#include "evaluate.h"

#include <math.h>
#include <string.h>

enum { MOST_BINS = 1 << 16, READ = 512 };

typedef struct counting {
    int64_t n, n_codes, n_factors, bins, most; /* most: values of the largest factor */
    const float *codes;                        /* [n,Z] */
    const int32_t *factors;                    /* [n,F] */
    const elbo_factor_info *info;              /* [F] */
    int32_t *bin;                              /* [n] of the number at hand */
    int64_t *joint, *of_bin, *of_value;        /* [bins,most], [bins], [most] */
} counting;

/* ---- One number and one factor ---- */

/* The bin of each example's j-th number. */
static void cut(const counting *c, int64_t j)
{
    double least = INFINITY, largest = -INFINITY;
    for (int64_t i = 0; i < c->n; i++) {
        double z = (double)c->codes[i * c->n_codes + j];
        least = fmin(least, z);
        largest = fmax(largest, z);
    }
    double each = largest > least ? (double)c->bins / (largest - least) : 0;
    for (int64_t i = 0; i < c->n; i++) {
        int64_t b = (int64_t)(((double)c->codes[i * c->n_codes + j] - least) * each);
        c->bin[i] = (int32_t)(b < c->bins ? b : c->bins - 1);
    }
}

/* Counts the examples whose k-th factor is known; how many. */
static int64_t count(const counting *c, int64_t k)
{
    int64_t size = c->info[k].size, known = 0;
    memset(c->joint, 0, (size_t)(c->bins * size) * sizeof *c->joint);
    memset(c->of_bin, 0, (size_t)c->bins * sizeof *c->of_bin);
    memset(c->of_value, 0, (size_t)size * sizeof *c->of_value);
    for (int64_t i = 0; i < c->n; i++) {
        int32_t value = c->factors[i * c->n_factors + k];
        if (value < 0) continue;
        c->joint[c->bin[i] * size + value]++;
        c->of_bin[c->bin[i]]++;
        c->of_value[value]++;
        known++;
    }
    return known;
}

/* -sum p log p */
static double entropy_of(const int64_t *counts, int64_t n, int64_t all)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double p = (double)counts[i] / (double)all;
        if (counts[i] > 0) sum -= p * log(p);
    }
    return sum;
}

/* I = H(bin) + H(value) - H(bin, value), which is never negative but by rounding. */
static void measure(const counting *c, int64_t j, int64_t k, elbo_factor_scores *out)
{
    int64_t size = c->info[k].size, known = count(c, k);
    double of_value = known ? entropy_of(c->of_value, size, known) : 0;
    double joint = known ? entropy_of(c->joint, c->bins * size, known) : 0;
    double i = known ? entropy_of(c->of_bin, c->bins, known) + of_value - joint : 0;
    out->information[j * c->n_factors + k] = i > 0 ? i : 0;
    out->entropy[k] = of_value;
}

static double gap_of(const counting *c, int64_t k, const elbo_factor_scores *s)
{
    double first = 0, second = 0;
    for (int64_t j = 0; j < c->n_codes; j++) {
        double i = s->information[j * c->n_factors + k];
        if (i > first) second = first, first = i;
        else if (i > second) second = i;
    }
    return s->entropy[k] > 0 ? (first - second) / s->entropy[k] : (double)NAN;
}

/* ---- All of them ---- */

static elbo_status check(counting *c, elbo_error *error)
{
    if (c->n < 1 || c->n_codes < 1 || c->n_factors < 1 || c->bins < 1 || c->bins > MOST_BINS)
        return err_set(error, ELBO_USAGE, "got %lld examples, %lld numbers, %lld factors and %lld bins; expected at least 1 of "
                                          "each, and at most %d bins", (long long)c->n, (long long)c->n_codes,
                       (long long)c->n_factors, (long long)c->bins, MOST_BINS);
    for (int64_t k = 0; k < c->n_factors; k++) {
        if (c->info[k].size < 1)
            return err_set(error, ELBO_USAGE, "factor %s has %lld values, expected at least 1", c->info[k].name,
                           (long long)c->info[k].size);
        if (c->info[k].size > c->most) c->most = c->info[k].size;
    }
    for (int64_t i = 0; i < c->n * c->n_codes; i++)
        if (!isfinite(c->codes[i]))
            return err_set(error, ELBO_USAGE, "number %lld of code %lld is not finite", (long long)(i % c->n_codes),
                           (long long)(i / c->n_codes));
    for (int64_t i = 0; i < c->n * c->n_factors; i++) {
        const elbo_factor_info *f = &c->info[i % c->n_factors];
        if (c->factors[i] < -1 || c->factors[i] >= f->size)
            return err_set(error, ELBO_USAGE, "factor %s of example %lld is %ld, expected -1 to %lld", f->name,
                           (long long)(i / c->n_factors), (long)c->factors[i], (long long)f->size - 1);
    }
    return ELBO_OK;
}

elbo_status elbo_codes_factors(elbo_engine *engine, const float *codes, int64_t n, int64_t n_codes, const int32_t *factors,
                               const elbo_factor_info *info, int64_t n_factors, int64_t bins, elbo_factor_scores *scores,
                               elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    memory m = engine->m;
    counting c = {.n = n, .n_codes = n_codes, .n_factors = n_factors, .bins = bins, .codes = codes, .factors = factors,
                  .info = info};
    if (check(&c, error) != ELBO_OK) return ELBO_USAGE;
    c.bin = mem_new(m, (size_t)n, sizeof *c.bin);
    c.joint = mem_new(m, (size_t)(bins * c.most), sizeof *c.joint);
    c.of_bin = mem_new(m, (size_t)bins, sizeof *c.of_bin);
    c.of_value = mem_new(m, (size_t)c.most, sizeof *c.of_value);
    bool ok = c.bin && c.joint && c.of_bin && c.of_value;
    for (int64_t j = 0; ok && j < n_codes; j++) {
        cut(&c, j);
        for (int64_t k = 0; k < n_factors; k++) measure(&c, j, k, scores);
    }
    for (int64_t k = 0; ok && k < n_factors; k++) scores->gap[k] = gap_of(&c, k, scores);
    mem_free(m, c.bin);
    mem_free(m, c.joint);
    mem_free(m, c.of_bin);
    mem_free(m, c.of_value);
    return ok ? ELBO_OK : err_memory(error, "counts of codes and factors");
}

/* ---- Of a model ---- */

typedef struct drawn {
    int64_t n;
    int64_t *index;   /* [n] */
    float *x;         /* [READ,H,W,C] */
    float *codes;     /* [n,Z] */
    int32_t *factors; /* [n,F] */
} drawn;

static elbo_status read_drawn(elbo_model *m, elbo_data *data, const drawn *d, uint64_t seed, elbo_error *error)
{
    philox_key key = {.seed = seed, .stream = philox_stream("factors/examples")};
    for (int64_t i = 0; i < d->n; i++)
        d->index[i] = (int64_t)philox_shuffle(key, (uint64_t)data->info.count, (uint64_t)i);
    elbo_status status = elbo_data_read_factors(data, d->index, d->n, d->factors, error);
    for (int64_t done = 0, now; done < d->n && status == ELBO_OK; done += now) {
        now = d->n - done < READ ? d->n - done : READ;
        status = elbo_data_read(data, d->index + done, now, d->x, NULL, error);
        if (status == ELBO_OK) status = elbo_model_encode(m, d->x, now, d->codes + done * m->info.latent_size, NULL, error);
    }
    return status;
}

/* The factors of a data set, as one array; how many. */
static int64_t list_factors(elbo_data *data, const elbo_factor_info **out)
{
    int64_t n = 0;
    *out = elbo_data_factor_at(data, 0);
    while (elbo_data_factor_at(data, (size_t)n)) n++;
    return n;
}

elbo_status elbo_model_factors(elbo_model *m, elbo_data *data, int64_t n, uint64_t seed, int64_t bins,
                               elbo_factor_scores *scores, int64_t *used, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    const elbo_factor_info *info;
    int64_t n_factors = list_factors(data, &info), z = m->info.latent_size;
    if (evaluate_check(m, &data->info, error) != ELBO_OK) return ELBO_USAGE;
    if (n_factors == 0) return err_set(error, ELBO_USAGE, "%s has neither factors nor labels", data->info.name);
    if (n < 1) return err_set(error, ELBO_USAGE, "got %lld examples, expected 1 or more", (long long)n);
    drawn d = {.n = n < data->info.count ? n : data->info.count};
    d.index = mem_new(m->m, (size_t)d.n, sizeof *d.index);
    d.x = mem_new(m->m, READ, (size_t)model_numbers(m) * sizeof *d.x);
    d.codes = mem_new(m->m, (size_t)d.n, (size_t)z * sizeof *d.codes);
    d.factors = mem_new(m->m, (size_t)d.n, (size_t)n_factors * sizeof *d.factors);
    bool ok = d.index && d.x && d.codes && d.factors;
    elbo_status status = ok ? read_drawn(m, data, &d, seed, error) : err_memory(error, "examples with factors");
    if (status == ELBO_OK)
        status = elbo_codes_factors(m->engine, d.codes, d.n, z, d.factors, info, n_factors, bins, scores, error);
    if (used) *used = d.n;
    mem_free(m->m, d.index);
    mem_free(m->m, d.x);
    mem_free(m->m, d.codes);
    mem_free(m->m, d.factors);
    return status;
}
