/* test_model_use.c - using a model: what is drawn and filled in is what its definition says, counts of examples may be 0 and not
 * less, and plans that are seldom used make room for others. */
#include "model_rig.h"

#include "base/philox.h"

enum { N = 601, D = 6, Z = 2 };

static elbo_model *small(void)
{
    return model_of("encoder=dense 5 tanh|decoder=dense 5 tanh|latent=2", (int64_t[]){1, 2, 3});
}

static void fill(float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) x[i] = (float)(0.5 + 0.45 * sin(1.7 * (double)i));
}

static void assert_near(const float *got, const float *want, int64_t n)
{
    for (int64_t i = 0; i < n; i++) assert_true(fabs((double)(got[i] - want[i])) < 1e-5);
}

/* The i-th is decoded from the i-th draw. */
static void test_draws(void **state)
{
    (void)state;
    static float all[N * D];
    float z[Z], one[D];
    elbo_model *m = small();
    assert_int_equal(elbo_model_sample(m, N, 7, all, NULL), ELBO_OK);
    for (int64_t i = 0; i < N; i += 50) {
        philox_normal((philox_key){.seed = 7, .stream = philox_stream("sample/z")}, (uint64_t)(i * Z), Z, z);
        assert_int_equal(elbo_model_decode(m, z, 1, one, NULL), ELBO_OK);
        assert_near(all + i * D, one, D);
    }
    elbo_model_free(m);
}

static void test_counts(void **state)
{
    (void)state;
    elbo_model *m = small();
    float x[D] = {0}, z[2 * Z];
    for (int64_t n = 0; n >= -1; n--) {
        elbo_status expected = n < 0 ? ELBO_USAGE : ELBO_OK;
        elbo_error err = {0};
        assert_int_equal(elbo_model_encode(m, x, n, z, NULL, &err), expected);
        assert_int_equal(elbo_model_decode(m, z, n, x, &err), expected);
        assert_int_equal(elbo_model_sample(m, n, 1, x, &err), expected);
        assert_int_equal(elbo_model_reconstruct(m, x, n, x, &err), expected);
        assert_true(n == 0 || strstr(err.message, "got -1 examples, expected 0 or more"));
        assert_int_equal(elbo_model_impute(m, x, NULL, n, 1, 1, x, &err), expected);
    }
    assert_int_equal(elbo_model_impute(m, x, NULL, 1, 0, 1, x, NULL), ELBO_USAGE);
    assert_int_equal(elbo_model_impute(m, x, NULL, 1, (int64_t)1 << 33, 1, x, NULL), ELBO_USAGE);
    elbo_model_free(m);
}

/* The chain of one example, in the words of its definition. */
static void chain_of(elbo_model *m, int64_t i, const float *x, const bool *hidden, int rounds, float *out)
{
    float now[D], seen[D], mean[Z] = {0}, std[Z], noise[Z];
    double sum[D] = {0};
    assert_int_equal(elbo_model_decode(m, mean, 1, seen, NULL), ELBO_OK);
    for (int round = 0; round < rounds; round++) {
        for (int k = 0; k < D; k++) now[k] = hidden[k] ? seen[k] : x[k];
        assert_int_equal(elbo_model_encode(m, now, 1, mean, std, NULL), ELBO_OK);
        philox_normal((philox_key){.seed = 3, .step = (uint32_t)round, .stream = philox_stream("impute/z")}, (uint64_t)(i * Z), Z,
                      noise);
        for (int k = 0; k < Z; k++) mean[k] += std[k] * noise[k];
        assert_int_equal(elbo_model_decode(m, mean, 1, seen, NULL), ELBO_OK);
        for (int k = 0; k < D && round >= rounds / 2; k++) sum[k] += (double)seen[k];
    }
    for (int k = 0; k < D; k++) out[k] = hidden[k] ? (float)(sum[k] / (rounds - rounds / 2)) : x[k];
}

