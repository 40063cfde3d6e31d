/* shards.h - a batch in parts, computed in order one after another, so that the memory of a plan is that of a part.
 *
 * What parts found is combined in their order, each with its share of the examples: gradients and terms are added, and the new
 * states become their mean, which for running means over the batch is the one of the whole. Each part draws the numbers its
 * examples would draw in the whole batch. So the result is that of the whole batch but for rounding, except where examples of a
 * batch are looked at together: those are the examples of a part. */
#ifndef ELBO_TRAIN_SHARDS_H
#define ELBO_TRAIN_SHARDS_H

#include "../vae/model.h"
#include "feed.h"

typedef struct shards {
    int64_t n; /* parts; 1: the batch as it is, and there are no arrays */
    void *x;   /* examples of the part under way */
    float *gradient, *state; /* [params.size], [states.size] of the parts so far */
    float *code;             /* [batch,Z] */
} shards;

/* Examples begin to begin + n of the batch; n may be 0. */
typedef struct shard {
    int64_t begin, n;
    double share; /* of the batch's examples */
    const void *x;
} shard;

/* Errors: USAGE (more parts than examples, or a family that needs the whole batch), NO_MEMORY. */
elbo_status shards_open(shards *s, const elbo_model *m, const feed *f, elbo_error *error);
void shards_close(shards *s, memory m);

/* Before the first part of a step. */
void shards_begin(shards *s, const elbo_model *m);
/* Part i of the n examples read last. */
shard shards_at(const shards *s, const feed *f, int64_t n, int64_t i);
/* Adds what the plan of an objective left in the store, and the part's code where there is one. */
void shards_add(shards *s, elbo_model *m, int number, const shard *p, const float *code);
/* After the last part of all objectives: what they left together is in the store. */
void shards_end(shards *s, elbo_model *m);

#endif
