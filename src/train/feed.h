/* feed.h - which examples a step sees. All of it is a function of (seed, epoch, position): nothing has to be saved.
 *
 * The data are shuffled once by the seed; the first part of that order is for validation, the rest for training. Each epoch
 * visits the training part in an order of its own. */
#ifndef ELBO_TRAIN_FEED_H
#define ELBO_TRAIN_FEED_H

#include "../base/philox.h"
#include "../data/data.h"

typedef struct feed {
    elbo_data *data;
    elbo_data *apart; /* the validation examples, where they are a set of their own; else NULL */
    uint64_t seed;
    philox_order divided; /* the order that divides validation from training */
    int64_t n_valid, n_train;
    int64_t batch;
    int64_t *index; /* [batch] indices of the examples read last */
    int64_t *ahead; /* [batch] of the next step, where the data are decoded while this one computes; else NULL */
    void *x;        /* [batch,H,W,C] as stored */
} feed;

/* validation: the fraction of the data kept for it. Errors: USAGE (nothing left to train on), NO_MEMORY. */
elbo_status feed_open(feed *f, elbo_data *data, uint64_t seed, double validation, int64_t batch, elbo_error *error);
void feed_close(feed *f, memory m);

int64_t feed_steps(const feed *f); /* steps in an epoch; the last one may be smaller */

/* Reads the batch of a step; *n: its size. */
elbo_status feed_train(feed *f, int64_t epoch, int64_t step, int64_t *n, elbo_error *error);

/* The i-th example of the order that divides validation (first) from training. */
int64_t feed_example(const feed *f, int64_t i);

#endif
