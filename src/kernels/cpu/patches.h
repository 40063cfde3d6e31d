/* patches.h - what taps of a window see, as the rows of a matrix: convolution becomes a matrix product. */
#ifndef ELBO_KERNELS_CPU_PATCHES_H
#define ELBO_KERNELS_CPU_PATCHES_H

#include "../../graph/conv.h"

/* Rows are the places [first, first + n), counted through images, rows and columns of y; columns are taps [tap, tap + n_taps)
 * by the channels [channel, channel + group_c). */
typedef struct patches {
    int64_t first, n;
    int64_t tap, n_taps;
    int64_t channel;
} patches;

/* to [n, n_taps group_c] = the patches of x [batch, in, channels], zeros outside the images. */
void patches_gather(const conv_sizes *s, patches p, const float *x, float *to);
/* x += the patches at from, each number to where it was gathered. */
void patches_scatter(const conv_sizes *s, patches p, const float *from, float *x);

/* Whether patches of all taps are x itself. */
bool patches_are_image(const conv_sizes *s);

#endif
