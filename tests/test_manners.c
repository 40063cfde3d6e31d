/* test_manners.c - the library as a guest in a program: models in several threads at once, one engine each; in a forked child;
 * ended from a callback at any event; and nothing of the program changed: its signals, locale, rounding, directory, files. */
#include <elbo.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <dirent.h>
#include <fenv.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 20, SIZE = 12, LATENT = 2, THREADS = 4 };

/* ThreadSanitizer would refuse the threads of a forked child. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

/* ---- A small training, and its outcome ---- */

typedef struct outcome {
    elbo_status status;
    double total, nll;
    float code[COUNT * LATENT], pictures[3 * SIZE];
} outcome;

typedef struct work {
    elbo_engine *engine; /* NULL: one of its own */
    const char *directory; /* of the run; NULL: none */
    const char *family, *seed;
    int stop_at;         /* the event that ends training, from 1; 0: none */
    bool stopped;
    outcome result;
} work;

static int on_event(void *user, const elbo_event *event)
{
    work *w = user;
    (void)event;
    return w->stop_at && (w->stopped = --w->stop_at == 0);
}

static void fill(float *x)
{
    for (int i = 0; i < COUNT * SIZE; i++) x[i] = (float)(i * 37 % 101) / 128; /* exact, however one rounds */
}

static elbo_model *train(work *w, elbo_engine *engine, elbo_data *data)
{
    const char *const options[][2] = {{"family", w->family},      {"seed", w->seed}, {"encoder", "dense 9 relu"},
                                      {"decoder", "dense 9 relu"}, {"latent", "2"},   {"epochs", "3"},
                                      {"batch", "6"}};
    elbo_train_options o = {.directory = w->directory, .pictures = 1, .on_event = on_event, .user = w};
    elbo_error error = {0};
    elbo_config *c = elbo_config_new(engine, NULL);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (elbo_config_set(c, options[i][0], options[i][1], &error) != ELBO_OK) abort();
    elbo_model *m = elbo_train(engine, c, data, &o, &error);
    elbo_config_free(c);
    w->result.status = error.code;
    return m;
}

static void use(work *w, elbo_model *m, elbo_data *data, const float *x)
{
    outcome *r = &w->result;
    elbo_metrics metrics;
    if (elbo_model_evaluate(m, data, &metrics, NULL) || elbo_model_nll(m, data, 20, &r->nll, NULL) ||
        elbo_model_encode(m, x, COUNT, r->code, NULL, NULL) || elbo_model_sample(m, 3, 1, r->pictures, NULL))
        r->status = ELBO_FAILED;
    r->total = metrics.total;
}

/* In a thread there are no assertions: the outcome tells. */
static void *run(void *arg)
{
    work *w = arg;
    float x[COUNT * SIZE];
    fill(x);
    memset(&w->result, 0, sizeof w->result);
    elbo_engine *engine = w->engine ? w->engine : elbo_engine_open(&(elbo_engine_options){.threads = 2}, NULL);
    elbo_data *data = elbo_data_from_memory(engine, x, ELBO_F32, COUNT, (const int64_t[]){1, 1, SIZE}, NULL, NULL);
    elbo_model *m = train(w, engine, data);
    if (m) use(w, m, data, x);
    elbo_model_free(m);
    elbo_data_free(data);
    if (!w->engine) elbo_engine_close(engine);
    return NULL;
}

static const work works[THREADS] = {{.family = "vae", .seed = "1"}, {.family = "iwae", .seed = "2"},
                                    {.family = "factor", .seed = "3"}, {.family = "vae", .seed = "1"}};

static outcome alone(int i)
{
    work w = works[i];
    run(&w);
    assert_int_equal(w.result.status, ELBO_OK);
    return w.result;
}

static void test_threads(void **state)
{
    (void)state;
    work w[THREADS];
    pthread_t thread[THREADS];
    memcpy(w, works, sizeof w);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&thread[i], NULL, run, &w[i]), 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        outcome expected = alone(i);
        assert_memory_equal(&w[i].result, &expected, sizeof expected);
    }
}

