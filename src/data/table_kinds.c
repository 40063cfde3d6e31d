/* table_kinds.c - what each column of a table is.
 *
 * Found, from values that are there: one number only is a constant; two different numbers are binary if both are in at least one
 * of a hundred rows, as are words of two kinds; more different words are categorical, as long as they are few; whole numbers of
 * which the smallest is 0 are counts, overdispersed where their variance is above twice their mean; other numbers are real. So a
 * count that is nearly always 0 stays one, and may be larger in the next table. A column is numbers or words as its first value
 * is; a word among numbers is an error.
 *
 * The label: what options name, else a column called label, class, target, species or so that has few different values,
 * else the only column of words if it is the first or the last. Left out: words that are many, and numbers of rows, that
 * is a rising column called id or index, or without a name. */
#include "table.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { FEW = 200, LARGEST_COUNT = 1000000, FEW_CLASSES = 50 };

static bool among(const char *const *words, const char *name)
{
    while (*words && strcasecmp(*words, name) != 0) words++;
    return *words != NULL;
}

/* ---- What options say ---- */

static const elbo_data_options *options_of(const table *t)
{
    static const elbo_data_options none = {.height = 0};
    return t->how->options ? t->how->options : &none;
}

/* A column by name, or by number from 1. Errors: USAGE. */
static elbo_status find_column(const table *t, const char *option, const char *word, table_column **out, elbo_error *error)
{
    int64_t number, i = levels_find(&t->names, word, NAN);
    if (i < 0 && text_to_int(word, &number) && number >= 1 && (size_t)number <= t->n) i = number - 1;
    if (i >= 0) {
        *out = &t->at[i];
        return ELBO_OK;
    }
    return err_set(error, ELBO_USAGE, "option %s: %s has no column \"%s\"; it has %zu, \"%s\" to \"%s\", or 1 to %zu", option,
                   t->path, word, t->n, t->at[0].name, t->at[t->n - 1].name, t->n);
}

static elbo_status ask_left_out(table *t, elbo_error *error)
{
    char word[COLUMN_NAME];
    table_column *v;
    for (const char *list = options_of(t)->ignore; text_next_word(&list, ',', word, COLUMN_NAME);) {
        elbo_status status = find_column(t, "ignore", word, &v, error);
        if (status != ELBO_OK) return status;
        v->role = COLUMN_LEFT_OUT;
        v->why = "as asked";
    }
    return ELBO_OK;
}

/* "name = kind" */
static elbo_status ask_kind(table *t, char *entry, elbo_error *error)
{
    char *equals = strrchr(entry, '='), *kind = equals ? equals + 1 : entry;
    char name[COLUMN_NAME];
    table_column *v;
    if (equals) *equals = 0;
    while (*kind == ' ') kind++;
    const char *before = entry;
    elbo_column_kind found;
    if (!equals || !text_next_word(&before, '=', name, COLUMN_NAME) || !column_kind_find(kind, &found) ||
        found == ELBO_COLUMN_CONSTANT)
        return err_set(error, ELBO_USAGE, "option columns: got \"%s%s%s\", expected NAME=KIND with one of the kinds real, count, "
                                          "overdispersed, binary and categorical", entry, equals ? "=" : "", equals ? kind : "");
    elbo_status status = find_column(t, "columns", name, &v, error);
    if (status != ELBO_OK) return status;
    v->asked = true;
    v->kind = found;
    return ELBO_OK;
}

static elbo_status ask_kinds(table *t, elbo_error *error)
{
    char entry[COLUMN_NAME];
    elbo_status status = ELBO_OK;
    for (const char *list = options_of(t)->columns; status == ELBO_OK && text_next_word(&list, ',', entry, COLUMN_NAME);)
        status = ask_kind(t, entry, error);
    return status;
}

static bool says_label(const table *t)
{
    const char *label = options_of(t)->label_column;
    return label && *label;
}

