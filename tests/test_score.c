/* test_score.c - what is measured of single examples: scores do not depend on what they are scored beside, average to what
 * evaluation gives, and settle as draws are averaged. */
#include "base/engine.h"
#include "base/philox.h"
#include "vae/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

enum { N = 70, D = 6 };

static float x[N][D];

typedef struct subject {
    elbo_engine *engine;
    elbo_data *data;
    elbo_model *model;
} subject;

static subject open_subject(const char *name, int threads)
{
    subject s = {.engine = elbo_engine_open(&(elbo_engine_options){.threads = threads, .own_products = 1}, NULL)};
    for (int i = 0; i < N; i++)
        for (int j = 0; j < D; j++) x[i][j] = (float)(0.5 + 0.45 * sin(1.7 * i + 0.9 * j * j));
    elbo_config *c = elbo_config_new(s.engine, NULL);
    const char *const options[][2] = {{"family", name},             {"encoder", "dense 9 tanh"}, {"decoder", "dense 8 tanh"},
                                      {"likelihood", "gaussian"}, {"sigma", "0.5"},            {"beta", "3"},
                                      {"latent", "4"},            {"init", "glorot"},          {"codes", "5"}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        assert_int_equal(elbo_config_set(c, options[i][0], options[i][1], NULL), ELBO_OK);
    s.data = elbo_data_from_memory(s.engine, x, ELBO_F32, N, (const int64_t[]){1, 2, 3}, NULL, NULL);
    s.model = elbo_model_new(s.engine, c, s.data, NULL);
    assert_non_null(s.model);
    elbo_config_free(c);
    return s;
}

static void close_subject(subject *s)
{
    elbo_model_free(s->model);
    elbo_data_free(s->data);
    elbo_engine_close(s->engine);
}

static void score(subject *s, int64_t first, int64_t n, int64_t samples, elbo_score *out)
{
    assert_int_equal(elbo_model_score(s->model, s->data, first, n, samples, out, NULL), ELBO_OK);
}

/* Of every family: rec, kl and total average to evaluation's, whose batches are other ones. */
static void test_mean_is_evaluation(void **state)
{
    (void)state;
    for (size_t f = 0; elbo_family_at(f); f++) {
        subject s = open_subject(elbo_family_at(f)->name, 2);
        elbo_score each[N], mean = {0};
        elbo_metrics want;
        score(&s, 0, N, 1, each);
        assert_int_equal(elbo_model_evaluate(s.model, s.data, &want, NULL), ELBO_OK);
        for (int i = 0; i < N; i++) {
            mean.total += each[i].total / N;
            mean.rec += each[i].rec / N;
            mean.kl += each[i].kl / N;
        }
        double size = 1 + fabs(want.total);
        if (fabs(mean.total - want.total) > 1e-6 * size || fabs(mean.rec - want.rec) > 1e-6 * size ||
            fabs(mean.kl - want.kl) > 1e-6 * size)
            fail_msg("%s: got %g %g %g, expected %g %g %g", elbo_family_at(f)->name, mean.total, mean.rec, mean.kl, want.total,
                     want.rec, want.kl);
        close_subject(&s);
    }
}

/* The same bits whatever is scored with an example, and for any number of threads. */
static void test_alone(void **state)
{
    (void)state;
    subject s = open_subject("vae", 1), other = open_subject("vae", 3);
    elbo_score all[N], part[N], one;
    score(&s, 0, N, 3, all);
    score(&other, 11, N - 11, 3, part);
    assert_memory_equal(part, all + 11, (N - 11) * sizeof *all);
    score(&s, N - 1, 1, 3, &one);
    assert_memory_equal(&one, all + N - 1, sizeof one);
    close_subject(&s);
    close_subject(&other);
}

/* More draws are an average: rec settles, and kl, which needs no draws, stays. */
static void test_draws(void **state)
{
    (void)state;
    subject s = open_subject("vae", 1);
    elbo_score once, hundred, thousand;
    score(&s, 5, 1, 1, &once);
    score(&s, 5, 1, 100, &hundred);
    score(&s, 5, 1, 1000, &thousand);
    assert_true(fabs(once.kl - thousand.kl) < 1e-9 && once.rec != thousand.rec);
    assert_true(fabs(hundred.rec - thousand.rec) < 0.3 * fmax(1, fabs(thousand.rec)));
    assert_true(fabs(thousand.total - thousand.rec - 3 * thousand.kl) < 1e-9);
    close_subject(&s);
}

static void test_refused(void **state)
{
    (void)state;
    subject s = open_subject("vae", 1);
    elbo_score some[N];
    elbo_data *wide = elbo_data_from_memory(s.engine, x, ELBO_F32, N / 2, (const int64_t[]){1, 4, 3}, NULL, NULL);
    assert_int_equal(elbo_model_score(s.model, s.data, 1, N, 1, some, NULL), ELBO_USAGE);
    assert_int_equal(elbo_model_score(s.model, s.data, -1, 1, 1, some, NULL), ELBO_USAGE);
    assert_int_equal(elbo_model_score(s.model, s.data, 0, INT64_MAX, 1, some, NULL), ELBO_USAGE);
    assert_int_equal(elbo_model_score(s.model, s.data, 0, 1, 0, some, NULL), ELBO_USAGE);
    assert_int_equal(elbo_model_score(s.model, wide, 0, 1, 1, some, NULL), ELBO_USAGE);
    assert_int_equal(elbo_model_score(s.model, s.data, N, 0, 1, some, NULL), ELBO_OK);
    elbo_data_free(wide);
    close_subject(&s);
}

/* ---- Filling in ---- */

static unsigned char hidden[N][D];

static void hide(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < D; j++) hidden[i][j] = (i + j) % 3 == 0;
}

