/* product_tiles.h - the micro-kernels of the built-in product, one table for each kind of processor. */
#ifndef ELBO_KERNELS_CPU_PRODUCT_TILES_H
#define ELBO_KERNELS_CPU_PRODUCT_TILES_H

#include "../../base/cpu.h"

#include <stdbool.h>
#include <stdint.h>

/* C[i][j] (+)= sum over l < k of p[i pr + l pk] q[l qk + j], C[i][j] at c[i cr + j]. */
typedef struct tile_args {
    int64_t k;
    const float *p;
    int64_t pr, pk;
    const float *q;
    int64_t qk;
    float *c;
    int64_t cr;
    bool add; /* to what C holds; else to zeros */
} tile_args;

typedef void (*tile_fn)(const tile_args *t);

/* C[i][j] = sum over r < runs and l < k of p[i pr + r p_run + l] q[j qr + r q_run + l], for i < m. Sums go along memory, in the
 * lanes of vectors, which are added in the end; k is a multiple of DOTS_STEP. */
enum { DOTS_STEP = 16, MOST_DOTS = 4 };
typedef struct dots_args {
    int64_t m, runs, k;
    const float *p;
    int64_t pr, p_run;
    const float *q;
    int64_t qr, q_run;
    float *c;
    int64_t cr;
} dots_args;

typedef struct product_tiles {
    int width;          /* numbers in a vector */
    int rows;           /* most rows of a tile */
    tile_fn tile[8][3]; /* for rows - 1, vectors - 1 */
    tile_fn wide[2];    /* for rows - 1, 6 vectors: chains enough to keep the processor busy */
    void (*copy)(int64_t k, int vectors, const float *q, int64_t qk, float *to); /* rows qk apart into a packed panel */
    void (*dots[MOST_DOTS])(const dots_args *t); /* for columns - 1 of C */
} product_tiles;

const product_tiles *product_tiles_of(cpu_level level);

#endif
