/* test_bf16.c - products of numbers rounded to bf16: against sums in double of such numbers, the processor's unit against the
 * portable one to the bit, and whole plans against graphs that round their operands themselves. */
#include "rig.h"

#include "base/cpu.h"
#include "kernels/cpu/product_bf16.h"
#include "kernels/ref/numbers.h"

#include <stdlib.h>

static uint32_t random_state = 7;

static int draw(int n)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (int)((random_state >> 8) % (unsigned)n);
}

static float *numbers(int64_t n)
{
    float *x = malloc((size_t)n * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(draw(4001) - 2000) * 1e-3f;
    return x;
}

/* ---- Products ---- */

/* Operands have rows as long as they are, C has three numbers more. */
typedef struct trial {
    bool ta, tb, add;
    int64_t m, n, k;
    float *a, *b, *c;
} trial;

static float *product_by(const bf16_unit *u, const trial *t)
{
    int64_t ldc = t->n + 3, parts = 1 + draw(4);
    float *c = malloc((size_t)(t->m * ldc) * sizeof *c);
    void *packed = aligned_alloc(64, bf16_packed(t->n, t->k)), *room = aligned_alloc(64, bf16_room(t->k));
    assert_true(c && packed && room);
    memset(packed, 0xff, bf16_packed(t->n, t->k)); /* nan */
    memcpy(c, t->c, (size_t)(t->m * ldc) * sizeof *c);
    for (int64_t i = parts; i-- > 0;)
        bf16_pack(u, t->tb, t->n, t->k, t->b, t->tb ? t->k : t->n, packed, (int)i, (int)parts);
    bf16_by_packed(u, t->ta, t->m, t->n, t->k, t->a, t->ta ? t->m : t->k, packed, c, ldc, t->add, room);
    free(packed);
    free(room);
    return c;
}

static double rounded(float x)
{
    return (double)bf16_to(bf16_from(x));
}

static void check_sums(const trial *t, const float *c)
{
    for (int64_t i = 0; i < t->m; i++) {
        for (int64_t j = 0; j < t->n + 3; j++) {
            double sum = t->add || j >= t->n ? (double)t->c[i * (t->n + 3) + j] : 0, size = 1;
            for (int64_t l = 0; j < t->n && l < t->k; l++) {
                int64_t in_a = t->ta ? l * t->m + i : i * t->k + l, in_b = t->tb ? j * t->k + l : l * t->n + j;
                double x = rounded(t->a[in_a]) * rounded(t->b[in_b]);
                sum += x;
                size += fabs(x);
            }
            assert_true(fabs((double)c[i * (t->n + 3) + j] - sum) <= (j < t->n ? 1e-6 * size : 0));
        }
    }
}

static void test_products(void **state)
{
    (void)state;
    enum { TRIALS = 120 };
    for (int i = 0; i < TRIALS; i++) {
        trial t = {.ta = draw(2), .tb = draw(2), .add = draw(2), .m = 1 + draw(70), .n = 1 + draw(70), .k = 1 + draw(100)};
        t.a = numbers(t.m * t.k);
        t.b = numbers(t.n * t.k);
        t.c = numbers(t.m * (t.n + 3));
        float *portable = product_by(bf16_portable(), &t), *best = product_by(bf16_best(), &t);
        check_sums(&t, portable);
        assert_memory_equal(portable, best, (size_t)(t.m * (t.n + 3)) * sizeof *best);
        free(t.a), free(t.b), free(t.c), free(portable), free(best);
    }
}

/* Asked twice, the system answers the same, and the unit is the one it says. */
static void test_unit(void **state)
{
    (void)state;
    assert_true(cpu_may_use_amx() == (bf16_best() != bf16_portable()));
    assert_ptr_equal(bf16_best(), bf16_best());
}

/* ---- Plans ---- */

enum { B = 40, MOST = 3 };

typedef node *rounder(node *x);

static node *as_it_is(node *x)
{
    return x;
}

static node *to_bf16(node *x)
{
    return g_cast(g_cast(x, BF16), F32);
}

typedef node *builder(graph *g, rounder *r);

static node *give(graph *g, int slot, shape s, bool batch)
{
    return g_input(g, slot, F32, s, batch, "x");
}

static node *dense(graph *g, rounder *r)
{
    return g_matmul(r(give(g, 0, SHAPE(B, 130), true)), r(give(g, 1, SHAPE(130, 70), false)));
}

static node *dense_dx(graph *g, rounder *r)
{
    return g_matmul_flags(r(give(g, 0, SHAPE(B, 130), true)), r(give(g, 1, SHAPE(70, 130), false)), TRANSPOSE_B);
}

static node *dense_dw(graph *g, rounder *r)
{
    return g_matmul_flags(r(give(g, 0, SHAPE(B, 130), true)), r(give(g, 1, SHAPE(B, 90), true)), TRANSPOSE_A);
}

static const conv_geometry halved = {.stride = {2, 2}, .padding = {1, 1}};

static node *conv(graph *g, rounder *r)
{
    return g_conv(r(give(g, 0, SHAPE(B, 9, 8, 17), true)), r(give(g, 1, SHAPE(3, 3, 17, 33), false)), halved);
}

static node *conv_pointwise(graph *g, rounder *r)
{
    const conv_geometry plain = {.groups = 1};
    return g_conv(r(give(g, 0, SHAPE(B, 5, 5, 36), true)), r(give(g, 1, SHAPE(1, 1, 36, 40), false)), plain);
}

static node *conv_dx(graph *g, rounder *r)
{
    return g_conv_transpose(r(give(g, 0, SHAPE(B, 5, 4, 33), true)), r(give(g, 1, SHAPE(3, 3, 17, 33), false)), halved);
}

static node *conv_dw_of(graph *g, rounder *r, shape x, shape y, shape w)
{
    node *a = r(give(g, 0, x, true)), *b = r(give(g, 1, y, true)), *weights = give(g, 2, w, false), *dw;
    g_gradient(g_sum_all(g_mul(g_conv(a, weights, halved), b)), &weights, 1, &dw);
    return dw;
}

static node *conv_dw(graph *g, rounder *r) /* summed block by block */
{
    return conv_dw_of(g, r, SHAPE(B, 9, 8, 17), SHAPE(B, 5, 4, 33), SHAPE(3, 3, 17, 33));
}

static node *conv_dw_large(graph *g, rounder *r) /* cut by taps and results, a few hundred places at a time */
{
    return conv_dw_of(g, r, SHAPE(B, 10, 9, 120), SHAPE(B, 5, 5, 160), SHAPE(3, 3, 120, 160));
}

static rig run_of(elbo_engine *e, builder *build, rounder *round, bool bf16, plan_backend backend)
{
    graph *g = g_open(&mem_standard, B);
    node *y = build(g, round);
    if (bf16) g_products_in_bf16(g);
    rig r = rig_open(e, g, &y, 1, backend);
    random_state = 11;
    for (int slot = 0; slot < MOST; slot++) {
        for (int i = 0; i < g_count(g); i++) {
            node *x = g_at(g, i);
            if (x->op != OP_input || x->at.slot != slot) continue;
            int64_t n = shape_count(x->shape);
            double *v = malloc((size_t)n * sizeof *v);
            assert_non_null(v);
            for (int64_t k = 0; k < n; k++) v[k] = (double)(float)((draw(4001) - 2000) * 1e-3);
            rig_set(&r, slot, F32, n, v);
            free(v);
        }
    }
    rig_run(&r);
    return r;
}

static void close_run(rig *r)
{
    graph *g = r->g;
    rig_close(r);
    g_close(g);
}

/* Rounding of the operands is all that IN_BF16 changes, on any number of threads; and it is done. */
static void test_plans(void **state)
{
    (void)state;
    static builder *const builders[] = {dense, dense_dx, dense_dw, conv, conv_pointwise, conv_dx, conv_dw, conv_dw_large};
    elbo_engine *one = rig_engine(1, true), *three = rig_engine(3, false);
    for (size_t i = 0; i < sizeof builders / sizeof *builders; i++) {
        rig want = run_of(one, builders[i], to_bf16, false, BACKEND_REF);
        rig exact = run_of(one, builders[i], as_it_is, false, BACKEND_REF);
        rig got = run_of(one, builders[i], as_it_is, true, BACKEND_CPU);
        rig same = run_of(three, builders[i], as_it_is, true, BACKEND_CPU);
        double floor = rig_largest(&want, 0), differs = 0;
        for (int64_t k = 0; k < rig_count(&want, 0); k++) {
            assert_true(rig_near(rig_at(&got, 0, k), rig_at(&want, 0, k), 2e-6, floor));
            differs = fmax(differs, fabs(rig_at(&got, 0, k) - rig_at(&exact, 0, k)));
        }
        assert_true(differs > 1e-4 * floor);
        assert_true(rig_same_bits(&got, &same, 0));
        close_run(&want), close_run(&got), close_run(&same), close_run(&exact);
    }
    elbo_engine_close(one);
    elbo_engine_close(three);
}

/* Small ones, those of many matrices and grouped convolutions stay as they are. */
static void test_left_alone(void **state)
{
    (void)state;
    graph *g = g_open(&mem_standard, B);
    node *x = give(g, 0, SHAPE(B, 12, 12, 32), true), *w = give(g, 1, SHAPE(3, 3, 8, 32), false);
    node *many = give(g, 2, SHAPE(B, 64, 64), true), *row = give(g, 3, SHAPE(B, 64), true);
    node *few = give(g, 4, SHAPE(64, 15), false);
    node *left[] = {g_conv(x, w, (conv_geometry){.groups = 4}), g_matmul(many, many), g_matmul(row, few)};
    g_products_in_bf16(g);
    for (int i = 0; i < 3; i++) assert_false(g_broken(left[i]) || left[i]->at.flag & IN_BF16);
    g_close(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_unit),
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_left_alone),
    };
    return cmocka_run_group_tests_name("bf16", tests, NULL, NULL);
}
