/* snapshot.h - a copy of the numbers that training changes: to go back to after a bad step, or to keep the best model where no
 * file keeps it. */
#ifndef ELBO_TRAIN_SNAPSHOT_H
#define ELBO_TRAIN_SNAPSHOT_H

#include "../nn/store.h"

typedef struct snapshot {
    float *value, *state; /* NULL before the first snapshot_take */
    float *slot[OPTIM_SLOTS];
} snapshot;

/* Copies the store into s, which keeps its memory from one time to the next; with slots also the optimiser's arrays. */
elbo_status snapshot_take(snapshot *s, const store *from, bool slots, elbo_error *error);
/* Copies back what was taken. */
void snapshot_restore(const snapshot *s, store *to);
/* Exchanges parameters and state with what was taken. */
void snapshot_swap(snapshot *s, store *with);
void snapshot_close(snapshot *s, memory m);

#endif
