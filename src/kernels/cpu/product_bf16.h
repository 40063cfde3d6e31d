/* product_bf16.h - matrix products of numbers rounded to bf16, added up in float: by AMX where the processor has it.
 *
 * Bits depend on the numbers alone, not on how rows and columns are cut, nor on the processor: without AMX the same sums are
 * computed number by number, which is slow. */
#ifndef ELBO_KERNELS_CPU_PRODUCT_BF16_H
#define ELBO_KERNELS_CPU_PRODUCT_BF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct bf16_unit bf16_unit;

/* What multiplies; AMX where this process may use it, for which it asks the system. */
const bf16_unit *bf16_best(void);
const bf16_unit *bf16_portable(void);

/* Bytes of B packed, and of the room for a call; multiples of 64. */
size_t bf16_packed(int64_t n, int64_t k);
size_t bf16_room(int64_t k);

/* packed = B, which is [k,n] with ldb numbers from one row to the next, or [n,k] where tb: each of so many parts by a call. */
void bf16_pack(const bf16_unit *u, bool tb, int64_t n, int64_t k, const float *b, int64_t ldb, void *packed, int part, int parts);

/* C = A B, or C += A B. A is [m,k], or [k,m] where ta. C is [m,n]. */
void bf16_by_packed(const bf16_unit *u, bool ta, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const void *packed, float *c, int64_t ldc, bool add, void *room);

#endif
