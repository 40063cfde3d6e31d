/* npz.c - several NumPy arrays in a zip archive (numpy.savez; the ZIP format of PKWARE's APPNOTE.TXT 6.3).
 *
 * The central directory says what there is, and every local header must say the same. Members are stored or deflated; what
 * a member unpacks to is as long as announced, and has the announced checksum. Encrypted archives and those of several
 * parts are refused.
 *
 * The examples are the array that is asked for (file.npz:name), the only one, or the first of some usual names; labels are
 * one called y, labels or target, of as many whole numbers. */
#include "../base/file.h"
#include "format.h"

#include <stdio.h>
#include <string.h>

enum { END = 22, CENTRAL = 46, LOCAL = 30, COMMENT = 65535, MOST_MEMBERS = 4096, NAME = 256 };
enum { WIDE_END = 56, WIDE_LOCATOR = 20, MOST_DIRECTORY = 1 << 24 };
#define WIDE 0xffffffffu /* stands for a number that is elsewhere, with more bits */

bool npz_begins(const unsigned char *head)
{
    return memcmp(head, "PK\3\4", 4) == 0;
}

typedef struct zip {
    memory m;
    const gz *g; /* the file */
    const char *path;
    uint64_t begin;           /* of the central directory */
    unsigned char *directory; /* its bytes */
    size_t size, n;           /* bytes and entries of it */
} zip;

typedef struct member {
    char full[NAME], name[NAME]; /* as it is there, and without .npy */
    uint32_t method, crc;
    uint64_t packed, size, header; /* header: where the local one is */
} member;

static uint64_t little(const unsigned char *b, int n)
{
    uint64_t value = 0;
    for (int i = n - 1; i >= 0; i--) value = value << 8 | b[i];
    return value;
}

static elbo_status broken(const zip *z, uint64_t offset, const char *what, elbo_error *error)
{
    return err_set(error, ELBO_BAD_FILE, "%s: zip archive at offset %llu: %s", z->path, (unsigned long long)offset, what);
}

/* A new block of the n bytes at an offset. */
static elbo_status read_at(const zip *z, uint64_t offset, size_t n, unsigned char **out, elbo_error *error)
{
    size_t got = 0;
    *out = mem_new(z->m, n, 1);
    if (!*out) return err_memory(error, "a zip archive");
    elbo_status status = file_read_at(gz_file(z->g), z->path, offset, *out, n, &got, error);
    if (status == ELBO_OK && got < n) status = broken(z, offset, "it has been cut short", error);
    if (status == ELBO_OK) return ELBO_OK;
    mem_free(z->m, *out);
    *out = NULL;
    return status;
}

/* ---- The directory ---- */

/* Takes the record of the end, which lies at an offset. Archives of more than 4 GiB have a wider one before it. */
static elbo_status take_end(zip *z, const unsigned char *e, uint64_t at, elbo_error *error)
{
    uint64_t n = little(e + 10, 2), size = little(e + 12, 4), begin = little(e + 16, 4), end = at;
    if (little(e + 4, 4) != 0 || little(e + 8, 2) != n) return broken(z, at, "one of several parts", error);
    if (begin == WIDE || size == WIDE) {
        unsigned char *wide;
        if (at < WIDE_END + WIDE_LOCATOR) return broken(z, at, "its wide directory is missing", error);
        end = at - WIDE_END - WIDE_LOCATOR;
        elbo_status status = read_at(z, end, WIDE_END, &wide, error);
        if (status != ELBO_OK) return status;
        bool right = memcmp(wide, "PK\6\6", 4) == 0 && little(wide + 32, 8) == n;
        size = little(wide + 40, 8);
        begin = little(wide + 48, 8);
        mem_free(z->m, wide);
        if (!right) return broken(z, end, "its wide directory is broken", error);
    }
    if (begin > end || size != end - begin || n > MOST_MEMBERS || size > MOST_DIRECTORY)
        return broken(z, at, "its directory is not where it should be, or very large", error);
    z->begin = begin;
    z->size = (size_t)size;
    z->n = (size_t)n;
    return ELBO_OK;
}

static elbo_status find_in(zip *z, const unsigned char *tail, size_t n, uint64_t offset, elbo_error *error)
{
    for (size_t at = n >= END ? n - END + 1 : 0; at-- > 0;)
        if (memcmp(tail + at, "PK\5\6", 4) == 0 && at + END + little(tail + at + 20, 2) == n)
            return take_end(z, tail + at, offset + at, error);
    return broken(z, offset + n, "the end of the directory is missing; the file has been cut short", error);
}

