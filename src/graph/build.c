/* build.c - the builders of everything that is not elementwise: they check shapes and add one node (or a few). */
#define G_NO_LINES
#include "tape.h"

/* shape_text as an expression, for one call's arguments */
static const char *shape_words(shape s, char *buffer)
{
    shape_text(s, buffer);
    return buffer;
}
#define TEXT(s) shape_words((s), (char[96]){0})

static node *wrong(node *x, const char *op, const char *why)
{
    return g_broken(x) ? x : g_fail(x->g, "%s of %s: %s", op, TEXT(x->shape), why);
}

static node *wrong2(node *a, node *b, const char *op, const char *why)
{
    if (g_broken(a)) return a;
    if (g_broken(b)) return b;
    return g_fail(a->g, "%s of %s and %s: %s", op, TEXT(a->shape), TEXT(b->shape), why);
}

static node *add1(op_code op, node *x, dtype type, shape s, attributes at)
{
    return tape_add(x->g, op, type, s, &x, 1, at);
}

/* ---- Leaves ---- */

node *g_input(graph *g, int slot, dtype type, shape s, bool example_major, const char *name)
{
    return tape_leaf(g, OP_input, type, s, example_major, (attributes){.slot = slot}, name);
}

node *g_param(graph *g, int64_t offset, shape s, const char *name)
{
    return tape_leaf(g, OP_param, F32, s, false, (attributes){.offset = offset}, name);
}

node *g_state(graph *g, int64_t offset, shape s, const char *name)
{
    return tape_leaf(g, OP_state, F32, s, false, (attributes){.offset = offset}, name);
}

node *g_constant(graph *g, double value, shape s)
{
    return tape_leaf(g, OP_constant, F32, s, false, (attributes){.value = value}, NULL);
}

node *g_iota(graph *g, int64_t n)
{
    return tape_leaf(g, OP_iota, I32, SHAPE(n), false, (attributes){0}, NULL);
}

static node *random_numbers(graph *g, distribution_kind kind, uint32_t stream, shape s, bool example_major, bool same)
{
    for (int i = 0; i < g_count(g); i++) {
        const node *x = g_at(g, i);
        if (x->op == OP_random && x->at.stream == stream)
            return g_fail(g, "random: stream %08x is used twice (first in %s): the two would draw the same numbers",
                          stream, *x->path ? x->path : "this graph");
    }
    attributes at = {.flag = (int32_t)kind, .stream = stream, .slot = example_major, .end = same};
    return tape_leaf(g, OP_random, F32, s, example_major, at, NULL);
}

node *g_random(graph *g, distribution_kind kind, uint32_t stream, shape s, bool example_major)
{
    return random_numbers(g, kind, stream, s, example_major, false);
}

node *g_random_once(graph *g, distribution_kind kind, uint32_t stream, shape s, bool example_major)
{
    return random_numbers(g, kind, stream, s, example_major, true);
}

/* ---- Shape and order ---- */

node *g_cast(node *x, dtype type)
{
    return x->type == type ? x : add1(OP_cast, x, type, x->shape, (attributes){0});
}

node *g_stop(node *x)
{
    return add1(OP_stop, x, x->type, x->shape, (attributes){0});
}

node *g_broadcast(node *x, shape s)
{
    if (shape_equal(x->shape, s)) return x;
    int lead = s.rank - x->shape.rank;
    bool fits = lead >= 0;
    for (int i = 0; fits && i < x->shape.rank; i++)
        fits = x->shape.dim[i] == s.dim[lead + i] || x->shape.dim[i] == 1;
    if (!fits && !g_broken(x))
        return g_fail(x->g, "broadcast of %s to %s: sizes must be equal or 1, or a leading axis missing",
                      TEXT(x->shape), TEXT(s));
    return add1(OP_broadcast, x, x->type, s, (attributes){0});
}

node *g_reshape(node *x, shape s)
{
    if (shape_equal(x->shape, s)) return x;
    if (shape_count(x->shape) != shape_count(s) && !g_broken(x))
        return g_fail(x->g, "reshape of %s to %s: %lld numbers are not %lld", TEXT(x->shape), TEXT(s),
                      (long long)shape_count(x->shape), (long long)shape_count(s));
    return add1(OP_reshape, x, x->type, s, (attributes){0});
}

node *g_permute(node *x, const int *order)
{
    attributes at = {0};
    shape s = {.rank = x->shape.rank};
    uint32_t seen = 0;
    bool identity = true;
    for (int i = 0; i < s.rank; i++) {
        if (order[i] < 0 || order[i] >= s.rank) return wrong(x, "permute", "an axis that is not there");
        at.order[i] = (int8_t)order[i];
        s.dim[i] = x->shape.dim[order[i]];
        seen |= 1u << order[i];
        identity = identity && order[i] == i;
    }
    if (seen != (1u << s.rank) - 1) return wrong(x, "permute", "every axis must be named once");
    return identity ? x : add1(OP_permute, x, x->type, s, at);
}

