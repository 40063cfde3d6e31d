/* test_factors.c - factors of data sets, and what codes tell of them: against NumPy's figures (golden/factors.h) and cases whose
 * answer is known. */
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "golden/factors.h"

static elbo_engine *engine;

#define CLOSE(a, b) assert_true(fabs((a) - (b)) < 1e-12)

/* ---- Mutual information ---- */

static void test_golden(void **state)
{
    (void)state;
    static const elbo_factor_info info[] = {{"a", 4}, {"b", 3}};
    double information[FACTORS_Z * FACTORS_F], entropy[FACTORS_F], gap[FACTORS_F];
    elbo_factor_scores s = {information, entropy, gap};
    assert_int_equal(elbo_codes_factors(engine, factors_codes, FACTORS_N, FACTORS_Z, factors_values, info, FACTORS_F,
                                        FACTORS_BINS, &s, NULL), ELBO_OK);
    for (int i = 0; i < FACTORS_Z * FACTORS_F; i++) CLOSE(information[i], factors_information[i]);
    for (int k = 0; k < FACTORS_F; k++) {
        CLOSE(entropy[k], factors_entropy[k]);
        CLOSE(gap[k], factors_gap[k]);
    }
}

enum { A = 4, B = 6, ALL = A * B, Z = 4 };
static const elbo_factor_info two[] = {{"a", A}, {"b", B}};

/* Every pair of a and b once. z.0 is a; z.1 is b; z.2 is half of b; z.3 never varies. */
static void fill(float z[ALL][Z], int32_t v[ALL][2])
{
    for (int i = 0; i < ALL; i++) {
        v[i][0] = i / B;
        v[i][1] = i % B;
        z[i][0] = (float)v[i][0] - 1.5f;
        z[i][1] = 10.0f * (float)v[i][1];
        z[i][2] = v[i][1] < B / 2 ? 1 : 2;
        z[i][3] = 7;
    }
}

static void test_known_answers(void **state)
{
    (void)state;
    float z[ALL][Z];
    int32_t v[ALL][2];
    double information[Z][2], entropy[2], gap[2];
    elbo_factor_scores s = {*information, entropy, gap};
    fill(z, v);
    assert_int_equal(elbo_codes_factors(engine, *z, ALL, Z, *v, two, 2, 20, &s, NULL), ELBO_OK);
    const double expected[Z][2] = {{log(A), 0}, {0, log(B)}, {0, log(2)}, {0, 0}};
    for (int j = 0; j < Z; j++)
        for (int k = 0; k < 2; k++) CLOSE(information[j][k], expected[j][k]);
    CLOSE(entropy[0], log(A));
    CLOSE(entropy[1], log(B));
    CLOSE(gap[0], 1);                         /* z.0 alone tells all of a */
    CLOSE(gap[1], (log(B) - log(2)) / log(B)); /* z.2 tells some of b too */

    assert_int_equal(elbo_codes_factors(engine, *z, ALL, Z, *v, two, 2, 2, &s, NULL), ELBO_OK);
    CLOSE(information[1][1], log(2)); /* two bins hold no more */
    CLOSE(gap[1], 0);

    /* Values [n,2] read as [n,1]: b is larger than a can be. */
    assert_int_equal(elbo_codes_factors(engine, *z, ALL, 1, *v, two, 1, 20, &s, NULL), ELBO_USAGE);
}

/* An example whose factor is not known counts for the other factors only. */
static void test_unknown_is_left_out(void **state)
{
    (void)state;
    float z[ALL][Z];
    int32_t v[ALL][2];
    double information[Z][2], entropy[2], gap[2];
    elbo_factor_scores s = {*information, entropy, gap};
    fill(z, v);
    for (int i = 0; i < ALL; i++)
        if (v[i][0] >= 2) v[i][0] = -1;
    assert_int_equal(elbo_codes_factors(engine, *z, ALL, Z, *v, two, 2, 20, &s, NULL), ELBO_OK);
    CLOSE(entropy[0], log(2));
    CLOSE(information[0][0], log(2));
    CLOSE(entropy[1], log(B));
    CLOSE(information[1][1], log(B));
    for (int i = 0; i < ALL; i++) v[i][0] = i % 2 ? -1 : 3; /* never varies */
    assert_int_equal(elbo_codes_factors(engine, *z, ALL, Z, *v, two, 2, 20, &s, NULL), ELBO_OK);
    CLOSE(entropy[0], 0);
    assert_true(isnan(gap[0]));
    CLOSE(gap[1], (log(B) - log(2)) / log(B));
}

