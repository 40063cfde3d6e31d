/* forecast.c - elbo_train_forecast: a run is prepared as training does it, without a directory; some of its steps and a batch of
 * its validation are made and timed, and what they took of memory is asked of the system. What a run needs beyond that is the
 * copy from which a checkpoint is written. */
#include "../base/clock.h"
#include "../base/mode.h"
#include "trainer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MOST_STEPS = 64, LEAST_STEPS = 4, VALIDATION_BATCH = 512 };
#define ENOUGH_SECONDS 2.0

static double largest_resident_set(void)
{
    struct rusage u;
    return getrusage(RUSAGE_SELF, &u) == 0 ? 1024.0 * (double)u.ru_maxrss : 0;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The median of steps after the first, which compiles. */
static elbo_status time_steps(trainer *t, double *seconds, elbo_error *error)
{
    double each[MOST_STEPS], began = clock_seconds();
    int n = 0;
    for (bool first = true; n < MOST_STEPS && (n < LEAST_STEPS || clock_seconds() - began < ENOUGH_SECONDS); first = false) {
        double before = clock_seconds();
        if (t->run.step_in_epoch == feed_steps(&t->feed)) {
            elbo_status begun = step_begin_epoch(t, error);
            if (begun != ELBO_OK) return begun;
        }
        elbo_status status = step_run(t, error);
        if (status != ELBO_OK) return status;
        if (!first) each[n++] = clock_seconds() - before;
    }
    qsort(each, (size_t)n, sizeof *each, by_value);
    *seconds = each[n / 2];
    return ELBO_OK;
}

typedef struct few {
    const trainer *t;
    int64_t left;
} few;

static int64_t next_few(void *user, int64_t room, void *x, int64_t *index, elbo_error *error)
{
    few *f = user;
    elbo_data *apart = f->t->options->validation, *data = apart ? apart : f->t->data;
    int64_t n = f->left < room ? f->left : room;
    for (int64_t i = 0; i < n; i++) index[i] = apart ? i : feed_example(&f->t->feed, i);
    f->left -= n;
    return n == 0 || data_read_raw(data, index, n, x, NULL, error) == ELBO_OK ? n : -1;
}

/* Of all validation examples, from a batch of them; the first time compiles. */
static elbo_status time_validation(trainer *t, double *seconds, elbo_error *error)
{
    elbo_data *apart = t->options->validation, *data = apart ? apart : t->data;
    int64_t all = apart ? apart->info.count : t->feed.n_valid, n = all < VALIDATION_BATCH ? all : VALIDATION_BATCH;
    elbo_metrics metrics;
    elbo_status status = ELBO_OK;
    double began = clock_seconds();
    *seconds = 0;
    for (int i = 0; i < 2 && n > 0 && status == ELBO_OK; i++) {
        few f = {t, n};
        began = clock_seconds();
        status = evaluate_run(t->m, data->info.dtype, next_few, &f, &metrics, error);
    }
    if (n > 0) *seconds = (clock_seconds() - began) * (double)all / (double)n;
    return status;
}

/* Of products and convolutions, in the steps of all objectives on a whole batch. */
static elbo_status count_flops(trainer *t, double *flops, elbo_error *error)
{
    *flops = 0;
    for (int i = 0; i < t->m->n_objectives; i++)
        for (int64_t part = 0; part < t->shards.n; part++) {
            int64_t b = t->feed.batch, n = b * (part + 1) / t->shards.n - b * part / t->shards.n;
            plan_key key = {.purpose = TRAIN, .examples = n, .dtype = t->data->info.dtype, .objective = i};
            compiled *c = n > 0 ? model_plan(t->m, key, error) : NULL;
            if (n > 0 && !c) return ELBO_NO_MEMORY;
            if (c) *flops += plan_flops(c->plan);
        }
    return ELBO_OK;
}

/* Bytes of the copy from which a checkpoint is written, and of the best model where no file keeps it after each epoch. */
static double copy_bytes(const trainer *t, bool directory, double seconds_per_epoch)
{
    const store *s = &t->m->store;
    double model = (double)(s->params.size + s->states.size), numbers = model;
    if (!directory) return sizeof(float) * model;
    if (seconds_per_epoch < LONG_EPOCH) numbers += model;
    if (t->m->config.ema > 0) numbers += model;
    for (int i = 0; i < OPTIM_SLOTS; i++)
        if (s->slot[i]) numbers += (double)s->params.size;
    return sizeof(float) * numbers;
}

static elbo_status forecast(trainer *t, bool directory, elbo_forecast *out, elbo_error *error)
{
    double step, validation;
    elbo_status status = time_steps(t, &step, error);
    if (status == ELBO_OK) status = time_validation(t, &validation, error);
    if (status == ELBO_OK) status = count_flops(t, &out->flops_per_step, error);
    if (status != ELBO_OK) return status;
    out->n_parameters = t->m->info.n_parameters;
    out->steps_per_epoch = feed_steps(&t->feed);
    out->seconds_per_step = step;
    out->seconds_per_epoch = step * (double)out->steps_per_epoch + validation;
    out->seconds = out->seconds_per_epoch * (double)t->m->config.epochs;
    out->memory = largest_resident_set() + copy_bytes(t, directory, out->seconds_per_epoch);
    return ELBO_OK;
}

elbo_status elbo_train_forecast(elbo_engine *engine, const elbo_config *config, elbo_data *data,
                                const elbo_train_options *options, elbo_forecast *out, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    elbo_train_options quiet = options ? *options : (elbo_train_options){.directory = NULL};
    bool directory = quiet.directory != NULL;
    quiet.directory = NULL;
    quiet.resume = 0;
    quiet.on_event = NULL;
    *out = (elbo_forecast){.n_parameters = 0};
    trainer *t = mem_new(engine->m, 1, sizeof *t);
    if (!t) return err_memory(error, "training");
    *t = (trainer){.engine = engine, .data = data, .options = &quiet, .record = {.m = engine->m}};
    elbo_error mine = {0};
    elbo_status status = prepare(t, config, &mine);
    if (status == ELBO_OK) status = forecast(t, directory, out, &mine);
    elbo_model_free(t->m);
    trainer_close(t);
    return status == ELBO_OK ? ELBO_OK : err_set(error, status, "%s", mine.message);
}
