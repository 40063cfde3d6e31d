/* test_optim.c - optimisers: ten steps along given gradients against PyTorch's, from options to numbers. */
#include "model_rig.h"

#include "golden/training.h"

#include <float.h>

static const int64_t shape_of_data[] = {1, 2, 1};

enum { N_CASES = sizeof optim_steps / sizeof *optim_steps };

/* The largest difference to PyTorch's numbers along the ten steps, by the loop for double or the one for float. */
static double largest_error(const char *options, const double want[OPTIM_STEPS][OPTIM_N], bool in_double)
{
    elbo_model *m = model_of(options, shape_of_data);
    const optimiser *how = optim_at((size_t)m->config.optimizer);
    double x[OPTIM_N], slots[OPTIM_SLOTS][OPTIM_N] = {{0}}, *slot[OPTIM_SLOTS] = {0}, largest = 0;
    float x_float[OPTIM_N], slots_float[OPTIM_SLOTS][OPTIM_N] = {{0}}, *slot_float[OPTIM_SLOTS] = {0}, g_float[OPTIM_N];
    for (int i = 0; i < OPTIM_N; i++) x[i] = optim_start[i], x_float[i] = (float)optim_start[i];
    for (int step = 0; step < OPTIM_STEPS; step++) {
        optim_settings o = model_optimiser(m, 0);
        o.step = step + 1;
        for (int k = 0; k < OPTIM_SLOTS; k++)
            if (optim_needs(how, k, &o)) slot[k] = slots[k], slot_float[k] = slots_float[k];
        for (int i = 0; i < OPTIM_N; i++) g_float[i] = (float)optim_gradients[step][i];
        how->update_double(&o, OPTIM_N, x, optim_gradients[step], slot);
        how->update(&o, OPTIM_N, x_float, g_float, slot_float);
        for (int i = 0; i < OPTIM_N; i++)
            largest = fmax(largest, fabs((in_double ? x[i] : (double)x_float[i]) - want[step][i]));
    }
    elbo_model_free(m);
    return largest;
}

static void test_steps_are_pytorchs(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        double error = largest_error(optim_steps[i].options, optim_steps[i].x, true);
        double error_float = largest_error(optim_steps[i].options, optim_steps[i].x, false);
        if (error > 1e-14 || error_float > 1e-5)
            print_error("%s: off by %.3g in double, by %.3g in float\n", optim_steps[i].options, error, error_float);
        assert_true(error <= 1e-14 && error_float <= 1e-5);
    }
}

/* Each row of the table is among the cases. */
static void test_every_optimiser_has_a_case(void **state)
{
    (void)state;
    char word[64];
    for (size_t k = 0; optim_at(k); k++) {
        snprintf(word, sizeof word, "optimizer=%s|", optim_at(k)->name);
        bool found = false;
        for (int i = 0; i < N_CASES; i++) found = found || strncmp(optim_steps[i].options, word, strlen(word)) == 0;
        if (!found) print_error("no case for %s\n", word);
        assert_true(found);
    }
}

/* Along the steps of another case the numbers differ. */
static void test_other_options_make_other_steps(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++)
        assert_true(largest_error(optim_steps[i].options, optim_steps[(i + 1) % N_CASES].x, true) > 1e-4);
}

/* The running mean of sgd's steps is that of PyTorch's AveragedModel. */
static void test_running_mean(void **state)
{
    (void)state;
    elbo_model *m = model_of("optimizer=sgd|rate=0.1", shape_of_data);
    float x[OPTIM_N], average[OPTIM_N], *slot[OPTIM_SLOTS] = {0};
    for (int i = 0; i < OPTIM_N; i++) x[i] = average[i] = (float)optim_start[i];
    for (int step = 0; step < OPTIM_STEPS; step++) {
        optim_settings o = model_optimiser(m, 0);
        float g[OPTIM_N];
        for (int i = 0; i < OPTIM_N; i++) g[i] = (float)optim_gradients[step][i];
        optim_at((size_t)m->config.optimizer)->update(&o, OPTIM_N, x, g, slot);
        optim_average(OPTIM_N, optim_keep(0.6, step + 1), average, x);
        for (int i = 0; i < OPTIM_N; i++) assert_true(fabs((double)average[i] - ema_steps[step][i]) < 1e-6);
    }
    elbo_model_free(m);
}

