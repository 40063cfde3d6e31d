/* npz.c - several NumPy arrays in a zip archive (numpy.savez; the ZIP format of PKWARE's APPNOTE.TXT 6.3).
 *
 * The central directory says what there is, and every local header must say the same. Members are stored or deflated; what
 * a member unpacks to is as long as announced, and has the announced checksum. Encrypted archives and those of several
 * parts are refused.
 *
 * The examples are the array that is asked for (file.npz:name), the only one, or the first of some usual names; labels are
 * one called y, labels or target, of as many whole numbers. */
#include "format.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { END = 22, CENTRAL = 46, LOCAL = 30, COMMENT = 65535, MOST_MEMBERS = 4096, NAME = 256 };

bool npz_begins(const unsigned char *head)
{
    return memcmp(head, "PK\3\4", 4) == 0;
}

typedef struct zip {
    memory m;
    const char *path;
    const unsigned char *bytes;
    size_t size;
    size_t directory, n; /* where the central directory begins, and its entries */
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

/* ---- The directory ---- */

static elbo_status find_directory(zip *z, elbo_error *error)
{
    size_t lowest = z->size > END + COMMENT ? z->size - END - COMMENT : 0;
    for (size_t at = z->size >= END ? z->size - END : 0; z->size >= END; at--) {
        const unsigned char *e = z->bytes + at;
        if (memcmp(e, "PK\5\6", 4) == 0 && at + END + little(e + 20, 2) == z->size) {
            uint64_t n = little(e + 10, 2), size = little(e + 12, 4), begin = little(e + 16, 4);
            if (little(e + 4, 4) != 0 || little(e + 8, 2) != n) return broken(z, at, "one of several parts", error);
            if (begin > at || size != at - begin || n > MOST_MEMBERS)
                return broken(z, at, "its directory is not where it should be, or very large", error);
            z->directory = (size_t)begin;
            z->n = (size_t)n;
            return ELBO_OK;
        }
        if (at == lowest) break;
    }
    return broken(z, z->size, "the end of the directory is missing; the file has been cut short", error);
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
    const unsigned char *e = z->bytes + *at;
    if (z->size - *at < CENTRAL || memcmp(e, "PK\1\2", 4) != 0)
        return broken(z, *at, "an entry of the directory is broken", error);
    size_t name = (size_t)little(e + 28, 2), extra = (size_t)little(e + 30, 2), comment = (size_t)little(e + 32, 2);
    if (z->size - *at - CENTRAL < name + extra + comment) return broken(z, *at, "an entry of the directory is cut short", error);
    *out = (member){.method = (uint32_t)little(e + 10, 2), .crc = (uint32_t)little(e + 16, 4), .packed = little(e + 20, 4),
                    .size = little(e + 24, 4), .header = little(e + 42, 4)};
    uint64_t *const wide[] = {&out->size, &out->packed, &out->header};
    if (little(e + 8, 2) & 1) return broken(z, *at, "it is encrypted", error);
    if (!wide_sizes(e + CENTRAL + name, extra, wide, 3)) return broken(z, *at, "an extra field is broken", error);
    if (name >= NAME || memchr(e + CENTRAL, 0, name)) return broken(z, *at, "a name is too long or no text", error);
    memcpy(out->full, e + CENTRAL, name);
    memcpy(out->name, e + CENTRAL, name);
    if (name > 4 && memcmp(out->name + name - 4, ".npy", 4) == 0) out->name[name - 4] = 0;
    *at += CENTRAL + name + extra + comment;
    return ELBO_OK;
}

/* ---- A member ---- */

/* *data: where its bytes begin. The local header must agree with the directory; sizes may be told behind the data instead. */
static elbo_status check_local(const zip *z, const member *v, size_t *data, elbo_error *error)
{
    if (v->header > z->size || z->size - v->header < LOCAL)
        return broken(z, v->header, "a member begins beyond the end", error);
    const unsigned char *h = z->bytes + v->header;
    size_t name = (size_t)little(h + 26, 2), extra = (size_t)little(h + 28, 2), known = strlen(v->full);
    uint64_t crc = little(h + 14, 4), packed = little(h + 18, 4), size = little(h + 22, 4);
    uint64_t *const wide[] = {&size, &packed};
    if (memcmp(h, "PK\3\4", 4) != 0 || z->size - v->header - LOCAL < name + extra)
        return broken(z, v->header, "a member has no header", error);
    bool later = little(h + 6, 2) >> 3 & 1;
    bool same = name == known && memcmp(h + LOCAL, v->full, known) == 0 && little(h + 8, 2) == v->method;
    if (!wide_sizes(h + LOCAL + name, extra, wide, 2) || !same ||
        (!later && (crc != v->crc || packed != v->packed || size != v->size)))
        return broken(z, v->header, "a member's header and the directory differ", error);
    *data = (size_t)v->header + LOCAL + name + extra;
    if (v->packed > z->size - *data) return broken(z, v->header, "a member reaches beyond the end", error);
    return ELBO_OK;
}

static elbo_status unpack(const zip *z, const member *v, size_t data, unsigned char **out, elbo_error *error)
{
    gz *g;
    if (v->method != 0 && v->method != 8) return broken(z, v->header, "a member is neither stored nor deflated", error);
    elbo_status status = gz_open_bytes(&g, z->m, z->path, z->bytes + data, (size_t)v->packed, v->method == 8, error);
    if (status != ELBO_OK) return status;
    status = v->size <= SIZE_MAX ? gz_read_rest(g, (size_t)v->size, v->name, out, error) : err_memory(error, v->name);
    gz_close(g);
    if (status != ELBO_OK) return status;
    uLong crc = crc32_z(0, *out, (z_size_t)v->size);
    if (crc == v->crc) return ELBO_OK;
    mem_free(z->m, *out);
    *out = NULL;
    return broken(z, v->header, "a member's checksum is not the one of its data", error);
}

static elbo_status load_member(const zip *z, const member *v, const reading *how, array *out, elbo_error *error)
{
    size_t data = 0;
    unsigned char *bytes = NULL;
    gz *g = NULL;
    elbo_status status = check_local(z, v, &data, error);
    if (status == ELBO_OK) status = unpack(z, v, data, &bytes, error);
    if (status == ELBO_OK) status = gz_open_bytes(&g, z->m, z->path, bytes, (size_t)v->size, false, error);
    if (status == ELBO_OK && !npy_begins(gz_head(g)))
        status = err_set(error, ELBO_BAD_FILE, "%s: \"%s\" is no NumPy array", z->path, v->name);
    if (status == ELBO_OK) status = npy_load(g, how, out, error);
    gz_close(g);
    mem_free(z->m, bytes);
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
        size_t at = z->directory;
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
    size_t at = z->directory;
    for (size_t i = 0; i < z->n && read_entry(z, &at, &v, NULL) == ELBO_OK; i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i ? ", " : "", v.name);
    return err_set(error, ELBO_USAGE, "%s: has no array %s%s%s; say which of %s is meant, as in %s:NAME", z->path,
                   wanted ? "\"" : "of a usual name", wanted ? wanted : "", wanted ? "\"" : "", names, z->path);
}

static elbo_status choose(const zip *z, const char *wanted, member *out, elbo_error *error)
{
    const char *const asked[] = {wanted, NULL};
    bool found;
    size_t at = z->directory;
    elbo_status status = find_name(z, wanted ? asked : usual, out, &found, error);
    if (status != ELBO_OK || found) return status;
    return z->n == 1 && !wanted ? read_entry(z, &at, out, error) : say_names(z, wanted, error);
}

static elbo_status add_labels(const zip *z, const reading *how, array *out, elbo_error *error)
{
    member v;
    bool found;
    array labels = {0};
    elbo_status status = find_name(z, label_names, &v, &found, error);
    if (status == ELBO_OK && found) status = load_member(z, &v, how, &labels, error);
    if (status == ELBO_OK && found && array_example_size(&labels) == 1 && labels.count == out->count)
        status = array_set_labels(out, &labels, z->path, error);
    array_free(&labels);
    return status;
}

elbo_status npz_load(gz *g, const reading *how, array *out, elbo_error *error)
{
    zip z = {.m = gz_memory(g), .path = gz_path(g)};
    member v;
    if (!gz_bytes(g, &z.bytes, &z.size))
        return err_set(error, ELBO_BAD_FILE, "%s: a gzipped archive; unpack it with gunzip", z.path);
    elbo_status status = find_directory(&z, error);
    if (status == ELBO_OK) status = choose(&z, how->member, &v, error);
    if (status == ELBO_OK) status = load_member(&z, &v, how, out, error);
    if (status == ELBO_OK) status = add_labels(&z, how, out, error);
    if (status != ELBO_OK) array_free(out);
    return status;
}
