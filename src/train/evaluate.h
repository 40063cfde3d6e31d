/* evaluate.h - adding up losses over data. Sums are in double, in the order of the examples, so they do not depend on batches. */
#ifndef ELBO_TRAIN_EVALUATE_H
#define ELBO_TRAIN_EVALUATE_H

#include "checkpoint.h"
#include "../data/data.h"

/* The number of latent numbers whose mean varies by more than this over the data (Burda et al. 2016). */
#define ACTIVE_VARIANCE 0.01

/* The figures from sums of the model's first n_terms terms over seen examples. */
elbo_metrics metrics_from(const elbo_model *m, int n_terms, const double *sums, double seen, const run_arrays *arrays);

/* Adds n examples' results of an EVALUATE plan. */
void evaluate_add(elbo_model *m, compiled *c, int64_t n, double *sums, const run_arrays *arrays);

/* Adds the codes [n,Z] to the arrays. */
void code_add(const float *code, int64_t n, int64_t n_latent, const run_arrays *arrays);

/* Evaluates examples that next delivers: it reads up to room of them (as stored) into x and their indices, and returns how many
 * (0: no more) or -1 with the error set. Errors: DIVERGED (a loss that is not finite), next's, NO_MEMORY. */
typedef int64_t (*next_examples)(void *user, int64_t room, void *x, int64_t *index, elbo_error *error);
elbo_status evaluate_run(elbo_model *m, elbo_dtype stored, next_examples next, void *user, elbo_metrics *out,
                         elbo_error *error);

/* USAGE when the data's examples have not the model's shape. */
elbo_status evaluate_check(const elbo_model *m, const elbo_data_info *d, elbo_error *error);

#endif
