/* norm.h - normalisations, and dropout of whole channels. x is [B,F] or [B,H,W,C]; features are last. Each makes weight and bias
 * [C] under name. */
#ifndef ELBO_NN_NORM_H
#define ELBO_NN_NORM_H

#include "scope.h"

/* Ioffe and Szegedy 2015, over everything but the features: by the batch's statistics while training, which also move the states
 * running_mean and running_var (unbiased) by 0.1; by those states when evaluating. eps 1e-5. The variance is taken
 * around the mean, so it loses nothing to cancellation. */
node *batch_norm(scope *s, node *x, const char *name);

/* Ba et al. 2016, over the features of each place. eps 1e-5. */
node *layer_norm(scope *s, node *x, const char *name);

/* Wu and He 2018: over each example's places and the features of a group. eps 1e-5. */
node *group_norm(scope *s, node *x, int64_t groups, const char *name);

/* Whole channels of a picture zeroed with probability p while training, the others scaled by 1/(1-p). */
node *spatial_dropout(scope *s, node *x, double p);

#endif
