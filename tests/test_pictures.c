/* test_pictures.c - single pictures: the formats, crop and resizing against values computed by hand, and broken
 * files. */
#include "picture_files.h"

#include "../src/data/picture.h"

static void assert_bytes(elbo_data *d, int64_t h, int64_t w, int64_t c, const unsigned char *expected)
{
    unsigned char got[4096];
    opened(d);
    assert_shape(d, 1, h, w, c);
    example(d, 0, got);
    for (int64_t i = 0; i < h * w * c; i++) assert_int_equal(got[i], expected[i]);
    elbo_data_free(d);
}

#define BYTES(...) ((const unsigned char[]){__VA_ARGS__})

/* ---- Formats ---- */

static void test_pnm(void **state)
{
    (void)state;
    static const unsigned char bits[] = {0, 255, 0, 255, 255, 0};
    save_text("p1.pbm", "P1 # a bitmap\n#another\n 3 2\n1 0 1 001");
    assert_bytes(open_pictures("p1.pbm"), 2, 3, 1, bits);
    save_bytes("p4.pbm", "P4\n3 2\n\xa0\x20", 9);
    assert_bytes(open_pictures("p4.pbm"), 2, 3, 1, bits);
    save_text("p2.pgm", "P2 2 2 15 0 15\n8 #\n#\r1 ");
    assert_bytes(open_pictures("p2.pgm"), 2, 2, 1, BYTES(0, 255, 136, 17));
    save_bytes("p5.pgm", "P5 2 1 65535\n\xff\xff\x80\x00", 17);
    assert_bytes(open_pictures("p5.pgm"), 1, 2, 1, BYTES(255, 128));
    save_text("p3.ppm", "P3\n1 2\n255\n1 2 3\n4 5 6\n");
    assert_bytes(open_pictures("p3.ppm"), 2, 1, 3, BYTES(1, 2, 3, 4, 5, 6));
    save_text("p6.ppm", "P6 1 2 255\nabcdef");
    assert_bytes(open_pictures("p6.ppm"), 2, 1, 3, BYTES('a', 'b', 'c', 'd', 'e', 'f'));
}

static void test_png(void **state)
{
    (void)state;
    unsigned char rows[8 * 8 * 3];
    for (int i = 0; i < 192; i++) rows[i] = (unsigned char)(7 * i);
    for (int interlace = 0; interlace < 2; interlace++) {
        save_png("a.png", (png_kind){PNG_COLOR_TYPE_RGB, 8, interlace}, 8, 8, rows);
        assert_bytes(open_pictures("a.png"), 8, 8, 3, rows);
        save_png("a.png", (png_kind){PNG_COLOR_TYPE_GRAY, 8, interlace}, 5, 3, rows);
        assert_bytes(open_pictures("a.png"), 3, 5, 1, rows);
    }
    save_png("a.png", (png_kind){PNG_COLOR_TYPE_GRAY, 1, 0}, 3, 1, BYTES(0xa0));
    assert_bytes(open_pictures("a.png"), 1, 3, 1, BYTES(255, 0, 255));
    save_png("a.png", (png_kind){PNG_COLOR_TYPE_GRAY, 16, 0}, 2, 1, BYTES(0xff, 0xff, 0x80, 0x80));
    assert_bytes(open_pictures("a.png"), 1, 2, 1, BYTES(255, 128));
    save_png("a.png", (png_kind){PNG_COLOR_TYPE_PALETTE, 2, 0}, 4, 1, BYTES(0x1b));
    assert_bytes(open_pictures("a.png"), 1, 4, 3, BYTES(255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7));
    save_png("a.png", (png_kind){PNG_COLOR_TYPE_RGB_ALPHA, 8, 0}, 2, 1, BYTES(10, 20, 30, 255, 10, 20, 30, 0));
    assert_bytes(open_pictures("a.png"), 1, 2, 3, BYTES(10, 20, 30, 255, 255, 255));
    save_png("a.png", (png_kind){PNG_COLOR_TYPE_GRAY_ALPHA, 8, 1}, 1, 1, BYTES(0, 51));
    assert_bytes(open_pictures("a.png"), 1, 1, 1, BYTES(204)); /* a fifth black, on white */
}

