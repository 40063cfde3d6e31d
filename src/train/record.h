/* record.h - what a run leaves in its directory:
 *
 *   config.toml            the configuration
 *   metrics.jsonl          a line for each epoch; equal runs give equal bytes
 *   times.jsonl            seconds of each epoch: everything a clock had a part in
 *   last.safetensors       the newest checkpoint; previous.safetensors the one before; best.safetensors the best model so far
 *   samples.png, pairs.png, curves.png, and pictures/epoch-NNNN-*.png
 *
 * Checkpoints remember how long metrics.jsonl was, and resuming cuts it to that, so an interrupted run leaves the files of an
 * uninterrupted one. */
#ifndef ELBO_TRAIN_RECORD_H
#define ELBO_TRAIN_RECORD_H

#include "evaluate.h"
#include "feed.h"

/* One epoch's figures, for the curves. */
typedef struct epoch_figures {
    int64_t epoch;
    elbo_metrics train, valid; /* valid.count 0: none */
} epoch_figures;

typedef struct record {
    memory m;
    elbo_engine *engine;
    const char *directory; /* NULL: nothing is kept */
    bool pictures;
    epoch_figures *history;
    size_t n_history, room;
    uint64_t metrics_size;
} record;

/* Begins a run in directory (NULL: none). Errors: USAGE (it has a run already), IO. */
elbo_status record_open(record *r, elbo_engine *engine, const char *directory, bool pictures, const elbo_config *config,
                        elbo_error *error);
void record_close(record *r);

/* Goes on with a run: loads the newest checkpoint that verifies and cuts the metrics to it. *fell_back: the newest file was
 * damaged, and why says how. */
elbo_model *record_resume(record *r, run_state *run, run_arrays *arrays, bool *fell_back, elbo_error *why, elbo_error *error);

/* Adds an epoch: its line of metrics and of times, its pictures and curves. */
elbo_status record_epoch(record *r, elbo_model *m, feed *f, const epoch_figures *e, double rate, double seconds,
                         elbo_error *error);
/* Notes in the metrics that training went back because of a number that was not finite. */
elbo_status record_rescue(record *r, int64_t step, double rate_factor, const char *cause, elbo_error *error);

elbo_status record_checkpoint(record *r, elbo_model *m, run_state *run, const run_arrays *arrays, elbo_error *error);
elbo_status record_best(record *r, elbo_model *m, elbo_error *error);

#endif
