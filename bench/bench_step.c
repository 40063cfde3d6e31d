/* bench_step.c - how long a training step takes, or decoding, and where the time goes.
 *
 *     bench_step [KEY=VALUE ...]       keys are elbo's options, as in encoder='dense 256 relu', and
 *
 *     shape=28x28x1   of the data: random bytes in memory, the arithmetic is the same
 *     decode=N        decoding of N latents instead of a training step
 *     threads=N       default 1
 *     seconds=S       how long to measure, default 2
 *     profile=1       a table: time, rate and share of each kind of work, the machine's limits, and how far from them
 *     profile=2       and every step of the plan
 *     on-demand=1     measures for each line of standard input (bench/compare)
 *
 * A step is decoding, or all that training does for a batch: reading it, the plan of each objective, the check that everything is
 * finite, the optimiser. */
#include "base/clock.h"
#include "base/philox.h"
#include "base/text.h"
#include "measure.h"
#include "train/feed.h"
#include "train/optimise.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXAMPLES = 6000 };

typedef struct bench {
    int64_t shape[3], decode;
    double threads, seconds, profile, on_demand;
    elbo_engine *engine;
    elbo_config *config;
    elbo_data *data;
    elbo_model *m;
    feed feed;
    float *z, *x; /* of decoding */
    double data_seconds, plan_seconds, optimiser_seconds;
    elbo_error error;
} bench;

static void stop(const char *why)
{
    fprintf(stderr, "bench_step: %s\n", why);
    exit(1);
}

static elbo_data *random_bytes(bench *b)
{
    size_t n = (size_t)(EXAMPLES * b->shape[0] * b->shape[1] * b->shape[2]);
    unsigned char *x = malloc(n);
    uint32_t words[4];
    if (!x) stop("out of memory");
    for (size_t i = 0; i < n; i++) {
        if (i % 4 == 0) philox_block((philox_key){.seed = 1}, i / 4, words);
        x[i] = (unsigned char)(words[i % 4] & 0x80 ? words[i % 4] >> 24 : 0);
    }
    elbo_data *d = elbo_data_from_memory(b->engine, x, ELBO_U8, EXAMPLES, b->shape, NULL, &b->error);
    free(x);
    return d;
}

/* ---- A step ---- */

static compiled *plan_of(bench *b, int number, int64_t n)
{
    plan_key train = {.purpose = TRAIN, .examples = n, .dtype = ELBO_U8, .objective = number};
    plan_key decode = {.purpose = DECODE, .examples = model_bucket(n), .dtype = ELBO_F32, .backend = BACKEND_CPU_OWN};
    compiled *c = model_plan(b->m, b->decode ? decode : train, &b->error);
    if (!c) stop(b->error.message);
    return c;
}

static void train_step(void *arg, int number)
{
    bench *b = arg;
    int64_t n, per_epoch = b->feed.n_train / b->feed.batch; /* whole ones */
    double begin = clock_seconds();
    if (feed_train(&b->feed, number / per_epoch, number % per_epoch, &n, &b->error) != ELBO_OK) stop(b->error.message);
    double read = clock_seconds();
    for (int i = b->m->n_objectives - 1; i >= 0; i--)
        model_run(b->m, plan_of(b, i, n), b->feed.x, (run_env){.seed = 1, .step = (uint32_t)number});
    double run = clock_seconds();
    for (int i = 0; i < b->m->n_objectives; i++) {
        const char *group = b->m->objectives[i].group;
        optim_settings o = {.rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .scale = 1, .step = number + 1};
        if (!gradient_is_finite(b->m, group)) stop("the gradient is not finite");
        optimise(b->m, group, &o);
    }
    store_commit(&b->m->store);
    b->data_seconds += read - begin;
    b->plan_seconds += run - read;
    b->optimiser_seconds += clock_seconds() - run;
}

static void decode_step(void *arg, int number)
{
    bench *b = arg;
    (void)number;
    if (elbo_model_decode(b->m, b->z, b->decode, b->x, &b->error) != ELBO_OK) stop(b->error.message);
}

/* ---- The profile ---- */

