/* animation.c - see animation.h
 *
 * A chunk is its length, its type, that many bytes, and the CRC-32 of type and bytes. Every frame is encoded as a PNG of
 * its own. The first one's IHDR serves all, and its IDAT chunks are what a program sees that knows no animation; those of
 * later frames are copied as fdAT, which is a number in the row of numbered chunks and then the same bytes. */
#include "animation.h"

#include "png.h"

#include <string.h>
#include <zlib.h>

enum { CHUNK_HEAD = 8, CHUNK = 12, ACTL = 8, FCTL = 26 }; /* bytes */

static const double longest = 65, shortest = 0.001; /* seconds of a frame */

static void put_u32(unsigned char *to, unsigned value)
{
    for (int i = 0; i < 4; i++) to[i] = (unsigned char)(value >> (24 - 8 * i));
}

static unsigned get_u32(const unsigned char *from)
{
    return (unsigned)from[0] << 24 | (unsigned)from[1] << 16 | (unsigned)from[2] << 8 | from[3];
}

/* A chunk on its way: begun, then given its bytes, then closed. */
typedef struct chunk {
    text *to;
    uLong crc;
} chunk;

static void chunk_bytes(chunk *c, const void *bytes, unsigned n)
{
    if (n == 0) return;
    c->crc = crc32(c->crc, bytes, n);
    text_add_bytes(c->to, bytes, n);
}

static chunk chunk_begin(text *to, const char *type, unsigned size)
{
    chunk c = {.to = to};
    unsigned char length[4];
    put_u32(length, size);
    text_add_bytes(to, length, sizeof length);
    chunk_bytes(&c, type, 4);
    return c;
}

static void chunk_end(const chunk *c)
{
    unsigned char check[4];
    put_u32(check, (unsigned)c->crc);
    text_add_bytes(c->to, check, sizeof check);
}

static void add_chunk(text *to, const char *type, const unsigned char *bytes, unsigned size)
{
    chunk c = chunk_begin(to, type, size);
    chunk_bytes(&c, bytes, size);
    chunk_end(&c);
}

void animation_open(animation *a, memory m, double per_second)
{
    double seconds = 1 / per_second;
    if (!(seconds >= shortest)) seconds = shortest;
    if (seconds > longest) seconds = longest;
    *a = (animation){.milliseconds = (unsigned)(1000 * seconds + 0.5)};
    text_open(&a->body, m);
}

void animation_close(animation *a)
{
    text_close(&a->body);
}

/* How long the frame is shown, and that it fills the canvas: what is there before neither stays nor shines through. */
static void add_control(animation *a)
{
    unsigned char control[FCTL] = {0};
    put_u32(control, a->n_chunks++);
    put_u32(control + 4, (unsigned)a->width);
    put_u32(control + 8, (unsigned)a->height);
    put_u32(control + 20, a->milliseconds << 16 | 1000); /* delay_num, delay_den: two bytes each */
    add_chunk(&a->body, "fcTL", control, FCTL);
}

static void add_pixels(animation *a, const unsigned char *bytes, unsigned size)
{
    unsigned char number[4];
    unsigned n = a->n_frames == 0 ? 0 : sizeof number;
    if (n) put_u32(number, a->n_chunks++);
    chunk c = chunk_begin(&a->body, n ? "fdAT" : "IDAT", n + size);
    chunk_bytes(&c, number, n);
    chunk_bytes(&c, bytes, size);
    chunk_end(&c);
}

static void add_frame(animation *a, const unsigned char *png, size_t size)
{
    add_control(a);
    for (size_t i = ANIMATION_HEAD; i + CHUNK <= size; i += CHUNK + get_u32(png + i))
        if (memcmp(png + i + 4, "IDAT", 4) == 0) add_pixels(a, png + i + CHUNK_HEAD, get_u32(png + i));
    if (a->n_frames++ == 0) memcpy(a->head, png, ANIMATION_HEAD);
}

elbo_status animation_add(animation *a, const canvas *frame, elbo_error *error)
{
    unsigned char *png;
    size_t size;
    if (a->n_frames == 0) {
        a->width = frame->width;
        a->height = frame->height;
        a->channels = frame->channels;
    }
    if (frame->width != a->width || frame->height != a->height || frame->channels != a->channels)
        return err_set(error, ELBO_USAGE, "a frame of %d x %d x %d can't follow one of %d x %d x %d", frame->width,
                       frame->height, frame->channels, a->width, a->height, a->channels);
    elbo_status status = view_png_encode(a->body.m, frame, &png, &size, error);
    if (status != ELBO_OK) return status;
    add_frame(a, png, size);
    mem_free(a->body.m, png);
    return a->body.failed ? err_memory(error, "an animation") : ELBO_OK;
}

elbo_status animation_encode(const animation *a, unsigned char **bytes, size_t *size, elbo_error *error)
{
    unsigned char control[ACTL] = {0}; /* frames, and how often: 0 is for ever */
    if (a->n_frames == 0) return err_set(error, ELBO_USAGE, "an animation needs at least 1 frame");
    text all;
    text_open(&all, a->body.m);
    put_u32(control, a->n_frames);
    text_add_bytes(&all, a->head, ANIMATION_HEAD);
    add_chunk(&all, "acTL", control, ACTL);
    text_add_bytes(&all, a->body.bytes, a->body.length);
    add_chunk(&all, "IEND", NULL, 0);
    *size = all.length;
    *bytes = (unsigned char *)text_take(&all);
    return *bytes ? ELBO_OK : err_memory(error, "an animation");
}
