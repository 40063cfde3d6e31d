/* likelihoods.h - p(x|z): from what a decoder emits to a loss, and to values.
 *
 * Only these functions do either, so an output transformation happens once. What p(x|z) can be is the table
 * likelihoods.def. A decoder emits likelihood_emits numbers for each of D values, side by side: r [..., D E].
 * Of a table each column has as many as its kind takes. */
#ifndef ELBO_NN_LIKELIHOODS_H
#define ELBO_NN_LIKELIHOODS_H

#include "../base/columns.h"
#include "../base/philox.h"
#include "scope.h"

typedef enum likelihood_kind {
#define LIKELIHOOD(word, name, ...) L_##name,
#include "likelihoods.def"
#undef LIKELIHOOD
} likelihood_kind;

typedef enum takes { TAKES_UNIT, TAKES_REAL, TAKES_COUNTS, TAKES_LEVELS, TAKES_COLUMNS } takes;
typedef enum sigma_kind { SIGMA_FIXED, SIGMA_LEARNED, SIGMA_PER_DIMENSION, SIGMA_PREDICTED, SIGMA_OPTIMAL } sigma_kind;
typedef enum output_kind { OUTPUT_LINEAR, OUTPUT_SIGMOID, OUTPUT_TANH } output_kind;

typedef struct likelihood {
    likelihood_kind kind;
    sigma_kind sigma_kind;
    double sigma;       /* the scale: fixed, or where learning begins */
    output_kind output; /* of the location */
    double low, step;   /* of counts and levels: the i-th is the value low + i step */
    int64_t levels;
    const column_list *columns; /* L_columns */
    node *present;      /* 1 where a value is there, broadcastable to [..., D]; NULL: everywhere */
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

/* Numbers the decoder emits for n values; for all of a table's. */
int64_t likelihood_emits(const likelihood *l, int64_t n);
/* -log p(x|r) in nats of the values that are there, r [..., D E], x broadcastable to [..., D]: [...] */
node *likelihood_nll(scope *s, const likelihood *l, node *r, node *x);
/* The mean of p(x|r), [..., D]; of a categorical column the most likely level. */
node *likelihood_mean(const likelihood *l, node *r);

/* What p(x|r) is, for likelihood_draw, r [..., D E]: [..., P]. A loss that is no distribution fails. */
node *likelihood_parameters(scope *s, const likelihood *l, node *r);
/* P, of n values. */
int64_t likelihood_n_parameters(const likelihood *l, int64_t n);
/* Draws n values x of one example from p [P]. Value j depends on p, key and first + j only. */
void likelihood_draw(const likelihood *l, const float *p, int64_t n, philox_key key, uint64_t first, float *x);

/* ---- For likelihoods_columns.c ---- */

/* The likelihood of a run's columns, by themselves. */
likelihood columns_run_likelihood(const likelihood *l, column_run run);
node *columns_parameters(scope *s, const likelihood *l, node *r);

/* Already added up over the columns: [...] */
node *columns_nll(scope *s, const likelihood *l, node *r, node *x);
node *columns_mean(const likelihood *l, node *r);
int64_t columns_emit(const likelihood *l);

/* Numbers the decoder emits for a run of a table's columns. */
int64_t columns_run_emits(const likelihood *l, column_run run);

#endif
