/* step.c - a step: read a batch, run the training plan of each objective (loss, gradients of its group, new state), and only
 * when all of that is finite update each group of parameters and let the new state be the state. So a bad step leaves
 * everything as it was before it; it is run again with reference kernels to name where the first bad number came from. */
#include "../nn/rate.h"
#include "optimise.h"
#include "trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_RESCUES = 10 };

/* What the schedule, its warm-up and rescues make of a rate in a step of the epoch under way. */
static double rate_from(const trainer *t, double rate, int64_t step)
{
    const elbo_config *c = &t->m->config;
    rate_settings s = {.schedule = c->schedule, .decay = c->decay, .drop = c->drop, .every = c->drop_every, .at = c->drop_at,
                       .length = c->rate_epochs ? c->rate_epochs : c->epochs, .end = c->rate > 0 ? c->rate_end / c->rate : 0,
                       .drops = t->run.plateau_drops};
    double warm = ramp(step, 1, c->rate_warmup * (double)feed_steps(&t->feed), 0);
    return rate * rate_factor(&s, t->run.epoch) * warm * t->run.rate_factor;
}

double step_rate(const trainer *t, int64_t step)
{
    return rate_from(t, t->m->config.rate, step);
}

kl_share step_share(const trainer *t, int64_t step)
{
    const elbo_config *c = &t->m->config;
    double steps = (double)feed_steps(&t->feed);
    return (kl_share){.beta = ramp(step, 0, c->kl_warmup * steps, c->kl_cycle * steps),
                       .capacity = ramp(step, 0, c->capacity_epochs * steps, 0)};
}

