/* store.h - where parameters and state live: flat, aligned arrays with common offsets.
 *
 * A model's graph is described twice. The first time (declaring) every parameter and state makes itself known under its name;
 * store_finish then sorts them by group, so that a group is one contiguous range, gives them offsets and allocates the arrays.
 * From then on a name is looked up and its shape checked. An initial value depends on (seed, name, index
 * in the exported layout) only, never on the order of construction.
 *
 * Layouts: inside, features are last and a dense weight is [in,out]; files hold PyTorch's layouts ([out,in]; pictures that were
 * flattened count C,H,W). A layout says how to go from one to the other. */
#ifndef ELBO_NN_STORE_H
#define ELBO_NN_STORE_H

#include "../graph/graph.h"
#include "optim.h"

enum { STORE_NAME = 128 };

/* The array seen inside as shape view; axis i outside is axis order[i] inside; the exported shape merges axes of that. */
typedef struct layout {
    shape view;
    int8_t order[MAX_RANK];
    shape exported;
} layout;

layout layout_plain(shape s);

/* How initial values are drawn (init.c). */
typedef struct init_rule {
    const struct initialiser *how; /* NULL: constant */
    double value;                  /* of the constant */
    int64_t fan_in, fan_out;
    bool bias;
} init_rule;

typedef struct entry {
    char name[STORE_NAME];
    int group;
    int64_t offset, count; /* in numbers */
    shape shape;           /* inside */
    layout layout;
    init_rule init;
} entry;

typedef struct entry_list {
    entry *at;
    int n, room;
    int64_t size; /* numbers, padding included */
} entry_list;

typedef struct store {
    memory m;
    entry_list params, states;
    bool finished;
    float *value, *gradient, *slot[OPTIM_SLOTS]; /* [params.size]; slots the optimiser does not keep are NULL */
    float *state, *new_state;                    /* [states.size] */
    char groups[4][32]; /* names; group numbers index them */
    int n_groups;
} store;

void store_open(store *s, memory m);
void store_close(store *s);

/* The entry of a parameter or state: declared when it is new and the store is not finished; NULL with an error text in *why when
 * it is unknown to a finished store or has another shape, and with *why NULL when there is no memory. */
const entry *store_param(store *s, const char *name, const char *group, shape dims, const layout *l, init_rule init,
                         const char **why);
const entry *store_state(store *s, const char *name, shape dims, double value, const char **why);

/* Sorts, gives offsets, allocates values and state (zeros). */
elbo_status store_finish(store *s, elbo_error *error);
/* Draws initial values. */
elbo_status store_draw(store *s, uint64_t seed, elbo_error *error);
/* Allocates what only training needs, once: the gradient and the slots of the optimiser (zeros). */
elbo_status store_train(store *s, const optimiser *how, const optim_settings *o, elbo_error *error);

const entry *store_find(const entry_list *l, const char *name);

/* After a step: the new state becomes the state. store_revert: the state that was loaded or drawn is also the new one. */
void store_commit(store *s);
void store_revert(store *s);

/* The numbers of all parameters without padding. */
int64_t store_parameters(const store *s);

/* The range of a group in the flat arrays; the whole of it for NULL. */
void store_range(const store *s, const char *group, int64_t *begin, int64_t *end);

/* Copies an entry's tensor out of, or into, the array that starts at base (value, slot, state). */
void store_export(const entry *e, const float *base, float *out);
void store_import(const entry *e, const float *in, float *base);

#endif