static elbo_status ask_label(table *t, elbo_error *error)
{
    table_column *v;
    if (t->classes) t->at[t->n - 1].role = COLUMN_LABEL;
    if (!says_label(t) || strcmp(options_of(t)->label_column, "none") == 0) return ELBO_OK;
    elbo_status status = find_column(t, "label-column", options_of(t)->label_column, &v, error);
    if (status != ELBO_OK) return status;
    if (t->classes) t->at[t->n - 1].role = COLUMN_VALUE;
    t->classes = NULL;
    v->role = COLUMN_LABEL;
    return ELBO_OK;
}

/* ---- What a model knows ---- */

static elbo_status keep_levels(table *t, table_column *v, const char *const *names, int64_t n, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    levels_open(&v->levels, t->m, MAX_LEVELS);
    for (int64_t i = 0; i < n && status == ELBO_OK; i++) {
        double value = NAN;
        text_to_real(names[i], &value);
        status = levels_add(&v->levels, names[i], value, error);
    }
    for (size_t i = 0; i < v->levels.n; i++) v->levels.at[i].count = 0;
    v->fixed = true;
    return status;
}

static elbo_status take_known(table *t, const elbo_column *known, int64_t place, elbo_error *error)
{
    int64_t i = levels_find(&t->names, known->name, NAN);
    if (i >= 0) {
        table_column *v = &t->at[i];
        v->role = COLUMN_VALUE;
        v->asked = true;
        v->kind = known->kind;
        v->place = place;
        return column_has_levels(v->kind) ? keep_levels(t, v, known->levels, known->n_levels, error) : ELBO_OK;
    }
    return err_set(error, ELBO_USAGE, "%s has no column \"%s\", which the model was trained on; it has %zu, \"%s\" to \"%s\"%s",
                   t->path, known->name, t->n, t->at[0].name, t->at[t->n - 1].name,
                   t->header ? "" : ", numbered because the first line has no names");
}

/* Every column of the model, in the file's order or another; what else there is is left out. */
static elbo_status take_all_known(table *t, const column_list *like, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    for (size_t i = 0; i < t->n; i++) t->at[i].role = COLUMN_LEFT_OUT;
    for (int64_t i = 0; i < like->n && status == ELBO_OK; i++) status = take_known(t, &like->at[i], i, error);
    int64_t label = like->label ? levels_find(&t->names, like->label, NAN) : -1;
    if (status != ELBO_OK || label < 0 || t->at[label].role == COLUMN_VALUE) return status;
    t->at[label].role = COLUMN_LABEL;
    return t->classes ? ELBO_OK : keep_levels(t, &t->at[label], like->classes, like->n_classes, error);
}

elbo_status table_ask(table *t, elbo_error *error)
{
    if (t->how->like) return take_all_known(t, t->how->like, error);
    elbo_status status = ask_kinds(t, error);
    if (status == ELBO_OK) status = ask_left_out(t, error);
    return status == ELBO_OK ? ask_label(t, error) : status;
}

/* ---- Taking values ---- */

static const char *const label_names[] = {"label", "labels", "class", "classes", "target", "species", "category", "y",
                                          "outcome", "diagnosis", NULL};

static bool may_be_label(const table *t, const table_column *v)
{
    return v->role == COLUMN_LABEL || (!says_label(t) && !t->how->like && among(label_names, v->name));
}

/* How many different values matter: what is kept of numbers tells constants and bits only. */
static size_t limit_of(const table *t, const table_column *v)
{
    bool asked = (v->asked && column_has_levels(v->kind)) || v->role == COLUMN_LABEL;
    return asked ? MAX_LEVELS : v->words || may_be_label(t, v) ? FEW : 2;
}

static void begin_column(table *t, table_column *v, bool number)
{
    bool levels_asked = v->asked ? column_has_levels(v->kind) : v->role == COLUMN_LABEL;
    v->words = levels_asked || (!number && !v->asked);
    if (!v->fixed) levels_open(&v->levels, t->m, limit_of(t, v));
}