/* A slot that nothing asks for has no array. */
static void test_slots(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        bool slot[OPTIM_SLOTS];
    } cases[] = {{"optimizer=adam", {true, true, false}},
                 {"optimizer=sgd", {false, false, false}},
                 {"optimizer=sgd|momentum=0.9", {true, false, false}},
                 {"optimizer=rmsprop", {true, false, false}},
                 {"optimizer=rmsprop|centred=true", {true, false, true}},
                 {"optimizer=rmsprop|momentum=0.9", {true, true, false}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        elbo_model *m = model_of(cases[i].options, shape_of_data);
        for (int k = 0; k < OPTIM_SLOTS; k++) assert_int_equal(m->store.slot[k] != NULL, cases[i].slot[k]);
        elbo_model_free(m);
    }
}

/* Wherever among the numbers it is, also behind those that are taken several at a time. */
static void test_what_is_not_finite(void **state)
{
    (void)state;
    enum { N = 37 };
    float x[N];
    const float bad[] = {INFINITY, -INFINITY, NAN, -NAN};
    for (int i = 0; i < N; i++) x[i] = i % 2 ? FLT_MAX : -FLT_MIN / 2;
    assert_true(optim_finite(N, x));
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 4; k++) {
            float kept = x[i];
            x[i] = bad[k];
            assert_false(optim_finite(N, x));
            x[i] = kept;
        }
}

/* A gradient whose square is not finite: whatever an optimiser keeps, its parameters show. */
static void test_what_is_kept_shows(void **state)
{
    (void)state;
    int hidden = 0;
    for (int i = 0; i < N_CASES; i++) {
        elbo_model *m = model_of(optim_steps[i].options, shape_of_data);
        optim_settings o = model_optimiser(m, 0);
        const optimiser *how = optim_at((size_t)m->config.optimizer);
        float x[OPTIM_N] = {0}, g[OPTIM_N], slots[OPTIM_SLOTS][OPTIM_N] = {{0}}, *slot[OPTIM_SLOTS] = {0};
        bool kept = true;
        o.step = 1;
        for (int k = 0; k < OPTIM_N; k++) g[k] = 1e25f;
        for (int k = 0; k < OPTIM_SLOTS; k++)
            if (optim_needs(how, k, &o)) slot[k] = slots[k];
        how->update(&o, OPTIM_N, x, g, slot);
        for (int k = 0; k < OPTIM_SLOTS; k++) kept = kept && optim_finite(OPTIM_N, slots[k]);
        if (!kept && optim_finite(OPTIM_N, x)) fail_msg("%s: not seen", optim_steps[i].options);
        hidden += !kept;
        elbo_model_free(m);
    }
    assert_true(hidden > 0);
}

/* Of a length that no number of lanes divides. */
static void test_sum_of_squares(void **state)
{
    (void)state;
    float x[67];
    for (int i = 0; i < 67; i++) x[i] = (float)(i - 30);
    for (size_t n = 0; n <= 67; n++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
        assert_true(optim_squares(n, x) == sum);
    }
}

/* The order of the sum is part of a run's bits where gradients are clipped: every sixteenth number is added to the same part, and
 * the parts are put together at the end. Here all ones are added, one by one, to a number too large for them. */
static void test_order_of_squares(void **state)
{
    (void)state;
    enum { N = 16 * 8 };
    float x[N] = {0};
    x[15] = 0x1p27f;
    for (int i = 31; i < N; i += 16) x[i] = 1;
    assert_true(optim_squares(N, x) == 0x1p54);
    for (int i = 14; i < N; i += 16) x[i] = 1; /* a part of their own, put before it */
    assert_true(optim_squares(N, x) == 0x1p54 + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_are_pytorchs),
        cmocka_unit_test(test_every_optimiser_has_a_case),
        cmocka_unit_test(test_other_options_make_other_steps),
        cmocka_unit_test(test_running_mean),
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_what_is_not_finite),
        cmocka_unit_test(test_what_is_kept_shows),
        cmocka_unit_test(test_sum_of_squares),
        cmocka_unit_test(test_order_of_squares),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
