/* picture_png.c - PNG, decoded by libpng.
 *
 * libpng reports errors by jumping. What must survive a jump lives in the reader, and only read_rows lies between
 * the setjmp and its jumps. An interlaced picture is the one case in which all its rows are in memory at once. Its
 * memory is not the engine's, whose allocator knows one thread only. */
#include "picture.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct reader {
    stream *s;
    fit *f;
    elbo_error *error;
    elbo_status status; /* set before a jump that is not libpng's own */
    png_structp png;
    png_infop info;
    png_bytep whole; /* an interlaced picture */
    bool out_of_memory;
    char reason[128];
} reader;

static png_voidp take_memory(png_structp png, png_alloc_size_t size)
{
    reader *r = png_get_mem_ptr(png);
    void *block = malloc(size);
    if (!block) r->out_of_memory = true;
    return block;
}

static void give_memory(png_structp png, png_voidp block)
{
    (void)png;
    free(block);
}

static void on_error(png_structp png, png_const_charp reason)
{
    reader *r = png_get_error_ptr(png);
    snprintf(r->reason, sizeof r->reason, "%s", reason);
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

static void leave_with(reader *r, elbo_status status)
{
    r->status = status;
    png_longjmp(r->png, 1);
}

static void on_read(png_structp png, png_bytep bytes, size_t n)
{
    reader *r = png_get_io_ptr(png);
    if (!stream_read(r->s, bytes, n)) leave_with(r, picture_cut(r->s, r->error));
}

/* Lays a row with alpha over white. */
static void drop_alpha(unsigned char *row, int width, int channels)
{
    const unsigned char *from = row;
    for (int i = 0; i < width; i++, from += channels + 1) {
        int alpha = from[channels];
        for (int c = 0; c < channels; c++)
            *row++ = (unsigned char)((from[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

static void use_row(reader *r, unsigned char *row, bool alpha)
{
    if (alpha) drop_alpha(row, r->f->width, r->f->channels);
    fit_row(r->f, row);
}

/* Has libpng make 8 bits a channel, colours of palettes, and alpha of transparent colours. *alpha: there is some. */
static int set_up(reader *r, bool *alpha)
{
    png_set_expand(r->png);
    png_set_scale_16(r->png);
    int passes = png_set_interlace_handling(r->png);
    png_read_update_info(r->png, r->info);
    *alpha = png_get_color_type(r->png, r->info) & PNG_COLOR_MASK_ALPHA;
    return passes;
}

static void read_interlaced(reader *r, int passes, bool alpha)
{
    size_t row = png_get_rowbytes(r->png, r->info), height = (size_t)r->f->height;
    if (height * (size_t)r->f->width > PICTURE_WHOLE)
        leave_with(r, err_set(r->error, ELBO_BAD_FILE, "an interlaced PNG of %d x %d; at most %d pixels can be read",
                              r->f->width, r->f->height, PICTURE_WHOLE));
    r->whole = png_malloc(r->png, height * row);
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < height; y++) png_read_row(r->png, r->whole + y * row, NULL);
    for (size_t y = 0; y < height; y++) use_row(r, r->whole + y * row, alpha);
}

static void read_rows(reader *r)
{
    png_set_read_fn(r->png, r, on_read);
    png_set_user_limits(r->png, PICTURE_SIDE, PICTURE_SIDE);
    png_read_info(r->png, r->info);
    int channels = png_get_color_type(r->png, r->info) & PNG_COLOR_MASK_COLOR ? 3 : 1;
    r->status = fit_begin(r->f, png_get_image_width(r->png, r->info), png_get_image_height(r->png, r->info), channels,
                          r->s->size, r->error);
    if (r->status != ELBO_OK || r->f->measure) return;
    bool alpha;
    int passes = set_up(r, &alpha);
    if (passes > 1)
        read_interlaced(r, passes, alpha);
    else
        for (int y = 0; y < r->f->height; y++) {
            png_read_row(r->png, r->f->row, NULL);
            use_row(r, r->f->row, alpha);
        }
    png_read_end(r->png, NULL);
}

static bool read_guarded(reader *r)
{
    if (setjmp(png_jmpbuf(r->png))) return false;
    read_rows(r);
    return true;
}

elbo_status png_decode(stream *s, fit *f, elbo_error *error)
{
    reader r = {.s = s, .f = f, .error = error};
    r.png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, &r, on_error, on_warning, &r, take_memory, give_memory);
    if (r.png) r.info = png_create_info_struct(r.png);
    bool done = r.info && read_guarded(&r);
    if (r.out_of_memory)
        r.status = err_memory(error, "decoding a PNG");
    else if (!done && r.status == ELBO_OK)
        r.status = err_set(error, ELBO_BAD_FILE, "broken PNG: %s", r.reason);
    if (r.whole) png_free(r.png, r.whole);
    png_destroy_read_struct(&r.png, &r.info, NULL);
    return r.status;
}
