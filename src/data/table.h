/* table.h - a table of text on its way to examples. See table.c */
#ifndef ELBO_DATA_TABLE_H
#define ELBO_DATA_TABLE_H

#include "../base/columns.h"
#include "csv.h"
#include "format.h"
#include "levels.h"

typedef enum column_role { COLUMN_VALUE, COLUMN_LABEL, COLUMN_LEFT_OUT } column_role;

/* A column of the file, and what is known of it so far. */
typedef struct table_column {
    const char *name, *why; /* why: it is left out */
    column_role role;
    elbo_column_kind kind;
    bool asked;              /* somebody said which kind */
    bool words;              /* its values are levels: the first one is a word, or levels are asked for */
    bool fixed;              /* its levels are the model's, and stay */
    int64_t n, missing;      /* values that are there, and not */
    double min, max, mean, squares, last; /* of numbers; squares: the sum of squared differences from the mean */
    bool whole, rising;      /* numbers: all are whole; each is larger than the one before */
    levels levels;
    int64_t place;           /* in an example */
} table_column;

typedef struct table {
    memory m;
    arena a; /* texts */
    const char *path;
    const unsigned char *bytes;
    size_t size;
    const reading *how;
    char delimiter;
    bool header;         /* the first record is no example */
    int64_t announced;   /* rows, as the header says; -1: it does not */
    const char **classes; /* [n_classes] names of the labels 0, 1, ... in the header; NULL: none there */
    int64_t n_classes;
    table_column *at;
    size_t n;
    levels names; /* of the columns, in their order */
    int64_t rows;
} table;

/* Reads a table that is in memory. Errors: those of table_load. */
elbo_status table_read(gz *g, const unsigned char *bytes, size_t size, const reading *how, array *out, elbo_error *error);

/* table_head.c: finds the delimiter, whether there is a header, and the columns' names. Errors: BAD_FILE, NO_MEMORY. */
elbo_status table_begin(table *t, elbo_error *error);

/* Whether text stands for no value. */
bool table_is_missing(const char *word);
/* Reads a number; where fields are apart by semicolons, also one with a decimal comma. Changes the text. */
bool table_number(const table *t, char *word, double *out);
/* A field without the blanks around it. */
char *table_field(csv *c, size_t i);

/* table_kinds.c: takes what the options say of columns; takes one value of a column; decides what each is. Errors: USAGE,
 * BAD_FILE, NO_MEMORY. */
elbo_status table_ask(table *t, elbo_error *error);
elbo_status table_tally(table *t, csv *c, size_t column, elbo_error *error);
elbo_status table_decide(table *t, elbo_error *error);

#endif
