/* gradient.c - derivatives as graphs. Each operation has one rule, which writes the adjoints of its operands with ordinary
 * builders; broadcasting needs no care in any of them, because it is an operation with a rule of its own. The rules of
 * elementwise operations come from ew.def. */
#define G_NO_LINES
#include "tape.h"
#include "../base/mem.h"

static void grad_cast(node *y, node *dy, node **dx)
{
    dtype type = y->in[0]->type;
    if (type == F32 || type == BF16) dx[0] = g_cast(dy, type);
}

/* Sums what was repeated. */
static void grad_broadcast(node *y, node *dy, node **dx)
{
    node *x = y->in[0];
    int lead = y->shape.rank - x->shape.rank;
    uint32_t axes = (1u << lead) - 1;
    for (int i = 0; i < x->shape.rank; i++)
        if (x->shape.dim[i] != y->shape.dim[lead + i]) axes |= 1u << (lead + i);
    dx[0] = g_reshape(g_sum(dy, axes), x->shape);
}

static void grad_reshape(node *y, node *dy, node **dx)
{
    dx[0] = g_reshape(dy, y->in[0]->shape);
}

static void grad_permute(node *y, node *dy, node **dx)
{
    int back[MAX_RANK];
    for (int i = 0; i < y->shape.rank; i++) back[y->at.order[i]] = i;
    dx[0] = g_permute(dy, back);
}

static void grad_slice(node *y, node *dy, node **dx)
{
    int axis = (int)y->at.axis;
    int64_t used = y->at.begin + (y->shape.dim[axis] - 1) * y->at.step + 1;
    dx[0] = g_pad(dy, axis, y->at.begin, y->in[0]->shape.dim[axis] - used, y->at.step);
}

static void grad_pad(node *y, node *dy, node **dx)
{
    int axis = (int)y->at.axis;
    dx[0] = g_slice_step(dy, axis, y->at.begin, y->in[0]->shape.dim[axis], y->at.step);
}

static void grad_concat(node *y, node *dy, node **dx)
{
    int axis = (int)y->at.axis;
    int64_t begin = 0;
    for (int i = 0; i < y->n_in; i++) {
        int64_t size = y->in[i]->shape.dim[axis];
        dx[i] = g_slice(dy, axis, begin, size);
        begin += size;
    }
}

/* A reduced tensor laid out over the operand's shape again. */
static node *spread(node *reduced, const node *x, uint32_t axes)
{
    shape s = x->shape;
    for (int i = 0; axes >> i; i++)
        if (axes >> i & 1u) s.dim[i] = 1;
    return g_broadcast(g_reshape(reduced, s), x->shape);
}

static void grad_sum(node *y, node *dy, node **dx)
{
    dx[0] = spread(dy, y->in[0], y->at.axes);
}

/* Equal largest values share the gradient. */
static void grad_amax(node *y, node *dy, node **dx)
{
    node *x = y->in[0];
    node *mine = g_equal(x, spread(y, x, y->at.axes));
    node *share = g_div(dy, g_sum(mine, y->at.axes));
    dx[0] = g_mul(mine, spread(share, x, y->at.axes));
}

/* d/dx of the mean of (x - mean)^2 is 2 (x - mean) / n: what reaches x through the mean adds up to nothing. */
static void grad_variance(node *y, node *dy, node **dx)
{
    node *x = y->in[0];
    double n = (double)shape_count(x->shape) / (double)shape_count(y->shape);
    node *mean = g_scale(g_sum(x, y->at.axes), 1 / n);
    dx[0] = g_mul(g_sub(x, spread(mean, x, y->at.axes)), spread(g_scale(dy, 2 / n), x, y->at.axes));
}

static void grad_cumsum(node *y, node *dy, node **dx)
{
    dx[0] = g_cumsum(dy, !y->at.flag);
}

static void grad_gather(node *y, node *dy, node **dx)
{
    dx[0] = g_scatter(dy, y->in[1], y->in[0]->shape.dim[0]);
}

