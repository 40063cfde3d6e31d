/* array.h - the examples of a file as elbo keeps them: U8 or F32, [N,H,W,C], in memory or, where they are many, left in the file.
 *
 * A format that is a block of numbers behind a header parses the header into a layout and leaves the rest to
 * array_read. */
#ifndef ELBO_DATA_ARRAY_H
#define ELBO_DATA_ARRAY_H

#include "../base/columns.h"
#include "gz.h"
#include "span.h"

typedef struct array {
    memory m;
    elbo_dtype dtype;
    int64_t count, shape[3];
    void *values;     /* [N,H,W,C]; NULL: they lie in                               */
    span *spans;      /* [n_spans], one after another                               */
    size_t n_spans;
    int32_t *labels;  /* [N], -1 for none; NULL: no labels                          */
    int64_t n_classes;
    int64_t test_begins; /* after array_append: the first example appended; else 0 */
    column_list *columns; /* of a table, whose missing values are nan; NULL: no table */
} array;

/* How many bytes of a file's values are held in memory, where they lie as they are and where they are packed, and where those are
 * unpacked to that are not (NULL: they are refused). */
typedef struct data_room {
    uint64_t plain, packed;
    const char *cache;
} data_room;

/* Takes everything left of g as the numbers of l; room NULL: into memory. Errors: IO, BAD_FILE, NO_MEMORY. */
elbo_status array_read(gz *g, const layout *l, const data_room *room, array *out, elbo_error *error);

void array_free(array *a);

/* Numbers of one example. */
size_t array_example_size(const array *a);
size_t array_example_bytes(const array *a);

/* Reads example i, as it is kept. Errors: IO (a file is shorter now). */
elbo_status array_example(const array *a, int64_t i, void *out, elbo_error *error);
/* Says that it will be read soon. */
void array_will_read(const array *a, int64_t i);

/* Gives a the labels that a rank-1 array of whole numbers in memory holds. path is for messages. Errors: BAD_FILE, NO_MEMORY. */
elbo_status array_set_labels(array *a, const array *labels, const char *path, elbo_error *error);

/* Appends the examples of b, which is good for array_free only then. Errors: BAD_FILE (another shape or type, labels on
 * one only), NO_MEMORY. */
elbo_status array_append(array *a, array *b, elbo_error *error);

/* Masks (U8, nothing above 1) of a file become 0 and 255. Errors: IO, NO_MEMORY. */
elbo_status array_stretch_masks(array *a, elbo_error *error);

/* What is measured of values, some or all at a time. */
typedef struct tally {
    double min, max, sum;
    uint64_t bytes; /* sum of U8 values, which is exact */
    int64_t n, n_missing;
    bool binary, whole; /* all are 0 or 1; whole numbers */
    bool missing; /* nan is a missing value, and passed over */
    int64_t bad;  /* the first value that is not finite; -1: none */
} tally;

void tally_open(tally *t);
double tally_mean(const tally *t); /* of those not missing */
void tally_add(tally *t, elbo_dtype dtype, const void *values, size_t n);

#endif