#if defined ELBO_HAVE_JPEG
static void assert_flat_jpeg(jpeg_kind k, const unsigned char *colour, int channels, const unsigned char *expected)
{
    unsigned char rows[16 * 24 * 4], got[16 * 24 * 3];
    for (int i = 0; i < 16 * 24 * k.channels; i++) rows[i] = colour[i % k.channels];
    save_jpeg("a.jpg", k, 24, 16, rows);
    elbo_data *d = opened(open_pictures("a.jpg"));
    assert_shape(d, 1, 16, 24, channels);
    example(d, 0, got);
    for (int i = 0; i < 16 * 24 * channels; i++) assert_true(abs(got[i] - expected[i % channels]) <= 2);
    elbo_data_free(d);
}

static void test_jpeg(void **state)
{
    (void)state;
    assert_flat_jpeg(jpeg_rgb, BYTES(200, 100, 50), 3, BYTES(200, 100, 50));
    assert_flat_jpeg((jpeg_kind){.colours = JCS_RGB, .channels = 3, .progressive = 1}, BYTES(20, 100, 250), 3,
                     BYTES(20, 100, 250));
    assert_flat_jpeg((jpeg_kind){.colours = JCS_GRAYSCALE, .channels = 1}, BYTES(77), 1, BYTES(77));
    assert_flat_jpeg((jpeg_kind){.colours = JCS_CMYK, .channels = 4}, BYTES(200, 100, 50, 255), 3, BYTES(200, 100, 50));
    assert_flat_jpeg((jpeg_kind){.colours = JCS_CMYK, .channels = 4}, BYTES(255, 255, 255, 100), 3,
                     BYTES(100, 100, 100));
}

/* What a file says beside its picture is passed over, however long it is. */
static void test_jpeg_with_comments(void **state)
{
    (void)state;
    enum { LONG = 60000 };
    static unsigned char bytes[4096 + 2 * LONG];
    unsigned char rows[16 * 24 * 3], plain[16 * 24 * 3], got[16 * 24 * 3];
    for (int i = 0; i < 16 * 24 * 3; i++) rows[i] = (unsigned char)(i * i);
    save_jpeg("plain.jpg", jpeg_rgb, 24, 16, rows);
    elbo_data *d = opened(open_pictures("plain.jpg"));
    example(d, 0, plain);
    elbo_data_free(d);
    const size_t lengths[] = {2, 3, 40, LONG};
    for (int i = 0; i < 4; i++) {
        size_t n = 2;
        memcpy(bytes, "\xff\xd8", 2);
        for (int k = 0; k < 2; k++) {
            memcpy(bytes + n, (unsigned char[]){0xff, 0xfe, (unsigned char)(lengths[i] >> 8), (unsigned char)lengths[i]}, 4);
            memset(bytes + n + 4, 'x', lengths[i] - 2);
            n += 2 + lengths[i];
        }
        FILE *f = fopen("plain.jpg", "rb");
        assert_int_equal(fseek(f, 2, SEEK_SET), 0);
        n += fread(bytes + n, 1, sizeof bytes - n, f);
        fclose(f);
        save_bytes("said.jpg", bytes, n);
        d = opened(open_pictures("said.jpg"));
        example(d, 0, got);
        assert_memory_equal(got, plain, sizeof plain);
        elbo_data_free(d);
        save_bytes("said.jpg", bytes, 4 + lengths[i] / 2);
        refused(open_pictures("said.jpg"), ELBO_BAD_FILE, "said.jpg");
    }
}