static void grad_scatter(node *y, node *dy, node **dx)
{
    dx[0] = g_gather(dy, y->in[1]);
}

static void grad_take(node *y, node *dy, node **dx)
{
    dx[0] = g_put(dy, y->in[1], shape_last(y->in[0]->shape));
}

static void grad_put(node *y, node *dy, node **dx)
{
    dx[0] = g_take(dy, y->in[1]);
}

/* C = A B:  dA = dC B',  dB = A' dC; with the flags turned so that nothing is transposed in memory. */
static void grad_matmul(node *y, node *dy, node **dx)
{
    node *a = y->in[0], *b = y->in[1];
    bool ta = y->at.flag & TRANSPOSE_A, tb = y->at.flag & TRANSPOSE_B;
    dx[0] = ta ? g_matmul_flags(b, dy, tb ? TRANSPOSE_A | TRANSPOSE_B : TRANSPOSE_B)
               : g_matmul_flags(dy, b, tb ? 0 : TRANSPOSE_B);
    dx[1] = tb ? g_matmul_flags(dy, a, ta ? TRANSPOSE_A | TRANSPOSE_B : TRANSPOSE_A)
               : g_matmul_flags(a, dy, ta ? 0 : TRANSPOSE_A);
}

/* conv, conv_dx and conv_dw are what is left of one sum over x, w and y when one of the three is left out: each gradient is
 * another of them. */
static node *conv_like(op_code op, node *a, node *b, const node *y, const node *like)
{
    return tape_add(a->g, op, F32, like->shape, (node *[]){a, b}, 2, (attributes){.window = y->at.window});
}

static void grad_conv(node *y, node *dy, node **dx)
{
    node *x = y->in[0], *w = y->in[1];
    dx[0] = conv_like(OP_conv_dx, dy, w, y, x);
    dx[1] = conv_like(OP_conv_dw, x, dy, y, w);
}

static void grad_conv_dx(node *x, node *dx, node **d)
{
    node *y = x->in[0], *w = x->in[1];
    d[0] = conv_like(OP_conv, dx, w, x, y);
    d[1] = conv_like(OP_conv_dw, dx, y, x, w);
}

static void grad_conv_dw(node *w, node *dw, node **d)
{
    node *x = w->in[0], *y = w->in[1];
    d[0] = conv_like(OP_conv_dx, y, dw, w, x);
    d[1] = conv_like(OP_conv, x, dw, w, y);
}

/* The adjoint of a linear operation with the same attributes. */
static node *adjoint_of(op_code op, node *y, node *dy)
{
    return tape_add(y->g, op, F32, y->in[0]->shape, &dy, 1, (attributes){.flag = y->at.flag, .window = y->at.window});
}

/* What a window holds outside the image is a constant, so windows of an adjoint have zeros there. */
static void grad_windows(node *y, node *dy, node **dx)
{
    dx[0] = adjoint_of(OP_fold, y, dy);
}

static void grad_fold(node *y, node *dy, node **dx)
{
    dx[0] = adjoint_of(OP_windows, y, dy);
}

static void grad_resize(node *y, node *dy, node **dx)
{
    dx[0] = adjoint_of(OP_resize_dx, y, dy);
}

static void grad_resize_dx(node *y, node *dy, node **dx)
{
    dx[0] = adjoint_of(OP_resize, y, dy);
}

#define NODIFF NULL
static void no_gradient(node *y, node *dy, node **dx)
{
    (void)y;
    (void)dy;
    (void)dx;
}
#define grad_input no_gradient
#define grad_param no_gradient
#define grad_state no_gradient
#define grad_constant no_gradient
#define grad_iota no_gradient
#define grad_random no_gradient
#define grad_stop no_gradient
#define grad_argmax no_gradient
#define grad_argmin no_gradient
#define grad_argsort no_gradient
#define grad_one_hot no_gradient

