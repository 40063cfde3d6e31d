/* test_view.c - pictures: PNG files are read back through libpng, drawings are checked pixel by pixel where their
 * geometry is promised, and every allocation is made to fail once. */
#include "base/engine.h"
#include "base/file.h"
#include "view/axis.h"
#include "view/chart.h"
#include "view/font.h"
#include "view/grid.h"
#include "view/legend.h"
#include "view/png.h"
#include "view_rig.h"

#include <math.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const colour white = {255, 255, 255, 255}, black = {0, 0, 0, 255};

static colour series_colour(int k)
{
    return ink_colour(ink_series(k));
}

/* ---- Pixels ---- */

static const unsigned char *at(const canvas *c, int x, int y)
{
    assert_true(x >= 0 && y >= 0 && x < c->width && y < c->height);
    return c->bytes + ((size_t)y * (size_t)c->width + (size_t)x) * (size_t)c->channels;
}

static bool is(const canvas *c, int x, int y, colour k)
{
    const unsigned char *p = at(c, x, y), want[4] = {k.r, k.g, k.b, k.a};
    return memcmp(p, want, (size_t)c->channels) == 0;
}

/* Pixels of exactly this colour. */
static int count_in(const canvas *c, box area, colour k)
{
    int n = 0;
    for (int y = area.y; y < area.y + area.h; y++)
        for (int x = area.x; x < area.x + area.w; x++) n += is(c, x, y, k);
    return n;
}

static int count(const canvas *c, colour k)
{
    return count_in(c, (box){0, 0, c->width, c->height}, k);
}

static void open_filled(canvas *c, int height, int width, int channels, colour k)
{
    assert_int_equal(canvas_open(c, &mem_standard, height, width, channels, NULL), ELBO_OK);
    canvas_fill(c, k);
}

static void assert_same_pixels(const canvas *a, const canvas *b)
{
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_int_equal(a->channels, b->channels);
    assert_memory_equal(a->bytes, b->bytes, (size_t)(a->width * a->height * a->channels));
}

/* ---- PNG ---- */

static canvas noise(int height, int width, int channels)
{
    canvas c;
    assert_int_equal(canvas_open(&c, &mem_standard, height, width, channels, NULL), ELBO_OK);
    uint32_t s = 12345;
    for (int i = 0; i < height * width * channels; i++) {
        s = s * 1664525u + 1013904223u;
        c.bytes[i] = (unsigned char)(s >> 24);
    }
    return c;
}

static void test_png_reads_back(void **state)
{
    (void)state;
    static const int sizes[][3] = {{1, 1, 1}, {7, 5, 1}, {5, 7, 3}, {64, 33, 4}, {300, 300, 3}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        canvas c = noise(sizes[i][0], sizes[i][1], sizes[i][2]);
        unsigned char *bytes, *again;
        size_t size, size_again;
        assert_int_equal(view_png_encode(&mem_standard, &c, &bytes, &size, NULL), ELBO_OK);
        assert_int_equal(view_png_encode(&mem_standard, &c, &again, &size_again, NULL), ELBO_OK);
        assert_int_equal(size, size_again);
        assert_memory_equal(bytes, again, size);
        canvas back = decode(bytes, size);
        assert_same_pixels(&c, &back);
        canvas_close(&back);
        canvas_close(&c);
        mem_free(&mem_standard, bytes);
        mem_free(&mem_standard, again);
    }
}

/* Nothing but the picture: no time, no text, no names of programs. */
static void test_png_chunks(void **state)
{
    (void)state;
    canvas c = noise(40, 40, 3);
    unsigned char *bytes;
    size_t size, i = 8;
    assert_int_equal(view_png_encode(&mem_standard, &c, &bytes, &size, NULL), ELBO_OK);
    for (; i < size; i += 12 + png_get_uint_32(bytes + i))
        assert_true(!memcmp(bytes + i + 4, "IHDR", 4) || !memcmp(bytes + i + 4, "IDAT", 4) ||
                    !memcmp(bytes + i + 4, "IEND", 4));
    assert_int_equal(i, size);
    mem_free(&mem_standard, bytes);
    canvas_close(&c);
}

static elbo_status encode_once(memory m, elbo_error *error)
{
    canvas c;
    unsigned char *bytes;
    size_t size;
    elbo_status status = canvas_open(&c, m, 200, 200, 3, error);
    for (int i = 0; status == ELBO_OK && i < 200 * 200 * 3; i++)
        c.bytes[i] = (unsigned char)((unsigned)i * (unsigned)i >> 3);
    if (status == ELBO_OK) status = view_png_encode(m, &c, &bytes, &size, error);
    if (status == ELBO_OK) mem_free(m, bytes);
    canvas_close(&c);
    return status;
}

static void test_png_out_of_memory(void **state)
{
    (void)state;
    fail_each(encode_once);
}

/* ---- Canvas ---- */

