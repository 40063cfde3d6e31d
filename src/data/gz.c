/* gz.c - see gz.h. gzip: RFC 1952, unpacked by zlib; members one after another count as one stream.
 *
 * A packed file says nothing that can be trusted about its unpacked size, so the caller asks for the bytes its own
 * header announces and gets exactly those. Deflate makes at most 1032 bytes of one, which bounds what a file can hold
 * before anything is allocated. */
#include "gz.h"

#include "../base/file.h"

#include <string.h>
#include <zlib.h>

enum { WIDEST = 1032, PIECE = 1 << 30 };

struct gz {
    memory m;
    const char *path;
    const unsigned char *file; /* as it lies on the disk */
    unsigned char *owned;      /* the same, to be freed; NULL: somebody else's */
    size_t size, at;     /* at: the next byte of the file */
    uint64_t position;
    unsigned char head[GZ_HEAD];
    size_t n_head;
    bool packed, ended; /* ended: the last member is complete */
    z_stream z;
};

const char *gz_path(const gz *g)
{
    return g->path;
}

memory gz_memory(const gz *g)
{
    return g->m;
}

uint64_t gz_position(const gz *g)
{
    return g->position;
}

const unsigned char *gz_head(const gz *g)
{
    return g->head;
}

static void *z_new(void *m, uInt count, uInt size)
{
    return mem_new(m, count, size);
}

static void z_free(void *m, void *block)
{
    mem_free(m, block);
}

static uInt piece(size_t n)
{
    return (uInt)(n < PIECE ? n : PIECE);
}

static elbo_status broken(const gz *g, int result, elbo_error *error)
{
    if (result == Z_MEM_ERROR) return err_memory(error, "unpacking gzip data");
    if (result == Z_BUF_ERROR)
        return err_set(error, ELBO_BAD_FILE, "%s: gzip data end too early, at byte %zu; the file has been cut short",
                       g->path, g->at);
    return err_set(error, ELBO_BAD_FILE, "%s: gzip data are broken near byte %zu: %s", g->path, g->at,
                   g->z.msg ? g->z.msg : "not valid deflate data");
}

/* Unpacks up to n bytes; fewer only at the end of the data. */
static elbo_status unpack(gz *g, unsigned char *out, size_t n, size_t *got, elbo_error *error)
{
    *got = 0;
    while (*got < n && !g->ended) {
        uInt in = piece(g->size - g->at), room = piece(n - *got);
        g->z.next_in = (unsigned char *)(uintptr_t)(g->file + g->at); /* which zlib only reads */
        g->z.avail_in = in;
        g->z.next_out = out + *got;
        g->z.avail_out = room;
        int result = inflate(&g->z, Z_NO_FLUSH);
        g->at += in - g->z.avail_in;
        *got += room - g->z.avail_out;
        if (result == Z_STREAM_END) {
            g->ended = g->at == g->size;
            result = inflateReset(&g->z);
        }
        if (result != Z_OK) return broken(g, result, error);
    }
    return ELBO_OK;
}

static elbo_status pull(gz *g, void *out, size_t n, size_t *got, elbo_error *error)
{
    if (g->packed) return unpack(g, out, n, got, error);
    *got = n < g->size - g->at ? n : g->size - g->at;
    memcpy(out, g->file + g->at, *got);
    g->at += *got;
    return ELBO_OK;
}

/* window: as inflateInit2 takes it, for gzip or bare deflate data; 0: the bytes themselves. */
static elbo_status start(gz *g, int window, elbo_error *error)
{
    g->packed = window != 0;
    if (g->packed) {
        g->z.zalloc = z_new;
        g->z.zfree = z_free;
        g->z.opaque = (void *)(uintptr_t)g->m;
        int result = inflateInit2(&g->z, window);
        if (result != Z_OK) {
            g->packed = false;
            return broken(g, result, error);
        }
    }
    return pull(g, g->head, GZ_HEAD, &g->n_head, error);
}

elbo_status gz_open(gz **out, memory m, const char *path, elbo_error *error)
{
    gz *g = mem_new(m, 1, sizeof *g);
    if (!g) return err_memory(error, "opening a data file");
    g->m = m;
    g->path = path;
    elbo_status status = file_read(m, path, PTRDIFF_MAX - 1, &g->owned, &g->size, error);
    g->file = g->owned;
    bool gzipped = status == ELBO_OK && g->size >= 2 && g->file[0] == 0x1f && g->file[1] == 0x8b;
    if (status == ELBO_OK) status = start(g, gzipped ? 15 + 16 : 0, error);
    if (status != ELBO_OK) {
        gz_close(g);
        return status;
    }
    *out = g;
    return ELBO_OK;
}

