/* join.h - any number of nodes [..., n_i] joined along the last axis, in order. */
#ifndef ELBO_NN_JOIN_H
#define ELBO_NN_JOIN_H

#include "../graph/graph.h"

enum { JOIN_LEVELS = 8 };

/* Begins as zeros. A concat takes MAX_IN nodes; as many of a level become one of the next. */
typedef struct join {
    node *at[JOIN_LEVELS][MAX_IN];
    int n[JOIN_LEVELS];
} join;

void join_add(join *j, node *x);
/* All that was added, at least one. */
node *join_end(join *j);

/* n of the numbers of the last axis, from begin on. */
node *slice_last(node *x, int64_t begin, int64_t n);

#endif
