/* measure.c - see measure.h */
#include "measure.h"
#include "base/clock.h"
#include "base/cpu.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 200000, LEAST = 3 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

timing measure(measured_fn run, void *arg, double seconds, int *next)
{
    static double ms[MOST];
    int n = 0;
    for (double end = clock_seconds() + seconds; (clock_seconds() < end || n < LEAST) && n < MOST; n++) {
        double begin = clock_seconds();
        run(arg, (*next)++);
        ms[n] = 1e3 * (clock_seconds() - begin);
    }
    qsort(ms, (size_t)n, sizeof *ms, by_value);
    return (timing){ms[n / 2], ms[n / 4], ms[3 * n / 4], n};
}

static void print(timing t)
{
    printf("%.4f ms (%.4f to %.4f, %d times)\n", t.median, t.low, t.high, t.n);
    fflush(stdout);
}

void measure_once(measured_fn run, void *arg, double seconds)
{
    int next = 0;
    measure(run, arg, 0.2, &next);
    print(measure(run, arg, seconds, &next));
}

void measure_on_demand(measured_fn run, void *arg)
{
    int next = 0;
    char line[64];
    measure(run, arg, 0.2, &next);
    while (fgets(line, sizeof line, stdin)) print(measure(run, arg, atof(line), &next));
}

/* ---- The machine ---- */

#if defined __GNUC__ && defined __x86_64__
#include <immintrin.h>

enum { CHAINS = 24, ROUNDS = 4000 };

/* ROUNDS rounds of independent multiply-adds; how many operations that were. */
__attribute__((target("avx512f"))) static double chains_avx512(float *sink)
{
    __m512 x[CHAINS], factor = _mm512_set1_ps(0.999f), sum = factor;
    for (int i = 0; i < CHAINS; i++) x[i] = factor;
    for (int r = 0; r < ROUNDS; r++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS; i++) x[i] = _mm512_fmadd_ps(x[i], factor, factor);
    for (int i = 0; i < CHAINS; i++) sum = _mm512_add_ps(sum, x[i]);
    _mm512_storeu_ps(sink, sum);
    return 2.0 * 16 * CHAINS * ROUNDS;
}

__attribute__((target("avx2,fma"))) static double chains_avx2(float *sink)
{
    enum { FEWER = 12 };
    __m256 x[FEWER], factor = _mm256_set1_ps(0.999f), sum = factor;
    for (int i = 0; i < FEWER; i++) x[i] = factor;
    for (int r = 0; r < ROUNDS; r++)
#pragma GCC unroll 12
        for (int i = 0; i < FEWER; i++) x[i] = _mm256_fmadd_ps(x[i], factor, factor);
    for (int i = 0; i < FEWER; i++) sum = _mm256_add_ps(sum, x[i]);
    _mm256_storeu_ps(sink, sum);
    return 2.0 * 8 * FEWER * ROUNDS;
}
#endif

static double chains_portable(float *sink)
{
    enum { FEWER = 32, SHORT = 4000 };
    float x[FEWER];
    for (int i = 0; i < FEWER; i++) x[i] = 1;
    for (int r = 0; r < SHORT; r++)
        for (int i = 0; i < FEWER; i++) x[i] = x[i] * 0.999f + 0.999f;
    for (int i = 0; i < 16; i++) sink[i] = x[i] + x[i + 16];
    return 2.0 * FEWER * SHORT;
}

static double chains(float *sink)
{
#if defined __GNUC__ && defined __x86_64__
    if (cpu_best() == CPU_AVX512) return chains_avx512(sink);
    if (cpu_best() == CPU_AVX2) return chains_avx2(sink);
#endif
    return chains_portable(sink);
}

double machine_peak(void)
{
    static volatile float kept;
    float sink[16];
    double best = 0;
    for (int i = 0; i < 200; i++) {
        double begin = clock_seconds(), n = chains(sink), rate = n / (clock_seconds() - begin);
        kept = sink[0];
        if (rate > best) best = rate;
    }
    (void)kept;
    return best;
}

#if defined __clang__
#define VECTORISED /* at -O2, too */
#else
#define VECTORISED __attribute__((optimize("O3")))
#endif

VECTORISED static void stream(size_t n, float *restrict x, float *restrict m, float *restrict v,
                              const float *restrict g)
{
    for (size_t i = 0; i < n; i++) {
        m[i] += g[i];
        v[i] -= g[i];
        x[i] += m[i];
    }
}

double machine_bandwidth(size_t bytes)
{
    size_t n = bytes / 16 + 16;
    float *x = aligned_alloc(64, (16 * n + 63) / 64 * 64);
    double best = 0;
    if (!x) return 0;
    for (size_t i = 0; i < 4 * n; i++) x[i] = 0;
    for (int i = 0; i < 50; i++) {
        double begin = clock_seconds();
        stream(n, x, x + n, x + 2 * n, x + 3 * n);
        double rate = 28.0 * (double)n / (clock_seconds() - begin);
        if (rate > best) best = rate;
    }
    free(x);
    return best;
}