node *g_transpose(node *x)
{
    int order[MAX_RANK], rank = x->shape.rank;
    if (rank < 2) return wrong(x, "transpose", "two axes are needed");
    for (int i = 0; i < rank; i++) order[i] = i;
    order[rank - 2] = rank - 1;
    order[rank - 1] = rank - 2;
    return g_permute(x, order);
}

node *g_slice_step(node *x, int axis, int64_t begin, int64_t count, int64_t step)
{
    if (axis < 0 || axis >= x->shape.rank) return wrong(x, "slice", "an axis that is not there");
    if (begin < 0 || count < 1 || step < 1 || begin + (count - 1) * step >= x->shape.dim[axis])
        return g_broken(x) ? x : g_fail(x->g, "slice of %s along axis %d: %lld numbers from %lld by %lld do not fit",
                                        TEXT(x->shape), axis, (long long)count, (long long)begin, (long long)step);
    if (count == x->shape.dim[axis]) return x;
    shape s = x->shape;
    s.dim[axis] = count;
    return add1(OP_slice, x, x->type, s, (attributes){.axis = axis, .begin = begin, .step = step});
}

node *g_slice(node *x, int axis, int64_t begin, int64_t count)
{
    return g_slice_step(x, axis, begin, count, 1);
}

node *g_pad(node *x, int axis, int64_t before, int64_t after, int64_t step)
{
    if (axis < 0 || axis >= x->shape.rank || before < 0 || after < 0 || step < 1)
        return wrong(x, "pad", "an axis that is not there or a negative size");
    if (before == 0 && after == 0 && (step == 1 || x->shape.dim[axis] == 1)) return x;
    shape s = x->shape;
    s.dim[axis] = before + (x->shape.dim[axis] - 1) * step + 1 + after;
    return add1(OP_pad, x, x->type, s, (attributes){.axis = axis, .begin = before, .end = after, .step = step});
}

node *g_concat(node *const *x, int n, int axis)
{
    if (n == 1) return x[0];
    shape s = x[0]->shape;
    if (n < 1 || n > MAX_IN || axis < 0 || axis >= s.rank) return wrong(x[0], "concat", "1 to 8 operands, an axis they have");
    for (int i = 1; i < n; i++) {
        shape other = x[i]->shape;
        if (other.rank != s.rank || x[i]->type != x[0]->type) return wrong2(x[0], x[i], "concat", "ranks or types differ");
        s.dim[axis] += other.dim[axis];
        other.dim[axis] = x[0]->shape.dim[axis];
        if (!shape_equal(other, x[0]->shape)) return wrong2(x[0], x[i], "concat", "the other axes must be equal");
    }
    return tape_add(x[0]->g, OP_concat, x[0]->type, s, x, n, (attributes){.axis = axis});
}

node *g_split(node *x, int n, int i)
{
    int64_t size = shape_last(x->shape) / n;
    if (size * n != shape_last(x->shape)) return wrong(x, "split", "the last axis does not divide evenly");
    return g_slice(x, x->shape.rank - 1, i * size, size);
}

/* ---- Reductions ---- */

static node *reduce(op_code op, node *x, uint32_t axes)
{
    if (axes == 0) return x;
    if (axes >> x->shape.rank) return wrong(x, op_table[op].name, "an axis that is not there");
    shape s = {0};
    bool ones = true;
    for (int i = 0; i < x->shape.rank; i++) {
        if (!(axes >> i & 1u)) s.dim[s.rank++] = x->shape.dim[i];
        else ones = ones && x->shape.dim[i] == 1;
    }
    return ones ? g_reshape(x, s) : add1(op, x, x->type, s, (attributes){.axes = axes});
}

static uint32_t all_axes(const node *x)
{
    return (1u << x->shape.rank) - 1;
}

static uint32_t last_axis(const node *x)
{
    return x->shape.rank ? 1u << (x->shape.rank - 1) : 0;
}

node *g_sum(node *x, uint32_t axes)
{
    return reduce(OP_sum, x, axes);
}

node *g_amax(node *x, uint32_t axes)
{
    return reduce(OP_amax, x, axes);
}

node *g_variance(node *x, uint32_t axes)
{
    node *y = reduce(OP_variance, g_cast(x, F32), axes);
    return y->op == OP_variance ? y : g_zero(y); /* of one number */
}

node *g_sum_last(node *x)
{
    return g_sum(x, last_axis(x));
}

node *g_sum_features(node *x)
{
    return g_sum(x, all_axes(x) & ~1u);
}

node *g_sum_all(node *x)
{
    return g_sum(x, all_axes(x));
}

node *g_mean_all(node *x)
{
    return g_scale(g_sum_all(x), 1.0 / (double)shape_count(x->shape));
}

/* log sum exp = m + log sum exp(x - m), m the largest; m is a constant for the gradient, which does not depend on it. */
node *g_logsumexp_last(node *x)
{
    node *m = g_stop(g_amax(x, last_axis(x)));
    shape column = x->shape;
    if (column.rank) column.dim[column.rank - 1] = 1;
    node *shifted = g_exp(g_sub(x, g_reshape(m, column)));
    return g_add(m, g_log(g_sum_last(shifted)));
}

