/* likelihoods.c - see likelihoods.h. Each likelihood is three functions: <name>_nll, -log p of each value [..., D] with all
 * constants, <name>_mean, [..., D], and <name>_parameters, what <name>_draw in likelihoods_draw.c draws from. */
#include "join.h"
#include "likelihoods.h"

#include <math.h>

#define LOG_2PI 1.8378770664093453

/* The j-th of the numbers emitted for each value: [..., D E] to [..., D] */
static node *part(const likelihood *l, node *r, int64_t j)
{
    int64_t e = likelihood_emits(l, 1);
    if (e == 1 || g_broken(r)) return r;
    shape each = r->shape, pairs = r->shape;
    each.dim[each.rank - 1] /= e; /* NOLINT(clang-analyzer-core.DivideZero): of one value at least one is emitted */
    pairs.dim[pairs.rank - 1] = each.dim[each.rank - 1];
    pairs.dim[pairs.rank++] = e;
    return g_reshape(g_slice(g_reshape(r, pairs), pairs.rank - 1, j, 1), each);
}

/* ---- Bits, and grey values as their probabilities ---- */

/* softplus(l) - x l = max(l,0) - x l + log1p(exp(-|l|)): stable for any logit, no epsilon */
static node *bernoulli_nll(scope *s, const likelihood *l, node *logits, node *x)
{
    (void)s;
    (void)l;
    return g_sub(g_softplus(logits), g_mul(x, logits));
}

static node *bernoulli_mean(const likelihood *l, node *logits)
{
    (void)l;
    return g_sigmoid(logits);
}

/* -(x log(eps + p) + (1-x) log(eps + (1-p))): it saturates at -log eps, where its gradient dies. Written as
 * eps + (1 - p): the other order loses the epsilon in fp32. */
static node *bernoulli_eps_nll(scope *s, const likelihood *l, node *logits, node *x)
{
    (void)s;
    (void)l;
    node *p = g_sigmoid(logits);
    node *one = g_like(p, 1);
    node *on = g_mul(x, g_log(g_shift(p, 1e-10)));
    node *off = g_mul(g_sub(one, x), g_log(g_shift(g_sub(one, p), 1e-10)));
    return g_neg(g_add(on, off));
}

#define bernoulli_eps_mean bernoulli_mean

static node *bernoulli_parameters(scope *s, const likelihood *l, node *logits)
{
    (void)s;
    return bernoulli_mean(l, logits);
}

/* A loss. */
static node *no_parameters(scope *s, const likelihood *l, node *r)
{
    static const char *const names[] = {
#define LIKELIHOOD(name, ...) name,
#include "likelihoods.def"
#undef LIKELIHOOD
    };
    (void)r;
    return g_fail(s->g, "likelihood %s is a loss, not a distribution, so nothing can be drawn from it; take means",
                  names[l->kind]);
}

#define bernoulli_eps_parameters no_parameters

/* ---- Location and scale ---- */

static node *location(const likelihood *l, node *r)
{
    node *at = part(l, r, 0);
    switch (l->output) {
    case OUTPUT_LINEAR: return at;
    case OUTPUT_SIGMOID: return g_sigmoid(at);
    case OUTPUT_TANH: return g_tanh(at);
    }
    return at;
}

/* The mean of |error|^p over the batch while training (where p(x|z) is largest, Rybkin et al. 2021), and a running mean
 * of it, kept as state, when evaluating. At the optimum of an average of likelihoods no gradient comes through it; where
 * draws are weighted (iwae) some does, so it is not detached. */
static node *optimal_power(scope *s, node *power, node *present)
{
    node *kept = scope_state(s, "variance", SCALAR, 1);
    if (!s->training) return kept;
    node *there = present ? g_broadcast(present, power->shape) : NULL;
    node *mean = there ? g_div(g_sum_all(g_mul(power, there)), g_shift(g_sum_all(there), 1e-8)) : g_mean_all(power);
    node *now = g_shift(mean, 1e-8);
    scope_state_set(s, "variance", g_add(g_scale(kept, 0.9), g_scale(g_stop(now), 0.1)));
    return now;
}

/* The logarithm of the scale, [...] broadcastable to [..., D]. power: |x - location|^p, for the optimal one. */
static node *log_scale(scope *s, const likelihood *l, node *r, node *power, double p)
{
    const init_rule begin = {.value = log(l->sigma)};
    switch (l->sigma_kind) {
    case SIGMA_FIXED: return g_constant(s->g, log(l->sigma), SHAPE(1));
    case SIGMA_LEARNED: return scope_param(s, "logsigma", SHAPE(1), NULL, begin);
    case SIGMA_PER_DIMENSION: return scope_param(s, "logsigma", SHAPE(shape_last(power->shape)), NULL, begin);
    case SIGMA_PREDICTED: return g_shift(g_clip(part(l, r, 1), -15, 10), log(l->sigma));
    case SIGMA_OPTIMAL: return g_scale(g_log(optimal_power(s, power, l->present)), 1 / p);
    }
    return NULL;
}

