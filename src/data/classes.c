/* classes.c - a data set narrowed to some of its classes. */
#include "data.h"

#include "../base/text.h"

#include <string.h>

enum { CHUNK = 64, WORD = 256 };

/* The number of a class, by name where there are names: the class named 0 need not be the first. */
static elbo_status find_class(const elbo_data *d, const char *word, int64_t *out, elbo_error *error)
{
    const char *first = elbo_data_class_at(d, 0), *name, *last = first;
    int64_t n = d->info.n_classes;
    if (!first && text_to_int(word, out) && *out >= 0 && *out < n) return ELBO_OK;
    for (*out = 0; (name = elbo_data_class_at(d, (size_t)*out)) != NULL; ++*out, last = name)
        if (strcmp(name, word) == 0) return ELBO_OK;
    if (!first)
        return err_set(error, ELBO_USAGE, "classes: %s has no class \"%s\", but 0 to %lld", d->info.name, word, (long long)n - 1);
    return err_set(error, ELBO_USAGE, "classes: %s has no class \"%s\", but %lld, \"%s\" to \"%s\"", d->info.name, word,
                   (long long)n, first, last);
}

/* wanted [n_classes]: those that "3, 5" names; of "not 3, 5" the others. */
static elbo_status read_classes(const elbo_data *d, const char *list, bool *wanted, elbo_error *error)
{
    bool others = strncmp(list, "not ", 4) == 0;
    const char *left = others ? list + 4 : list;
    elbo_status status = ELBO_OK;
    for (int64_t k = 0; k < d->info.n_classes; k++) wanted[k] = others;
    for (char word[WORD]; status == ELBO_OK && text_next_word(&left, ',', word, sizeof word);) {
        int64_t k;
        status = find_class(d, word, &k, error);
        if (status == ELBO_OK) wanted[k] = !others;
    }
    return status;
}

/* Keeps the places of the examples that are wanted; room is for CHUNK of them. */
static elbo_status keep(elbo_data *d, const bool *wanted, int64_t *kept, int64_t *n_kept, void *room, elbo_error *error)
{
    *n_kept = 0;
    for (int64_t done = 0, now; done < d->info.count; done += now) {
        int64_t index[CHUNK];
        int32_t label[CHUNK];
        now = d->info.count - done < CHUNK ? d->info.count - done : CHUNK;
        for (int64_t i = 0; i < now; i++) index[i] = done + i;
        elbo_status status = data_read_raw(d, index, now, room, label, error);
        if (status != ELBO_OK) return status;
        for (int64_t i = 0; i < now; i++)
            if (label[i] >= 0 && wanted[label[i]]) kept[(*n_kept)++] = d->kept ? d->kept[done + i] : done + i;
    }
    return *n_kept ? ELBO_OK : err_set(error, ELBO_USAGE, "%s: no example is of the classes that are asked for", d->info.name);
}

elbo_status elbo_data_take_classes(elbo_data *d, const char *classes, elbo_error *error)
{
    if (!d || !classes) return err_set(error, ELBO_USAGE, "taking classes: an argument is NULL");
    if (!*classes) return ELBO_OK;
    if (d->info.n_classes == 0) return err_set(error, ELBO_USAGE, "%s has no labels, so no classes to choose from", d->info.name);
    memory m = d->engine->m;
    bool *wanted = mem_new(m, (size_t)d->info.n_classes, sizeof *wanted);
    int64_t *kept = mem_new(m, (size_t)d->info.count, sizeof *kept), n = 0;
    void *room = mem_new(m, CHUNK, data_example_bytes(d));
    elbo_status status = wanted && kept && room ? read_classes(d, classes, wanted, error) : err_memory(error, "choosing classes");
    if (status == ELBO_OK) status = keep(d, wanted, kept, &n, room, error);
    mem_free(m, wanted);
    mem_free(m, room);
    mem_free(m, status == ELBO_OK ? d->kept : kept);
    if (status != ELBO_OK) return status;
    d->kept = kept;
    d->info.count = n;
    return ELBO_OK;
}
