/* history.c - see history.h */
#include "history.h"
#include "../base/file.h"
#include "../base/json.h"

#include <stdio.h>
#include <string.h>

elbo_status history_add(history *h, const epoch_figures *e, elbo_error *error)
{
    if (h->n == h->room) {
        size_t room = h->room ? 2 * h->room : 64;
        epoch_figures *grown = mem_resize(h->m, h->at, room, sizeof *grown);
        if (!grown) return err_memory(error, "the history of a run");
        h->at = grown;
        h->room = room;
    }
    h->at[h->n++] = *e;
    return ELBO_OK;
}

/* What a family has beside the figures of all: every further number. */
static void add_other(elbo_metrics *m, const char *name, const json_t *value)
{
    static const char *const own[] = {"rec", "kl", "total", "active", "count"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(own[i], name) == 0) return;
    if (!json_is_number(value) || m->n_other == (int64_t)(sizeof m->other / sizeof *m->other)) return;
    elbo_term *t = &m->other[m->n_other++];
    snprintf(t->name, sizeof t->name, "%s", name);
    t->value = json_number_value(value);
}

static double number(const json_t *j, const char *key)
{
    return json_number_value(json_object_get(j, key));
}

/* Of the figures of a part; 0 is what is not there. */
static elbo_metrics metrics_of(json_t *j)
{
    const char *name;
    json_t *value;
    elbo_metrics m = {.rec = number(j, "rec"),
                      .kl = number(j, "kl"),
                      .total = number(j, "total"),
                      .active = json_integer_value(json_object_get(j, "active")),
                      .count = json_integer_value(json_object_get(j, "count"))};
    json_object_foreach(j, name, value) add_other(&m, name, value);
    return m;
}

static elbo_status take_latent_kl(history *h, const json_t *list, elbo_error *error)
{
    size_t n = json_array_size(list);
    double *kl = mem_resize(h->m, h->latent_kl, n, sizeof *kl);
    if (!kl) return err_memory(error, "the history of a run");
    for (size_t i = 0; i < n; i++) kl[i] = json_number_value(json_array_get(list, i));
    h->latent_kl = kl;
    h->n_latent = n;
    return ELBO_OK;
}

static void add_trouble(history *h, json_t *j, bool ended)
{
    const char *cause = json_string_value(json_object_get(j, "cause"));
    if (!cause) return;
    h->last.step = json_integer_value(json_object_get(j, "step"));
    snprintf(h->last.cause, sizeof h->last.cause, "%s", cause);
    h->rescues += !ended;
    h->ended = ended;
}

static elbo_status add_line(history *h, const char *line, size_t length, elbo_error *error)
{
    bool no_memory;
    json_t *j = json_read(line, length, NULL, &no_memory);
    elbo_status status = no_memory ? err_memory(error, "the history of a run") : ELBO_OK;
    if (json_object_get(j, "epoch")) {
        epoch_figures e = {.epoch = json_integer_value(json_object_get(j, "epoch")),
                           .rate = number(j, "rate"),
                           .train = metrics_of(json_object_get(j, "train")),
                           .recent = metrics_of(json_object_get(j, "recent")),
                           .valid = metrics_of(json_object_get(j, "valid"))};
        status = history_add(h, &e, error);
        if (status == ELBO_OK) status = take_latent_kl(h, json_object_get(json_object_get(j, "valid"), "latent_kl"), error);
        h->ended = false;
    }
    if (json_object_get(j, "rescue")) add_trouble(h, json_object_get(j, "rescue"), false);
    if (json_object_get(j, "diverged")) add_trouble(h, json_object_get(j, "diverged"), true);
    json_decref(j);
    return status;
}

elbo_status history_read(history *h, const char *path, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    elbo_status status = file_read(h->m, path, (size_t)1 << 30, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    for (char *line = (char *)bytes, *end; (end = strchr(line, '\n')) && status == ELBO_OK; line = end + 1)
        status = add_line(h, line, (size_t)(end - line), error);
    mem_free(h->m, bytes);
    return status;
}

void history_close(history *h)
{
    mem_free(h->m, h->latent_kl);
    mem_free(h->m, h->at);
    *h = (history){.m = h->m};
}
