/* mirror.c - see mirror.h
 *
 * A line of metrics is flattened into figures: numbers with a name, and the part of the data they were taken over.
 * {"epoch":1,"train":{"kl":2.5}} has epoch and, of train, kl, which is the column train_kl and TensorBoard's kl in the
 * run train. Lists and lines without an epoch are passed over. Columns are found in the lines, not known beforehand. */
#include "mirror.h"
#include "../base/file.h"
#include "../base/json.h"
#include "../export/tfevents.h"

#include <stdio.h>
#include <string.h>

#define CSV    "metrics.csv"
#define EVENTS "tensorboard/%s/events.out.tfevents.elbo"

enum { MOST_FIGURES = 48, NAME = 64, PATH_NAME = 64 };

static const char *const parts[] = {"train", "valid"}; /* runs of TensorBoard; numbers of no part go with the first */
enum { N_PARTS = 2 };

typedef struct figure {
    const char *part; /* "": of the epoch as a whole */
    const char *name;
    json_t *value;
} figure;

typedef struct figures {
    figure at[MOST_FIGURES];
    size_t n;
} figures;

static void flatten(figures *f, const char *part, json_t *object)
{
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value)
    {
        if (json_is_object(value) && !part[0]) flatten(f, name, value);
        if (json_is_number(value) && f->n < MOST_FIGURES) f->at[f->n++] = (figure){part, name, value};
    }
}

/* The figures of a line, none where it is no epoch's. They are in *object, which is given back with json_decref. */
static figures read_line(mirror *r, const char *line, size_t length, json_t **object)
{
    figures f = {.n = 0};
    bool no_memory;
    *object = json_read(line, length, NULL, &no_memory);
    r->columns.failed |= no_memory;
    if (json_object_get(*object, "epoch")) flatten(&f, "", *object);
    return f;
}

/* ---- metrics.csv ---- */

static void column_name(const figure *f, char out[NAME])
{
    snprintf(out, NAME, "%s%s%s", f->part, f->part[0] ? "_" : "", f->name);
}

/* Whether a word is among the columns; at: the first of them. */
static bool is_column(const char *at, const char *word)
{
    size_t n = strlen(word);
    for (; at; at = (at = strchr(at, ',')) ? at + 1 : NULL)
        if (strncmp(at, word, n) == 0 && (at[n] == ',' || at[n] == '\0')) return true;
    return false;
}

/* True where there are columns now that were not. */
static bool add_columns(mirror *r, const figures *f)
{
    size_t before = r->columns.length;
    for (size_t i = 0; i < f->n; i++) {
        char name[NAME];
        column_name(&f->at[i], name);
        if (r->columns.length && is_column(r->columns.bytes, name)) continue;
        text_add(&r->columns, "%s%s", r->columns.length ? "," : "", name);
    }
    return r->columns.length > before;
}

static void add_value(text *to, const figures *f, const char *column, size_t n)
{
    char name[NAME], words[32];
    for (size_t i = 0; i < f->n; i++) {
        column_name(&f->at[i], name);
        if (strlen(name) != n || strncmp(name, column, n) != 0) continue;
        text_from_real(json_number_value(f->at[i].value), words);
        text_add(to, "%s", words);
    }
}

static void add_row(text *to, const mirror *r, const figures *f)
{
    for (const char *at = r->columns.bytes, *end; f->n && at; at = *end ? end + 1 : NULL) {
        end = at + strcspn(at, ",");
        add_value(to, f, at, (size_t)(end - at));
        text_add(to, "%s", *end ? "," : "\n");
    }
}

/* ---- TensorBoard ---- */

static void add_event(text *to, const char *part, const figures *f)
{
    tfevents_scalar scalars[MOST_FIGURES];
    size_t n = 0;
    int64_t step = 0;
    double epoch = 0;
    for (size_t i = 0; i < f->n; i++) {
        const figure *a = &f->at[i];
        bool whole = a->part[0] == '\0', is_step = whole && strcmp(a->name, "step") == 0;
        bool is_epoch = whole && strcmp(a->name, "epoch") == 0;
        if (is_step) step = (int64_t)json_integer_value(a->value);
        if (is_epoch) epoch = json_number_value(a->value);
        if (is_step || is_epoch || strcmp(whole ? parts[0] : a->part, part) != 0) continue;
        scalars[n++] = (tfevents_scalar){a->name, json_number_value(a->value)};
    }
    if (n) tfevents_scalars(to, step, epoch, scalars, n);
}

/* ---- Files ---- */

typedef enum writing { REPLACE, APPEND } writing;

static elbo_status write_text(const mirror *r, const char *name, const text *t, writing how, elbo_error *error)
{
    if (t->failed) return err_memory(error, "the metrics of a run");
    if (t->length == 0) return ELBO_OK;
    char *path = file_join(r->m, r->directory, name);
    if (!path) return err_memory(error, "a path");
    elbo_status status = how == APPEND ? file_append(path, t->bytes, t->length, error)
                                       : file_write(r->m, path, &(file_part){t->bytes, t->length}, 1, error);
    mem_free(r->m, path);
    return status;
}

