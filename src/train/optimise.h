/* optimise.h - the passes over flat memory that end a step. */
#ifndef ELBO_TRAIN_OPTIMISE_H
#define ELBO_TRAIN_OPTIMISE_H

#include "../vae/model.h"
#include "snapshot.h"

/* Updates the parameters of a group from their gradients; false where one is not finite then. */
bool optimise(elbo_model *m, const char *group, const optim_settings *o);

/* Moves the running means of parameters and states towards the numbers of a step, counted from 1. */
void average_step(elbo_model *m, snapshot *average, int64_t step);

/* Adds share times the gradient of a group to sum [params.size]. */
void gradient_add(elbo_model *m, const char *group, double share, float *sum);

/* The Euclidean norm of a group's gradient. */
double gradient_norm(elbo_model *m, const char *group);

/* Whether every number of a group's gradient is finite. */
bool gradient_is_finite(elbo_model *m, const char *group);

#endif
