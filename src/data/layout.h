/* layout.h - how numbers lie in a file, and turning them into numbers as elbo keeps them: U8 or F32, [N,H,W,C]. */
#ifndef ELBO_DATA_LAYOUT_H
#define ELBO_DATA_LAYOUT_H

#include "../base/mem.h"

#include <elbo.h>

enum { LAYOUT_AXES = 4 }; /* N, H, W, C */

/* Bytes of one kind: 'u' and 'i' whole numbers, 'f' real ones, 'b' truth values. */
typedef struct layout {
    char kind;
    size_t bytes; /* 1, 2, 4 or 8 */
    bool big_endian;
    size_t total;               /* numbers                                                    */
    size_t n[LAYOUT_AXES];      /* how many along N, H, W, C; 1 where the file has no such axis */
    size_t stride[LAYOUT_AXES]; /* how many numbers apart neighbours along N, H, W, C lie      */
} layout;

/* Lays out rank (1 to 4) axes of the sizes given. Rank 1 is N; 2 is N, D (a table: 1,1,D); 3 is N,H,W; 4 is N,H,W,C, or
 * N,C,H,W when channels_first. first_fastest: the first axis changes fastest (Fortran), not the last. false: the sizes
 * overflow or one is 0. */
bool layout_axes(layout *l, int rank, const uint64_t *sizes, bool channels_first, bool first_fastest);

/* What the numbers become: u8 and b stay U8, all else becomes F32. */
size_t number_bytes(elbo_dtype dtype); /* of a number as it is kept */
elbo_dtype layout_dtype(const layout *l);
/* Numbers of an example. */
size_t layout_example(const layout *l);
/* Whether an example's numbers lie together, and whether they lie as they are kept. */
bool layout_by_example(const layout *l);
bool layout_as_kept(const layout *l);

/* Turns n examples, the first of which begins at from, into out. */
void layout_convert(const layout *l, const unsigned char *from, size_t n, void *out);

#endif
