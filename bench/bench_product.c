/* bench_product.c - GFLOP/s of oneDNN's and the built-in matrix product for the layers of a VAE, one thread.
 *
 *     bench_product [seconds per figure, default 0.05]
 *
 * NN is a forward pass x W with so many rows, NT the gradient dy W', TN a weight gradient x' dy over so many examples.
 * The products take turns and the best round counts, so that another program's load hits all alike. */
#include "base/clock.h"
#include "kernels/cpu/product.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 15, LARGEST = 784 * 784 };

static const int64_t layers[][2] = {{784, 400}, {400, 20}, {20, 400}, {400, 784}}; /* inputs, outputs */
static const int64_t batches[] = {1, 16, 32, 64, 128, 512};

typedef struct job {
    const char *kind;
    bool ta, tb;
    int64_t m, n, k;
} job;

static double time_of(const void *library, const job *j, int repeats, const float *a, const float *b, float *c)
{
    double begin = clock_seconds();
    for (int i = 0; i < repeats; i++)
        product(library, j->ta, j->tb, j->m, j->n, j->k, a, j->ta ? j->m : j->k, b, j->tb ? j->k : j->n, c, j->n);
    return (clock_seconds() - begin) / repeats;
}

static void measure(void *const *library, int n, const job *j, double seconds, const float *a, const float *b, float *c)
{
    double flops = 2.0 * (double)(j->m * j->n * j->k), best[4];
    for (int i = 0; i < n; i++) {
        double once = time_of(library[i], j, 1, a, b, c);
        best[i] = once < 1e-9 ? 1e-9 : once;
    }
    for (int r = 0; r < ROUNDS; r++) {
        for (int i = 0; i < n; i++) {
            double t = time_of(library[i], j, 1 + (int)(seconds / ROUNDS / best[i]), a, b, c);
            if (t < best[i]) best[i] = t;
        }
    }
    printf("%s %4d x %4d x %4d", j->kind, (int)j->m, (int)j->n, (int)j->k);
    for (int i = 0; i < n; i++) printf("  %15.1f", flops / best[i] * 1e-9);
    /* cppcheck-suppress uninitvar ; there are two libraries or more */
    printf("  %9.0f%%\n", 100 * best[0] / best[1]);
}

int main(int n_args, char **args)
{
    double seconds = n_args > 1 ? atof(args[1]) : 0.05, begin = clock_seconds();
    void *library[3] = {product_open(&mem_standard, PRODUCT_BEST, cpu_best())};
    double opening = clock_seconds() - begin;
    library[1] = product_open(&mem_standard, PRODUCT_BUILTIN, cpu_best());
    library[2] = product_open(&mem_standard, PRODUCT_BUILTIN, CPU_AVX2 < cpu_best() ? CPU_AVX2 : CPU_PORTABLE);
    float *x = malloc(3 * LARGEST * sizeof *x);
    if (!x || !library[0] || !library[1] || !library[2]) return 1;
    for (int i = 0; i < 3 * LARGEST; i++) x[i] = (float)(i % 1000) * 1e-3f;
    printf("%s opened in %.1f ms\n\n     m      n      k  ", product_name(library[0]), opening * 1e3);
    for (int i = 0; i < 3; i++) printf("  %15s", product_name(library[i]));
    printf("  2nd of 1st\n");
    for (size_t i = 0; i < sizeof layers / sizeof *layers * 3; i++) {
        int64_t in = layers[i / 3][0], out = layers[i / 3][1];
        for (size_t s = 0; s < sizeof batches / sizeof *batches; s++) {
            int64_t rows = batches[s];
            job j[3] = {{"NN", false, false, rows, out, in},
                        {"NT", false, true, rows, in, out},
                        {"TN", true, false, in, out, rows}};
            measure(library, 3, &j[i % 3], seconds, x, x + LARGEST, x + 2 * LARGEST);
        }
    }
    free(x);
    for (int i = 0; i < 3; i++) product_close(library[i]);
    return 0;
}
