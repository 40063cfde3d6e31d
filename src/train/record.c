/* record.c - see record.h */
#include "record.h"
#include "../base/file.h"
#include "../base/json.h"
#include "album.h"
#include "origin.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Does work on directory/name; every file of a run is reached through here. */
typedef elbo_status (*path_work)(record *r, const char *path, void *user, elbo_error *error);

static elbo_status at_path(record *r, const char *name, path_work work, void *user, elbo_error *error)
{
    if (!r->directory) return ELBO_OK;
    char *path = file_join(r->m, r->directory, name);
    if (!path) return err_memory(error, "a path");
    elbo_status status = work(r, path, user, error);
    mem_free(r->m, path);
    return status;
}

/* ---- Lines ---- */

static elbo_status append(record *r, const char *path, void *user, elbo_error *error)
{
    (void)r;
    text *t = user;
    return file_append(path, t->bytes, t->length, error);
}

/* Appends what was written into t to a file of lines. */
static elbo_status append_line(record *r, const char *name, text *t, elbo_error *error)
{
    return t->failed ? err_memory(error, "a line of metrics") : at_path(r, name, append, t, error);
}

/* The same for metrics.jsonl, and what follows from it. */
static elbo_status append_metrics(record *r, text *t, elbo_error *error)
{
    elbo_status status = append_line(r, "metrics.jsonl", t, error);
    if (status != ELBO_OK || !r->directory) return status;
    r->metrics_size += t->length;
    return mirror_line(&r->mirror, t->bytes, t->length, error);
}

static void add_number(text *t, const char *key, double v)
{
    char words[32];
    text_from_real(v, words);
    text_add(t, "\"%s\":%s", key, words);
}

static void add_further(text *t, const char *key, double v)
{
    text_add(t, ",");
    add_number(t, key, v);
}

/* Six digits of each: enough to tell which numbers of a code are used. */
static void add_latent_kl(text *t, const elbo_latent_use *use, int64_t n)
{
    text_add(t, ",\"latent_kl\":[");
    for (int64_t j = 0; j < n; j++) text_add(t, "%s%.6g", j ? "," : "", use[j].kl);
    text_add(t, "]");
}

/* The terms of a part; the object is left open. */
static void add_terms(text *t, const char *key, const elbo_metrics *m)
{
    text_add(t, ",\"%s\":{", key);
    add_number(t, "rec", m->rec);
    add_further(t, "kl", m->kl);
    add_further(t, "total", m->total);
    for (int64_t i = 0; i < m->n_other; i++) {
        add_further(t, m->other[i].name, m->other[i].value);
    }
}

/* use: of each of the n numbers of the code; NULL: not known */
static void add_metrics(text *t, const char *key, const elbo_metrics *m, const elbo_latent_use *use, int64_t n)
{
    add_terms(t, key, m);
    text_add(t, ",\"active\":%" PRId64, m->active);
    if (use && isfinite(use[0].kl)) add_latent_kl(t, use, n);
    text_add(t, ",\"count\":%" PRId64 "}", m->count);
}

static elbo_status write_metrics(record *r, const elbo_model *m, const epoch_figures *e, elbo_error *error)
{
    text t;
    text_open(&t, r->m);
    text_add(&t, "{\"epoch\":%" PRId64 ",\"step\":%" PRId64 ",", e->epoch, m->info.step);
    add_number(&t, "rate", e->rate);
    if (m->config.kl_warmup > 0) add_further(&t, "beta", e->beta);
    if (m->config.capacity > 0) add_further(&t, "capacity", e->capacity);
    add_metrics(&t, "train", &e->train, NULL, 0);
    add_terms(&t, "recent", &e->recent);
    text_add(&t, ",\"count\":%" PRId64 "}", e->recent.count);
    if (e->valid.count) add_metrics(&t, "valid", &e->valid, elbo_model_latent_use(m), m->info.latent_size);
    text_add(&t, "}\n");
    elbo_status status = append_metrics(r, &t, error);
    text_close(&t);
    return status;
}

static elbo_status write_times(record *r, int64_t epoch, double seconds, elbo_error *error)
{
    text t;
    text_open(&t, r->m);
    text_add(&t, "{\"epoch\":%" PRId64 ",\"seconds\":%.3f}\n", epoch, seconds);
    elbo_status status = append_line(r, "times.jsonl", &t, error);
    text_close(&t);
    return status;
}