elbo_status gz_open_bytes(gz **out, memory m, const char *path, const unsigned char *bytes, size_t size, bool deflated,
                          elbo_error *error)
{
    gz *g = mem_new(m, 1, sizeof *g);
    if (!g) return err_memory(error, "opening data");
    *g = (gz){.m = m, .path = path, .file = bytes, .size = size};
    elbo_status status = start(g, deflated ? -15 : 0, error);
    if (status == ELBO_OK) *out = g;
    else gz_close(g);
    return status;
}

bool gz_bytes(const gz *g, const unsigned char **bytes, size_t *size)
{
    *bytes = g->file;
    *size = g->size;
    return !g->packed;
}

void gz_close(gz *g)
{
    if (!g) return;
    if (g->packed) inflateEnd(&g->z);
    mem_free(g->m, g->owned);
    mem_free(g->m, g);
}

/* Reads up to n bytes: first those the head already has. */
static elbo_status read_some(gz *g, unsigned char *out, size_t n, size_t *got, elbo_error *error)
{
    size_t from_head = 0;
    if (g->position < g->n_head) {
        from_head = g->n_head - (size_t)g->position;
        if (from_head > n) from_head = n;
        memcpy(out, g->head + g->position, from_head);
    }
    elbo_status status = pull(g, out + from_head, n - from_head, got, error);
    *got += from_head;
    g->position += *got;
    return status;
}

static elbo_status wrong_size(const gz *g, uint64_t from, const char *what, size_t wanted, const char *at_most,
                              size_t left, elbo_error *error)
{
    return err_set(error, ELBO_BAD_FILE, "%s: %s at offset %llu: expected %zu bytes, the file has %s%zu", g->path, what,
                   (unsigned long long)from, wanted, at_most, left);
}

elbo_status gz_read(gz *g, void *out, size_t n, const char *what, elbo_error *error)
{
    uint64_t from = g->position;
    size_t got;
    elbo_status status = read_some(g, out, n, &got, error);
    if (status == ELBO_OK && got < n) status = wrong_size(g, from, what, n, "", got, error);
    return status;
}

/* The most bytes the data can still have. */
static size_t most_left(const gz *g)
{
    size_t most = g->size;
    if (g->packed && (!size_mul(most, WIDEST, &most) || !size_add(most, WIDEST, &most))) most = SIZE_MAX;
    return most - (size_t)g->position;
}

static elbo_status read_exactly(gz *g, unsigned char *out, size_t n, const char *what, elbo_error *error)
{
    elbo_status status = gz_read(g, out, n, what, error);
    if (status != ELBO_OK) return status;
    unsigned char extra;
    size_t got;
    status = read_some(g, &extra, 1, &got, error); /* also checks the packed data's checksum, which lies at the end */
    if (status == ELBO_OK && got > 0) status = wrong_size(g, g->position - 1 - n, what, n, "more than ", n, error);
    return status;
}

elbo_status gz_read_rest(gz *g, size_t n, const char *what, unsigned char **out, elbo_error *error)
{
    size_t most = most_left(g);
    if (n > most || (!g->packed && n < most))
        return wrong_size(g, g->position, what, n, g->packed ? "at most " : "", most, error);
    *out = mem_new(g->m, n, 1);
    if (!*out) return err_memory(error, what);
    elbo_status status = read_exactly(g, *out, n, what, error);
    if (status != ELBO_OK) {
        mem_free(g->m, *out);
        *out = NULL;
    }
    return status;
}

elbo_status gz_read_all(gz *g, size_t most, unsigned char **out, size_t *n, elbo_error *error)
{
    unsigned char *block = NULL;
    size_t room = 0, got = 1;
    elbo_status status = ELBO_OK;
    for (*n = 0; status == ELBO_OK && got > 0; *n += got) {
        if (*n == room) {
            room = room ? 2 * room : g->packed ? 4 * g->size + 64 : g->size + 1;
            unsigned char *grown = mem_resize(g->m, block, room, 1);
            if (!grown) status = err_memory(error, "unpacking a file");
            else block = grown;
        }
        if (status == ELBO_OK && *n > most)
            status = err_set(error, ELBO_BAD_FILE, "%s: more than %zu bytes of text; save it as .npy, which is read in parts",
                             g->path, most);
        if (status == ELBO_OK) status = read_some(g, block + *n, room - *n, &got, error);
        if (status != ELBO_OK) got = 0;
    }
    if (status != ELBO_OK) mem_free(g->m, block);
    *out = status == ELBO_OK ? block : NULL;
    return status;
}