static elbo_status find_directory(zip *z, elbo_error *error)
{
    uint64_t all = gz_end(z->g);
    size_t n = all < END + COMMENT ? (size_t)all : END + COMMENT;
    unsigned char *tail;
    elbo_status status = read_at(z, all - n, n, &tail, error);
    if (status != ELBO_OK) return status;
    status = find_in(z, tail, n, all - n, error);
    mem_free(z->m, tail);
    return status == ELBO_OK ? read_at(z, z->begin, z->size, &z->directory, error) : status;
}

/* Sizes that do not fit 32 bits are in an extra field, in the order of those that say so. */
static bool wide_sizes(const unsigned char *extra, size_t n, uint64_t *const *values, int n_values)
{
    while (n >= 4) {
        size_t id = (size_t)little(extra, 2), length = (size_t)little(extra + 2, 2), at = 4;
        if (length > n - 4) return false;
        for (int i = 0; id == 1 && i < n_values; i++) {
            if (*values[i] != 0xffffffff) continue;
            if (at + 8 > length + 4) return false;
            *values[i] = little(extra + at, 8);
            at += 8;
        }
        extra += 4 + length;
        n -= 4 + length;
    }
    return true;
}

/* Reads the entry at *at of the directory and goes on to the next. */
static elbo_status read_entry(const zip *z, size_t *at, member *out, elbo_error *error)
{
    const unsigned char *e = z->directory + *at;
    uint64_t here = z->begin + *at;
    if (z->size - *at < CENTRAL || memcmp(e, "PK\1\2", 4) != 0)
        return broken(z, here, "an entry of the directory is broken", error);
    size_t name = (size_t)little(e + 28, 2), extra = (size_t)little(e + 30, 2), comment = (size_t)little(e + 32, 2);
    if (z->size - *at - CENTRAL < name + extra + comment) return broken(z, here, "an entry of the directory is cut short", error);
    *out = (member){.method = (uint32_t)little(e + 10, 2), .crc = (uint32_t)little(e + 16, 4), .packed = little(e + 20, 4),
                    .size = little(e + 24, 4), .header = little(e + 42, 4)};
    uint64_t *const wide[] = {&out->size, &out->packed, &out->header};
    if (little(e + 8, 2) & 1) return broken(z, here, "it is encrypted", error);
    if (!wide_sizes(e + CENTRAL + name, extra, wide, 3)) return broken(z, here, "an extra field is broken", error);
    if (name >= NAME || memchr(e + CENTRAL, 0, name)) return broken(z, here, "a name is too long or no text", error);
    memcpy(out->full, e + CENTRAL, name);
    memcpy(out->name, e + CENTRAL, name);
    if (name > 4 && memcmp(out->name + name - 4, ".npy", 4) == 0) out->name[name - 4] = 0;
    *at += CENTRAL + name + extra + comment;
    return ELBO_OK;
}

/* ---- A member ---- */

/* The local header must agree with the directory; sizes may be told behind the data instead. rest: name and extra field. */
static elbo_status check_header(const zip *z, const member *v, const unsigned char *h, const unsigned char *rest,
                                elbo_error *error)
{
    size_t name = (size_t)little(h + 26, 2), extra = (size_t)little(h + 28, 2), known = strlen(v->full);
    uint64_t crc = little(h + 14, 4), packed = little(h + 18, 4), size = little(h + 22, 4);
    uint64_t *const wide[] = {&size, &packed};
    bool later = little(h + 6, 2) >> 3 & 1;
    bool same = name == known && memcmp(rest, v->full, known) == 0 && little(h + 8, 2) == v->method;
    if (wide_sizes(rest + name, extra, wide, 2) && same && (later || (crc == v->crc && packed == v->packed && size == v->size)))
        return ELBO_OK;
    return broken(z, v->header, "a member's header and the directory differ", error);
}

/* *data: where its bytes begin. */
static elbo_status check_local(const zip *z, const member *v, uint64_t *data, elbo_error *error)
{
    uint64_t all = gz_end(z->g);
    unsigned char *h = NULL, *rest = NULL;
    if (v->header > all || all - v->header < LOCAL) return broken(z, v->header, "a member begins beyond the end", error);
    elbo_status status = read_at(z, v->header, LOCAL, &h, error);
    if (status != ELBO_OK) return status;
    size_t n = (size_t)little(h + 26, 2) + (size_t)little(h + 28, 2);
    *data = v->header + LOCAL + n;
    if (memcmp(h, "PK\3\4", 4) != 0 || all - v->header - LOCAL < n)
        status = broken(z, v->header, "a member has no header", error);
    if (status == ELBO_OK) status = read_at(z, v->header + LOCAL, n, &rest, error);
    if (status == ELBO_OK) status = check_header(z, v, h, rest, error);
    if (status == ELBO_OK && v->packed > all - *data) status = broken(z, v->header, "a member reaches beyond the end", error);
    mem_free(z->m, rest);
    mem_free(z->m, h);
    return status;
}

