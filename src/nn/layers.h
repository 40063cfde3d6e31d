/* layers.h - layers are functions that add nodes, and architecture strings are lists of layers.
 *
 *     dense 400 relu; dropout 0.2; dense 200 tanh
 *
 * Layers are separated by ';'. Words after a layer's numbers are its activation or initialiser. Activations: layers.def. */
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

/* Applies the layers of an architecture string to x, under names 0, 1, 2, ... A mistake in the text is recorded in the graph, with
 * the place and what was expected. */
node *architecture(scope *s, node *x, const char *layers);

#endif
