/* config.c - the option table and everything derived from it: parsing, showing, comparing, files. */
#include "config.h"
#include "../base/mode.h"
#include "../base/text.h"
#include "../nn/architecture.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* The words of choices that are rows of other tables: "|a|b" from the second character on. */
static const char family_words[] =
#define FAMILY(name, ...) "|" #name
#include "families.def"
#undef FAMILY
    ;
static const char likelihood_words[] =
#define LIKELIHOOD(word, ...) "|" word
#include "../nn/likelihoods.def"
#undef LIKELIHOOD
    ;
static const char init_words[] =
#define INITIALISER(name, ...) "|" name
#include "../nn/init.def"
#undef INITIALISER
    ;
static const char optim_words[] =
#define OPTIMISER1(name, ...) "|" #name
#define OPTIMISER2 OPTIMISER1
#define OPTIMISER3 OPTIMISER1
#include "../nn/optim.def"
#undef OPTIMISER1
#undef OPTIMISER2
#undef OPTIMISER3
    ;
static const char schedule_words[] =
#define SCHEDULE(name, ...) "|" #name
#include "../nn/rate.def"
#undef SCHEDULE
    ;
#define FAMILY_NAMES (family_words + 1)
#define LIKELIHOOD_NAMES (likelihood_words + 1)
#define INIT_NAMES (init_words + 1)
#define OPTIM_NAMES (optim_words + 1)
#define SCHEDULE_NAMES (schedule_words + 1)

typedef struct row {
    elbo_option_info info;
    size_t offset;
} row;

static const row rows[] = {
#define INT(f, k, s, d, lo, hi, help) {{k, #s, ELBO_OPTION_INT, #d, "", lo, hi, help}, offsetof(elbo_config, f)},
#define REAL(f, k, s, d, lo, hi, help) {{k, #s, ELBO_OPTION_REAL, #d, "", lo, hi, help}, offsetof(elbo_config, f)},
#define BOOL(f, k, s, d, help) {{k, #s, ELBO_OPTION_BOOL, #d, "", 0, 1, help}, offsetof(elbo_config, f)},
#define TEXT(f, k, s, d, help) {{k, #s, ELBO_OPTION_TEXT, d, "", 0, 0, help}, offsetof(elbo_config, f)},
#define CHOICE(f, k, s, d, words, help) {{k, #s, ELBO_OPTION_CHOICE, d, words, 0, 0, help}, offsetof(elbo_config, f)},
#include "options.def"
#undef INT
#undef REAL
#undef BOOL
#undef TEXT
#undef CHOICE
};

static const size_t n_rows = sizeof rows / sizeof *rows;

size_t elbo_option_count(void)
{
    return n_rows;
}

const elbo_option_info *elbo_option_at(size_t i)
{
    return i < n_rows ? &rows[i].info : NULL;
}

static const char *key_at(size_t i)
{
    return i < n_rows ? rows[i].info.key : NULL;
}

static const row *find_row(const char *key)
{
    for (size_t i = 0; i < n_rows; i++)
        if (strcmp(rows[i].info.key, key) == 0) return &rows[i];
    return NULL;
}

/* ---- Choices ---- */

const char *config_choice(const char *choices, int i, char out[64])
{
    for (; i > 0 && choices; i--) choices = (choices = strchr(choices, '|')) ? choices + 1 : NULL;
    if (!choices) return NULL;
    snprintf(out, 64, "%.*s", (int)strcspn(choices, "|"), choices);
    return out;
}

static int choice_position(const char *choices, const char *word)
{
    char at[64];
    for (int i = 0; config_choice(choices, i, at); i++)
        if (strcmp(at, word) == 0) return i;
    return -1;
}

elbo_data_options elbo_config_data_options(const elbo_config *c)
{
    static const int header[] = {0, 1, -1}; /* auto, true, false */
    return (elbo_data_options){.height = c->height, .width = c->width, .crop = c->crop, .grey = c->grey, .flip = c->flip,
                               .binarize = c->binarize == BINARIZE_STATIC,
                               .label_column = *c->label_column ? c->label_column : NULL, .ignore = c->ignore,
                               .columns = c->columns, .classes = c->classes, .header = header[c->header]};
}

/* ---- Setting ---- */

