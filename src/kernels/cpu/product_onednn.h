/* product_onednn.h - oneDNN, opened when a program runs; absent where it was built without dnnl.h. */
#ifndef ELBO_KERNELS_CPU_PRODUCT_ONEDNN_H
#define ELBO_KERNELS_CPU_PRODUCT_ONEDNN_H

#include "../../base/mem.h"

typedef struct onednn onednn;

/* *out: NULL where it was not found or is unfit. False: out of memory, which must not decide which product is used. */
bool onednn_open(memory m, onednn **out);
void onednn_close(onednn *o);  /* NULL is allowed */
const char *onednn_name(const onednn *o);

/* product() of product.h; false where the library gave up (it allocates), with C undefined. */
bool onednn_product(const onednn *o, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const float *b, int64_t ldb, float *c, int64_t ldc);

/* For the other adaptor, convolve_onednn.c: a symbol of the library, its version, and one thread of OpenMP from onednn_alone,
 * which tells how many there were, to onednn_restore. */
bool onednn_find(const onednn *o, const char *symbol, void *function);
int onednn_major(const onednn *o);
int onednn_alone(const onednn *o);
void onednn_restore(const onednn *o, int threads);

#endif