/* {"rescue":{"step":1,"rate_factor":0.5,"cause":"..."}}, or "diverged" where that was the end of training. */
static elbo_status write_trouble(record *r, const char *kind, const trouble *what, const double *rate_factor, elbo_error *error)
{
    json_t *words = json_string(what->cause);
    text t;
    text_open(&t, r->m);
    text_add(&t, "{\"%s\":{\"step\":%" PRId64 ",", kind, what->step);
    if (rate_factor) add_number(&t, "rate_factor", *rate_factor);
    text_add(&t, "%s\"cause\":", rate_factor ? "," : "");
    json_write(&t, words, JSON_ENCODE_ANY);
    text_add(&t, "}}\n");
    json_decref(words);
    elbo_status status = append_metrics(r, &t, error);
    text_close(&t);
    return status;
}

elbo_status record_rescue(record *r, const trouble *what, double rate_factor, elbo_error *error)
{
    return write_trouble(r, "rescue", what, &rate_factor, error);
}

elbo_status record_divergence(record *r, const trouble *what, elbo_error *error)
{
    return write_trouble(r, "diverged", what, NULL, error);
}

elbo_status record_early_end(record *r, const run_state *run, elbo_error *error)
{
    text t;
    text_open(&t, r->m);
    text_add(&t, "{\"early_end\":{\"epoch\":%" PRId64 ",\"best_epoch\":%" PRId64 ",", run->epoch, run->best_epoch);
    add_number(&t, "best", run->best);
    text_add(&t, "}}\n");
    elbo_status status = append_metrics(r, &t, error);
    text_close(&t);
    return status;
}

/* ---- Checkpoints ---- */

typedef struct saving {
    elbo_model *model;
    const run_state *run;
    const run_arrays *arrays;
} saving;

static elbo_status save(record *r, const char *path, void *user, elbo_error *error)
{
    (void)r;
    saving *s = user;
    return checkpoint_save(s->model, path, s->run, s->arrays, error);
}

static elbo_status sync_if_there(record *r, const char *path, void *user, elbo_error *error)
{
    (void)r;
    (void)user;
    return file_exists(path) ? file_sync(path, error) : ELBO_OK;
}

/* Renames a file to the name user, where there is one. */
static elbo_status rename_to(record *r, const char *from, void *user, elbo_error *error)
{
    if (!file_exists(from)) return ELBO_OK;
    char *to = file_join(r->m, r->directory, user);
    if (!to) return err_memory(error, "a path");
    elbo_status status = file_rename(from, to, error);
    mem_free(r->m, to);
    return status;
}

/* Makes the new checkpoint, which is complete, the last one. At every moment the newest of new, last and previous that there is
 * is good: a last one that is damaged is overwritten, and never becomes the previous one. */
static elbo_status advance(record *r, elbo_error *error)
{
    char last[] = "last.safetensors", previous[] = "previous.safetensors";
    elbo_status status = r->last_is_good ? at_path(r, last, rename_to, previous, error) : ELBO_OK;
    if (status == ELBO_OK) status = at_path(r, "new.safetensors", rename_to, last, error);
    if (status == ELBO_OK) r->last_is_good = true;
    return status;
}

elbo_status record_checkpoint(record *r, elbo_model *m, run_state *run, const run_arrays *arrays, elbo_error *error)
{
    run->metrics_size = r->metrics_size;
    saving s = {m, run, arrays};
    elbo_status status = at_path(r, "metrics.jsonl", sync_if_there, NULL, error);
    if (status == ELBO_OK) status = at_path(r, "new.safetensors", save, &s, error);
    return status == ELBO_OK ? advance(r, error) : status;
}

elbo_status record_best(record *r, elbo_model *m, elbo_error *error)
{
    saving s = {m, NULL, NULL};
    return at_path(r, "best.safetensors", save, &s, error);
}

/* ---- Beginning ---- */

static elbo_status refuse_existing(record *r, const char *path, void *user, elbo_error *error)
{
    (void)user;
    file_kind kind;
    elbo_status status = file_look(path, &kind, error);
    if (status != ELBO_OK || kind == FILE_NONE) return status;
    return err_set(error, ELBO_USAGE, "%s has a run already; resume it, or choose another directory", r->directory);
}

