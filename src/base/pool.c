/* pool.c - see pool.h
 *
 * A run is announced by writing the job, then the parts left to hand out, then one more to the count of runs. A thread
 * owns a part once its decrement of parts_left gave a positive number, and reads the job only then; the run ends when
 * every part has been counted in parts_undone, so nobody can own a part of a run that is over and the job can be
 * replaced without a lock. A thread that comes too late finds parts_left used up and goes back to waiting.
 *
 * Waiting, for a run or for the end of one, is for one word to change: a short spin, because the next run usually
 * follows within microseconds; then yielding, so that a busy process on the same core gets on; then sleep. Waking
 * threads takes a lock only when somebody sleeps.
 *
 * A worker that shares its core with a busy process holds everybody up whenever it is stopped in the middle of a part. It
 * notices: awake all the time, it got less of the processor than the clock went on. Then it rests, and tries again later,
 * ever more rarely; the parts are done by the others, and are the same. */
#if defined __linux__ && !defined _GNU_SOURCE
#define _GNU_SOURCE /* sched_getaffinity */
#endif

#include "pool.h"
#include "clock.h"
#include "mode.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#if defined __x86_64__ || defined __SSE2__
#include <emmintrin.h>
#define PAUSE() _mm_pause()
#elif defined __GNUC__ && defined __aarch64__
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif

#define SPIN_SECONDS 50e-6
#define YIELD_SECONDS 2e-3
#define WATCH_SECONDS 100e-3
#define SHARE 0.65 /* of its core, that a worker should have got meanwhile */
#define FIRST_REST 50e-3
#define LONGEST_REST 1.6

enum { LINE = 64, STACK = 2 * 1024 * 1024 };

typedef struct worker {
    pool *p;
    int number;
    pthread_t thread;
    double awake_since, cpu_then; /* by the clock, and what the thread had used by then */
    double rest;                  /* the last one, seconds; 0: none was needed */
} worker;

struct pool {
    _Alignas(LINE) atomic_int parts_left; /* falls below zero when more threads ask than there are parts */
    _Alignas(LINE) atomic_int parts_undone;
    _Alignas(LINE) atomic_uint run;  /* counts runs announced */
    _Alignas(LINE) atomic_uint over; /* counts runs completed */
    _Alignas(LINE) atomic_int sleepers;
    atomic_bool stop;
    pool_fn fn; /* the job: written between runs only */
    void *arg;
    int n_parts;
    memory m;
    pid_t process; /* in another one, a child's, the workers do not exist */
    int threads, n_workers;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    worker workers[]; /* [threads - 1], of which n_workers run */
};

/* ---- Computing ---- */

/* All but those that tell of a fault, which can't wait. */
static void hold_signals(sigset_t *before)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    sigset_t held;
    sigfillset(&held);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&held, faults[i]);
    pthread_sigmask(SIG_BLOCK, &held, before);
}

pool_mode pool_enter(void)
{
    pool_mode mode = {.saved = mode_get()};
    hold_signals(&mode.signals);
    mode_set(mode_fast());
    return mode;
}

void pool_leave(pool_mode mode)
{
    mode_set(mode.saved);
    pthread_sigmask(SIG_SETMASK, &mode.signals, NULL);
}

/* ---- Waiting ---- */

static void sleep_while(pool *p, atomic_uint *word, unsigned old)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->sleepers, 1); /* before the word is read: who changes it later sees a sleeper */
    while (atomic_load(word) == old) pthread_cond_wait(&p->changed, &p->lock);
    atomic_fetch_sub(&p->sleepers, 1);
    pthread_mutex_unlock(&p->lock);
}

/* Returns once *word is no longer old; true if it slept. */
static bool wait_while(pool *p, atomic_uint *word, unsigned old)
{
    double start = clock_seconds(), waited = 0;
    while (waited < YIELD_SECONDS) {
        if (waited > SPIN_SECONDS) sched_yield();
        for (int i = 0; i < 16; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != old) return false;
            PAUSE();
        }
        waited = clock_seconds() - start;
    }
    sleep_while(p, word, old);
    return true;
}

