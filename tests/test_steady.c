/* test_steady.c - steps of training allocate nothing: a longer epoch makes no more requests for memory than a short one. */
#include "base/philox.h"
#include "model_rig.h"

#include <stdlib.h>

enum { SIDE = 8, SIZE = SIDE * SIDE, BATCH = 10, SHORT = 4 * BATCH, LONG = 40 * BATCH };

static const char *const models[] = {
    "encoder=dense 12 tanh|decoder=dense 12 tanh|latent=3|shards=2",
    "encoder=conv 6 3x3/2 bn relu; dropout 0.2; dense 9|decoder=dense 96 relu; reshape 4x4x6; deconv 1 3x3/2|latent=3|ema=0.9",
    "family=iwae|samples=4|encoder=dense 8 tanh|decoder=dense 9 tanh|latent=4|optimizer=sgd|momentum=0.9|clip=1",
    "family=factor|encoder=dense 8|decoder=dense 9|latent=3|critic=dense 8 relu",
    "family=vq|encoder=dense 8|decoder=dense 9 tanh|latent=6|code-size=2|codes=5",
};

/* Requests of an epoch over n examples. */
static size_t requests_of(const char *options, const float *x, int64_t n)
{
    elbo_error err = {0};
    requests = 0;
    elbo_config *c = config_of(options);
    elbo_data *d = elbo_data_from_memory(engine, x, ELBO_F32, n, (int64_t[]){SIDE, SIDE, 1}, NULL, &err);
    assert_non_null(d);
    elbo_model *m = elbo_train(engine, c, d, NULL, &err);
    if (!m) print_error("%s\n", err.message);
    assert_non_null(m);
    elbo_model_free(m);
    elbo_data_free(d);
    elbo_config_free(c);
    return requests;
}

static void test_steps_allocate_nothing(void **state)
{
    static float x[LONG * SIZE];
    (void)state;
    elbo_allocator allocator = {.resize = counting};
    elbo_error err = {0};
    philox_uniform((philox_key){.seed = 1}, 0, LONG * SIZE, x);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        char options[512];
        snprintf(options, sizeof options, "%s|epochs=1|validation=0|batch=%d", models[i], BATCH);
        engine = elbo_engine_open(&(elbo_engine_options){.allocator = &allocator, .threads = 2}, &err);
        assert_non_null(engine);
        requests_of(options, x, SHORT); /* the engine opens its matrix library */
        size_t few = requests_of(options, x, SHORT), many = requests_of(options, x, LONG);
        if (few != many) print_error("%s: %zu requests in 4 steps, %zu in 40\n", models[i], few, many);
        assert_int_equal(few, many);
        elbo_engine_close(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steps_allocate_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
