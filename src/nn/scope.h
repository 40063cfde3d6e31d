/* scope.h - where in a model code is adding nodes: the graph, the store, and a path of names. Parameters are created where they
 * are used; random streams are named by path and call number. */
#ifndef ELBO_NN_SCOPE_H
#define ELBO_NN_SCOPE_H

#include "init.h"
#include "store.h"

typedef struct scope {
    graph *g;
    store *store;
    const char *group;        /* parameters made here belong to it */
    const char *purpose;      /* "train", "evaluate": random streams begin with it            */
    bool training;            /* dropout on, batch statistics of the batch */
    const initialiser *init;  /* of weights that name none */
    char path[STORE_NAME];    /* "encoder.0" */
    int n_streams;            /* random calls so far in this graph */
    node **state_value;       /* [store->states.n] the new value of each state, NULL: unchanged; NULL while declaring */
} scope;

/* Goes into a part of the model, and back: int mark = scope_enter(s, "encoder"); ... scope_leave(s, mark); */
int scope_enter(scope *s, const char *format, ...) PRINTF_LIKE(2, 3);
void scope_leave(scope *s, int mark);

/* The parameter path.name. A weight's fans are those of init; layout NULL: the same inside and outside. */
node *scope_param(scope *s, const char *name, shape dims, const layout *l, init_rule init);
/* The state path.name as it was before the step, and what it shall be after it. */
node *scope_state(scope *s, const char *name, shape dims, double value);
void scope_state_set(scope *s, const char *name, node *value);

/* Noise for each example, keyed by its index in the data (dims[0] a multiple of the examples). */
node *scope_random(scope *s, distribution_kind kind, shape dims, const char *name);
/* The same at every step where nothing is trained: what is drawn to make an example from what was read. */
node *scope_random_data(scope *s, distribution_kind kind, shape dims, const char *name);

#endif