#define UNUSED(x) (void)(x)
#define EW1(name, formula, da, ...)                                                                                    \
    static void grad_##name(node *y, node *dy, node **dx)                                                              \
    {                                                                                                                  \
        node *a = y->in[0];                                                                                            \
        UNUSED(a), UNUSED(dy);                                                                                         \
        dx[0] = da;                                                                                                    \
    }
#define EW2(name, formula, da, db, ...)                                                                                \
    static void grad_##name(node *y, node *dy, node **dx)                                                              \
    {                                                                                                                  \
        node *a = y->in[0], *b = y->in[1];                                                                             \
        UNUSED(a), UNUSED(b), UNUSED(dy);                                                                              \
        dx[0] = da, dx[1] = db;                                                                                        \
    }
#define EW3(name, formula, da, db, dc, ...)                                                                            \
    static void grad_##name(node *y, node *dy, node **dx)                                                              \
    {                                                                                                                  \
        node *a = y->in[0], *b = y->in[1], *c = y->in[2];                                                              \
        UNUSED(a), UNUSED(b), UNUSED(c), UNUSED(dy);                                                                   \
        dx[0] = da, dx[1] = db, dx[2] = dc;                                                                            \
    }
#include "ew.def"
#undef EW1
#undef EW2
#undef EW3

const gradient_rule gradient_rules[N_OPS] = {
#define OP(name, ...) [OP_##name] = grad_##name,
#include "ops.def"
#undef OP
};

/* ---- The way back ---- */

/* needed[id]: the node depends on one of wrt, through operations that pass gradients on. */
static void mark_needed(const graph *g, node *const *wrt, int n, int last, bool *needed)
{
    for (int i = 0; i < n; i++)
        if (!g_broken(wrt[i])) needed[wrt[i]->id] = true;
    for (int id = 0; id <= last; id++) {
        const node *x = g_at(g, id);
        if (gradient_rules[x->op] == no_gradient) continue;
        for (int i = 0; i < x->n_in; i++) needed[id] = needed[id] || needed[x->in[i]->id];
    }
}

static void pass_back(node *y, node **adjoint, const bool *needed)
{
    node *dx[MAX_IN] = {0};
    gradient_rules[y->op](y, adjoint[y->id], dx);
    for (int i = 0; i < y->n_in; i++) {
        int id = y->in[i]->id;
        if (!dx[i] || !needed[id]) continue;
        adjoint[id] = adjoint[id] ? g_add(adjoint[id], dx[i]) : dx[i];
    }
}

static void name_gradients(const node *loss, node *const *wrt, int n, node **out)
{
    for (int i = 0; i < n; i++)
        if (wrt[i]->name && out[i]->op != OP_constant)
            g_name(out[i], "d(%s)/d(%s)", loss->name ? loss->name : "loss", wrt[i]->name);
}

void g_gradient(node *loss, node *const *wrt, int n, node **out)
{
    graph *g = loss->g;
    for (int i = 0; i < n; i++) out[i] = g_zero(wrt[i]);
    if (g_broken(loss)) return;
    if (loss->shape.rank != 0) {
        g_fail(g, "gradient: the loss must be a scalar");
        return;
    }
    arena scratch;
    arena_open(&scratch, g_memory(g));
    bool *needed = arena_new(&scratch, (size_t)g_count(g), sizeof *needed);
    node **adjoint = arena_new(&scratch, (size_t)g_count(g), sizeof *adjoint);
    if (!needed || !adjoint) {
        g_fail_memory(g);
    } else {
        mark_needed(g, wrt, n, loss->id, needed);
        adjoint[loss->id] = g_like(loss, 1);
        for (int id = loss->id; id >= 0; id--)
            if (needed[id] && adjoint[id]) pass_back(g_at(g, id), adjoint, needed);
        for (int i = 0; i < n; i++)
            if (!g_broken(wrt[i]) && wrt[i]->id <= loss->id && adjoint[wrt[i]->id]) out[i] = adjoint[wrt[i]->id];
        name_gradients(loss, wrt, n, out);
    }
    arena_close(&scratch);
}
