/* png.c - see png.h
 *
 * libpng writes into a growing block and takes its own memory from the same allocator. It reports errors by jumping:
 * only encode_rows lies between the setjmp and its jumps, and what must survive a jump lives in the sink, not in
 * locals. */
#include "png.h"

#include "../base/file.h"

#include <png.h>
#include <stdio.h>
#include <string.h>

enum { LEVEL = 3 };

/* Where the bytes go, and why it failed. */
typedef struct sink {
    memory m;
    unsigned char *bytes;
    size_t size, room;
    bool out_of_memory;
    char reason[128];
} sink;

static void on_error(png_structp png, png_const_charp reason)
{
    sink *s = png_get_error_ptr(png);
    if (s) snprintf(s->reason, sizeof s->reason, "%s", reason);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static png_voidp take_memory(png_structp png, png_alloc_size_t size)
{
    sink *s = png_get_mem_ptr(png);
    void *block = mem_new(s->m, size, 1);
    if (!block) s->out_of_memory = true;
    return block;
}

static void give_memory(png_structp png, png_voidp block)
{
    sink *s = png_get_mem_ptr(png);
    mem_free(s->m, block);
}

static void on_bytes(png_structp png, png_bytep from, size_t n)
{
    sink *s = png_get_io_ptr(png);
    size_t wanted;
    if (!size_add(s->size, n, &wanted)) png_error(png, "too many bytes");
    if (wanted > s->room) {
        unsigned char *grown = mem_resize(s->m, s->bytes, wanted, 2);
        if (!grown) {
            s->out_of_memory = true;
            png_error(png, "out of memory");
        }
        s->bytes = grown;
        s->room = 2 * wanted;
    }
    memcpy(s->bytes + s->size, from, n);
    s->size = wanted;
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
static bool encode(png_structp png, png_infop info, sink *s, const canvas *c)
{
    if (setjmp(png_jmpbuf(png))) return false;
    png_set_write_fn(png, s, on_bytes, on_flush);
    encode_rows(png, info, c);
    return true;
}

elbo_status view_png_encode(memory m, const canvas *c, unsigned char **bytes, size_t *size, elbo_error *error)
{
    sink s = {.m = m, .reason = "libpng can't start"};
    png_structp png =
        png_create_write_struct_2(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning, &s, take_memory, give_memory);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    bool done = info && encode(png, info, &s, c);
    png_destroy_write_struct(png ? &png : NULL, info ? &info : NULL);
    if (done) {
        *bytes = s.bytes;
        *size = s.size;
        return ELBO_OK;
    }
    mem_free(m, s.bytes);
    if (s.out_of_memory) return err_memory(error, "writing a PNG picture");
    return err_set(error, ELBO_FAILED, "a PNG picture of %d x %d can't be written: %s", c->width, c->height, s.reason);
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

elbo_status view_png_decode(memory m, const unsigned char *bytes, size_t size, canvas *out, elbo_error *error)
{
    static const unsigned format[] = {0, PNG_FORMAT_GRAY, 0, PNG_FORMAT_RGB, PNG_FORMAT_RGBA};
    png_image image = {.version = PNG_IMAGE_VERSION};
    *out = (canvas){.m = m};
    if (!png_image_begin_read_from_memory(&image, bytes, size))
        return err_set(error, ELBO_BAD_FILE, "not a PNG picture: %s", image.message);
    unsigned channels = PNG_IMAGE_PIXEL_CHANNELS(image.format & ~(unsigned)PNG_FORMAT_FLAG_COLORMAP);
    if (channels == 2) channels = 4;
    image.format = format[channels];
    elbo_status status = canvas_open(out, m, image.height, image.width, channels, error);
    if (status == ELBO_USAGE)
        status = err_set(error, ELBO_BAD_FILE, "a PNG picture of %u x %u is too large", image.width, image.height);
    if (status == ELBO_OK && !png_image_finish_read(&image, NULL, out->bytes, 0, NULL)) {
        status = err_set(error, ELBO_BAD_FILE, "a damaged PNG picture: %s", image.message);
        canvas_close(out);
    }
    png_image_free(&image);
    return status;
}
