/* picture_labels.c - the labels of pictures from a table of comma-separated values (csv.h). See gallery.h */
#include "csv.h"
#include "gallery.h"

#include "../base/file.h"
#include "../base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30, MAX_LABEL = 999999 };

static elbo_status find_column(csv *t, const char *name, size_t *column, elbo_error *error)
{
    for (*column = 1; *column < t->n; ++*column)
        if (!name || strcmp(csv_field(t, *column), name) == 0) return ELBO_OK;
    return err_set(error, ELBO_USAGE,
                   "%s: no column \"%s\" after the first; its first line has %zu columns, \"%s\" the last", t->path,
                   name ? name : "", t->n, t->n ? csv_field(t, t->n - 1) : "");
}

/* ---- Pictures by name ---- */

typedef struct entry {
    const char *last, *name; /* the name without folders, and with */
    size_t i;
} entry;

static const char *last_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static int by_last(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->last, ((const entry *)b)->last);
}

/* Whether a name ends in another one, whole folders only. */
static bool ends_in(const char *name, const char *end)
{
    size_t n = strlen(name), n_end = strlen(end);
    return n >= n_end && strcmp(name + n - n_end, end) == 0 && (n == n_end || name[n - n_end - 1] == '/');
}

/* Gives the word to every picture that a row names; returns how many. */
static size_t assign(const entry *entries, size_t n, const char *named, const char *value, const char **word)
{
    size_t low = 0, high = n, found = 0;
    const char *last = last_of(named);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(entries[middle].last, last) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < n && strcmp(entries[low].last, last) == 0; low++) {
        if (!ends_in(entries[low].name, named)) continue;
        word[entries[low].i] = value;
        found++;
    }
    return found;
}

static elbo_status read_rows(const gallery *g, csv *t, size_t column, const entry *entries, arena *words, const char **word,
                             elbo_error *error)
{
    size_t found = 0;
    for (;;) {
        elbo_status status = csv_next(t, error);
        if (status != ELBO_OK) return status;
        if (t->n == 0) break;
        if (t->n <= column) return csv_fail(t, t->n, error, "there is none, as in the first line");
        found += assign(entries, g->n, csv_field(t, 0), arena_text(words, csv_field(t, column)), word);
    }
    if (words->failed) return err_memory(error, "labels");
    if (found > 0) return ELBO_OK;
    return err_set(error, ELBO_BAD_FILE, "%s: no row names a picture of %s in its first column, as \"%s\" would",
                   t->path, g->root, last_of(gallery_name(g, 0)));
}

/* Takes the words as numbers, if all of them are. */
static bool take_numbers(gallery *g, const char *const *word)
{
    int64_t most = -1;
    for (size_t i = 0; i < g->n; i++) {
        int64_t value = -1;
        if (word[i] && (!text_to_int(word[i], &value) || value < -1 || value > MAX_LABEL)) return false;
        g->items[i].label = (int32_t)value;
        if (value > most) most = value;
    }
    g->n_classes = most + 1;
    return true;
}

static elbo_status label_from(gallery *g, csv *t, const char *column_name, entry *entries, arena *words, const char **word,
                              elbo_error *error)
{
    for (size_t i = 0; i < g->n; i++) entries[i] = (entry){last_of(gallery_name(g, i)), gallery_name(g, i), i};
    qsort(entries, g->n, sizeof *entries, by_last);
    size_t column;
    elbo_status status = csv_next(t, error);
    if (status == ELBO_OK) status = find_column(t, column_name, &column, error);
    if (status == ELBO_OK) status = read_rows(g, t, column, entries, words, word, error);
    return status != ELBO_OK || take_numbers(g, word) ? status : gallery_number(g, word, error);
}

elbo_status gallery_label(gallery *g, const char *path, const char *column, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    elbo_status status = file_read(g->m, path, MAX_FILE, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    entry *entries = mem_new(g->m, g->n, sizeof *entries);
    const char **word = mem_new(g->m, g->n, sizeof *word);
    csv t;
    arena words;
    csv_open(&t, g->m, path, bytes, size, ',');
    arena_open(&words, g->m);
    status = entries && word ? label_from(g, &t, column, entries, &words, word, error) : err_memory(error, "labels");
    arena_close(&words);
    csv_close(&t);
    mem_free(g->m, entries);
    mem_free(g->m, word);
    mem_free(g->m, bytes);
    return status;
}
