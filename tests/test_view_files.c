/* test_view_files.c - pictures as files: animations, charts as SVG. */
#include "base/engine.h"
#include "base/file.h"
#include "view/animation.h"
#include "view/chart.h"
#include "view/grid.h"
#include "view/pen.h"
#include "view/png.h"
#include "view_rig.h"
#include "xml_check.h"

#include <math.h>
#include <zlib.h>

static const char *const scratch_file = "test_view_files.png";

/* ---- Animations ---- */

/* What libpng reads from a still picture made of one frame of an animation: its IHDR, the bytes of its IDAT or fdAT. */
static canvas frame_of(const unsigned char *bytes, size_t size, unsigned wanted)
{
    text png;
    unsigned seen = 0, numbered = 0;
    text_open(&png, &mem_standard);
    text_add_bytes(&png, bytes, ANIMATION_HEAD);
    for (size_t i = ANIMATION_HEAD; i < size; i += 12 + png_get_uint_32(bytes + i)) {
        const unsigned char *type = bytes + i + 4, *data = type + 4;
        unsigned n = png_get_uint_32(bytes + i), skip = memcmp(type, "fdAT", 4) == 0 ? 4 : 0;
        assert_int_equal(png_get_uint_32(data + n), (unsigned)crc32(0, type, 4 + n));
        if (memcmp(type, "fcTL", 4) == 0) seen++;
        if (memcmp(type, "fcTL", 4) == 0 || skip) assert_int_equal(png_get_uint_32(data), numbered++);
        bool pixels = skip || memcmp(type, "IDAT", 4) == 0;
        assert_true(!pixels || (seen == 1) == (skip == 0));
        if (!pixels || seen != wanted) continue;
        unsigned char head[8], check[4];
        png_save_uint_32(head, n - skip);
        memcpy(head + 4, "IDAT", 4);
        png_save_uint_32(check, (unsigned)crc32(crc32(0, head + 4, 4), data + skip, n - skip));
        text_add_bytes(&png, head, 8);
        text_add_bytes(&png, data + skip, n - skip);
        text_add_bytes(&png, check, 4);
    }
    text_add_bytes(&png, "\0\0\0\0IEND\xae\x42\x60\x82", 12);
    canvas c = decode((unsigned char *)png.bytes, png.length);
    text_close(&png);
    return c;
}

static void test_animation(void **state)
{
    (void)state;
    enum { FRAMES = 3, SIDE = 200 }; /* large enough for several chunks a frame */
    animation a;
    unsigned char *bytes;
    size_t size;
    animation_open(&a, &mem_standard, 4);
    canvas frame[FRAMES];
    for (int k = 0; k < FRAMES; k++) {
        assert_int_equal(canvas_open(&frame[k], &mem_standard, SIDE, SIDE, 3, NULL), ELBO_OK);
        for (size_t i = 0; i < 3 * SIDE * SIDE; i++) frame[k].bytes[i] = (unsigned char)(i * i * (size_t)(k + 1) >> 7);
        assert_int_equal(animation_add(&a, &frame[k], NULL), ELBO_OK);
    }
    canvas other;
    assert_int_equal(canvas_open(&other, &mem_standard, SIDE, SIDE, 1, NULL), ELBO_OK);
    assert_int_equal(animation_add(&a, &other, NULL), ELBO_USAGE);
    canvas_close(&other);
    assert_int_equal(animation_encode(&a, &bytes, &size, NULL), ELBO_OK);
    static const unsigned char actl[] = {0, 0, 0, 8, 'a', 'c', 'T', 'L', 0, 0, 0, FRAMES, 0, 0, 0, 0};
    static const unsigned char fctl[] = {0, 0, 0, 26, 'f', 'c', 'T', 'L', 0, 0, 0, 0, 0, 0, 0, SIDE, 0, 0, 0, SIDE,
                                         0, 0, 0, 0, 0, 0, 0, 0, 250 >> 8, 250, 1000 >> 8, 1000 & 255, 0, 0};
    assert_memory_equal(bytes + ANIMATION_HEAD, actl, sizeof actl);
    assert_memory_equal(bytes + ANIMATION_HEAD + 20, fctl, sizeof fctl);
    for (unsigned k = 0; k < FRAMES; k++) {
        canvas read = frame_of(bytes, size, k + 1);
        assert_memory_equal(read.bytes, frame[k].bytes, 3 * SIDE * SIDE);
        canvas_close(&read);
        canvas_close(&frame[k]);
    }
    canvas still = decode(bytes, size); /* what knows no animation */
    assert_int_equal(still.width, SIDE);
    canvas_close(&still);
    mem_free(&mem_standard, bytes);
    animation_close(&a);
    animation_open(&a, &mem_standard, 4);
    assert_int_equal(animation_encode(&a, &bytes, &size, NULL), ELBO_USAGE);
}

