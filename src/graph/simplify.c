/* simplify.c - rebuilds a graph from its outputs: what nothing needs is gone, equal nodes meet again (the builders see to
 * that), constants are folded and identities removed. Runs after gradients are taken, so it may look through stop. A rule
 * never changes a value other than by rounding, and never hides a nan of a computed tensor. */
#define G_NO_LINES
#include "tape.h"

#include <math.h>

static bool is_constant(const node *x)
{
    return x->op == OP_constant;
}

static bool is_value(const node *x, double value)
{
    return is_constant(x) && x->at.value == value;
}

static node *constant(graph *g, double value, shape s)
{
    return g_constant(g, value, s);
}

/* The value of an operation on constants; false where it is left to the run. */
static bool fold(op_code op, const double v[3], double *out)
{
    switch (op) {
    case OP_neg: *out = -v[0]; return true;
    case OP_exp: *out = exp(v[0]); return true;
    case OP_log: *out = log(v[0]); return true;
    case OP_sqrt: *out = sqrt(v[0]); return true;
    case OP_square: *out = v[0] * v[0]; return true;
    case OP_recip: *out = 1 / v[0]; return true;
    case OP_add: *out = v[0] + v[1]; return true;
    case OP_sub: *out = v[0] - v[1]; return true;
    case OP_mul: *out = v[0] * v[1]; return true;
    case OP_div: *out = v[0] / v[1]; return true;
    case OP_less: *out = v[0] < v[1]; return true;
    case OP_equal: *out = v[0] == v[1]; return true;
    case OP_where: *out = v[0] != 0 ? v[1] : v[2]; return true;
    default: return false;
    }
}

static node *fold_constants(graph *g, const node *old, node **in)
{
    double v[3] = {0}, out;
    for (int i = 0; i < old->n_in; i++) {
        if (!is_constant(in[i])) return NULL;
        v[i] = in[i]->at.value;
    }
    return fold(old->op, v, &out) ? constant(g, out, old->shape) : NULL;
}

/* c1 (c2 x) = (c1 c2) x, with the constant first or second */
static node *merge_factors(node *x, node *c)
{
    if (x->op != OP_mul || !is_constant(c)) return NULL;
    for (int i = 0; i < 2; i++)
        if (is_constant(x->in[i])) return g_mul(x->in[1 - i], g_like(x, x->in[i]->at.value * c->at.value));
    return NULL;
}

/* op(broadcast(a), broadcast(b), constant) = broadcast(op(a, b, constant)): computed once where it was repeated. */
static node *before_broadcast(graph *g, const node *old, node **in)
{
    const node *source = NULL;
    node *small[3];
    for (int i = 0; i < old->n_in; i++) {
        if (is_constant(in[i])) continue;
        if (in[i]->op != OP_broadcast) return NULL;
        if (source && !shape_equal(source->shape, in[i]->in[0]->shape)) return NULL;
        source = in[i]->in[0];
    }
    if (!source) return NULL;
    for (int i = 0; i < old->n_in; i++)
        small[i] = is_constant(in[i]) ? constant(g, in[i]->at.value, source->shape) : in[i]->in[0];
    return g_broadcast(tape_add(g, old->op, old->type, source->shape, small, old->n_in, old->at), old->shape);
}

static node *simplify_mul(node *a, node *b)
{
    if (is_value(b, 1)) return a;
    if (is_value(a, 1)) return b;
    if (is_value(b, -1)) return g_neg(a);
    if (is_value(a, -1)) return g_neg(b);
    node *merged = merge_factors(a, b);
    return merged ? merged : merge_factors(b, a);
}

/* Whether a is -b, or repeats what b repeats with the other sign. */
static bool is_negative_of(const node *a, const node *b)
{
    if (is_constant(a) && is_constant(b)) return a->at.value == -b->at.value;
    if (a->op == OP_broadcast && b->op == OP_broadcast && shape_equal(a->shape, b->shape)) {
        a = a->in[0];
        b = b->in[0];
    }
    return a->op == OP_neg && a->in[0] == b;
}

