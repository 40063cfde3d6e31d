/* checkpoint.h - models and runs as files.
 *
 * A model file is safetensors: parameters and state under their names in exported layouts (PyTorch's), and in the metadata, as
 * JSON texts, "elbo.model": everything needed to run it (format version, family, shape and range of the data, options, steps).
 * A checkpoint is the same file with the optimiser's arrays ("optimiser.<slot>/<name>") and "elbo.run", where the run stands;
 * amid an epoch with rescue, it also has all of these as they were when the epoch began ("began/<name>").
 * Loading executes nothing and trusts nothing: names, shapes and values are checked against the model the options describe. */
#ifndef ELBO_TRAIN_CHECKPOINT_H
#define ELBO_TRAIN_CHECKPOINT_H

#include "../vae/model.h"
#include "snapshot.h"

enum { RECENT_STEPS = 100 };

/* Where a run stands: all that is not in the arrays. */
typedef struct run_state {
    uint64_t data;         /* fingerprint */
    int64_t examples;      /* of the data, validation included */
    bool validation;       /* a part is kept for it */
    int64_t step;          /* updates made */
    int64_t epoch;         /* epochs finished */
    int64_t step_in_epoch; /* of the epoch under way */
    double sums[MAX_TERMS + 1]; /* over the epoch so far: each term and the total, examples as weights */
    double seen;           /* examples of the epoch so far */
    double recent_sums[MAX_TERMS + 1], recent_seen; /* the same over the epoch's last RECENT_STEPS steps */
    double rate_factor;    /* 1, halved at each rescue */
    int64_t rescues;
    double best;           /* lowest total so far */
    uint64_t metrics_size; /* bytes of metrics.jsonl that belong to the state */
    char computed_by[64];  /* product_name of what made the last steps; "" where a file does not say */
} run_state;

/* What a checkpoint holds beside the model. */
typedef struct run_arrays {
    double *code_sum, *code_square; /* [Z] sums over the epoch so far of the posterior's means and of their squares */
    snapshot began;                 /* with rescue: the numbers as the epoch began, where a bad step goes back to */
} run_arrays;

elbo_status arrays_open(run_arrays *a, const elbo_model *m, elbo_error *error); /* zeros, nothing in began */
void arrays_close(run_arrays *a, memory m);

/* Saves the model; with a run, a checkpoint. */
elbo_status checkpoint_save(elbo_model *m, const char *path, const run_state *run, const run_arrays *arrays,
                            elbo_error *error);

/* Loads a model; with run not NULL, a checkpoint, whose run it fills and whose arrays it opens (to be closed also after an
 * error). Errors: IO, BAD_FILE, MISMATCH (no checkpoint where one is
 * asked for), NO_MEMORY. */
elbo_model *checkpoint_load(elbo_engine *engine, const char *path, run_state *run, run_arrays *arrays,
                            elbo_error *error);

/* Whether t (NULL: missing) is the exported tensor of e, in float, or in any kind of float numbers. Errors: BAD_FILE. */
struct st_tensor;
elbo_status tensor_check(const entry *e, const char *name, const struct st_tensor *t, bool any_float, elbo_error *error);

#endif
