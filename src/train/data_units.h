/* data_units.h - what a model learns of its data before training: means and scales (src/vae/units.h). */
#ifndef ELBO_TRAIN_DATA_UNITS_H
#define ELBO_TRAIN_DATA_UNITS_H

#include "../vae/model.h"
#include "feed.h"

/* Sets the states data.mean and data.scale, where the model has them, from all of the training part. Errors: IO, NO_MEMORY. */
elbo_status data_units_set(elbo_model *m, feed *f, elbo_error *error);

#endif
