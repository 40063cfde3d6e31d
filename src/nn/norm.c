/* norm.c - see norm.h. All of these are composed of elementwise operations and sums, so they need no gradients of their own. */
#include "norm.h"

#define EPSILON 1e-5
#define MOMENTUM 0.1

/* The mean over axes, laid out to broadcast against x. */
static node *mean_over(node *x, uint32_t axes)
{
    shape kept = x->shape;
    int64_t n = 1;
    for (int i = 0; i < kept.rank; i++)
        if (axes >> i & 1u) {
            n *= kept.dim[i];
            kept.dim[i] = 1;
        }
    return g_reshape(g_scale(g_sum(x, axes), 1.0 / (double)n), kept);
}

/* (x - mean) / sqrt(variance + eps) */
static node *standardised(node *centred, node *variance)
{
    return g_mul(centred, g_rsqrt(g_shift(variance, EPSILON)));
}

/* centred weight / sqrt(variance + eps) + bias, for a variance of the features (or none, where centred is standardised) */
static node *scaled(scope *s, node *centred, node *variance)
{
    shape c = SHAPE(shape_last(centred->shape));
    node *weight = scope_param(s, "weight", c, NULL, (init_rule){.value = 1});
    node *bias = scope_param(s, "bias", c, NULL, (init_rule){.value = 0});
    if (variance) weight = g_mul(weight, g_rsqrt(g_shift(variance, EPSILON)));
    return g_add(g_mul(centred, weight), bias);
}

static node *moved(node *kept, node *now)
{
    return g_add(g_scale(kept, 1 - MOMENTUM), g_scale(g_stop(now), MOMENTUM));
}

node *batch_norm(scope *s, node *x, const char *name)
{
    if (g_broken(x)) return x;
    int mark = scope_enter(s, "%s", name);
    shape c = SHAPE(shape_last(x->shape));
    uint32_t axes = (1u << (x->shape.rank - 1)) - 1;
    node *kept_mean = scope_state(s, "running_mean", c, 0), *kept_variance = scope_state(s, "running_var", c, 1);
    node *mean = kept_mean, *variance = kept_variance;
    if (s->training) {
        double n = (double)shape_count(x->shape) / (double)c.dim[0];
        mean = g_scale(g_sum(x, axes), 1 / n);
        variance = g_variance(x, axes);
        scope_state_set(s, "running_mean", moved(kept_mean, mean));
        scope_state_set(s, "running_var", moved(kept_variance, g_scale(variance, n > 1 ? n / (n - 1) : 1)));
    }
    node *y = scaled(s, g_sub(x, mean), variance);
    scope_leave(s, mark);
    return y;
}

/* Over axes of x, which is x seen in another shape. */
static node *normalised(node *x, uint32_t axes)
{
    node *centred = g_sub(x, mean_over(x, axes));
    return standardised(centred, mean_over(g_square(centred), axes));
}

node *layer_norm(scope *s, node *x, const char *name)
{
    if (g_broken(x)) return x;
    int mark = scope_enter(s, "%s", name);
    node *y = scaled(s, normalised(x, 1u << (x->shape.rank - 1)), NULL);
    scope_leave(s, mark);
    return y;
}

node *group_norm(scope *s, node *x, int64_t groups, const char *name)
{
    if (g_broken(x)) return x;
    int64_t b = x->shape.dim[0], c = shape_last(x->shape), places = shape_count(x->shape) / (b * c);
    if (groups < 1 || c % groups) return g_fail(s->g, "group norm: %lld channels do not divide into %lld groups", (long long)c,
                                                (long long)groups);
    int mark = scope_enter(s, "%s", name);
    node *grouped = g_reshape(x, SHAPE(b, places, groups, c / groups));
    node *y = scaled(s, g_reshape(normalised(grouped, 1u << 1 | 1u << 3), x->shape), NULL);
    scope_leave(s, mark);
    return y;
}

node *spatial_dropout(scope *s, node *x, double p)
{
    if (!s->training || p == 0 || g_broken(x)) return x;
    shape channels = x->shape;
    for (int i = 1; i < channels.rank - 1; i++) channels.dim[i] = 1;
    node *u = scope_random(s, UNIFORM, channels, "dropout");
    return g_mul(x, g_where(g_less(u, g_like(u, p)), g_zero(u), g_like(u, 1 / (1 - p))));
}
