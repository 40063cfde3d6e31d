/* trainer.c - elbo_train: epochs of steps, validation, checkpoints, resuming.
 *
 * A step: read a batch, run the training plan of each objective (loss, gradients of its group, new state), and only
 * when all losses and gradients are finite update each group of parameters and let the new state be the state. So a
 * bad step leaves everything as it was before it; it is run again with
 * reference kernels to name where the first bad number came from. */
#include "../base/clock.h"
#include "../kernels/cpu/product.h"
#include "../nn/rate.h"
#include "album.h"
#include "data_bias.h"
#include "feed.h"
#include "record.h"
#include "trainer.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define EVENT_SECONDS 0.1
#define CHECKPOINT_SECONDS 30.0

enum { MAX_RESCUES = 10 };

/* The best model so far, where no file keeps it. */
typedef struct best_model {
    snapshot numbers;
    int64_t step, epoch;
} best_model;

typedef struct trainer {
    elbo_engine *engine;
    elbo_model *m;
    elbo_data *data;
    feed feed;
    record record;
    run_state run;
    run_arrays arrays;
    best_model best;
    const elbo_train_options *options;
    double began, epoch_began, last_event, last_save;
    int64_t steps_here, examples_here;
    bool cancelled, unsaved;
} trainer;

/* ---- Events ---- */

static void emit(trainer *t, elbo_event *e)
{
    if (t->options->on_event && t->options->on_event(t->options->user, e)) t->cancelled = true;
}