static void test_refused(void **state)
{
    (void)state;
    float z[ALL][Z];
    int32_t v[ALL][2];
    double information[Z][2], entropy[2], gap[2];
    elbo_factor_scores s = {*information, entropy, gap};
    elbo_error error;
    fill(z, v);
    v[5][1] = B;
    assert_int_equal(elbo_codes_factors(engine, *z, ALL, Z, *v, two, 2, 20, &s, &error), ELBO_USAGE);
    assert_string_equal(error.message, "factor b of example 5 is 6, expected -1 to 5");
    fill(z, v);
    z[3][2] = NAN;
    assert_int_equal(elbo_codes_factors(engine, *z, ALL, Z, *v, two, 2, 20, &s, &error), ELBO_USAGE);
    assert_string_equal(error.message, "number 2 of code 3 is not finite");
    fill(z, v);
    assert_int_equal(elbo_codes_factors(engine, *z, ALL, Z, *v, two, 2, 0, &s, &error), ELBO_USAGE);
    assert_int_equal(elbo_codes_factors(engine, *z, 0, Z, *v, two, 2, 20, &s, &error), ELBO_USAGE);
}

/* ---- Factors of data ---- */

static void test_sprites_know_theirs(void **state)
{
    (void)state;
    elbo_data *d = elbo_data_open(engine, "sprites", "test", NULL);
    assert_non_null(d);
    assert_string_equal(elbo_data_factor_at(d, 2)->name, "rotation");
    assert_int_equal(elbo_data_factor_at(d, 2)->size, 40);
    assert_null(elbo_data_factor_at(d, SPRITES_FACTORS));
    enum { N = 200 };
    int64_t index[N];
    int32_t values[N][SPRITES_FACTORS], labels[N];
    static float x[N][64 * 64];
    for (int i = 0; i < N; i++) index[i] = 367 * i;
    assert_int_equal(elbo_data_read_factors(d, index, N, *values, NULL), ELBO_OK);
    assert_int_equal(elbo_data_read(d, index, N, *x, labels, NULL), ELBO_OK);
    for (int i = 0; i < N; i++) {
        int f[SPRITES_FACTORS];
        for (int k = 0; k < SPRITES_FACTORS; k++) f[k] = values[i][k];
        assert_int_equal(sprites_index(f), 10 * index[i] + 9); /* every tenth */
        assert_int_equal(f[SPRITES_SHAPE], labels[i]);
    }
    index[70] = elbo_data_describe(d)->count;
    assert_int_equal(elbo_data_read_factors(d, index, N, *values, NULL), ELBO_USAGE);
    elbo_data_free(d);
}

static void test_labels_stand_for_a_factor(void **state)
{
    (void)state;
    enum { N = 100 };
    static const int64_t shape[3] = {1, 1, 2};
    float x[N][2] = {{0}};
    int32_t labels[N], values[N];
    int64_t index[N];
    for (int i = 0; i < N; i++) {
        labels[i] = i % 7 - 1;
        index[i] = N - 1 - i;
    }
    elbo_data *d = elbo_data_from_memory(engine, x, ELBO_F32, N, shape, labels, NULL);
    assert_string_equal(elbo_data_factor_at(d, 0)->name, "label");
    assert_int_equal(elbo_data_factor_at(d, 0)->size, 6);
    assert_null(elbo_data_factor_at(d, 1));
    assert_int_equal(elbo_data_read_factors(d, index, N, values, NULL), ELBO_OK);
    for (int i = 0; i < N; i++) assert_int_equal(values[i], labels[N - 1 - i]);
    elbo_data_free(d);

    elbo_error error;
    d = elbo_data_from_memory(engine, x, ELBO_F32, N, shape, NULL, NULL);
    assert_null(elbo_data_factor_at(d, 0));
    assert_int_equal(elbo_data_read_factors(d, index, N, values, &error), ELBO_USAGE);
    assert_string_equal(error.message, "memory has neither factors nor labels");
    elbo_data_free(d);
}

