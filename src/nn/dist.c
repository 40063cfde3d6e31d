/* dist.c - see dist.h */
#include "dist.h"

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
