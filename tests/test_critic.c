/* test_critic.c - the critic of family factor finds the total correlation of the codes.
 *
 * The model is held still (rate 0) while its critic learns. What it should find is known from the aggregate posterior itself,
 *
 *     TC = E_q(z)[log q(z) - sum_j log q(z_j)],   q(z) = 1/N sum_n q(z|x_n),   q(z|x) a Gaussian with a diagonal covariance,
 *
 * which for a few hundred examples can be summed up, with draws for the outer mean. A critic that still learns finds less, and
 * so does one whose exchanged codes are now and then the codes themselves: one in half a batch. */
/* ctest: slow */
#include <elbo.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

enum { N = 256, Z = 2, ROUNDS = 40, LATE = 200 };

static double uniform(void)
{
    static unsigned long long state = 88172645463325252ull; /* xorshift64 */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal_draw(void)
{
    double r = sqrt(-2 * log(uniform()));
    return r * cos(6.283185307179586 * uniform());
}

static double log_density(double z, double mean, double std)
{
    double u = (z - mean) / std;
    return -0.5 * u * u - log(std) - 0.9189385332046727;
}

/* log q(z) - sum_j log q(z_j) */
static double log_ratio(const double z[Z], float mean[N][Z], float std[N][Z])
{
    double joint = 0, apart[Z] = {0};
    for (int n = 0; n < N; n++) {
        double sum = 0;
        for (int j = 0; j < Z; j++) {
            double each = log_density(z[j], (double)mean[n][j], (double)std[n][j]);
            apart[j] += exp(each) / N;
            sum += each;
        }
        joint += exp(sum) / N;
    }
    double ratio = log(joint);
    for (int j = 0; j < Z; j++) ratio -= log(apart[j]);
    return ratio;
}

static double total_correlation(float mean[N][Z], float std[N][Z])
{
    double sum = 0;
    for (int i = 0; i < N * ROUNDS; i++) {
        double z[Z];
        for (int j = 0; j < Z; j++) z[j] = (double)mean[i % N][j] + (double)std[i % N][j] * normal_draw();
        sum += log_ratio(z, mean, std);
    }
    return sum / (N * ROUNDS);
}

/* The mean of tc over the last LATE epochs. */
static int keep_tc(void *user, const elbo_event *event)
{
    if (event->kind != ELBO_EVENT_EPOCH || event->epoch <= event->epochs - LATE) return 0;
    for (int64_t i = 0; i < event->train.n_other; i++)
        if (strcmp(event->train.other[i].name, "tc") == 0) *(double *)user += event->train.other[i].value / LATE;
    return 0;
}

static void test_critic_finds_tc(void **state)
{
    (void)state;
    static const char *const options[][2] = {
        {"family", "factor"}, {"likelihood", "gaussian"}, {"encoder", "dense 2 linear"}, {"decoder", "dense 2 linear"},
        {"latent", "2"},      {"rate", "0"},              {"critic-rate", "0.005"},      {"batch", "256"},
        {"epochs", "2000"},   {"critic", "dense 32 silu; dense 32 silu"}};
    static float x[N][3], mean[N][Z], std[N][Z];
    for (int n = 0; n < N; n++) {
        double a = normal_draw();
        x[n][0] = (float)(4 * a);
        x[n][1] = (float)(4 * a + normal_draw());
        x[n][2] = (float)normal_draw();
    }
    elbo_engine *engine = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    elbo_data *data = elbo_data_from_memory(engine, x, ELBO_F32, N, (const int64_t[3]){1, 1, 3}, NULL, NULL);
    elbo_config *config = elbo_config_new(engine, NULL);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        assert_int_equal(elbo_config_set(config, options[i][0], options[i][1], NULL), ELBO_OK);
    double found = 0;
    elbo_train_options train = {.no_validation = 1, .on_event = keep_tc, .user = &found};
    elbo_model *model = elbo_train(engine, config, data, &train, NULL);
    assert_non_null(model);
    assert_int_equal(elbo_model_encode(model, *x, N, *mean, *std, NULL), ELBO_OK);
    double expected = total_correlation(mean, std);
    print_message("total correlation %.3f, by the critic %.3f\n", expected, found);
    assert_true(expected > 0.15); /* else there is nothing to find */
    assert_true(found > 0.8 * expected);
    assert_true(found < 1.05 * expected);
    elbo_model_free(model);
    elbo_config_free(config);
    elbo_data_free(data);
    elbo_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_critic_finds_tc)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