/* Calls visit for the figures of each line of metrics.jsonl. */
typedef void (*figures_visit)(void *user, const figures *f);

static void each_line(mirror *r, const char *lines, figures_visit visit, void *user)
{
    for (const char *line = lines, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        json_t *object;
        figures f = read_line(r, line, (size_t)(end - line), &object);
        visit(user, &f);
        json_decref(object);
    }
}

/* A form of the metrics on its way: the text so far. */
typedef struct form {
    mirror *r;
    const char *part;
    text bytes;
} form;

static void visit_columns(void *user, const figures *f)
{
    add_columns(((form *)user)->r, f);
}

static void visit_row(void *user, const figures *f)
{
    form *a = user;
    add_row(&a->bytes, a->r, f);
}

static void visit_event(void *user, const figures *f)
{
    form *a = user;
    add_event(&a->bytes, a->part, f);
}

static elbo_status csv_again(mirror *r, const char *lines, elbo_error *error)
{
    form a = {.r = r};
    text_open(&a.bytes, r->m);
    each_line(r, lines, visit_columns, &a);
    if (r->columns.length) text_add(&a.bytes, "%s\n", r->columns.bytes);
    each_line(r, lines, visit_row, &a);
    a.bytes.failed |= r->columns.failed;
    elbo_status status = write_text(r, CSV, &a.bytes, REPLACE, error);
    text_close(&a.bytes);
    return status;
}

/* Makes a folder of the run, and clears away what a kill left half written there. */
static elbo_status make_folder(const mirror *r, const char *name, elbo_error *error)
{
    char *path = file_join(r->m, r->directory, name);
    elbo_status status = path ? file_make_directory(path, error) : err_memory(error, "a path");
    if (status == ELBO_OK) status = file_remove_leftovers(r->m, path, error);
    mem_free(r->m, path);
    return status;
}

/* A part without figures has no file. */
static elbo_status events_again(mirror *r, const char *lines, const char *part, elbo_error *error)
{
    char name[PATH_NAME], folder[PATH_NAME];
    form a = {.r = r, .part = part};
    text_open(&a.bytes, r->m);
    tfevents_begin(&a.bytes);
    size_t empty = a.bytes.length;
    each_line(r, lines, visit_event, &a);
    a.bytes.failed |= r->columns.failed;
    snprintf(name, sizeof name, EVENTS, part);
    snprintf(folder, sizeof folder, "tensorboard/%s", part);
    elbo_status status = ELBO_OK;
    if (a.bytes.failed || a.bytes.length > empty) {
        status = make_folder(r, folder, error);
        if (status == ELBO_OK) status = write_text(r, name, &a.bytes, REPLACE, error);
    }
    text_close(&a.bytes);
    return status;
}

elbo_status mirror_again(mirror *r, elbo_error *error)
{
    unsigned char *lines;
    size_t size;
    char *path = file_join(r->m, r->directory, "metrics.jsonl");
    if (!path) return err_memory(error, "a path");
    bool there = file_exists(path);
    elbo_status status = there ? file_read(r->m, path, (size_t)1 << 30, &lines, &size, error) : ELBO_OK;
    mem_free(r->m, path);
    if (!there || status != ELBO_OK) return status;
    status = csv_again(r, (char *)lines, error);
    for (int i = 0; i < N_PARTS && r->tensorboard && status == ELBO_OK; i++)
        status = events_again(r, (char *)lines, parts[i], error);
    mem_free(r->m, lines);
    return status;
}

static elbo_status append(mirror *r, const figures *f, elbo_error *error)
{
    text bytes;
    text_open(&bytes, r->m);
    add_row(&bytes, r, f);
    elbo_status status = write_text(r, CSV, &bytes, APPEND, error);
    text_close(&bytes);
    for (int i = 0; i < N_PARTS && r->tensorboard && status == ELBO_OK; i++) {
        char name[PATH_NAME];
        add_event(&bytes, parts[i], f);
        snprintf(name, sizeof name, EVENTS, parts[i]);
        status = write_text(r, name, &bytes, APPEND, error);
        text_close(&bytes);
    }
    return status;
}

elbo_status mirror_line(mirror *r, const char *line, size_t length, elbo_error *error)
{
    json_t *object;
    figures f = read_line(r, line, length, &object);
    bool more = add_columns(r, &f);
    elbo_status status = r->columns.failed ? err_memory(error, "the metrics of a run")
                         : more            ? mirror_again(r, error)
                                           : append(r, &f, error);
    json_decref(object);
    return status;
}

elbo_status mirror_open(mirror *r, memory m, const char *directory, bool tensorboard, elbo_error *error)
{
    *r = (mirror){.m = m, .directory = directory, .tensorboard = tensorboard};
    text_open(&r->columns, m);
    if (!directory) return ELBO_OK;
    file_kind kind = FILE_NONE;
    char *path = file_join(m, directory, "tensorboard");
    elbo_status status = path ? file_look(path, &kind, error) : err_memory(error, "a path");
    if (kind >= FILE_DIRECTORY) r->tensorboard = true;
    mem_free(m, path);
    return status;
}

void mirror_close(mirror *r)
{
    text_close(&r->columns);
}
