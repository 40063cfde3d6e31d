/* columns.h - what the numbers of an example of a table are: names, kinds, levels. The data set has them from its file,
 * a model from the data it was trained on. */
#ifndef ELBO_BASE_COLUMNS_H
#define ELBO_BASE_COLUMNS_H

#include "error.h"
#include "mem.h"

enum { COLUMN_NAME = 256, MAX_LEVELS = 4096 }; /* bytes of a name or level; levels there may be */

typedef struct column_list {
    arena a;         /* all that is pointed to */
    int64_t n;       /* numbers of an example */
    elbo_column *at; /* [n] */
    const char *label; /* the column that labels are from; NULL: none */
    int64_t n_classes;
    const char **classes; /* [n_classes] */
    const char *left_out; /* what else the file has, a line "name: why" each; "" for nothing */
} column_list;

/* Empty columns; NULL out of memory. */
column_list *columns_new(memory m);
void columns_free(column_list *c);
/* Names, kinds, levels and classes, without what was measured; NULL out of memory. */
column_list *columns_copy(memory m, const column_list *from);

/* Neighbouring columns of one kind; a categorical one by itself. */
typedef struct column_run {
    elbo_column_kind kind;
    int64_t first, n;
    int64_t levels; /* of CATEGORICAL */
} column_run;

/* Goes on to the next run; r begins as zeros. False: there is none. */
bool columns_next_run(const column_list *c, column_run *r);

/* The kind of that name; false: there is none. */
bool column_kind_find(const char *word, elbo_column_kind *out);
/* Whether its values are levels, as indices from 0 on. */
bool column_has_levels(elbo_column_kind kind);

#endif
