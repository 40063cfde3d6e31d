/* test_draws.c - values drawn from p(x|z): of each likelihood, means, variances and how often each level comes are those of the
 * distribution; what the graph says of it is what its loss is of; a value depends on seed and place only, and samples of a model
 * of a table are in the table's units. */
#include "model_rig.h"

#include <stdlib.h>
#include <unistd.h>

enum { N = 40000 };

static const philox_key key = {.seed = 7, .stream = 99};

/* N values of one likelihood with the same parameters, its mean and variance. */
static void draw_many(const likelihood *l, const float *p, float *x, double *mean, double *variance)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < N; i++) likelihood_draw(l, p, 1, key, (uint64_t)i, &x[i]);
    for (int i = 0; i < N; i++) sum += (double)x[i];
    *mean = sum / N;
    for (int i = 0; i < N; i++) squares += ((double)x[i] - *mean) * ((double)x[i] - *mean);
    *variance = squares / N;
}

static void test_moments(void **state)
{
    (void)state;
    static const double pi = 3.14159265358979323846;
    static float x[N];
    const struct {
        likelihood l;
        float a, b;
        double mean, variance;
    } rows[] = {
        {{.kind = L_bernoulli}, 0.3f, 0, 0.3, 0.21},
        {{.kind = L_gaussian}, -2, 3, -2, 9},
        {{.kind = L_laplace}, 5, 2, 5, 8},
        {{.kind = L_logistic, .low = -1e6, .step = 0.001, .levels = INT64_C(1) << 40}, 1, 2, 1, 4 * pi * pi / 3},
        {{.kind = L_poisson, .step = 1}, 0.2f, 0, 0.2, 0.2},
        {{.kind = L_poisson, .step = 1}, 9.5f, 0, 9.5, 9.5},
        {{.kind = L_poisson, .step = 1}, 11, 0, 11, 11},
        {{.kind = L_poisson, .step = 1}, 3000, 0, 3000, 3000},
        {{.kind = L_poisson, .low = 3, .step = 0.5}, 4, 0, 5, 1},
        {{.kind = L_negative_binomial, .step = 1}, 3, 0.5f, 3, 3 + 9 / 0.5},
        {{.kind = L_negative_binomial, .step = 1}, 60, 8, 60, 60 + 3600 / 8.0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const float p[] = {rows[i].a, rows[i].b};
        double mean, variance, spread = rows[i].variance;
        draw_many(&rows[i].l, p, x, &mean, &variance);
        print_message("      %s: mean %g (%g), variance %g (%g)\n", likelihood_at(rows[i].l.kind)->name, mean, rows[i].mean,
                      variance, spread);
        assert_true(fabs(mean - rows[i].mean) < 5 * sqrt(spread / N));
        assert_true(fabs(variance / spread - 1) < 0.1);
    }
}

/* The share of values at most x against what it should be. */
static void assert_share(const float *x, double at, double expected)
{
    int below = 0;
    for (int i = 0; i < N; i++) below += (double)x[i] <= at;
    assert_true(fabs((double)below / N - expected) <= 5 * sqrt(expected * (1 - expected) / N));
}

static void test_shares(void **state)
{
    (void)state;
    static float x[N];
    double mean, variance, sum = 0, p;
    const likelihood gaussian = {.kind = L_gaussian}, laplace = {.kind = L_laplace}, count = {.kind = L_poisson, .step = 1};
    draw_many(&gaussian, (const float[]){1, 2}, x, &mean, &variance);
    for (int k = -2; k <= 2; k++) assert_share(x, 1 + 2 * k, 0.5 * erfc(-k / sqrt(2)));
    draw_many(&laplace, (const float[]){0, 1}, x, &mean, &variance);
    assert_share(x, -2, 0.5 * exp(-2));
    assert_share(x, 1, 1 - 0.5 * exp(-1));
    draw_many(&count, (const float[]){12, 0}, x, &mean, &variance); /* by rejection */
    for (int k = 0; k <= 24; k++) {
        sum += exp(k * log(12) - 12 - lgamma(k + 1));
        if (k % 4 == 0 && k > 4) assert_share(x, k, sum);
    }
    const likelihood over = {.kind = L_negative_binomial, .step = 1}; /* P(0) = (d / (d + m))^d */
    draw_many(&over, (const float[]){3, 0.5f}, x, &mean, &variance);
    p = pow(0.5 / 3.5, 0.5);
    assert_share(x, 0, p);
    assert_share(x, 1, p + p * 0.5 * 3 / 3.5);
}

static void test_levels(void **state)
{
    (void)state;
    static float x[N];
    double mean, variance;
    const likelihood levels = {.kind = L_categorical, .low = 10, .step = 2, .levels = 4};
    const float logits[] = {logf(1) - 50, logf(2) - 50, logf(3) - 50, logf(4) - 50};
    draw_many(&levels, logits, x, &mean, &variance);
    for (int k = 0; k < 4; k++) assert_share(x, 10 + 2 * k, (k + 1) * (k + 2) / 20.0);
    /* The outermost levels of a logistic one reach to infinity. */
    const likelihood bytes = {.kind = L_logistic, .low = 0, .step = 1.0 / 4, .levels = 5};
    draw_many(&bytes, (const float[]){0.2f, 0.3f}, x, &mean, &variance);
    for (int i = 0; i < N; i++) assert_true(x[i] >= 0 && x[i] <= 1 && x[i] * 4 == floorf(x[i] * 4));
    for (int k = 0; k < 4; k++) assert_share(x, k / 4.0, 1 / (1 + exp(-((k + 0.5) / 4 - 0.2) / 0.3)));
}

/* ---- Of a model ---- */

static void write_rows(void)
{
    FILE *f = fopen("drawn.csv", "w");
    assert_non_null(f);
    fprintf(f, "size,n,sex,hair,always\n");
    for (int i = 0; i < 400; i++)
        fprintf(f, "%g,%d,%c,%s,7\n", 500 + 100 * sin(1.7 * i), i * 7 % 5, "fm"[i % 3 == 0],
                i % 2 ? "red" : i % 4 ? "grey" : "blue");
    assert_int_equal(fclose(f), 0);
}

static elbo_model *model_of_rows(const char *options, const char *ignore)
{
    elbo_error err = {0};
    elbo_data *d = elbo_data_open_with(engine, "drawn.csv", "all", &(elbo_data_options){.ignore = ignore}, &err);
    elbo_config *c = config_of(options);
    elbo_model *m = d ? elbo_train(engine, c, d, &(elbo_train_options){.no_validation = 1}, &err) : NULL;
    if (!m) print_error("%s\n", err.message);
    assert_non_null(m);
    elbo_config_free(c);
    elbo_data_free(d);
    return m;
}

static void test_rows(void **state)
{
    (void)state;
    enum { SAMPLES = 1500, D = 5 };
    static float x[SAMPLES * D], again[3 * D];
    elbo_error err = {0};
    write_rows();
    elbo_model *m = model_of_rows("epochs=40|encoder=dense 8 tanh|decoder=dense 8 tanh|latent=2", NULL);
    must(elbo_model_sample_values(m, SAMPLES, 3, x, &err), &err);
    must(elbo_model_sample_values(m, 3, 3, again, &err), &err);
    assert_memory_equal(x, again, sizeof again); /* whatever is drawn beside them */
    double mean = 0, squares = 0, counts = 0, males = 0, hair[3] = {0};
    for (int i = 0; i < SAMPLES; i++) {
        const float *row = x + i * D;
        mean += (double)row[0] / SAMPLES;
        counts += (double)row[1] / SAMPLES;
        assert_true(row[1] >= 0 && row[1] == floorf(row[1]));
        assert_true(row[2] == 0 || row[2] == 1);
        assert_true(row[3] == 0 || row[3] == 1 || row[3] == 2);
        males += (double)row[2] / SAMPLES;
        hair[(int)row[3]] += 1.0 / SAMPLES;
        assert_true(row[4] == 7);
    }
    for (int i = 0; i < SAMPLES; i++) squares += pow((double)x[i * D] - mean, 2) / SAMPLES;
    print_message("      size %g +- %g, n %g, males %g, hair %g %g %g\n", mean, sqrt(squares), counts, males, hair[0], hair[1],
                  hair[2]);
    assert_true(fabs(mean - 500) < 15 && sqrt(squares) > 55 && sqrt(squares) < 90); /* 71 */
    assert_true(fabs(counts - 2) < 0.3 && fabs(males - 1.0 / 3) < 0.08);
    assert_true(fabs(hair[2] - 0.5) < 0.08 && fabs(hair[1] - 0.25) < 0.08);
    elbo_model_free(m);
    unlink("drawn.csv");
}

static void test_losses_are_refused(void **state)
{
    (void)state;
    float x[5];
    elbo_error err = {0};
    write_rows();
    elbo_model *m = model_of_rows("epochs=1|encoder=dense 4 tanh|decoder=dense 4 tanh|latent=2|likelihood=squared", "sex,hair");
    assert_int_equal(elbo_model_sample_values(m, 1, 1, x, &err), ELBO_USAGE);
    assert_non_null(strstr(err.message, "squared is a loss, not a distribution"));
    must(elbo_model_sample(m, 1, 1, x, &err), &err);
    elbo_model_free(m);
    unlink("drawn.csv");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments), cmocka_unit_test(test_shares), cmocka_unit_test(test_levels), cmocka_unit_test(test_rows),
        cmocka_unit_test(test_losses_are_refused),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
