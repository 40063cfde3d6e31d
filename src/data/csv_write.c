/* csv_write.c - see csv_write.h */
#include "csv_write.h"
#include "../base/file.h"
#include "../base/text.h"

#include <math.h>
#include <string.h>

/* In quotes where something in it would be taken for the end of the field, or for blanks around it. */
static void add_word(text *t, const char *word)
{
    size_t n = strlen(word);
    bool blank = n > 0 && (word[0] == ' ' || word[0] == '\t' || word[n - 1] == ' ' || word[n - 1] == '\t');
    bool quoted = n == 0 || blank || strpbrk(word, ",\"\r\n");
    if (quoted) text_add_bytes(t, "\"", 1);
    for (const char *s = word; *s; s++) text_add_bytes(t, "\"\"", *s == '"' ? 2 : 0), text_add_bytes(t, s, *s != '"');
    if (quoted) text_add_bytes(t, "\"", 1);
}

static void add_value(text *t, const elbo_column *v, float x)
{
    char number[32];
    if (isnan(x)) return;
    if (v->n_levels) {
        int64_t level = (int64_t)fmin(fmax(round((double)x), 0), (double)(v->n_levels - 1));
        add_word(t, v->levels[level]);
        return;
    }
    text_from_float(x, number);
    text_add_bytes(t, number, strlen(number));
}

static void add_row(text *t, const column_list *c, const float *x)
{
    for (int64_t i = 0; i < c->n; i++) {
        if (i) text_add_bytes(t, ",", 1);
        if (x) add_value(t, &c->at[i], x[i]);
        else add_word(t, c->at[i].name);
    }
    text_add_bytes(t, "\n", 1);
}

elbo_status csv_write(memory m, const char *path, const column_list *c, const float *x, int64_t n, elbo_error *error)
{
    text t;
    text_open(&t, m);
    add_row(&t, c, NULL);
    for (int64_t i = 0; i < n; i++) add_row(&t, c, x + i * c->n);
    elbo_status status = t.failed ? err_memory(error, "a table")
                                  : file_write_result(m, path, &(file_part){t.bytes, t.length}, 1, error);
    text_close(&t);
    return status;
}
