/* table.c - tables of text: CSV, TSV and their like.
 *
 * The text is gone through twice: first to learn what each column is, then to fill the examples. A column is one number
 * of an example: a number as it stands, or the index of a level; a missing value is nan. Its kind is what options say, or
 * what the model that reads the table knows, or found (table_kinds.c). */
#include "table.h"

#include <float.h>
#include <math.h>
#include <string.h>
#include <strings.h>

enum { MAX_TEXT = 1 << 30 };

/* Text does not begin amid a character of UTF-8, and has no control characters but those of lines; zeros are behind it. */
bool table_begins(const unsigned char *head)
{
    bool ended = false;
    for (int i = 0; i < GZ_HEAD; i++) {
        bool control = head[i] < ' ' && !strchr("\t\r\n", head[i]);
        if (head[i] && (control || ended)) return false;
        ended = head[i] == 0;
    }
    return head[0] && (head[0] < 0x80 || head[0] >= 0xc2);
}

bool table_is_missing(const char *word)
{
    static const char *const words[] = {"", "?", "NA", "N/A", "NaN", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(word, words[i]) == 0) return true;
    return false;
}

bool table_number(const table *t, char *word, double *out)
{
    if (text_to_real(word, out)) return true;
    char *comma = t->delimiter == ';' ? strchr(word, ',') : NULL;
    if (!comma) return false;
    *comma = '.';
    if (text_to_real(word, out)) return true;
    *comma = ',';
    return false;
}

char *table_field(csv *c, size_t i)
{
    char *word = csv_field(c, i), *end = word + strlen(word);
    while (*word == ' ' || *word == '\t') word++;
    while (end > word && (end[-1] == ' ' || end[-1] == '\t')) *--end = 0;
    return word;
}

/* ---- Going through the rows ---- */

typedef struct filling {
    table *t;
    array *out;
    int64_t row;
} filling;

typedef elbo_status (*row_work)(table *t, csv *c, filling *f, elbo_error *error);

static elbo_status check_row(const table *t, const csv *c, elbo_error *error)
{
    if (c->n == t->n) return ELBO_OK;
    return err_set(error, ELBO_BAD_FILE, "%s: line %lld: got %zu columns, expected %zu as in the first line%s", t->path,
                   (long long)c->line, c->n, t->n, t->delimiter == ',' ? "; a text with a comma stands in quotes" : "");
}

static elbo_status each_row(table *t, row_work work, filling *f, elbo_error *error)
{
    csv c;
    csv_open(&c, t->m, t->path, t->bytes, t->size, t->delimiter);
    elbo_status status = t->header ? csv_next(&c, error) : ELBO_OK;
    for (t->rows = 0; status == ELBO_OK; t->rows++) {
        status = csv_next(&c, error);
        if (status != ELBO_OK || c.n == 0) break;
        status = check_row(t, &c, error);
        if (status == ELBO_OK) status = work(t, &c, f, error);
    }
    csv_close(&c);
    return status;
}

static elbo_status tally_row(table *t, csv *c, filling *f, elbo_error *error)
{
    (void)f;
    elbo_status status = ELBO_OK;
    for (size_t i = 0; i < t->n && status == ELBO_OK; i++) status = table_tally(t, c, i, error);
    return status;
}

/* ---- Filling ---- */

static elbo_status refuse_level(const table_column *v, const csv *c, size_t column, const char *word, elbo_error *error)
{
    const levels *l = &v->levels;
    return csv_fail(c, column, error, "\"%.60s\" is none of the %zu values of %s that the model knows, \"%.60s\"%s%.60s%s", word,
                    l->n, v->name, l->at[0].name, l->n > 1 ? " to \"" : "", l->n > 1 ? l->at[l->n - 1].name : "",
                    l->n > 1 ? "\"" : "");
}

static elbo_status value_of(const table *t, const table_column *v, csv *c, size_t column, float *out, elbo_error *error)
{
    char *word = table_field(c, column);
    double value = NAN;
    bool number = table_number(t, word, &value);
    *out = NAN;
    if (table_is_missing(word)) return ELBO_OK;
    if (column_has_levels(v->kind)) {
        int64_t found = levels_find(&v->levels, word, value);
        if (found < 0) return refuse_level(v, c, column, word, error);
        *out = (float)found;
        return ELBO_OK;
    }
    bool count = v->kind == ELBO_COLUMN_COUNT || v->kind == ELBO_COLUMN_OVERDISPERSED;
    if (!number || fabs(value) > FLT_MAX || (count && (value < 0 || value != floor(value))))
        return csv_fail(c, column, error, "got \"%.60s\", expected %s (%s)", word, count ? "a count" : "a number", v->name);
    *out = (float)value;
    return ELBO_OK;
}

static elbo_status label_of_row(const table *t, const table_column *v, csv *c, size_t column, int32_t *out, elbo_error *error)
{
    char *word = table_field(c, column);
    double value = NAN;
    table_number(t, word, &value);
    *out = -1;
    if (table_is_missing(word)) return ELBO_OK;
    if (!t->classes) {
        *out = (int32_t)levels_find(&v->levels, word, value);
        return ELBO_OK;
    }
    if (!(value >= 0 && value < (double)t->n_classes && value == floor(value)))
        return csv_fail(c, column, error, "got \"%.60s\", expected a label from 0 to %lld", word, (long long)t->n_classes - 1);
    *out = (int32_t)value;
    return ELBO_OK;
}

static elbo_status fill_row(table *t, csv *c, filling *f, elbo_error *error)
{
    float *x = (float *)f->out->values + (size_t)f->row * (size_t)f->out->shape[2];
    elbo_status status = ELBO_OK;
    for (size_t i = 0; i < t->n && status == ELBO_OK; i++) {
        const table_column *v = &t->at[i];
        if (v->role == COLUMN_VALUE) status = value_of(t, v, c, i, x + v->place, error);
        else if (v->role == COLUMN_LABEL) status = label_of_row(t, v, c, i, &f->out->labels[f->row], error);
    }
    f->row++;
    return status;
}

