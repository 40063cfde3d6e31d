/* album.h - the pictures of a run. */
#ifndef ELBO_TRAIN_ALBUM_H
#define ELBO_TRAIN_ALBUM_H

#include "record.h"

/* Whether the option pictures names pictures that there are. Errors: USAGE. */
elbo_status album_check(const elbo_config *c, elbo_error *error);

/* Draws, in the epochs that have some, the pictures that the options ask for: each under its own name and, with the epoch in its
 * name, under pictures/. Samples are of the prior, where there is one; validation examples come first where there are too few for
 * a grid. Data that are no pictures have none. */
elbo_status album_epoch(record *r, elbo_model *m, feed *f, int64_t epoch, elbo_error *error);

/* Draws curves.png from the history. */
elbo_status album_curves(record *r, elbo_error *error);

#endif