typedef enum work { PRODUCTS, CONVOLUTIONS, ELEMENTWISE, SUMS, RANDOM, OTHERS, KINDS } work;
static const char *const work_names[] = {"products", "convolutions", "elementwise", "sums", "random numbers", "other steps"};

static work work_of(const step_cost *c)
{
    if (c->fused) return ELEMENTWISE;
    switch (c->op) {
    case OP_matmul: return PRODUCTS;
    case OP_conv:
    case OP_conv_dx:
    case OP_conv_dw: return CONVOLUTIONS;
    case OP_sum: return SUMS;
    case OP_random: return RANDOM;
    default: return OTHERS;
    }
}

typedef struct share {
    double seconds, flops, bytes;
} share;

/* What a step spent on each kind of work, added up over threads. */
static void add_plan(const bench *b, const compiled *c, double steps, share *out)
{
    int n = plan_steps(c->plan), workers = pool_threads(b->engine->threads);
    double runs = b->decode ? (double)b->decode / (double)c->key.examples : 1;
    for (int i = 0; i < n; i++) {
        step_cost cost = plan_cost(c->plan, i);
        share *s = &out[work_of(&cost)];
        for (int w = 0; w < workers; w++) s->seconds += c->seconds[w * n + i] / steps;
        s->flops += runs * cost.flops;
        s->bytes += runs * cost.bytes;
    }
}

static void print_share(const char *name, share s, double step)
{
    if (s.seconds == 0) return;
    printf("%-15s %8.3f ms %5.1f %%", name, 1e3 * s.seconds, 100 * s.seconds / step);
    if (s.bytes > 0) printf(" %7.1f GB/s", 1e-9 * s.bytes / s.seconds);
    if (s.flops > 0) printf(" %7.1f GFLOP/s", 1e-9 * s.flops / s.seconds);
    printf("\n");
}

static void print_steps(bench *b, compiled *c, double steps)
{
    int n = plan_steps(c->plan), workers = pool_threads(b->engine->threads);
    for (int i = 0; i < n; i++) {
        for (int w = 1; w < workers; w++) c->seconds[i] += c->seconds[w * n + i];
        c->seconds[i] /= steps;
    }
    text out;
    text_open(&out, b->engine->m);
    plan_dump(c->plan, c->seconds, &out);
    if (!out.failed) printf("%s", out.bytes);
    text_close(&out);
}

static void print_floor(const bench *b, double flops, double step)
{
    double parameters = (double)b->m->info.n_parameters, threads = b->threads;
    double peak = machine_peak(), bandwidth = machine_bandwidth((size_t)(16 * parameters));
    double floor = (flops / peak + (b->decode ? 0 : 28 * parameters / bandwidth)) / threads;
    printf("a core here: %.0f GFLOP/s, and %.0f GB/s over %.1f MB as Adam reads and writes them\n", 1e-9 * peak, 1e-9 * bandwidth,
           16e-6 * parameters);
    printf("floor of a step (%.2f GFLOP%s, %.0f thread%s): %.3f ms; it takes %.2f times that\n", 1e-9 * flops,
           b->decode ? "" : ", Adam's 28 bytes a parameter", threads, threads > 1 ? "s" : "", 1e3 * floor, step / floor);
}

