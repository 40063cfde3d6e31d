/* test_architecture.c - layers in words: what comes out of each, how many parameters it has and what they are called, against
 * what is computed by hand; what auto stands for; and what is said of mistakes. */
#include "rig.h"

#include "base/text.h"
#include "nn/architecture.h"

#include <stdlib.h>

typedef struct built {
    graph *g;
    store store;
    node *y;
    char *notes;
} built;

/* The layers over two examples of a picture, or of numbers where only one size is given. */
static built build(const char *layers, shape one)
{
    built b = {.g = g_open(&mem_standard, 2)};
    assert_non_null(b.g);
    store_open(&b.store, &mem_standard);
    scope s = {.g = b.g, .store = &b.store, .group = "model", .purpose = "train", .training = true};
    shape whole = {.rank = one.rank + 1, .dim = {2}}, picture = SCALAR;
    memcpy(whole.dim + 1, one.dim, (size_t)one.rank * sizeof *one.dim);
    text notes;
    text_open(&notes, &mem_standard);
    b.y = architecture(&s, g_input(b.g, 0, F32, whole, true, "x"), layers, &picture, &notes);
    b.notes = text_take(&notes);
    assert_non_null(b.notes);
    return b;
}

static void discard(built *b)
{
    mem_free(&mem_standard, b->notes);
    store_close(&b->store);
    g_close(b->g);
}

/* ---- What they are ---- */

typedef struct layer_row {
    const char *result;
    long long parameters;
} layer_row;

enum { MOST = 8 };

static const struct {
    const char *layers;
    shape x;
    layer_row rows[MOST];
} cases[] = {
    {"conv 4 5x3/2 relu; res 4 bn relu; res 6/2 relu; res 6/2; dense 7", {3, {8, 12, 2}},
     {{"[4,7,4]", 15 * 2 * 4 + 4},
      {"[4,7,4]", 2 * (9 * 4 * 4 + 4) + 2 * 8},
      {"[2,4,6]", 9 * 4 * 6 + 6 + 9 * 6 * 6 + 6 + 4 * 6 + 6},
      {"[1,2,6]", 2 * (9 * 6 * 6 + 6) + 6 * 6 + 6},
      {"[7]", 12 * 7 + 7}}},
    {"pool max 2; up 3 bilinear; channel-dropout 0; dropout 0.5; dense auto; reshape auto", {3, {9, 8, 3}},
     {{"[4,4,3]", 0}, {"[12,12,3]", 0}, {"[12,12,3]", 0}, {"[12,12,3]", 0}, {"[468]", 432 * 468 + 468}, {"[13,12,3]", 0}}},
    {"conv 2 3x3/2; conv 3 4x4/2; flatten; dense 48 bn; reshape auto ln", {3, {14, 16, 1}},
     {{"[7,8,2]", 9 * 2 + 2}, {"[3,4,3]", 16 * 2 * 3 + 3}, {"[36]", 0}, {"[48]", 36 * 48 + 48 + 2 * 48}, {"[4,4,3]", 2 * 3}}},
    {"deconv 3 3x3/2; deconv 2 4x4/2 pad 1 outpad 0; conv 2 3x3 groups 2 pad 0 dilate 2", {3, {3, 3, 4}},
     {{"[6,6,3]", 9 * 4 * 3 + 3}, {"[12,12,2]", 16 * 3 * 2 + 2}, {"[8,8,2]", 9 * 2 + 2}}},
    {"reshape 2x3x4; ln; gn:2 tanh; conv 8 1 relu; pool average 2", {1, {24}},
     {{"[2,3,4]", 0}, {"[2,3,4]", 8}, {"[2,3,4]", 8}, {"[2,3,8]", 4 * 8 + 8}, {"[1,1,8]", 0}}},
    {"; dense 3 tanh glorot-normal;;tanh", {1, {5}}, {{"[3]", 5 * 3 + 3}, {"[3]", 0}}},
};

static void check_notes(const char *notes, const layer_row *rows, const char *layers)
{
    for (int i = 0; i < MOST && rows[i].result; i++, notes = strchr(notes, '\n') + 1) {
        char number[16], result[64];
        long long parameters;
        assert_non_null(strchr(notes, '\n'));
        assert_int_equal(sscanf(notes, "\t%15[^\t]\t%*[^\t]\t%63[^\t]\t%lld", number, result, &parameters), 3);
        if (strcmp(result, rows[i].result) || parameters != rows[i].parameters)
            print_error("%s: layer %d: %s with %lld parameters, expected %s with %lld\n", layers, i, result, parameters,
                        rows[i].result, rows[i].parameters);
        assert_int_equal(atoi(number), i);
        assert_string_equal(result, rows[i].result);
        assert_true(parameters == rows[i].parameters);
    }
    assert_string_equal(notes, "");
}