/* ---- Of a callback, and of a model ---- */

static int read_pairs(void *user, const int64_t *index, int64_t n, void *out, int32_t *labels)
{
    (void)user, (void)labels;
    float *x = out;
    for (int64_t i = 0; i < n; i++) {
        x[2 * i] = (float)(index[i] % ALL / B) / (A - 1);
        x[2 * i + 1] = (float)(index[i] % B) / (B - 1);
    }
    return 0;
}

static int read_pair_factors(void *user, const int64_t *index, int64_t n, int32_t *values)
{
    for (int64_t i = 0; i < n; i++) {
        values[2 * i] = (int32_t)(index[i] % ALL / B);
        values[2 * i + 1] = (int32_t)(index[i] % B) + *(int *)user;
    }
    return 0;
}

/* Codes that are linear in a and b: any two pairs differ, so in narrow bins each number tells all of both. */
static void test_model(void **state)
{
    (void)state;
    int shift = 0;
    elbo_data_source source = {.count = 10 * ALL, .shape = {1, 1, 2}, .dtype = ELBO_F32, .max = 1, .read = read_pairs,
                               .user = &shift, .factors = two, .n_factors = 2, .read_factors = read_pair_factors};
    elbo_data *d = elbo_data_from_source(engine, &source, NULL);
    elbo_config *c = elbo_config_new(engine, NULL);
    assert_int_equal(elbo_config_set(c, "encoder", "dense 2", NULL), ELBO_OK);
    assert_int_equal(elbo_config_set(c, "latent", "2", NULL), ELBO_OK);
    elbo_model *m = elbo_model_new(engine, c, d, NULL);
    assert_non_null(m);
    double information[2][2], entropy[2], gap[2];
    elbo_factor_scores s = {*information, entropy, gap};
    int64_t used;
    assert_int_equal(elbo_model_factors(m, d, 10000, 1, 65536, &s, &used, NULL), ELBO_OK);
    assert_int_equal(used, 10 * ALL);
    CLOSE(entropy[0], log(A));
    CLOSE(entropy[1], log(B));
    for (int j = 0; j < 2; j++) {
        CLOSE(information[j][0], log(A));
        CLOSE(information[j][1], log(B));
    }
    CLOSE(gap[0], 0);
    assert_int_equal(elbo_model_factors(m, d, 10, 1, 20, &s, &used, NULL), ELBO_OK);
    assert_int_equal(used, 10);
    elbo_error error;
    shift = 1;
    assert_int_equal(elbo_model_factors(m, d, ALL, 1, 20, &s, &used, &error), ELBO_IO);
    assert_non_null(strstr(error.message, "the b 6, expected -1 to 5"));
    elbo_model_free(m);
    elbo_config_free(c);
    elbo_data_free(d);
    source.read_factors = NULL;
    assert_null(elbo_data_from_source(engine, &source, &error));
    assert_int_equal(error.code, ELBO_USAGE);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_golden),
    cmocka_unit_test(test_known_answers),
    cmocka_unit_test(test_unknown_is_left_out),
    cmocka_unit_test(test_refused),
    cmocka_unit_test(test_sprites_know_theirs),
    cmocka_unit_test(test_labels_stand_for_a_factor),
    cmocka_unit_test(test_model),
};

int main(void)
{
    engine = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    elbo_engine_close(engine);
    return failed;
}
