/* impute.c - elbo_model_impute: what is missing of examples, by pseudo-Gibbs sampling (Rezende et al. 2014, appendix F).
 *
 *     z ~ q(z|x),   x_missing = E[x_missing|z],   and again
 *
 * with what is known of x as it is. The paper draws x_missing too; here it is its mean, which keeps the noise of single
 * pixels out of the next code. The chain begins with what the code 0 stands for, needs some rounds to forget it, and is
 * averaged over the second half of them. */
#include "model.h"
#include "../base/mode.h"
#include "../base/philox.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 512 };

typedef struct chain {
    elbo_model *m;
    int64_t first, n, d, width; /* examples of this block; numbers of an example and of a code */
    uint64_t seed;
    const float *known;           /* [n,D] */
    const unsigned char *missing; /* [n,D]; NULL: where known is nan */
    float *x, *y;                 /* [n,D] filled in; decoded */
    float *mean, *std, *noise;    /* [n,Z] */
    double *sum;                  /* [n,D] over the rounds that count */
} chain;

static bool is_missing(const chain *c, int64_t i)
{
    return c->missing ? c->missing[i] != 0 : isnan(c->known[i]);
}

static void fill_in(chain *c)
{
    for (int64_t i = 0; i < c->n * c->d; i++) c->x[i] = is_missing(c, i) ? c->y[i] : c->known[i];
}

static elbo_status begin(chain *c, elbo_error *error)
{
    memset(c->mean, 0, (size_t)(c->n * c->width) * sizeof *c->mean);
    memset(c->sum, 0, (size_t)(c->n * c->d) * sizeof *c->sum);
    elbo_status status = elbo_model_decode(c->m, c->mean, c->n, c->y, error);
    if (status == ELBO_OK) fill_in(c);
    return status;
}

static elbo_status do_round(chain *c, int64_t round, elbo_error *error)
{
    philox_key key = {.seed = c->seed, .step = (uint32_t)round, .stream = philox_stream("impute/z")};
    elbo_status status = elbo_model_encode(c->m, c->x, c->n, c->mean, c->std, error);
    if (status != ELBO_OK) return status;
    philox_normal(key, (uint64_t)(c->first * c->width), (size_t)(c->n * c->width), c->noise);
    for (int64_t i = 0; i < c->n * c->width; i++) c->mean[i] += c->std[i] * c->noise[i];
    status = elbo_model_decode(c->m, c->mean, c->n, c->y, error);
    if (status == ELBO_OK) fill_in(c);
    return status;
}

static elbo_status run_chain(chain *c, int64_t rounds, float *out, elbo_error *error)
{
    elbo_status status = begin(c, error);
    for (int64_t round = 0; round < rounds && status == ELBO_OK; round++) {
        status = do_round(c, round, error);
        for (int64_t i = 0; i < c->n * c->d && round >= rounds / 2; i++) c->sum[i] += (double)c->y[i];
    }
    const int64_t counted = rounds - rounds / 2;
    for (int64_t i = 0; i < c->n * c->d && status == ELBO_OK; i++)
        out[i] = is_missing(c, i) ? (float)(c->sum[i] / (double)counted) : c->known[i];
    return status;
}

static bool make_room(chain *c, memory m)
{
    size_t numbers = (size_t)(BLOCK * c->d), codes = (size_t)(BLOCK * c->width);
    c->x = mem_new(m, numbers, sizeof *c->x);
    c->y = mem_new(m, numbers, sizeof *c->y);
    c->sum = mem_new(m, numbers, sizeof *c->sum);
    c->mean = mem_new(m, codes, sizeof *c->mean);
    c->std = mem_new(m, codes, sizeof *c->std);
    c->noise = mem_new(m, codes, sizeof *c->noise);
    return c->x && c->y && c->sum && c->mean && c->std && c->noise;
}

static void give_room(chain *c, memory m)
{
    void *const all[] = {c->x, c->y, c->sum, c->mean, c->std, c->noise};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) mem_free(m, all[i]);
}

elbo_status elbo_model_impute(elbo_model *m, const float *x, const unsigned char *missing, int64_t n, int64_t rounds,
                              uint64_t seed, float *out, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (n < 0 || rounds < 1 || rounds > UINT32_MAX)
        return err_set(error, ELBO_USAGE, "got %lld examples and %lld rounds, expected 0 or more and 1 to %u", (long long)n,
                       (long long)rounds, UINT32_MAX);
    chain c = {.m = m, .d = model_numbers(m), .width = m->info.latent_size, .seed = seed};
    elbo_status status = make_room(&c, m->m) ? ELBO_OK : err_memory(error, "examples to fill in");
    for (; c.first < n && status == ELBO_OK; c.first += c.n) {
        int64_t at = c.first * c.d;
        c.n = n - c.first < BLOCK ? n - c.first : BLOCK;
        c.known = x + at;
        c.missing = missing ? missing + at : NULL;
        status = run_chain(&c, rounds, out + at, error);
    }
    give_room(&c, m->m);
    return status;
}