/* x y + -x z = x (y - z): what a likelihood's two terms leave on the way back. */
static node *factor_out(node *a, node *b)
{
    if (a->op != OP_mul || b->op != OP_mul) return NULL;
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++) {
            node *x = a->in[i], *y = a->in[1 - i], *other = b->in[k], *z = b->in[1 - k];
            if (is_negative_of(other, x)) return g_mul(x, g_sub(y, z));
            if (is_negative_of(x, other)) return g_mul(other, g_sub(z, y));
        }
    }
    return NULL;
}

static node *simplify_add(node *a, node *b)
{
    if (is_value(b, 0)) return a;
    if (is_value(a, 0)) return b;
    if (b->op == OP_neg) return g_sub(a, b->in[0]);
    if (a->op == OP_neg) return g_sub(b, a->in[0]);
    return factor_out(a, b);
}

static node *simplify_elementwise(const node *old, node **in)
{
    switch (old->op) {
    case OP_neg: return in[0]->op == OP_neg ? in[0]->in[0] : NULL;
    case OP_mul: return simplify_mul(in[0], in[1]);
    case OP_add: return simplify_add(in[0], in[1]);
    case OP_sub: return is_value(in[1], 0) ? in[0] : is_value(in[0], 0) ? g_neg(in[1]) : NULL;
    case OP_div: return is_value(in[1], 1) ? in[0] : NULL;
    default: return NULL;
    }
}

/* What x repeats along all of the axes, as it is along the others; NULL where it does not. */
static node *repeated_along(node *x, uint32_t axes)
{
    if (x->op != OP_broadcast) return NULL;
    node *source = x->in[0];
    int lead = x->shape.rank - source->shape.rank;
    shape kept = {0};
    for (int i = 0; i < x->shape.rank; i++) {
        int64_t size = i < lead ? 1 : source->shape.dim[i - lead];
        if (!(axes >> i & 1u)) kept.dim[kept.rank++] = size;
        else if (size != 1) return NULL;
    }
    return g_reshape(source, kept);
}

/* The sum of a constant is a constant; a factor that is the same in all terms is applied once, to the sum. */
static node *simplify_sum(graph *g, const node *old, node *x)
{
    double n = (double)shape_count(x->shape) / (double)shape_count(old->shape);
    if (is_constant(x)) return constant(g, x->at.value * n, old->shape);
    if (x->op == OP_neg) return g_neg(g_sum(x->in[0], old->at.axes));
    for (int i = 0; x->op == OP_mul && i < 2; i++) {
        node *factor = is_constant(x->in[i]) ? constant(g, x->in[i]->at.value, old->shape)
                                             : repeated_along(x->in[i], old->at.axes);
        if (factor) return g_mul(g_sum(x->in[1 - i], old->at.axes), factor);
    }
    return NULL;
}

static bool swaps_last_two(const node *x)
{
    int rank = x->shape.rank;
    if (x->op != OP_permute) return false;
    for (int i = 0; i < rank - 2; i++)
        if (x->at.order[i] != i) return false;
    return x->at.order[rank - 1] == rank - 2;
}

static node *simplify_matmul(const node *old, node *a, node *b)
{
    int flags = old->at.flag;
    if (swaps_last_two(a)) return g_matmul_flags(a->in[0], b, flags ^ TRANSPOSE_A);
    if (swaps_last_two(b)) return g_matmul_flags(a, b->in[0], flags ^ TRANSPOSE_B);
    return NULL;
}

/* Whether x only puts axes of size 1 in front. */
static bool adds_leading_ones(const node *x)
{
    int lead = x->op == OP_reshape ? x->shape.rank - x->in[0]->shape.rank : 0;
    for (int i = 0; i < x->shape.rank && lead > 0; i++)
        if (x->shape.dim[i] != (i < lead ? 1 : x->in[0]->shape.dim[i - lead])) return false;
    return lead > 0;
}