static elbo_status animate_once(memory m, elbo_error *error)
{
    static const float x[8] = {0, 1, 0.5f, 0.25f};
    static const int64_t shape[3] = {2, 2, 1};
    elbo_engine *engine = elbo_engine_open(&(elbo_engine_options){.threads = 1, .allocator = m}, error);
    if (!engine) return ELBO_NO_MEMORY;
    elbo_status status = elbo_png_write_animation(engine, scratch_file, x, 2, 1, shape, 1, 5, 0, 1, error);
    assert_int_equal(file_exists(scratch_file), status == ELBO_OK);
    assert_int_equal(elbo_png_write_animation(engine, scratch_file, x, 0, 1, shape, 1, 5, 0, 1, NULL), ELBO_USAGE);
    assert_int_equal(elbo_png_write_animation(engine, scratch_file, x, 2, 1, shape, 1, 0, 0, 1, NULL), ELBO_USAGE);
    file_remove(scratch_file, NULL);
    elbo_engine_close(engine);
    return status;
}

static void test_animation_out_of_memory(void **state)
{
    (void)state;
    fail_each(animate_once);
}

/* ---- SVG ---- */

static int times(const char *words, const char *part)
{
    int n = 0;
    for (; (words = strstr(words, part)) != NULL; words += strlen(part)) n++;
    return n;
}

static void assert_well_formed(const char *words)
{
    char fault[128];
    if (xml_check(words, fault) < 1) fail_msg("%s", fault);
}

/* The checker of the checks: what it must refuse. */
static void test_xml_check(void **state)
{
    (void)state;
    static const char *const bad[] = {"<a>",       "<a></b>",     "<a b></a>",        "<a b=\"<\"/>", "<a>&</a>",
                                      "<a>></a>",  "</a>",        "<a b=\"c\"d=\"\"/>", "<a b=\"c/>",   "< a/>"};
    char fault[128];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_int_equal(xml_check(bad[i], fault), -1);
    assert_int_equal(xml_check("<!DOCTYPE html>\n<a b=\"&lt;\">x<c/>&amp;</a>\n", fault), 2);
}

static void test_escape(void **state)
{
    (void)state;
    text t;
    text_open(&t, &mem_standard);
    xml_escape(&t, "a<b & \"c\" > 'd'");
    assert_string_equal(t.bytes, "a&lt;b &amp; &quot;c&quot; &gt; &#39;d&#39;");
    text_close(&t);
}

static text svg_of(const chart *c)
{
    text t;
    text_open(&t, &mem_standard);
    assert_int_equal(chart_svg(&mem_standard, c, &t, NULL), ELBO_OK);
    assert_well_formed(t.bytes);
    return t;
}

/* A line with a gap, an outlier and a name that must be replaced. */
static void test_svg_lines(void **state)
{
    (void)state;
    enum { N = 20 };
    double x[N], a[N], b[N];
    for (int i = 0; i < N; i++) {
        x[i] = i + 1;
        a[i] = i ? 3 + 0.1 * i : 1000;
        b[i] = i == 5 ? (double)NAN : 4;
    }
    chart_series lines[] = {{"a & b", x, a, N}, {"valid", x, b, N}};
    chart c = {.title = "<loss>", .x_label = "epoch", .n_panels = 1,
               .panel = {{.label = "nats", .series = lines, .n_series = 2}}};
    text t = svg_of(&c);
    assert_int_equal(times(t.bytes, "class=\"tip\""), N);
    assert_int_equal(times(t.bytes, "stroke=\"#0072b2\""), 1); /* without a gap it is one path, */
    assert_int_equal(times(t.bytes, "stroke=\"#d55e00\""), 2); /* with one it is two */
    assert_non_null(strstr(t.bytes, "<title>epoch 1\na &amp; b 1000\nvalid 4</title>"));
    assert_non_null(strstr(t.bytes, "<title>epoch 6\na &amp; b 3.5</title>"));
    assert_non_null(strstr(t.bytes, "aria-label=\"&lt;loss&gt;\""));
    text_close(&t);
    lines[0].n = lines[1].n = 0;
    t = svg_of(&c);
    assert_int_equal(times(t.bytes, "class=\"tip\""), 0);
    text_close(&t);
}

