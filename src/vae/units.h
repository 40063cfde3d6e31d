/* units.h - between the data's units and the network's.
 *
 * Standardised numbers are (x - mean) / scale, with one mean and one scale for each number of an example, learnt from the
 * training data and kept as states "data.mean" and "data.scale". The encoder sees, and a density is one of, standardised
 * numbers; whatever leaves the model is back in the data's units.
 *
 * Of a table the encoder sees features: numbers as they are, counts as log(1 + x), a categorical column as one number for
 * each level, 1 for the one it is and else 0. A missing value is seen as the mean, which is 0 when standardised, and
 * the likelihood leaves it out. */
#ifndef ELBO_VAE_UNITS_H
#define ELBO_VAE_UNITS_H

#include "vae.h"

/* Whether options want standardised numbers: of tables, unless they say no. */
bool units_standardise(const elbo_config *c, const column_list *columns);

/* The runs of columns as the likelihood has them: with any but columns, all numbers are real. */
bool units_next_run(const elbo_config *c, const column_list *columns, int64_t numbers, column_run *r);
/* Features of a run, and of all D numbers of an example. */
int64_t units_run_features(column_run r);
int64_t units_features(const elbo_config *c, const column_list *columns, int64_t numbers);

/* Whether the likelihood reads a run standardised. */
bool units_read_standard(const elbo_config *c, const column_list *columns, column_run r);

/* Takes missing values, nan, out of x [B,...] of a table: v->present tells where one was. */
node *units_take_missing(vae *v, node *x);
/* What the encoder sees of x [B,H,W,C]: the same shape, or of a table [B,1,1,F]. */
node *units_seen(vae *v, node *x);
/* What the likelihood reads: [B,D] */
node *units_read(vae *v, node *x);
/* Values [N,D] of the network in the data's units. */
node *units_back(vae *v, node *y);

#endif
