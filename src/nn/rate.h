/* rate.h - learning rates by name. */
#ifndef ELBO_NN_RATE_H
#define ELBO_NN_RATE_H

#include <stdint.h>

/* The factor of the rate in an epoch, counted from 0, under the i-th schedule of rate.def. */
double rate_factor(int schedule, int64_t epoch, double decay);

#endif
