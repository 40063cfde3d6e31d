/* optim.h - optimisers: passes over the flat arrays of a parameter group. */
#ifndef ELBO_NN_OPTIM_H
#define ELBO_NN_OPTIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIM_SLOTS = 3 };

/* What an optimiser reads of the configuration, and where it is. */
typedef struct optim_settings {
    double rate, decay;
    double beta1, beta2, epsilon;   /* adam and its kin */
    double alpha;                   /* rmsprop */
    double momentum;                /* rmsprop, sgd */
    bool nesterov, centred;         /* sgd; rmsprop */
    double scale;                   /* of the gradient: 1, or less where it is clipped */
    int64_t step;                   /* updates made, this one included: 1 the first time */
} optim_settings;

/* Updates n numbers from their gradients; slots are the optimiser's own arrays, zero before the first step, NULL where
 * optim_needs says no. */
typedef void (*optim_update)(const optim_settings *o, size_t n, float *value, const float *gradient, float *const *slot);
typedef void (*optim_update_double)(const optim_settings *o, size_t n, double *value, const double *gradient,
                                    double *const *slot);

typedef struct optimiser {
    const char *name;
    const char *slot[OPTIM_SLOTS]; /* names; NULL: none */
    optim_update update;
    optim_update_double update_double; /* the same arithmetic in double, for checks */
} optimiser;

/* Whether all of n numbers are finite; the sum of their squares, which is finite when and only when they are. */
bool optim_finite(size_t n, const float *x);
double optim_squares(size_t n, const float *x);

/* average += (1 - keep) (x - average): a running mean of what training changes, over n numbers. */
void optim_average(size_t n, double keep, float *average, const float *x);

/* sum += share x. */
void optim_add(size_t n, double share, float *sum, const float *x);

/* How much of a running mean step t keeps, counted from 1: decay, or less while there is little to average. */
double optim_keep(double decay, int64_t t);

const optimiser *optim_at(size_t i); /* NULL past the last */

/* Whether the optimiser keeps its slot i under these settings. */
bool optim_needs(const optimiser *how, int i, const optim_settings *o);

#endif