/* What is known stays; what is hidden is not looked at, be it nan; and an example does not depend on those after it. */
static void test_impute_looks_at_what_is_known(void **state)
{
    (void)state;
    subject s = open_subject("vae", 1);
    static float out[N][D], again[N][D], lost[N][D];
    hide();
    assert_int_equal(elbo_model_impute(s.model, &x[0][0], &hidden[0][0], N, 4, 7, &out[0][0], NULL), ELBO_OK);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < D; j++) {
            assert_true(hidden[i][j] ? out[i][j] != x[i][j] : out[i][j] == x[i][j]);
            lost[i][j] = hidden[i][j] ? NAN : x[i][j];
        }
    assert_int_equal(elbo_model_impute(s.model, &lost[0][0], NULL, 9, 4, 7, &again[0][0], NULL), ELBO_OK);
    assert_memory_equal(again, out, 9 * sizeof again[0]);
    assert_int_equal(elbo_model_impute(s.model, &x[0][0], &hidden[0][0], N, 4, 8, &again[0][0], NULL), ELBO_OK);
    assert_memory_not_equal(again, out, sizeof out);
    assert_int_equal(elbo_model_impute(s.model, &x[0][0], NULL, N, 0, 7, &out[0][0], NULL), ELBO_USAGE);
    close_subject(&s);
}

/* The chain written down once more, for one example: from the code 0, each round through encode and decode, with the noise of
 * its key. Of an autoencoder there is no noise. */
