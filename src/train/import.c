/* import.c - weights of PyTorch programs, by their own names (name_maps.def).
 *
 * Every tensor of the file is given its name in the model, and put there; each place is filled exactly once. Layouts are
 * PyTorch's in every exported tensor (store.h), so only names differ. The file is not trusted: names, shapes, kinds and
 * values are checked. */
#include "../base/mode.h"
#include "../base/text.h"
#include "../export/safetensors.h"
#include "checkpoint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *theirs, *ours;
} rows[] = {
#define NAME(theirs, ours) {theirs, ours},
#include "name_maps.def"
#undef NAME
};

/* ---- Names ---- */

/* Whether name begins with a row's pattern and goes on with one word. *number: what # stands for; *rest: ".weight". */
static bool matches(const char *pattern, const char *name, long *number, const char **rest)
{
    for (; *pattern; pattern++) {
        if (*pattern != '#') {
            if (*name++ != *pattern) return false;
            continue;
        }
        size_t digits = strspn(name, "0123456789");
        if (digits == 0 || digits > 4) return false;
        *number = strtol(name, NULL, 10);
        name += digits;
    }
    *rest = name;
    return *name == '.' && !strchr(name + 1, '.');
}

/* Writes a row's name in the model: # and $ are numbers, to which +N or -N is added. */
static void substitute(const char *ours, long number, long last, const char *rest, char out[2 * STORE_NAME])
{
    size_t n = 0;
    for (; *ours && n + 32 < STORE_NAME; ours++) {
        if (*ours != '#' && *ours != '$') {
            out[n++] = *ours;
            continue;
        }
        long value = *ours == '#' ? number : last;
        if (ours[1] == '+' || ours[1] == '-') {
            char *end;
            value += strtol(ours + 1, &end, 10);
            ours = end - 1;
        }
        n += (size_t)snprintf(out + n, 32, "%ld", value);
    }
    snprintf(out + n, 2 * STORE_NAME - n, "%.*s", STORE_NAME, rest);
}

/* The number of the decoder's last layer with parameters; 0: none. */
static long last_layer(const store *s)
{
    long last = 0, number;
    const char *rest;
    for (int i = 0; i < s->params.n; i++)
        if (matches("decoder.#", s->params.at[i].name, &number, &rest) && number > last) last = number;
    return last;
}

static void name_in_model(const char *name, long last, char out[2 * STORE_NAME])
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        long number = 0;
        const char *rest;
        if (!matches(rows[i].theirs, name, &number, &rest)) continue;
        substitute(rows[i].ours, number, last, rest, out);
        return;
    }
    snprintf(out, 2 * STORE_NAME, "%.*s", 2 * STORE_NAME - 1, name);
}

static bool ignored(const char *name)
{
    static const char end[] = "num_batches_tracked";
    size_t n = strlen(name);
    return n >= sizeof end - 1 && strcmp(name + n - (sizeof end - 1), end) == 0;
}

/* ---- Tensors ---- */

/* The places of a model, parameters first, and which are filled. */
typedef struct places {
    store *s;
    bool *filled;
    long last;
} places;

static const entry *place(const places *p, const char *name, int *index, float **base)
{
    const entry *e = store_find(&p->s->params, name);
    *base = p->s->value;
    *index = e ? (int)(e - p->s->params.at) : 0;
    if (e) return e;
    e = store_find(&p->s->states, name);
    *base = p->s->state;
    *index = e ? p->s->params.n + (int)(e - p->s->states.at) : 0;
    return e;
}

static elbo_status put(const places *p, const st_tensor *t, elbo_error *error)
{
    char name[2 * STORE_NAME], both[4 * STORE_NAME];
    int index;
    float *base;
    name_in_model(t->name, p->last, name);
    const entry *e = place(p, name, &index, &base);
    if (!e)
        return err_set(error, ELBO_BAD_FILE, "tensor %.200s has no place in the model (there is no %.200s); do its options fit?",
                       t->name, name);
    if (p->filled[index])
        return err_set(error, ELBO_BAD_FILE, "tensor %.200s: %s was filled by another one before", t->name, name);
    snprintf(both, sizeof both, "%.200s, for %.200s", t->name, name);
    elbo_status status = tensor_check(e, both, t, true, error);
    if (status == ELBO_OK) status = tensor_put(p->s->m, e, t, base, error);
    p->filled[index] = true;
    return status;
}

static elbo_status check_filled(const places *p, elbo_error *error)
{
    for (int i = 0; i < p->s->params.n + p->s->states.n; i++) {
        if (p->filled[i]) continue;
        const entry *e = i < p->s->params.n ? &p->s->params.at[i] : &p->s->states.at[i - p->s->params.n];
        return err_set(error, ELBO_BAD_FILE, "no tensor for %s of the model; do its options fit?", e->name);
    }
    return ELBO_OK;
}

static elbo_status put_all(elbo_model *m, const st_file *f, elbo_error *error)
{
    store *s = &m->store;
    size_t n = (size_t)(s->params.n + s->states.n);
    places p = {.s = s, .last = last_layer(s), .filled = mem_new(m->m, n + 1, sizeof *p.filled)};
    elbo_status status = p.filled ? ELBO_OK : err_memory(error, "the file's tensors");
    for (size_t i = 0; i < st_count(f) && status == ELBO_OK; i++)
        if (!ignored(st_at(f, i)->name)) status = put(&p, st_at(f, i), error);
    if (status == ELBO_OK) status = check_filled(&p, error);
    store_revert(s);
    mem_free(m->m, p.filled);
    return status;
}

elbo_status elbo_model_import(elbo_model *m, const char *path, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    st_file *f;
    elbo_error why = {0};
    elbo_status status = st_read(m->m, path, SIZE_MAX / 2, &f, error);
    if (status != ELBO_OK) return status;
    status = put_all(m, f, &why);
    if (status != ELBO_OK) err_set(error, status, "%.300s: %.700s", path, why.message);
    st_close(f);
    return status;
}