static elbo_status write_config(record *r, const char *path, void *user, elbo_error *error)
{
    text t;
    text_open(&t, r->m);
    config_write(user, &t);
    elbo_status status = t.failed ? err_memory(error, "a configuration")
                                  : file_write(r->m, path, &(file_part){t.bytes, t.length}, 1, error);
    text_close(&t);
    return status;
}

static elbo_status make_directory(record *r, const char *path, void *user, elbo_error *error)
{
    (void)r;
    (void)user;
    return file_make_directory(path, error);
}

static elbo_status remove_leftovers(record *r, const char *path, void *user, elbo_error *error)
{
    (void)user;
    return file_remove_leftovers(r->m, path, error);
}

/* Clears away what a kill left half written, and makes the folder for pictures. */
static elbo_status tidy(record *r, elbo_error *error)
{
    elbo_status status = file_remove_leftovers(r->m, r->directory, error);
    if (status == ELBO_OK) status = at_path(r, "pictures", remove_leftovers, NULL, error);
    return status == ELBO_OK && r->pictures ? at_path(r, "pictures", make_directory, NULL, error) : status;
}

/* The checkpoints, newest first, and all files that only a run that got somewhere has. */
static const char *const checkpoints[] = {"new.safetensors", "last.safetensors", "previous.safetensors"};
static const char *const signs[] = {"metrics.jsonl", "last.safetensors", "previous.safetensors"};
enum { N_CHECKPOINTS = 3, N_SIGNS = 3 };

static elbo_status open_record(record *r, elbo_engine *engine, const elbo_train_options *options, elbo_error *error)
{
    *r = (record){.m = engine->m, .engine = engine, .directory = options->directory, .pictures = options->pictures,
                  .history = {.m = engine->m}, .held = -1};
    return mirror_open(&r->mirror, r->m, r->directory, options->tensorboard, error);
}

typedef struct beginning {
    const elbo_config *config;
    const elbo_data *data, *validation;
    uint64_t fingerprint;
} beginning;

static elbo_status write_origin(record *r, const char *path, void *user, elbo_error *error)
{
    const beginning *b = user;
    return origin_write(r->m, path, b->config, b->data, b->fingerprint, b->validation, error);
}

elbo_status record_begin(record *r, elbo_engine *engine, const elbo_train_options *options, const elbo_config *config,
                         const feed *f, uint64_t fingerprint, elbo_error *error)
{
    const char *directory = options->directory;
    beginning b = {config, f->data, options->validation, fingerprint};
    elbo_status status = open_record(r, engine, options, error);
    if (status != ELBO_OK || !directory) return status;
    status = file_make_directory(directory, error);
    if (status == ELBO_OK) status = file_hold(directory, false, &r->held, error);
    for (size_t i = 0; i < N_SIGNS && status == ELBO_OK; i++) status = at_path(r, signs[i], refuse_existing, NULL, error);
    if (status == ELBO_OK) status = at_path(r, "run.json", write_origin, &b, error);
    if (status == ELBO_OK) status = at_path(r, "config.toml", write_config, (void *)(uintptr_t)config, error);
    return status == ELBO_OK ? tidy(r, error) : status;
}

void record_close(record *r)
{
    if (r->engine) file_release(r->held);
    history_close(&r->history);
    mirror_close(&r->mirror);
    *r = (record){.m = r->m};
}

/* ---- Resuming ---- */

static elbo_status look(record *r, const char *path, void *user, elbo_error *error)
{
    (void)r;
    bool *there = user;
    file_kind kind;
    elbo_status status = file_look(path, &kind, error);
    *there = kind != FILE_NONE;
    return status;
}

elbo_status record_look(elbo_engine *engine, const char *directory, bool *bare, elbo_error *error)
{
    record r = {.m = engine->m, .directory = directory};
    bool further = false;
    elbo_status status = at_path(&r, "config.toml", look, bare, error);
    for (size_t i = 0; i < N_SIGNS && status == ELBO_OK && !further; i++) status = at_path(&r, signs[i], look, &further, error);
    *bare = *bare && !further;
    return status;
}

typedef struct loading {
    run_state *run;
    run_arrays *arrays;
    elbo_model *model;
} loading;