static node *simplify_layout(graph *g, const node *old, node *x)
{
    if (is_constant(x)) return constant(g, x->at.value, old->shape);
    if (old->op == OP_broadcast && adds_leading_ones(x)) return g_broadcast(x->in[0], old->shape);
    if (x->op == OP_broadcast && shape_count(x->in[0]->shape) == 1 && old->op != OP_broadcast)
        return g_broadcast(g_reshape(x->in[0], SCALAR), old->shape);
    if (x->op != old->op) return NULL;
    return old->op == OP_reshape ? g_reshape(x->in[0], old->shape) : old->op == OP_broadcast
               ? g_broadcast(x->in[0], old->shape) : NULL;
}

/* The simpler node, or NULL to copy the old one. */
static node *simpler(graph *g, const node *old, node **in)
{
    if (op_table[old->op].elementwise) {
        node *folded = fold_constants(g, old, in);
        if (!folded) folded = simplify_elementwise(old, in);
        return folded ? folded : before_broadcast(g, old, in);
    }
    switch (old->op) {
    case OP_stop: return in[0];
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a cast has an operand */
    case OP_cast: return in[0]->type == old->type ? in[0] : NULL;
    case OP_sum: return simplify_sum(g, old, in[0]);
    case OP_matmul: return simplify_matmul(old, in[0], in[1]);
    case OP_broadcast:
    case OP_reshape:
    case OP_permute: return simplify_layout(g, old, in[0]);
    default: return NULL;
    }
}

static node *copy_leaf(graph *g, const node *old)
{
    return tape_leaf(g, old->op, old->type, old->shape, old->rows > 0, old->at, NULL);
}

static node *rebuild(graph *g, const node *old, node **map)
{
    node *in[MAX_IN] = {0}, *x;
    for (int i = 0; i < old->n_in; i++) in[i] = map[old->in[i]->id];
    g_set_path(g, old->path);
    if (old->n_in == 0) x = copy_leaf(g, old);
    else if (!(x = simpler(g, old, in))) x = tape_add(g, old->op, old->type, old->shape, in, old->n_in, old->at);
    return old->name ? g_name(x, "%s", old->name) : x;
}

static void mark_live(const graph *g, node *const *outputs, int n, bool *live)
{
    for (int i = 0; i < n; i++) live[outputs[i]->id] = true;
    for (int id = g_count(g); id-- > 0;)
        for (int i = 0; live[id] && i < g_at(g, id)->n_in; i++) live[g_at(g, id)->in[i]->id] = true;
}

static elbo_status rebuild_all(graph *fresh, graph *g, node **outputs, int n, arena *scratch, elbo_error *error)
{
    bool *live = arena_new(scratch, (size_t)g_count(g) + 1, sizeof *live);
    node **map = arena_new(scratch, (size_t)g_count(g) + 1, sizeof *map);
    if (!live || !map) return err_memory(error, "simplifying the graph");
    mark_live(g, outputs, n, live);
    for (int id = 0; id < g_count(g); id++)
        if (live[id]) map[id] = rebuild(fresh, g_at(g, id), map);
    for (int i = 0; i < n; i++) outputs[i] = map[outputs[i]->id];
    return g_status(fresh, error);
}

/* One round; rules can meet each other's results, so callers repeat it until nothing changes. */
static graph *round_once(graph *g, node **outputs, int n, elbo_error *error)
{
    graph *fresh = g_open(g_memory(g), g_examples(g));
    if (!fresh) {
        err_memory(error, "simplifying the graph");
        return NULL;
    }
    arena scratch;
    arena_open(&scratch, g_memory(g));
    elbo_status status = rebuild_all(fresh, g, outputs, n, &scratch, error);
    arena_close(&scratch);
    if (status == ELBO_OK) return fresh;
    g_close(fresh);
    return NULL;
}

graph *g_simplify(graph *g, node **outputs, int n, elbo_error *error)
{
    if (g_status(g, error) != ELBO_OK) return NULL;
    graph *now = round_once(g, outputs, n, error);
    for (int before = -1; now && g_count(now) != before;) {
        before = g_count(now);
        graph *next = round_once(now, outputs, n, error);
        g_close(now);
        now = next;
    }
    return now;
}