static void measure_profile(bench *b, measured_fn run)
{
    int next = 0, workers = pool_threads(b->engine->threads), n_plans = b->decode ? 1 : b->m->n_objectives;
    compiled *c[MAX_OBJECTIVES];
    measure(run, b, 0.2, &next);
    for (int i = 0; i < n_plans; i++) {
        c[i] = plan_of(b, i, b->decode ? b->decode : b->feed.batch);
        c[i]->seconds = mem_new(b->engine->m, (size_t)workers * (size_t)plan_steps(c[i]->plan), sizeof(double));
        if (!c[i]->seconds) stop("out of memory");
    }
    b->data_seconds = b->plan_seconds = b->optimiser_seconds = 0;
    int first = next;
    double begin = clock_seconds();
    measure(run, b, b->seconds, &next);
    double n = next - first, step = (clock_seconds() - begin) / n, parameters = (double)b->m->info.n_parameters;
    share kinds[KINDS] = {{0}}, all = {0};
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): as many were set above */
    for (int i = 0; i < n_plans; i++) add_plan(b, c[i], n, kinds);
    printf("step            %8.3f ms, mean of %.0f; %d thread%s, whose times are added up below\n", 1e3 * step, n, workers,
           workers > 1 ? "s" : "");
    for (int k = 0; k < KINDS; k++) {
        print_share(work_names[k], kinds[k], step);
        all.seconds += kinds[k].seconds;
        all.flops += kinds[k].flops;
    }
    if (!b->decode) {
        print_share("waiting", (share){.seconds = workers * b->plan_seconds / n - all.seconds}, step);
        print_share("optimiser", (share){.seconds = b->optimiser_seconds / n, .bytes = 28 * parameters}, step);
        print_share("data", (share){.seconds = b->data_seconds / n}, step);
    }
    print_floor(b, all.flops, step);
    for (int i = 0; i < n_plans; i++) {
        if (b->profile > 1) print_steps(b, c[i], n);
        mem_free(b->engine->m, c[i]->seconds);
        c[i]->seconds = NULL;
    }
}

/* ---- The program ---- */

static bool read_own(bench *b, const char *key, const char *value)
{
    const struct { const char *key; double *to; } numbers[] = {
        {"threads", &b->threads}, {"seconds", &b->seconds}, {"profile", &b->profile}, {"on-demand", &b->on_demand}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(key, numbers[i].key) == 0) return text_to_real(value, numbers[i].to);
    if (strcmp(key, "decode") == 0) return text_to_int(value, &b->decode);
    long long h, w, c;
    if (strcmp(key, "shape") != 0 || sscanf(value, "%lldx%lldx%lld", &h, &w, &c) != 3) return false;
    b->shape[0] = h, b->shape[1] = w, b->shape[2] = c;
    return true;
}

static void read_arguments(bench *b, char **argv, bool own)
{
    for (; *argv; argv++) {
        char *equals = strchr(*argv, '=');
        if (!equals) stop("arguments are KEY=VALUE");
        *equals = 0;
        bool mine = read_own(b, *argv, equals + 1);
        if (!own && !mine && elbo_config_set(b->config, *argv, equals + 1, &b->error)) stop(b->error.message);
        *equals = '=';
    }
}

static void open_bench(bench *b, char **argv)
{
    read_arguments(b, argv, true);
    b->engine = elbo_engine_open(&(elbo_engine_options){.threads = (int)b->threads}, &b->error);
    b->config = b->engine ? elbo_config_new(b->engine, &b->error) : NULL;
    if (!b->config) stop(b->error.message);
    read_arguments(b, argv, false);
    b->data = random_bytes(b);
    b->m = b->data ? elbo_model_new(b->engine, b->config, b->data, &b->error) : NULL;
    if (!b->m || feed_open(&b->feed, b->data, 1, 0, b->config->batch, &b->error) != ELBO_OK) stop(b->error.message);
    b->z = mem_new(b->engine->m, (size_t)(b->decode * b->m->info.latent_size), sizeof *b->z);
    b->x = mem_new(b->engine->m, (size_t)(b->decode * model_numbers(b->m)), sizeof *b->x);
    if (!b->z || !b->x) stop("out of memory");
}

static void close_bench(bench *b)
{
    mem_free(b->engine->m, b->z);
    mem_free(b->engine->m, b->x);
    feed_close(&b->feed, b->engine->m);
    elbo_model_free(b->m);
    elbo_data_free(b->data);
    elbo_config_free(b->config);
    elbo_engine_close(b->engine);
}

int main(int argc, char **argv)
{
    bench b = {.shape = {28, 28, 1}, .threads = 1, .seconds = 2};
    (void)argc;
    open_bench(&b, argv + 1);
    measured_fn run = b.decode ? decode_step : train_step;
    if (b.on_demand > 0) measure_on_demand(run, &b);
    else if (b.profile > 0) measure_profile(&b, run);
    else measure_once(run, &b, b.seconds);
    close_bench(&b);
    return 0;
}
