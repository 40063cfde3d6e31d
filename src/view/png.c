/* png.c - see png.h
 *
 * libpng takes its memory from the engine's allocator, and writes into a growing block of it. It reports errors by jumping:
 * only encode_rows and decode_rows lie between a setjmp and its jumps, and what must survive a jump lives in the work at
 * hand, not in locals. */
#include "png.h"

#include "../base/file.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

enum { LEVEL = 3 };

/* Bytes written so far, with room for more, or those to read, of which at come before. */
typedef struct work {
    memory m;
    unsigned char *bytes;
    size_t size, room, at;
    bool out_of_memory;
    elbo_status status; /* of a failure that is not libpng's */
    char reason[128];   /* of one that is */
} work;

static void on_error(png_structp png, png_const_charp reason)
{
    work *w = png_get_error_ptr(png);
    if (w) snprintf(w->reason, sizeof w->reason, "%s", reason);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static png_voidp take_memory(png_structp png, png_alloc_size_t size)
{
    work *w = png_get_mem_ptr(png);
    void *block = mem_new(w->m, size, 1);
    if (!block) w->out_of_memory = true;
    return block;
}

static void give_memory(png_structp png, png_voidp block)
{
    work *w = png_get_mem_ptr(png);
    mem_free(w->m, block);
}

/* ---- Writing ---- */

static void on_write(png_structp png, png_bytep from, size_t n)
{
    work *w = png_get_io_ptr(png);
    size_t wanted;
    if (!size_add(w->size, n, &wanted)) png_error(png, "too many bytes");
    if (wanted > w->room) {
        unsigned char *grown = mem_resize(w->m, w->bytes, wanted, 2);
        if (!grown) {
            w->out_of_memory = true;
            png_error(png, "out of memory");
        }
        w->bytes = grown;
        w->room = 2 * wanted;
    }
    memcpy(w->bytes + w->size, from, n);
    w->size = wanted;
}

static void on_flush(png_structp png)
{
    (void)png;
}

static void encode_rows(png_structp png, png_infop info, const canvas *c)
{
    static const int type[5] = {0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    png_set_IHDR(png, info, (png_uint_32)c->width, (png_uint_32)c->height, 8, type[c->channels], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, LEVEL);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
    png_write_info(png, info);
    for (int y = 0; y < c->height; y++)
        png_write_row(png, c->bytes + (size_t)y * (size_t)c->width * (size_t)c->channels);
    png_write_end(png, info);
}

/* True when everything was written. */
static bool encode(png_structp png, png_infop info, work *w, const canvas *c)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, w, on_write, on_flush);
    encode_rows(png, info, c);
    return true;
}

elbo_status view_png_encode(memory m, const canvas *c, unsigned char **bytes, size_t *size, elbo_error *error)
{
    work w = {.m = m, .reason = "libpng can't start"};
    png_structp png =
        png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &w, on_error, on_warning, &w, take_memory, give_memory);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool done = info && encode(png, info, &w, c);
    png_destroy_write_struct(png ? &png : NULL, info ? &info : NULL);
    if (done) {
        *bytes = w.bytes;
        *size = w.size;
        return ELBO_OK;
    }
    mem_free(m, w.bytes);
    if (w.out_of_memory) return err_memory(error, "writing a PNG picture");
    return err_set(error, ELBO_FAILED, "a PNG picture of %d x %d can't be written: %s", c->width, c->height, w.reason);
}

elbo_status view_png_write(memory m, const char *path, const canvas *c, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    elbo_status status = view_png_encode(m, c, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    status = file_write_result(m, path, &(file_part){bytes, size}, 1, error);
    mem_free(m, bytes);
    return status;
}

/* ---- Reading ---- */

static void on_read(png_structp png, png_bytep to, size_t n)
{
    work *w = png_get_io_ptr(png);
    if (n > w->size - w->at) png_error(png, "it has been cut short");
    memcpy(to, w->bytes + w->at, n);
    w->at += n;
}

/* Grey, RGB or RGBA with 8 bits a channel. */
static void decode_rows(png_structp png, png_infop info, work *w, canvas *out, elbo_error *error)
{
    png_read_info(png, info);
    png_set_expand(png);
    png_set_scale_16(png);
    int passes = png_set_interlace_handling(png), type = png_get_color_type(png, info);
    if (type == PNG_COLOR_TYPE_GRAY_ALPHA || (type == PNG_COLOR_TYPE_GRAY && png_get_valid(png, info, PNG_INFO_tRNS)))
        png_set_gray_to_rgb(png);
    png_read_update_info(png, info);
    w->status = canvas_open(out, w->m, png_get_image_height(png, info), png_get_image_width(png, info),
                            png_get_channels(png, info), error);
    if (w->status != ELBO_OK) png_error(png, "");
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < out->height; y++)
            png_read_row(png, out->bytes + (size_t)y * (size_t)out->width * (size_t)out->channels, NULL);
    png_read_end(png, NULL);
}

static bool decode(png_structp png, png_infop info, work *w, canvas *out, elbo_error *error)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_read_fn(png, w, on_read);
    decode_rows(png, info, w, out, error);
    return true;
}

elbo_status view_png_decode(memory m, const unsigned char *bytes, size_t size, canvas *out, elbo_error *error)
{
    work w = {.m = m, .bytes = (unsigned char *)(uintptr_t)bytes, .size = size, .reason = "libpng can't start"};
    *out = (canvas){.m = m};
    png_structp png =
        png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &w, on_error, on_warning, &w, take_memory, give_memory);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool done = info && decode(png, info, &w, out, error);
    png_destroy_read_struct(png ? &png : NULL, info ? &info : NULL, NULL);
    if (done) return ELBO_OK;
    canvas_close(out);
    if (w.out_of_memory) return err_memory(error, "reading a PNG picture");
    if (w.status == ELBO_USAGE) return err_set(error, ELBO_BAD_FILE, "a PNG picture that is too large");
    if (w.status != ELBO_OK) return w.status;
    return err_set(error, ELBO_BAD_FILE, "not a PNG picture, or a damaged one: %s", w.reason);
}
