/* test_squared_error.c - the squared error of reconstructions, of a model that answers 1/2 to everything, beside the mean's. */
#include <elbo.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

enum { N = 700, D = 6 }; /* more than are read at once */

static void test_against_sums(void **state)
{
    (void)state;
    static const int64_t shape[3] = {1, 2, 3};
    static unsigned char x[N][D];
    double error = 0, mean[D] = {0}, of_mean = 0, got, got_of_mean;
    for (int i = 0; i < N * D; i++) x[i / D][i % D] = (unsigned char)(i * 7919 % 251);
    for (int i = 0; i < N * D; i++) mean[i % D] += x[i / D][i % D] / 255.0 / N;
    for (int i = 0; i < N * D; i++) {
        double v = x[i / D][i % D] / 255.0;
        error += (v - 0.5) * (v - 0.5) / N;
        of_mean += (v - mean[i % D]) * (v - mean[i % D]) / N;
    }
    elbo_engine *engine = elbo_engine_open(NULL, NULL);
    elbo_data *data = elbo_data_from_memory(engine, x, ELBO_U8, N, shape, NULL, NULL);
    elbo_config *config = elbo_config_new(engine, NULL);
    assert_int_equal(elbo_config_set(config, "init", "zeros", NULL), ELBO_OK);
    elbo_model *model = elbo_model_new(engine, config, data, NULL);
    assert_int_equal(elbo_model_squared_error(model, data, &got, &got_of_mean, NULL), ELBO_OK);
    assert_true(fabs(got - error) < 1e-6);
    assert_true(fabs(got_of_mean - of_mean) < 1e-6);
    elbo_data *other = elbo_data_from_memory(engine, x, ELBO_U8, N, (const int64_t[3]){2, 1, 3}, NULL, NULL);
    assert_int_equal(elbo_model_squared_error(model, other, &got, &got_of_mean, NULL), ELBO_USAGE);
    elbo_data_free(other);
    elbo_model_free(model);
    elbo_config_free(config);
    elbo_data_free(data);
    elbo_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_sums)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
