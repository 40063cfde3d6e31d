/* seek.c - see seek.h. The method is that of zlib's own example of random access: inflate stops at the ends of deflate
 * blocks (Z_BLOCK), where the bits of the last byte not yet used and the last 32 KiB of output are its whole state. */
#include "seek.h"

#include "../base/file.h"

#include <string.h>
#include <zlib.h>

enum { WINDOW = 32768, INPUT = 16384, GZIP = 15 + 16, RAW = -15, TRAILER = 8 };

/* A state to go on from: at byte `out` of the data, `in` bytes of the file were read, the last one but for `bits`
 * bits. */
typedef struct point {
    uint64_t in, out;
    int bits;
    unsigned char *window; /* [WINDOW], the bytes before out */
} point;

struct seek_file {
    memory m;
    const char *path;
    int file;
    uint64_t file_size, size;
    bool packed;
    point *points;
    size_t n_points;
};

struct seek_cursor {
    const seek_file *f;
    z_stream z;
    bool started, raw; /* raw: without the gzip header, after a restart in the middle */
    uint64_t in, out;  /* the next byte to take from the file, and to give */
    unsigned char input[INPUT], scrap[WINDOW];
};

uint64_t seek_size(const seek_file *f)
{
    return f->size;
}

const char *seek_path(const seek_file *f)
{
    return f->path;
}

static elbo_status broken(const seek_cursor *c, int result, elbo_error *error)
{
    if (result == Z_MEM_ERROR) return err_memory(error, "unpacking gzip data");
    return err_set(error, ELBO_BAD_FILE, "%s: gzip data are broken or cut short near byte %llu: %s", c->f->path,
                   (unsigned long long)(c->in - c->z.avail_in), c->z.msg ? c->z.msg : "not valid deflate data");
}

static elbo_status fill(seek_cursor *c, elbo_error *error)
{
    size_t got;
    elbo_status status = file_read_at(c->f->file, c->f->path, c->in, c->input, INPUT, &got, error);
    if (status != ELBO_OK) return status;
    c->in += got;
    c->z.next_in = c->input;
    c->z.avail_in = (uInt)got;
    return ELBO_OK;
}

/* Takes n bytes of input away; *ended: there were fewer. */
static elbo_status skip_input(seek_cursor *c, unsigned n, bool *ended, elbo_error *error)
{
    *ended = false;
    for (;;) {
        unsigned now = n < c->z.avail_in ? n : c->z.avail_in;
        c->z.next_in += now;
        c->z.avail_in -= now;
        n -= now;
        if (c->z.avail_in > 0) return ELBO_OK;
        elbo_status status = fill(c, error);
        *ended = c->z.avail_in == 0;
        if (status != ELBO_OK || *ended) return status;
    }
}

static elbo_status restart(seek_cursor *c, const point *p, elbo_error *error)
{
    const bool raw = p && p->out > 0;
    c->raw = raw;
    c->in = raw ? p->in - (p->bits > 0) : 0;
    c->out = raw ? p->out : 0;
    if ((c->started ? inflateReset2(&c->z, raw ? RAW : GZIP) : inflateInit2(&c->z, raw ? RAW : GZIP)) != Z_OK)
        return err_memory(error, "unpacking gzip data");
    c->started = true;
    elbo_status status = fill(c, error);
    if (status != ELBO_OK || !raw) return status;
    if (p->bits > 0) {
        if (c->z.avail_in == 0) return broken(c, Z_DATA_ERROR, error);
        inflatePrime(&c->z, p->bits, *c->z.next_in >> (8 - p->bits));
        c->z.next_in++;
        c->z.avail_in--;
    }
    int result = inflateSetDictionary(&c->z, p->window, WINDOW);
    return result == Z_OK ? ELBO_OK : broken(c, result, error);
}

/* After the end of a gzip member: on to the next one, or *ended. */
static elbo_status next_member(seek_cursor *c, bool *ended, elbo_error *error)
{
    elbo_status status = skip_input(c, c->raw ? TRAILER : 0, ended, error);
    if (status != ELBO_OK || *ended) return status;
    c->raw = false;
    return inflateReset2(&c->z, GZIP) == Z_OK ? ELBO_OK : broken(c, Z_DATA_ERROR, error);
}

/* Unpacks up to n bytes, to the end of a block at most; *ended: the data are over. */
static elbo_status unpack(seek_cursor *c, unsigned char *to, size_t n, size_t *got, bool *ended, elbo_error *error)
{
    *got = 0;
    *ended = false;
    if (c->z.avail_in == 0) {
        elbo_status status = fill(c, error);
        if (status != ELBO_OK) return status;
    }
    bool dry = c->z.avail_in == 0;
    c->z.next_out = to;
    c->z.avail_out = (uInt)n;
    int result = inflate(&c->z, Z_BLOCK);
    *got = n - c->z.avail_out;
    c->out += *got;
    if (result == Z_STREAM_END) return next_member(c, ended, error);
    return result == Z_OK && !(dry && *got == 0) ? ELBO_OK : broken(c, result, error);
}

/* ---- Opening ---- */