static void test_impute_rounds(void **state)
{
    (void)state;
    enum { ROUNDS = 5, Z = 4 };
    static const char *const families[] = {"ae", "vae"};
    hide();
    for (int f = 0; f < 2; f++) {
        subject s = open_subject(families[f], 1);
        float in[D], y[D], out[D], z[Z] = {0}, std[Z], noise[Z];
        double sum[D] = {0};
        assert_int_equal(elbo_model_decode(s.model, z, 1, y, NULL), ELBO_OK);
        for (int r = 0; r < ROUNDS; r++) {
            for (int j = 0; j < D; j++) in[j] = hidden[0][j] ? y[j] : x[0][j];
            assert_int_equal(elbo_model_encode(s.model, in, 1, z, std, NULL), ELBO_OK);
            philox_key key = {.seed = 3, .step = (uint32_t)r, .stream = philox_stream("impute/z")};
            philox_normal(key, 0, Z, noise);
            for (int k = 0; k < Z; k++) z[k] += std[k] * noise[k];
            assert_int_equal(elbo_model_decode(s.model, z, 1, y, NULL), ELBO_OK);
            for (int j = 0; j < D && r >= 2; j++) sum[j] += (double)y[j] / 3; /* rounds 2, 3 and 4 of 5 */
        }
        assert_int_equal(elbo_model_impute(s.model, x[0], hidden[0], 1, ROUNDS, 3, out, NULL), ELBO_OK);
        for (int j = 0; j < D; j++)
            if (hidden[0][j]) assert_true(fabs((double)out[j] - sum[j]) < 1e-6);
        close_subject(&s);
    }
}

/* ---- Bits ---- */

/* The bits of so many nats, of a model of bytes, bits or real numbers [1,2,3]; -1 where they are refused. */
static double bits_of(const char *const options[][2], const char *kind, double nats)
{
    elbo_engine *e = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    elbo_config *c = elbo_config_new(e, NULL);
    static const unsigned char bytes[] = {0, 255, 17, 80, 200, 3}, binary[] = {0, 255, 0, 255, 255, 0};
    static const float real[] = {0.1f, 0.52f, 0.333f, 0.7f, 0.9f, 0.456f};
    const void *values = *kind == 'r' ? (const void *)real : *kind == 'b' ? binary : bytes;
    for (size_t i = 0; options[i][0]; i++) assert_int_equal(elbo_config_set(c, options[i][0], options[i][1], NULL), ELBO_OK);
    elbo_data *d =
        elbo_data_from_memory(e, values, *kind == 'r' ? ELBO_F32 : ELBO_U8, 1, (const int64_t[]){1, 2, 3}, NULL, NULL);
    elbo_model *m = elbo_model_new(e, c, d, NULL);
    assert_non_null(m);
    double bits = 0;
    elbo_status status = elbo_model_bits(m, nats, &bits, NULL);
    assert_true(status == ELBO_OK || status == ELBO_USAGE);
    elbo_model_free(m);
    elbo_data_free(d);
    elbo_config_free(c);
    elbo_engine_close(e);
    return status == ELBO_OK ? bits : -1;
}

#define WITH(...) (const char *const[][2]){__VA_ARGS__, {NULL, NULL}}

/* A fair coin for each number is a bit; a density of 1 over [0,1], or of 1/2 over [-1,1], is 1/255 for each of the levels between
 * 0 and 255. Where there is no -log p of levels, there are no bits. */
static void test_bits(void **state)
{
    (void)state;
    const double coin = D * log(2), byte = log2(255);
    assert_true(fabs(bits_of(WITH({"likelihood", "bernoulli"}), "binary", coin) - 1) < 1e-12);
    assert_true(fabs(bits_of(WITH({"binarize", "threshold"}), "grey", coin) - 1) < 1e-12);
    assert_true(fabs(bits_of(WITH({"likelihood", "gaussian"}), "grey", 0) - byte) < 1e-12);
    assert_true(fabs(bits_of(WITH({"likelihood", "gaussian"}, {"range", "symmetric"}), "grey", coin) - byte) < 1e-12);
    assert_true(fabs(bits_of(WITH({"likelihood", "categorical"}), "grey", 8 * coin) - 8) < 1e-12);
    assert_true(bits_of(WITH({"likelihood", "bernoulli"}), "grey", coin) == -1);
    assert_true(bits_of(WITH({"likelihood", "squared"}), "grey", coin) == -1);
    assert_true(bits_of(WITH({"likelihood", "gaussian"}), "real", coin) == -1);
    assert_true(bits_of(WITH({"family", "ae"}), "binary", coin) == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mean_is_evaluation),
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_draws),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_impute_looks_at_what_is_known),
        cmocka_unit_test(test_impute_rounds),
        cmocka_unit_test(test_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
