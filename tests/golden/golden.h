/* golden.h - what the files made by make_golden*.py hold. Numbers are doubles; type tells what elbo is to hold them as. */
#ifndef ELBO_TESTS_GOLDEN_H
#define ELBO_TESTS_GOLDEN_H

#include "graph/graph.h"

#include <math.h>

typedef struct golden_array {
    dtype type;
    shape shape;
    const double *v;
} golden_array;

/* One operation or loss: its operands and what PyTorch or numpy make of them. */
typedef struct golden {
    const char *name;
    int n_in;
    golden_array in[4];
    golden_array out;
} golden;

/* A loss, and its gradient by each operand. */
typedef struct golden_gradient {
    const char *name;
    int n_in;
    golden_array in[6];
    double value;
    golden_array slope[6];
} golden_gradient;

/* A parameter along a run, in PyTorch's layout: at first, the gradient of the last step, and after ten steps;
 * and the gradient of the first step computed in float. */
typedef struct golden_tensor {
    const char *name;
    int64_t n;
    const double *initial, *last, *final, *first_float;
} golden_tensor;

/* Ten Adam steps on one batch of pictures [6,2,2,3]. losses [10,3]: loss, rec, kl, in double and in float. */
typedef struct golden_run {
    const char *name, *config; /* key=value|key=value */
    uint64_t seed;
    int64_t index[6];
    const double *x, *losses, *losses_float;
    int n_tensors;
    const golden_tensor *tensors;
} golden_run;

/* A gradient, or a running statistic after the step, in PyTorch's layout. */
typedef struct golden_value {
    const char *name; /* elbo's */
    int64_t n;
    const double *v;
} golden_value;

/* A PyTorch program with the weights of <name>.safetensors on pictures x [4,H,W,C], given in units of 1/256: one training
 * step, and before it, evaluating, codes [4,2Z] (means, then standard deviations) and the pictures [2,H,W,C] they decode to. */
typedef struct golden_program {
    const char *name, *config; /* key=value|key=value */
    uint64_t seed;
    uint32_t step;
    int64_t shape[3], index[4];
    const double *x;
    double loss, kl;
    const double *codes, *pictures;
    int n_values;
    const golden_value *values;
} golden_program;

#endif
