/* pool.h - the engine's threads.
 *
 * pool_run calls fn(arg, part) once for every part in [0, n_parts), spread over the threads, and returns when all are
 * done. How the work is cut into parts is the caller's and depends on the problem only, so results do not depend on
 * the number of threads. Workers spin briefly between runs, then yield, then sleep; a run with one part, or a pool of
 * one thread, runs in the caller. After a fork the child finds its threads gone and starts its own at the next run. If
 * threads can't be started the pool works with those it has; pool_threads tells how many, the caller among them. While
 * computing, subnormal numbers count as zero (FTZ/DAZ): in the workers always, in the caller during pool_run and
 * between pool_enter and pool_leave. */
#ifndef ELBO_BASE_POOL_H
#define ELBO_BASE_POOL_H

#include "error.h"
#include "mem.h"

#include <signal.h>

typedef struct pool pool;
typedef void (*pool_fn)(void *arg, int part, int worker); /* worker in [0, pool_threads) tells whose scratch to use */

pool *pool_open(memory m, int threads, elbo_error *error); /* threads >= 1 */
void pool_close(pool *p);
int pool_threads(const pool *p);
/* fn must not call pool_run on the same pool. */
void pool_run(pool *p, int n_parts, pool_fn fn, void *arg);

/* Brackets a stretch of computing in the calling thread: rounds to nearest, traps nothing, takes subnormal numbers for
 * zero, and restores the caller's floating-point mode in the end. Signals that wait are held back till then: oneDNN's
 * products move the stack pointer into memory of their own, where the frame of a handler overwrites what lies below.
 * May be nested. */
typedef struct pool_mode {
    uint64_t saved;
    sigset_t signals;
} pool_mode;
pool_mode pool_enter(void);
void pool_leave(pool_mode mode);

/* The processors this process may run on, at least 1. */
int pool_processors(void);

#endif
