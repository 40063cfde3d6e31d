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

/* Where a run stands: all that is not in the arrays (run.def). */
typedef struct run_state {
#define COUNT(name, absent) int64_t name;
#define SIZE(name, absent) uint64_t name;
#define REAL(name, absent) double name;
#define FLAG(name, absent) bool name;
#define HEX(name, absent) uint64_t name;
#define WORDS(name, absent) char name[64];
#define SUMS(name, absent) double name[MAX_TERMS];
#include "run.def"
#undef COUNT
#undef SIZE
#undef REAL
#undef FLAG
#undef HEX
#undef WORDS
#undef SUMS
} run_state;

/* What a checkpoint holds beside the model. */
typedef struct run_arrays {
    double *code_sum, *code_square; /* [Z] sums over the epoch so far of the posterior's means and of their squares */
    snapshot average;               /* with ema: running means of parameters and states */
    snapshot began, began_average;  /* with rescue: all numbers as the epoch began, where a bad step goes back to */
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
/* Copies it to its place in the array that starts at base. Errors: NO_MEMORY. */
elbo_status tensor_put(memory m, const entry *e, const struct st_tensor *t, float *base, elbo_error *error);

#endif
