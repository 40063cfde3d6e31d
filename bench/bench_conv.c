/* bench_conv.c - GFLOP/s of convolutions as a plan runs them, with oneDNN and with elbo's own kernels, one thread.
 *
 *     bench_conv [batch, default 64] [seconds per figure, default 0.1]
 *
 * y is a convolution (or what a transposed one's gradient by its image is), x the gradient by its image (a transposed
 * convolution), w the gradient by its weights. The two take turns and the best round counts. */
#include "graph/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROUNDS = 7 };

typedef struct layer {
    const char *model;
    int64_t size, channels, results, kernel, stride, padding;
} layer;

static const layer layers[] = {
    {"conv-64", 64, 3, 32, 3, 2, 1},   {"conv-64", 32, 32, 64, 3, 2, 1},  {"conv-64", 16, 64, 128, 3, 2, 1},
    {"conv-64", 8, 128, 256, 3, 2, 1}, {"conv-64", 4, 256, 512, 3, 2, 1}, {"conv-64", 64, 32, 32, 3, 2, 1},
    {"conv-64", 64, 32, 3, 3, 1, 1},   {"conv-28", 28, 1, 32, 3, 2, 1},   {"conv-28", 14, 32, 64, 3, 2, 1},
    {"conv-28", 28, 32, 32, 3, 2, 1},  {"conv-28", 28, 32, 1, 3, 1, 1},   {"others", 32, 3, 32, 4, 2, 1},
    {"others", 16, 64, 64, 3, 1, 1},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* of this thread alone: another program's load counts less */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *numbers(size_t n)
{
    float *x = mem_new(&mem_standard, n, sizeof *x);
    if (!x) exit(1);
    for (size_t i = 0; i < n; i++) x[i] = (float)(i % 1000) * 1e-3f - 0.5f;
    return x;
}

/* One pass of a layer, compiled: x and y are inputs 0 and 1, w the only parameter. */
typedef struct job {
    graph *g;
    plan *p;
    plan_buffers b;
    const void *inputs[2];
    double flops;
} job;

static node *pass_of(graph *g, const layer *l, int64_t batch, int pass)
{
    int32_t s = (int32_t)l->stride, p = (int32_t)l->padding;
    node *x = g_input(g, 0, F32, SHAPE(batch, l->size, l->size, l->channels), true, "x");
    node *w = g_param(g, 0, SHAPE(l->kernel, l->kernel, l->channels, l->results), "w"), *d[2];
    node *y = g_conv(x, w, (conv_geometry){.stride = {s, s}, .padding = {p, p}});
    if (pass == 0) return y;
    node *dy = g_input(g, 1, F32, y->shape, true, "dy");
    g_gradient(g_sum_all(g_mul(y, dy)), (node *[]){x, w}, 2, d);
    return d[pass - 1];
}

static job open_job(elbo_engine *e, const layer *l, int64_t batch, int pass, plan_backend backend)
{
    elbo_error error = {0};
    job j = {.g = g_open(&mem_standard, batch)};
    plan_output out = {pass_of(j.g, l, batch, pass), TO_ARENA, 0};
    graph *raw = j.g;
    j.g = g_simplify(raw, &out.value, 1, &error);
    g_close(raw);
    j.p = j.g ? plan_compile(e, j.g, &out, 1, backend, &error) : NULL;
    if (!j.p) {
        fprintf(stderr, "bench_conv: %s\n", error.message);
        exit(1);
    }
    size_t image = (size_t)(batch * l->size * l->size * l->channels);
    size_t places = (size_t)(l->size + 2 * l->padding - l->kernel) / (size_t)l->stride + 1;
    j.inputs[0] = numbers(image);
    j.inputs[1] = numbers((size_t)(batch * l->results) * places * places);
    j.b = (plan_buffers){.inputs = j.inputs, .values = numbers((size_t)(l->kernel * l->kernel * l->channels * l->results))};
    j.b.arena = mem_new(&mem_standard, plan_arena_size(j.p) + 64, 1);
    j.b.scratch = mem_new(&mem_standard, plan_scratch_size(j.p) + 64, 1);
    if (!j.b.arena || !j.b.scratch) exit(1);
    j.flops = plan_flops(j.p);
    return j;
}

static void close_job(job *j)
{
    plan_close(j->p);
    g_close(j->g);
    void *held[] = {(void *)(uintptr_t)j->inputs[0], (void *)(uintptr_t)j->inputs[1], (void *)(uintptr_t)j->b.values, j->b.arena,
                    j->b.scratch};
    for (int i = 0; i < 5; i++) mem_free(&mem_standard, held[i]);
}

static double time_of(const job *j, int repeats)
{
    double begin = now();
    for (int i = 0; i < repeats; i++) plan_run(j->p, &j->b);
    return (now() - begin) / repeats;
}

/* The best seconds of each of the two. */
static void measure(const job *j, double seconds, double best[2])
{
    for (int i = 0; i < 2; i++) best[i] = time_of(&j[i], 1);
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < 2; i++) {
            double t = time_of(&j[i], 1 + (int)(seconds / ROUNDS / best[i]));
            if (t < best[i]) best[i] = t;
        }
    }
}

int main(int n_args, char **args)
{
    static const plan_backend backends[] = {BACKEND_CPU, BACKEND_CPU_OWN};
    int64_t batch = n_args > 1 ? atoll(args[1]) : 64;
    double seconds = n_args > 2 ? atof(args[2]) : 0.1, sum[2] = {0};
    elbo_engine *e = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    if (!e || batch < 1) return 1;
    printf("batch %lld, GFLOP/s: with oneDNN | own\n%-38s %15s %15s %15s\n", (long long)batch, "", "y", "x", "w");
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const layer *l = &layers[i];
        printf("%s %3dx%-3d %3d ->%4d  %dx%d/%d  ", l->model, (int)l->size, (int)l->size, (int)l->channels, (int)l->results,
               (int)l->kernel, (int)l->kernel, (int)l->stride);
        for (int pass = 0; pass < 3; pass++) {
            job j[2];
            double best[2];
            for (int k = 0; k < 2; k++) j[k] = open_job(e, l, batch, pass, backends[k]);
            measure(j, seconds, best);
            printf("  %6.1f | %6.1f", j[0].flops / best[0] * 1e-9, j[1].flops / best[1] * 1e-9);
            for (int k = 0; k < 2; k++) sum[k] += best[k], close_job(&j[k]);
        }
        printf("\n");
        fflush(stdout);
    }
    printf("sum: %.1f ms | %.1f ms\n", sum[0] * 1e3, sum[1] * 1e3);
    elbo_engine_close(e);
    return 0;
}
