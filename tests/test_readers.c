/* test_readers.c - threads that fetch ahead: what is taken is what the item is, in any order, announced or not, by any number of
 * threads and in the child of a fork; what fails in a reader is fetched again by the taker; and no signal is theirs. */
#include "data/readers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WIDTH = 5, BROKEN = 1000, READERS = 3 };

static struct {
    int threads;
    atomic_int fetched, by_readers, open_to_signals;
} seen;

static void item(int64_t index, int64_t out[WIDTH])
{
    for (int i = 0; i < WIDTH; i++) out[i] = index * 31 + i;
}

static elbo_status fetch(void *user, int who, int64_t index, void *out, elbo_error *error)
{
    seen.fetched += user == &seen;
    if (who < seen.threads) {
        sigset_t mask;
        pthread_sigmask(SIG_SETMASK, NULL, &mask);
        seen.by_readers++;
        seen.open_to_signals += !sigismember(&mask, SIGALRM) || !sigismember(&mask, SIGUSR1);
    }
    if (index >= BROKEN) return err_set(error, ELBO_BAD_FILE, "item %d is broken", (int)index);
    item(index, out);
    return ELBO_OK;
}

static readers *opened(int threads)
{
    readers *r = NULL;
    seen.threads = threads;
    seen.fetched = seen.by_readers = seen.open_to_signals = 0;
    assert_int_equal(readers_open(&r, &mem_standard, threads, WIDTH * sizeof(int64_t), fetch, &seen, NULL), ELBO_OK);
    return r;
}

static bool takes(readers *r, int64_t index)
{
    int64_t got[WIDTH] = {0}, want[WIDTH];
    item(index, want);
    return readers_take(r, index, got, NULL) == ELBO_OK && memcmp(got, want, sizeof want) == 0;
}

/* Announced in the order in which they are taken, in another one, not at all, too many at once, and never taken. */
static void test_any_order(void **state)
{
    (void)state;
    for (int threads = 0; threads <= READERS; threads++) {
        readers *r = opened(threads);
        int64_t many[BROKEN];
        for (int64_t i = 0; i < BROKEN; i++) many[i] = i * 7 % BROKEN;
        readers_announce(r, many, 20);
        for (int i = 0; i < 20; i++) assert_true(takes(r, many[i]));
        readers_announce(r, many, 50);
        for (int i = 49; i >= 0; i--) assert_true(takes(r, many[i]));
        for (int i = 0; i < 10; i++) assert_true(takes(r, many[0]));
        readers_announce(r, many, BROKEN);
        for (int i = 0; i < BROKEN; i += 3) assert_true(takes(r, many[i]));
        readers_announce(r, many, BROKEN);
        readers_close(r);
        assert_true(threads > 0 || seen.by_readers == 0);
    }
    readers_close(NULL);
}

/* What was announced is fetched by the readers, once. */
static void test_ahead(void **state)
{
    (void)state;
    readers *r = opened(READERS);
    const int64_t some[] = {3, 1, 2};
    readers_announce(r, some, 3);
    while (seen.by_readers < 3) usleep(100);
    readers_announce(r, some, 3);
    for (int i = 0; i < 3; i++) assert_true(takes(r, some[i]));
    assert_int_equal(seen.fetched, 3);
    assert_true(takes(r, 3)); /* taken, it is forgotten */
    assert_int_equal(seen.fetched, 4);
    readers_close(r);
}

static void test_broken(void **state)
{
    (void)state;
    readers *r = opened(READERS);
    const int64_t index[] = {BROKEN + 1, 5};
    int64_t got[WIDTH];
    elbo_error error = {0};
    readers_announce(r, index, 2);
    while (seen.by_readers < 2) usleep(100);
    assert_int_equal(readers_take(r, index[0], got, &error), ELBO_BAD_FILE);
    assert_string_equal(error.message, "item 1001 is broken");
    assert_true(takes(r, 5));
    readers_close(r);
}

static void test_signals(void **state)
{
    (void)state;
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    readers *r = opened(READERS);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int s = 1; s < NSIG; s++) assert_int_equal(sigismember(&after, s), sigismember(&before, s));
    const int64_t index[] = {0, 1, 2, 3, 4, 5};
    readers_announce(r, index, 6);
    while (seen.by_readers < 6) usleep(100);
    assert_int_equal(seen.open_to_signals, 0);
    readers_close(r);
}

static void test_fork(void **state)
{
    (void)state;
    readers *r = opened(READERS);
    const int64_t index[] = {0, 1, 2, 3};
    readers_announce(r, index, 4);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool good = true;
        readers_announce(r, index, 4);
        for (int i = 0; i < 4; i++) good = good && takes(r, i);
        readers_close(r);
        _exit(good ? 7 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    for (int i = 0; i < 4; i++) assert_true(takes(r, i));
    readers_close(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order), cmocka_unit_test(test_ahead), cmocka_unit_test(test_broken),
        cmocka_unit_test(test_signals),   cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
