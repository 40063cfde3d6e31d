/* array.h - the examples of a file, in memory, as elbo keeps them: U8 or F32, [N,H,W,C].
 *
 * A format that is a block of numbers behind a header parses the header into a layout and leaves the rest to
 * array_read. */
#ifndef ELBO_DATA_ARRAY_H
#define ELBO_DATA_ARRAY_H

#include "../base/columns.h"
#include "gz.h"

typedef struct array {
    memory m;
    elbo_dtype dtype;
    int64_t count, shape[3];
    void *values;     /* [N,H,W,C]                                                  */
    int32_t *labels;  /* [N], -1 for none; NULL: no labels                          */
    int64_t n_classes;
    column_list *columns; /* of a table, whose missing values are nan; NULL: no table */
} array;

enum { ARRAY_AXES = 4 }; /* N, H, W, C */

/* How numbers lie in a file. Bytes of one kind: 'u' and 'i' whole numbers, 'f' real ones, 'b' truth values. */
typedef struct layout {
    char kind;
    size_t bytes; /* 1, 2, 4 or 8 */
    bool big_endian;
    size_t total;              /* numbers                                                    */
    size_t n[ARRAY_AXES];      /* how many along N, H, W, C; 1 where the file has no such axis */
    size_t stride[ARRAY_AXES]; /* how many numbers apart neighbours along N, H, W, C lie      */
} layout;

/* Lays out rank (1 to 4) axes of the sizes given. Rank 1 is N; 2 is N, D (a table: 1,1,D); 3 is N,H,W; 4 is N,H,W,C, or
 * N,C,H,W when channels_first. first_fastest: the first axis changes fastest (Fortran), not the last. false: the sizes
 * overflow or one is 0. */
bool layout_axes(layout *l, int rank, const uint64_t *sizes, bool channels_first, bool first_fastest);

/* Reads everything left of g as the numbers of l. u8 and b stay U8, all else becomes F32. Errors: BAD_FILE, NO_MEMORY.
 * */
elbo_status array_read(gz *g, const layout *l, array *out, elbo_error *error);

void array_free(array *a);

/* Numbers of one example. */
size_t array_example_size(const array *a);

/* Gives a the labels that a rank-1 array of whole numbers holds. path is for messages. Errors: BAD_FILE, NO_MEMORY. */
elbo_status array_set_labels(array *a, const array *labels, const char *path, elbo_error *error);

/* Appends the examples of b. Errors: BAD_FILE (another shape or type, labels on one only), NO_MEMORY. */
elbo_status array_append(array *a, const array *b, elbo_error *error);

/* Masks (U8, nothing above 1) become 0 and 255. */
void array_stretch_masks(array *a);

/* What is measured of values, some or all at a time. */
typedef struct tally {
    double min, max, sum;
    int64_t n, n_missing;
    bool binary, whole; /* all are 0 or 1; whole numbers */
    bool missing; /* nan is a missing value, and passed over */
    int64_t bad;  /* the first value that is not finite; -1: none */
} tally;

void tally_open(tally *t);
void tally_add(tally *t, elbo_dtype dtype, const void *values, size_t n);

#endif
