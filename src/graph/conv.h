/* conv.h - the sizes of a convolution, read from the shapes of its operation, for builders and kernels alike.
 *
 * One sum has three sides: y[b,o,f] = sum over taps k and channels c of x[b, o stride - padding + k dilation, c] w[k,c,f].
 * conv makes y of x and w, conv_dx makes x of y and w, conv_dw makes w of x and y. */
#ifndef ELBO_GRAPH_CONV_H
#define ELBO_GRAPH_CONV_H

#include "graph.h"

typedef struct conv_sizes {
    int64_t batch;
    int64_t in[2], channels;   /* x [batch, in, channels]                                             */
    int64_t out[2], results;   /* y [batch, out, results]                                             */
    int64_t groups;            /* group g of the results sees group g of the channels                 */
    int64_t group_c, group_f;  /* channels and results of a group; w [size, group_c, results]         */
    window at;
} conv_sizes;

/* From the shapes of an operation's operands a and b and of its result, whose batch may be cut to a block. */
conv_sizes conv_sizes_of(op_code op, const attributes *at, shape a, shape b, shape result);

/* Places of the window along an axis of n; 0 where it does not fit even once. */
int64_t window_places(const window *w, int axis, int64_t n);

double conv_flops(const conv_sizes *s);

/* Whether a node is one of the three, and the sizes of its whole tensors. */
bool is_conv(const node *n);
conv_sizes conv_sizes_of_node(const node *n);

/* Pixel i of a resized axis is (1 - weight) of the old pixel first and weight of second. */
typedef struct resize_tap {
    int64_t first, second;
    double weight;
} resize_tap;
resize_tap resize_tap_of(resize_kind kind, int64_t i, int64_t n_old, int64_t n_new);

#endif