static void test_values(void **state)
{
    (void)state;
    static const struct {
        float value;
        double min, max;
        int byte;
    } rows[] = {
        {0, 0, 1, 0},          {1, 0, 1, 255},        {-3, 0, 1, 0},           {7, 0, 1, 255},
        {0.5f, 0, 1, 128},     {-1, -1, 1, 0},        {1, -1, 1, 255},         {0, -1, 1, 128},
        {0.4f / 255, 0, 1, 0}, {0.6f / 255, 0, 1, 1}, {99.4f / 255, 0, 1, 99}, {99.6f / 255, 0, 1, 100},
        {INFINITY, 0, 1, 255}, {-INFINITY, 0, 1, 0},  {NAN, 0, 1, 128},        {3e38f, -1e308, 1e307, 232},
    };
    static const int64_t shape[3] = {1, 1, 1};
    for (size_t i = 0; i < COUNT(rows); i++) {
        canvas c;
        open_filled(&c, 1, 1, 1, (colour){77, 77, 77, 255});
        canvas_picture(&c, 0, 0, &rows[i].value, shape, 1, (value_range){rows[i].min, rows[i].max});
        assert_int_equal(c.bytes[0], rows[i].byte);
        canvas_close(&c);
    }
}

/* One NaN spoils its pixel, and that must be seen. */
static void test_nan_in_colour(void **state)
{
    (void)state;
    static const float x[] = {0, 1, 0.5f, 0, NAN, 0};
    canvas c;
    open_filled(&c, 1, 2, 3, white);
    canvas_picture(&c, 0, 0, x, (const int64_t[]){1, 2, 3}, 1, (value_range){0, 1});
    assert_true(is(&c, 0, 0, (colour){0, 255, 128, 255}));
    assert_true(is(&c, 1, 0, (colour){214, 0, 214, 255}));
    canvas_close(&c);
}

static void test_clip(void **state)
{
    (void)state;
    canvas c;
    open_filled(&c, 20, 30, 3, white);
    canvas_clip(&c, (box){5, 4, 10, 6});
    canvas_box(&c, (box){-100, -100, 1000, 1000}, black);
    assert_int_equal(count(&c, black), 60);
    assert_true(is(&c, 5, 4, black) && is(&c, 14, 9, black) && is(&c, 15, 9, white) && is(&c, 14, 10, white));
    canvas_clip(&c, (box){25, 15, 100, 100});
    canvas_disc(&c, (point){30, 20}, 50, black);
    canvas_text(&c, 20, 15, "WWWW", white, true);
    canvas_unclip(&c);
    assert_true(is(&c, 24, 19, white) && is(&c, 25, 14, white));
    canvas_text(&c, -20, -5, "far out of the canvas", black, false);
    canvas_close(&c);
}

static void test_path(void **state)
{
    (void)state;
    canvas c;
    open_filled(&c, 20, 20, 1, white);
    static const point level[] = {{3.5, 5.5}, {12.5, 5.5}};
    assert_int_equal(canvas_path(&c, level, 2, 1, black, NULL), ELBO_OK);
    assert_int_equal(count(&c, black), 10); /* from 3 to 12: crisp */
    assert_int_equal(count(&c, white), 400 - 10);
    canvas_fill(&c, white);
    static const point cross[] = {{2.5, 10.5}, {17.5, 10.5}, {10.5, 10.5}, {10.5, 2.5}, {10.5, 17.5}};
    assert_int_equal(canvas_path(&c, cross, COUNT(cross), 1, (colour){0, 0, 0, 128}, NULL), ELBO_OK);
    assert_int_equal(*at(&c, 10, 10), *at(&c, 5, 10)); /* blended once, crossing or not */
    assert_int_equal(*at(&c, 5, 10), 127);
    canvas_fill(&c, white);
    static const point back[] = {{2.5, 10.5}, {17.5, 10.5}, {2.5, 17.5}}; /* its second piece passes near the first */
    assert_int_equal(canvas_path(&c, back, COUNT(back), 1, black, NULL), ELBO_OK);
    assert_int_equal(count_in(&c, (box){2, 10, 16, 1}, black), 16);
    static const point far[] = {{-1e6, 1e6}, {1e6, -1e6}};
    canvas_fill(&c, white);
    assert_int_equal(canvas_path(&c, far, 2, 3, black, NULL), ELBO_OK);
    assert_int_equal(*at(&c, 0, 0), 0);
    assert_int_equal(*at(&c, 10, 10), 255);
    canvas_close(&c);
}

static void test_disc(void **state)
{
    (void)state;
    canvas c;
    open_filled(&c, 40, 40, 3, white);
    canvas_disc(&c, (point){20, 20}, 10, black);
    double drawn = 0;
    for (int i = 0; i < 40 * 40; i++) drawn += (255 - c.bytes[3 * i]) / 255.0;
    assert_true(fabs(drawn - 314.16) < 2);
    for (int y = 0; y < 40; y++)
        for (int x = 0; x < 20; x++) assert_int_equal(*at(&c, x, y), *at(&c, 39 - x, y));
    canvas_close(&c);
}

