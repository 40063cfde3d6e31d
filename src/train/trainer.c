/* trainer.c - elbo_train: epochs of steps, validation, the best model, checkpoints. */
#include "trainer.h"
#include "../base/clock.h"
#include "../base/mode.h"
#include "../nn/rate.h"

#include <math.h>
#include <stdio.h>

#define CHECKPOINT_SECONDS 30.0

/* ---- An epoch ---- */

typedef struct valid_reading {
    trainer *t;
    int64_t next;
} valid_reading;

static int64_t next_valid(void *user, int64_t room, void *x, int64_t *index, elbo_error *error)
{
    valid_reading *r = user;
    const feed *f = &r->t->feed;
    int64_t left = f->n_valid - r->next, n = left < room ? left : room;
    for (int64_t i = 0; i < n; i++) index[i] = feed_example(f, r->next + i);
    r->next += n;
    return n == 0 || data_read_raw(r->t->data, index, n, x, NULL, error) == ELBO_OK ? n : -1;
}

static elbo_status validate(trainer *t, elbo_metrics *out, elbo_error *error)
{
    valid_reading r = {t, 0};
    *out = (elbo_metrics){.count = 0};
    if (t->options->validation) return elbo_model_evaluate(t->m, t->options->validation, out, error);
    return t->feed.n_valid ? evaluate_run(t->m, t->data->info.dtype, next_valid, &r, out, error) : ELBO_OK;
}

/* With the option ema the model is its running means while it is looked at, and what is trained again afterwards. */
static void exchange_average(trainer *t)
{
    if (t->arrays.average.value) snapshot_swap(&t->arrays.average, &t->m->store);
}

/* Without a validation part the newest model is the best. */
static elbo_status keep_best(trainer *t, const elbo_metrics *valid, bool due, elbo_error *error)
{
    if (valid->count && t->run.epoch > 1 && !(valid->total < t->run.best)) return ELBO_OK;
    t->run.best = valid->total;
    t->run.best_epoch = t->run.epoch;
    t->best.unwritten = t->record.directory && !due;
    if (t->record.directory && due) return record_best(&t->record, t->m, error);
    t->best.step = t->m->info.step;
    t->best.epoch = t->m->info.epoch;
    return snapshot_take(&t->best.numbers, &t->m->store, false, error);
}

static elbo_status write_best(trainer *t, elbo_error *error)
{
    elbo_model_info *now = &t->m->info, was = *now;
    if (!t->best.unwritten) return ELBO_OK;
    snapshot_swap(&t->best.numbers, &t->m->store);
    now->step = t->best.step;
    now->epoch = t->best.epoch;
    elbo_status status = record_best(&t->record, t->m, error);
    *now = was;
    snapshot_swap(&t->best.numbers, &t->m->store);
    if (status == ELBO_OK) t->best.unwritten = false;
    return status;
}

/* A checkpoint says which model is the best: that one is written before. */
static elbo_status save(trainer *t, elbo_error *error)
{
    if (!t->unsaved) return ELBO_OK;
    t->last_save = clock_seconds();
    elbo_status status = write_best(t, error);
    if (status == ELBO_OK) status = record_checkpoint(&t->record, t->m, &t->run, &t->arrays, error);
    if (status == ELBO_OK) t->unsaved = false;
    return status;
}

/* Tells the schedule plateau of an epoch's validation. */
static void follow_plateau(trainer *t, double total)
{
    run_state *r = &t->run;
    plateau p = {r->plateau_best, r->plateau_epochs, r->plateau_bad, r->plateau_drops};
    if (t->m->config.schedule != SCHEDULE_plateau) return;
    plateau_epoch(&p, total, t->m->config.drop_patience);
    if (p.drops > r->plateau_drops)
        event_note(t, "the validation total has not fallen for %lld epochs: the rate drops by the factor %g",
                   (long long)t->m->config.drop_patience + 1, t->m->config.drop);
    r->plateau_best = p.best;
    r->plateau_epochs = p.epochs;
    r->plateau_bad = p.bad;
    r->plateau_drops = p.drops;
}

static elbo_status close_epoch(trainer *t, elbo_event *e, elbo_error *error)
{
    epoch_figures figures = {.epoch = t->run.epoch + 1, .rate = e->rate, .beta = e->beta, .capacity = e->capacity,
                             .train = e->train, .recent = e->recent, .valid = e->valid};
    double seconds = clock_seconds() - t->epoch_began;
    t->m->info.epoch = ++t->run.epoch;
    t->unsaved = true;
    bool due = record_is_due(t->run.epoch, seconds);
    follow_plateau(t, e->valid.total);
    elbo_status status = step_begin_epoch(t, error);
    exchange_average(t);
    if (status == ELBO_OK) status = record_epoch(&t->record, t->m, &t->feed, &figures, seconds, error);
    if (status == ELBO_OK) status = keep_best(t, &e->valid, due, error);
    exchange_average(t);
    if (status == ELBO_OK && due) status = save(t, error);
    if (status == ELBO_OK) event_emit(t, e);
    return status;
}

static elbo_status end_epoch(trainer *t, elbo_error *error)
{
    elbo_error why = {0};
    elbo_event e = event_progress(t, ELBO_EVENT_EPOCH);
    exchange_average(t);
    elbo_status status = validate(t, &e.valid, &why);
    exchange_average(t);
    if (status == ELBO_OK) return close_epoch(t, &e, error);
    err_prefix(&why, "validation");
    return status == ELBO_DIVERGED ? step_rescue(t, why.message, error) : err_set(error, status, "%s", why.message);
}

