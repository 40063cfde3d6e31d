/* record.h - what a run leaves in its directory:
 *
 *   config.toml            the configuration; run.json: what it was trained on (origin.h)
 *   metrics.jsonl          a line for each epoch; equal runs give equal bytes
 *   metrics.csv            the same for spreadsheets; tensorboard/ for TensorBoard (mirror.h)
 *   times.jsonl            seconds of each epoch: everything a clock had a part in
 *   last.safetensors       the newest checkpoint; previous.safetensors the one before; best.safetensors the best model so far
 *   new.safetensors        only for a moment, or after a kill in it: the checkpoint that is about to become the last
 *   curves.png, samples.png, pairs.png or what else is asked for, and pictures/epoch-NNNN-*.png
 *
 * Whatever a run writes between two checkpoints it writes again, byte for byte, when it is resumed from the first of them;
 * metrics.jsonl, which grows, is first cut to the length the checkpoint remembers. So an interrupted run leaves the files of an
 * uninterrupted one, wherever it was interrupted. The directory is held against a second run as long as the record is open. */
#ifndef ELBO_TRAIN_RECORD_H
#define ELBO_TRAIN_RECORD_H

#include "evaluate.h"
#include "feed.h"
#include "history.h"
#include "mirror.h"

typedef struct record {
    memory m;
    elbo_engine *engine;
    const char *directory; /* NULL: nothing is kept */
    bool pictures;
    history history;
    mirror mirror;
    uint64_t metrics_size;
    int held;          /* file_hold of the directory */
    bool last_is_good; /* last.safetensors may become previous.safetensors */
    int64_t drawn;     /* the last epoch in curves.png, as far as is known */
} record;

/* Begins a run in the directory of options (NULL: none). Errors: USAGE (it has a run already, or one that is under way), IO. */
elbo_status record_begin(record *r, elbo_engine *engine, const elbo_train_options *options, const elbo_config *config,
                         const feed *f, uint64_t fingerprint, elbo_error *error);
void record_close(record *r);

/* Opens the record of a run to resume and loads its newest checkpoint that verifies; nothing is changed on disk. *from: its name,
 * and where a newer one could not be used, why says how. Errors: those of the checkpoint, USAGE (under way, or no run). */
elbo_model *record_find(record *r, elbo_engine *engine, const elbo_train_options *options, run_state *run, run_arrays *arrays,
                        const char **from, elbo_error *why, elbo_error *error);
/* Goes on with the run found: takes back what was written after the checkpoint. */
elbo_status record_go_on(record *r, const char *from, const run_state *run, elbo_error *error);
/* Lets the directory say another configuration, as if the run had been begun with it. */
elbo_status record_change(record *r, const elbo_config *config, elbo_error *error);
/* *bare: whether a run was begun in directory but ended before its first checkpoint. Errors: IO, NO_MEMORY. */
elbo_status record_look(elbo_engine *engine, const char *directory, bool *bare, elbo_error *error);

/* Whether the run is saved after an epoch, and its curves are drawn. Both take longer than a small model takes for an epoch of
 * little data, so of shorter epochs than this it is each of the first 20, and then every twentieth part more of the run. */
#define LONG_EPOCH 1.0 /* seconds */
bool record_is_due(int64_t epoch, double seconds);
/* Adds an epoch: its line of metrics and of times, its pictures and, where they are due, curves. */
elbo_status record_epoch(record *r, elbo_model *m, feed *f, const epoch_figures *e, double seconds, elbo_error *error);
/* Ends the record of a run, for now: curves show all epochs. */
elbo_status record_end(record *r, elbo_error *error);
/* Notes in the metrics that training went back because of a number that was not finite, or ended there. */
elbo_status record_rescue(record *r, const trouble *what, double rate_factor, elbo_error *error);
/* Notes that the patience of early stopping was over. */
elbo_status record_early_end(record *r, const run_state *run, elbo_error *error);
elbo_status record_divergence(record *r, const trouble *what, elbo_error *error);

elbo_status record_checkpoint(record *r, elbo_model *m, run_state *run, const run_arrays *arrays, elbo_error *error);
elbo_status record_best(record *r, elbo_model *m, elbo_error *error);

#endif
