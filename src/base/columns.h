/* columns.h - what the numbers of an example of a table are: names, kinds, levels. The data set has them from its file,
 * a model from the data it was trained on. */
#ifndef ELBO_BASE_COLUMNS_H
#define ELBO_BASE_COLUMNS_H

#include "error.h"
#include "mem.h"

enum { COLUMN_NAME = 256, MAX_LEVELS = 4096 }; /* bytes of a name or level; levels of a column */

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

/* The number of the column of that name; -1: none. */
int64_t columns_find(const column_list *c, const char *name);

/* The kind of that name; false: there is none. */
bool column_kind_find(const char *word, elbo_column_kind *out);
/* Whether its values are levels, as indices from 0 on. */
bool column_has_levels(elbo_column_kind kind);

#endif