static void change(pool *p, atomic_uint *word, unsigned value)
{
    atomic_store(word, value);
    if (atomic_load(&p->sleepers) == 0) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

/* ---- Working ---- */

static void take_parts(pool *p, int number)
{
    int left;
    while ((left = atomic_fetch_sub(&p->parts_left, 1)) > 0) {
        p->fn(p->arg, p->n_parts - left, number);
        if (atomic_fetch_sub(&p->parts_undone, 1) == 1) change(p, &p->over, atomic_load(&p->over) + 1);
    }
}

static void watch(worker *w)
{
    w->awake_since = clock_seconds();
    w->cpu_then = clock_cpu_seconds();
}

/* Whether somebody else had the worker's core while it was awake; looks only now and then. */
static bool is_crowded(worker *w)
{
    double awake = clock_seconds() - w->awake_since, cpu = w->cpu_then;
    if (awake < WATCH_SECONDS) return false;
    watch(w);
    bool crowded = w->cpu_then - cpu < SHARE * awake;
    if (!crowded) w->rest = 0;
    return crowded;
}

static void rest(worker *w)
{
    pool *p = w->p;
    w->rest = w->rest == 0 ? FIRST_REST : w->rest < LONGEST_REST ? 2 * w->rest : LONGEST_REST;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    int64_t ns = until.tv_nsec + (int64_t)(1e9 * w->rest);
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->stop) && pthread_cond_timedwait(&p->changed, &p->lock, &until) == 0) continue;
    pthread_mutex_unlock(&p->lock);
    watch(w);
}

static void *work(void *arg)
{
    worker *w = arg;
    pool *p = w->p;
    pool_enter();
    watch(w);
    for (;;) {
        unsigned run = atomic_load(&p->run);
        if (atomic_load(&p->stop)) return NULL;
        take_parts(p, w->number);
        if (is_crowded(w)) rest(w);
        else if (wait_while(p, &p->run, run)) watch(w);
    }
}

/* Starts as many workers as can be had. Signals are the business of the program's threads: the workers take none. */
static void start_workers(pool *p)
{
    p->process = getpid();
    p->n_workers = 0;
    pthread_attr_t attr;
    if (p->threads == 1 || pthread_attr_init(&attr)) return;
    pthread_attr_setstacksize(&attr, STACK);
    sigset_t all, own;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &own);
    while (p->n_workers < p->threads - 1) {
        worker *w = &p->workers[p->n_workers];
        *w = (worker){.p = p, .number = p->n_workers + 1};
        if (pthread_create(&w->thread, &attr, work, w)) break;
        p->n_workers++;
    }
    pthread_sigmask(SIG_SETMASK, &own, NULL);
    pthread_attr_destroy(&attr);
}

/* In the child of a fork: whatever the parent's threads were doing, here they are gone, with the lock one may hold. */
static void start_over(pool *p)
{
    atomic_store(&p->parts_left, 0);
    atomic_store(&p->sleepers, 0);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    start_workers(p);
}

static void run_here(int n_parts, pool_fn fn, void *arg)
{
    pool_mode mode = pool_enter();
    for (int i = 0; i < n_parts; i++) fn(arg, i, 0);
    pool_leave(mode);
}

void pool_run(pool *p, int n_parts, pool_fn fn, void *arg)
{
    if (n_parts > 1 && p->threads > 1 && p->process != getpid()) start_over(p);
    if (n_parts <= 1 || p->n_workers == 0) {
        run_here(n_parts, fn, arg);
        return;
    }
    unsigned over = atomic_load(&p->over);
    p->fn = fn;
    p->arg = arg;
    p->n_parts = n_parts;
    atomic_store(&p->parts_undone, n_parts);
    atomic_store(&p->parts_left, n_parts);
    change(p, &p->run, atomic_load(&p->run) + 1);
    pool_mode mode = pool_enter();
    take_parts(p, 0);
    wait_while(p, &p->over, over);
    pool_leave(mode);
}

/* ---- Opening and closing ---- */

pool *pool_open(memory m, int threads, elbo_error *error)
{
    size_t n_workers = (size_t)threads - 1;
    pool *p = mem_new(m, 1, sizeof *p + n_workers * sizeof(worker));
    if (!p) {
        err_memory(error, "a pool of threads");
        return NULL;
    }
    p->m = m;
    p->threads = threads;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
    start_workers(p);
    p->threads = p->n_workers + 1;
    return p;
}

void pool_close(pool *p)
{
    if (!p) return;
    if (p->process == getpid()) {
        pthread_mutex_lock(&p->lock);
        atomic_store(&p->stop, true);
        atomic_fetch_add(&p->run, 1);
        pthread_cond_broadcast(&p->changed); /* those that rest, too */
        pthread_mutex_unlock(&p->lock);
        for (int i = 0; i < p->n_workers; i++) pthread_join(p->workers[i].thread, NULL);
        pthread_cond_destroy(&p->changed);
        pthread_mutex_destroy(&p->lock);
    }
    mem_free(p->m, p);
}

int pool_threads(const pool *p)
{
    return p->threads;
}

int pool_processors(void)
{
#if defined __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : (int)n;
}
