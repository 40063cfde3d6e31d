/* explain_measure.h - what a model does with data: statistics of its codes and of its reconstructions. */
#ifndef ELBO_EXPLAIN_MEASURE_H
#define ELBO_EXPLAIN_MEASURE_H

#include "../data/data.h"
#include "../vae/model.h"

/* Over so many examples, spread evenly over the data. Of single numbers of the code: arrays [Z]. */
typedef struct measured {
    int64_t count;   /* examples; 0: nothing was measured */
    double min, max; /* of the data */
    double variance,
        error; /* for each number: mean squared distance from the mean example, and from the reconstruction */
    double out_min, out_max; /* of the reconstructions */
    double wrong_end;      /* part of the numbers reconstructed at one end of the data's range that lie at the other */
    double *mean_variance; /* of the posterior's mean over the examples */
    double *mean_square;   /* of the code: mean of mu^2 + sigma^2 */
} measured;

/* Measures at most this many examples. */
enum { MEASURED_EXAMPLES = 2000 };

/* Errors: USAGE (data of another shape), IO, NO_MEMORY. */
elbo_status measure(elbo_model *m, elbo_data *data, measured *out, elbo_error *error);
void measured_close(measured *x, memory m);

#endif
