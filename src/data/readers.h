/* readers.h - a few threads that fetch items ahead of their use.
 *
 * Announced items are fetched into a bounded number of slots, in the order they were announced; taking one waits for
 * it, or fetches it in the calling thread where no reader has begun with it. What an item holds is the business of
 * fetch, which must be a function of the index: so neither announcements nor the number of threads change what is
 * taken. An item whose fetching failed in a reader is fetched again by the taker, who has somewhere to put the reason.
 *
 * One thread announces and takes. Memory is taken when the readers are opened, none later. In the child of a fork
 * there are no threads, and the taker fetches all. */
#ifndef ELBO_DATA_READERS_H
#define ELBO_DATA_READERS_H

#include "../base/error.h"
#include "../base/mem.h"

typedef struct readers readers;

/* Fetches an item into out. who is in [0, threads], the last one being the taker: whose scratch to use. error may be
 * NULL. */
typedef elbo_status (*readers_fetch)(void *user, int who, int64_t index, void *out, elbo_error *error);

/* Items of item_bytes each. Where threads cannot be started there are fewer. Errors: NO_MEMORY. */
elbo_status readers_open(readers **out, memory m, int threads, size_t item_bytes, readers_fetch fetch, void *user,
                         elbo_error *error);
void readers_close(readers *r);

/* Says that these items will be taken soon, in this order. What there is no room for is left out; announcements of
 * long ago give way. */
void readers_announce(readers *r, const int64_t *index, int64_t n);

/* Copies one item to out. Errors: those of fetch. */
elbo_status readers_take(readers *r, int64_t index, void *out, elbo_error *error);

#endif
