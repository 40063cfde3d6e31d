/* test_epoch.c - what a run leaves after an epoch beside its checkpoint: the figures of its last steps, and the pictures asked
 * for. */
#include "train/feed.h"
#include "train/checkpoint.h"
#include "base/file.h"
#include "view/grid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 160, H = 4, W = 3, SIZE = H * W };
static const int64_t shape_hwc[3] = {H, W, 1};

static elbo_engine *engine;
static float values[COUNT][SIZE];

static elbo_data *open_values(int n, const float (*x)[SIZE])
{
    elbo_data *d = elbo_data_from_memory(engine, x, ELBO_F32, n, shape_hwc, NULL, NULL);
    assert_non_null(d);
    return d;
}

static elbo_config *config_of(const char *const (*options)[2])
{
    elbo_config *c = elbo_config_new(engine, NULL);
    for (; (*options)[0]; options++) assert_int_equal(elbo_config_set(c, (*options)[0], (*options)[1], NULL), ELBO_OK);
    return c;
}

/* ---- The last steps ---- */

static int keep_event(void *user, const elbo_event *event)
{
    if (event->kind == ELBO_EVENT_EPOCH) *(elbo_event *)user = *event;
    return 0;
}

/* The loss of a model that has learned nothing over the examples of the given steps. */
static double untrained_loss(const elbo_config *c, elbo_data *all, int64_t first, int64_t steps)
{
    static float some[COUNT][SIZE];
    feed f;
    int64_t n;
    assert_int_equal(feed_open(&f, all, 1, 0, 1, NULL), ELBO_OK);
    for (int64_t i = 0; i < steps; i++) {
        assert_int_equal(feed_train(&f, 0, first + i, &n, NULL), ELBO_OK);
        memcpy(some[i], f.x, sizeof some[i]);
    }
    feed_close(&f, engine->m);
    elbo_data *part = open_values((int)steps, some);
    elbo_model *m = elbo_model_new(engine, c, all, NULL);
    elbo_metrics metrics;
    assert_int_equal(elbo_model_evaluate(m, part, &metrics, NULL), ELBO_OK);
    elbo_model_free(m);
    elbo_data_free(part);
    return metrics.total;
}

/* An autoencoder at rate 0 has one loss for an example, whenever it sees it. */
static void test_recent_is_the_last_100_steps(void **state)
{
    (void)state;
    static const char *const options[][2] = {{"family", "ae"}, {"latent", "2"}, {"encoder", "dense 3 tanh"},
                                             {"decoder", "dense 3 tanh"}, {"rate", "0"}, {"batch", "1"}, {"epochs", "1"}, {0}};
    elbo_config *c = config_of(options);
    elbo_data *d = open_values(COUNT, values);
    elbo_event last;
    elbo_train_options o = {.no_validation = 1, .on_event = keep_event, .user = &last};
    elbo_model *m = elbo_train(engine, c, d, &o, NULL);
    assert_non_null(m);
    assert_int_equal(last.train.count, COUNT);
    assert_int_equal(last.recent.count, RECENT_STEPS);
    double all = untrained_loss(c, d, 0, COUNT), late = untrained_loss(c, d, COUNT - RECENT_STEPS, RECENT_STEPS);
    assert_true(all - late > 1e-3 || late - all > 1e-3); /* else the test could not tell */
    assert_float_equal(last.train.total, all, 1e-5);
    assert_float_equal(last.recent.total, late, 1e-5);
    elbo_model_free(m);
    elbo_data_free(d);
    elbo_config_free(c);
}

/* ---- Pictures ---- */

static bool is_there(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "album/%s", name);
    return file_exists(path);
}