/* ---- What is left of the columns ---- */

static const char **level_names(column_list *to, const levels *l)
{
    const char **names = arena_new(&to->a, l->n, sizeof *names);
    for (size_t i = 0; names && i < l->n; i++) names[i] = arena_text(&to->a, l->at[i].name);
    return names;
}

static int64_t *level_counts(column_list *to, const levels *l)
{
    int64_t *counts = arena_new(&to->a, l->n, sizeof *counts);
    for (size_t i = 0; counts && i < l->n; i++) counts[i] = l->at[i].count;
    return counts;
}

static void describe(column_list *to, const table_column *v, elbo_column *out)
{
    *out = (elbo_column){.name = arena_text(&to->a, v->name), .kind = v->kind, .missing = v->missing};
    if (column_has_levels(v->kind)) {
        out->n_levels = (int64_t)v->levels.n;
        out->levels = level_names(to, &v->levels);
        out->counts = level_counts(to, &v->levels);
        out->max = (double)(out->n_levels - 1);
    } else {
        out->mean = v->mean;
        out->sd = v->n ? sqrt(v->squares / (double)v->n) : 0;
        out->min = v->min;
        out->max = v->max;
    }
}

static void describe_label(column_list *to, const table *t, const table_column *v)
{
    to->label = arena_text(&to->a, v->name);
    to->n_classes = t->classes ? t->n_classes : (int64_t)v->levels.n;
    if (!t->classes) {
        to->classes = level_names(to, &v->levels);
        return;
    }
    to->classes = arena_new(&to->a, (size_t)t->n_classes, sizeof *to->classes);
    for (int64_t i = 0; to->classes && i < t->n_classes; i++) to->classes[i] = arena_text(&to->a, t->classes[i]);
}

static void describe_all(column_list *to, const table *t)
{
    text left_out;
    text_open(&left_out, to->a.m);
    for (size_t i = 0; i < t->n; i++) {
        const table_column *v = &t->at[i];
        if (v->role == COLUMN_VALUE && to->at) describe(to, v, &to->at[v->place]);
        else if (v->role == COLUMN_LABEL) describe_label(to, t, v);
        else if (*v->why) text_add(&left_out, "%s%s: %s", left_out.length ? "\n" : "", v->name, v->why);
    }
    text_add_bytes(&left_out, "", 0);
    if (left_out.failed) to->a.failed = true;
    else to->left_out = arena_text(&to->a, left_out.bytes);
    text_close(&left_out);
}

static column_list *columns_of(const table *t)
{
    column_list *c = columns_new(t->m);
    if (!c) return NULL;
    for (size_t i = 0; i < t->n; i++) c->n += t->at[i].role == COLUMN_VALUE;
    c->at = arena_new(&c->a, (size_t)c->n, sizeof *c->at);
    describe_all(c, t);
    if (!c->a.failed) return c;
    columns_free(c);
    return NULL;
}

static elbo_status make_array(const table *t, array *out, elbo_error *error)
{
    *out = (array){.m = t->m, .dtype = ELBO_F32, .count = t->rows, .shape = {1, 1, 1}};
    out->columns = columns_of(t);
    if (!out->columns) return err_memory(error, "the columns of a table");
    size_t total;
    out->shape[2] = out->columns->n;
    out->n_classes = out->columns->n_classes;
    if (size_mul((size_t)t->rows, (size_t)out->shape[2], &total)) out->values = mem_new(t->m, total, sizeof(float));
    if (out->columns->label) out->labels = mem_new(t->m, (size_t)t->rows, sizeof *out->labels);
    bool made = out->values && (out->labels || !out->columns->label);
    return made ? ELBO_OK : err_memory(error, "the values of a table");
}

/* ---- All of it ---- */

static elbo_status load_rows(table *t, array *out, elbo_error *error)
{
    filling f = {t, out, 0};
    elbo_status status = table_begin(t, error);
    if (status == ELBO_OK) status = table_ask(t, error);
    if (status == ELBO_OK) status = each_row(t, tally_row, &f, error);
    if (status == ELBO_OK && t->announced >= 0 && t->rows != t->announced)
        status = err_set(error, ELBO_BAD_FILE, "%s: the first line announces %lld rows, but there are %lld", t->path,
                         (long long)t->announced, (long long)t->rows);
    if (status == ELBO_OK && t->rows == 0) status = err_set(error, ELBO_BAD_FILE, "%s: a table without rows", t->path);
    if (status == ELBO_OK) status = table_decide(t, error);
    if (status == ELBO_OK) status = make_array(t, out, error);
    return status == ELBO_OK ? each_row(t, fill_row, &f, error) : status;
}

elbo_status table_read(gz *g, const unsigned char *bytes, size_t size, const reading *how, array *out, elbo_error *error)
{
    table t = {.m = gz_memory(g), .path = gz_path(g), .bytes = bytes, .size = size, .how = how, .announced = -1};
    arena_open(&t.a, t.m);
    elbo_status status = load_rows(&t, out, error);
    for (size_t i = 0; i < t.n && t.at; i++) levels_close(&t.at[i].levels);
    levels_close(&t.names);
    arena_close(&t.a);
    if (status != ELBO_OK) array_free(out);
    return status;
}

elbo_status table_load(gz *g, const reading *how, array *out, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    elbo_status status = gz_read_all(g, MAX_TEXT, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    status = table_read(g, bytes, size, how, out, error);
    mem_free(gz_memory(g), bytes);
    return status;
}
