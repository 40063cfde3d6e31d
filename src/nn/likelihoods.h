/* likelihoods.h - p(x|z): from what a decoder emits to a loss, and to values.
 *
 * Only these functions do either, so an output transformation happens once. What p(x|z) can be is the table
 * likelihoods.def. A decoder emits likelihood_emits numbers for each of D values, side by side: r [..., D E]. */
#ifndef ELBO_NN_LIKELIHOODS_H
#define ELBO_NN_LIKELIHOODS_H

#include "scope.h"

typedef enum likelihood_kind {
#define LIKELIHOOD(word, name, ...) L_##name,
#include "likelihoods.def"
#undef LIKELIHOOD
} likelihood_kind;

typedef enum takes { TAKES_UNIT, TAKES_REAL, TAKES_COUNTS, TAKES_LEVELS } takes;
typedef enum sigma_kind { SIGMA_FIXED, SIGMA_LEARNED, SIGMA_PER_DIMENSION, SIGMA_PREDICTED, SIGMA_OPTIMAL } sigma_kind;
typedef enum output_kind { OUTPUT_LINEAR, OUTPUT_SIGMOID, OUTPUT_TANH } output_kind;

typedef struct likelihood {
    likelihood_kind kind;
    sigma_kind sigma_kind;
    double sigma;       /* the scale: fixed, or where learning begins */
    output_kind output; /* of the location */
    double low, step;   /* of counts and levels: the i-th is the value low + i step */
    int64_t levels;
} likelihood;

/* What is known of a kind without a model. */
typedef struct likelihood_info {
    const char *name, *summary;
    int emits;
    takes takes;
    elbo_measure measure;
    bool scaled;
} likelihood_info;

const likelihood_info *likelihood_at(size_t i); /* the i-th row; NULL past the last */

/* Numbers the decoder emits for a value. */
int64_t likelihood_emits(const likelihood *l);
/* -log p(x|r) in nats, r [..., D E], x broadcastable to [..., D]: [...] */
node *likelihood_nll(scope *s, const likelihood *l, node *r, node *x);
/* The mean of p(x|r): [..., D] */
node *likelihood_mean(const likelihood *l, node *r);

#endif