/* 1/2 log(2 pi) + log sigma + (x - mu)^2 / (2 sigma^2) */
static node *gaussian_nll(scope *s, const likelihood *l, node *r, node *x)
{
    node *square = g_square(g_sub(location(l, r), x)), *ls = log_scale(s, l, r, square, 2);
    node *scaled = g_mul(square, g_scale(g_exp(g_scale(ls, -2)), 0.5));
    return g_add(scaled, g_shift(ls, 0.5 * LOG_2PI));
}

#define gaussian_mean location

/* Two numbers for each value, all of the first kind before the second. */
static node *pair(node *first, node *second)
{
    join all = {0};
    if (g_broken(first) || g_broken(second)) return g_broken(first) ? first : second;
    join_add(&all, first);
    join_add(&all, g_broadcast(second, first->shape));
    return join_end(&all);
}

/* location, scale. An optimal scale is the one kept: nothing is read. */
static node *gaussian_parameters(scope *s, const likelihood *l, node *r)
{
    node *at = location(l, r);
    return pair(at, g_exp(log_scale(s, l, r, at, 2)));
}

/* log 2 + log b + |x - mu| / b */
static node *laplace_nll(scope *s, const likelihood *l, node *r, node *x)
{
    node *far = g_abs(g_sub(location(l, r), x)), *ls = log_scale(s, l, r, far, 1);
    return g_add(g_mul(far, g_exp(g_neg(ls))), g_shift(ls, log(2)));
}

#define laplace_mean location

static node *laplace_parameters(scope *s, const likelihood *l, node *r)
{
    node *at = location(l, r);
    return pair(at, g_exp(log_scale(s, l, r, at, 1)));
}

static node *squared_nll(scope *s, const likelihood *l, node *r, node *x)
{
    (void)s;
    return g_square(g_sub(location(l, r), x));
}

#define squared_mean location

static node *half_squared_nll(scope *s, const likelihood *l, node *r, node *x)
{
    return g_scale(squared_nll(s, l, r, x), 0.5);
}

#define half_squared_mean location
#define squared_parameters no_parameters
#define half_squared_parameters no_parameters

/* ---- Levels ---- */

/* -log [F((x + h - mu) / s) - F((x - h - mu) / s)], h half a step, F the logistic function; F(...) is 1 above the highest
 * level and 0 below the lowest (Salimans et al. 2017, PixelCNN++). With a and b the two arguments,
 * F(a) - F(b) = F(a) F(-b) (1 - exp(b - a)), which loses nothing wherever x lies. */
static node *logistic_nll(scope *s, const likelihood *l, node *r, node *x)
{
    double h = l->step / 2, top = l->low + (double)(l->levels - 1) * l->step;
    node *far = g_sub(x, location(l, r)), *narrow = g_exp(g_neg(log_scale(s, l, r, far, 1)));
    node *a = g_mul(g_shift(far, h), narrow), *b = g_mul(g_shift(far, -h), narrow);
    node *not_top = g_less(x, g_like(x, top - h)), *not_low = g_less(g_like(x, l->low + h), x), *none = g_zero(a);
    node *above = g_where(not_top, g_softplus(g_neg(a)), none), *below = g_where(not_low, g_softplus(b), none);
    node *width = g_log(g_neg(g_expm1(g_scale(narrow, -2 * h))));
    return g_sub(g_add(above, below), g_where(g_mul(not_top, not_low), width, none));
}

#define logistic_parameters laplace_parameters

/* The location, within the levels: what is cut off there lies on both sides. */
static node *logistic_mean(const likelihood *l, node *r)
{
    return g_clip(location(l, r), l->low, l->low + (double)(l->levels - 1) * l->step);
}

/* Which count or level a value is; rounded, for bytes come as float(i / 255). */
static node *level_of(const likelihood *l, node *x)
{
    return g_floor(g_shift(g_scale(g_shift(x, -l->low), 1 / l->step), 0.5));
}

static node *level_value(const likelihood *l, node *level)
{
    return g_shift(g_scale(level, l->step), l->low);
}

/* The numbers emitted for each value as a last axis: [..., D L] to [..., D, L] */
static node *each_level(const likelihood *l, node *r)
{
    if (g_broken(r)) return r;
    shape s = r->shape;
    s.dim[s.rank - 1] /= l->levels;
    s.dim[s.rank++] = l->levels;
    return g_reshape(r, s);
}

/* 0, 1, ..., L - 1 as values [L] */
static node *all_levels(const likelihood *l, graph *g)
{
    return g_cast(g_iota(g, l->levels), F32);
}

