/* test_vector_math.c - the vectorised functions of ew.def against long double, at every level this processor has: the
 * error in units of the last place over dense samples and all special values, and that a number's place in an array,
 * or the array's length, changes no bit. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "kernels/cpu/ew_loops.h"
#include "kernels/ref/numbers.h"

enum { N_BITS = 40000, N_NEAR = 30000, N_FAR = 20000, N_SAMPLES = 96000 }; /* a multiple of EW_GROUP */

static float sample[N_SAMPLES], result[N_SAMPLES];

static const float special[] = {
    0.0f, -0.0f, 1, -1, INFINITY, -INFINITY, NAN, FLT_MAX, -FLT_MAX, FLT_MIN, -FLT_MIN, 1e-45f, -1e-45f, 1e-40f, 0.5f, 2, 3,
    0x1.fffffep-1f, 0x1.000002p+0f, -0x1.fffffep-1f, 88.72283f, 88.72284f, 89, -87.33655f, -103.9f, -104, 16777216, 8388608.5f,
    -8388607.5f, 0x1.921fb6p+0f, 0x1.921fb6p+1f, 0x1.47d0fep+34f /* near a multiple of pi/2 */, 0.625f, -0.625f, 1e30f, 4, 1e10f,
};

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Special values, numbers of every size, and the stretches where the functions change. */
static int fill_samples(void **state)
{
    (void)state;
    size_t n = 0, n_special = sizeof special / sizeof *special;
    for (; n < n_special; n++) sample[n] = special[n];
    for (uint32_t i = 0; i < N_BITS; i++) sample[n++] = float_of(i * 107374u + i % 2749u);
    for (int i = 0; i < N_NEAR; i++) sample[n++] = (float)(i - N_NEAR / 2) * 1.234567e-4f;
    for (int i = 0; i < N_FAR; i++) sample[n++] = (float)(i - N_FAR / 2) * 1.123457e-2f;
    for (; n < N_SAMPLES; n++) sample[n] = (float)(n % 6007) * 1.61803e-3f;
    return 0;
}

/* ---- What the functions are ---- */

static long double sigmoid_exact(long double x)
{
    return 1 / (1 + expl(-x));
}

static long double softplus_exact(long double x)
{
    return (x > 0 ? x : 0) + log1pl(expl(-fabsl(x)));
}

static long double sign_exact(long double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

static long double digamma_exact(long double x)
{
    return (long double)num_digamma((double)x);
}

static long double lgamma_exact(long double x)
{
    return (long double)num_lgamma((double)x);
}

typedef struct function {
    const char *name;
    op_code op;
    long double (*exact)(long double);
    double bound; /* in units of the last place */
} function;

static const function functions[] = {
    {"exp", OP_exp, expl, 0.7},       {"expm1", OP_expm1, expm1l, 1.4},       {"log", OP_log, logl, 0.85},
    {"log1p", OP_log1p, log1pl, 0.9}, {"tanh", OP_tanh, tanhl, 1.35},         {"sigmoid", OP_sigmoid, sigmoid_exact, 1.9},
    {"sin", OP_sin, sinl, 1.6},       {"cos", OP_cos, cosl, 1.6},             {"softplus", OP_softplus, softplus_exact, 2.2},
    {"erf", OP_erf, erfl, 1.25},      {"sqrt", OP_sqrt, sqrtl, 0.501},        {"floor", OP_floor, floorl, 0},
    {"abs", OP_abs, fabsl, 0},        {"sign", OP_sign, sign_exact, 0},       {"digamma", OP_digamma, digamma_exact, 0.501},
    {"lgamma", OP_lgamma, lgamma_exact, 0.501},
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

/* The distance of y from the exact result in units of its last place; subnormal results count as equal to 0. */
static double error_of(float y, long double exact)
{
    if (exact != exact) return y != y ? 0 : HUGE_VAL;
    float nearest = (float)exact;
    if (isinf(nearest) || isinf(y)) {
        float limit = nearest > 0 ? FLT_MAX : -FLT_MAX;
        return y == nearest || (isinf(nearest) && !isinf((double)exact) && y == limit) ? 0 : HUGE_VAL;
    }
    if (fabsl(exact) < (long double)FLT_MIN) return fabsf(y) <= FLT_MIN ? 0 : HUGE_VAL;
    int exponent;
    frexpl(exact, &exponent);
    return (double)(fabsl((long double)y - exact) / ldexpl(1, exponent - 24));
}

static void check_function(const ew_level *level, const char *level_name, const function *f, const long double *exact)
{
    ew_apply(level, f->op, N_SAMPLES, result, (const float *[]){sample}, 1);
    double worst = 0;
    float at = 0;
    for (int i = 0; i < N_SAMPLES; i++) {
        double e = error_of(result[i], exact[i]);
        if (e > worst) {
            worst = e;
            at = sample[i];
        }
    }
    if (worst > f->bound) fail_msg("%s %s(%a): %.3f ulp, bound %.2f", level_name, f->name, (double)at, worst, f->bound);
    print_message("%-8s %-9s %.3f ulp at %.9g\n", level_name, f->name, worst, (double)at);
}

static void check_all(const char *level_name[], const ew_level *level[], int n_levels)
{
    long double *exact = calloc(N_SAMPLES, sizeof *exact);
    assert_non_null(exact);
    for (int i = 0; i < N_FUNCTIONS; i++) {
        for (int j = 0; j < N_SAMPLES; j++) exact[j] = functions[i].exact((long double)sample[j]);
        for (int l = 0; l < n_levels; l++) check_function(level[l], level_name[l], functions + i, exact);
    }
    free(exact);
}

static int levels(const char *name[3], const ew_level *level[3])
{
    int n = 0;
    name[n] = "portable";
    level[n++] = &ew_portable;
#if defined __x86_64__
    if (cpu_best() >= CPU_AVX2) {
        name[n] = "avx2";
        level[n++] = &ew_avx2;
    }
    if (cpu_best() >= CPU_AVX512) {
        name[n] = "avx512";
        level[n++] = &ew_avx512;
    }
#endif
    return n;
}

static void test_error_bounds(void **state)
{
    (void)state;
    const char *name[3];
    const ew_level *level[3];
    int n = levels(name, level);
    check_all(name, level, n);
}

/* Every elementwise operation, at every level: the same bits whatever the length and the place, and in place. */
static void test_place_does_not_matter(void **state)
{
    (void)state;
    enum { N = 1003 };
    const char *name[3];
    const ew_level *level[3];
    static float whole[N], part[N];
    const float *in[3] = {sample + 500, sample + 43000, sample + 72000};
    for (int l = 0, n = levels(name, level); l < n; l++) {
        for (op_code op = OP_neg; op < N_OPS; op++) {
            int arity = op < OP_add ? 1 : op < OP_where ? 2 : 3;
            ew_apply(level[l], op, N, whole, in, arity);
            for (size_t at = 0, step = 1; at < N; at += step, step = step % 61 + 7) {
                size_t count = at + step < N ? step : N - at;
                memcpy(part + at, in[0] + at, count * sizeof *part);
                ew_apply(level[l], op, count, part + at, (const float *[]){part + at, in[1] + at, in[2] + at}, arity);
            }
            for (int i = 0; i < N; i++)
                if (memcmp(whole + i, part + i, sizeof *whole) != 0 && (whole[i] == whole[i] || part[i] == part[i]))
                    fail_msg("%s, operation %d, number %d", name[l], (int)op, i);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_bounds),
        cmocka_unit_test(test_place_does_not_matter),
    };
    return cmocka_run_group_tests(tests, fill_samples, NULL);
}
