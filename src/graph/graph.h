/* graph.h - a model as a graph: nodes, and the builders that add them.
 *
 * An SSA tape: a node's operands are older than the node, and creation order is execution order. Identical nodes are one
 * node (hash-consing). A wrong shape is remembered once in the graph (the sticky error: operation, operand shapes, name path,
 * line of the builder's call); later builders pass the broken node on, and compiling returns the error, so code that
 * describes models checks nothing. Memory comes from the graph's arena and goes with the graph.
 *
 * Shapes are concrete and row-major, rank at most MAX_RANK, channels last: a feature is always the last axis. Broadcasting is
 * strict: sizes are equal, or 1, or a leading axis is missing.
 *
 * Examples: a node whose numbers lie example by example is example-major (rows > 0: so many leading rows, dim[0], belong to
 * each example). Steps on such nodes that are row-local can run on blocks of examples; see ops.def. */
#ifndef ELBO_GRAPH_GRAPH_H
#define ELBO_GRAPH_GRAPH_H

#include "../base/error.h"
#include "../base/mem.h"

enum { MAX_RANK = 6, MAX_IN = 8 };

/* What values a node has. F32 stands for "real" and is double where a plan is compiled in double. */
typedef enum dtype { F32, BF16, U8, I32 } dtype;
size_t dtype_size(dtype t, bool in_double);
const char *dtype_name(dtype t);

typedef struct shape {
    int rank;
    int64_t dim[MAX_RANK];
} shape;

#define SHAPE(...) shape_make((int64_t[]){__VA_ARGS__}, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))
shape shape_make(const int64_t *dim, int rank);
#define SCALAR ((shape){0})
int64_t shape_count(shape s); /* product of the sizes; 1 for a scalar */
bool shape_equal(shape a, shape b);
int64_t shape_last(shape s); /* size of the last axis; 1 for a scalar */
void shape_text(shape s, char out[96]); /* "[128,784]" */

typedef enum op_code {
#define OP(name, ...) OP_##name,
#include "ops.def"
#undef OP
    N_OPS
} op_code;

typedef enum batch_rule { LEAF, ROWS, BY_SHAPE, COUPLE } batch_rule;

typedef struct op_info {
    const char *name;
    int arity;
    batch_rule batch;
    bool elementwise;
} op_info;
extern const op_info op_table[N_OPS];

typedef enum distribution_kind { UNIFORM, NORMAL } distribution_kind;

/* A window that moves over an image [B,H,W,C], along height and width: place o of it sees i = o stride - padding + k dilation for
 * k < size. */
typedef struct window {
    int32_t size[2], stride[2], padding[2], dilation[2];
} window;

/* What an operation needs beside its operands. Which fields count is said at the builder; the others are 0. Two nodes with
 * the same operation, operands, shape, dtype and attributes are one. */
typedef struct attributes {
    double value;       /* constant; windows: what lies outside the image                                             */
    int64_t axis;       /* slice, pad, concat                                                                         */
    int64_t begin, end; /* slice: first index; pad: zeros before and after; random: end 1 for the same at every step  */
    int64_t step;       /* slice and pad: stride, >= 1                                                                */
    uint32_t axes;      /* sum, amax, variance: bit i set for axis i                                                            */
    int32_t flag;       /* matmul: TRANSPOSE_A | TRANSPOSE_B; matmul, conv, conv_dx, conv_dw: IN_BF16; cumsum: 1 from
                           the back; random: distribution_kind; resize, resize_dx: resize_kind                        */
    uint32_t stream;    /* random                                                                                     */
    int32_t slot;       /* input: number; random: 1 to count elements from each example's own index                   */
    int64_t offset;     /* param, state: first number in the store's array                                            */
    int64_t unique;     /* not 0: never merged with an equal node                                                     */
    int8_t order[8];    /* permute: axis of the operand for each axis of the result                               */
    window window;      /* conv, conv_dx, conv_dw, windows, fold                                                      */
} attributes;

/* IN_BF16: kernels may round the operands to bf16; sums stay in float. The reference kernels do not. */
enum { TRANSPOSE_A = 1, TRANSPOSE_B = 2, IN_BF16 = 4 };
typedef enum resize_kind { RESIZE_NEAREST, RESIZE_BILINEAR } resize_kind;

typedef struct graph graph;
typedef struct node node;
struct node {
    graph *g;
    int id; /* position on the tape */
    op_code op;
    dtype type;
    shape shape;
    int rows;  /* example-major: leading rows per example; 0 where it is not */
    int n_in;
    node **in;
    attributes at;
    const char *name; /* what people call it: "encoder.mu.weight"; NULL: none */
    const char *path; /* scope in which it was built */
};

/* ---- The graph ---- */

