/* tar.c - see tar.h
 *
 * An archive is a row of members: a header of 512 bytes, then the member's bytes, filled up to a multiple of 512.
 * Two empty blocks end it; one is enough here, none means that the archive has been cut short. A pax header ('x') or
 * a GNU long name ('L') holds in its bytes what is said about the member after it. */
#include "tar.h"

#include "../base/file.h"

#include <string.h>
#include <zlib.h>

enum {
    BLOCK = 512,
    NAME = 100,
    SIZE_AT = 124,
    SUM_AT = 148,
    KIND_AT = 156,
    MAGIC_AT = 257,
    PREFIX_AT = 345,
    PREFIX = 155
};
enum { MAX_SAID = 1 << 20, MAX_NAME = 4096 };

typedef struct lister {
    gallery *g;
    seek_cursor *from;
    uint64_t at, end; /* of the archive */
    char name[MAX_NAME + 1];
    bool named;        /* name was said by a member before */
    int64_t said_size; /* likewise; -1: was not */
} lister;

static elbo_status bad(const lister *l, const char *what, elbo_error *error)
{
    return err_set(error, ELBO_BAD_FILE, "%s: tar member at byte %llu: %s", l->g->root, (unsigned long long)l->at,
                   what);
}

/* An octal number, or a binary one after a byte 0x80; -1: neither, or 2^63 and more. */
static int64_t read_number(const unsigned char *field, int n)
{
    int64_t value = 0;
    int i = 0;
    if (field[0] == 0x80) {
        for (i = 1; i < n; i++) {
            if (value > INT64_MAX >> 8) return -1;
            value = value << 8 | field[i];
        }
        return value;
    }
    while (i < n && field[i] == ' ') i++;
    for (; i < n && field[i] >= '0' && field[i] <= '7'; i++) value = value << 3 | (field[i] - '0');
    return i < n && field[i] != ' ' && field[i] != 0 ? -1 : value;
}

/* The sum of the bytes of a header, its own field counted as blanks. */
static bool sum_is_right(const unsigned char *h)
{
    int64_t sum = 0;
    for (int i = 0; i < BLOCK; i++) sum += i >= SUM_AT && i < SUM_AT + 8 ? ' ' : h[i];
    return sum == read_number(h + SUM_AT, 8);
}

static bool is_empty(const unsigned char *h)
{
    for (int i = 0; i < BLOCK; i++)
        if (h[i]) return false;
    return true;
}

/* ---- What is said about the next member ---- */

static bool say_name(lister *l, const char *bytes, size_t n)
{
    if (n > MAX_NAME || memchr(bytes, 0, n)) return false;
    memcpy(l->name, bytes, n);
    l->name[n] = 0;
    l->named = true;
    return true;
}

static bool say_size(lister *l, const char *digits, size_t n)
{
    l->said_size = 0;
    for (size_t i = 0; i < n; i++) {
        if (digits[i] < '0' || digits[i] > '9' || l->said_size > (INT64_MAX - 9) / 10) return false;
        l->said_size = 10 * l->said_size + (digits[i] - '0');
    }
    return n > 0;
}

static void forget(lister *l)
{
    l->named = false;
    l->said_size = -1;
}

/* Records "<length> <key>=<value>\n", the length counting all of it. */
static bool read_pax(lister *l, const char *s, size_t n)
{
    while (n > 0) {
        size_t length = 0, i = 0;
        for (; i < n && s[i] >= '0' && s[i] <= '9' && length <= n; i++) length = 10 * length + (size_t)(s[i] - '0');
        if (i == 0 || i == n || s[i] != ' ' || length > n || length < i + 3 || s[length - 1] != '\n') return false;
        const char *key = s + i + 1, *end = s + length - 1, *equals = memchr(key, '=', (size_t)(end - key));
        if (!equals) return false;
        size_t n_key = (size_t)(equals - key), n_value = (size_t)(end - equals - 1);
        if (n_key == 4 && memcmp(key, "path", 4) == 0 && !say_name(l, equals + 1, n_value)) return false;
        if (n_key == 4 && memcmp(key, "size", 4) == 0 && !say_size(l, equals + 1, n_value)) return false;
        if (n_key > 10 && memcmp(key, "GNU.sparse", 10) == 0) return false;
        s += length;
        n -= length;
    }
    return true;
}

static elbo_status read_said(lister *l, int kind, uint64_t size, elbo_error *error)
{
    if (size > MAX_SAID) return bad(l, "a name or pax header of more than 1 MiB", error);
    char *bytes = mem_new(l->g->m, (size_t)size + 1, 1);
    if (!bytes) return err_memory(error, "a tar header");
    elbo_status status = seek_read(l->from, l->at + BLOCK, bytes, (size_t)size, error);
    if (status == ELBO_OK && !(kind == 'x' ? read_pax(l, bytes, (size_t)size) : say_name(l, bytes, strlen(bytes))))
        status = bad(l, "a name or pax header that makes no sense, is too long, or describes a sparse file", error);
    mem_free(l->g->m, bytes);
    return status;
}

