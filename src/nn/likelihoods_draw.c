/* likelihoods_draw.c - values drawn from p(x|z), by what likelihood_parameters says of it. A value takes as many random numbers
 * as its method asks for: they are those of its element, the first in step 0 of the key, the next in step 1 and so on. */
#include "likelihoods.h"

#include <math.h>

/* The random numbers of one value. */
typedef struct dice {
    philox_key key;
    uint64_t element;
} dice;

static double uniform(dice *d)
{
    double u;
    philox_uniform_double(d->key, d->element, 1, &u);
    d->key.step++;
    return u;
}

static double normal(dice *d)
{
    double v;
    philox_normal_double(d->key, d->element, 1, &v);
    d->key.step++;
    return v;
}

/* ---- One value: from its parameters a and b ---- */

static double bernoulli(dice *d, double a, double b)
{
    (void)b;
    return uniform(d) < a;
}

static double gaussian(dice *d, double a, double b)
{
    return a + b * normal(d);
}

static double laplace(dice *d, double a, double b)
{
    double u = uniform(d) - 0.5;
    return a - b * copysign(log1p(-2 * fabs(u)), u);
}

static double logistic(dice *d, double a, double b)
{
    double u = uniform(d);
    return a + b * log(u / (1 - u));
}

/* By adding up probabilities. */
static double few(dice *d, double mean)
{
    double u = uniform(d), p = exp(-mean), sum = p, k = 0;
    while (u > sum && k < 100) {
        p *= mean / ++k;
        sum += p;
    }
    return k;
}

/* PTRS, transformed rejection with a squeeze (Hoermann 1993). */
static double many(dice *d, double mean)
{
    double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b, inverse = 1.1239 + 1.1328 / (b - 3.4);
    double squeeze = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        double u = uniform(d) - 0.5, v = uniform(d), us = 0.5 - fabs(u), k = floor((2 * a / us + b) * u + mean + 0.43);
        int sign;
        if (us >= 0.07 && v <= squeeze) return k;
        if (k < 0 || (us < 0.013 && v > us)) continue;
        if (log(v * inverse / (a / (us * us) + b)) <= k * log(mean) - mean - lgamma_r(k + 1, &sign)) return k;
    }
}

static double poisson(dice *d, double a, double b)
{
    (void)b;
    if (!isfinite(a)) return a;
    return a < 10 ? few(d, a) : many(d, a);
}

/* Of scale 1 (Marsaglia and Tsang 2000). */
static double gamma_of(dice *from, double k)
{
    if (k < 1) {
        double u = uniform(from);
        return gamma_of(from, k + 1) * pow(u, 1 / k);
    }
    double d = k - 1.0 / 3, c = 1 / sqrt(9 * d);
    for (;;) {
        double x = normal(from), v = 1 + c * x, u = uniform(from);
        v = v * v * v;
        if (v > 0 && log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    }
}

/* Counts whose mean is spread as a gamma distribution. */
static double negative_binomial(dice *d, double a, double b)
{
    return poisson(d, gamma_of(d, b) * a / b, 0);
}

static double level(dice *d, const float *logits, int64_t n)
{
    double most = (double)logits[0], sum = 0, u = uniform(d);
    for (int64_t i = 1; i < n; i++) most = fmax(most, (double)logits[i]);
    for (int64_t i = 0; i < n; i++) sum += exp((double)logits[i] - most);
    int64_t i = 0;
    for (u *= sum; i < n - 1; i++) {
        u -= exp((double)logits[i] - most);
        if (u < 0) break;
    }
    return (double)i;
}

/* ---- All values ---- */

typedef struct draw_row {
    double (*draw)(dice *d, double a, double b); /* NULL: another way, or none */
    int parameters;                              /* of each value */
    bool counts;                                 /* in steps of l->step from l->low */
} draw_row;

static const draw_row rows[] = {
    [L_bernoulli] = {bernoulli, 1, false},
    [L_gaussian] = {gaussian, 2, false},
    [L_laplace] = {laplace, 2, false},
    [L_logistic] = {logistic, 2, false},
    [L_poisson] = {poisson, 1, true},
    [L_negative_binomial] = {negative_binomial, 2, true},
    [L_columns] = {NULL, 0, false},
};

int64_t likelihood_n_parameters(const likelihood *l, int64_t n)
{
    int64_t sum = 0;
    if (l->kind == L_categorical) return n * l->levels;
    if (l->kind != L_columns) return n * rows[l->kind].parameters;
    for (column_run run = {0}; columns_next_run(l->columns, &run);) {
        likelihood one = columns_run_likelihood(l, run);
        sum += likelihood_n_parameters(&one, run.n);
    }
    return sum;
}

/* A value of the logistic distribution is cut to the nearest level that there is. */
static double nearest_level(const likelihood *l, double x)
{
    return l->low + l->step * fmin(fmax(floor((x - l->low) / l->step + 0.5), 0), (double)(l->levels - 1));
}

static void draw_columns(const likelihood *l, const float *p, philox_key key, uint64_t first, float *x)
{
    for (column_run run = {0}; columns_next_run(l->columns, &run);) {
        likelihood one = columns_run_likelihood(l, run);
        likelihood_draw(&one, p, run.n, key, first + (uint64_t)run.first, x + run.first);
        p += likelihood_n_parameters(&one, run.n);
    }
}

void likelihood_draw(const likelihood *l, const float *p, int64_t n, philox_key key, uint64_t first, float *x)
{
    if (l->kind == L_columns) {
        draw_columns(l, p, key, first, x);
        return;
    }
    const draw_row *row = &rows[l->kind];
    for (int64_t j = 0; j < n; j++) {
        dice d = {key, first + (uint64_t)j};
        double v = 0;
        if (l->kind == L_categorical) v = l->low + l->step * level(&d, p + j * l->levels, l->levels);
        else if (row->draw) v = row->draw(&d, (double)p[j], row->parameters > 1 ? (double)p[n + j] : 0);
        if (l->kind == L_logistic) v = nearest_level(l, v);
        x[j] = (float)(row->counts ? l->low + l->step * v : v);
    }
}
