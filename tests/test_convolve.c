/* test_convolve.c - the fast convolutions on layers large enough for every path of theirs (the library's, patches of either side,
 * weights cut or images cut), against the reference; whole and by examples; the same bits for any number of threads; and the
 * shape errors of the builders. test_ops.c has the mathematics. */
/* ctest: slow */
#include "rig.h"

#include "base/cpu.h"
#include "kernels/cpu/product.h"

typedef struct layer {
    int64_t batch, h, w, c, f;
    int64_t kernel[2];
    conv_geometry a;
} layer;

static const layer layers[] = {
    {5, 32, 32, 3, 32, {3, 3}, {.stride = {2, 2}, .padding = {1, 1}}},
    {7, 16, 16, 32, 3, {3, 3}, {.padding = {1, 1}}},
    {5, 15, 17, 16, 1, {5, 3}, {.padding = {2, 1}}},
    {4, 13, 11, 16, 4, {3, 3}, {.stride = {2, 2}, .padding = {1, 1}, .dilation = {2, 1}}},
    {3, 7, 8, 48, 2, {3, 3}, {.padding = {4, 4}}},
    {9, 16, 12, 24, 40, {4, 4}, {.stride = {2, 2}, .padding = {1, 1}}},
    {3, 14, 14, 32, 64, {3, 3}, {.stride = {3, 1}, .padding = {0, 2}, .dilation = {1, 2}}},
    {4, 4, 4, 96, 160, {3, 3}, {.stride = {2, 2}, .padding = {1, 1}}},
    {66, 2, 2, 128, 160, {3, 3}, {.stride = {2, 2}, .padding = {1, 1}}},
    {33, 9, 9, 16, 16, {1, 1}, {.stride = {1, 1}}},
    {48, 14, 14, 24, 48, {3, 3}, {.stride = {2, 2}, .padding = {1, 1}}},
    {5, 12, 12, 16, 24, {3, 3}, {.padding = {1, 1}, .groups = 4}},
    {40, 8, 8, 20, 12, {3, 3}, {.padding = {2, 2}}},
    {6, 20, 20, 8, 6, {3, 2}, {.stride = {1, 1}, .dilation = {2, 3}}},
};

enum { N_LAYERS = sizeof layers / sizeof *layers, N_OUTPUTS = 4 };

/* 1, 2, 3 threads; 1 thread with elbo's own products, and with those for lesser processors. */
enum { OWN = 3, LESSER, MOST_ENGINES = LESSER + CPU_AVX512 };
static elbo_engine *engines[MOST_ENGINES];
static int n_engines;

/* y, and what all three operations make of it: dx, dw, and the conv of dx. */
static graph *build(const layer *l, int64_t examples, node *out[N_OUTPUTS])
{
    graph *g = g_open(&mem_standard, examples);
    assert_non_null(g);
    int64_t groups = l->a.groups ? l->a.groups : 1;
    node *x = g_input(g, 0, F32, SHAPE(l->batch, l->h, l->w, l->c), examples > 0, "x");
    node *w = g_input(g, 1, F32, SHAPE(l->kernel[0], l->kernel[1], l->c / groups, l->f), false, "w");
    out[0] = g_conv(x, w, l->a);
    g_gradient(g_scale(g_sum_all(g_square(out[0])), 0.5), (node *[]){x, w}, 2, out + 1);
    out[3] = g_conv(out[1], w, l->a);
    elbo_error error = {0};
    if (g_status(g, &error) != ELBO_OK) print_error("%s\n", error.message);
    assert_int_equal(g_status(g, NULL), ELBO_OK);
    return g;
}

static rig run(elbo_engine *e, const layer *l, graph *g, node **out, plan_backend backend)
{
    static double v[1 << 18];
    rig r = rig_open(e, g, out, N_OUTPUTS, backend);
    int64_t groups = l->a.groups ? l->a.groups : 1;
    const int64_t n[2] = {l->batch * l->h * l->w * l->c, l->kernel[0] * l->kernel[1] * l->c / groups * l->f};
    for (int i = 0; i < 2; i++) {
        assert_true(n[i] <= 1 << 18);
        for (int64_t k = 0; k < n[i]; k++) v[k] = sin(0.7 * (double)k * (double)(k % 13) + i);
        rig_set(&r, i, F32, n[i], v);
    }
    rig_run(&r);
    return r;
}

static void check_close(const rig *got, const rig *want, const layer *l)
{
    for (int o = 0; o < N_OUTPUTS; o++) {
        double floor = 0.5 * rig_largest(want, o);
        for (int64_t i = 0; i < rig_count(want, o); i++) {
            double a = rig_at(got, o, i), b = rig_at(want, o, i);
            if (!rig_near(a, b, 4e-6, floor))
                print_error("layer %d, output %d [%lld]: got %.9g, expected %.9g\n", (int)(l - layers), o, (long long)i, a, b);
            assert_true(rig_near(a, b, 4e-6, floor));
        }
    }
}

