/* schedule.h - learning rates by name. */
#ifndef ELBO_NN_SCHEDULE_H
#define ELBO_NN_SCHEDULE_H

#include <stdint.h>

/* The factor of the rate in an epoch, counted from 0, under the i-th schedule of schedule.def. */
double schedule_factor(int schedule, int64_t epoch, double decay);

#endif
