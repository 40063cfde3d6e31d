/* test_pool.c - the engine's threads: every part once, no part of a past run, forks, floating-point modes. */
#include "base/clock.h"
#include "base/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <fenv.h>
#include <float.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ThreadSanitizer would refuse the threads of a forked child. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

enum { MAX_PARTS = 1000, MAX_THREADS = 8 };

typedef struct job {
    int n_parts, n_workers;
    atomic_int calls[MAX_PARTS], strays;
    int64_t sums[MAX_PARTS]; /* plain memory: the end of a run must make it visible */
} job;

static void sum_part(void *arg, int part, int worker)
{
    job *j = arg;
    if (part < 0 || part >= j->n_parts || worker < 0 || worker >= j->n_workers) {
        atomic_fetch_add(&j->strays, 1);
        return;
    }
    atomic_fetch_add(&j->calls[part], 1);
    for (int i = 0; i < 100; i++) j->sums[part] += part + i;
}

static void check_run(pool *p, int n_parts)
{
    static job j;
    memset(&j, 0, sizeof j);
    j.n_parts = n_parts;
    j.n_workers = pool_threads(p);
    pool_run(p, n_parts, sum_part, &j);
    for (int i = 0; i < n_parts; i++) {
        assert_int_equal(j.calls[i], 1);
        assert_int_equal(j.sums[i], 100 * i + 4950);
    }
    assert_int_equal(j.strays, 0);
}

static pool *open_pool(int threads)
{
    elbo_error error;
    pool *p = pool_open(&mem_standard, threads, &error);
    assert_non_null(p);
    assert_int_equal(pool_threads(p), threads);
    return p;
}

static void test_every_part_once(void **state)
{
    (void)state;
    static const int parts[] = {0, 1, 2, 3, 4, 5, 7, 64, 999};
    for (int threads = 1; threads <= 4; threads++) {
        pool *p = open_pool(threads);
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) check_run(p, parts[i]);
        pool_close(p);
    }
}

static void add_one(void *arg, int part, int worker)
{
    (void)worker;
    ((int64_t *)arg)[part]++;
}

/* Runs in close succession, with the number of parts and the job changing: a thread that is late for one run must not
 * touch another. */
static void test_many_runs(void **state)
{
    (void)state;
    pool *p = open_pool(3);
    int64_t a[8] = {0}, b[8] = {0};
    for (int run = 0; run < 10000; run++) pool_run(p, 2 + run % 7, add_one, run % 2 ? a : b);
    int64_t total = 0, expected = 0;
    for (int i = 0; i < 8; i++) total += a[i] + b[i];
    for (int run = 0; run < 10000; run++) expected += 2 + run % 7;
    assert_int_equal(total, expected);
    pool_close(p);
}

/* Long enough pauses for the workers to be spinning, yielding and asleep when the next run comes. */
static void test_pauses(void **state)
{
    (void)state;
    pool *p = open_pool(3);
    static const long pauses_us[] = {1, 20, 60, 300, 1500, 2500, 5000};
    for (int i = 0; i < 70; i++) {
        nanosleep(&(struct timespec){0, pauses_us[i % 7] * 1000}, NULL);
        check_run(p, 5);
    }
    pool_close(p);
    for (int i = 0; i < 50; i++) pool_close(open_pool(1 + i % 4)); /* without a run */
    pool_close(NULL);
}

/* Both threads have a part; the worker's takes long. */
static void sleep_in_worker(void *arg, int part, int worker)
{
    (void)part;
    atomic_int *here = arg;
    atomic_fetch_add(here, 1);
    while (atomic_load(here) < 2) sched_yield();
    if (worker > 0) nanosleep(&(struct timespec){0, 6000000}, NULL);
}

/* The caller, too, goes to sleep while a part takes long, and is woken by its end. */
static void test_caller_sleeps(void **state)
{
    (void)state;
    pool *p = open_pool(2);
    for (int i = 0; i < 5; i++) {
        atomic_int here = 0;
        pool_run(p, 2, sleep_in_worker, &here);
        assert_int_equal(here, 2);
    }
    pool_close(p);
}

/* More threads than processors, and one part that waits for all others to be taken: needs all of them at once. */
static void meet(void *arg, int part, int worker)
{
    (void)part;
    atomic_int *here = arg;
    atomic_fetch_add(&here[worker], 1);
    atomic_fetch_add(&here[MAX_THREADS], 1);
    while (atomic_load(&here[MAX_THREADS]) < MAX_THREADS) sched_yield();
}

/* ---- Busy cores: workers rest, and the runs are the same ---- */

static void *spin(void *stop)
{
    while (!atomic_load((atomic_bool *)stop)) continue;
    return NULL;
}

static void test_crowded(void **state)
{
    (void)state;
    enum { BUSY = 4 };
    pthread_t busy[BUSY];
    atomic_bool stop = false;
    pool *p = open_pool(3);
    for (int i = 0; i < BUSY; i++) assert_int_equal(pthread_create(&busy[i], NULL, spin, &stop), 0);
    for (double end = clock_seconds() + 0.3; clock_seconds() < end;) check_run(p, 64);
    atomic_store(&stop, true);
    for (int i = 0; i < BUSY; i++) pthread_join(busy[i], NULL);
    check_run(p, 64);
    double begin = clock_seconds();
    pool_close(p);
    assert_true(clock_seconds() - begin < 1); /* whoever rests is woken */
}

