/* test_stats.c - statistics of arrays against NumPy, SciPy, scikit-learn and scikit-image (tests/golden/make_golden_stats.py). */
#include "base/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden/stats.h"

static elbo_engine *engine;

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) fail_msg("got %.12g, expected %.12g", got, want);
}

/* ---- Principal planes ---- */

static void test_plane(void **state)
{
    (void)state;
    for (int k = 0; k < N_PLANES; k++) {
        float plane[2 * 64];
        double share[2];
        int n = plane_n[k];
        assert_int_equal(elbo_principal_plane(engine, plane_x[k], n, plane_d[k], plane, share, NULL), ELBO_OK);
        for (int i = 0; i < 2 * n; i++) near((double)plane[i], plane_points[k][i], 1e-5);
        for (int i = 0; i < 2; i++) near(share[i], plane_share[k][i], 1e-12);
    }
}

static void test_plane_of_little(void **state)
{
    (void)state;
    static const float line[] = {1, 2, 6}, same[] = {1, 2, 3, 1, 2, 3}, bad[] = {1, NAN};
    float plane[6];
    double share[2];
    assert_int_equal(elbo_principal_plane(engine, line, 3, 1, plane, share, NULL), ELBO_OK);
    assert_true(plane[0] == -2 && plane[1] == 0 && plane[4] == 3 && share[0] == 1 && share[1] == 0);
    assert_int_equal(elbo_principal_plane(engine, same, 2, 3, plane, share, NULL), ELBO_OK);
    assert_true(plane[0] == 0 && plane[3] == 0 && share[0] == 0 && share[1] == 0);
    assert_int_equal(elbo_principal_plane(engine, bad, 2, 1, plane, share, NULL), ELBO_USAGE);
    assert_int_equal(elbo_principal_plane(engine, line, 0, 1, plane, share, NULL), ELBO_USAGE);
}

static int open_engine(void **state)
{
    (void)state;
    engine = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    return engine == NULL;
}

static int close_engine(void **state)
{
    (void)state;
    elbo_engine_close(engine);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plane),
        cmocka_unit_test(test_plane_of_little),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