/* However long the run, a strip that tells can be pointed at. */
static void test_svg_of_a_long_run(void **state)
{
    (void)state;
    enum { N = 5000 };
    static double x[N], y[N];
    for (int i = 0; i < N; i++) x[i] = y[i] = i;
    chart_series line = {"y", x, y, N};
    text t = svg_of(&(chart){.n_panels = 1, .panel = {{.series = &line, .n_series = 1}}});
    int n = times(t.bytes, "class=\"tip\"");
    assert_true(n > 200 && n <= 300);
    text_close(&t);
}

static void test_svg_points(void **state)
{
    (void)state;
    static const float xy[] = {0, 0, 1, 1, 2, 0, 3, 3, NAN, 1};
    static const int32_t k[] = {3, 12, 3, 77, 0};
    chart_points points = {xy, k, 5};
    text t = svg_of(&(chart){.n_panels = 1, .panel = {{.points = &points}}, .n_classes = 20});
    assert_int_equal(times(t.bytes, "<title>3</title>"), 1 + 1); /* both points of the class in a path, and the legend's */
    assert_int_equal(times(t.bytes, "<title>12</title>"), 1 + 1);
    assert_int_equal(times(t.bytes, "class=\"l-nobody\""), 1);
    text_close(&t);
}

static void test_svg_bars(void **state)
{
    (void)state;
    static const double kl[] = {2, 0.5, 0, INFINITY};
    static const char *const names[] = {"z2", "z0", "z1", "z3"};
    chart_bars bars = {kl, names, 4};
    text t = svg_of(&(chart){.x_label = "number", .n_panels = 1, .panel = {{.label = "KL", .bars = &bars}}});
    assert_int_equal(times(t.bytes, "class=\"f-s0\""), 3);
    assert_int_equal(times(t.bytes, ">z3</text>"), 1);
    assert_non_null(strstr(t.bytes, "<title>number z2\nKL 2</title>"));
    text_close(&t);
}

/* The same as pixels: the first bar is four times as high as the second, and the third has no height. */
static void test_bars(void **state)
{
    (void)state;
    static const double values[] = {2, 0.5, 0};
    chart_bars bars = {values, NULL, 3};
    canvas c;
    chart plain = {.n_panels = 1, .panel = {{.bars = &bars}}, .width = 400, .height = 300};
    assert_int_equal(chart_draw(&mem_standard, &plain, &c, NULL), ELBO_OK);
    colour blue = ink_colour(ink_series(0));
    int high[3] = {0};
    for (int y = 0; y < c.height; y++)
        for (int x = 0; x < c.width; x++) {
            const unsigned char *p = c.bytes + 3 * (y * c.width + x);
            if (p[0] == blue.r && p[1] == blue.g && p[2] == blue.b) high[x < 170 ? 0 : x < 280 ? 1 : 2]++;
        }
    assert_int_equal(high[2], 0);
    assert_true(high[1] > 500 && abs(high[0] - 4 * high[1]) < high[1] / 10);
    canvas_close(&c);
}

static elbo_status svg_once(memory m, elbo_error *error)
{
    static const float xy[] = {0, 0, 1, 1};
    static const double x[] = {1, 2}, y[] = {3, 4};
    chart_points points = {xy, NULL, 2};
    chart_series line = {"y", x, y, 2};
    chart_bars bars = {y, NULL, 2};
    chart c = {.n_panels = 2, .panel = {{.series = &line, .n_series = 1}, {.points = &points}}};
    chart d = {.n_panels = 1, .panel = {{.bars = &bars}}};
    elbo_status status = chart_write(m, "test_view_files.svg", &c, error);
    if (status == ELBO_OK) status = chart_write(m, "test_view_files.svg", &d, error);
    file_remove("test_view_files.svg", NULL);
    return status;
}

static void test_svg_out_of_memory(void **state)
{
    (void)state;
    fail_each(svg_once);
}

/* ---- Public charts ---- */

static const char *const scratch_svg = "test_view_files.svg";

static text read_svg(void)
{
    unsigned char *bytes;
    size_t size;
    text t;
    assert_int_equal(file_read(&mem_standard, scratch_svg, 1 << 20, &bytes, &size, NULL), ELBO_OK);
    text_open(&t, &mem_standard);
    text_add_bytes(&t, bytes, size);
    mem_free(&mem_standard, bytes);
    file_remove(scratch_svg, NULL);
    assert_well_formed(t.bytes);
    return t;
}

