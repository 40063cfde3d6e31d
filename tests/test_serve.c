/* test_serve.c - encoding, decoding and sampling: an example's bits are the same whatever is served beside it, nothing is written
 * past the rows that were asked for, and what has been served before allocates nothing. */
#include "base/philox.h"
#include "model_rig.h"

#include <stdlib.h>

enum { N = 530, GUARD = 16 };
static const int64_t picture[] = {6, 8, 2};

static const char *const models[] = {
    "encoder=dense 40 tanh|decoder=dense 50 relu|latent=3",
    "latent=3|encoder=conv 6 3x3/2 bn relu|decoder=dense 48 relu; reshape 3x4x4; deconv 5 3x3/2 bn leaky_relu; deconv 2 3x3",
    "encoder=conv 4 3x3 relu|decoder=dense 384; reshape 6x8x8; conv 2 5x5 relu|latent=2|likelihood=gaussian|variance=predicted",
    "family=vq|encoder=dense 8|decoder=dense 9 tanh|latent=6|code-size=2|codes=5",
    "family=iwae|encoder=dense 8 tanh|decoder=dense 9 tanh|latent=4",
    "encoder=dense 8|decoder=dense 9|latent=4|likelihood=categorical",
};

static float *numbers(int64_t n)
{
    float *x = malloc((size_t)(n + GUARD) * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n + GUARD; i++) x[i] = -7;
    return x;
}

/* Nothing lies behind n numbers but what was there. */
static void check_guard(const float *x, int64_t n)
{
    for (int64_t i = n; i < n + GUARD; i++) assert_true(x[i] == -7);
}

/* What a model makes of some rows of x and z. */
typedef struct served {
    float *mean, *std, *decoded;
} served;

static served serve(elbo_model *m, const float *x, const float *z, int64_t rows)
{
    int64_t d = model_numbers(m), width = m->info.latent_size;
    served s = {numbers(rows * width), numbers(rows * width), numbers(rows * d)};
    assert_int_equal(elbo_model_encode(m, x, rows, s.mean, s.std, NULL), ELBO_OK);
    assert_int_equal(elbo_model_decode(m, z, rows, s.decoded, NULL), ELBO_OK);
    check_guard(s.mean, rows * width);
    check_guard(s.std, rows * width);
    check_guard(s.decoded, rows * d);
    return s;
}

static void drop(served *s)
{
    free(s->mean);
    free(s->std);
    free(s->decoded);
}

/* x and z hold just so many rows, as a sanitizer sees. */
static served serve_copies(elbo_model *m, const float *x, const float *z, int64_t first, int64_t rows)
{
    size_t d = (size_t)model_numbers(m), width = (size_t)m->info.latent_size, n = (size_t)rows, at = (size_t)first;
    float *some_x = malloc(n * d * sizeof *x), *some_z = malloc(n * width * sizeof *z);
    assert_true(some_x && some_z);
    memcpy(some_x, x + at * d, n * d * sizeof *x);
    memcpy(some_z, z + at * width, n * width * sizeof *z);
    served s = serve(m, some_x, some_z, rows);
    free(some_x);
    free(some_z);
    return s;
}

static void check_alone(elbo_model *m, const char *options)
{
    static const int64_t pieces[][2] = {{0, 1}, {529, 1}, {7, 3}, {1, 8}, {60, 9}, {3, 64}, {100, 65}, {5, 513}};
    int64_t d = model_numbers(m), width = m->info.latent_size;
    float *x = numbers(N * d), *z = numbers(N * width);
    for (int64_t i = 0; i < N * d; i++) x[i] = (float)value_for(m, (int)i);
    philox_normal((philox_key){.seed = 5, .stream = philox_stream("test")}, 0, (size_t)(N * width), z);
    served all = serve_copies(m, x, z, 0, N);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        int64_t first = pieces[i][0], rows = pieces[i][1];
        size_t codes = (size_t)(rows * width) * sizeof(float), pixels = (size_t)(rows * d) * sizeof(float);
        served some = serve_copies(m, x, z, first, rows);
        if (memcmp(some.mean, all.mean + first * width, codes) || memcmp(some.std, all.std + first * width, codes) ||
            memcmp(some.decoded, all.decoded + first * d, pixels))
            fail_msg("%s: rows %d to %d differ", options, (int)first, (int)(first + rows - 1));
        drop(&some);
    }
    drop(&all);
    free(x);
    free(z);
}

static void test_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        elbo_model *m = model_of(models[i], picture);
        check_alone(m, models[i]);
        elbo_model_free(m);
    }
}

static void test_allocates_nothing(void **state)
{
    (void)state;
    static const elbo_allocator allocator = {counting, NULL};
    elbo_engine *shared = engine;
    engine = elbo_engine_open(&(elbo_engine_options){.threads = 2, .allocator = &allocator}, NULL);
    assert_non_null(engine);
    elbo_model *m = model_of(models[1], picture);
    float *x = numbers(70 * model_numbers(m)), *z = numbers(70 * m->info.latent_size);
    size_t before = 0;
    for (int round = 0; round < 2; round++) {
        before = requests;
        for (int64_t rows = 1; rows <= 70; rows += 23) {
            served s = serve(m, x, z, rows);
            drop(&s);
        }
    }
    assert_int_equal(requests, before);
    free(x);
    free(z);
    elbo_model_free(m);
    elbo_engine_close(engine);
    engine = shared;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
