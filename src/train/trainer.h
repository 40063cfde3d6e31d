/* trainer.h - a run under way: what the files that make up elbo_train share.
 *
 *   trainer.c   epochs, validation, the best model, checkpoints
 *   prepare.c   beginning a run, or going on with one
 *   step.c      one step of all objectives, and what follows a number that is not finite
 *   events.c    what the caller is told */
#ifndef ELBO_TRAIN_TRAINER_H
#define ELBO_TRAIN_TRAINER_H

#include "record.h"
#include "shards.h"

/* The best model so far, where no file keeps it, or not yet. */
typedef struct best_model {
    snapshot numbers;
    int64_t step, epoch;
    bool unwritten; /* a file is to keep it */
} best_model;

typedef struct trainer {
    elbo_engine *engine;
    elbo_model *m;
    elbo_data *data;
    feed feed;
    record record;
    run_state run;
    run_arrays arrays;
    shards shards;
    best_model best;
    const elbo_train_options *options;
    double began, epoch_began, last_event, last_save;
    int64_t steps_here, examples_here;
    bool cancelled, unsaved;
} trainer;

/* Frees all but the model. */
void trainer_close(trainer *t);

/* ---- prepare.c ---- */

/* Everything up to the first step: of a new run, or of the one in the directory. Errors: those of elbo_train. */
elbo_status prepare(trainer *t, const elbo_config *config, elbo_error *error);

/* ---- step.c ---- */

/* Ready for the first step of an epoch. */
elbo_status step_begin_epoch(trainer *t, elbo_error *error);
/* Reads a batch and trains on it. */
elbo_status step_run(trainer *t, elbo_error *error);
/* After a number that is not finite, as what says: the end of training, or a lower rate. */
elbo_status step_rescue(trainer *t, const char *what, elbo_error *error);
/* The learning rate in a step of the epoch under way, counted from 0 over the whole run. */
double step_rate(const trainer *t, int64_t step);
/* What of beta and of the capacity counts in a step. */
kl_share step_share(const trainer *t, int64_t step);

/* ---- events.c ---- */

void event_emit(trainer *t, elbo_event *e);
void event_note(trainer *t, const char *format, ...) PRINTF_LIKE(2, 3);
/* The first lines: what is trained on what, and what the loss amounts to. */
void event_head(trainer *t);
/* Some times a second, how far the epoch is. */
void event_step(trainer *t);
elbo_event event_progress(const trainer *t, elbo_event_kind kind);

#endif