static elbo_status set_int(elbo_config *c, const row *r, const char *value, elbo_error *error)
{
    int64_t v;
    if (!text_to_int(value, &v) || (double)v < r->info.min || (double)v > r->info.max)
        return err_set(error, ELBO_USAGE, "option %s: got '%s', expected a whole number from %.0f to %.0f", r->info.key, value,
                       r->info.min, r->info.max);
    *(int64_t *)(void *)((char *)c + r->offset) = v;
    return ELBO_OK;
}

static elbo_status set_real(elbo_config *c, const row *r, const char *value, elbo_error *error)
{
    double v;
    if (!text_to_real(value, &v) || v < r->info.min || v > r->info.max)
        return err_set(error, ELBO_USAGE, "option %s: got '%s', expected a number from %.9g to %.9g", r->info.key, value,
                       r->info.min, r->info.max);
    *(double *)(void *)((char *)c + r->offset) = v;
    return ELBO_OK;
}

static elbo_status set_bool(elbo_config *c, const row *r, const char *value, elbo_error *error)
{
    bool on = strcmp(value, "true") == 0;
    if (!on && strcmp(value, "false") != 0)
        return err_set(error, ELBO_USAGE, "option %s: got '%s', expected true or false", r->info.key, value);
    *(bool *)((char *)c + r->offset) = on;
    return ELBO_OK;
}

/* The name of a network becomes its layers, so that a file stays what it is when the table changes. */
static const char *layers_of(const char *key, const char *value)
{
    const net *n = net_find(value);
    if (n && strcmp(key, "encoder") == 0) return n->encoder;
    return n && strcmp(key, "decoder") == 0 ? n->decoder : value;
}

static elbo_status set_text(elbo_config *c, const row *r, const char *value, elbo_error *error)
{
    value = layers_of(r->info.key, value);
    size_t n = strlen(value);
    for (size_t i = 0; i < n; i++)
        if (text_is_control(value + i) || value[i] == '"')
            return err_set(error, ELBO_USAGE, "option %s: a quote or control character in the text", r->info.key);
    if (n >= CONFIG_TEXT)
        return err_set(error, ELBO_USAGE, "option %s: the text has %zu characters, at most %d are possible", r->info.key, n,
                       CONFIG_TEXT - 1);
    memcpy((char *)c + r->offset, value, n + 1);
    return ELBO_OK;
}

/* Why a word that people ask for is not among the choices. */
static const struct {
    const char *key, *word, *reason;
} refused[] = {
#define REFUSED(key, word, reason) {key, word, reason},
#include "refused.def"
#undef REFUSED
};

static const char *refusal(const char *key, const char *word)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(refused[i].key, key) == 0 && strcmp(refused[i].word, word) == 0) return refused[i].reason;
    return NULL;
}

static elbo_status set_choice(elbo_config *c, const row *r, const char *value, elbo_error *error)
{
    int position = choice_position(r->info.choices, value);
    const char *reason = refusal(r->info.key, value);
    if (position < 0)
        return err_set(error, ELBO_USAGE, "option %s: got '%.64s', expected one of %s%s%s", r->info.key, value, r->info.choices,
                       reason ? ": " : "", reason ? reason : "");
    *(int *)(void *)((char *)c + r->offset) = position;
    return ELBO_OK;
}

elbo_status elbo_config_set(elbo_config *c, const char *key, const char *value, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    static elbo_status (*const setters[])(elbo_config *, const row *, const char *, elbo_error *) = {
        [ELBO_OPTION_INT] = set_int,   [ELBO_OPTION_REAL] = set_real,     [ELBO_OPTION_BOOL] = set_bool,
        [ELBO_OPTION_TEXT] = set_text, [ELBO_OPTION_CHOICE] = set_choice,
    };
    const row *r = find_row(key);
    elbo_status status = r ? setters[r->info.type](c, r, value, error) : ELBO_USAGE;
    if (r && status == ELBO_OK) c->given[r - rows] = true;
    if (r) return status;
    const char *near = text_nearest(key, key_at);
    return err_set(error, ELBO_USAGE, "there is no option '%.64s'%s%s%s", key, near ? "; did you mean '" : "", near ? near : "",
                   near ? "'?" : "");
}

void config_init(elbo_config *c, memory m)
{
    *c = (elbo_config){.m = m};
    for (size_t i = 0; i < n_rows; i++) elbo_config_set(c, rows[i].info.key, rows[i].info.default_value, NULL);
    memset(c->given, 0, sizeof c->given);
}

