/* data_bias.h - the option data-bias. */
#ifndef ELBO_TRAIN_DATA_BIAS_H
#define ELBO_TRAIN_DATA_BIAS_H

#include "../vae/model.h"
#include "feed.h"

/* Sets the last layer's bias from the mean of the training data (of 100,000 examples at most). Errors: USAGE, IO, NO_MEMORY. */
elbo_status data_bias_set(elbo_model *m, feed *f, elbo_error *error);

#endif