static void test_font(void **state)
{
    (void)state;
    char seen[95][FONT_ROWS * FONT_WIDEST] = {{0}};
    for (int k = 0; k < 95; k++) {
        char character = (char)(' ' + k);
        int width = font_width(character), drawn = 0;
        assert_true(width >= 1 && width <= FONT_WIDEST);
        for (int row = 0; row < FONT_ROWS; row++)
            for (int i = 0; i < width; i++) drawn += seen[k][row * FONT_WIDEST + i] = font_ink(character, row, i);
        assert_true((drawn == 0) == (character == ' '));
        for (int other = 0; other < k; other++) assert_memory_not_equal(seen[k], seen[other], sizeof seen[k]);
        if (character >= '0' && character <= '9') assert_int_equal(width, font_width('0'));
    }
    assert_int_equal(font_width('\n'), font_width('?'));
    assert_int_equal(font_width((char)0xC3), font_width('?'));
}

static void test_text(void **state)
{
    (void)state;
    canvas c;
    open_filled(&c, 30, 200, 1, white);
    static const char words[] = "Hj|\xC3\xA4!"; /* a letter of two bytes takes one place */
    int width = canvas_text_width(words);
    assert_int_equal(width, canvas_text_width("Hj|?!"));
    assert_int_equal(canvas_text_width(""), 0);
    assert_int_equal(canvas_text(&c, 10, 8, words, black, false), 10 + width + FONT_SPACING);
    assert_true(count(&c, black) > 30);
    assert_int_equal(count_in(&c, (box){10, 8, width, FONT_ROWS}, black), count(&c, black));
    assert_int_equal(count_in(&c, (box){10, 8, 1, FONT_ROWS}, black), FONT_CAPITAL); /* the stem of the H */
    canvas_close(&c);
}

static void test_canvas_refuses(void **state)
{
    (void)state;
    static const int64_t bad[][3] = {{1, 1, 2},
                                     {1, 1, 0},
                                     {1, 1, 5},
                                     {0, 1, 1},
                                     {1, -1, 1},
                                     {CANVAS_SIDE + 1, 1, 1},
                                     {1, INT64_MAX, 1},
                                     {INT64_MAX, INT64_MAX, 4},
                                     {CANVAS_SIDE, CANVAS_SIDE, 1}};
    for (size_t i = 0; i < COUNT(bad); i++) {
        canvas c;
        elbo_error error;
        assert_int_equal(canvas_open(&c, &mem_standard, bad[i][0], bad[i][1], bad[i][2], &error), ELBO_USAGE);
        assert_null(c.bytes);
    }
}

/* ---- Grids ---- */

/* n pictures of constant value: picture i has i in all its pixels but the first, which has 200 + i. */
static float *numbered(int n, const int64_t shape[3])
{
    int64_t size = shape[0] * shape[1] * shape[2];
    float *x = malloc((size_t)(n * size) * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n * size; i++) x[i] = (float)(i / size + (i % size < shape[2] ? 200 : 0));
    return x;
}

static colour grey(int v)
{
    unsigned char b = (unsigned char)v;
    return (colour){b, b, b, 255};
}

static void assert_block(const canvas *c, int x, int y, int w, int h, int value)
{
    assert_int_equal(count_in(c, (box){x, y, w, h}, grey(value)), w * h);
}