static node *along_last(op_code op, node *x, dtype type, bool drop, int32_t flag)
{
    if (x->shape.rank == 0) return wrong(x, op_table[op].name, "a last axis is needed");
    shape s = x->shape;
    if (drop) s.rank--;
    return add1(op, x, type, s, (attributes){.flag = flag});
}

node *g_cumsum(node *x, bool from_back)
{
    return along_last(OP_cumsum, x, x->type, false, from_back);
}

node *g_argmax(node *x)
{
    return along_last(OP_argmax, x, I32, true, 0);
}

node *g_argmin(node *x)
{
    return along_last(OP_argmin, x, I32, true, 0);
}

node *g_argsort(node *x)
{
    return along_last(OP_argsort, x, I32, false, 0);
}

node *g_sort(node *x)
{
    return g_take(x, g_argsort(x));
}

/* ---- Indices ---- */

static bool is_index(const node *index)
{
    return index->type == I32;
}

node *g_one_hot(node *index, int64_t n)
{
    if (!is_index(index) || n < 1 || index->shape.rank == MAX_RANK) return wrong(index, "one_hot", "i32 indices are needed");
    shape s = index->shape;
    s.dim[s.rank++] = n;
    return add1(OP_one_hot, index, F32, s, (attributes){0});
}

node *g_gather(node *table, node *index)
{
    if (!is_index(index) || index->shape.rank != 1 || table->shape.rank < 1)
        return wrong2(table, index, "gather", "a table [N,...] and i32 indices [M] are needed");
    shape s = table->shape;
    s.dim[0] = index->shape.dim[0];
    return tape_add(table->g, OP_gather, table->type, s, (node *[]){table, index}, 2, (attributes){0});
}

node *g_scatter(node *x, node *index, int64_t n)
{
    if (!is_index(index) || index->shape.rank != 1 || x->shape.rank < 1 || x->shape.dim[0] != index->shape.dim[0] || n < 1)
        return wrong2(x, index, "scatter", "rows [M,...] and i32 indices [M] are needed");
    shape s = x->shape;
    s.dim[0] = n;
    return tape_add(x->g, OP_scatter, x->type, s, (node *[]){x, index}, 2, (attributes){0});
}

static bool same_leading(shape a, shape b)
{
    if (a.rank != b.rank || a.rank < 1) return false;
    a.dim[a.rank - 1] = b.dim[b.rank - 1];
    return shape_equal(a, b);
}

node *g_take(node *x, node *index)
{
    if (!is_index(index) || !same_leading(x->shape, index->shape))
        return wrong2(x, index, "take", "i32 indices with the same leading axes are needed");
    return tape_add(x->g, OP_take, x->type, index->shape, (node *[]){x, index}, 2, (attributes){0});
}

node *g_put(node *x, node *index, int64_t n)
{
    if (!is_index(index) || !shape_equal(x->shape, index->shape) || x->shape.rank < 1 || n < 1)
        return wrong2(x, index, "put", "i32 indices of the same shape are needed");
    shape s = x->shape;
    s.dim[s.rank - 1] = n;
    return tape_add(x->g, OP_put, x->type, s, (node *[]){x, index}, 2, (attributes){0});
}

/* ---- Products ---- */

/* a [...,M,K] with leading axes times a plain matrix b: the leading axes and M become one. */
static node *matmul_folded(node *a, node *b, int flags)
{
    shape s = a->shape;
    int64_t k = s.dim[s.rank - 1];
    node *c = g_matmul_flags(g_reshape(a, SHAPE(shape_count(s) / k, k)), b, flags);
    s.dim[s.rank - 1] = shape_last(c->shape);
    return g_broken(c) ? c : g_reshape(c, s);
}

node *g_matmul_flags(node *a, node *b, int flags)
{
    int ra = a->shape.rank, rb = b->shape.rank;
    bool ta = flags & TRANSPOSE_A, tb = flags & TRANSPOSE_B;
    if (ra < 2 || rb < 2) return wrong2(a, b, "matmul", "matrices are needed");
    if (ra > rb && rb == 2 && !ta) return matmul_folded(a, b, flags);
    const int64_t *da = a->shape.dim + ra - 2, *db = b->shape.dim + rb - 2;
    bool fits = ra == rb && da[!ta] == db[tb];
    for (int i = 0; fits && i < ra - 2; i++) fits = a->shape.dim[i] == b->shape.dim[i];
    if (!fits || a->type != F32 || b->type != F32)
        return wrong2(a, b, "matmul", ta || tb ? "inner sizes (after transposing) and leading axes must agree"
                                               : "inner sizes and leading axes must agree");
    shape s = a->shape;
    s.dim[s.rank - 2] = da[ta];
    s.dim[s.rank - 1] = db[!tb];
    return tape_add(a->g, OP_matmul, F32, s, (node *[]){a, b}, 2, (attributes){.flag = flags});
}

node *g_matmul(node *a, node *b)
{
    return g_matmul_flags(a, b, 0);
}