static void take_number(table_column *v, double x)
{
    double far = x - v->mean;
    v->min = v->n == 1 || x < v->min ? x : v->min;
    v->max = v->n == 1 || x > v->max ? x : v->max;
    v->mean += far / (double)v->n;
    v->squares += far * (x - v->mean);
    v->whole = v->whole && x == floor(x);
    v->rising = v->rising && (v->n == 1 || x > v->last);
    v->last = x;
}

elbo_status table_tally(table *t, csv *c, size_t column, elbo_error *error)
{
    table_column *v = &t->at[column];
    char *word = table_field(c, column);
    if (v->role == COLUMN_LEFT_OUT) return ELBO_OK;
    if (table_is_missing(word)) {
        v->missing++;
        return ELBO_OK;
    }
    double x = NAN;
    bool number = table_number(t, word, &x);
    if (v->n++ == 0) begin_column(t, v, number);
    if (!v->words && !number)
        return csv_fail(c, column, error,
                        "got \"%.60s\", expected a number as %s in column \"%s\"; NA stands for a missing value, and --columns "
                        "'%s=categorical' makes it words", word,
                        v->n > 1 ? "before" : "asked for", v->name, v->name);
    if (number) take_number(v, x);
    bool new_label = v->role == COLUMN_LABEL && v->levels.n < v->levels.limit; /* is a class after those of the model */
    if (!v->fixed || new_label) return levels_add(&v->levels, word, x, error);
    int64_t found = column_has_levels(v->kind) || v->role == COLUMN_LABEL ? levels_find(&v->levels, word, x) : -1;
    if (found >= 0) v->levels.at[found].count++;
    return ELBO_OK;
}

/* ---- Deciding ---- */

static const char *sentence(table *t, const char *format, ...) PRINTF_LIKE(2, 3);
static const char *sentence(table *t, const char *format, ...)
{
    char words[400];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    const char *copy = arena_text(&t->a, words);
    return copy ? copy : "";
}

static size_t number_of_levels(const table_column *v)
{
    return v->levels.full ? SIZE_MAX : v->levels.n;
}

static bool are_few(const table *t, size_t different)
{
    return different <= FEW && (int64_t)different <= (t->rows > 4 ? t->rows / 2 : 2);
}

static void leave_out(table_column *v, const char *why)
{
    v->role = COLUMN_LEFT_OUT;
    v->why = why;
}

static bool numbers_rows(const table_column *v)
{
    static const char *const words[] = {"id", "index", "row", "rownames", "unnamed: 0", NULL};
    size_t n = strlen(v->name);
    bool named = among(words, v->name) || (n > 3 && strcasecmp(v->name + n - 3, "_id") == 0) ||
                 (n > 2 && strcmp(v->name + n - 2, "Id") == 0);
    return named && v->whole && v->rising && v->n > 2;
}

static void decide_words(table *t, table_column *v)
{
    size_t different = number_of_levels(v);
    if (different == 1) leave_out(v, sentence(t, "always \"%.60s\"", v->levels.at[0].name));
    else if (different == 2) v->kind = ELBO_COLUMN_BINARY;
    else if (are_few(t, different)) v->kind = ELBO_COLUMN_CATEGORICAL;
    else leave_out(v, sentence(t, "too many different words; --columns '%.60s=categorical' keeps up to %d", v->name, MAX_LEVELS));
}

/* Of two different numbers one is in less than a hundredth of the rows: it is rare rather than one of two kinds. */
static bool nearly_constant(const table_column *v)
{
    int64_t a = v->levels.at[0].count, b = v->levels.at[1].count;
    return 100 * (a < b ? a : b) < v->n;
}

static void decide_numbers(table *t, table_column *v)
{
    double variance = v->squares / (double)v->n;
    if (number_of_levels(v) == 1) v->kind = ELBO_COLUMN_CONSTANT;
    else if (number_of_levels(v) == 2 && !nearly_constant(v)) v->kind = ELBO_COLUMN_BINARY;
    else if (numbers_rows(v)) leave_out(v, sentence(t, "numbers the rows; --columns '%.60s=real' keeps it", v->name));
    else if (!v->whole || v->min != 0 || v->max > LARGEST_COUNT) v->kind = ELBO_COLUMN_REAL;
    else v->kind = variance > 2 * v->mean ? ELBO_COLUMN_OVERDISPERSED : ELBO_COLUMN_COUNT;
}