/* A graph for batches of so many examples (0: none of its nodes is example-major). NULL out of memory. */
graph *g_open(memory m, int64_t examples);
void g_close(graph *g);
int64_t g_examples(const graph *g);
int g_count(const graph *g);
node *g_at(const graph *g, int id);
/* The sticky error: OK, USAGE (a wrong shape) or NO_MEMORY. */
elbo_status g_status(const graph *g, elbo_error *error);
/* Records a mistake of the model's description (once) and returns a broken node that later builders pass on. */
node *g_fail(graph *g, const char *format, ...) PRINTF_LIKE(2, 3);
node *g_fail_memory(graph *g);
bool g_broken(const node *x);
memory g_memory(const graph *g);
/* The scope path that new nodes carry; copied. */
void g_set_path(graph *g, const char *path);
/* Names a node for people (the first name stays); returns it. */
node *g_name(node *x, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- Leaves ---- */

/* Input number slot, given at each run. example_major: dim[0] is a multiple of the graph's examples. */
node *g_input(graph *g, int slot, dtype type, shape s, bool example_major, const char *name);
node *g_param(graph *g, int64_t offset, shape s, const char *name);
node *g_state(graph *g, int64_t offset, shape s, const char *name);
node *g_constant(graph *g, double value, shape s);
/* i32 [n]: 0, 1, ..., n - 1 */
node *g_iota(graph *g, int64_t n);
/* Random numbers. stream must be new in this graph. example_major: elements are counted from each example's index in the
 * data (dim[0] / examples rows each), so that a draw does not depend on the batch it sits in; else from 0. */
node *g_random(graph *g, distribution_kind kind, uint32_t stream, shape s, bool example_major);
/* The same numbers at every step. */
node *g_random_once(graph *g, distribution_kind kind, uint32_t stream, shape s, bool example_major);

/* ---- Shape and order ---- */

node *g_cast(node *x, dtype type);
node *g_stop(node *x);
node *g_broadcast(node *x, shape s);
node *g_reshape(node *x, shape s);
node *g_permute(node *x, const int *order);             /* order[i]: which axis of x becomes axis i */
node *g_transpose(node *x);                             /* the last two axes exchanged */
node *g_slice(node *x, int axis, int64_t begin, int64_t count);
node *g_slice_step(node *x, int axis, int64_t begin, int64_t count, int64_t step);
node *g_pad(node *x, int axis, int64_t before, int64_t after, int64_t step); /* step 1: no zeros between */
node *g_concat(node *const *x, int n, int axis);
node *g_split(node *x, int n, int i);                   /* the i-th of n equal parts of the last axis */

/* ---- Reductions and indices ---- */

node *g_sum(node *x, uint32_t axes);      /* bit i: axis i; the axes disappear */
node *g_amax(node *x, uint32_t axes);
node *g_variance(node *x, uint32_t axes); /* the mean of (x - mean)^2 over axes */
node *g_sum_last(node *x);                /* over the last axis */
node *g_sum_features(node *x);            /* over all axes but the first: [B,...] to [B] */
node *g_sum_all(node *x);                 /* to a scalar */
node *g_mean_all(node *x);
node *g_logsumexp_last(node *x);
node *g_cumsum(node *x, bool from_back);
node *g_argmax(node *x);
node *g_argmin(node *x);
node *g_argsort(node *x);
node *g_sort(node *x);                    /* ascending along the last axis; differentiable */
node *g_one_hot(node *index, int64_t n);  /* i32 [...] to [...,n] */
node *g_gather(node *table, node *index); /* [N,...] and i32 [M] to [M,...] */
node *g_scatter(node *x, node *index, int64_t n); /* [M,...] and i32 [M] to [n,...] */
node *g_take(node *x, node *index);       /* [...,N] and i32 [...,M] to [...,M] */
node *g_put(node *x, node *index, int64_t n);     /* [...,M] and i32 [...,M] to [...,n] */

/* ---- Products ---- */

/* [...,M,K] x [...,K,N]; leading axes equal, or the right operand has none. */
node *g_matmul(node *a, node *b);
node *g_matmul_flags(node *a, node *b, int flags);

/* ---- Images [B,H,W,C] (build_conv.c) ---- */

/* Along height and width; 0 stands for 1 in stride, dilation and groups. output_padding: see g_conv_transpose. */
typedef struct conv_geometry {
    int32_t stride[2], padding[2], dilation[2], output_padding[2];
    int32_t groups;
} conv_geometry;

/* x [B,H,W,C] and w [KH,KW,C/groups,F] to [B,OH,OW,F], OH = (H + 2 padding - (KH - 1) dilation - 1) / stride + 1 rounded down.
 * Group g of the results, F/groups of them, sees group g of the channels. */
node *g_conv(node *x, node *w, conv_geometry a);
/* The adjoint of that by x: [B,OH,OW,F] and w [KH,KW,C/groups,F] to [B,H,W,C], H = (OH - 1) stride - 2 padding +
 * (KH - 1) dilation + 1 + output_padding, which is below stride: PyTorch's ConvTranspose2d from F channels to C. */
node *g_conv_transpose(node *x, node *w, conv_geometry a);
/* Pooling: stride 0 stands for the size, dilation 0 for 1. The padding counts as zeros in the average (PyTorch's default) and
 * never wins the maximum, of which equal ones share the gradient. padding is at most half the size. */
node *g_pool_average(node *x, window a);
node *g_pool_max(node *x, window a);
/* Every place's window laid out: [B,H,W,C] to [B,OH,OW,C,KH KW], outside where it leaves the image. */
node *g_windows(node *x, window a, double outside);
/* To [B,h,w,C]. The centres of the pixels of both images cover the same square (align_corners false in PyTorch): nearest takes
 * pixel i H / h rounded down, bilinear mixes the two around (i + 1/2) H / h - 1/2. */
node *g_resize_nearest(node *x, int64_t h, int64_t w);
node *g_resize_bilinear(node *x, int64_t h, int64_t w);

/* ---- Elementwise: g_exp(a), g_add(a, b), g_where(a, b, c), ... see ew.def. Operands are broadcast. ---- */

#define EW1(name, ...) node *g_##name(node *a);
#define EW2(name, ...) node *g_##name(node *a, node *b);
#define EW3(name, ...) node *g_##name(node *a, node *b, node *c);
#include "ew.def"
#undef EW1
#undef EW2
#undef EW3

/* Short forms made of those. */
node *g_scale(node *x, double factor);
node *g_shift(node *x, double term);
node *g_zero(node *x); /* zeros of the shape of x */
node *g_like(node *x, double value);
node *g_clip(node *x, double low, double high); /* clamp to constants */
node *g_leaky_relu(node *x, double slope);
node *g_elu(node *x);
node *g_silu(node *x);
node *g_gelu(node *x); /* x Phi(x), exactly */
node *g_clamp_adjoint(node *a, node *low, node *high, node *dy);

/* ---- Passes ---- */

/* The gradients of the scalar loss by each of wrt[n], as nodes appended to the same graph; zeros where loss does not depend
 * on it. Gradients are ordinary nodes: taking the gradient of one works. NULL entries never. */
void g_gradient(node *loss, node *const *wrt, int n, node **out);

/* A new graph with only what outputs need, constants folded and identities removed; outputs[i] becomes the new node. */
graph *g_simplify(graph *g, node **outputs, int n, elbo_error *error);

/* Marks the products and convolutions of a graph to which no node is added any more IN_BF16, where that pays. */
void g_products_in_bf16(graph *g);

/* Floating-point operations of a product or convolution; 0 for others. */
double g_flops(const node *x);

/* The tape as text, a line per node. */
struct text;
void g_dump(const graph *g, struct text *out);

/* ---- The line of a builder's call, for the sticky error ---- */
node *g_here(node *x, const char *file, int line);
#define G_HERE(x) g_here((x), __FILE__, __LINE__)
#ifndef G_NO_LINES
#define g_matmul(a, b) g_matmul(G_HERE(a), b)
#define g_conv(x, ...) g_conv(G_HERE(x), __VA_ARGS__)
#define g_conv_transpose(x, ...) g_conv_transpose(G_HERE(x), __VA_ARGS__)
#define g_pool_average(x, ...) g_pool_average(G_HERE(x), __VA_ARGS__)
#define g_pool_max(x, ...) g_pool_max(G_HERE(x), __VA_ARGS__)
#define g_resize_nearest(x, ...) g_resize_nearest(G_HERE(x), __VA_ARGS__)
#define g_resize_bilinear(x, ...) g_resize_bilinear(G_HERE(x), __VA_ARGS__)
#define g_reshape(x, ...) g_reshape(G_HERE(x), __VA_ARGS__)
#define g_broadcast(x, ...) g_broadcast(G_HERE(x), __VA_ARGS__)
#define g_add(a, b) g_add(G_HERE(a), b)
#define g_sub(a, b) g_sub(G_HERE(a), b)
#define g_mul(a, b) g_mul(G_HERE(a), b)
#define g_div(a, b) g_div(G_HERE(a), b)
#define g_where(a, b, c) g_where(G_HERE(a), b, c)
#define g_slice(x, ...) g_slice(G_HERE(x), __VA_ARGS__)
#define g_concat(x, n, axis) g_concat(x, n, axis)
#define g_gather(a, b) g_gather(G_HERE(a), b)
#define g_take(a, b) g_take(G_HERE(a), b)
#endif

#endif