static void test_workers_are_distinct(void **state)
{
    (void)state;
    pool *p = open_pool(MAX_THREADS);
    atomic_int here[MAX_THREADS + 1] = {0};
    pool_run(p, MAX_THREADS, meet, here);
    for (int i = 0; i < MAX_THREADS; i++) assert_int_equal(here[i], 1);
    pool_close(p);
}

/* ---- Forks ---- */

static int child_status(pool *p)
{
    pid_t child = fork();
    if (child == 0) {
        int64_t counts[8] = {0};
        atomic_int here[MAX_THREADS + 1] = {MAX_THREADS - 4};
        here[MAX_THREADS] = MAX_THREADS - pool_threads(p);
        pool_run(p, pool_threads(p), meet, here); /* ends only with all threads at work again */
        for (int i = 0; i < 100; i++) pool_run(p, 8, add_one, counts);
        bool good = true;
        for (int i = 0; i < 8; i++) good = good && counts[i] == 100;
        pool_close(p);
        _exit(good ? 42 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_fork(void **state)
{
    (void)state;
    pool *p = open_pool(3);
    assert_int_equal(child_status(p), 42); /* before a run */
    for (int i = 0; i < 3; i++) {
        check_run(p, 50);
        if (i == 1) nanosleep(&(struct timespec){0, 5000000}, NULL); /* with the workers asleep */
        assert_int_equal(child_status(p), 42);
    }
    check_run(p, 50); /* the parent's pool is as it was */
    pool_close(p);
    p = open_pool(2);
    pid_t child = fork();
    if (child == 0) { /* closing what it never used */
        pool_close(p);
        _exit(42);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    pool_close(p);
}

/* ---- Threads that cannot be started ---- */

/* Leaves room for a few stacks only; false where that cannot be told, or where a thread that gets a stack may want more. */
static bool limit_memory(void)
{
#ifdef ELBO_SANITIZED
    return false; /* a sanitizer ends the program when a thread that begins has no memory for what it keeps of it */
#endif
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f) return false;
    bool known = fscanf(f, "%lu", &pages) == 1;
    fclose(f);
    rlim_t bytes = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + 8 * 1024 * 1024;
    return known && setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes}) == 0;
}

static void test_no_more_threads(void **state)
{
    (void)state;
    enum { WANTED = 100, LIMITED = 42, UNLIMITED = 77 };
    pid_t child = fork();
    if (child == 0) {
        if (!limit_memory()) _exit(UNLIMITED);
        pool *p = pool_open(&mem_standard, WANTED, NULL);
        int threads = p ? pool_threads(p) : 0;
        check_run(p, 200);
        pool_close(p);
        _exit(threads >= 1 && threads < WANTED ? LIMITED : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == UNLIMITED) skip();
    assert_int_equal(WEXITSTATUS(status), LIMITED);
}

/* ---- Floating-point mode ---- */

static volatile float tiny = FLT_MIN;

static bool flushes(void)
{
    volatile float half = tiny / 2;
    return half == 0;
}

static bool rounds_up(void)
{
    volatile float one = 1;
    return one + FLT_EPSILON / 4 > 1;
}

typedef struct look {
    int n_threads;
    atomic_int here, wrong;
} look;

/* Waits for all threads, so that each of them looks. */
static void look_at_mode(void *arg, int part, int worker)
{
    (void)part;
    (void)worker;
    look *l = arg;
    if (!flushes() || rounds_up()) atomic_fetch_add(&l->wrong, 1);
    atomic_fetch_add(&l->here, 1);
    while (atomic_load(&l->here) < l->n_threads) sched_yield();
}

static void test_mode(void **state)
{
    (void)state;
    assert_false(flushes());
    pool_mode outer = pool_enter();
    bool supported = flushes();
    pool_mode inner = pool_enter();
    pool_leave(inner);
    assert_int_equal(flushes(), supported);
    pool_leave(outer);
    assert_false(flushes());
    if (!supported) skip();
    fesetround(FE_UPWARD);
    for (int threads = 1; threads <= 3; threads++) {
        pool *p = open_pool(threads);
        look l = {.n_threads = threads};
        pool_run(p, threads, look_at_mode, &l);
        l.n_threads = 1;
        pool_run(p, 1, look_at_mode, &l);
        assert_int_equal(l.wrong, 0);
        pool_close(p);
    }
    assert_true(rounds_up());
    fesetround(FE_TONEAREST);
    assert_false(flushes());
}

static void test_processors(void **state)
{
    (void)state;
    assert_true(pool_processors() >= 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_part_once),
        cmocka_unit_test(test_many_runs),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_caller_sleeps),
        cmocka_unit_test(test_crowded),
        cmocka_unit_test(test_workers_are_distinct),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_no_more_threads),
        cmocka_unit_test(test_mode),
        cmocka_unit_test(test_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