static uint32_t big_endian(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* That a PNG has the size of n cells of so many parts, columns in a row. */
static void assert_grid(const char *name, int64_t n, int64_t columns, int parts)
{
    static const float any[1];
    grid g = {.n = n, .shape = {H, W, 1}, .per_row = columns, .n_parts = parts};
    for (int i = 0; i < parts; i++) g.part[i] = any;
    grid_layout l;
    assert_int_equal(grid_plan(&g, &l, NULL), ELBO_OK);
    char path[128];
    unsigned char *bytes;
    size_t size;
    snprintf(path, sizeof path, "album/%s", name);
    assert_int_equal(file_read(&mem_standard, path, 1 << 24, &bytes, &size, NULL), ELBO_OK);
    assert_int_equal(big_endian(bytes + 16), l.width);
    assert_int_equal(big_endian(bytes + 20), l.height);
    mem_free(&mem_standard, bytes);
}

static elbo_status train_album(const char *pictures, elbo_data *validation, elbo_error *error)
{
    const char *options[][2] = {{"latent", "2"},        {"encoder", "dense 3 relu"}, {"decoder", "dense 3 relu"},
                                {"epochs", "4"},        {"pictures", pictures},      {"grid-rows", "3"},
                                {"grid-columns", "2"},  {"pictures-every", "2"},     {0}};
    assert_int_equal(system("rm -rf album"), 0);
    elbo_config *c = config_of(options);
    elbo_data *d = open_values(COUNT, values);
    elbo_train_options o = {.directory = "album", .pictures = 1, .validation = validation};
    elbo_model *m = elbo_train(engine, c, d, &o, error);
    elbo_status status = m ? ELBO_OK : error->code;
    elbo_model_free(m);
    elbo_data_free(d);
    elbo_config_free(c);
    return status;
}

static void test_pictures_asked_for(void **state)
{
    (void)state;
    elbo_error error;
    assert_int_equal(train_album("samples, train-pairs originals", NULL, &error), ELBO_OK);
    assert_grid("samples.png", 6, 2, 1);
    assert_grid("train-pairs.png", 6, 2, 2);
    assert_grid("originals.png", 6, 2, 1);
    assert_true(is_there("pictures/epoch-0002-samples.png"));
    assert_true(is_there("pictures/epoch-0004-originals.png"));
    assert_false(is_there("pictures/epoch-0001-samples.png"));
    assert_false(is_there("pictures/epoch-0003-samples.png"));
    assert_false(is_there("pairs.png"));
    assert_true(is_there("curves.png"));
}

/* Validation examples of their own are the ones shown, even where they are few. */
static void test_pictures_of_validation_data(void **state)
{
    (void)state;
    elbo_error error;
    elbo_data *few = open_values(1, values + 7);
    assert_int_equal(train_album("originals", few, &error), ELBO_OK);
    assert_grid("originals.png", 1, 2, 1);
    elbo_data_free(few);
}

static void test_unknown_pictures(void **state)
{
    (void)state;
    elbo_error error;
    assert_int_equal(train_album("samples portraits", NULL, &error), ELBO_USAGE);
    assert_non_null(strstr(error.message, "got 'portraits', expected some of samples, pairs"));
    assert_false(is_there("config.toml"));
    assert_int_equal(train_album("sample", NULL, &error), ELBO_USAGE); /* a beginning of a word is none */
    assert_int_equal(train_album("", NULL, &error), ELBO_OK);
    assert_false(is_there("samples.png"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_recent_is_the_last_100_steps),
    cmocka_unit_test(test_pictures_asked_for),
    cmocka_unit_test(test_pictures_of_validation_data),
    cmocka_unit_test(test_unknown_pictures),
};

int main(void)
{
    char place[] = "test_epoch.XXXXXX";
    engine = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    char *back = getcwd(NULL, 0);
    if (!engine || !back || !mkdtemp(place) || chdir(place)) return 1;
    for (int i = 0; i < COUNT * SIZE; i++) values[i / SIZE][i % SIZE] = (float)(i * 7919 % 101) / 100;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    elbo_engine_close(engine);
    if (chdir(back)) return 1;
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", place);
    if (system(command)) return 1;
    free(back);
    return failed;
}
