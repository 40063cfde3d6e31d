/* product_onednn.h - oneDNN, opened when a program runs; absent where it was built without dnnl.h. */
#ifndef ELBO_KERNELS_CPU_PRODUCT_ONEDNN_H
#define ELBO_KERNELS_CPU_PRODUCT_ONEDNN_H

#include "../../base/mem.h"

typedef struct onednn onednn;

onednn *onednn_open(memory m); /* NULL: not found, unfit, or out of memory */
void onednn_close(onednn *o);  /* NULL is allowed */
const char *onednn_name(const onednn *o);

/* product() of product.h; false where the library gave up (it allocates), with C undefined. */
bool onednn_product(const onednn *o, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const float *b, int64_t ldb, float *c, int64_t ldc);

#endif
