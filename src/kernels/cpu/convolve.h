/* convolve.h - what convolutions (convolve.c) and the gradients of their weights (convolve_weights.c) share. */
#ifndef ELBO_KERNELS_CPU_CONVOLVE_H
#define ELBO_KERNELS_CPU_CONVOLVE_H

#include "../../graph/kernel.h"
#include "convolve_onednn.h"

enum {
    FEW_CHANNELS = 8,        /* of what is computed, for which products of patches are faster than the library */
    MAX_PARTS = 64,
    PART_FLOPS = 3000000,
    SMALL_WEIGHTS = 1 << 17, /* weights whose gradient's parts are sums over images of their own */
};

bool conv_in_bf16(const node *n);
int64_t conv_taps(const conv_sizes *s);
int64_t conv_places(const conv_sizes *s);
int64_t conv_weights(const conv_sizes *s);

/* Places of a chunk of patches that have so many columns: at most, and so that chunks are about equal. */
int64_t conv_most_places(int64_t places, int64_t columns);
int64_t conv_chunk(int64_t places, int64_t columns);
/* Of so many floats, in whole lines of the cache. */
size_t conv_bytes(int64_t numbers);

/* Narrows a call to the images of its part: how many, and the first. */
int64_t conv_narrow(conv_sizes *s, const kernel_args *k);

/* With stride 1, conv from C to F channels is conv_dx from C to F with the window turned round. So patches can be made of
 * whichever side has fewer channels: a picture of 3 channels, say, instead of 32 features. False where there is no such image, or
 * nothing is gained: then m is s. */
bool conv_mirror(const conv_sizes *s, conv_sizes *m);
/* to [taps,F,C] = the weights [taps,C,F] of s, taps in the opposite order. */
void conv_turn_weights(const conv_sizes *s, const float *w, float *to);

/* The library's convolutions of as many images as a call has, and as the last call has where that is fewer. */
typedef struct library_convs {
    memory m;
    int64_t images[2];
    onednn_conv *conv[2]; /* NULL: by products */
} library_convs;
/* Makes them, for calls of so many images and of the rest, with the scratch they ask for. False when out of memory. */
bool library_convs_make(const preparing *q, conv_sizes s, int64_t images, preparation *p);
/* The one for so many images; NULL: by products. */
const onednn_conv *library_conv(const kernel_args *k, int64_t images);

#endif