static void test_grid_geometry(void **state)
{
    (void)state;
    static const char *const captions[] = {"a", "b", NULL}, *const labels[] = {NULL, "row"};
    const int label_width = canvas_text_width("row") + 12;
    const struct {
        int64_t channels, scale;
        const char *title;
        const char *const *captions, *const *labels;
        int gap, top, left;
    } rows[] = {{1, 4, NULL, NULL, NULL, 2, 0, 0},
                {3, 1, NULL, NULL, NULL, 1, 0, 0},
                {4, 3, "title", NULL, NULL, 2, 18, 0},
                {1, 5, "t", captions, labels, 2, 36, label_width}};
    for (size_t r = 0; r < COUNT(rows); r++) {
        int64_t shape[3] = {2, 3, rows[r].channels};
        float *x = numbered(5, shape);
        grid g = {.part = {x},
                  .n_parts = 1,
                  .n = 5,
                  .shape = {2, 3, rows[r].channels},
                  .per_row = 3,
                  .scale = rows[r].scale,
                  .range = {0, 255},
                  .title = rows[r].title,
                  .captions = rows[r].captions,
                  .labels = rows[r].labels};
        canvas c;
        assert_int_equal(grid_draw(&mem_standard, &g, &c, NULL), ELBO_OK);
        int s = (int)rows[r].scale, gap = rows[r].gap, w = 3 * s, h = 2 * s;
        assert_int_equal(c.width, rows[r].left + gap + 3 * (w + gap));
        assert_int_equal(c.height, rows[r].top + gap + 2 * (h + gap));
        for (int i = 0; i < 5; i++) {
            int left = rows[r].left + gap + i % 3 * (w + gap), up = rows[r].top + gap + i / 3 * (h + gap);
            assert_int_equal(*at(&c, left, up), 200 + i);
            assert_int_equal(*at(&c, left + s - 1, up + s - 1), 200 + i);
            assert_int_equal(*at(&c, left + s, up), i);
            assert_int_equal(*at(&c, left + w - 1, up + h - 1), i);
            assert_true(is(&c, left - 1, up + h, white) && is(&c, left + w, up, white));
        }
        assert_int_equal(*at(&c, rows[r].left + gap + 2 * (w + gap), rows[r].top + gap + h + gap), 255); /* no sixth */
        if (rows[r].title) assert_true(count_in(&c, (box){0, 0, c.width, rows[r].top}, white) < c.width * rows[r].top);
        if (rows[r].labels) { /* the second row has one, the first none */
            int first = rows[r].top + h + gap, left = rows[r].left;
            assert_int_equal(count_in(&c, (box){0, rows[r].top, left, h}, white), left * h);
            assert_true(count_in(&c, (box){0, first, left, h + gap}, white) < left * (h + gap));
        }
        canvas_close(&c);
        free(x);
    }
}

static void test_pairs_order(void **state)
{
    (void)state;
    static const float left[] = {10, 11, 12}, right[] = {20, 21, 22};
    grid g = {
        .part = {left, right}, .n_parts = 2, .n = 3, .shape = {1, 1, 1}, .per_row = 2, .scale = 6, .range = {0, 255}};
    canvas c;
    assert_int_equal(grid_draw(&mem_standard, &g, &c, NULL), ELBO_OK);
    assert_int_equal(c.width, 2 + 2 * (12 + 2));
    assert_block(&c, 2, 2, 6, 6, 10);
    assert_block(&c, 8, 2, 6, 6, 20); /* no gap within a pair */
    assert_block(&c, 16, 2, 6, 6, 11);
    assert_block(&c, 22, 2, 6, 6, 21);
    assert_block(&c, 2, 10, 6, 6, 12);
    assert_block(&c, 8, 10, 6, 6, 22);
    assert_block(&c, 14, 2, 2, 6, 255);
    canvas_close(&c);
}

static void test_grid_scale(void **state)
{
    (void)state;
    static const struct {
        int64_t n, h, w, per_row;
        int parts;
        int columns, scale;
    } rows[] = {{64, 28, 28, 8, 1, 8, 4},         {100, 28, 28, 10, 2, 10, 2}, {144, 64, 64, 12, 1, 12, 1},
                {1, 28, 28, 8, 1, 1, 16},         {3, 28, 28, 8, 1, 3, 11},    {16, 512, 512, 4, 1, 4, 1},
                {64, 28, 28, 0, 1, 8, 4},         {8, 10, 20, 0, 1, 2, 16},    {500, 28, 28, 1, 1, 1, 1},
                {30, 28, 28, INT64_MAX, 1, 30, 1}};
    float x = 0;
    for (size_t i = 0; i < COUNT(rows); i++) {
        grid g = {.part = {&x, &x},
                  .n_parts = rows[i].parts,
                  .n = rows[i].n,
                  .shape = {rows[i].h, rows[i].w, 1},
                  .per_row = rows[i].per_row};
        grid_layout l;
        assert_int_equal(grid_plan(&g, &l, NULL), ELBO_OK);
        assert_int_equal(l.columns, rows[i].columns);
        assert_int_equal(l.scale, rows[i].scale);
    }
}

static void test_grid_refuses(void **state)
{
    (void)state;
    static const float x[16] = {0};
    static const int64_t most = INT64_MAX;
    const grid good = {.part = {x}, .n_parts = 1, .n = 1, .shape = {2, 2, 1}, .range = {0, 1}};
    grid bad[17];
    size_t n = 0;
#define WITH(member, ...) (bad[n] = good, bad[n++].member = __VA_ARGS__)
    WITH(n, 0);
    WITH(n, -1);
    WITH(n, most);
    bad[n] = good;
    bad[n].per_row = most;
    bad[n++].n = most;
    WITH(n_parts, 0);
    WITH(n_parts, GRID_PARTS + 1);
    WITH(n_parts, 2);
    WITH(shape[2], 2);
    WITH(shape[2], most);
    WITH(shape[0], 0);
    WITH(shape[1], most);
    WITH(per_row, -1);
    WITH(scale, most);
    WITH(scale, CANVAS_SIDE);
    WITH(range, (value_range){1, 1});
    WITH(range, (value_range){0, NAN});
    WITH(range, (value_range){-1.7e308, 1.7e308});
#undef WITH
    grid_layout layout;
    grid large = good;
    large.shape[0] = large.shape[1] = 20000; /* its sides are fine, its area is not */
    assert_int_equal(grid_plan(&large, &layout, NULL), ELBO_USAGE);
    assert_int_equal(n, COUNT(bad));
    for (size_t i = 0; i < n; i++) {
        canvas c;
        elbo_error error = {ELBO_OK, ""};
        assert_int_equal(grid_draw(&mem_standard, &bad[i], &c, &error), ELBO_USAGE);
        assert_int_equal(error.code, ELBO_USAGE);
        assert_null(c.bytes);
    }
}