static void check_layer(const layer *l, int64_t examples)
{
    node *out[N_OUTPUTS], *whole[N_OUTPUTS];
    graph *g = build(l, examples, out), *h = build(l, 0, whole);
    rig want = run(engines[0], l, h, whole, BACKEND_REF_DOUBLE), one = run(engines[0], l, g, out, BACKEND_CPU);
    check_close(&one, &want, l);
    for (int e = 1; e < n_engines; e++) {
        rig other = run(engines[e], l, g, out, e == OWN ? BACKEND_CPU_OWN : BACKEND_CPU);
        if (e >= OWN) check_close(&other, &want, l);
        for (int o = 0; e < OWN && o < N_OUTPUTS; o++) assert_true(rig_same_bits(&one, &other, o));
        rig_close(&other);
    }
    rig_close(&want);
    rig_close(&one);
    g_close(g);
    g_close(h);
}

static void test_layers(void **state)
{
    (void)state;
    for (int i = 0; i < N_LAYERS; i++) {
        check_layer(&layers[i], 0);
        check_layer(&layers[i], layers[i].batch);
    }
}

/* ---- Mistakes ---- */

static void expect(node *x, const char *words)
{
    elbo_error error = {0};
    assert_int_equal(g_status(x->g, &error), ELBO_USAGE);
    if (!strstr(error.message, words)) print_error("\"%s\" lacks \"%s\"\n", error.message, words);
    assert_non_null(strstr(error.message, words));
    assert_non_null(strstr(error.message, "test_convolve.c:"));
    g_close(x->g);
}

static node *image(int64_t h, int64_t w, int64_t c)
{
    graph *g = g_open(&mem_standard, 0);
    assert_non_null(g);
    return g_input(g, 0, F32, SHAPE(2, h, w, c), false, "x");
}

static node *weights(node *x, int64_t size, int64_t c, int64_t f)
{
    return g_input(x->g, 1, F32, SHAPE(size, size, c, f), false, "w");
}

static void test_mistakes(void **state)
{
    (void)state;
    node *x = image(4, 5, 6);
    expect(g_conv(x, weights(x, 3, 5, 8), (conv_geometry){0}), "C / groups");
    x = image(4, 5, 6);
    expect(g_conv(x, weights(x, 3, 3, 7), (conv_geometry){.groups = 2}), "multiple of groups");
    x = image(4, 5, 6);
    expect(g_conv(x, weights(x, 5, 6, 8), (conv_geometry){0}), "[2,4,5,6] with weights [5,5,6,8]: the window is larger");
    x = image(4, 5, 6);
    expect(g_conv(x, weights(x, 3, 6, 8), (conv_geometry){.stride = {-1, 1}}), "stride and dilation");
    x = image(4, 5, 6);
    expect(g_conv(x, weights(x, 3, 6, 8), (conv_geometry){.output_padding = {1, 0}}), "output_padding is for");
    x = image(4, 5, 6);
    expect(g_conv(g_reshape(x, SHAPE(2, 120)), weights(x, 3, 6, 8), (conv_geometry){0}), "an image [B,H,W,C]");
    x = image(4, 5, 6);
    expect(g_conv_transpose(x, weights(x, 3, 8, 5), (conv_geometry){0}), "last size");
    x = image(4, 5, 6);
    expect(g_conv_transpose(x, weights(x, 3, 8, 6), (conv_geometry){.stride = {2, 2}, .output_padding = {2, 0}}),
           "less than stride");
    x = image(4, 5, 6);
    expect(g_conv_transpose(x, weights(x, 1, 8, 6), (conv_geometry){.padding = {2, 2}}), "nothing is left");
    x = image(4, 5, 6);
    expect(g_pool_max(x, (window){.size = {2, 2}, .padding = {2, 0}}), "at most half");
    x = image(4, 5, 6);
    expect(g_pool_average(x, (window){.size = {0, 2}}), "positive sizes");
    x = image(4, 5, 6);
    expect(g_resize_bilinear(x, 0, 3), "positive sizes");
}

static int open_engines(void **state)
{
    (void)state;
    n_engines = LESSER + (int)cpu_best();
    for (int i = 0; i < n_engines; i++) {
        engines[i] = rig_engine(i < OWN ? 1 + i : 1, i == OWN);
        if (i < LESSER) continue;
        engines[i]->library = product_open(&mem_standard, PRODUCT_BUILTIN, (cpu_level)(i - LESSER));
        engines[i]->library_close = product_close;
        assert_non_null(engines[i]->library);
    }
    return 0;
}

static int close_engines(void **state)
{
    (void)state;
    for (int i = 0; i < n_engines; i++) elbo_engine_close(engines[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_layers), cmocka_unit_test(test_mistakes)};
    return cmocka_run_group_tests(tests, open_engines, close_engines);
}
