/* table_head.c - the beginning of a table of text: delimiter, header, names.
 *
 * The delimiter is the one with which most of the first lines have as many columns as the second one. The first line is a
 * header if a column has a word in it and numbers below; where all is words, if none of them comes again in its column.
 * The data files of scikit-learn begin with "rows,columns,class,class,...", and their last column is the label. */
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SAMPLE = 50 };

/* ---- The delimiter ---- */

/* *agree: how many of the first lines have as many columns as the second, and more than one. Lines that are broken with this
 * delimiter end them. */
static elbo_status look_with(const table *t, char delimiter, int *agree, elbo_error *error)
{
    size_t counts[SAMPLE];
    int n = 0;
    elbo_status status;
    csv c;
    csv_open(&c, t->m, t->path, t->bytes, t->size, delimiter);
    while ((status = csv_next(&c, error)) == ELBO_OK && n < SAMPLE && c.n > 0) counts[n++] = c.n;
    csv_close(&c);
    *agree = 0;
    for (int i = 0; i < n; i++) *agree += counts[i] == counts[n > 1] && counts[i] > 1;
    return status == ELBO_NO_MEMORY ? status : ELBO_OK;
}

static elbo_status find_delimiter(table *t, elbo_error *error)
{
    static const char candidates[] = ",\t;| ";
    int most = 0, agree;
    t->delimiter = ',';
    for (const char *s = candidates; *s; s++) {
        elbo_status status = look_with(t, *s, &agree, error);
        if (status != ELBO_OK) return status;
        if (agree > most) {
            most = agree;
            t->delimiter = *s;
        }
    }
    return ELBO_OK;
}

/* ---- The header ---- */

/* The first records, as texts [rows,columns]. */
typedef struct beginning {
    char **at[SAMPLE];
    size_t n[SAMPLE];
    int rows;
} beginning;

static elbo_status read_beginning(table *t, beginning *b, elbo_error *error)
{
    elbo_status status;
    csv c;
    csv_open(&c, t->m, t->path, t->bytes, t->size, t->delimiter);
    while ((status = csv_next(&c, error)) == ELBO_OK && c.n > 0 && b->rows < SAMPLE) {
        char **row = arena_new(&t->a, c.n, sizeof *row);
        for (size_t i = 0; row && i < c.n; i++) row[i] = arena_text(&t->a, table_field(&c, i));
        b->n[b->rows] = c.n;
        b->at[b->rows++] = row;
    }
    csv_close(&c);
    return status == ELBO_OK && t->a.failed ? err_memory(error, "the beginning of a table") : status;
}

static bool is_number(const table *t, char *word)
{
    double value;
    return table_number(t, word, &value);
}

/* Whether all that is there of a column below the first line are numbers, and whether its first text comes again. */
static void look_below(const table *t, const beginning *b, size_t column, bool *numbers, bool *again)
{
    *numbers = *again = false;
    bool words = false;
    for (int i = 1; i < b->rows; i++) {
        char *word = column < b->n[i] ? b->at[i][column] : NULL;
        if (!word || table_is_missing(word)) continue;
        *again = *again || strcmp(word, b->at[0][column]) == 0;
        if (is_number(t, word)) *numbers = true;
        else words = true;
    }
    *numbers = *numbers && !words;
}

static bool has_header(const table *t, const beginning *b)
{
    bool none_again = b->rows > 1;
    for (size_t i = 0; i < b->n[0]; i++) {
        bool numbers, again, number = is_number(t, b->at[0][i]);
        look_below(t, b, i, &numbers, &again);
        if (numbers && !number && !table_is_missing(b->at[0][i])) return true;
        if (number) return false;
        none_again = none_again && !again;
    }
    return none_again;
}

/* "178,13,class_0,class_1,class_2" before rows of 14 */
static bool is_scikit_header(const table *t, const beginning *b)
{
    int64_t rows, columns;
    if (b->rows < 2 || b->n[0] < 3 || !text_to_int(b->at[0][0], &rows) || !text_to_int(b->at[0][1], &columns)) return false;
    for (size_t i = 2; i < b->n[0]; i++)
        if (is_number(t, b->at[0][i])) return false;
    return rows > 0 && columns > 0 && (size_t)columns + 1 == b->n[1];
}

static void take_scikit_header(table *t, const beginning *b)
{
    text_to_int(b->at[0][0], &t->announced);
    t->n_classes = (int64_t)b->n[0] - 2;
    t->classes = (const char **)(b->at[0] + 2);
}

/* ---- Names ---- */

/* x1, x2, ... where there is no name; a name that comes again gets the column's number. */
static elbo_status name_column(table *t, const char *word, size_t column, elbo_error *error)
{
    char name[COLUMN_NAME];
    if (*word) snprintf(name, sizeof name, "%s", word);
    else snprintf(name, sizeof name, "x%zu", column + 1);
    for (size_t k = column + 1; levels_find(&t->names, name, NAN) >= 0; k++)
        snprintf(name, sizeof name, "%.*s.%zu", COLUMN_NAME - 32, *word ? word : "x", k);
    t->at[column] = (table_column){.name = arena_text(&t->a, name), .why = "", .whole = true, .rising = true};
    return levels_add(&t->names, name, NAN, error);
}

static elbo_status name_columns(table *t, const beginning *b, bool named, elbo_error *error)
{
    t->n = b->n[t->classes ? 1 : 0];
    t->at = arena_new(&t->a, t->n, sizeof *t->at);
    elbo_status status = ELBO_OK;
    levels_open(&t->names, t->m, CSV_COLUMNS);
    for (size_t i = 0; t->at && i < t->n && status == ELBO_OK; i++)
        status = name_column(t, named ? b->at[0][i] : "", i, error);
    return status == ELBO_OK && t->a.failed ? err_memory(error, "the columns of a table") : status;
}

elbo_status table_begin(table *t, elbo_error *error)
{
    beginning *b = arena_new(&t->a, 1, sizeof *b);
    if (!b) return err_memory(error, "the beginning of a table");
    elbo_status status = find_delimiter(t, error);
    if (status == ELBO_OK) status = read_beginning(t, b, error);
    if (status == ELBO_OK && b->rows == 0) status = err_set(error, ELBO_BAD_FILE, "%s: a table without rows", t->path);
    if (status != ELBO_OK) return status;
    int said = t->how->options ? t->how->options->header : 0;
    bool scikit = said == 0 && is_scikit_header(t, b);
    if (scikit) take_scikit_header(t, b);
    t->header = scikit || said > 0 || (said == 0 && has_header(t, b));
    return name_columns(t, b, t->header && !scikit, error);
}
