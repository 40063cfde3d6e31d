/* architecture.h - networks as text: layers separated by ';'.
 *
 *     conv 32 3x3/2 bn leaky_relu; conv 64 3x3/2 bn leaky_relu; dense 256 relu; dropout 0.2
 *
 *   dense N                    flattens a picture first; N may be auto (see reshape)
 *   conv F KxK[/S]             [pad P] [dilate D] [groups G]; padding keeps the size at stride 1 unless given
 *   deconv F KxK[/S]           transposed; S times the size unless [pad P] [outpad O] say otherwise
 *   res F[/S]                  residual block of two 3x3 convolutions
 *   up N [bilinear]            N times the size, nearest pixel unless bilinear
 *   pool max|average N         N times smaller
 *   reshape HxWxC, reshape auto    a flat tensor as a picture; auto: the last picture the encoder saw,
 *                                  larger where layers rounded down, so that as many doublings cover the data
 *   flatten, dropout P, channel-dropout P
 *
 * After its numbers a layer takes normalisations (bn, ln, gn:GROUPS) and activations (layers.def), applied in order, and an
 * initialiser (init.def) anywhere. A line that is only such words applies them. */
#ifndef ELBO_NN_ARCHITECTURE_H
#define ELBO_NN_ARCHITECTURE_H

#include "layers.h"

/* Applies the layers to x [B,...], under names 0, 1, 2, ... A mistake in the text is recorded in the graph with the
 * layer and what was expected. *picture [H,W,C]: what auto stands for; set anew by every picture on the way. notes: a
 * line for each layer is appended, its words divided by tabs: scope, name, layer, its result for one example, parameters,
 * flop for one example; NULL: none. */
struct text;
node *architecture(scope *s, node *x, const char *layers, shape *picture, struct text *notes);

/* The activation the last layer ends in, as its number in layers.def; -1: it is linear. */
int architecture_activation(const char *layers);

/* A ready-made network (nets.def): a name and its layers. NULL past the last, or for an unknown name. */
typedef struct net {
    const char *name, *encoder, *decoder;
} net;
const net *net_at(size_t i);
const net *net_find(const char *name);

#endif