static elbo_status check_asked(const table *t, const table_column *v, elbo_error *error)
{
    bool count = v->kind == ELBO_COLUMN_COUNT || v->kind == ELBO_COLUMN_OVERDISPERSED;
    if (column_has_levels(v->kind)) {
        size_t most = v->kind == ELBO_COLUMN_BINARY ? 2 : MAX_LEVELS;
        if (number_of_levels(v) >= 2 && number_of_levels(v) <= most) return ELBO_OK;
        return err_set(error, ELBO_USAGE, "%s: column \"%s\" has %s different values, but to be %s it must have 2%s", t->path,
                       v->name, number_of_levels(v) < 2 ? "no" : number_of_levels(v) == SIZE_MAX ? "too many" : "more",
                       elbo_column_kind_name(v->kind), most > 2 ? " to 4096" : "");
    }
    if (!count || (v->whole && v->min >= 0)) return ELBO_OK;
    return err_set(error, ELBO_USAGE, "%s: column \"%s\" reaches from %g to %g in %s numbers, which are no counts", t->path,
                   v->name, v->min, v->max, v->whole ? "whole" : "real");
}

static elbo_status decide_column(table *t, table_column *v, elbo_error *error)
{
    if (v->role != COLUMN_VALUE || v->fixed || (t->how->like && v->asked)) return ELBO_OK;
    if (v->n == 0) leave_out(v, "nothing but missing values");
    else if (v->asked) return check_asked(t, v, error);
    else if (v->words) decide_words(t, v);
    else decide_numbers(t, v);
    return ELBO_OK;
}

/* A column that is the label although nobody said so; NULL: none. */
static table_column *find_label(table *t)
{
    table_column *only = NULL;
    int n_words = 0;
    for (size_t i = 0; i < t->n; i++) {
        table_column *v = &t->at[i];
        if (v->role != COLUMN_VALUE || v->asked || v->n == 0) continue;
        bool few = are_few(t, number_of_levels(v)) && number_of_levels(v) > 1;
        if (among(label_names, v->name) && few && (v->words || (v->whole && v->levels.n <= FEW_CLASSES))) return v;
        if (!v->words || !few) continue;
        n_words++;
        if (i == 0 || i == t->n - 1) only = v;
    }
    return n_words == 1 ? only : NULL;
}

static elbo_status decide_label(table *t, elbo_error *error)
{
    table_column *label = says_label(t) || t->classes || t->how->like ? NULL : find_label(t);
    if (label) label->role = COLUMN_LABEL;
    for (size_t i = 0; i < t->n; i++) {
        table_column *v = &t->at[i];
        if (v->role != COLUMN_LABEL) continue;
        if (v->levels.full)
            return err_set(error, ELBO_USAGE, "%s: column \"%s\" has more than %d different values, which are no labels", t->path,
                           v->name, MAX_LEVELS);
        if (!v->fixed) levels_sort(&v->levels);
    }
    return ELBO_OK;
}

elbo_status table_decide(table *t, elbo_error *error)
{
    int64_t n = 0;
    elbo_status status = decide_label(t, error);
    for (size_t i = 0; i < t->n && status == ELBO_OK; i++) {
        table_column *v = &t->at[i];
        status = decide_column(t, v, error);
        if (v->role != COLUMN_VALUE || status != ELBO_OK) continue;
        if (column_has_levels(v->kind) && !v->fixed) levels_sort(&v->levels);
        if (!t->how->like) v->place = n;
        n++;
    }
    if (status != ELBO_OK || t->a.failed) return status != ELBO_OK ? status : err_memory(error, "the columns of a table");
    const char *asked = options_of(t)->ignore;
    return n > 0 ? ELBO_OK : err_set(error, asked && *asked ? ELBO_USAGE : ELBO_BAD_FILE,
                                     "%s: no column is left that could be modelled", t->path);
}
