/* layers.h - layers and activations are functions that add nodes. Architecture strings name them: architecture.h. */
#ifndef ELBO_NN_LAYERS_H
#define ELBO_NN_LAYERS_H

#include "scope.h"

/* y = x W + b, x [B,in] to [B,out]. Makes weight [in,out] and bias [out] under name. A weight after a flattened picture, and one
 * whose result is laid out as a picture (as = [H,W,C], rank 0: not one), is exported with channels first. */
node *dense(scope *s, node *x, int64_t out, const char *name, const initialiser *init, shape as);

/* x with each number zeroed with probability p and the rest scaled by 1/(1-p), while training; else x. */
node *dropout(scope *s, node *x, double p);

/* x [B,...] as [B,F]. */
node *flatten(node *x);

/* The activation of that name applied to x; NULL when there is none. "leaky_relu:0.2" gives a slope. */
node *activation(node *x, const char *name);
/* The i-th activation's name, NULL past the last. */
const char *activation_at(size_t i);

/* Convolution of pictures x [B,H,W,C], along height and width. */
typedef struct conv_layer {
    int64_t filters;
    int32_t kernel[2], stride, padding, dilation, groups;
    int32_t output_padding; /* transposed only */
} conv_layer;

/* x convolved: weight [KH,KW,C/groups,filters], exported as PyTorch's Conv2d [filters,C/groups,KH,KW], and bias [filters]. */
node *conv2d(scope *s, node *x, conv_layer c, const char *name, const initialiser *init);
/* The transposed convolution: weight [KH,KW,filters,C], exported as PyTorch's ConvTranspose2d [C,filters,KH,KW]. */
node *conv2d_transpose(scope *s, node *x, conv_layer c, const char *name, const initialiser *init);

#endif