static node *with_last_axis(node *x)
{
    if (g_broken(x)) return x;
    shape s = x->shape;
    s.dim[s.rank++] = 1;
    return g_reshape(x, s);
}

/* log sum_i exp(r_i) - r_x */
static node *categorical_nll(scope *s, const likelihood *l, node *r, node *x)
{
    node *logits = each_level(l, r), *level = with_last_axis(level_of(l, x));
    node *hit = g_where(g_equal(all_levels(l, s->g), level), logits, g_zero(logits));
    return g_sub(g_logsumexp_last(logits), g_sum_last(hit));
}

static node *categorical_mean(const likelihood *l, node *r)
{
    node *logits = each_level(l, r);
    node *p = g_exp(g_sub(logits, with_last_axis(g_logsumexp_last(logits))));
    return level_value(l, g_sum_last(g_mul(p, all_levels(l, r->g))));
}

/* The logits of each value's levels. */
static node *categorical_parameters(scope *s, const likelihood *l, node *r)
{
    (void)s;
    (void)l;
    return r;
}

/* ---- Counts. The decoder emits the logarithm of the mean. ---- */

static node *log_mean(node *r)
{
    return g_clip(r, -30, 20);
}

static node *poisson_mean(const likelihood *l, node *r)
{
    return level_value(l, g_exp(log_mean(r)));
}

static node *poisson_parameters(scope *s, const likelihood *l, node *r)
{
    (void)s;
    (void)l;
    return g_exp(log_mean(r));
}

/* m - x log m + log x! */
static node *poisson_nll(scope *s, const likelihood *l, node *r, node *x)
{
    (void)s;
    node *count = level_of(l, x), *lm = log_mean(r);
    return g_add(g_sub(g_exp(lm), g_mul(count, lm)), g_lgamma(g_shift(count, 1)));
}

#define negative_binomial_mean poisson_mean

static node *log_dispersion(scope *s, node *r)
{
    return g_clip(scope_param(s, "logdispersion", SHAPE(shape_last(r->shape)), NULL, (init_rule){.value = 0}), -10, 10);
}

/* mean, dispersion */
static node *negative_binomial_parameters(scope *s, const likelihood *l, node *r)
{
    return pair(poisson_parameters(s, l, r), g_exp(log_dispersion(s, r)));
}

/* d log(1 + m/d) + x log(1 + d/m) - log (x + d - 1)! / (x! (d - 1)!)) */
static node *negative_binomial_nll(scope *s, const likelihood *l, node *r, node *x)
{
    node *ld = log_dispersion(s, r), *count = level_of(l, x), *ratio = g_sub(log_mean(r), ld), *d = g_exp(ld);
    node *ways = g_sub(g_lgamma(g_add(count, d)), g_add(g_lgamma(d), g_lgamma(g_shift(count, 1))));
    return g_sub(g_add(g_mul(d, g_softplus(ratio)), g_mul(count, g_softplus(g_neg(ratio)))), ways);
}

/* ---- The table ---- */

typedef struct likelihood_row {
    likelihood_info info;
    node *(*nll)(scope *s, const likelihood *l, node *r, node *x);
    node *(*mean)(const likelihood *l, node *r);
    node *(*parameters)(scope *s, const likelihood *l, node *r);
} likelihood_row;

static const likelihood_row rows[] = {
#define LIKELIHOOD(word, name, emits, takes, measure, scaled, summary)                                                  \
    {{word, summary, emits, TAKES_##takes, ELBO_##measure, scaled}, name##_nll, name##_mean,    \
     name##_parameters},
#include "likelihoods.def"
#undef LIKELIHOOD
};

const likelihood_info *likelihood_at(size_t i)
{
    return i < sizeof rows / sizeof *rows ? &rows[i].info : NULL;
}

int64_t likelihood_emits(const likelihood *l, int64_t n)
{
    const likelihood_info *about = &rows[l->kind].info;
    if (l->kind == L_columns) return columns_emit(l);
    return n * ((about->emits ? about->emits : l->levels) + (about->scaled && l->sigma_kind == SIGMA_PREDICTED));
}

node *likelihood_nll(scope *s, const likelihood *l, node *r, node *x)
{
    if (g_broken(r) || g_broken(x)) return g_broken(r) ? r : x;
    node *each = rows[l->kind].nll(s, l, r, x);
    if (l->kind == L_columns) return each;
    return g_sum_last(l->present ? g_mul(each, l->present) : each);
}

node *likelihood_mean(const likelihood *l, node *r)
{
    return g_broken(r) ? r : rows[l->kind].mean(l, r);
}

node *likelihood_parameters(scope *s, const likelihood *l, node *r)
{
    return g_broken(r) ? r : rows[l->kind].parameters(s, l, r);
}