static const char *const scratch_file = "test_view.png";

static elbo_status write_grid_once(memory m, elbo_error *error)
{
    static const float x[12] = {0, 1, 0.5f, 0.25f};
    grid g = {.part = {x, x}, .n_parts = 2, .n = 3, .shape = {2, 2, 1}, .range = {0, 1}, .title = "title"};
    elbo_status status = grid_write(m, scratch_file, &g, error);
    assert_int_equal(file_exists(scratch_file), status == ELBO_OK);
    file_remove(scratch_file, NULL);
    return status;
}

static void test_grid_out_of_memory(void **state)
{
    (void)state;
    file_remove(scratch_file, NULL);
    fail_each(write_grid_once);
}

static canvas read_scratch(void)
{
    unsigned char *bytes;
    size_t size;
    assert_int_equal(file_read(&mem_standard, scratch_file, 1 << 20, &bytes, &size, NULL), ELBO_OK);
    canvas c = decode(bytes, size);
    mem_free(&mem_standard, bytes);
    file_remove(scratch_file, NULL);
    return c;
}

static void test_public_functions(void **state)
{
    (void)state;
    static const int64_t shape[3] = {1, 2, 1};
    static const float x[] = {-1, 1, 0, 1}, y[] = {1, -1, 1, 1};
    elbo_error error;
    elbo_engine *engine = elbo_engine_open(&(elbo_engine_options){.threads = 1}, &error);
    assert_non_null(engine);
    assert_int_equal(elbo_png_write_grid(engine, scratch_file, x, 2, shape, 2, -1, 1, &error), ELBO_OK);
    canvas c = read_scratch();
    assert_int_equal(c.width, 2 + 2 * (16 * 2 + 2));
    assert_block(&c, 2, 2, 16, 16, 0);
    assert_block(&c, 18, 2, 16, 16, 255);
    assert_block(&c, 36, 2, 16, 16, 128);
    canvas_close(&c);
    assert_int_equal(elbo_png_write_pairs(engine, scratch_file, x, y, 2, shape, 1, -1, 1, &error), ELBO_OK);
    c = read_scratch();
    assert_int_equal(c.width, 2 + 4 * 16 + 2);
    assert_block(&c, 18, 2, 32, 16, 255);
    assert_block(&c, 50, 2, 16, 16, 0);
    canvas_close(&c);
    elbo_grid cells = {.part = {x, y, x}, .n_parts = 3, .n = 2, .shape = {1, 2, 1}, .per_row = 1, .min = -1, .max = 1,
                       .columns = (const char *const[]){"a"}};
    assert_int_equal(elbo_png_write_labelled(engine, scratch_file, &cells, &error), ELBO_OK);
    c = read_scratch();
    assert_int_equal(c.width, 2 + 6 * 16 + 2);
    assert_block(&c, 66, 20, 16, 16, 0);
    assert_block(&c, 82, 20, 16, 16, 255);
    canvas_close(&c);
    assert_int_equal(elbo_png_write_labelled(engine, scratch_file, NULL, &error), ELBO_USAGE);
    assert_int_equal(elbo_png_write_grid(engine, scratch_file, x, 2, shape, 0, -1, 1, &error), ELBO_USAGE);
    assert_int_equal(elbo_png_write_grid(engine, scratch_file, NULL, 2, shape, 1, -1, 1, &error), ELBO_USAGE);
    assert_int_equal(elbo_png_write_pairs(engine, scratch_file, x, NULL, 2, shape, 1, -1, 1, &error), ELBO_USAGE);
    assert_int_equal(elbo_png_write_grid(engine, NULL, x, 2, shape, 1, -1, 1, &error), ELBO_USAGE);
    assert_int_equal(elbo_png_write_grid(NULL, scratch_file, x, 2, shape, 1, -1, 1, NULL), ELBO_USAGE);
    assert_int_equal(elbo_png_write_grid(engine, "no such directory/x.png", x, 2, shape, 1, -1, 1, &error), ELBO_IO);
    assert_false(file_exists(scratch_file));
    elbo_engine_close(engine);
}

/* ---- Axes ---- */