/* The end marker moved into the middle: libjpeg only warns, and would make the rest grey. */
static void test_jpeg_with_a_gap(void **state)
{
    (void)state;
    unsigned char rows[16 * 24 * 3], bytes[4096];
    for (int i = 0; i < 16 * 24 * 3; i++) rows[i] = (unsigned char)(i * i);
    save_jpeg("gap.jpg", jpeg_rgb, 24, 16, rows);
    FILE *f = fopen("gap.jpg", "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(n < sizeof bytes);
    memcpy(bytes + n - 300, "\xff\xd9", 2);
    save_bytes("gap.jpg", bytes, n);
    refused(open_pictures("gap.jpg"), ELBO_BAD_FILE, "broken JPEG");
}

/* Every coefficient in two scans of its own: 128 of them. */
static void test_scans(void **state)
{
    (void)state;
    static jpeg_scan_info scans[128];
    for (int i = 0; i < 128; i++)
        scans[i] = (jpeg_scan_info){.comps_in_scan = 1, .Ss = i % 64, .Se = i % 64, .Ah = i / 64, .Al = 1 - i / 64};
    unsigned char rows[64] = {0};
    jpeg_kind k = {.colours = JCS_GRAYSCALE, .channels = 1, .scans = scans, .n_scans = 128};
    save_jpeg("scans.jpg", k, 8, 8, rows);
    refused(open_pictures("scans.jpg"), ELBO_BAD_FILE, "more than 100 scans");
    scans[64] = scans[65];
    k.n_scans = 64;
    save_jpeg("scans.jpg", k, 8, 8, rows);
    elbo_data_free(opened(open_pictures("scans.jpg")));
}
#endif

/* ---- Geometry ---- */

/* 9 x 6, the value at column x of row y is 10 y + x. */
static void save_ramp(const char *path)
{
    unsigned char rows[6 * 9];
    for (int i = 0; i < 54; i++) rows[i] = (unsigned char)(i / 9 * 10 + i % 9);
    save_png(path, (png_kind){PNG_COLOR_TYPE_GRAY, 8, 0}, 9, 6, rows);
}

static void assert_crop(double crop, int side, int left, int top)
{
    unsigned char expected[81];
    for (int i = 0; i < side * side; i++) expected[i] = (unsigned char)((top + i / side) * 10 + left + i % side);
    assert_bytes(open_pictures("ramp.png", .crop = crop), side, side, 1, expected);
}

static void test_crop(void **state)
{
    (void)state;
    save_ramp("ramp.png");
    assert_crop(4, 4, 2, 1);
    assert_crop(5, 5, 2, 0);
    assert_crop(0.5, 5, 2, 0); /* 4.5, rounded up */
    assert_crop(0.3, 3, 3, 1);
    assert_crop(1, 6, 1, 0); /* no more than the shorter side */
    assert_crop(1000, 6, 1, 0);
    assert_crop(0.001, 1, 4, 2);
}

static void test_resize(void **state)
{
    (void)state;
    /* To half: weights 3, 3, 1 of 7 at the edge. */
    save_text("a.pgm", "P2 4 1 255 0 70 140 210\n");
    assert_bytes(open_pictures("a.pgm", .height = 1, .width = 2), 1, 2, 1, BYTES(50, 160));
    save_text("a.pgm", "P2 1 4 255 0 70 140 210\n");
    assert_bytes(open_pictures("a.pgm", .height = 2, .width = 1), 2, 1, 1, BYTES(50, 160));
    /* Six to two: reach 3, centre 1.5: weights 4, 6, 4, 2 of 18 for pixels 0 to 3, as far as they are positive. */
    save_text("a.pgm", "P2 6 1 255 0 0 0 180 0 0\n");
    assert_bytes(open_pictures("a.pgm", .height = 1, .width = 2), 1, 2, 1, BYTES(23, 45));
    /* To double: three quarters of the nearer one. */
    save_text("a.pgm", "P2 2 1 255 0 100\n");
    assert_bytes(open_pictures("a.pgm", .height = 1, .width = 4), 1, 4, 1, BYTES(0, 25, 75, 100));
    /* One size given is both; then crop comes first. */
    save_text("a.pgm", "P2 4 2 255  9 0 100 9  9 0 100 9\n");
    assert_bytes(open_pictures("a.pgm", .crop = 2, .width = 4), 4, 4, 1,
                 BYTES(0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100, 0, 25, 75, 100));
}

/* What is flat stays flat, and what has the size stays as it is. */
static void test_resize_keeps(void **state)
{
    (void)state;
    unsigned char got[64 * 64 * 3], rows[54];
    for (int value = 0; value < 256; value += 51) {
        save_flat("flat.pgm", 37, 23, value);
        for (int h = 1; h < 50; h += 6) {
            elbo_data *d = opened(open_pictures("flat.pgm", .height = h, .width = 51 - h));
            example(d, 0, got);
            for (int i = 0; i < h * (51 - h); i++) assert_int_equal(got[i], value);
            elbo_data_free(d);
        }
    }
    save_ramp("ramp.png");
    for (int i = 0; i < 54; i++) rows[i] = (unsigned char)(i / 9 * 10 + i % 9);
    assert_bytes(open_pictures("ramp.png", .height = 6, .width = 9), 6, 9, 1, rows);
}

static void test_grey(void **state)
{
    (void)state;
    save_text("a.ppm", "P3 4 1 255  255 0 0  0 255 0  0 0 255  50 50 50\n");
    assert_bytes(open_pictures("a.ppm", .grey = 1), 1, 4, 1, BYTES(76, 150, 29, 50));
}

/* ---- Broken files ---- */

static void refuse_file(const char *path, const void *bytes, size_t n, const char *word)
{
    save_bytes(path, bytes, n);
    refused(open_pictures(path, .height = 4), ELBO_BAD_FILE, word);
}

static void test_hostile_sizes(void **state)
{
    (void)state;
    refuse_file("a.pgm", "P5 40000 1 255\n0", 16, "40000 x 1 pixels");
    refuse_file("a.pgm", "P5 0 1 255\n0", 12, "0 x 1 pixels");
    refuse_file("a.pgm", "P5 30000 30000 255\n0", 20, "30000 x 30000 pixels");
    refuse_file("a.pgm", "P5 16000 16000 255\n0", 20, "cannot be in 20 bytes");
    refuse_file("a.pgm", "P5 99999999999999999999 1 255\n0", 31, "PNM header");
    refuse_file("a.pgm", "P5 2 2 0\n0000", 13, "PNM header");
    refuse_file("a.pgm", "P2 1 1 9 10 ", 12, "above 9");
    refuse_file("a.pgm", "P2 1 1 9 # no end", 17, "row 0 of the PNM picture is cut short");
    unsigned char rows[48] = {0}, *bytes;
    size_t n;
    save_png("a.png", (png_kind){PNG_COLOR_TYPE_RGB, 8, 0}, 4, 4, rows);
    bytes = calloc(1, 4096);
    FILE *f = fopen("a.png", "rb");
    n = fread(bytes, 1, 4096, f);
    fclose(f);
    for (int axis = 16; axis <= 20; axis += 4) {
        unsigned char changed[4096];
        memcpy(changed, bytes, n);
        memcpy(changed + axis, "\0\0\x7f\xff", 4); /* 32767 */
        unsigned long crc = crc32(0, changed + 12, 17);
        for (int i = 0; i < 4; i++) changed[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
        refuse_file("b.png", changed, n, "broken PNG");
        memcpy(changed + axis, "\0\1\0\0", 4); /* 65536 */
        crc = crc32(0, changed + 12, 17);
        for (int i = 0; i < 4; i++) changed[29 + i] = (unsigned char)(crc >> (24 - 8 * i));
        refuse_file("b.png", changed, n, "broken PNG");
    }
    free(bytes);
}

/* A file of a picture, cut or filled up with zeros to n bytes. */
static void resize_file(const char *path, size_t at, const void *bytes, size_t n_bytes, size_t n)
{
    FILE *f = fopen(path, "r+b");
    assert_true(f && fseek(f, (long)at, SEEK_SET) == 0 && fwrite(bytes, 1, n_bytes, f) == n_bytes && fclose(f) == 0);
    assert_int_equal(truncate(path, (off_t)n), 0);
}

/* What must be in memory as a whole must not be larger than 2^26 pixels, here 2^27. */
static void test_too_large_for_memory(void **state)
{
    (void)state;
    enum { ENOUGH = 200000 };
    unsigned char rows[16 * 16 * 3] = {0}, chunk[21] = "IHDR\0\0\x40\0\0\0\x20\0\x08\0\0\0\1";
    save_png("a.png", (png_kind){PNG_COLOR_TYPE_GRAY, 8, 1}, 4, 4, rows);
    unsigned long crc = crc32(0, chunk, 17);
    for (int i = 0; i < 4; i++) chunk[17 + i] = (unsigned char)(crc >> (24 - 8 * i));
    resize_file("a.png", 12, chunk, sizeof chunk, ENOUGH);
    refused(open_pictures("a.png", .height = 4), ELBO_BAD_FILE, "an interlaced PNG of 16384 x 8192");
#if defined ELBO_HAVE_JPEG
    unsigned char bytes[4096];
    save_jpeg("a.jpg", (jpeg_kind){.colours = JCS_RGB, .channels = 3, .progressive = 1}, 16, 16, rows);
    FILE *f = fopen("a.jpg", "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f), at = 0;
    fclose(f);
    while (at + 9 < n && memcmp(bytes + at, "\xff\xc2", 2) != 0) at++;
    resize_file("a.jpg", at + 5, "\x20\0\x40\0", 4, ENOUGH);
    refused(open_pictures("a.jpg", .height = 4), ELBO_BAD_FILE, "a progressive JPEG of 16384 x 8192");
#endif
}

/* Each call fails while a header, and while rows are read that are longer than the buffer. */
static void test_every_call(void **state)
{
    (void)state;
    enum { COMMENT = 17000, ROWS = 200 * 200 };
    static unsigned char bytes[COMMENT + ROWS + 100], rows[32 * 32 * 3];
    int n = snprintf((char *)bytes, sizeof bytes, "P5\n#%0*d\n200 200\n255\n", COMMENT, 0);
    for (int i = 0; i < ROWS; i++) bytes[n + i] = (unsigned char)i;
    save_bytes("calls.pgm", bytes, (size_t)n + ROWS);
    for (size_t i = 0; i < sizeof rows; i++) rows[i] = (unsigned char)(i * i >> 3);
    save_png("calls.png", (png_kind){PNG_COLOR_TYPE_RGB, 8, 0}, 32, 32, rows);
    fail_each_call("calls.pgm", &(options){.readers = 1});
    fail_each_call("calls.png", &(options){.readers = 1});
#if defined ELBO_HAVE_JPEG
    save_jpeg("calls.jpg", jpeg_rgb, 32, 32, rows);
    fail_each_call("calls.jpg", &(options){.readers = 1});
#endif
}

/* One picture through the decoder alone, which is what makes thousands of them quick. */
typedef struct rig {
    fit f;
    stream s;
    unsigned char out[4 * 4 * 3];
} rig;

static elbo_status decode(rig *r, const char *path, const void *bytes, size_t n)
{
    save_bytes(path, bytes, n);
    assert_int_equal(stream_open_file(&r->s, path, &err), ELBO_OK);
    elbo_status status = picture_decode(&r->s, &r->f, r->out, &err);
    stream_close(&r->s);
    return status;
}

/* Every beginning of a file but the whole is refused; of a file with any byte changed, nothing worse happens. */
static void mangle(const char *path)
{
    unsigned char bytes[4096], first[48];
    FILE *f = fopen(path, "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    assert_true(n > 0 && n < sizeof bytes);
    rig *r = calloc(1, sizeof *r);
    assert_int_equal(fit_open(&r->f, &mem_standard, (fit_shape){.height = 4, .width = 4, .channels = 3}, &err),
                     ELBO_OK);
    assert_int_equal(decode(r, "m", bytes, n), ELBO_OK);
    memcpy(first, r->out, sizeof first);
    for (size_t cut = 0; cut < n; cut++) assert_int_equal(decode(r, "m", bytes, cut), ELBO_BAD_FILE);
    for (size_t i = 0; i < n; i++) {
        unsigned char kept = bytes[i];
        bytes[i] = (unsigned char)(kept ^ 1 << i % 8);
        elbo_status status = decode(r, "m", bytes, n);
        assert_true(status == ELBO_OK || status == ELBO_BAD_FILE);
        bytes[i] = kept;
    }
    assert_int_equal(decode(r, "m", bytes, n), ELBO_OK);
    assert_memory_equal(first, r->out, sizeof first);
    fit_close(&r->f);
    free(r);
}

static void test_mangled(void **state)
{
    (void)state;
    unsigned char rows[12 * 10 * 3];
    for (int i = 0; i < 360; i++) rows[i] = (unsigned char)(i * i);
    save_bytes("a.ppm", "P6 3 2 255\nabcdefghijklmnopqr", 29);
    mangle("a.ppm");
    save_bytes("a.pbm", "P4 9 2\n\xa0\x20\xff\x80", 11);
    mangle("a.pbm");
    save_png("a.png", (png_kind){PNG_COLOR_TYPE_RGB, 8, 0}, 12, 10, rows);
    mangle("a.png");
    save_png("a.png", (png_kind){PNG_COLOR_TYPE_RGB, 8, 1}, 12, 10, rows);
    mangle("a.png");
#if defined ELBO_HAVE_JPEG
    save_jpeg("a.jpg", jpeg_rgb, 12, 10, rows);
    mangle("a.jpg");
    save_jpeg("a.jpg", (jpeg_kind){.colours = JCS_RGB, .channels = 3, .progressive = 1}, 12, 10, rows);
    mangle("a.jpg");
#endif
}

static void test_skipping(void **state)
{
    (void)state;
    unsigned char got[64];
    assert_true(mkdir("mixed", 0700) == 0);
    save_flat("mixed/b.pgm", 4, 4, 20);
    save_flat("mixed/d.pgm", 4, 4, 40);
    save_text("mixed/a.png", "this is no picture");
    save_text("mixed/c.pgm", "P5 4 4 255\n123");
    save_text("mixed/e\n.pgm", "");
    elbo_data *d = opened(open_pictures("mixed"));
    const elbo_data_info *info = elbo_data_describe(d);
    assert_int_equal(info->count, 2);
    assert_int_equal(info->n_broken, 3);
    assert_non_null(strstr(info->broken, "mixed/a.png: it does not begin as"));
    assert_non_null(strstr(info->broken, "\nmixed/c.pgm: row 0"));
    assert_non_null(strstr(info->broken, "\nmixed/e?.pgm: the file is empty\n"));
    example(d, 0, got);
    assert_int_equal(got[0], 20);
    example(d, 1, got);
    assert_int_equal(got[15], 40);
    assert_true(info->min == 20 / 255.0f && info->max == 40 / 255.0f && fabs(info->mean - 30.0 / 255) < 1e-9);
    elbo_data_free(d);
    refused(open_pictures("mixed", .strict = 1), ELBO_BAD_FILE, "mixed/a.png: it does not begin");
    assert_int_equal(unlink("mixed/b.pgm") + unlink("mixed/d.pgm"), 0);
    refused(open_pictures("mixed"), ELBO_BAD_FILE, "all pictures are broken; the first: mixed/a.png: it does");
    assert_int_equal(unlink("mixed/c.pgm"), 0);
    refused(open_pictures("mixed"), ELBO_BAD_FILE, "none of 2 pictures can be read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pnm),
        cmocka_unit_test(test_png),
#if defined ELBO_HAVE_JPEG
        cmocka_unit_test(test_jpeg),
        cmocka_unit_test(test_scans),
        cmocka_unit_test(test_jpeg_with_a_gap),
        cmocka_unit_test(test_jpeg_with_comments),
#endif
        cmocka_unit_test(test_crop),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_resize_keeps),
        cmocka_unit_test(test_grey),
        cmocka_unit_test(test_hostile_sizes),
        cmocka_unit_test(test_too_large_for_memory),
        cmocka_unit_test(test_every_call),
        cmocka_unit_test(test_mangled),
        cmocka_unit_test(test_skipping),
    };
    return cmocka_run_group_tests_name("pictures", tests, enter_with_threads, leave_with_threads);
}
