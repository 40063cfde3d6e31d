/* gz.c - see gz.h. gzip: RFC 1952, unpacked by zlib; members one after another count as one stream.
 *
 * A packed file says nothing that can be trusted about its unpacked size, so the caller asks for the bytes its own
 * header announces and gets exactly those. Deflate makes at most 1032 bytes of one, which bounds what a file can hold
 * before anything is allocated. */
#include "gz.h"

#include "../base/file.h"

#include <string.h>
#include <zlib.h>

enum { WIDEST = 1032, WINDOW = 32768, PIECE = 1 << 16, MOST_ROOM = 1 << 20 };

struct gz {
    memory m;
    const char *path;
    int file;
    bool part;        /* the file is another's */
    uint64_t at, end; /* the next byte of the file to take, and the one behind the last */
    uint64_t position;
    unsigned char head[GZ_HEAD];
    size_t n_head;
    bool packed, ended;     /* ended: the last member is complete */
    uint64_t unpacked;      /* of a part: the bytes that are expected, */
    uint32_t checksum, crc; /* their checksum, and that of the bytes read so far */
    z_stream z;
    unsigned char piece[PIECE];
};

const char *gz_path(const gz *g)
{
    return g->path;
}

memory gz_memory(const gz *g)
{
    return g->m;
}

bool gz_packed(const gz *g)
{
    return g->packed;
}

int gz_file(const gz *g)
{
    return g->file;
}

uint64_t gz_offset(const gz *g)
{
    return g->position < g->n_head ? g->at - (g->n_head - g->position) : g->at; /* the head was read ahead */
}

