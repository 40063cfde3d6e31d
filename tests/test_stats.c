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

/* ---- Rankings ---- */

static void test_ranking(void **state)
{
    (void)state;
    elbo_ranking r;
    assert_int_equal(elbo_rank(engine, ranking_score, ranking_positive, RANKING_N, &r, NULL), ELBO_OK);
    near(r.auroc, ranking_auroc, 1e-14);
    near(r.average_precision, ranking_precision, 1e-14);
    static const double score[] = {1, 3, 2, INFINITY};
    static const unsigned char best[] = {0, 1, 0, 1}, all[] = {1, 1, 1, 1}, none[4] = {0};
    assert_int_equal(elbo_rank(engine, score, best, 4, &r, NULL), ELBO_OK);
    assert_true(r.auroc == 1 && r.average_precision == 1 && r.n_positive == 2 && r.n_negative == 2);
    assert_int_equal(elbo_rank(engine, score, all, 4, &r, NULL), ELBO_OK);
    assert_true(isnan(r.auroc) && r.average_precision == 1);
    assert_int_equal(elbo_rank(engine, score, none, 4, &r, NULL), ELBO_OK);
    assert_true(isnan(r.auroc) && isnan(r.average_precision));
    assert_int_equal(elbo_rank(engine, (const double[]){NAN}, none, 1, &r, NULL), ELBO_USAGE);
}

/* ---- Likeness ---- */

static void test_likeness(void **state)
{
    (void)state;
    for (int k = 0; k < N_LIKENESS; k++) {
        elbo_likeness got;
        const double *want = likeness_want[k];
        assert_int_equal(elbo_compare(engine, likeness_x[k], likeness_y[k], 1, likeness_shape[k], likeness_range[k], &got, NULL),
                         ELBO_OK);
        near(got.mse, want[0], 1e-12);
        near(got.psnr, want[1], 1e-10);
        near(got.ssim, want[2], 1e-10);
        assert_int_equal(elbo_compare(engine, likeness_x[k], likeness_x[k], 1, likeness_shape[k], likeness_range[k], &got, NULL),
                         ELBO_OK);
        assert_true(got.mse == 0 && got.psnr == INFINITY);
        near(got.ssim, 1, 1e-12);
    }
}

/* Several pairs at once, of pictures smaller than the window. */
static void test_likeness_of_small(void **state)
{
    (void)state;
    static const float x[] = {0, 1, 2, 3}, y[] = {0, 1, 2, 5};
    elbo_likeness got[2];
    assert_int_equal(elbo_compare(engine, x, y, 2, (const int64_t[]){1, 1, 2}, 2, got, NULL), ELBO_OK);
    assert_true(got[0].mse == 0 && got[1].mse == 2 && isnan(got[1].ssim));
    near(got[1].psnr, 3.0102999566398120, 1e-12); /* 10 log10(4 / 2) */
    assert_int_equal(elbo_compare(engine, x, y, 2, (const int64_t[]){1, 1, 2}, 0, got, NULL), ELBO_USAGE);
    assert_int_equal(elbo_compare(engine, x, y, 2, (const int64_t[]){0, 1, 2}, 1, got, NULL), ELBO_USAGE);
}

/* ---- A Gaussian ---- */

/* Rows of d numbers as a table, or as pictures of one column of pixels. */
static elbo_data *rows_of(const float *x, int64_t n, int64_t d, bool table)
{
    const int64_t as_table[3] = {1, 1, d}, as_picture[3] = {d, 1, 1};
    elbo_data *data = elbo_data_from_memory(engine, x, ELBO_F32, n, table ? as_table : as_picture, NULL, NULL);
    assert_non_null(data);
    return data;
}

static void check_fit(int k, bool table, const double *want)
{
    elbo_data *x = rows_of(fit_x[k], fit_n[k], fit_d[k], table), *y = rows_of(fit_y[k], FIT_M, fit_d[k], table);
    elbo_gaussian *g = elbo_gaussian_fit(engine, x, NULL);
    assert_non_null(g);
    double nll[FIT_M], last;
    assert_int_equal(elbo_gaussian_score(g, y, 0, FIT_M, nll, NULL), ELBO_OK);
    for (int i = 0; i < FIT_M; i++) near(nll[i], want[i], 1e-9 * fabs(want[i]));
    assert_int_equal(elbo_gaussian_score(g, y, FIT_M - 1, 1, &last, NULL), ELBO_OK);
    assert_true(last == nll[FIT_M - 1]);
    assert_int_equal(elbo_gaussian_score(g, y, FIT_M, 1, &last, NULL), ELBO_USAGE);
    elbo_gaussian_free(g);
    elbo_data_free(x);
    elbo_data_free(y);
}

static void test_gaussian(void **state)
{
    (void)state;
    for (int k = 0; k < N_FITS; k++) {
        check_fit(k, false, fit_nll[k]);
        check_fit(k, true, fit_table_nll[k]);
    }
    static const float same[6] = {1, 1, 1, 1, 1, 1};
    elbo_error error = {0};
    elbo_data *x = rows_of(same, 3, 2, true);
    assert_null(elbo_gaussian_fit(engine, x, &error));
    assert_int_equal(error.code, ELBO_USAGE);
    elbo_data_free(x);
}

/* More rows than parts, and examples that fill no block: the same bits for one thread and for three. */
static void test_gaussian_of_any_threads(void **state)
{
    (void)state;
    enum { ROWS = 203, WIDTH = 83 };
    static float x[ROWS * WIDTH];
    static double nll[2][ROWS];
    for (int i = 0; i < ROWS * WIDTH; i++) x[i] = (float)(sin(0.7 * i) + cos(0.013 * i * (i % 7)));
    for (int k = 0; k < 2; k++) {
        elbo_engine *own = elbo_engine_open(&(elbo_engine_options){.threads = k ? 3 : 1}, NULL);
        elbo_data *d = elbo_data_from_memory(own, x, ELBO_F32, ROWS, (const int64_t[]){1, 1, WIDTH}, NULL, NULL);
        elbo_gaussian *g = elbo_gaussian_fit(own, d, NULL);
        assert_non_null(g);
        assert_int_equal(elbo_gaussian_score(g, d, 0, ROWS, nll[k], NULL), ELBO_OK);
        elbo_gaussian_free(g);
        elbo_data_free(d);
        elbo_engine_close(own);
    }
    assert_memory_equal(nll[0], nll[1], sizeof nll[0]);
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
        cmocka_unit_test(test_ranking),
        cmocka_unit_test(test_likeness),
        cmocka_unit_test(test_likeness_of_small),
        cmocka_unit_test(test_gaussian),
        cmocka_unit_test(test_gaussian_of_any_threads),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