/* ---- Members ---- */

/* The name in a header: prefix/name in ustar, else name alone. */
static void read_name(lister *l, const unsigned char *h)
{
    bool ustar = memcmp(h + MAGIC_AT, "ustar", 6) == 0;
    size_t n = 0;
    if (ustar && h[PREFIX_AT]) {
        while (n < PREFIX && h[PREFIX_AT + n]) n++;
        memcpy(l->name, h + PREFIX_AT, n);
        l->name[n++] = '/';
    }
    for (size_t i = 0; i < NAME && h[i]; i++) l->name[n++] = (char)h[i];
    l->name[n] = 0;
}

static elbo_status read_file(lister *l, const unsigned char *h, uint64_t size, elbo_error *error)
{
    if (!l->named) read_name(l, h);
    const char *name = l->name;
    while (name[0] == '.' && name[1] == '/') name += 2;
    elbo_status status = gallery_add(l->g, name, l->at + BLOCK, size, error);
    forget(l);
    return status;
}

/* Reads the member whose header is h, and goes on to the next. */
static elbo_status read_member(lister *l, const unsigned char *h, elbo_error *error)
{
    int kind = h[KIND_AT];
    bool file = kind == 0 || kind == '0' || kind == '7', says = kind == 'x' || kind == 'L';
    if (kind == 'S') return bad(l, "a sparse file, which is not supported", error);
    int64_t size = file && l->said_size >= 0 ? l->said_size : read_number(h + SIZE_AT, 12);
    if (kind >= '1' && kind <= '6') size = 0; /* links, devices, folders: no bytes follow */
    if (size < 0) return bad(l, "its size is no number", error);
    uint64_t left = l->end - l->at - BLOCK;
    if ((uint64_t)size > left) return bad(l, "it has more bytes than are left; the archive has been cut short", error);
    elbo_status status = ELBO_OK;
    if (says)
        status = read_said(l, kind, (uint64_t)size, error);
    else if (file)
        status = read_file(l, h, (uint64_t)size, error);
    else if (kind != 'g' && kind != 'K')
        forget(l);
    uint64_t filled = ((uint64_t)size + BLOCK - 1) / BLOCK * BLOCK;
    l->at += BLOCK + (filled < left ? filled : left);
    return status;
}

static elbo_status read_members(lister *l, elbo_error *error)
{
    for (;;) {
        unsigned char h[BLOCK];
        if (l->end - l->at < BLOCK)
            return bad(l, "the empty block at the end is missing; the archive has been cut short", error);
        elbo_status status = seek_read(l->from, l->at, h, BLOCK, error);
        if (status != ELBO_OK) return status;
        if (is_empty(h)) return ELBO_OK;
        if (!sum_is_right(h)) return bad(l, "the sum of its header is wrong", error);
        status = read_member(l, h, error);
        if (status != ELBO_OK) return status;
    }
}

elbo_status tar_list(gallery *g, seek_file *archive, elbo_error *error)
{
    lister l = {.g = g, .end = seek_size(archive), .said_size = -1};
    elbo_status status = seek_cursor_open(&l.from, archive, error);
    if (status == ELBO_OK) status = read_members(&l, error);
    seek_cursor_close(l.from);
    return status;
}

/* Unpacks the first bytes of a gzipped file; *got: how many there are. */
static elbo_status unpack_head(unsigned char head[BLOCK], size_t *got, elbo_error *error)
{
    unsigned char plain[BLOCK];
    z_stream z = {.next_in = head, .avail_in = (uInt)*got, .next_out = plain, .avail_out = BLOCK};
    if (inflateInit2(&z, 15 + 16) != Z_OK) return err_memory(error, "gzip data");
    int result = inflate(&z, Z_SYNC_FLUSH);
    inflateEnd(&z);
    if (result == Z_MEM_ERROR) return err_memory(error, "gzip data");
    *got = BLOCK - z.avail_out;
    memcpy(head, plain, *got);
    return ELBO_OK;
}

elbo_status tar_begins(const char *path, bool *tar, elbo_error *error)
{
    unsigned char head[BLOCK];
    size_t got = 0;
    elbo_status status = file_read_head(path, head, BLOCK, &got, error);
    if (status == ELBO_OK && got >= 2 && head[0] == 0x1f && head[1] == 0x8b) status = unpack_head(head, &got, error);
    *tar = status == ELBO_OK && got == BLOCK && sum_is_right(head);
    return status;
}
