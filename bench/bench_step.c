/* bench_step.c - how long a training step takes: reading the batch, the plan, the finite check, the optimiser.
 *
 *     bench_step [KEY=VALUE ...] [seconds=S] [threads=N]      keys are elbo's options, as in encoder='dense 256 relu'
 *
 * Prints one line: milliseconds a step, median and quartiles, on bytes of 28x28 from memory (random, the arithmetic is the same).
 * bench/compare runs it and a peer in turn. */
#include "base/philox.h"
#include "base/text.h"
#include "train/feed.h"
#include "train/trainer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EXAMPLES = 6000, MOST = 100000 };

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void stop(const char *why)
{
    fprintf(stderr, "bench_step: %s\n", why);
    exit(1);
}

static elbo_data *random_bytes(elbo_engine *engine, elbo_error *error)
{
    static unsigned char x[EXAMPLES * 784];
    uint32_t words[4];
    for (size_t i = 0; i < sizeof x; i++) {
        if (i % 4 == 0) philox_block((philox_key){.seed = 1}, i / 4, words);
        x[i] = (unsigned char)(words[i % 4] & 0x80 ? words[i % 4] >> 24 : 0);
    }
    return elbo_data_from_memory(engine, x, ELBO_U8, EXAMPLES, (int64_t[]){28, 28, 1}, NULL, error);
}

/* One step as the trainer does it. */
static void step(elbo_model *m, feed *f, int64_t number, elbo_error *error)
{
    int64_t n, per_epoch = feed_steps(f) - 1; /* the last one is smaller */
    if (feed_train(f, number / per_epoch, number % per_epoch, &n, error) != ELBO_OK) stop(error->message);
    compiled *c = model_plan(m, (plan_key){.purpose = TRAIN, .examples = n, .dtype = ELBO_U8}, error);
    if (!c) stop(error->message);
    model_run(m, c, f->x, (run_env){.seed = 1, .step = (uint32_t)number});
    if (!gradient_is_finite(m, "model")) stop("the gradient is not finite");
    optim_settings o = {.rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .scale = 1, .step = number + 1};
    optimise(m, "model", &o);
    store_commit(&m->store);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(elbo_model *m, feed *f, double seconds, elbo_error *error)
{
    static double ms[MOST];
    int n = 0;
    int64_t number = 0;
    for (double end = seconds_now() + 0.2; seconds_now() < end; number++) step(m, f, number, error);
    for (double end = seconds_now() + seconds; seconds_now() < end && n < MOST; number++) {
        double begin = seconds_now();
        step(m, f, number, error);
        ms[n++] = 1e3 * (seconds_now() - begin);
    }
    qsort(ms, (size_t)n, sizeof *ms, by_value);
    printf("%.4f ms a step (%.4f to %.4f, %d steps)\n", ms[n / 2], ms[n / 4], ms[3 * n / 4], n);
}

int main(int argc, char **argv)
{
    elbo_error error = {ELBO_OK, ""};
    elbo_engine_options options = {.threads = 1};
    double seconds = 2, threads = 1;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "seconds=", 8) == 0) text_to_real(argv[i] + 8, &seconds);
        if (strncmp(argv[i], "threads=", 8) == 0) text_to_real(argv[i] + 8, &threads);
    }
    options.threads = (int)threads;
    elbo_engine *engine = elbo_engine_open(&options, &error);
    elbo_config *config = engine ? elbo_config_new(engine, &error) : NULL;
    for (int i = 1; config && i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals || strncmp(argv[i], "seconds=", 8) == 0 || strncmp(argv[i], "threads=", 8) == 0) continue;
        *equals = 0;
        if (elbo_config_set(config, argv[i], equals + 1, &error)) stop(error.message);
    }
    elbo_data *data = config ? random_bytes(engine, &error) : NULL;
    elbo_model *m = data ? elbo_model_new(engine, config, data, &error) : NULL;
    feed f;
    if (!m || feed_open(&f, data, 1, 0, config->batch, &error) != ELBO_OK) stop(error.message);
    measure(m, &f, seconds, &error);
    feed_close(&f, engine->m);
    elbo_model_free(m);
    elbo_data_free(data);
    elbo_config_free(config);
    elbo_engine_close(engine);
    return 0;
}