/* A child goes on with the engine it was born with, and so does its parent. */
static void test_fork(void **state)
{
    (void)state;
    outcome expected = alone(0);
    work w = works[0];
    w.engine = elbo_engine_open(&(elbo_engine_options){.threads = 2}, NULL);
    run(&w);
    assert_memory_equal(&w.result, &expected, sizeof expected);
    pid_t child = fork();
    assert_true(child >= 0);
    run(&w);
    bool same = memcmp(&w.result, &expected, sizeof expected) == 0;
    elbo_engine_close(w.engine);
    if (child == 0) _exit(!same);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(same && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Each event may be the last. */
static void test_ended_from_a_callback(void **state)
{
    (void)state;
    int n = 1;
    for (bool stopped = true; stopped; n++) {
        work w = works[0];
        w.stop_at = n;
        run(&w);
        stopped = w.stopped;
        assert_true(w.result.status == (stopped ? ELBO_CANCELLED : ELBO_OK));
        assert_true(n < 100);
    }
    assert_true(n > 5); /* notes, and an event an epoch */
}

/* ---- What is the program's own ---- */

static int open_files(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d)) n++;
    if (d) closedir(d);
    return n;
}

static void handler(int signal)
{
    (void)signal;
}

static void test_nothing_is_changed(void **state)
{
    (void)state;
    struct sigaction mine = {.sa_handler = handler}, before[NSIG], now;
    sigset_t mask, mask_now;
    char here[4096], here_now[4096];
    sigaction(SIGUSR1, &mine, NULL);
    for (int s = 1; s < NSIG; s++) sigaction(s, NULL, &before[s]);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    assert_non_null(getcwd(here, sizeof here));
    char *locale = strdup(setlocale(LC_ALL, NULL));
    alone(0); /* libraries that stay open are now */
    int files = open_files();
    fesetround(FE_UPWARD);
    alone(0);
    assert_int_equal(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    assert_int_equal(open_files(), files);
    for (int s = 1; s < NSIG; s++) {
        if (sigaction(s, NULL, &now) != 0) continue;
        assert_true(now.sa_handler == before[s].sa_handler && now.sa_flags == before[s].sa_flags);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask_now);
    for (int s = 1; s < NSIG; s++) assert_int_equal(sigismember(&mask_now, s), sigismember(&mask, s));
    assert_non_null(getcwd(here_now, sizeof here_now));
    assert_string_equal(here_now, here);
    assert_string_equal(setlocale(LC_ALL, NULL), locale);
    free(locale);
}

/* Programs that were built with -ffast-math take subnormal numbers for zero everywhere: the results are the same. */
static void test_subnormals(void **state)
{
    (void)state;
#if defined __SSE2__
    unsigned int mode = __builtin_ia32_stmxcsr(), flush = mode | 0x8040;
    outcome plain = alone(2);
    __builtin_ia32_ldmxcsr(flush);
    if (!(__builtin_ia32_stmxcsr() & 0x8040)) skip(); /* valgrind does without the mode */
    outcome flushed = alone(2);
    unsigned int after = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(mode);
    assert_int_equal(after & 0x8040, 0x8040);
    assert_memory_equal(&plain, &flushed, sizeof plain);
#else
    skip();
#endif
}

/* However the program rounds, the numbers are the same, and so are the files but for their times. */
static void test_rounding(void **state)
{
    (void)state;
    static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
    char place[] = "test_manners.XXXXXX", directory[4][64], command[256];
    outcome plain[2];
    assert_non_null(mkdtemp(place));
    for (int k = 0; k < 4; k++) {
        snprintf(directory[k], sizeof directory[k], "%s/%d", place, k);
        for (int i = 0; i < 2; i++) {
            work w = works[i + 1];
            if (i == 1) w.directory = directory[k];
            assert_int_equal(fesetround(modes[k]), 0);
            run(&w);
            assert_int_equal(fegetround(), modes[k]);
            fesetround(FE_TONEAREST);
            assert_int_equal(w.result.status, ELBO_OK);
            if (k == 0) plain[i] = w.result;
            assert_memory_equal(&w.result, &plain[i], sizeof plain[i]);
        }
        snprintf(command, sizeof command, "diff -r -x times.jsonl '%s' '%s'", directory[0], directory[k]);
        assert_int_equal(system(command), 0);
    }
    snprintf(command, sizeof command, "rm -r '%s'", place);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_ended_from_a_callback),
        cmocka_unit_test(test_nothing_is_changed),
        cmocka_unit_test(test_subnormals),
        cmocka_unit_test(test_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
