/* product.h - matrix products in float, by oneDNN or by elbo itself.
 *
 * A product runs in the calling thread alone, and many threads may call it at once with one handle. Its bits depend on
 * the arguments, the library and the kind of processor, never on threads; so a caller cuts its work by shapes only.
 * The built-in product gives more: every number of C has the same bits however rows and columns are cut, and with AVX2
 * the same as with AVX-512 (product_tile.inc). */
#ifndef ELBO_KERNELS_CPU_PRODUCT_H
#define ELBO_KERNELS_CPU_PRODUCT_H

#include "../../base/cpu.h"
#include "../../base/mem.h"

typedef enum product_choice {
    PRODUCT_BEST,    /* oneDNN where it is found, else the built-in product */
    PRODUCT_BUILTIN,
} product_choice;

/* A handle for engine->library and kernel_args.library; NULL out of memory. Opening oneDNN takes about 0.1 s, in which
 * it generates its code: too long for a program that decodes a few latents, well spent on training. level is the best
 * kind of instructions the built-in product may use: cpu_best(), or less for tests. */
void *product_open(memory m, product_choice choice, cpu_level level);
void product_close(void *library); /* NULL is allowed; no product may be running */

/* "oneDNN 2.6.3, AVX-512", "elbo's own product, AVX2": where it is the same, so are the bits of what is computed. Valid as long
 * as the handle. */
const char *product_name(const void *library);

/* The kind of instructions the built-in product uses; library may be NULL: the best there are. */
cpu_level product_level(const void *library);

/* The library beneath, NULL where it is built-in. */
const struct onednn *product_onednn(const void *library);

/* C = A B. A is [m,k], or [k,m] where ta; B is [k,n], or [n,k] where tb; C is [m,n]; row-major, with lda, ldb, ldc
 * numbers from one row to the next. All sizes are at least 1. library may be NULL: built-in. */
void product(const void *library, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
             const float *b, int64_t ldb, float *c, int64_t ldc);

/* The same by the built-in product (product_builtin.c). */
void product_builtin(cpu_level level, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                     const float *b, int64_t ldb, float *c, int64_t ldc);

/* The same, and the same bits, with B packed once for many calls, which takes product_packed numbers: each of so many parts by a
 * call, in any order. */
int64_t product_packed(cpu_level level, int64_t n, int64_t k);
void product_pack(cpu_level level, bool tb, int64_t n, int64_t k, const float *b, int64_t ldb, float *packed, int part,
                  int parts);
void product_by_packed(cpu_level level, bool ta, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                       const float *packed, float *c, int64_t ldc);

#endif
