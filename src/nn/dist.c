/* dist.c - see dist.h */
#include "dist.h"

#include <math.h>


#define LOG_2PI 1.8378770664093453

/* ---- Gaussian ---- */

/* log sigma^2 of what the head emitted, clamped to where exp stays finite and positive */
static node *log_variance(node *emitted, head_kind kind)
{
    switch (kind) {
    case HEAD_LOGVAR: break;
    case HEAD_LOGSIGMA: emitted = g_scale(emitted, 2); break;
    case HEAD_SOFTPLUS: emitted = g_scale(g_log(g_shift(g_softplus(emitted), 1e-6)), 2); break;
    }
    return g_clip(emitted, -30, 20);
}

normal normal_head(scope *s, node *h, int64_t latent, head_kind kind, const char *name)
{
    static const char *const second[] = {"logvar", "logsigma", "softplus"};
    int mark = scope_enter(s, "%s", name);
    normal q = {.mu = dense(s, h, latent, "mu", NULL, SCALAR)};
    q.logvar = log_variance(dense(s, h, latent, second[kind], NULL, SCALAR), kind);
    scope_leave(s, mark);
    g_name(q.mu, "%s.mu", name);
    g_name(q.logvar, "%s.logvar", name);
    return q;
}

node *normal_std(normal q)
{
    return g_exp(g_scale(q.logvar, 0.5));
}

/* [B,Z] to [B k, Z], each row k times in a row */
static node *fold_samples(node *x, int64_t k)
{
    if (k == 1 || g_broken(x)) return x;
    int64_t b = x->shape.dim[0], z = x->shape.dim[1];
    return g_reshape(g_broadcast(g_reshape(x, SHAPE(b, 1, z)), SHAPE(b, k, z)), SHAPE(b * k, z));
}

node *normal_sample(scope *s, normal q, int64_t k, const char *name)
{
    if (g_broken(q.mu)) return q.mu;
    node *eps = scope_random(s, NORMAL, SHAPE(q.mu->shape.dim[0] * k, q.mu->shape.dim[1]), name);
    return g_add(fold_samples(q.mu, k), g_mul(fold_samples(normal_std(q), k), eps));
}

static node *twice_kl(normal q)
{
    return g_sub(g_shift(g_add(g_square(q.mu), g_exp(q.logvar)), -1), q.logvar);
}

node *normal_kl_each(normal q)
{
    return g_scale(twice_kl(q), 0.5);
}

node *normal_kl_std(normal q)
{
    return g_name(g_scale(g_sum_last(twice_kl(q)), 0.5), "kl");
}

/* 1/2 sum_j z_j^2 - lv_j - (z_j - mu_j)^2 / exp(lv_j) */
node *normal_log_ratio(normal q, node *z)
{
    if (g_broken(z) || g_broken(q.mu)) return g_broken(z) ? z : q.mu;
    int64_t b = q.mu->shape.dim[0], n = q.mu->shape.dim[1], k = z->shape.dim[0] / b;
    node *draws = g_reshape(z, SHAPE(b, k, n));
    node *mu = g_reshape(q.mu, SHAPE(b, 1, n)), *logvar = g_reshape(q.logvar, SHAPE(b, 1, n));
    node *standard = g_mul(g_sub(draws, mu), g_exp(g_scale(logvar, -0.5)));
    return g_scale(g_sum_last(g_sub(g_sub(g_square(draws), logvar), g_square(standard))), 0.5);
}

/* ---- Likelihoods ---- */

/* softplus(l) - x l = max(l,0) - x l + log1p(exp(-|l|)): stable for any logit, no epsilon */
static node *bernoulli_nll(node *logits, node *x)
{
    return g_sub(g_softplus(logits), g_mul(x, logits));
}

/* -(x log(eps + p) + (1-x) log(eps + (1-p))): the epsilon form, for comparison. It saturates at -log eps, where its gradient
 * dies. Written as eps + (1 - p): the other order loses the epsilon in fp32. */
static node *bernoulli_eps_nll(node *logits, node *x)
{
    node *p = g_sigmoid(logits);
    node *one = g_like(p, 1);
    node *on = g_mul(x, g_log(g_shift(p, 1e-10)));
    node *off = g_mul(g_sub(one, x), g_log(g_shift(g_sub(one, p), 1e-10)));
    return g_neg(g_add(on, off));
}

static node *location(const likelihood *l, node *r)
{
    switch (l->output) {
    case OUTPUT_LINEAR: return r;
    case OUTPUT_SIGMOID: return g_sigmoid(r);
    case OUTPUT_TANH: return g_tanh(r);
    }
    return r;
}

/* The learned log sigma, one or one for each dimension. */
static node *log_sigma(scope *s, const likelihood *l, int64_t d)
{
    shape dims = l->sigma_kind == SIGMA_PER_DIMENSION ? SHAPE(d) : SHAPE(1);
    return scope_param(s, "logsigma", dims, NULL, (init_rule){.value = log(l->sigma)});
}

/* sigma^2 = mean squared error: of the batch while training (its optimum, Rybkin et al. 2021), and a running mean of it, kept as
 * state, when evaluating. At the optimum of an average of likelihoods no gradient comes through it; where draws are weighted
 * (iwae) some does, so it is not detached. */
static node *optimal_variance(scope *s, node *squared)
{
    node *kept = scope_state(s, "variance", SCALAR, 1);
    if (!s->training) return kept;
    node *now = g_shift(g_mean_all(squared), 1e-8);
    scope_state_set(s, "variance", g_add(g_scale(kept, 0.9), g_scale(g_stop(now), 0.1)));
    return now;
}

/* 1/2 sum log(2 pi sigma^2) + (x - mu)^2 / sigma^2 */
static node *gaussian_nll(scope *s, const likelihood *l, node *squared)
{
    double d = (double)shape_last(squared->shape);
    double constant = 0.5 * d * LOG_2PI;
    if (l->sigma_kind == SIGMA_FIXED)
        return g_shift(g_scale(g_sum_last(squared), 0.5 / (l->sigma * l->sigma)), constant + d * log(l->sigma));
    if (l->sigma_kind == SIGMA_OPTIMAL) {
        node *variance = optimal_variance(s, squared);
        node *error = g_div(g_scale(g_sum_last(squared), 0.5), variance);
        return g_shift(g_add(error, g_scale(g_log(variance), 0.5 * d)), constant);
    }
    node *ls = log_sigma(s, l, shape_last(squared->shape));
    node *scaled = g_mul(squared, g_scale(g_exp(g_scale(ls, -2)), 0.5));
    node *volume = g_scale(g_sum_last(ls), l->sigma_kind == SIGMA_LEARNED ? d : 1);
    return g_shift(g_add(g_sum_last(scaled), volume), constant);
}

node *likelihood_nll(scope *s, const likelihood *l, node *r, node *x)
{
    if (g_broken(r)) return r;
    if (l->kind == BERNOULLI) return g_sum_last(bernoulli_nll(r, x));
    if (l->kind == BERNOULLI_EPS) return g_sum_last(bernoulli_eps_nll(r, x));
    node *squared = g_square(g_sub(location(l, r), x));
    switch (l->kind) {
    case SQUARED: return g_sum_last(squared);
    case HALF_SQUARED: return g_scale(g_sum_last(squared), 0.5);
    default: return gaussian_nll(s, l, squared);
    }
}

node *likelihood_mean(const likelihood *l, node *r)
{
    bool logits = l->kind == BERNOULLI || l->kind == BERNOULLI_EPS;
    return logits ? g_sigmoid(r) : location(l, r);
}