static void note(trainer *t, const char *format, ...) PRINTF_LIKE(2, 3);
static void note(trainer *t, const char *format, ...)
{
    char words[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    elbo_event e = {.kind = ELBO_EVENT_NOTE, .text = words};
    emit(t, &e);
}

static elbo_event progress(const trainer *t, elbo_event_kind kind)
{
    int64_t per_epoch = feed_steps(&t->feed), epochs = t->m->config.epochs,
            done = t->run.epoch * per_epoch + t->run.step_in_epoch;
    double seconds = clock_seconds() - t->began, each = t->steps_here ? seconds / (double)t->steps_here : 0;
    elbo_event e = {.kind = kind, .epoch = t->run.epoch + 1, .epochs = epochs, .step = done, .steps = per_epoch * epochs,
                    .step_in_epoch = t->run.step_in_epoch, .steps_in_epoch = per_epoch, .seconds = seconds,
                    .eta_seconds = each * (double)(per_epoch * epochs - done)};
    if (seconds > 0) e.examples_per_second = (double)t->examples_here / seconds;
    e.train = metrics_from(t->m, t->m->n_terms, t->run.sums, t->run.seen, &t->arrays);
    if (kind == ELBO_EVENT_EPOCH) e.recent = metrics_from(t->m, t->m->n_terms, t->run.recent_sums, t->run.recent_seen, NULL);
    return e;
}

static void emit_step(trainer *t)
{
    double time = clock_seconds();
    if (!t->options->on_event || time - t->last_event < EVENT_SECONDS) return;
    t->last_event = time;
    elbo_event e = progress(t, ELBO_EVENT_STEP);
    emit(t, &e);
}

/* The terms of the loss as words: "rec + 0.25 commitment". */
static void term_words(const elbo_model *m, char *words, size_t room)
{
    size_t used = 0;
    for (int i = 0; i < m->objectives[0].n_terms && used < room; i++) {
        double weight = model_term_weight(m, i);
        if (weight == 0) continue;
        char factor[32] = "";
        if (weight != 1) snprintf(factor, sizeof factor, "%g ", weight);
        used += (size_t)snprintf(words + used, room - used, "%s%s%s", used ? " + " : "", factor, m->terms[i].name);
    }
}

/* What the loss amounts to: people ask nothing about VAE code more often. */
static void note_loss(trainer *t)
{
    const elbo_config *c = &t->m->config;
    double beta = model_effective_beta(t->m), d = (double)model_numbers(t->m);
    bool squared = c->likelihood == SQUARED;
    const char *scale = c->reduction == 1 ? ", summed over the batch" : "";
    char words[256] = "";
    term_words(t->m, words, sizeof words);
    if (!t->m->family->has_prior) {
        note(t, "loss: %s, nats per example%s; the family has no KL term", words, scale);
    } else if (c->reduction == 2) {
        note(t, "loss: mean over all %g numbers + %g KL, which is (rec + %g KL) / %g: effective beta %.3g%s", d, c->beta, beta, d,
             squared ? beta / 2 : beta, squared ? " against 1/2 the squared error" : "");
    } else {
        note(t, "loss: nats per example%s, %s: effective beta %.3g%s", scale, words, squared ? beta / 2 : beta,
             squared ? " against 1/2 the squared error" : "");
    }
}

static void note_head(trainer *t)
{
    const elbo_model *m = t->m;
    const int64_t *s = m->info.shape;
    note(t, "%s: %lld examples of %lldx%lldx%lld for training, %lld for validation", t->data->info.name,
         (long long)t->feed.n_train, (long long)s[0], (long long)s[1], (long long)s[2],
         (long long)(t->options->validation ? t->options->validation->info.count : t->feed.n_valid));
    note(t, "model: %s, %s -> %lld -> %s, %lld parameters; %d thread%s", m->info.family, m->config.encoder,
         (long long)m->info.latent_size, m->config.decoder, (long long)m->info.n_parameters, elbo_engine_threads(t->engine),
         elbo_engine_threads(t->engine) == 1 ? "" : "s");
    note_loss(t);
}

/* ---- A step ---- */

/* What the schedule and rescues make of a rate. */
static double rate_from(const trainer *t, double rate)
{
    const elbo_config *c = &t->m->config;
    return rate * rate_factor(c->schedule, t->run.epoch, c->decay) * t->run.rate_factor;
}

static double rate_now(const trainer *t)
{
    return rate_from(t, t->m->config.rate);
}

static run_env env_of(const trainer *t)
{
    return (run_env){.seed = (uint64_t)t->m->config.seed, .step = (uint32_t)t->run.step};
}

/* What the plans of a step's objectives found. They share the arena, so terms are copied; the code is the last one's, the first
 * objective's, and still there. */
typedef struct findings {
    int64_t n; /* examples */
    double terms[MAX_TERMS];
    const float *code; /* [n,Z] */
} findings;

/* The factor that brings the norm of a group's gradient down to the option clip. */
static double clip_scale(const trainer *t, const char *group)
{
    double limit = t->m->config.clip, norm = limit > 0 ? gradient_norm(t->m, group) : 0;
    return norm > limit ? limit / norm : 1;
}

/* Adds the step's terms, weighted by its examples, to sums. */
static void add_terms(const trainer *t, const findings *f, double sums[MAX_TERMS + 1], double *seen)
{
    for (int i = 0; i < t->m->n_terms; i++) {
        double v = (double)f->n * f->terms[i];
        sums[i] += v;
        sums[MAX_TERMS] += model_term_weight(t->m, i) * v;
    }
    *seen += (double)f->n;
}

static void add_step(trainer *t, const findings *f)
{
    add_terms(t, f, t->run.sums, &t->run.seen);
    if (t->run.step_in_epoch >= feed_steps(&t->feed) - RECENT_STEPS)
        add_terms(t, f, t->run.recent_sums, &t->run.recent_seen);
    code_add(f->code, f->n, t->m->info.latent_size, &t->arrays);
}

static bool update_group(trainer *t, int number)
{
    const char *group = t->m->objectives[number].group;
    optim_settings o = model_optimiser(t->m, number);
    o.rate = rate_from(t, o.rate);
    o.scale = clip_scale(t, group);
    o.step = t->run.step + 1;
    return optimise(t->m, group, &o);
}

static bool apply_step(trainer *t, const findings *f)
{
    for (int i = 0; i < t->m->n_objectives; i++)
        if (!update_group(t, i)) return false;
    store_commit(&t->m->store);
    add_step(t, f);
    t->unsaved = true;
    t->run.step++;
    t->run.step_in_epoch++;
    t->m->info.step = t->run.step;
    t->steps_here++;
    t->examples_here += f->n;
    return true;
}

static void clear_epoch(trainer *t)
{
    size_t n = (size_t)t->m->info.latent_size;
    memset(t->run.sums, 0, sizeof t->run.sums);
    memset(t->run.recent_sums, 0, sizeof t->run.recent_sums);
    memset(t->arrays.code_sum, 0, n * sizeof(double));
    memset(t->arrays.code_square, 0, n * sizeof(double));
    t->run.seen = t->run.recent_seen = 0;
    t->run.step_in_epoch = 0;
}

/* Ready for the first step of an epoch. */
static elbo_status begin_epoch(trainer *t, elbo_error *error)
{
    clear_epoch(t);
    return t->m->config.rescue ? snapshot_take(&t->arrays.began, &t->m->store, true, error) : ELBO_OK;
}

/* Back to the beginning of the epoch: wherever the run was interrupted and whenever it was saved, it goes back to the same. */
static void restart_epoch(trainer *t)
{
    snapshot_restore(&t->arrays.began, &t->m->store);
    t->run.step -= t->run.step_in_epoch;
    t->m->info.step = t->run.step;
    clear_epoch(t);
}

/* The end of training, after a number that is not finite; its metrics say why. */
static elbo_status give_up(trainer *t, const trouble *what, elbo_error *error)
{
    long long step = (long long)what->step, epoch = (long long)t->run.epoch + 1;
    elbo_status status = record_divergence(&t->record, what, error);
    if (status != ELBO_OK) return status;
    if (t->run.rescues)
        return err_set(error, ELBO_DIVERGED,
                       "step %lld (epoch %lld), after %d rescues: %s. The last checkpoint is good; look at the "
                       "data, or try another model",
                       step, epoch, (int)t->run.rescues, what->cause);
    return err_set(error, ELBO_DIVERGED, "step %lld (epoch %lld): %s. The last checkpoint is good; try a lower --rate, or "
                                         "--rescue lower-rate", step, epoch, what->cause);
}

/* After a number that is not finite, as what says: the end of training, or a lower rate. */
static elbo_status rescue(trainer *t, const char *what, elbo_error *error)
{
    enum { STOP, LOWER_RATE };
    bool ended = t->run.step_in_epoch == feed_steps(&t->feed); /* and it was in validation */
    trouble bad = {.step = t->run.step + !ended};
    snprintf(bad.cause, sizeof bad.cause, "%s", what);
    if (t->m->config.rescue != LOWER_RATE || t->run.rescues >= MAX_RESCUES) return give_up(t, &bad, error);
    restart_epoch(t);
    t->run.rate_factor /= 2;
    t->run.rescues++;
    t->unsaved = true;
    note(t, "step %lld: %s; back to step %lld with the rate halved to %g", (long long)bad.step, what, (long long)t->run.step,
         rate_now(t));
    return record_rescue(&t->record, &bad, t->run.rate_factor, error);
}

static elbo_status bad_step(trainer *t, const compiled *c, double loss, elbo_error *error)
{
    char where[400], what[500];
    model_blame(t->m, c, t->feed.x, env_of(t), t->feed.index, where, sizeof where);
    if (isfinite(loss)) snprintf(what, sizeof what, "the gradient is not finite; it began in %s", where);
    else snprintf(what, sizeof what, "the loss is %g; it began in %s", loss, where);
    return rescue(t, what, error);
}

/* A loss need not show it: a relu turns -inf to 0. */
static elbo_status bad_update(trainer *t, elbo_error *error)
{
    const store *s = &t->m->store;
    char what[2 * STORE_NAME];
    for (int i = 0; i < s->params.n; i++)
        for (int64_t k = 0; k < s->params.at[i].count; k++) {
            double v = (double)s->value[s->params.at[i].offset + k];
            if (isfinite(v)) continue;
            snprintf(what, sizeof what, "the optimiser made number %lld of '%s' %g", (long long)k, s->params.at[i].name, v);
            return rescue(t, what, error);
        }
    return rescue(t, "the optimiser made a number that is not finite", error);
}

/* Runs the plan of an objective: its gradient goes to the store, its terms to f. Not good: a number is not finite,
 * and the step is over (status says how). */
static bool find(trainer *t, int number, findings *f, elbo_status *status, elbo_error *error)
{
    const model_objective *b = &t->m->objectives[number];
    plan_key key = {.purpose = TRAIN, .examples = f->n, .dtype = t->data->info.dtype, .objective = number};
    compiled *c = model_plan(t->m, key, error);
    *status = c ? ELBO_OK : ELBO_NO_MEMORY;
    if (!c) return false;
    model_run(t->m, c, t->feed.x, env_of(t));
    double loss = (double)*model_result(t->m, c, c->loss);
    bool good = isfinite(loss) && gradient_is_finite(t->m, b->group);
    if (!good) *status = bad_step(t, c, loss, error);
    for (int i = 0; good && i < b->n_terms; i++)
        f->terms[b->first_term + i] = (double)*model_result(t->m, c, c->first_term + i);
    if (good && c->code >= 0) f->code = model_result(t->m, c, c->code);
    return good;
}

/* All gradients first, then all updates: a step that is bad in any objective changes nothing. */
static elbo_status one_step(trainer *t, elbo_error *error)
{
    findings f = {0};
    elbo_status status = feed_train(&t->feed, t->run.epoch, t->run.step_in_epoch, &f.n, error);
    if (status != ELBO_OK) return status;
    for (int i = t->m->n_objectives - 1; i >= 0; i--)
        if (!find(t, i, &f, &status, error)) return status;
    if (!apply_step(t, &f)) return bad_update(t, error);
    emit_step(t);
    return ELBO_OK;
}

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

/* Without a validation part the newest model is the best. */
static elbo_status keep_best(trainer *t, const elbo_metrics *valid, elbo_error *error)
{
    if (valid->count && t->run.epoch > 1 && !(valid->total < t->run.best)) return ELBO_OK;
    t->run.best = valid->total;
    if (t->record.directory) return record_best(&t->record, t->m, error);
    t->best.step = t->m->info.step;
    t->best.epoch = t->m->info.epoch;
    return snapshot_take(&t->best.numbers, &t->m->store, false, error);
}

static elbo_status save(trainer *t, elbo_error *error)
{
    if (!t->unsaved) return ELBO_OK;
    t->last_save = clock_seconds();
    elbo_status status = record_checkpoint(&t->record, t->m, &t->run, &t->arrays, error);
    if (status == ELBO_OK) t->unsaved = false;
    return status;
}

static elbo_status close_epoch(trainer *t, elbo_event *e, elbo_error *error)
{
    epoch_figures figures = {.epoch = t->run.epoch + 1, .rate = rate_now(t), .train = e->train, .recent = e->recent,
                             .valid = e->valid};
    double seconds = clock_seconds() - t->epoch_began;
    t->m->info.epoch = ++t->run.epoch;
    t->unsaved = true;
    elbo_status status = begin_epoch(t, error);
    if (status == ELBO_OK) status = record_epoch(&t->record, t->m, &t->feed, &figures, seconds, error);
    if (status == ELBO_OK) status = keep_best(t, &e->valid, error);
    if (status == ELBO_OK) status = save(t, error);
    if (status == ELBO_OK) emit(t, e);
    return status;
}

static elbo_status end_epoch(trainer *t, elbo_error *error)
{
    elbo_error why = {0};
    elbo_event e = progress(t, ELBO_EVENT_EPOCH);
    elbo_status status = validate(t, &e.valid, &why);
    if (status == ELBO_OK) return close_epoch(t, &e, error);
    err_prefix(&why, "validation");
    return status == ELBO_DIVERGED ? rescue(t, why.message, error) : err_set(error, status, "%s", why.message);
}

/* An epoch that is complete is closed before it is saved: the sums of its last step are in a plan, not in a checkpoint. */
static elbo_status one_epoch(trainer *t, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    int64_t steps = feed_steps(&t->feed);
    t->epoch_began = clock_seconds();
    while (status == ELBO_OK && t->run.step_in_epoch < steps && !t->cancelled) {
        status = one_step(t, error);
        bool due = t->record.directory && clock_seconds() - t->last_save > CHECKPOINT_SECONDS;
        if (status == ELBO_OK && due && t->run.step_in_epoch < steps) status = save(t, error);
    }
    return status == ELBO_OK && t->run.step_in_epoch == steps ? end_epoch(t, error) : status;
}

static elbo_status all_epochs(trainer *t, elbo_error *error)
{
    elbo_status status = save(t, error);
    t->began = t->last_event = t->last_save = clock_seconds();
    while (status == ELBO_OK && t->run.epoch < t->m->config.epochs && !t->cancelled) status = one_epoch(t, error);
    if (status != ELBO_OK || !t->cancelled) return status;
    status = save(t, error);
    return status == ELBO_OK ? err_set(error, ELBO_CANCELLED, "cancelled in epoch %lld after step %lld%s",
                                       (long long)t->run.epoch + 1, (long long)t->run.step,
                                       t->record.directory ? ", and saved" : "")
                             : status;
}

/* ---- Beginning ---- */

static elbo_status check_same_run(const trainer *t, const elbo_config *wanted, uint64_t fingerprint, bool validation,
                                  elbo_error *error)
{
    elbo_config same = *wanted;
    same.epochs = t->m->config.epochs;
    const elbo_option_info *differs = config_difference(&same, &t->m->config, NULL);
    char was[CONFIG_TEXT], is[CONFIG_TEXT];
    if (differs) {
        config_show(&t->m->config, differs, was);
        config_show(wanted, differs, is);
        return err_set(error, ELBO_MISMATCH,
                       "the run was begun with %s = %.200s, not %.200s; only epochs can change when a run is "
                       "resumed",
                       differs->key, was, is);
    }
    if (fingerprint != t->run.data || t->run.examples != t->data->info.count)
        return err_set(error, ELBO_MISMATCH, "%s is not the data the run was begun with (%lld examples then, %lld now, or other "
                                             "contents)", t->data->info.name, (long long)t->run.examples,
                       (long long)t->data->info.count);
    if (validation != t->run.validation)
        return err_set(error, ELBO_MISMATCH, "the run was begun %s a validation part", t->run.validation ? "with" : "without");
    return ELBO_OK;
}

/* Whether the checkpoint's counts fit the data: a step belongs to one place in one epoch. */
static elbo_status check_place(const trainer *t, const char *from, elbo_error *error)
{
    const run_state *r = &t->run;
    int64_t steps = feed_steps(&t->feed), before = r->step - r->step_in_epoch;
    if (r->step_in_epoch < steps && before >= 0 && before % steps == 0 && before / steps == r->epoch) return ELBO_OK;
    return err_set(error, ELBO_BAD_FILE, "%s/%s: step %lld can't be step %lld of epoch %lld with %lld steps an epoch",
                   t->record.directory, from, (long long)r->step, (long long)r->step_in_epoch, (long long)r->epoch + 1,
                   (long long)steps);
}

static elbo_status set_epochs(trainer *t, int64_t epochs, elbo_error *error)
{
    if (epochs == t->m->config.epochs) return ELBO_OK;
    if (epochs < t->run.epoch)
        return err_set(error, ELBO_MISMATCH, "the run has %lld epochs already; epochs is %lld, and can only grow",
                       (long long)t->run.epoch, (long long)epochs);
    t->m->config.epochs = epochs;
    t->unsaved = true;
    return record_change(&t->record, &t->m->config, error);
}

/* Notes what computes from here on: other products have other bits, so a run that changed them is not one that was never
 * interrupted. */
static elbo_status name_products(trainer *t, elbo_error *error)
{
    run_state *r = &t->run;
    if (!cpu_open(t->engine)) return err_memory(error, "the matrix library");
    const char *now = product_name(t->engine->library);
    if (*r->computed_by && strcmp(r->computed_by, now) != 0)
        note(t, "the run was computed by %s and goes on with %s: its numbers will agree to rounding, not to the bit, with "
                "those of a run that was never interrupted", r->computed_by, now);
    snprintf(r->computed_by, sizeof r->computed_by, "%s", now);
    return ELBO_OK;
}

static elbo_status open_feed(trainer *t, const elbo_config *c, elbo_error *error)
{
    elbo_status status = feed_open(&t->feed, t->data, (uint64_t)c->seed, t->run.validation ? c->validation : 0, c->batch, error);
    t->feed.apart = t->options->validation;
    return status;
}

/* Everything is checked before anything is changed on disk. */
static elbo_status resume(trainer *t, const elbo_config *wanted, uint64_t fingerprint, bool validation, elbo_error *error)
{
    const char *from = "";
    elbo_error why = {0}, mine = {0};
    t->m = record_find(&t->record, t->engine, t->options, &t->run, &t->arrays, &from, &why, &mine);
    if (!t->m) return err_set(error, mine.code, "%s", mine.message);
    if (why.code) note(t, "the newest checkpoint can't be used (%s); going on from %s", why.message, from);
    elbo_status status = check_same_run(t, wanted, fingerprint, validation, error);
    if (status == ELBO_OK) status = open_feed(t, wanted, error);
    if (status == ELBO_OK) status = check_place(t, from, error);
    if (status == ELBO_OK && t->run.step_in_epoch == 0) status = begin_epoch(t, error);
    if (status == ELBO_OK) status = record_go_on(&t->record, from, &t->run, error);
    return status == ELBO_OK ? set_epochs(t, wanted->epochs, error) : status;
}

static elbo_status begin(trainer *t, const elbo_config *config, uint64_t fingerprint, bool validation, elbo_error *error)
{
    t->m = elbo_model_new(t->engine, config, t->data, error);
    if (!t->m) return error->code;
    t->unsaved = true;
    t->run = (run_state){.data = fingerprint, .examples = t->data->info.count, .validation = validation, .rate_factor = 1};
    elbo_status status = open_feed(t, config, error);
    if (status == ELBO_OK) status = arrays_open(&t->arrays, t->m, error);
    if (status == ELBO_OK) status = model_trains(t->m, error);
    if (status == ELBO_OK && config->data_bias) status = data_bias_set(t->m, &t->feed, error);
    if (status == ELBO_OK) status = begin_epoch(t, error);
    return status == ELBO_OK ? record_begin(&t->record, t->engine, t->options, config, error) : status;
}

/* A run that ended before its first checkpoint is begun again: it had nothing yet. */
static elbo_status prepare(trainer *t, const elbo_config *config, elbo_error *error)
{
    const elbo_train_options *o = t->options;
    bool validation = !o->no_validation && !o->validation && config->validation > 0;
    uint64_t fingerprint;
    if (o->resume && !o->directory) return err_set(error, ELBO_USAGE, "resuming needs the directory of a run");
    bool bare = false;
    elbo_status status = album_check(config, error);
    if (status == ELBO_OK) status = data_fingerprint(t->data, &fingerprint, error);
    if (status == ELBO_OK && o->resume) status = record_look(t->engine, o->directory, &bare, error);
    if (status != ELBO_OK) return status;
    return o->resume && !bare ? resume(t, config, fingerprint, validation, error)
                              : begin(t, config, fingerprint, validation, error);
}

/* The best model, where one was kept; else as it is. */
static elbo_status take_best(trainer *t, elbo_error *error)
{
    if (t->best.numbers.value) {
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

static void close_trainer(trainer *t)
{
    feed_close(&t->feed, t->engine->m);
    record_close(&t->record);
    arrays_close(&t->arrays, t->engine->m);
    snapshot_close(&t->best.numbers, t->engine->m);
    mem_free(t->engine->m, t);
}

elbo_model *elbo_train(elbo_engine *engine, const elbo_config *config, elbo_data *data, const elbo_train_options *options,
                       elbo_error *error)
{
    static const elbo_train_options none = {0};
    elbo_error mine = {0};
    trainer *t = mem_new(engine->m, 1, sizeof *t);
    if (!t) {
        err_memory(error, "training");
        return NULL;
    }
    *t = (trainer){.engine = engine, .data = data, .options = options ? options : &none, .record = {.m = engine->m}};
    elbo_status status = prepare(t, config, &mine);
    if (status == ELBO_OK) status = name_products(t, &mine);
    if (status == ELBO_OK) note_head(t);
    if (status == ELBO_OK) status = all_epochs(t, &mine);
    if (status == ELBO_OK) status = take_best(t, &mine);
    elbo_model *m = t->m;
    close_trainer(t);
    if (status == ELBO_OK) return m;
    elbo_model_free(m);
    err_set(error, status, "%s", mine.message);
    return NULL;
}
