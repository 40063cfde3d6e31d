/* test_heat.c - heat maps: the colour of a cell, and what is refused. */
#include "base/engine.h"
#include "base/file.h"
#include "view_rig.h"

#include <math.h>
#include <stdio.h>

static const char *const scratch_file = "test_heat.png";
static const double heat[2][3] = {{0, 0.5, 1}, {0.25, (double)NAN, -7}};
static const char *const heat_rows[] = {"first", "second"}, *const heat_columns[] = {"a", "b", "c"};

static elbo_status write_heat(memory m, elbo_error *error)
{
    elbo_heat_map map = {.values = *heat, .rows = 2, .columns = 3, .max = 1, .row_names = heat_rows,
                         .column_names = heat_columns, .title = "Heat"};
    return elbo_png_write_heat_map(&(elbo_engine){.m = m}, scratch_file, &map, error);
}

static canvas read_heat(void)
{
    unsigned char *bytes;
    size_t size;
    assert_int_equal(write_heat(&mem_standard, NULL), ELBO_OK);
    assert_int_equal(file_read(&mem_standard, scratch_file, 1 << 20, &bytes, &size, NULL), ELBO_OK);
    canvas c = decode(bytes, size);
    mem_free(&mem_standard, bytes);
    remove(scratch_file);
    return c;
}

/* The sum of a pixel's colours near the left top corner of a cell, where no text is. */
static int light_of(const canvas *c, int row, int column)
{
    int left = c->width - 14 - (3 - column) * 77, top = c->height - 14 - (2 - row) * 27;
    const unsigned char *p = c->bytes + ((size_t)(top + 2) * (size_t)c->width + (size_t)left + 2) * 3;
    return p[0] + p[1] + p[2];
}

static void test_heat_map(void **state)
{
    (void)state;
    canvas c = read_heat();
    assert_int_equal(c.channels, 3);
    assert_true(light_of(&c, 0, 0) > light_of(&c, 1, 0)); /* more is darker */
    assert_true(light_of(&c, 1, 0) > light_of(&c, 0, 1));
    assert_true(light_of(&c, 0, 1) > light_of(&c, 0, 2));
    assert_int_equal(light_of(&c, 1, 2), light_of(&c, 0, 0)); /* below the range: as its end */
    assert_int_equal(light_of(&c, 1, 1), 3 * 255);            /* nan: the paper */
    canvas_close(&c);
}

static void test_heat_map_refused(void **state)
{
    (void)state;
    elbo_error error;
    elbo_engine e = {.m = &mem_standard};
    elbo_heat_map map = {.values = *heat, .rows = 0, .columns = 3, .max = 1};
    assert_int_equal(elbo_png_write_heat_map(&e, scratch_file, &map, &error), ELBO_USAGE);
    map.rows = 2, map.columns = 101;
    assert_int_equal(elbo_png_write_heat_map(&e, scratch_file, &map, &error), ELBO_USAGE);
    map.columns = 3, map.min = 1;
    assert_int_equal(elbo_png_write_heat_map(&e, scratch_file, &map, &error), ELBO_USAGE);
    fail_each(write_heat);
    remove(scratch_file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heat_map),
        cmocka_unit_test(test_heat_map_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
