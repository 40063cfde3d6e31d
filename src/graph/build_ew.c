/* build_ew.c - the elementwise builders, from ew.def, and the short forms made of them. */
#define G_NO_LINES
#include "tape.h"

/* The shape both broadcast to; false where there is none. */
static bool common_shape(shape a, shape b, shape *out)
{
    if (a.rank < b.rank) {
        shape swap = a;
        a = b;
        b = swap;
    }
    int lead = a.rank - b.rank;
    *out = a;
    for (int i = 0; i < b.rank; i++) {
        int64_t x = a.dim[lead + i], y = b.dim[i];
        if (x != y && x != 1 && y != 1) return false;
        out->dim[lead + i] = x == 1 ? y : x;
    }
    return true;
}

/* Brings the operands to one shape and adds the node. Integers and bytes count as reals. */
static node *elementwise(op_code op, node **in, int n)
{
    shape s = in[0]->shape;
    for (int i = 0; i < n; i++) {
        if (g_broken(in[i])) return in[i];
        if (common_shape(s, in[i]->shape, &s)) continue;
        char a[96], b[96];
        shape_text(in[0]->shape, a);
        shape_text(in[i]->shape, b);
        return g_fail(in[0]->g, "%s of %s and %s: sizes must be equal or 1, or a leading axis missing",
                      op_table[op].name, a, b);
    }
    for (int i = 0; i < n; i++) in[i] = g_broadcast(g_cast(in[i], F32), s);
    return tape_add(in[0]->g, op, F32, s, in, n, (attributes){0});
}

#define EW1(name, ...)                                                                                                 \
    node *g_##name(node *a)                                                                                            \
    {                                                                                                                  \
        return elementwise(OP_##name, (node *[]){a}, 1);                                                               \
    }
#define EW2(name, ...)                                                                                                 \
    node *g_##name(node *a, node *b)                                                                                   \
    {                                                                                                                  \
        return elementwise(OP_##name, (node *[]){a, b}, 2);                                                            \
    }
#define EW3(name, ...)                                                                                                 \
    node *g_##name(node *a, node *b, node *c)                                                                          \
    {                                                                                                                  \
        return elementwise(OP_##name, (node *[]){a, b, c}, 3);                                                         \
    }
#include "ew.def"
#undef EW1
#undef EW2
#undef EW3

node *g_like(node *x, double value)
{
    return g_broken(x) ? x : g_constant(x->g, value, x->shape);
}

node *g_zero(node *x)
{
    return g_like(x, 0);
}

node *g_scale(node *x, double factor)
{
    return factor == 1 ? x : g_mul(x, g_like(x, factor));
}

node *g_shift(node *x, double term)
{
    return term == 0 ? x : g_add(x, g_like(x, term));
}

node *g_clip(node *x, double low, double high)
{
    return g_clamp(x, g_like(x, low), g_like(x, high));
}

node *g_leaky_relu(node *x, double slope)
{
    return g_mul(x, g_where(g_less(g_zero(x), x), g_like(x, 1), g_like(x, slope)));
}

node *g_elu(node *x)
{
    return g_where(g_less(g_zero(x), x), x, g_expm1(g_min(x, g_zero(x))));
}

node *g_silu(node *x)
{
    return g_mul(x, g_sigmoid(x));
}

node *g_gelu(node *x)
{
    return g_mul(g_scale(x, 0.5), g_shift(g_erf(g_scale(x, 0.70710678118654752)), 1));
}

/* dy where a is inside [low, high], and outside where a - dy is nearer to the inside (see clamp in ew.def) */
node *g_clamp_adjoint(node *a, node *low, node *high, node *dy)
{
    node *zero = g_zero(dy);
    node *above = g_where(g_less(high, a), g_max(dy, zero), dy);
    return g_where(g_less(a, low), g_min(dy, zero), above);
}
