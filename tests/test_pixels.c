/* test_pixels.c - what a decoder emits becomes pixels in one place, exactly once: logits never reach a picture.
 *
 * The decoder's weights are zero and its last bias is what is to be emitted, far beyond the range of any pixel. Whatever gives
 * examples (decode, reconstruct, sample, a picture file) must give the transformation of that, and nothing else. */
#include "data/data.h"
#include "vae/model.h"
#include "view/grid.h"
#include "view_rig.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { SIDE = 4, SIZE = SIDE * SIDE, LATENT = 2 };

static elbo_engine *engine;

typedef enum meaning { SIGMOID, TANH, TANH_AS_UNIT, AS_IT_IS } meaning;

static const struct {
    const char *likelihood, *output, *range;
    meaning meaning;
} kinds[] = {
    {"bernoulli", "linear", "unit", SIGMOID},        {"bernoulli-eps", "linear", "unit", SIGMOID},
    {"gaussian", "sigmoid", "unit", SIGMOID},        {"squared", "sigmoid", "unit", SIGMOID},
    {"squared", "tanh", "symmetric", TANH_AS_UNIT},  {"half-squared", "tanh", "unit", TANH},
    {"half-squared", "linear", "unit", AS_IT_IS},
};

static double emitted(int i)
{
    return (i - SIZE / 2) * 0.75; /* -6 to 5.25 */
}

static double expected(meaning m, double r)
{
    switch (m) {
    case SIGMOID: return 1 / (1 + exp(-r));
    case TANH: return tanh(r);
    case TANH_AS_UNIT: return (tanh(r) + 1) / 2;
    case AS_IT_IS: return r;
    }
    return NAN;
}

/* A model whose decoder emits the same for every code. */
static elbo_model *model_of(int kind)
{
    static float x[2 * SIZE];
    const int64_t dims[3] = {SIDE, SIDE, 1};
    for (int i = 0; i < 2 * SIZE; i++) x[i] = (float)(i % 2);
    elbo_data *data = elbo_data_from_memory(engine, x, ELBO_F32, 2, dims, NULL, NULL);
    elbo_config *c = elbo_config_new(engine, NULL);
    assert_non_null(data);
    assert_int_equal(elbo_config_set(c, "latent", "2", NULL), ELBO_OK);
    assert_int_equal(elbo_config_set(c, "likelihood", kinds[kind].likelihood, NULL), ELBO_OK);
    assert_int_equal(elbo_config_set(c, "output", kinds[kind].output, NULL), ELBO_OK);
    assert_int_equal(elbo_config_set(c, "range", kinds[kind].range, NULL), ELBO_OK);
    elbo_model *m = elbo_model_new(engine, c, data, NULL);
    assert_non_null(m);
    for (int64_t i = 0; i < m->store.params.size; i++) m->store.value[i] = 0;
    const entry *bias = store_find(&m->store.params, "decoder.out.bias");
    for (int i = 0; i < SIZE; i++) m->store.value[bias->offset + i] = (float)emitted(i);
    elbo_config_free(c);
    elbo_data_free(data);
    return m;
}

static void assert_pixels(int kind, const float *x)
{
    for (int i = 0; i < SIZE; i++) {
        double want = expected(kinds[kind].meaning, emitted(i));
        if (!(fabs((double)x[i] - want) < 1e-6))
            fail_msg("%s with output %s: emitted %g, expected %g, got %g", kinds[kind].likelihood, kinds[kind].output,
                     emitted(i), want, (double)x[i]);
    }
}

static void test_transformed_once(void **state)
{
    (void)state;
    float z[LATENT] = {0.3f, -1}, in[SIZE] = {0}, x[SIZE];
    for (int kind = 0; kind < (int)(sizeof kinds / sizeof *kinds); kind++) {
        elbo_model *m = model_of(kind);
        assert_int_equal(elbo_model_decode(m, z, 1, x, NULL), ELBO_OK);
        assert_pixels(kind, x);
        assert_int_equal(elbo_model_reconstruct(m, in, 1, x, NULL), ELBO_OK);
        assert_pixels(kind, x);
        assert_int_equal(elbo_model_sample(m, 1, 1, x, NULL), ELBO_OK);
        assert_pixels(kind, x);
        elbo_model_free(m);
    }
}

/* The picture in a file, read by libpng, has the grey level of every value of x where a grid of one cell puts it. */
static void assert_grey_levels(const char *path, const float *x)
{
    grid g = {.part = {x}, .n_parts = 1, .n = 1, .shape = {SIDE, SIDE, 1}, .per_row = 1, .range = {0, 1}};
    grid_layout at;
    png_image image = {.version = PNG_IMAGE_VERSION};
    static unsigned char bytes[4096 * 4096];
    assert_int_equal(grid_plan(&g, &at, NULL), ELBO_OK);
    assert_true(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_GRAY;
    assert_true(PNG_IMAGE_SIZE(image) <= sizeof bytes && image.width == at.width && image.height == at.height);
    assert_true(png_image_finish_read(&image, NULL, bytes, 0, NULL));
    for (int i = 0; i < SIZE; i++) {
        int64_t row = at.top + at.gap + i / SIDE * at.scale, column = at.left + at.gap + i % SIDE * at.scale;
        assert_int_equal(bytes[row * at.width + column], (int)(255 * x[i] + 0.5f));
    }
}

/* Black is a probability of 0 and white of 1, so a grey level is the probability itself. Logits would not fit. */
static void test_grey_levels(void **state)
{
    (void)state;
    char path[] = "/tmp/test_pixels.XXXXXX";
    const int64_t dims[3] = {SIDE, SIDE, 1};
    float z[LATENT] = {0}, x[SIZE];
    elbo_model *m = model_of(0);
    assert_int_equal(close(mkstemp(path)), 0);
    assert_int_equal(elbo_model_decode(m, z, 1, x, NULL), ELBO_OK);
    assert_int_equal(elbo_png_write_grid(engine, path, x, 1, dims, 1, m->info.min, m->info.max, NULL), ELBO_OK);
    assert_grey_levels(path, x);
    remove(path);
    elbo_model_free(m);
}

static int open_engine(void **state)
{
    (void)state;
    engine = elbo_engine_open(NULL, NULL);
    return engine ? 0 : 1;
}

static int close_engine(void **state)
{
    (void)state;
    elbo_engine_close(engine);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_transformed_once), cmocka_unit_test(test_grey_levels)};
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
