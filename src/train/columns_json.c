/* columns_json.c - see columns_json.h */
#include "columns_json.h"
#include "../base/json.h"
#include "../base/text.h"
#include "../data/levels.h"

#include <math.h>
#include <string.h>

/* ---- Writing ---- */

static json_t *words_json(const char *const *words, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) json_append(&list, json_string(words[i]));
    return list;
}

static json_t *column_json(const elbo_column *v)
{
    json_t *j = json_pack("{s:s, s:s}", "name", v->name, "kind", elbo_column_kind_name(v->kind));
    if (v->n_levels) json_put(&j, "levels", words_json(v->levels, v->n_levels));
    return j;
}

json_t *columns_write(const column_list *c)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < c->n; i++) json_append(&list, column_json(&c->at[i]));
    json_t *j = json_pack("{s:o}", "columns", list);
    if (!c->label) return j;
    json_put(&j, "label", json_string(c->label));
    json_put(&j, "classes", words_json(c->classes, c->n_classes));
    return j;
}

/* ---- Reading ---- */

static bool is_word(const json_t *j)
{
    const char *s = json_string_value(j);
    return s && strlen(s) < COLUMN_NAME && text_is_plain(s);
}

/* The words of a list of at most MAX_LEVELS; NULL: it is none, or there is no memory (a->failed). */
static const char **read_words(arena *a, const json_t *list, int64_t *n)
{
    *n = (int64_t)json_array_size(list);
    if (!json_is_array(list) || *n > MAX_LEVELS) return NULL;
    const char **words = arena_new(a, (size_t)*n, sizeof *words);
    for (int64_t i = 0; words && i < *n; i++) {
        const json_t *word = json_array_get(list, (size_t)i);
        if (!is_word(word)) return NULL;
        words[i] = arena_text(a, json_string_value(word));
    }
    return words;
}

static bool read_column(arena *a, const json_t *j, elbo_column *out)
{
    const json_t *name = json_object_get(j, "name"), *kind = json_object_get(j, "kind"), *list = json_object_get(j, "levels");
    if (!is_word(name) || !is_word(kind) || !column_kind_find(json_string_value(kind), &out->kind)) return false;
    if (json_object_size(j) != (list ? 3u : 2u) || !list != !column_has_levels(out->kind)) return false;
    out->name = arena_text(a, json_string_value(name));
    if (!list) return true;
    out->levels = read_words(a, list, &out->n_levels);
    return out->levels && out->n_levels >= 2 && (out->n_levels == 2 || out->kind == ELBO_COLUMN_CATEGORICAL);
}

static bool read_label(column_list *c, const json_t *j)
{
    const json_t *label = json_object_get(j, "label"), *names = json_object_get(j, "classes");
    if (json_object_size(j) != (label ? 3u : 1u) || (label && !is_word(label))) return false;
    if (!label) return true;
    c->label = arena_text(&c->a, json_string_value(label));
    c->classes = read_words(&c->a, names, &c->n_classes);
    return c->classes != NULL;
}

/* Two columns of one name would be one column of a file. */
static elbo_status check_names(memory m, const column_list *c, elbo_error *error)
{
    levels names;
    elbo_status status = ELBO_OK;
    levels_open(&names, m, (size_t)c->n);
    for (int64_t i = 0; i < c->n && status == ELBO_OK; i++) {
        if (levels_find(&names, c->at[i].name, NAN) < 0) status = levels_add(&names, c->at[i].name, NAN, error);
        else status = err_set(error, ELBO_BAD_FILE, "two of its columns are called \"%.60s\"", c->at[i].name);
    }
    levels_close(&names);
    return status;
}

elbo_status columns_read(memory m, const json_t *j, int64_t n, column_list **out, elbo_error *error)
{
    const json_t *list = json_object_get(j, "columns");
    bool ok = json_is_array(list) && (int64_t)json_array_size(list) == n;
    column_list *c = *out = columns_new(m);
    if (!c) return err_memory(error, "the columns of a model");
    if (ok) c->at = arena_new(&c->a, (size_t)n, sizeof *c->at);
    for (c->n = 0; ok && c->at && c->n < n; c->n++)
        ok = read_column(&c->a, json_array_get(list, (size_t)c->n), &c->at[c->n]);
    ok = ok && read_label(c, j);
    if (c->a.failed) return err_memory(error, "the columns of a model");
    if (!ok) return err_set(error, ELBO_BAD_FILE, "its columns are not such as elbo writes");
    return check_names(m, c, error);
}