static run_env env_of(const trainer *t, const shard *p)
{
    return (run_env){.seed = (uint64_t)t->m->config.seed, .step = (uint32_t)t->run.step, .first_index = p->begin};
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
static void add_terms(const trainer *t, const findings *f, double sums[MAX_TERMS], double *seen)
{
    for (int i = 0; i < t->m->n_terms; i++) sums[i] += (double)f->n * f->terms[i];
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
    o.rate = rate_from(t, o.rate, t->run.step);
    o.scale = clip_scale(t, group);
    o.step = t->run.step + 1;
    return optimise(t->m, group, &o);
}

static bool apply_step(trainer *t, const findings *f)
{
    for (int i = 0; i < t->m->n_objectives; i++)
        if (!update_group(t, i)) return false;
    store_commit(&t->m->store);
    if (t->m->config.ema > 0) average_step(t->m, &t->arrays.average, t->run.step + 1);
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
elbo_status step_begin_epoch(trainer *t, elbo_error *error)
{
    run_arrays *a = &t->arrays;
    clear_epoch(t);
    if (!t->m->config.rescue) return ELBO_OK;
    elbo_status status = snapshot_take(&a->began, &t->m->store, true, error);
    if (status != ELBO_OK || !a->average.value) return status;
    snapshot_swap(&a->average, &t->m->store);
    status = snapshot_take(&a->began_average, &t->m->store, false, error);
    snapshot_swap(&a->average, &t->m->store);
    return status;
}

/* Back to the beginning of the epoch: wherever the run was interrupted and whenever it was saved, it goes back to the same. */
static void restart_epoch(trainer *t)
{
    run_arrays *a = &t->arrays;
    if (a->average.value) {
        snapshot_swap(&a->average, &t->m->store);
        snapshot_restore(&a->began_average, &t->m->store);
        snapshot_swap(&a->average, &t->m->store);
    }
    snapshot_restore(&a->began, &t->m->store);
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
elbo_status step_rescue(trainer *t, const char *what, elbo_error *error)
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
    event_note(t, "step %lld: %s; back to step %lld with the rate halved to %g", (long long)bad.step, what,
               (long long)t->run.step, step_rate(t, t->run.step));
    return record_rescue(&t->record, &bad, t->run.rate_factor, error);
}

static elbo_status bad_step(trainer *t, const compiled *c, const shard *p, double loss, elbo_error *error)
{
    char where[400], what[500];
    elbo_status status = model_blame(t->m, c, p->x, env_of(t, p), t->feed.index + p->begin, where, sizeof where, error);
    if (status != ELBO_OK) return status;
    if (isfinite(loss)) snprintf(what, sizeof what, "the gradient is not finite; it began in %s", where);
    else snprintf(what, sizeof what, "the loss is %g; it began in %s", loss, where);
    return step_rescue(t, what, error);
}

/* What the loss and the gradient need not show: who made a parameter, or a state, that is not finite. */
static elbo_status bad_number(trainer *t, const char *who, const entry_list *l, const float *x, elbo_error *error)
{
    char what[2 * STORE_NAME];
    for (int i = 0; i < l->n; i++)
        for (int64_t k = 0; k < l->at[i].count; k++) {
            double v = (double)x[l->at[i].offset + k];
            if (isfinite(v)) continue;
            snprintf(what, sizeof what, "%s made number %lld of '%s' %g", who, (long long)k, l->at[i].name, v);
            return step_rescue(t, what, error);
        }
    snprintf(what, sizeof what, "%s made a number that is not finite", who);
    return step_rescue(t, what, error);
}

/* Only the first objective's plan leaves a new state. */
static bool state_is_finite(const trainer *t, int number)
{
    return number != 0 || optim_finite((size_t)t->m->store.states.size, t->m->store.new_state);
}

/* Runs the plan of an objective on a part of the batch: its gradient goes to the store, its terms to f. Not good: a number is
 * not finite, and the step is over (status says how). */
static bool find_part(trainer *t, int number, const shard *p, findings *f, elbo_status *status, elbo_error *error)
{
    const model_objective *b = &t->m->objectives[number];
    plan_key key = {.purpose = TRAIN, .examples = p->n, .dtype = t->data->info.dtype, .objective = number};
    compiled *c = model_plan(t->m, key, error);
    *status = c ? ELBO_OK : ELBO_NO_MEMORY;
    if (!c) return false;
    model_run(t->m, c, p->x, env_of(t, p));
    double loss = (double)*model_result(t->m, c, c->loss);
    bool shown = !isfinite(loss) || !gradient_is_finite(t->m, b->group), good = !shown && state_is_finite(t, number);
    if (shown) *status = bad_step(t, c, p, loss, error);
    else if (!good) *status = bad_number(t, "the batch", &t->m->store.states, t->m->store.new_state, error);
    for (int i = 0; good && i < b->n_terms; i++)
        f->terms[b->first_term + i] += p->share * (double)*model_result(t->m, c, c->first_term + i);
    if (good && c->code >= 0) f->code = model_result(t->m, c, c->code);
    if (good) shards_add(&t->shards, t->m, number, p, f->code);
    return good;
}

static bool find(trainer *t, int number, findings *f, elbo_status *status, elbo_error *error)
{
    for (int64_t i = 0; i < t->shards.n; i++) {
        shard p = shards_at(&t->shards, &t->feed, f->n, i);
        if (p.n > 0 && !find_part(t, number, &p, f, status, error)) return false;
    }
    return true;
}

/* All gradients first, then all updates: a step that is bad in any objective changes nothing. */
elbo_status step_run(trainer *t, elbo_error *error)
{
    findings f = {0};
    t->m->share = step_share(t, t->run.step);
    elbo_status status = feed_train(&t->feed, t->run.epoch, t->run.step_in_epoch, &f.n, error);
    if (status != ELBO_OK) return status;
    shards_begin(&t->shards, t->m);
    for (int i = t->m->n_objectives - 1; i >= 0; i--)
        if (!find(t, i, &f, &status, error)) return status;
    shards_end(&t->shards, t->m);
    if (t->shards.n > 1) f.code = t->shards.code;
    if (!apply_step(t, &f)) return bad_number(t, "the optimiser", &t->m->store.params, t->m->store.value, error);
    event_step(t);
    return ELBO_OK;
}