uint64_t gz_end(const gz *g)
{
    return g->end;
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

static elbo_status broken(const gz *g, int result, elbo_error *error)
{
    unsigned long long at = g->at - g->z.avail_in;
    if (result == Z_MEM_ERROR) return err_memory(error, "unpacking gzip data");
    if (result == Z_BUF_ERROR)
        return err_set(error, ELBO_BAD_FILE, "%s: gzip data end too early, at byte %llu; the file has been cut short", g->path,
                       at);
    return err_set(error, ELBO_BAD_FILE, "%s: gzip data are broken near byte %llu: %s", g->path, at, g->z.msg);
}

/* The next bytes as they lie; fewer than n only at the end. */
static elbo_status take_bytes(gz *g, void *out, size_t n, size_t *got, elbo_error *error)
{
    if (n > g->end - g->at) n = (size_t)(g->end - g->at);
    elbo_status status = file_read_at(g->file, g->path, g->at, out, n, got, error);
    g->at += *got;
    if (status == ELBO_OK && *got < n)
        status = err_set(error, ELBO_BAD_FILE, "%s: it became shorter while it was read", g->path);
    return status;
}

static elbo_status refill(gz *g, elbo_error *error)
{
    size_t got;
    elbo_status status = take_bytes(g, g->piece, PIECE, &got, error);
    g->z.next_in = g->piece;
    g->z.avail_in = (uInt)got;
    return status;
}

/* Unpacks up to n bytes; fewer only at the end of the data. */
static elbo_status unpack(gz *g, unsigned char *out, size_t n, size_t *got, elbo_error *error)
{
    *got = 0;
    while (*got < n && !g->ended) {
        elbo_status status = g->z.avail_in == 0 ? refill(g, error) : ELBO_OK;
        if (status != ELBO_OK) return status;
        uInt room = (uInt)(n - *got < MOST_ROOM ? n - *got : MOST_ROOM);
        g->z.next_out = out + *got;
        g->z.avail_out = room;
        int result = inflate(&g->z, Z_NO_FLUSH);
        *got += room - g->z.avail_out;
        if (result == Z_STREAM_END) {
            g->ended = g->z.avail_in == 0 && g->at == g->end;
            result = inflateReset(&g->z);
        }
        if (result != Z_OK) return broken(g, result, error);
    }
    return ELBO_OK;
}

static elbo_status pull(gz *g, unsigned char *out, size_t n, size_t *got, elbo_error *error)
{
    elbo_status status = g->packed ? unpack(g, out, n, got, error) : take_bytes(g, out, n, got, error);
    if (g->part) g->crc = (uint32_t)crc32_z(g->crc, out, *got);
    return status;
}

/* window: as inflateInit2 takes it, for gzip or bare deflate data; 0: the bytes themselves. */
static elbo_status start(gz *g, int window, elbo_error *error)
{
    g->packed = window != 0;
    if (g->packed) {
        g->z.zalloc = z_new;
        g->z.zfree = z_free;
        g->z.opaque = (void *)(uintptr_t)g->m;
        if (inflateInit2(&g->z, window) != Z_OK) {
            g->packed = false;
            return err_memory(error, "unpacking gzip data");
        }
    }
    return pull(g, g->head, GZ_HEAD, &g->n_head, error);
}

static elbo_status start_file(gz *g, elbo_error *error)
{
    unsigned char magic[2] = {0};
    size_t got;
    elbo_status status = file_open(g->path, &g->file, &g->end, error);
    if (status == ELBO_OK) status = take_bytes(g, magic, sizeof magic, &got, error);
    g->at = 0;
    return status == ELBO_OK ? start(g, magic[0] == 0x1f && magic[1] == 0x8b ? 15 + 16 : 0, error) : status;
}

elbo_status gz_open(gz **out, memory m, const char *path, elbo_error *error)
{
    gz *g = mem_new(m, 1, sizeof *g);
    if (!g) return err_memory(error, "opening a data file");
    g->m = m;
    g->path = path;
    g->file = -1;
    elbo_status status = start_file(g, error);
    if (status == ELBO_OK) *out = g;
    else gz_close(g);
    return status;
}

elbo_status gz_open_part(gz **out, const gz *whole, const gz_part *p, elbo_error *error)
{
    gz *g = mem_new(whole->m, 1, sizeof *g);
    if (!g) return err_memory(error, "opening data");
    g->m = whole->m;
    g->path = whole->path;
    g->file = whole->file;
    g->part = true;
    g->at = p->offset;
    g->end = p->offset + p->size;
    g->unpacked = p->unpacked;
    g->checksum = p->checksum;
    elbo_status status = start(g, p->deflated ? -15 : 0, error);
    if (status == ELBO_OK) *out = g;
    else gz_close(g);
    return status;
}

void gz_close(gz *g)
{
    if (!g) return;
    if (g->packed) inflateEnd(&g->z);
    if (!g->part) file_close(g->file);
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
                              uint64_t left, elbo_error *error)
{
    return err_set(error, ELBO_BAD_FILE, "%s: %s at offset %llu: expected %zu bytes, the file has %s%llu", g->path, what,
                   (unsigned long long)from, wanted, at_most, (unsigned long long)left);
}

elbo_status gz_read(gz *g, void *out, size_t n, const char *what, elbo_error *error)
{
    uint64_t from = g->position;
    size_t got;
    elbo_status status = read_some(g, out, n, &got, error);
    if (status == ELBO_OK && got < n) status = wrong_size(g, from, what, n, "", got, error);
    return status;
}

/* The most bytes the data can still have: to what is still packed, what the unpacker holds may come. */
static uint64_t most_left(const gz *g)
{
    uint64_t left = g->end - gz_offset(g);
    return g->packed ? (left + g->z.avail_in + 1) * WIDEST + WINDOW : left;
}

elbo_status gz_check_room(const gz *g, size_t n, const char *what, elbo_error *error)
{
    uint64_t most = most_left(g);
    if (n <= most && (g->packed || n == most)) return ELBO_OK;
    return wrong_size(g, g->position, what, n, g->packed ? "at most " : "", most, error);
}

/* Nothing may be left of n bytes that began at from. Looking also checks the packed data's own checksum, at their end. */
static elbo_status check_end(gz *g, uint64_t from, size_t n, const char *what, elbo_error *error)
{
    unsigned char extra;
    size_t got;
    elbo_status status = read_some(g, &extra, 1, &got, error);
    if (status == ELBO_OK && got > 0) status = wrong_size(g, from, what, n, "more than ", n, error);
    if (status == ELBO_OK && g->part && (g->position != g->unpacked || g->crc != g->checksum))
        status = err_set(error, ELBO_BAD_FILE, "%s: %s before byte %llu: %llu bytes with the checksum %08lx, not %llu with %08lx",
                         g->path, what, (unsigned long long)g->at, (unsigned long long)g->position, (unsigned long)g->crc,
                         (unsigned long long)g->unpacked, (unsigned long)g->checksum);
    return status;
}

elbo_status gz_read_rest(gz *g, size_t n, const char *what, unsigned char **out, elbo_error *error)
{
    uint64_t from = g->position;
    *out = mem_new(g->m, n, 1);
    if (!*out) return err_memory(error, what);
    elbo_status status = gz_read(g, *out, n, what, error);
    if (status == ELBO_OK) status = check_end(g, from, n, what, error);
    if (status == ELBO_OK) return ELBO_OK;
    mem_free(g->m, *out);
    *out = NULL;
    return status;
}

elbo_status gz_pass_rest(gz *g, size_t n, const char *what, gz_take take, void *user, elbo_error *error)
{
    uint64_t from = g->position;
    unsigned char *block = mem_new(g->m, PIECE, 1);
    elbo_status status = block ? ELBO_OK : err_memory(error, what);
    for (size_t left = n, now; status == ELBO_OK && left > 0; left -= now) {
        now = left < PIECE ? left : PIECE;
        status = gz_read(g, block, now, what, error);
        if (status == ELBO_OK && take) status = take(user, block, now, error);
    }
    mem_free(g->m, block);
    return status == ELBO_OK ? check_end(g, from, n, what, error) : status;
}

elbo_status gz_check_rest(gz *g, size_t n, const char *what, elbo_error *error)
{
    return g->part ? gz_pass_rest(g, n, what, NULL, NULL, error) : ELBO_OK;
}

/* Room for all where its size is known, else for what is usual of text; no more than is wanted. */
static size_t first_room(const gz *g, size_t most)
{
    uint64_t left = g->end - g->at, wanted = g->packed ? 4 * left + 64 : left + GZ_HEAD + 1;
    return wanted <= most ? (size_t)wanted : most + 1;
}

elbo_status gz_read_all(gz *g, size_t most, unsigned char **out, size_t *n, elbo_error *error)
{
    unsigned char *block = NULL;
    size_t room = 0, got = 1;
    elbo_status status = ELBO_OK;
    for (*n = 0; status == ELBO_OK && got > 0; *n += got) {
        if (*n == room) {
            room = room ? 2 * room : first_room(g, most);
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