static void test_ticks(void **state)
{
    (void)state;
    static const struct {
        double lo, hi;
        int most;
        bool whole;
        int count;
        const char *first, *last;
    } rows[] = {
        {0, 1, 5, false, 6, "0", "1.0"},
        {0, 1, 10, false, 11, "0", "1.0"},
        {0, 1, 10, true, 2, "0", "1"},
        {0.1 + 0.2, 0.8, 5, false, 6, "0.3", "0.8"}, /* 0.1 + 0.2 is a little more than 0.3 */
        {1, 20, 10, true, 10, "2", "20"},
        {1, 3, 10, true, 3, "1", "3"},
        {226, 300, 5, false, 4, "240", "300"},
        {-0.31, 0.29, 4, false, 3, "-0.2", "0.2"},
        {0.0011, 0.0039, 6, false, 5, "0.0015", "0.0035"},
        {-20, 1e6, 2, false, 2, "0", "1000000"},
        {0, 4e7, 4, false, 5, "0", "4e7"},
        {0, 2.5e-6, 5, false, 6, "0", "2.5e-6"},
        {-1e100, 1e100, 4, false, 5, "-1e100", "1e100"},
        {1000000.1, 1000000.35, 5, false, 6, "1000000.10", "1000000.35"},
        {-7.5, -7.1, 0, false, 2, "-7.4", "-7.2"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        interval range = {rows[i].lo, rows[i].hi};
        ticks t = axis_ticks(range, rows[i].most, rows[i].whole);
        char first[TICK_LABEL], last[TICK_LABEL];
        axis_tick_label(t, 0, first);
        axis_tick_label(t, t.count - 1, last);
        assert_string_equal(first, rows[i].first);
        assert_string_equal(last, rows[i].last);
        assert_int_equal(t.count, rows[i].count);
        double slack = 1e-9 * (range.hi - range.lo);
        for (int k = 0; k < t.count; k++)
            assert_true(axis_tick_value(t, k) >= range.lo - slack && axis_tick_value(t, k) <= range.hi + slack);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0"},
                {540, "540"},
                {300.44, "300.4"},
                {-0.5, "-0.5"},
                {1.5e-7, "1.5e-7"},
                {123456, "123500"},
                {1e100, "1e100"},
                {9999.96, "10000"},
                {0.01234, "0.01234"},
                {-2e-320, "0"},
                {6.02214e23, "6.022e23"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char words[TICK_LABEL];
        axis_number(rows[i].value, words);
        assert_string_equal(words, rows[i].text);
    }
}

static void assert_interval(interval got, double lo, double hi)
{
    assert_true(fabs(got.lo - lo) < 1e-9 && fabs(got.hi - hi) < 1e-9);
}

static void test_ranges(void **state)
{
    (void)state;
    static const double odd[] = {NAN, 3, INFINITY, -2, 1e300, NAN};
    assert_interval(axis_range(odd, COUNT(odd)), -2, 3);
    assert_interval(axis_range(odd, 1), 0, 1);
    assert_interval(axis_range(odd + 1, 1), 2.7, 3.3);
    assert_interval(axis_range((const double[]){0, 0}, 2), -1, 1);
    assert_interval(axis_padded((interval){0, 10}, 0.1), -1, 11);
    double y[50];
    for (int i = 0; i < 50; i++) y[i] = i;
    assert_interval(axis_robust_range(y, 50), 0, 49); /* nothing to leave out */
    y[49] = 1000;
    assert_interval(axis_robust_range(y, 50), 0, 44 + 39); /* middle: 5 to 44 */
    y[49] = 60;
    assert_interval(axis_robust_range(y, 50), 0, 60);
    y[49] = 120;
    assert_interval(axis_robust_range(y, 50), 0, 120); /* the middle has a third of the range */
    y[0] = -1000;
    assert_interval(axis_robust_range(y, 50), 5 - 39, 44 + 39);
    static const double few[] = {1, 2, 3, 1000};
    assert_interval(axis_robust_range(few, COUNT(few)), 1, 1000);
    for (int i = 0; i < 50; i++) y[i] = i < 49 ? 7 : 9;
    assert_interval(axis_robust_range(y, 50), 7, 9); /* a constant with one exception shows the exception */
}

/* ---- Legends and charts ---- */

static void test_legend(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
    legend l = {.n = 0};
    assert_int_equal(legend_rows(&l, 100), 0);
    assert_int_equal(legend_width(&l), 0);
    for (int i = 0; i < LEGEND_LINES; i++) assert_int_equal(legend_line(&l, names[i]), i);
    assert_int_equal(legend_line(&l, "c"), 2);
    assert_int_equal(legend_line(&l, "one more"), -1);
    for (int k = 0; k < 100; k++) legend_class(&l, k, NULL);
    assert_int_equal(l.n, LEGEND_LINES + LEGEND_CLASSES);
    assert_string_equal(l.entry[l.n - 1].name, "19");
    assert_int_equal(legend_rows(&l, legend_width(&l)), 1);
    assert_int_equal(legend_rows(&l, legend_width(&l) - 1), 2);
    assert_int_equal(legend_rows(&l, 1), l.n);
}

enum { EPOCHS = 20 };
static double epoch[EPOCHS], train[EPOCHS], valid[EPOCHS];

static int make_curves(void **state)
{
    (void)state;
    for (int i = 0; i < EPOCHS; i++) {
        epoch[i] = i + 1;
        train[i] = 240 + 60 * exp(-i / 4.0);
        valid[i] = train[i] + 3;
    }
    return 0;
}

static canvas drawn(const chart *c)
{
    canvas out;
    assert_int_equal(chart_draw(&mem_standard, c, &out, NULL), ELBO_OK);
    return out;
}

static void test_curves(void **state)
{
    (void)state;
    chart_series up[] = {{"train", epoch, train, EPOCHS}, {"validation", epoch, valid, EPOCHS}};
    chart_series low[] = {{"validation", epoch, valid, EPOCHS}};
    chart c = {
        .title = "run", .x_label = "epoch", .panel = {{.label = "loss", .series = up, .n_series = 2}}, .n_panels = 1};
    canvas one = drawn(&c), again = drawn(&c);
    assert_int_equal(one.width, 900);
    assert_int_equal(one.height, 600);
    assert_same_pixels(&one, &again);
    assert_true(count(&one, series_colour(0)) > 800 && count(&one, series_colour(1)) > 800);
    assert_int_equal(count(&one, series_colour(2)), 0);
    c.panel[1] = (chart_panel){.label = "KL", .series = low, .n_series = 1};
    c.n_panels = 2;
    canvas two = drawn(&c);
    box lower = {0, 380, 900, 220};
    assert_true(count_in(&two, lower, series_colour(1)) > 300); /* the same name, the same colour */
    assert_int_equal(count_in(&two, lower, series_colour(0)), 0);
    canvas_close(&one);
    canvas_close(&again);
    canvas_close(&two);
}

/* The columns between two neighbours of a missing value hold no ink. */
static void test_gap(void **state)
{
    (void)state;
    static const double x[] = {0, 1, 2, 3, 4, 5, 6}, y[] = {1, 2, 1, NAN, 2, INFINITY, 1};
    chart_series line = {"y", x, y, 7};
    chart c = {.panel = {{.series = &line, .n_series = 1}}, .n_panels = 1, .width = 700, .height = 300};
    canvas out = drawn(&c);
    box below_legend = {0, 40, 700, 260};
    colour k = series_colour(0);
    int last = 0, runs = 0;
    for (int column = 0; column < 700; column++) {
        below_legend.x = column;
        below_legend.w = 1;
        int now = count_in(&out, below_legend, k) > 0;
        runs += now && !last;
        last = now;
    }
    assert_int_equal(runs, 3); /* a line, a dot, a dot */
    canvas_close(&out);
}

/* The first epoch lies far above: the rest fills the panel, and a mark at the upper edge says so. */
static void test_outlier(void **state)
{
    (void)state;
    double y[EPOCHS];
    for (int i = 0; i < EPOCHS; i++) y[i] = i == 0 ? 1e6 : i % 2;
    chart_series line = {"y", epoch, y, EPOCHS};
    chart c = {.panel = {{.series = &line, .n_series = 1}}, .n_panels = 1};
    canvas with = drawn(&c);
    y[0] = 1;
    canvas without = drawn(&c);
    colour k = series_colour(0);
    assert_true(count(&with, k) > 3000); /* steep lines over the whole height */
    bool marked = false;
    for (int row = 30; row < 100 && !marked; row++)
        for (int x = 0; x < 100; x++) marked = marked || (count_in(&with, (box){x, row, 9, 1}, k) == 9);
    assert_true(marked);
    assert_int_equal(count_in(&without, (box){600, 0, 280, 22}, grey(96)), 0);
    canvas_close(&with);
    canvas_close(&without);
}

/* A point however far out is drawn like one far out. */
static void test_far_outlier(void **state)
{
    (void)state;
    double y[EPOCHS];
    for (int i = 0; i < EPOCHS; i++) y[i] = i % 2 * 1e-80;
    chart_series line = {"y", epoch, y, EPOCHS};
    chart c = {.panel = {{.series = &line, .n_series = 1}}, .n_panels = 1};
    y[0] = 1e-70;
    canvas far = drawn(&c);
    y[0] = 1e100;
    canvas farther = drawn(&c);
    size_t skipped = 80 * 900 * 3; /* the lines that say how far */
    assert_memory_equal(far.bytes + skipped, farther.bytes + skipped, 600 * 900 * 3 - skipped);
    canvas_close(&far);
    canvas_close(&farther);
}

static void test_scatter(void **state)
{
    (void)state;
    static const float xy[] = {0, 0, 10, 10, 0, 10, NAN, 3, 10, 0, 5, 5};
    static const int32_t class_of[] = {0, 1, -1, 1, 12, 11};
    chart_points p = {xy, class_of, 6};
    chart c = {
        .title = "codes", .panel = {{.label = "z", .points = &p}, {.label = "again", .points = &p}}, .n_panels = 1};
    canvas bare = drawn(&c);
    for (int k = 0; k < LEGEND_COLOURS; k++) assert_int_equal(count(&bare, series_colour(k)), 0); /* no classes: grey */
    canvas_close(&bare);
    c.n_classes = 12;
    canvas one = drawn(&c);
    assert_true(count_in(&one, (box){0, 0, 900, 60}, series_colour(1)) > 20);
    c.n_panels = 2;
    canvas two = drawn(&c);
    assert_int_equal(two.height, 1000);
    for (int half = 0; half < 2; half++) /* the classes -1 and 12 on are grey in both */
        assert_true(count_in(&two, (box){0, 500 * half, 900, 500}, grey(200)) > 20);
    canvas_close(&one);
    canvas_close(&two);
}

static void test_odd_charts(void **state)
{
    (void)state;
    chart_series nothing = {"nothing", NULL, NULL, 0}, single = {"single", epoch, train, 1};
    static const double wild_x[] = {NAN, -1e300, 0, 1e99, 3}, wild_y[] = {1e308, 2, -1e99, NAN, 1e99};
    chart_series wild = {"wild", wild_x, wild_y, 5};
    chart_points none = {NULL, NULL, 0};
    chart c = {.panel = {{.series = &nothing, .n_series = 1}, {.points = &none}}, .n_panels = 2, .n_classes = 1000};
    for (int i = 0; i < 4; i++) {
        c.panel[0].series = i == 0 ? &nothing : i == 1 ? &single : &wild;
        c.n_panels = i < 3 ? 2 : 1;
        c.width = 320;
        c.height = i == 2 ? 240 : 0;
        canvas out = drawn(&c);
        canvas_close(&out);
    }
}

static void test_chart_refuses(void **state)
{
    (void)state;
    chart_series many[LEGEND_LINES + 1];
    static const char names[] = "a\0b\0c\0d\0e\0f\0g\0h\0i\0j\0k";
    for (int i = 0; i <= LEGEND_LINES; i++) many[i] = (chart_series){names + 2 * i, epoch, train, EPOCHS};
    const chart good = {.panel = {{.series = many, .n_series = LEGEND_LINES}}, .n_panels = 1};
    chart bad[] = {good, good, good, good, good, good};
    bad[0].n_panels = 0;
    bad[1].n_panels = CHART_PANELS + 1;
    bad[2].width = 100;
    bad[3].height = -5;
    bad[4].width = CANVAS_SIDE + 1;
    bad[5].panel[0].n_series = LEGEND_LINES + 1;
    canvas out = drawn(&good);
    canvas_close(&out);
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(chart_draw(&mem_standard, &bad[i], &out, NULL), ELBO_USAGE);
        assert_null(out.bytes);
    }
}

static elbo_status chart_once(memory m, elbo_error *error)
{
    static const float xy[] = {0, 0, 1, 2};
    chart_series line[] = {{"train", epoch, train, EPOCHS}, {"validation", epoch, valid, EPOCHS}};
    chart_points points = {xy, NULL, 2};
    chart c = {.panel = {{.label = "loss", .series = line, .n_series = 2}, {.label = "codes", .points = &points}},
               .n_panels = 2};
    elbo_status status = chart_write(m, scratch_file, &c, error);
    assert_int_equal(file_exists(scratch_file), status == ELBO_OK);
    file_remove(scratch_file, NULL);
    return status;
}

static void test_chart_out_of_memory(void **state)
{
    (void)state;
    fail_each(chart_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_png_reads_back),
        cmocka_unit_test(test_png_chunks),
        cmocka_unit_test(test_png_out_of_memory),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_nan_in_colour),
        cmocka_unit_test(test_clip),
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_disc),
        cmocka_unit_test(test_font),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_canvas_refuses),
        cmocka_unit_test(test_grid_geometry),
        cmocka_unit_test(test_pairs_order),
        cmocka_unit_test(test_grid_scale),
        cmocka_unit_test(test_grid_refuses),
        cmocka_unit_test(test_grid_out_of_memory),
        cmocka_unit_test(test_public_functions),
        cmocka_unit_test(test_ticks),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_legend),
        cmocka_unit_test(test_curves),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_outlier),
        cmocka_unit_test(test_far_outlier),
        cmocka_unit_test(test_scatter),
        cmocka_unit_test(test_odd_charts),
        cmocka_unit_test(test_chart_refuses),
        cmocka_unit_test(test_chart_out_of_memory),
    };
    return cmocka_run_group_tests(tests, make_curves, NULL);
}
