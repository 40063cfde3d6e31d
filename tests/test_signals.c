/* test_signals.c - a program that handles signals while it trains: oneDNN's products move the stack pointer into memory of
 * their own, where a handler's frame would overwrite the heap, so computing holds signals back (pool.h). */
#include <elbo.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include <cmocka.h>

enum { EXAMPLES = 3000, D = 28 * 28 };

static volatile sig_atomic_t caught;

static void on_alarm(int number)
{
    (void)number;
    caught++;
}

static void alarm_every(int microseconds)
{
    struct itimerval t = {{0, microseconds}, {0, microseconds}};
    assert_int_equal(setitimer(ITIMER_REAL, &t, NULL), 0);
}

static elbo_data *pixels(elbo_engine *engine)
{
    static unsigned char x[EXAMPLES * D];
    for (size_t i = 0; i < sizeof x; i++) x[i] = (unsigned char)(i * 2654435761u >> 24);
    return elbo_data_from_memory(engine, x, ELBO_U8, EXAMPLES, (const int64_t[]){28, 28, 1}, NULL, NULL);
}

static void test_training_under_signals(void **state)
{
    (void)state;
    elbo_error error = {ELBO_OK, ""};
    elbo_engine *engine = elbo_engine_open(&(elbo_engine_options){.threads = 1}, &error);
    elbo_data *data = pixels(engine);
    elbo_config *config = elbo_config_new(engine, &error);
    assert_int_equal(elbo_config_preset(config, "tf1-mnist", &error), ELBO_OK);
    assert_int_equal(elbo_config_set(config, "epochs", "2", &error), ELBO_OK);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    alarm_every(500);
    elbo_model *model = elbo_train(engine, config, data, NULL, &error);
    alarm_every(0);
    assert_string_equal(error.message, "");
    assert_non_null(model);
    assert_true(caught > 10);
    elbo_model_free(model);
    elbo_config_free(config);
    elbo_data_free(data);
    elbo_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_training_under_signals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