static void test_layers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        built b = build(cases[i].layers, cases[i].x);
        elbo_error error = {0};
        if (g_status(b.g, &error) != ELBO_OK) print_error("%s\n", error.message);
        assert_int_equal(g_status(b.g, NULL), ELBO_OK);
        check_notes(b.notes, cases[i].rows, cases[i].layers);
        discard(&b);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"0.weight", "0.bias", "0.bn.weight", "0.bn.bias", "1.conv0.weight", "1.conv0.bias",
                                        "1.norm0.ln.weight", "1.norm0.ln.bias", "1.conv1.weight", "1.conv1.bias",
                                        "1.shortcut.weight", "1.shortcut.bias", "1.norm1.ln.weight", "1.norm1.ln.bias",
                                        "2.weight", "2.bias"};
    enum { N = sizeof names / sizeof *names };
    built b = build("conv 2 3x3 bn relu; res 3 ln relu; dense 4", SHAPE(4, 4, 1));
    assert_int_equal(g_status(b.g, NULL), ELBO_OK);
    assert_int_equal(b.store.params.n, N);
    for (int i = 0; i < N; i++) {
        if (!store_find(&b.store.params, names[i])) print_error("no %s\n", names[i]);
        assert_non_null(store_find(&b.store.params, names[i]));
    }
    discard(&b);
}

/* ---- Mistakes ---- */

static const struct {
    const char *layers;
    shape x;
    const char *words;
} mistakes[] = {
    {"dense 4; dense", {1, {5}}, "layer 1: got '', expected a number of units"},
    {"dense 0", {1, {5}}, "got '0', expected a number of units"},
    {"conv 3", {3, {8, 8, 1}}, "expected filters and a kernel"},
    {"conv 3 0x3", {3, {8, 8, 1}}, "got '0x3', expected filters and a kernel"},
    {"conv 3 3x3x3", {3, {8, 8, 1}}, "got '3x3x3', expected filters and a kernel"},
    {"conv 3 3x3/0", {3, {8, 8, 1}}, "got '3x3/0', expected filters and a kernel"},
    {"conv 3 3x3/65", {3, {8, 8, 1}}, "got '3x3/65', expected filters and a kernel"},
    {"conv 3 3x3 pad", {3, {8, 8, 1}}, "expected filters and a kernel"},
    {"deconv 3 3x3 dilate 0", {3, {8, 8, 1}}, "expected filters and a kernel"},
    {"conv 3 3x3", {1, {5}}, "what reaches it is flat"},
    {"deconv 3 3x3", {1, {5}}, "what reaches it is flat"},
    {"res 4x4", {3, {8, 8, 1}}, "got '4x4', expected filters"},
    {"res 3 relux", {3, {8, 8, 1}}, "'relux' in layer norm0 is no activation"},
    {"dense 3 relu tanhh", {1, {5}}, "'tanhh' in layer 0 is no activation"},
    {"dense 3 gn:2", {1, {5}}, "3 channels do not divide into 2 groups"},
    {"up 2", {1, {5}}, "layer 0 works on pictures, but what reaches it is flat"},
    {"up", {3, {8, 8, 1}}, "expected how many times"},
    {"pool 2", {3, {8, 8, 1}}, "got '2', expected max or average"},
    {"pool max 0", {3, {8, 8, 1}}, "got '0', expected a size"},
    {"pool max 2", {1, {5}}, "layer 0 works on pictures, but what reaches it is flat"},
    {"reshape 2x2", {1, {4}}, "got '2x2', expected height, width and channels"},
    {"reshape 2x2x1x1", {1, {4}}, "got '2x2x1x1', expected height, width and channels"},
    {"reshape 2x2x1/2", {1, {4}}, "got '2x2x1/2', expected height, width and channels"},
    {"reshape auto", {1, {4}}, "expected height, width and channels"},
    {"reshape 2x2x2", {1, {4}}, "reshape"},
    {"dropout 1", {1, {4}}, "got '1', expected a probability below 1"},
    {"dropout -0.1", {1, {4}}, "got '-0.1', expected a probability below 1"},
    {"channel-dropout x", {3, {8, 8, 1}}, "got 'x', expected a probability below 1"},
    {"dense 3 a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a", {1, {4}}, "layer 0 has too many words"},
};

static void test_mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        built b = build(mistakes[i].layers, mistakes[i].x);
        elbo_error error = {0};
        assert_int_equal(g_status(b.g, &error), ELBO_USAGE);
        if (!strstr(error.message, mistakes[i].words)) print_error("%s: %s\n", mistakes[i].layers, error.message);
        assert_non_null(strstr(error.message, mistakes[i].words));
        assert_true(g_broken(b.y));
        discard(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers), cmocka_unit_test(test_names), cmocka_unit_test(test_mistakes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