bool config_is_given(const elbo_config *c, const char *key)
{
    return c->given[find_row(key) - rows];
}

elbo_config *elbo_config_new(elbo_engine *engine, elbo_error *error)
{
    elbo_config *c = mem_new(engine->m, 1, sizeof *c);
    if (c) config_init(c, engine->m);
    else err_memory(error, "a configuration");
    return c;
}

void elbo_config_free(elbo_config *c)
{
    if (c) mem_free(c->m, c);
}

/* ---- Showing ---- */

static void show_row(const elbo_config *c, const row *r, char out[CONFIG_TEXT])
{
    const void *at = (const char *)c + r->offset;
    switch (r->info.type) {
    case ELBO_OPTION_INT: snprintf(out, CONFIG_TEXT, "%lld", (long long)*(const int64_t *)at); break;
    case ELBO_OPTION_REAL: text_from_real(*(const double *)at, out); break;
    case ELBO_OPTION_BOOL: snprintf(out, CONFIG_TEXT, "%s", *(const bool *)at ? "true" : "false"); break;
    case ELBO_OPTION_TEXT: snprintf(out, CONFIG_TEXT, "%s", (const char *)at); break;
    case ELBO_OPTION_CHOICE: config_choice(r->info.choices, *(const int *)at, out); break;
    }
}

void config_show(const elbo_config *c, const elbo_option_info *option, char out[CONFIG_TEXT])
{
    const row *r = find_row(option->key);
    *out = 0;
    if (r) show_row(c, r, out);
}

const char *elbo_config_get(elbo_config *c, const char *key)
{
    ROUNDS_TO_NEAREST;
    const row *r = find_row(key);
    if (!r) return NULL;
    show_row(c, r, c->shown);
    return c->shown;
}

const elbo_option_info *config_difference(const elbo_config *a, const elbo_config *b, const char *section)
{
    char x[CONFIG_TEXT], y[CONFIG_TEXT];
    for (size_t i = 0; i < n_rows; i++) {
        if (section && strcmp(rows[i].info.section, section) != 0) continue;
        show_row(a, &rows[i], x);
        show_row(b, &rows[i], y);
        if (strcmp(x, y) != 0) return &rows[i].info;
    }
    return NULL;
}

/* ---- Files ---- */

static bool quoted(elbo_option_type type)
{
    return type == ELBO_OPTION_TEXT || type == ELBO_OPTION_CHOICE;
}

void config_write(const elbo_config *c, text *out)
{
    const char *section = "";
    for (size_t i = 0; i < n_rows; i++) {
        const elbo_option_info *o = &rows[i].info;
        char value[CONFIG_TEXT];
        show_row(c, &rows[i], value);
        if (strcmp(section, o->section) != 0) text_add(out, "%s[%s]\n", *section ? "\n" : "", o->section);
        section = o->section;
        text_add(out, quoted(o->type) ? "%s = \"%s\"\n" : "%s = %s\n", o->key, value);
    }
}

static char *trim(char *s)
{
    s += strspn(s, " \t\r");
    size_t n = strlen(s);
    while (n && strchr(" \t\r", s[n - 1])) s[--n] = 0;
    return s;
}

/* Cuts a comment off: '#' outside quotes. */
static void cut_comment(char *line)
{
    bool inside = false;
    for (; *line; line++) {
        if (*line == '"') inside = !inside;
        if (*line == '#' && !inside) *line = 0;
        if (!*line) return;
    }
}

static char *unquote(char *value)
{
    size_t n = strlen(value);
    if (n < 2 || value[0] != '"' || value[n - 1] != '"') return value;
    value[n - 1] = 0;
    return value + 1;
}

elbo_status config_read_line(elbo_config *c, char *line, elbo_error *error)
{
    cut_comment(line);
    line = trim(line);
    size_t n = strlen(line);
    if (n == 0 || (line[0] == '[' && line[n - 1] == ']')) return ELBO_OK;
    char *equals = strchr(line, '=');
    if (!equals) return err_set(error, ELBO_USAGE, "got '%.80s', expected 'key = value', '[section]' or '# comment'", line);
    *equals = 0;
    return elbo_config_set(c, trim(line), unquote(trim(equals + 1)), error);
}