static elbo_status add_point(seek_file *f, const seek_cursor *c, const unsigned char *ring, size_t at,
                             elbo_error *error)
{
    point *grown = mem_resize(f->m, f->points, f->n_points + 1, sizeof *grown);
    if (!grown) return err_memory(error, "the index of a gzip file");
    f->points = grown;
    point *p = &grown[f->n_points];
    p->window = mem_new(f->m, WINDOW, 1);
    if (!p->window) return err_memory(error, "the index of a gzip file");
    f->n_points++;
    p->in = c->in - c->z.avail_in;
    p->out = c->out;
    p->bits = c->z.data_type & 7;
    memcpy(p->window, ring + at, WINDOW - at);
    memcpy(p->window + WINDOW - at, ring, at);
    return ELBO_OK;
}

/* Unpacks everything once through a ring of the last 32 KiB. */
static elbo_status index_points(seek_file *f, seek_cursor *c, elbo_error *error)
{
    uint64_t last = 0;
    bool ended = false;
    size_t at = 0, got;
    elbo_status status = restart(c, NULL, error);
    while (status == ELBO_OK && !ended) {
        status = unpack(c, c->scrap + at, WINDOW - at, &got, &ended, error);
        at = (at + got) % WINDOW;
        bool between = (c->z.data_type & 128) && !(c->z.data_type & 64) && !c->raw;
        if (status != ELBO_OK || ended || !between || c->out - last < SEEK_SPAN) continue;
        last = c->out;
        status = add_point(f, c, c->scrap, at, error);
    }
    f->size = c->out;
    return status;
}

static elbo_status start(seek_file *f, elbo_error *error)
{
    unsigned char head[2];
    size_t got;
    elbo_status status = file_open(f->path, &f->file, &f->file_size, error);
    if (status == ELBO_OK) status = file_read_at(f->file, f->path, 0, head, 2, &got, error);
    if (status != ELBO_OK) return status;
    f->size = f->file_size;
    f->packed = got == 2 && head[0] == 0x1f && head[1] == 0x8b;
    if (!f->packed) return ELBO_OK;
    seek_cursor *c;
    status = seek_cursor_open(&c, f, error);
    if (status == ELBO_OK) status = index_points(f, c, error);
    seek_cursor_close(c);
    return status;
}

elbo_status seek_open(seek_file **out, memory m, const char *path, elbo_error *error)
{
    seek_file *f = mem_new(m, 1, sizeof *f);
    if (!f) return err_memory(error, "opening a data file");
    *f = (seek_file){.m = m, .path = path, .file = -1};
    elbo_status status = start(f, error);
    if (status == ELBO_OK)
        *out = f;
    else
        seek_close(f);
    return status;
}

void seek_close(seek_file *f)
{
    if (!f) return;
    for (size_t i = 0; i < f->n_points; i++) mem_free(f->m, f->points[i].window);
    mem_free(f->m, f->points);
    file_close(f->file);
    mem_free(f->m, f);
}

/* ---- Reading ---- */

elbo_status seek_cursor_open(seek_cursor **out, const seek_file *f, elbo_error *error)
{
    *out = mem_new(f->m, 1, sizeof **out);
    if (!*out) return err_memory(error, "reading a data file");
    (*out)->f = f;
    return ELBO_OK;
}

void seek_cursor_close(seek_cursor *c)
{
    if (!c) return;
    if (c->started) inflateEnd(&c->z);
    mem_free(c->f->m, c);
}

/* The last state at or before an offset, NULL: the beginning. */
static const point *nearest(const seek_file *f, uint64_t offset)
{
    size_t low = 0, high = f->n_points;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (f->points[middle].out <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &f->points[low - 1] : NULL;
}

static elbo_status read_packed(seek_cursor *c, uint64_t offset, unsigned char *to, size_t size, elbo_error *error)
{
    const point *p = nearest(c->f, offset);
    elbo_status status = ELBO_OK;
    if (!c->started || c->out > offset || (p && p->out > c->out)) status = restart(c, p, error);
    bool ended = false;
    while (status == ELBO_OK && size > 0) {
        size_t got, ahead = offset > c->out ? (size_t)(offset - c->out < WINDOW ? offset - c->out : WINDOW) : 0;
        status = ahead ? unpack(c, c->scrap, ahead, &got, &ended, error) : unpack(c, to, size, &got, &ended, error);
        if (!ahead && status == ELBO_OK) {
            to += got;
            offset += got;
            size -= got;
        }
        if (ended && size > 0 && status == ELBO_OK) status = broken(c, Z_DATA_ERROR, error);
    }
    if (status != ELBO_OK) c->out = UINT64_MAX; /* the next read starts afresh */
    return status;
}

elbo_status seek_read(seek_cursor *c, uint64_t offset, void *bytes, size_t size, elbo_error *error)
{
    const seek_file *f = c->f;
    if (offset > f->size || size > f->size - offset)
        return err_set(error, ELBO_BAD_FILE, "%s: %zu bytes at offset %llu are expected, but it has %llu: cut short",
                       f->path, size, (unsigned long long)offset, (unsigned long long)f->size);
    if (f->packed) return read_packed(c, offset, bytes, size, error);
    size_t got;
    elbo_status status = file_read_at(f->file, f->path, offset, bytes, size, &got, error);
    if (status == ELBO_OK && got < size)
        status = err_set(error, ELBO_BAD_FILE, "%s: it became shorter while it was read", f->path);
    return status;
}
