/* picture_files.h - for the tests of pictures: files in every format, tar archives, and reading as stored. */
#ifndef ELBO_TESTS_PICTURE_FILES_H
#define ELBO_TESTS_PICTURE_FILES_H

#include "data_files.h"

#include <png.h>
#if defined ELBO_HAVE_JPEG
#include <jpeglib.h>
#endif

/* ---- The engine's threads ---- */

static inline int enter_with_threads(void **state)
{
    engine.threads = pool_open(&mem_standard, 2, &err);
    return engine.threads ? enter(state) : -1;
}

static inline int leave_with_threads(void **state)
{
    pool_close(engine.threads);
    return leave(state);
}

/* ---- Opening ---- */

typedef elbo_data_options options;

static inline elbo_data *open_with(const char *name, const char *part, options o)
{
    err.message[0] = 0;
    return elbo_data_open_with(&engine, name, part, &o, &err);
}

#define open_pictures(name, ...) open_with(name, "all", (options){__VA_ARGS__})

static inline elbo_data *opened(elbo_data *d)
{
    if (!d) print_error("      %s: %s\n", elbo_status_text(err.code), err.message);
    assert_non_null(d);
    return d;
}

static inline void refused(elbo_data *d, elbo_status code, const char *word)
{
    if (d || err.code != code || !strstr(err.message, word)) print_error("      %s\n", d ? "opened" : err.message);
    assert_null(d);
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.message, word));
}

/* The bytes of one example; its label. */
static inline int32_t example(elbo_data *d, int64_t index, unsigned char *out)
{
    int32_t label;
    elbo_status status = data_read_raw(d, &index, 1, out, &label, &err);
    if (status != ELBO_OK) print_error("      %s\n", err.message);
    assert_int_equal(status, ELBO_OK);
    return label;
}

/* ---- Writing pictures ---- */

static inline void save_text(const char *path, const char *s)
{
    save_bytes(path, s, strlen(s));
}

typedef struct png_kind {
    int colour, depth, interlace;
} png_kind;

static inline void save_png(const char *path, png_kind k, unsigned w, unsigned h, const unsigned char *rows)
{
    static const int channels[] = {[PNG_COLOR_TYPE_GRAY] = 1,
                                   [PNG_COLOR_TYPE_RGB] = 3,
                                   [PNG_COLOR_TYPE_PALETTE] = 1,
                                   [PNG_COLOR_TYPE_GRAY_ALPHA] = 2,
                                   [PNG_COLOR_TYPE_RGB_ALPHA] = 4};
    static const png_color palette[] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {9, 8, 7}};
    unlink(path);
    FILE *f = fopen(path, "wb");
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    assert_true(f && png && info && !setjmp(png_jmpbuf(png)));
    png_init_io(png, f);
    png_set_IHDR(png, info, w, h, k.depth, k.colour, k.interlace ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (k.colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 4);
    png_write_info(png, info);
    size_t row = ((size_t)w * (size_t)channels[k.colour] * (size_t)k.depth + 7) / 8;
    png_bytep at[64];
    for (unsigned y = 0; y < h; y++) at[y] = (png_bytep)(uintptr_t)(rows + y * row);
    png_write_image(png, at);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(f);
}

/* A grey picture in the raw format, all of one value. */
static inline void save_flat(const char *path, int w, int h, int value)
{
    unsigned char bytes[70000];
    int n = snprintf((char *)bytes, 32, "P5\n%d %d\n255\n", w, h);
    assert_true((size_t)n + (size_t)(w * h) <= sizeof bytes);
    memset(bytes + n, value, (size_t)(w * h));
    save_bytes(path, bytes, (size_t)n + (size_t)(w * h));
}

#if defined ELBO_HAVE_JPEG
typedef struct jpeg_kind {
    J_COLOR_SPACE colours;
    int channels, progressive;
    const jpeg_scan_info *scans; /* [n_scans] */
    int n_scans;
} jpeg_kind;

static const jpeg_kind jpeg_rgb = {.colours = JCS_RGB, .channels = 3};

static inline void save_jpeg(const char *path, jpeg_kind k, unsigned w, unsigned h, const unsigned char *rows)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    unlink(path);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_stdio_dest(&jpeg, f);
    jpeg.image_width = w;
    jpeg.image_height = h;
    jpeg.input_components = k.channels;
    jpeg.in_color_space = k.colours;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 100, TRUE);
    if (k.progressive) jpeg_simple_progression(&jpeg);
    if (k.scans) {
        jpeg.scan_info = k.scans;
        jpeg.num_scans = k.n_scans;
    }
    jpeg_start_compress(&jpeg, TRUE);
    for (unsigned y = 0; y < h; y++) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(rows + y * w * (unsigned)k.channels);
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    fclose(f);
}
#endif

/* ---- Archives ---- */

typedef struct tar_bytes {
    unsigned char *bytes;
    size_t size, room;
} tar_bytes;

static inline void tar_put(tar_bytes *t, const void *bytes, size_t n)
{
    if (t->size + n > t->room) t->bytes = realloc(t->bytes, t->room = 2 * (t->size + n));
    assert_non_null(t->bytes);
    memcpy(t->bytes + t->size, bytes, n);
    t->size += n;
}

static inline void tar_fill(tar_bytes *t)
{
    static const unsigned char zeros[512] = {0};
    if (t->size % 512) tar_put(t, zeros, 512 - t->size % 512);
}

/* Puts the sum into a header; after a change of it. */
static inline void tar_sum(unsigned char *h)
{
    unsigned sum = 0;
    memset(h + 148, ' ', 8);
    for (int i = 0; i < 512; i++) sum += h[i];
    snprintf((char *)h + 148, 8, "%06o", sum);
}

/* A member; returns where its header begins. */
static inline size_t tar_add(tar_bytes *t, char kind, const char *name, const void *bytes, size_t n)
{
    unsigned char h[512] = {0};
    size_t at = t->size;
    snprintf((char *)h, 100, "%s", name);
    snprintf((char *)h + 100, 8, "0000644");
    snprintf((char *)h + 124, 12, "%011zo", n);
    h[156] = (unsigned char)kind;
    memcpy(h + 257, "ustar\00000", 8);
    tar_sum(h);
    tar_put(t, h, 512);
    tar_put(t, bytes, n);
    tar_fill(t);
    return at;
}

static inline void tar_add_text(tar_bytes *t, const char *name, const char *s)
{
    tar_add(t, '0', name, s, strlen(s));
}

static inline void tar_end(tar_bytes *t)
{
    static const unsigned char zeros[1024] = {0};
    tar_put(t, zeros, 1024);
}

static inline void tar_save(const tar_bytes *t, const char *path)
{
    save_bytes(path, t->bytes, t->size);
}

static inline void tar_save_packed(const tar_bytes *t, const char *path)
{
    unlink(path);
    gzFile f = gzopen(path, "wb1");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, t->bytes, (unsigned)t->size), (int)t->size);
    assert_int_equal(gzclose(f), Z_OK);
}

#endif