/* An epoch that is complete is closed before it is saved: the sums of its last step are in a plan, not in a checkpoint. */
static elbo_status one_epoch(trainer *t, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    int64_t steps = feed_steps(&t->feed);
    t->epoch_began = clock_seconds();
    while (status == ELBO_OK && t->run.step_in_epoch < steps && !t->cancelled) {
        status = step_run(t, error);
        bool due = t->record.directory && clock_seconds() - t->last_save > CHECKPOINT_SECONDS;
        if (status == ELBO_OK && due && t->run.step_in_epoch < steps) status = save(t, error);
    }
    return status == ELBO_OK && t->run.step_in_epoch == steps ? end_epoch(t, error) : status;
}

/* Epochs since the best one, or since the weights and the rate are warmed up. */
static int64_t epochs_waited(const trainer *t)
{
    const elbo_config *c = &t->m->config;
    int64_t warm = (int64_t)ceil(fmax(fmax(c->kl_warmup, c->capacity_epochs), c->rate_warmup));
    return t->run.epoch - (t->run.best_epoch > warm ? t->run.best_epoch : warm);
}

static bool patience_is_over(const trainer *t)
{
    int64_t patience = t->m->config.patience;
    return patience > 0 && epochs_waited(t) >= patience;
}

static elbo_status end_early(trainer *t, elbo_error *error)
{
    char words[256];
    snprintf(words, sizeof words, "ended after epoch %lld: no validation total was below the %.3f of epoch %lld; to go on, "
                                  "resume with a larger --patience", (long long)t->run.epoch, t->run.best,
             (long long)t->run.best_epoch);
    elbo_event e = {.kind = ELBO_EVENT_EARLY, .text = words, .epoch = t->run.epoch, .epochs = t->m->config.epochs};
    event_emit(t, &e);
    return record_early_end(&t->record, &t->run, error);
}

static elbo_status all_epochs(trainer *t, elbo_error *error)
{
    elbo_status status = save(t, error);
    t->began = t->last_event = t->last_save = clock_seconds();
    while (status == ELBO_OK && t->run.epoch < t->m->config.epochs && !patience_is_over(t) && !t->cancelled)
        status = one_epoch(t, error);
    if (status == ELBO_OK) status = save(t, error);
    if (status == ELBO_OK && t->run.epoch < t->m->config.epochs && patience_is_over(t)) return end_early(t, error);
    if (status != ELBO_OK || !t->cancelled) return status;
    return err_set(error, ELBO_CANCELLED, "cancelled in epoch %lld after step %lld%s", (long long)t->run.epoch + 1,
                   (long long)t->run.step, t->record.directory ? ", and saved" : "");
}

/* ---- The whole run ---- */

/* However a run ends that is not broken off by the system, its record is complete. */
static elbo_status end_record(trainer *t, elbo_status status, elbo_error *error)
{
    elbo_error why = {0};
    bool ended = status == ELBO_OK || status == ELBO_CANCELLED || status == ELBO_DIVERGED;
    if (!ended) return status;
    elbo_status done = write_best(t, &why);
    if (done == ELBO_OK) done = record_end(&t->record, &why);
    return done == ELBO_OK || status == ELBO_DIVERGED ? status : err_set(error, done, "%s", why.message);
}

/* The best model, where one was kept; else as it is. */
static elbo_status take_best(trainer *t, elbo_error *error)
{
    if (t->best.numbers.value && !t->record.directory) {
        snapshot_restore(&t->best.numbers, &t->m->store);
        t->m->info.step = t->best.step;
        t->m->info.epoch = t->best.epoch;
    }
    if (!t->record.directory || t->run.epoch == 0) return ELBO_OK;
    elbo_model *best = elbo_model_load(t->engine, t->record.directory, error);
    if (!best) return error ? error->code : ELBO_FAILED;
    elbo_model_free(t->m);
    t->m = best;
    return ELBO_OK;
}

void trainer_close(trainer *t)
{
    feed_close(&t->feed, t->engine->m);
    record_close(&t->record);
    arrays_close(&t->arrays, t->engine->m);
    shards_close(&t->shards, t->engine->m);
    snapshot_close(&t->best.numbers, t->engine->m);
    mem_free(t->engine->m, t);
}

elbo_model *elbo_train(elbo_engine *engine, const elbo_config *config, elbo_data *data, const elbo_train_options *options,
                       elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    static const elbo_train_options none = {0};
    elbo_error mine = {0};
    trainer *t = mem_new(engine->m, 1, sizeof *t);
    if (!t) {
        err_memory(error, "training");
        return NULL;
    }
    *t = (trainer){.engine = engine, .data = data, .options = options ? options : &none, .record = {.m = engine->m}};
    elbo_status status = prepare(t, config, &mine);
    if (status == ELBO_OK) event_head(t);
    if (status == ELBO_OK) status = end_record(t, all_epochs(t, &mine), &mine);
    if (status == ELBO_OK) status = take_best(t, &mine);
    elbo_model *m = t->m;
    trainer_close(t);
    if (status == ELBO_OK) return m;
    elbo_model_free(m);
    err_set(error, status, "%s", mine.message);
    return NULL;
}
