/* test_layers.c - parts that layers are made of: what dropout drops, and where; any number of nodes joined in order; streams of
 * random numbers below the longest names; and networks asked for by name. */
#include "model_rig.h"

#include "nn/architecture.h"
#include "nn/join.h"
#include "nn/layers.h"
#include "nn/norm.h"

/* ---- Dropout ---- */

enum { B = 64, PLACES = 9, C = 10 };

typedef node *(*dropping)(scope *s, node *x, double p);

/* Dropped numbers are 0, the others as much larger as makes up for them; whole: a channel of an example is dropped or not. */
static void check_dropout(dropping layer, bool whole)
{
    static double ones[B * PLACES * C];
    const double p = 0.25;
    graph *g = g_open(&mem_standard, B);
    scope s = {.g = g, .purpose = "train", .training = true};
    node *x = g_input(g, 0, F32, SHAPE(B, 3, 3, C), true, "x"), *y = layer(&s, x, p);
    assert_int_equal(g_status(g, NULL), ELBO_OK);
    rig r = rig_open(engine, g, &y, 1, BACKEND_CPU);
    for (int i = 0; i < B * PLACES * C; i++) ones[i] = 1;
    rig_set(&r, 0, F32, B * PLACES * C, ones);
    rig_run(&r);
    int dropped = 0, apart = 0, n = B * PLACES * C;
    for (int i = 0; i < n; i++) {
        double v = rig_at(&r, 0, i), first = rig_at(&r, 0, i / (PLACES * C) * (PLACES * C) + i % C);
        assert_true(v == 0 || rig_near(v, 1 / (1 - p), 1e-6, 0));
        dropped += v == 0;
        apart += (v == 0) != (first == 0);
    }
    int drawn = whole ? B * C : n;
    assert_true(fabs((double)dropped / n - p) < 5 * sqrt(p * (1 - p) / drawn));
    assert_int_equal(apart == 0, whole);
    rig_close(&r);
    g_close(g);
}

/* Nothing is added to the graph where nothing is trained, or dropped. */
static void check_no_dropout(dropping layer)
{
    graph *g = g_open(&mem_standard, B);
    scope s = {.g = g, .purpose = "train", .training = true}, evaluating = {.g = g, .purpose = "evaluate"};
    node *x = g_input(g, 0, F32, SHAPE(B, 3, 3, C), true, "x");
    assert_ptr_equal(layer(&s, x, 0), x);
    assert_ptr_equal(layer(&evaluating, x, 0.25), x);
    g_close(g);
}

static void test_dropout(void **state)
{
    (void)state;
    check_dropout(dropout, false);
    check_dropout(spatial_dropout, true);
    check_no_dropout(dropout);
    check_no_dropout(spatial_dropout);
}

/* ---- Joining ---- */

/* As many as fill a level, one less and one more. */
static void test_join(void **state)
{
    (void)state;
    static const int counts[] = {1, 2, 7, 8, 9, 16, 63, 64, 65, 72, 73};
    for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
        graph *g = g_open(&mem_standard, 0);
        node *x = g_input(g, 0, F32, SHAPE(2), false, "x");
        join j = {0};
        for (int i = 0; i < counts[k]; i++) join_add(&j, g_scale(x, i + 2));
        node *all = join_end(&j);
        assert_int_equal(g_status(g, NULL), ELBO_OK);
        assert_true(shape_equal(all->shape, SHAPE(2 * counts[k])));
        rig r = rig_open(engine, g, &all, 1, BACKEND_CPU);
        rig_set(&r, 0, F32, 2, (const double[]){1, 100});
        rig_run(&r);
        for (int i = 0; i < 2 * counts[k]; i++) assert_true(rig_at(&r, 0, i) == (i % 2 ? 100 : 1) * (i / 2 + 2));
        rig_close(&r);
        g_close(g);
    }
}

/* ---- Names ---- */

/* Of the longest path and a name as long two streams differ by what comes last, the number of the call. */
static void test_streams_of_long_names(void **state)
{
    (void)state;
    char path[STORE_NAME], name[STORE_NAME];
    memset(path, 'a', sizeof path);
    memset(name, 'b', sizeof name);
    path[STORE_NAME - 1] = name[STORE_NAME - 1] = 0;
    graph *g = g_open(&mem_standard, 4);
    scope s = {.g = g, .purpose = "a purpose as long as it may be", .training = true};
    scope_enter(&s, "%s", path);
    for (int i = 0; i < 20; i++) scope_random(&s, NORMAL, SHAPE(4, 2), name);
    assert_int_equal(g_status(g, NULL), ELBO_OK);
    g_close(g);
}

static void test_networks_by_name(void **state)
{
    (void)state;
    elbo_config *c = elbo_config_new(engine, NULL);
    assert_non_null(c);
    assert_non_null(net_find("mlp"));
    for (size_t i = 0; net_at(i); i++) {
        const net *n = net_at(i);
        assert_int_equal(elbo_config_set(c, "encoder", n->name, NULL), ELBO_OK);
        assert_int_equal(elbo_config_set(c, "decoder", n->name, NULL), ELBO_OK);
        assert_string_equal(elbo_config_get(c, "encoder"), n->encoder);
        assert_string_equal(elbo_config_get(c, "decoder"), n->decoder);
    }
    assert_int_equal(elbo_config_set(c, "critic", "mlp", NULL), ELBO_OK);
    assert_string_equal(elbo_config_get(c, "critic"), "mlp"); /* it has no networks */
    elbo_config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dropout),
        cmocka_unit_test(test_join),
        cmocka_unit_test(test_streams_of_long_names),
        cmocka_unit_test(test_networks_by_name),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
