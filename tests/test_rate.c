/* test_rate.c - learning rates: from options to the factor of every epoch, against PyTorch's schedules. */
#include "model_rig.h"
#include "nn/rate.h"
#include "train/trainer.h"

#include "golden/training.h"

static const int64_t shape_of_data[] = {1, 2, 1};

/* The largest difference to the factors wanted, in epochs of one step. */
static double largest_error(const char *options, const double want[RATE_EPOCHS])
{
    double largest = 0;
    trainer t = {.m = model_of(options, shape_of_data), .feed = {.n_train = 1, .batch = 1}, .run = {.rate_factor = 1}};
    plateau p = {0};
    for (int epoch = 0; epoch < RATE_EPOCHS; epoch++) {
        t.run.epoch = epoch;
        t.run.plateau_drops = p.drops;
        largest = fmax(largest, fabs(step_rate(&t, epoch) / t.m->config.rate - want[epoch]));
        plateau_epoch(&p, rate_totals[epoch], t.m->config.drop_patience);
    }
    elbo_model_free(t.m);
    return largest;
}

enum { N_CASES = sizeof rate_factors / sizeof *rate_factors };

static void test_factors_are_pytorchs(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        double error = largest_error(rate_factors[i].options, rate_factors[i].factor);
        if (error > 1e-14) print_error("%s: off by %.3g\n", rate_factors[i].options, error);
        assert_true(error <= 1e-14);
        assert_true(largest_error(rate_factors[i].options, rate_factors[(i + 1) % N_CASES].factor) > 0.1);
    }
}

/* Each row of the table is among the cases. */
static void test_every_schedule_has_a_case(void **state)
{
    (void)state;
    static const char *const rows[] = {
#define SCHEDULE(name, factor) #name,
#include "nn/rate.def"
#undef SCHEDULE
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        bool found = false;
        for (int i = 0; i < N_CASES; i++) {
            size_t n = strlen(rows[k]);
            const char *options = rate_factors[i].options;
            found = found || (strncmp(options, "schedule=", 9) == 0 && strncmp(options + 9, rows[k], n) == 0 &&
                              (options[9 + n] == '|' || options[9 + n] == '\0'));
        }
        if (!found) print_error("no case for %s\n", rows[k]);
        assert_true(found);
    }
}

/* A total below 0 that falls has not stopped falling; one that creeps has. */
static void test_plateau_below_zero(void **state)
{
    (void)state;
    plateau p = {0};
    for (int i = 0; i < 10; i++) plateau_epoch(&p, -100 - 0.02 * i, 0);
    assert_int_equal(p.drops, 0);
    for (int i = 0; i < 3; i++) plateau_epoch(&p, -100.18 - 0.001 * i, 0);
    assert_int_equal(p.drops, 3);
}

/* A total that does not move is no better than itself, at 0 either. */
static void test_plateau_at_zero(void **state)
{
    (void)state;
    plateau p = {0};
    for (int i = 0; i < 4; i++) plateau_epoch(&p, 0, 0);
    assert_int_equal(p.drops, 3);
    plateau_epoch(&p, -1, 0);
    plateau_epoch(&p, -0.5, 0);
    plateau_epoch(&p, -0.9, 0);
    assert_int_equal(p.drops, 5);
}

/* A ramp counts steps, and begins again with each cycle. */
static void test_ramps(void **state)
{
    (void)state;
    static const struct {
        int64_t step;
        int ahead;
        double length, cycle, want;
    } cases[] = {{0, 0, 4, 0, 0},  {1, 0, 4, 0, 0.25}, {4, 0, 4, 0, 1},    {9, 0, 4, 0, 1},  {0, 1, 4, 0, 0.25},
                 {0, 0, 0, 0, 1},  {0, 1, 0.5, 0, 1},  {1, 0, 2.5, 0, .4}, {7, 0, 4, 8, 1},  {8, 0, 4, 8, 0},
                 {11, 0, 4, 8, .75}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(rig_near(ramp(cases[i].step, cases[i].ahead, cases[i].length, cases[i].cycle), cases[i].want, 1e-15, 0));
}

static void test_lists(void **state)
{
    (void)state;
    static const char *const good[] = {"", "1", "30, 60", "30 60,90"}, *const bad[] = {"0", "x", "30,", "60, 30", "3x", "30; 60",
                                                                                      "-1", "30, 30", "1.5", "99999999999"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) assert_true(rate_is_list(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (rate_is_list(bad[i])) fail_msg("'%s' is a list?", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_factors_are_pytorchs), cmocka_unit_test(test_every_schedule_has_a_case),
        cmocka_unit_test(test_plateau_below_zero),   cmocka_unit_test(test_plateau_at_zero),
        cmocka_unit_test(test_ramps),
        cmocka_unit_test(test_lists),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