static elbo_status load_array(const zip *z, const member *v, gz *g, const reading *how, array *out, elbo_error *error)
{
    if (!npy_begins(gz_head(g))) return err_set(error, ELBO_BAD_FILE, "%s: \"%s\" is no NumPy array", z->path, v->name);
    return npy_load(g, how, out, error);
}

static elbo_status load_member(const zip *z, const member *v, const reading *how, array *out, elbo_error *error)
{
    gz_part part = {.size = v->packed, .deflated = v->method == 8, .checksum = v->crc, .unpacked = v->size};
    gz *g = NULL;
    elbo_status status = check_local(z, v, &part.offset, error);
    if (status == ELBO_OK && v->method != 0 && v->method != 8)
        status = broken(z, v->header, "a member is neither stored nor deflated", error);
    if (status == ELBO_OK) status = gz_open_part(&g, z->g, &part, error);
    if (status == ELBO_OK) status = load_array(z, v, g, how, out, error);
    gz_close(g);
    return status;
}

/* ---- Which one ---- */

static const char *const usual[] = {"x", "X", "data", "images", "imgs", "x_train", "arr_0", NULL};
static const char *const label_names[] = {"y", "labels", "target", NULL};

/* The first of the names that is there; *found is false for none. */
static elbo_status find_name(const zip *z, const char *const *names, member *out, bool *found, elbo_error *error)
{
    *found = false;
    for (; *names && !*found; names++) {
        size_t at = 0;
        for (size_t i = 0; i < z->n && !*found; i++) {
            elbo_status status = read_entry(z, &at, out, error);
            if (status != ELBO_OK) return status;
            *found = strcmp(out->name, *names) == 0;
        }
    }
    return ELBO_OK;
}

static elbo_status say_names(const zip *z, const char *wanted, elbo_error *error)
{
    char names[400] = "";
    member v;
    size_t at = 0;
    for (size_t i = 0; i < z->n; i++) {
        read_entry(z, &at, &v, NULL); /* which went well when its name was compared */
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", v.name);
    }
    return err_set(error, ELBO_USAGE, "%s: has no array %s%s%s; say which of %s is meant, as in %s:NAME", z->path,
                   wanted ? "\"" : "of a usual name", wanted ? wanted : "", wanted ? "\"" : "", names, z->path);
}

static elbo_status choose(const zip *z, const char *wanted, member *out, elbo_error *error)
{
    const char *const asked[] = {wanted, NULL};
    bool found;
    size_t at = 0;
    elbo_status status = find_name(z, wanted ? asked : usual, out, &found, error);
    if (status != ELBO_OK || found) return status;
    return z->n == 1 && !wanted ? read_entry(z, &at, out, error) : say_names(z, wanted, error);
}

static elbo_status add_labels(const zip *z, array *out, elbo_error *error)
{
    member v;
    bool found;
    array labels = {0};
    elbo_status status = find_name(z, label_names, &v, &found, error);
    if (status == ELBO_OK && found) status = load_member(z, &v, &(reading){NULL}, &labels, error);
    if (status == ELBO_OK && found && array_example_size(&labels) == 1 && labels.count == out->count)
        status = array_set_labels(out, &labels, z->path, error);
    array_free(&labels);
    return status;
}

elbo_status npz_load(gz *g, const reading *how, array *out, elbo_error *error)
{
    zip z = {.m = gz_memory(g), .g = g, .path = gz_path(g)};
    member v;
    if (gz_packed(g)) return err_set(error, ELBO_BAD_FILE, "%s: a gzipped archive; unpack it with gunzip", z.path);
    elbo_status status = find_directory(&z, error);
    if (status == ELBO_OK) status = choose(&z, how->member, &v, error);
    if (status == ELBO_OK) status = load_member(&z, &v, how, out, error);
    if (status == ELBO_OK) status = add_labels(&z, out, error);
    if (status != ELBO_OK) array_free(out);
    mem_free(z.m, z.directory);
    return status;
}
