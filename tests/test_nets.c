/* test_nets.c - every ready-made network trains on pictures of different sizes and numbers of channels, and makes pictures of
 * that size; auto covers the data also where layers rounded down. */
/* ctest: slow */
#include "rig.h"
#include "nn/architecture.h"
#include "vae/model.h"

enum { N = 6, STEPS = 3 };

static elbo_engine *engine;

static elbo_data *random_pictures(const int64_t *dims)
{
    size_t n = (size_t)(N * dims[0] * dims[1] * dims[2]);
    uint8_t *x = mem_new(&mem_standard, n, 1);
    assert_non_null(x);
    uint32_t state = 12345;
    for (size_t i = 0; i < n; i++) x[i] = (uint8_t)((state = state * 1664525u + 1013904223u) >> 24);
    elbo_data *data = elbo_data_from_memory(engine, x, ELBO_U8, N, dims, NULL, NULL);
    mem_free(&mem_standard, x);
    assert_non_null(data);
    return data;
}

static elbo_config *config_of(const char *encoder, const char *decoder)
{
    static const char *const options[][2] = {
        {"epochs", "3"}, {"batch", "6"}, {"latent", "4"}, {"validation", "0"}};
    elbo_config *c = elbo_config_new(engine, NULL);
    assert_non_null(c);
    for (int i = 0; i < 4; i++) assert_int_equal(elbo_config_set(c, options[i][0], options[i][1], NULL), ELBO_OK);
    assert_int_equal(elbo_config_set(c, "encoder", encoder, NULL), ELBO_OK);
    assert_int_equal(elbo_config_set(c, "decoder", decoder, NULL), ELBO_OK);
    return c;
}

/* Trains a few steps; the model's loss must fall and its pictures be finite. */
static void train(const char *encoder, const char *decoder, const int64_t *dims)
{
    elbo_error err = {0};
    elbo_data *data = random_pictures(dims);
    elbo_config *c = config_of(encoder, decoder);
    elbo_train_options o = {.no_validation = 1};
    elbo_model *m = elbo_train(engine, c, data, &o, &err);
    if (!m) fail_msg("%s on %dx%dx%d: %s", encoder, (int)dims[0], (int)dims[1], (int)dims[2], err.message);
    assert_int_equal(elbo_model_describe(m)->step, STEPS);
    float *x = mem_new(&mem_standard, (size_t)(2 * model_numbers(m)), sizeof *x);
    assert_non_null(x);
    assert_int_equal(elbo_model_sample(m, 2, 1, x, &err), ELBO_OK);
    for (int64_t i = 0; i < 2 * model_numbers(m); i++) assert_true(x[i] > 0 && x[i] < 1);
    assert_true(memcmp(x, x + model_numbers(m), (size_t)model_numbers(m) * sizeof *x) != 0);
    mem_free(&mem_standard, x);
    elbo_model_free(m);
    elbo_config_free(c);
    elbo_data_free(data);
}

static void test_every_net_trains(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{28, 20, 1}, {48, 42, 3}, {19, 33, 2}};
    for (size_t i = 0; net_at(i); i++)
        for (int k = 0; k < 3; k++) train(net_at(i)->name, net_at(i)->name, shapes[k]);
}

static void test_other_layers_train(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{28, 20, 1}, {48, 42, 3}};
    for (int k = 0; k < 2; k++) {
        train("conv 4 5x3/2 bn relu; conv 6 3x3/2 gn:2 silu; dense 16 ln elu",
              "dense auto; reshape auto; up 2; conv 5 3x3 bn relu; deconv 4 4x4/2 tanh; conv 3 1x1", shapes[k]);
        train("pool average 2; conv 4 3x3 leaky_relu; dense 12 relu; dropout 0.1", "dense 20 gelu", shapes[k]);
    }
}

/* Where a halving rounds down, what auto stands for does not. */
static void test_auto_covers(void **state)
{
    (void)state;
    static const int64_t dims[] = {43, 27, 3};
    train("conv 2 4x4/2 relu; pool max 2; conv 3 3x3 relu", "dense auto; reshape auto; up 2; up 2", dims);
    train("conv 2 4x4/2; conv 3 3x3 relu; pool average 3", "dense auto; reshape auto; up 3; deconv 2 4x4/2", dims);
}

static void test_names_become_layers(void **state)
{
    (void)state;
    elbo_config *c = config_of("conv-28", "mlp");
    assert_string_equal(elbo_config_get(c, "encoder"), net_find("conv-28")->encoder);
    assert_string_equal(elbo_config_get(c, "decoder"), "dense 400 relu");
    assert_null(net_find("conv-29"));
    for (size_t i = 0; net_at(i); i++) {
        assert_ptr_equal(net_find(net_at(i)->name), net_at(i));
        assert_true(strlen(net_at(i)->encoder) < CONFIG_TEXT && strlen(net_at(i)->decoder) < CONFIG_TEXT);
    }
    elbo_config_free(c);
}

static int open_engine(void **state)
{
    (void)state;
    engine = rig_engine(2, false);
    return 0;
}

static int close_engine(void **state)
{
    (void)state;
    elbo_engine_close(engine);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_net_trains),
        cmocka_unit_test(test_other_layers_train),
        cmocka_unit_test(test_auto_covers),
        cmocka_unit_test(test_names_become_layers),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