static void test_filling_in(void **state)
{
    (void)state;
    static float x[N * D], holes[N * D], out[N * D];
    static unsigned char missing[N * D];
    elbo_model *m = small();
    fill(x, N * D);
    for (int64_t i = 0; i < N * D; i++) {
        missing[i] = i % 4 == 1;
        holes[i] = missing[i] ? NAN : x[i];
    }
    for (int told = 0; told < 2; told++) {
        assert_int_equal(elbo_model_impute(m, told ? x : holes, told ? missing : NULL, N, 5, 3, out, NULL), ELBO_OK);
        for (int64_t i = 0; i < N; i += 40) {
            float want[D];
            bool hidden[D];
            for (int k = 0; k < D; k++) hidden[k] = missing[i * D + k];
            chain_of(m, i, x + i * D, hidden, 5, want);
            assert_near(out + i * D, want, D);
        }
    }
    elbo_model_free(m);
}

/* An allocator whose n-th allocation fails. */
static void *failing(void *user, void *ptr, size_t old_size, size_t new_size)
{
    int *left = user;
    return new_size > 0 && (*left)-- == 0 ? NULL : mem_standard.resize(NULL, ptr, old_size, new_size);
}

/* Each allocation fails in turn, and the next try makes what it should. */
static void test_filling_in_without_memory(void **state)
{
    (void)state;
    int left = -1, failed = 0;
    elbo_engine *others = engine;
    float holes[D], out[D], want[D];
    fill(holes, D);
    holes[1] = holes[4] = NAN;
    engine = elbo_engine_open(&(elbo_engine_options){.allocator = &(elbo_allocator){failing, &left}, .threads = 1}, NULL);
    assert_non_null(engine);
    elbo_model *m = small();
    elbo_status status = ELBO_NO_MEMORY;
    for (; status != ELBO_OK; failed++) {
        left = failed;
        status = elbo_model_impute(m, holes, NULL, 1, 3, 1, out, NULL);
        assert_true(status == ELBO_OK || status == ELBO_NO_MEMORY);
    }
    assert_true(failed > 6);
    left = -1;
    assert_int_equal(elbo_model_impute(m, holes, NULL, 1, 3, 1, want, NULL), ELBO_OK);
    assert_memory_equal(out, want, sizeof want);
    elbo_model_free(m);
    elbo_engine_close(engine);
    engine = others;
}

/* The plan used all the while stays; the others go, those longest unused first; and what is compiled again gives the same. */
static void test_more_plans_than_are_kept(void **state)
{
    (void)state;
    elbo_model *m = small();
    float x[D], before[Z], after[Z];
    fill(x, D);
    assert_int_equal(elbo_model_encode(m, x, 1, before, NULL, NULL), ELBO_OK);
    plan_key often = {.purpose = TRAIN, .examples = 1, .dtype = ELBO_F32, .backend = BACKEND_CPU}, key = often;
    const compiled *stays = model_plan(m, often, NULL);
    const plan *p = stays->plan;
    for (key.examples = 2; key.examples < 2 + 3 * MAX_COMPILED; key.examples++) {
        compiled *c = model_plan(m, key, NULL);
        assert_true(c && c->key.examples == key.examples && m->n_plans <= MAX_COMPILED);
        assert_ptr_equal(model_plan(m, key, NULL), c);
        assert_true(model_plan(m, often, NULL) == stays && stays->plan == p);
    }
    for (int i = 0; i < m->n_plans; i++)
        assert_true(m->plans[i].key.examples == 1 || m->plans[i].key.examples >= 2 + 3 * MAX_COMPILED - (MAX_COMPILED - 1));
    assert_int_equal(elbo_model_encode(m, x, 1, after, NULL, NULL), ELBO_OK);
    assert_memory_equal(before, after, sizeof before);
    elbo_model_free(m);
}

/* The shape of what comes out of each layer; a residual one keeps a picture's size, or divides it. */
static void test_shapes_of_layers(void **state)
{
    (void)state;
    static const char *const want[] = {"[4,6,4]", "[4,6,4]", "[2,3,6]", "[7]"};
    elbo_model *m = model_of("encoder=conv 4 5x5/2 relu; res 4 bn relu; res 6/2 relu; dense 7|decoder=dense 9|latent=2",
                             (int64_t[]){8, 12, 2});
    const char *at = m->layers;
    model_layer layer;
    for (int i = 0; i < 4; i++) {
        assert_true(model_next_layer(&at, &layer));
        assert_string_equal(layer.part, "encoder");
        assert_string_equal(layer.result, want[i]);
    }
    elbo_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_filling_in),
        cmocka_unit_test(test_filling_in_without_memory),
        cmocka_unit_test(test_more_plans_than_are_kept),
        cmocka_unit_test(test_shapes_of_layers),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
