/* convolve_onednn.h - conv, conv_dx and conv_dw by oneDNN's primitives, made when a plan is compiled. */
#ifndef ELBO_KERNELS_CPU_CONVOLVE_ONEDNN_H
#define ELBO_KERNELS_CPU_CONVOLVE_ONEDNN_H

#include "../../graph/conv.h"
#include "product_onednn.h"

typedef struct onednn_conv onednn_conv;

/* op is OP_conv, OP_conv_dx or OP_conv_dw; s->batch images a call, for so many workers at a time; the weights laid out as for
 * like, where that is not NULL. NULL where the library has no fast way, is of another version than the header, or is out of
 * memory: then there is always product(). */
onednn_conv *onednn_conv_open(const onednn *o, memory m, op_code op, const conv_sizes *s, int workers,
                              const onednn_conv *like);
void onednn_conv_close(onednn_conv *c); /* NULL is allowed */

size_t onednn_conv_scratch(const onednn_conv *c); /* bytes a call needs */
size_t onednn_conv_packed(const onednn_conv *c);  /* bytes of the weights as it wants them */

/* packed = w [KH,KW,C,F], and back */
void onednn_conv_pack(const onednn_conv *c, const float *w, void *packed);
void onednn_conv_unpack(const onednn_conv *c, const void *packed, float *w);
/* conv: y from x and packed; conv_dx: x from y and packed; conv_dw: packed from x and y. One call of a worker at a time. False
 * where the library gave up. */
bool onednn_conv_run(const onednn_conv *c, int worker, const void *packed, const float *x, const float *y, void *scratch);

#endif
