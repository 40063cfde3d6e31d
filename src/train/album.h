/* album.h - the pictures of a run. */
#ifndef ELBO_TRAIN_ALBUM_H
#define ELBO_TRAIN_ALBUM_H

#include "record.h"

/* Draws samples.png (from the prior, where there is one), pairs.png ([reconstruction | original]) and curves.png, and keeps the
 * first two under pictures/ with the epoch in their name. Data that are no pictures get curves only. */
elbo_status album_epoch(record *r, elbo_model *m, feed *f, int64_t epoch, elbo_error *error);

#endif