static void test_scatter_files(void **state)
{
    (void)state;
    static const float xy[] = {0, 0, 1, 1, 2, 0};
    static const int32_t k[] = {0, 1, 1};
    elbo_engine *e = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    elbo_scatter s[2] = {{"east", "north", xy, k, 3}, {"rank", NULL, xy, NULL, 2}};
    assert_int_equal(elbo_chart_write_scatter(e, scratch_svg, "places", s, 2, 2, NULL, NULL), ELBO_OK);
    text t = read_svg();
    static const char *const words[] = {">places<", ">east<", ">north<", ">rank<"};
    for (size_t i = 0; i < 4; i++) assert_int_equal(times(t.bytes, words[i]), 1);
    text_close(&t);
    s[1].points = NULL;
    assert_int_equal(elbo_chart_write_scatter(e, scratch_svg, NULL, s, 2, 2, NULL, NULL), ELBO_USAGE);
    assert_int_equal(elbo_chart_write_scatter(e, scratch_svg, NULL, s, 3, 2, NULL, NULL), ELBO_USAGE);
    assert_int_equal(elbo_chart_write_scatter(e, scratch_svg, NULL, s, 1, -1, NULL, NULL), ELBO_USAGE);
    assert_int_equal(elbo_chart_write_scatter(e, NULL, NULL, s, 1, 2, NULL, NULL), ELBO_USAGE);
    elbo_engine_close(e);
}

/* 60 bins of width 1, from 0 to 60: three quarters in the first, a quarter in the last, what is not a number in none. */
static void test_histogram(void **state)
{
    (void)state;
    static const double half[] = {0, 0.5, 0.5, 60}, once[] = {10.5, NAN, INFINITY};
    elbo_engine *e = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    elbo_sample s[] = {{"a", half, 4}, {"b", once, 3}};
    assert_int_equal(elbo_chart_write_histogram(e, scratch_svg, NULL, "nats", s, 2, 30, "mark", NULL), ELBO_OK);
    text t = read_svg();
    static const char *const told[] = {"nats 0\na 0.75\nb 0", "nats 1\na 0.75\nb 0", "nats 1\na 0\nb 0", "nats 10\na 0\nb 1",
                                       "nats 59\na 0.25\nb 0", "nats 60\na 0.25\nb 0"};
    for (size_t i = 0; i < 6; i++)
        if (!strstr(t.bytes, told[i])) fail_msg("expected %s", told[i]);
    assert_int_equal(times(t.bytes, ">mark<"), 1);
    text_close(&t);
    s[1].name = NULL;
    assert_int_equal(elbo_chart_write_histogram(e, scratch_svg, NULL, NULL, s, 2, 0, NULL, NULL), ELBO_USAGE);
    assert_int_equal(elbo_chart_write_histogram(e, scratch_svg, NULL, NULL, s, 0, 0, NULL, NULL), ELBO_USAGE);
    assert_int_equal(elbo_chart_write_histogram(e, scratch_svg, NULL, NULL, s, 9, 0, NULL, NULL), ELBO_USAGE);
    elbo_engine_close(e);
}

static elbo_status charts_once(memory m, elbo_error *error)
{
    static const float xy[] = {0, 0, 1, 1};
    static const double x[] = {1, 2};
    elbo_engine *e = elbo_engine_open(&(elbo_engine_options){.threads = 1, .allocator = m}, error);
    if (!e) return ELBO_NO_MEMORY;
    elbo_scatter s = {.points = xy, .n = 2};
    elbo_sample h = {"x", x, 2};
    elbo_status status = elbo_chart_write_scatter(e, scratch_svg, NULL, &s, 1, 0, NULL, error);
    if (status == ELBO_OK) status = elbo_chart_write_histogram(e, scratch_svg, NULL, NULL, &h, 1, 0, NULL, error);
    file_remove(scratch_svg, NULL);
    elbo_engine_close(e);
    return status;
}

static void test_public_charts_out_of_memory(void **state)
{
    (void)state;
    fail_each(charts_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_animation),
        cmocka_unit_test(test_animation_out_of_memory),
        cmocka_unit_test(test_xml_check),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_svg_lines),
        cmocka_unit_test(test_svg_of_a_long_run),
        cmocka_unit_test(test_svg_points),
        cmocka_unit_test(test_svg_bars),
        cmocka_unit_test(test_bars),
        cmocka_unit_test(test_svg_out_of_memory),
        cmocka_unit_test(test_scatter_files),
        cmocka_unit_test(test_histogram),
        cmocka_unit_test(test_public_charts_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