static elbo_status load(record *r, const char *path, void *user, elbo_error *error)
{
    loading *l = user;
    l->model = checkpoint_load(r->engine, path, l->run, l->arrays, error);
    if (l->model) return ELBO_OK;
    arrays_close(l->arrays, r->m);
    return error->code;
}

elbo_model *record_find(record *r, elbo_engine *engine, const elbo_train_options *options, run_state *run, run_arrays *arrays,
                        const char **from, elbo_error *why, elbo_error *error)
{
    if (open_record(r, engine, options, error) != ELBO_OK) return NULL;
    if (file_hold(r->directory, false, &r->held, error) != ELBO_OK) return NULL;
    loading l = {run, arrays, NULL};
    elbo_status status = ELBO_IO;
    for (size_t i = 0; i < N_CHECKPOINTS && status != ELBO_OK && status != ELBO_NO_MEMORY; i++) {
        bool there = true;
        elbo_error mine = {0};
        *from = checkpoints[i];
        elbo_status known = i == 0 ? at_path(r, *from, look, &there, &mine) : ELBO_OK;
        if (known != ELBO_OK) status = known;
        else if (there) status = at_path(r, *from, load, &l, &mine);
        if (why->code == ELBO_OK || mine.code == ELBO_NO_MEMORY) *why = mine; /* the newest's is the one that counts */
    }
    if (!l.model) err_set(error, why->code, "%s", why->message);
    return l.model;
}

static elbo_status cut(record *r, const char *path, void *user, elbo_error *error)
{
    (void)user;
    if (r->metrics_size == 0 && !file_exists(path)) return ELBO_OK;
    elbo_status status = file_truncate(path, r->metrics_size, error);
    return status == ELBO_OK ? history_read(&r->history, path, error) : status;
}

/* The best model says the options too. */
static elbo_status change_best(record *r, const char *path, void *user, elbo_error *error)
{
    const elbo_config *config = user;
    if (!file_exists(path)) return ELBO_OK;
    elbo_model *best = checkpoint_load(r->engine, path, NULL, NULL, error);
    if (!best) return error->code;
    best->config = *config;
    elbo_status status = checkpoint_save(best, path, NULL, NULL, error);
    elbo_model_free(best);
    return status;
}

elbo_status record_change(record *r, const elbo_config *config, elbo_error *error)
{
    void *user = (void *)(uintptr_t)config;
    elbo_status status = at_path(r, "config.toml", write_config, user, error);
    return status == ELBO_OK ? at_path(r, "best.safetensors", change_best, user, error) : status;
}

elbo_status record_go_on(record *r, const char *from, const run_state *run, elbo_error *error)
{
    r->last_is_good = from == checkpoints[1]; /* beside a newer one it was not looked at */
    r->metrics_size = run->metrics_size;
    elbo_status status = from == checkpoints[0] ? advance(r, error) : ELBO_OK;
    if (status == ELBO_OK) status = at_path(r, "metrics.jsonl", cut, NULL, error);
    if (status == ELBO_OK) status = mirror_again(&r->mirror, error);
    return status == ELBO_OK ? tidy(r, error) : status;
}

/* ---- Epochs ---- */

bool record_is_due(int64_t epoch, double seconds)
{
    enum { PART = 20 };
    return seconds >= LONG_EPOCH || epoch % (1 + epoch / PART) == 0;
}

static elbo_status draw_curves(record *r, int64_t epoch, elbo_error *error)
{
    r->drawn = epoch;
    return album_curves(r, error);
}

elbo_status record_end(record *r, elbo_error *error)
{
    int64_t epoch = r->history.n ? r->history.at[r->history.n - 1].epoch : 0;
    return r->directory && r->pictures && epoch != r->drawn ? draw_curves(r, epoch, error) : ELBO_OK;
}

elbo_status record_epoch(record *r, elbo_model *m, feed *f, const epoch_figures *e, double seconds, elbo_error *error)
{
    if (!r->directory) return ELBO_OK;
    elbo_status status = history_add(&r->history, e, error);
    if (status == ELBO_OK) status = write_metrics(r, m, e, error);
    if (status == ELBO_OK) status = write_times(r, e->epoch, seconds, error);
    if (status == ELBO_OK && r->pictures) status = album_epoch(r, m, f, e->epoch, error);
    if (status == ELBO_OK && r->pictures && record_is_due(e->epoch, seconds)) status = draw_curves(r, e->epoch, error);
    return status;
}
