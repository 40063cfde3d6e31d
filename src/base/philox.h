/* philox.h - random numbers as a function: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as
 * 1, 2, 3"), keyed by (seed, step, stream, element).
 *
 * Bit layout, version 1: key = {seed low, seed high}; counter = {block low, block high, step, stream} where
 * block = element / 4, and the block's four 32-bit words belong to elements 4 block .. 4 block + 3.
 *   uniform:  u = ((word >> 9) + 0.5) / 2^23, inside (0,1) and exact in float
 *   normal:   Box-Muller on the words (0, 1) and (2, 3) of a block: r = sqrt(-2 log u0), the even element gets
 *             r cos(2 pi u1), the odd one r sin(2 pi u1), with u0 the uniform of the first word and
 *             u1 = (word >> 8) / 2^24 of the second.
 * Everything random in elbo (initial values, noise, dropout, shuffling, sampling) is drawn here, so nothing but the
 * step has to be saved to go on with a run. */
#ifndef ELBO_BASE_PHILOX_H
#define ELBO_BASE_PHILOX_H

#include <stddef.h>
#include <stdint.h>

typedef struct philox_key {
    uint64_t seed;
    uint32_t step, stream;
} philox_key;

/* The four words of a block. */
void philox_block(philox_key key, uint64_t block, uint32_t out[4]);

/* n numbers of consecutive elements, from first on. */
void philox_uniform(philox_key key, uint64_t first, size_t n, float *out);
void philox_normal(philox_key key, uint64_t first, size_t n, float *out);
void philox_uniform_double(philox_key key, uint64_t first, size_t n, double *out); /* the float values, exactly */
void philox_normal_double(philox_key key, uint64_t first, size_t n, double *out);  /* same words, computed in double */

/* The stream of a name ("train/encoder/eps"): FNV-1a of its bytes, 32 bits. */
uint32_t philox_stream(const char *name);

/* A permutation of [0, n) for each key: the i-th of a shuffle, i < n, without storing the shuffle (a keyed Feistel
 * network on the next power of four, walked until the value falls below n). */
uint64_t philox_shuffle(philox_key key, uint64_t n, uint64_t i);

/* The same for many i of one shuffle. */
enum { PHILOX_FEISTEL = 12 }; /* rounds; with 8, some orders of 6 are measurably rarer than others */
typedef struct philox_order {
    uint64_t n;
    int half; /* of the bits of the network's numbers */
    uint32_t round_keys[PHILOX_FEISTEL];
} philox_order;
philox_order philox_order_of(philox_key key, uint64_t n);
uint64_t philox_order_at(const philox_order *o, uint64_t i);

#endif
