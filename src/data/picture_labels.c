/* picture_labels.c - the labels of pictures from a table of comma-separated values (RFC 4180: fields may be quoted,
 * a quote in them is doubled; lines end in LF or CRLF). See gallery.h */
#include "gallery.h"

#include "../base/file.h"
#include "../base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 1 << 30, MAX_LINE = 1 << 20, MAX_COLUMNS = 4096, MAX_LABEL = 999999 };

/* A table being split where it lies: fields become strings in it. */
typedef struct table {
    const char *path;
    char *at, *end;
    int64_t line; /* of the fields, from 1 */
    char *fields[MAX_COLUMNS];
    size_t n;
} table;

static elbo_status bad_line(const table *t, const char *what, elbo_error *error)
{
    return err_set(error, ELBO_BAD_FILE, "%s:%lld: %s", t->path, (long long)t->line, what);
}

/* Takes one field, the delimiter after it overwritten; *delimiter tells it, 0 at the end of the file. */
static bool take_field(table *t, char **field, char *delimiter)
{
    char *to = *field = t->at;
    if (t->at < t->end && *t->at == '"') {
        for (t->at++;; *to++ = *t->at++) {
            if (t->at == t->end) return false;
            if (*t->at == '"' && *++t->at != '"') break; /* a zero follows the file's bytes */
        }
    } else {
        while (t->at < t->end && *t->at != ',' && *t->at != '\n') t->at++;
        to = t->at;
        if (to > *field && to[-1] == '\r') to--;
    }
    if (t->at < t->end && *t->at == '\r') t->at++;
    *delimiter = 0;
    if (t->at < t->end) {
        *delimiter = *t->at++;
        if (*delimiter != ',' && *delimiter != '\n') return false;
    }
    *to = 0;
    return true;
}

/* Splits the next line; n is 0 at the end. */
static elbo_status next_line(table *t, elbo_error *error)
{
    char delimiter = ',', *start = t->at;
    t->line++;
    for (t->n = 0; delimiter == ',' && start < t->end; t->n++) {
        if (t->n == MAX_COLUMNS) return bad_line(t, "more than 4096 columns", error);
        if (!take_field(t, &t->fields[t->n], &delimiter))
            return bad_line(t, "a quote is not closed, or text follows it", error);
        if (t->at - start > MAX_LINE) return bad_line(t, "longer than 1 MiB", error);
    }
    return ELBO_OK;
}

static elbo_status find_column(const table *t, const char *name, size_t *column, elbo_error *error)
{
    for (*column = 1; *column < t->n; ++*column)
        if (!name || strcmp(t->fields[*column], name) == 0) return ELBO_OK;
    return err_set(error, ELBO_USAGE,
                   "%s: no column \"%s\" after the first; its first line has %zu columns, \"%s\" the last", t->path,
                   name ? name : "", t->n, t->n ? t->fields[t->n - 1] : "");
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

static elbo_status read_rows(const gallery *g, table *t, size_t column, const entry *entries, const char **word,
                             elbo_error *error)
{
    size_t found = 0;
    for (;;) {
        elbo_status status = next_line(t, error);
        if (status != ELBO_OK) return status;
        if (t->n == 0) break;
        if (t->n == 1 && !*t->fields[0]) continue;
        if (t->n <= column) return bad_line(t, "fewer columns than the first line", error);
        found += assign(entries, g->n, t->fields[0], t->fields[column], word);
    }
    if (found > 0) return ELBO_OK;
    return err_set(error, ELBO_BAD_FILE, "%s: no row names a picture of %s in its first column, as \"%s\" would",
                   t->path, g->root, last_of(gallery_name(g, 0)));
}

/* Takes the words as numbers, if all of them are. */
static bool take_numbers(gallery *g, const char *const *word)
{
    int64_t value, most = -1;
    for (size_t i = 0; i < g->n; i++)
        if (word[i] && (!text_to_int(word[i], &value) || value < -1 || value > MAX_LABEL)) return false;
    for (size_t i = 0; i < g->n; i++) {
        g->items[i].label = word[i] && text_to_int(word[i], &value) ? (int32_t)value : -1;
        if (g->items[i].label > most) most = g->items[i].label;
    }
    g->n_classes = most + 1;
    return true;
}

static elbo_status label_from(gallery *g, table *t, const char *column_name, entry *entries, const char **word,
                              elbo_error *error)
{
    for (size_t i = 0; i < g->n; i++) entries[i] = (entry){last_of(gallery_name(g, i)), gallery_name(g, i), i};
    qsort(entries, g->n, sizeof *entries, by_last);
    size_t column;
    elbo_status status = next_line(t, error);
    if (status == ELBO_OK) status = find_column(t, column_name, &column, error);
    if (status == ELBO_OK) status = read_rows(g, t, column, entries, word, error);
    return status != ELBO_OK || take_numbers(g, word) ? status : gallery_number(g, word, error);
}

elbo_status gallery_label(gallery *g, const char *path, const char *column, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    elbo_status status = file_read(g->m, path, MAX_FILE, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    table *t = mem_new(g->m, 1, sizeof *t);
    entry *entries = mem_new(g->m, g->n, sizeof *entries);
    const char **word = mem_new(g->m, g->n, sizeof *word);
    if (!t || !entries || !word)
        status = err_memory(error, "labels");
    else if (memchr(bytes, 0, size))
        status = err_set(error, ELBO_BAD_FILE, "%s: has a zero byte: it is no text", path);
    else {
        t->path = path;
        t->at = (char *)bytes;
        t->end = t->at + size;
        status = label_from(g, t, column, entries, word, error);
    }
    mem_free(g->m, t);
    mem_free(g->m, entries);
    mem_free(g->m, word);
    mem_free(g->m, bytes);
    return status;
}
