/* safetensors_read.c - the strict reader. See safetensors.h.
 *
 * In this order, each step relying on the ones before it: the header's length against the file; its frame (first and
 * last byte, nesting); its JSON (UTF-8, no duplicate keys); every entry on its own; all entries together (no
 * hole, no overlap, nothing left over). Only then do tensors get their pointers. Numbers from the file become a size_t
 * in one place (to_size), and sizes are multiplied by size_mul only.
 *
 * What comes from the file is shown in messages with everything but printable ASCII escaped. */
#include "safetensors.h"
#include "../base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, MAX_HEADER = 100000000 };

/* A tensor, and where the header says it lies in the data. */
typedef struct entry {
    st_tensor tensor;
    size_t begin, end;
} entry;

struct st_file {
    memory m;
    unsigned char *owned; /* the bytes, when st_read read them                                                        */
    const unsigned char *bytes;
    size_t size, n_header;
    arena store; /* the tables below, and their texts                                                                 */
    entry *entries;
    st_pair *pairs;
    size_t n_entries, n_pairs;
};

/* ---- Showing text from the file ---- */

typedef struct shown {
    char text[128];
} shown;

/* s without anything that could harm a terminal or a log, cut when long. */
static shown show(const char *s)
{
    static const char CUT[] = "...";
    shown out;
    size_t n = 0;
    for (; *s && n + 4 + sizeof CUT <= sizeof out.text; s++) {
        unsigned char c = (unsigned char)*s;
        bool plain = c >= 0x20 && c < 0x7f && c != '\\';
        n += (size_t)snprintf(out.text + n, sizeof out.text - n, plain ? "%c" : "\\x%02x", c);
    }
    snprintf(out.text + n, sizeof out.text - n, "%s", *s ? CUT : "");
    return out;
}

/* ---- One entry of the header ---- */

/* A non-negative whole number; false for anything else. */
static bool to_size(const json_t *number, size_t *out)
{
    if (!json_is_integer(number)) return false;
    json_int_t value = json_integer_value(number);
    if (value < 0 || (uint64_t)value > SIZE_MAX) return false;
    *out = (size_t)value;
    return true;
}

static elbo_status read_dtype(st_tensor *t, const json_t *value, elbo_error *e)
{
    if (!json_is_string(value)) return err_set(e, ELBO_BAD_FILE, "dtype is not a text");
    if (st_dtype_find(json_string_value(value), &t->dtype)) return ELBO_OK;
    return err_set(e, ELBO_BAD_FILE, "unknown dtype \"%s\", expected F64, F32, F16, BF16, I8 to I64, U8 to U64 or BOOL",
                   show(json_string_value(value)).text);
}

/* Sets shape and bytes. The product is checked with zero dimensions taken as one: code that multiplies some of the
 * dimensions only must not overflow either. */
static elbo_status read_shape(st_tensor *t, const json_t *value, elbo_error *e)
{
    size_t rank = json_array_size(value), extent = st_dtype_size(t->dtype);
    if (!json_is_array(value) || rank > ST_MAX_RANK)
        return err_set(e, ELBO_BAD_FILE, "shape is not a list of at most %d dimensions", ST_MAX_RANK);
    bool empty = false;
    for (size_t i = 0; i < rank; i++) {
        size_t dimension;
        if (!to_size(json_array_get(value, i), &dimension))
            return err_set(e, ELBO_BAD_FILE, "dimension %zu is not a whole number of 0 or more", i);
        if (!size_mul(extent, dimension ? dimension : 1, &extent) || extent > PTRDIFF_MAX)
            return err_set(e, ELBO_BAD_FILE, "the shape's size overflows at dimension %zu of %zu", i, dimension);
        t->shape[i] = (int64_t)dimension;
        empty = empty || dimension == 0;
    }
    t->rank = (int)rank;
    t->bytes = empty ? 0 : extent;
    return ELBO_OK;
}

static elbo_status read_offsets(entry *x, const json_t *value, size_t n_data, elbo_error *e)
{
    if (json_array_size(value) != 2 || !to_size(json_array_get(value, 0), &x->begin) ||
        !to_size(json_array_get(value, 1), &x->end))
        return err_set(e, ELBO_BAD_FILE, "data_offsets is not a pair of whole numbers of 0 or more");
    if (x->begin > x->end || x->end > n_data)
        return err_set(e, ELBO_BAD_FILE, "data_offsets %zu to %zu are no part of the %zu bytes of data", x->begin,
                       x->end, n_data);
    if (x->end - x->begin == x->tensor.bytes) return ELBO_OK;
    return err_set(e, ELBO_BAD_FILE, "data_offsets span %zu bytes, expected %zu for its shape and dtype %s",
                   x->end - x->begin, x->tensor.bytes, st_dtype_name(x->tensor.dtype));
}

static elbo_status read_fields(entry *x, const json_t *value, size_t n_data, elbo_error *e)
{
    const json_t *dtype = json_object_get(value, "dtype"), *shape = json_object_get(value, "shape");
    const json_t *offsets = json_object_get(value, "data_offsets");
    if (json_object_size(value) != 3 || !dtype || !shape || !offsets)
        return err_set(e, ELBO_BAD_FILE, "expected exactly dtype, shape and data_offsets");
    elbo_status status = read_dtype(&x->tensor, dtype, e);
    if (!status) status = read_shape(&x->tensor, shape, e);
    if (!status) status = read_offsets(x, offsets, n_data, e);
    return status;
}

static elbo_status read_entry(arena *store, const char *name, const json_t *value, size_t n_data, entry *x,
                              elbo_error *e)
{
    elbo_status status;
    if (strlen(name) > ST_MAX_NAME)
        status = err_set(e, ELBO_BAD_FILE, "the name has %zu bytes, expected at most %d", strlen(name), ST_MAX_NAME);
    else if (!(x->tensor.name = arena_text(store, name)))
        status = err_memory(e, "its name");
    else
        status = read_fields(x, value, n_data, e);
    if (status) err_prefix(e, "tensor \"%s\"", show(name).text);
    return status;
}

/* ---- The whole header ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->tensor.name, ((const entry *)b)->tensor.name);
}

/* Empty tensors come before the one that begins where they lie. */
static int by_place(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return by_name(a, b);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const st_pair *)a)->key, ((const st_pair *)b)->key);
}

/* The tensors, sorted by place, must tile the data. */
static elbo_status check_tiling(const entry *x, size_t n, size_t n_data, elbo_error *e)
{
    size_t expected = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i].begin != expected)
            return err_set(e, ELBO_BAD_FILE, "tensor \"%s\": begins at byte %zu of the data, expected %zu: %s",
                           show(x[i].tensor.name).text, x[i].begin, expected,
                           x[i].begin < expected ? "it overlaps another tensor" : "bytes that belong to no tensor");
        expected = x[i].end;
    }
    if (expected == n_data) return ELBO_OK;
    return err_set(e, ELBO_BAD_FILE, "the tensors end at byte %zu of the data, expected %zu", expected, n_data);
}

static elbo_status read_pairs(st_file *f, json_t *metadata, elbo_error *e)
{
    if (!metadata) return ELBO_OK;
    if (!json_is_object(metadata)) return err_set(e, ELBO_BAD_FILE, "header: " ST_METADATA " is not an object");
    f->pairs = arena_new(&f->store, json_object_size(metadata), sizeof *f->pairs);
    if (!f->pairs) return err_memory(e, "the metadata of a safetensors file");
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) {
        if (!json_is_string(value))
            return err_set(e, ELBO_BAD_FILE, "header: metadata \"%s\" is not a text", show(key).text);
        f->pairs[f->n_pairs++] = (st_pair){arena_text(&f->store, key), arena_text(&f->store, json_string_value(value))};
    }
    if (f->store.failed) return err_memory(e, "the metadata of a safetensors file");
    qsort(f->pairs, f->n_pairs, sizeof *f->pairs, by_key);
    return ELBO_OK;
}

static elbo_status read_entries(st_file *f, json_t *root, size_t n_data, elbo_error *e)
{
    f->entries = arena_new(&f->store, json_object_size(root), sizeof *f->entries);
    if (!f->entries) return err_memory(e, "the tensors of a safetensors file");
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value) {
        if (strcmp(name, ST_METADATA) == 0) continue;
        elbo_status status = read_entry(&f->store, name, value, n_data, &f->entries[f->n_entries], e);
        if (status) return status;
        f->n_entries++;
    }
    qsort(f->entries, f->n_entries, sizeof *f->entries, by_place);
    elbo_status status = check_tiling(f->entries, f->n_entries, n_data, e);
    qsort(f->entries, f->n_entries, sizeof *f->entries, by_name);
    return status;
}

/* Whether brackets nest as in a header: objects two deep, lists in the inner ones. Asked before the parser sees the
 * text, because it recurses, and a text of brackets alone would cost it the most memory. */
static bool nested_well(const char *json, size_t n)
{
    int depth = 0;
    bool in_text = false;
    for (size_t i = 0; i < n; i++) {
        char c = json[i];
        if (c == '"') in_text = !in_text;
        else if (in_text) i += c == '\\';
        else if ((c == '{' && depth >= 2) || (c == '[' && depth != 2)) return false;
        else if (c == '{' || c == '[') depth++;
        else if (c == '}' || c == ']') depth--;
    }
    return true;
}

/* An object and then spaces, nothing else: other white space is allowed inside only. */
static elbo_status check_frame(const char *json, size_t n, elbo_error *e)
{
    while (n > 0 && json[n - 1] == ' ') n--;
    if (n == 0 || json[0] != '{') return err_set(e, ELBO_BAD_FILE, "header: does not begin with \"{\"");
    if (json[n - 1] != '}') return err_set(e, ELBO_BAD_FILE, "header: does not end with \"}\" and spaces");
    if (!nested_well(json, n))
        return err_set(e, ELBO_BAD_FILE, "header: brackets nest as they cannot in a list of tensors");
    return ELBO_OK;
}

static elbo_status read_header(st_file *f, const char *json, size_t n, size_t n_data, elbo_error *e)
{
    elbo_status status = check_frame(json, n, e);
    if (status) return status;
    json_error_t why;
    bool no_memory;
    json_t *root = json_read(json, n, &why, &no_memory);
    if (no_memory) return err_memory(e, "the header's JSON");
    if (!root)
        return err_set(e, ELBO_BAD_FILE, "header: not valid JSON at byte %d: %s", why.position, show(why.text).text);
    status = read_pairs(f, json_object_get(root, ST_METADATA), e);
    if (!status) status = read_entries(f, root, n_data, e);
    json_decref(root);
    return status;
}

elbo_status st_check_header(memory m, const char *json, size_t n, size_t n_data, elbo_error *error)
{
    st_file scratch = {.m = m};
    arena_open(&scratch.store, m);
    elbo_status status = read_header(&scratch, json, n, n_data, error);
    arena_close(&scratch.store);
    return status;
}

/* ---- The file ---- */

static elbo_status read_length(st_file *f, elbo_error *e)
{
    if (f->size < LENGTH_BYTES)
        return err_set(e, ELBO_BAD_FILE, "%zu bytes is too short for a safetensors file, expected at least %d", f->size,
                       LENGTH_BYTES);
    uint64_t n = 0;
    for (int i = 0; i < LENGTH_BYTES; i++) n |= (uint64_t)f->bytes[i] << (8 * i);
    if (n > f->size - LENGTH_BYTES)
        return err_set(e, ELBO_BAD_FILE, "header length %" PRIu64 " is more than the %zu bytes that follow: the file "
                       "is cut short, or no safetensors file", n, f->size - LENGTH_BYTES);
    if (n > MAX_HEADER)
        return err_set(e, ELBO_BAD_FILE, "header length %" PRIu64 " is more than the %d allowed", n, MAX_HEADER);
    f->n_header = (size_t)n;
    return ELBO_OK;
}

elbo_status st_parse(memory m, const void *bytes, size_t size, st_file **out, elbo_error *error)
{
    *out = NULL;
    st_file *f = mem_new(m, 1, sizeof *f);
    if (!f) return err_memory(error, "a safetensors file");
    *f = (st_file){.m = m, .bytes = bytes, .size = size};
    arena_open(&f->store, m);
    elbo_status status = read_length(f, error);
    if (!status) {
        const unsigned char *header = f->bytes + LENGTH_BYTES, *data = header + f->n_header;
        status = read_header(f, (const char *)header, f->n_header, size - LENGTH_BYTES - f->n_header, error);
        for (size_t i = 0; i < f->n_entries && !status; i++) f->entries[i].tensor.data = data + f->entries[i].begin;
    }
    if (status) st_close(f);
    else *out = f;
    return status;
}

elbo_status st_read(memory m, const char *path, size_t max_size, st_file **out, elbo_error *error)
{
    *out = NULL;
    unsigned char *bytes;
    size_t size;
    elbo_status status = file_read(m, path, max_size, &bytes, &size, error);
    if (status) return status;
    status = st_parse(m, bytes, size, out, error);
    if (status) {
        err_prefix(error, "%s", path);
        mem_free(m, bytes);
    } else {
        (*out)->owned = bytes;
    }
    return status;
}

void st_close(st_file *f)
{
    if (!f) return;
    arena_close(&f->store);
    mem_free(f->m, f->owned);
    mem_free(f->m, f);
}

/* ---- What is in it ---- */

size_t st_count(const st_file *f)
{
    return f->n_entries;
}

const st_tensor *st_at(const st_file *f, size_t i)
{
    return i < f->n_entries ? &f->entries[i].tensor : NULL;
}

const st_tensor *st_find(const st_file *f, const char *name)
{
    entry wanted = {.tensor.name = name};
    const entry *x = f->n_entries ? bsearch(&wanted, f->entries, f->n_entries, sizeof wanted, by_name) : NULL;
    return x ? &x->tensor : NULL;
}

const char *st_meta(const st_file *f, const char *key)
{
    st_pair wanted = {.key = key};
    const st_pair *p = f->n_pairs ? bsearch(&wanted, f->pairs, f->n_pairs, sizeof wanted, by_key) : NULL;
    return p ? p->value : NULL;
}

/* ---- Checksum ---- */

bool st_has_checksum(const st_file *f)
{
    return st_meta(f, ST_CHECKSUM_KEY) != NULL;
}

/* Where the digits lie in the file when they are written as the writer does; else 0. After "{" or "," a quote opens a
 * key, and of all keys with a text as value the reader passes "dtype" and the metadata's: so it is the checksum. */
static size_t find_digits(const st_file *f)
{
    static const char KEY[] = "\"" ST_CHECKSUM_KEY "\":\"";
    size_t end = LENGTH_BYTES + f->n_header, n_key = sizeof KEY - 1, n_digits = sizeof ST_CHECKSUM_ZEROS - 1;
    for (size_t i = LENGTH_BYTES + 1; i + n_key + n_digits < end; i++) {
        const unsigned char *at = f->bytes + i;
        if ((at[-1] == '{' || at[-1] == ',') && memcmp(at, KEY, n_key) == 0) return i + n_key;
    }
    return 0;
}

elbo_status st_verify(const st_file *f, elbo_error *error)
{
    const char *written = st_meta(f, ST_CHECKSUM_KEY);
    if (!written) return ELBO_OK;
    size_t at = find_digits(f), n = sizeof ST_CHECKSUM_ZEROS - 1;
    if (!at)
        return err_set(error, ELBO_BAD_FILE, "another program rewrote the file and kept elbo's checksum: remove \""
                       ST_CHECKSUM_KEY "\" from its metadata to accept the file as it is");
    const file_part parts[] = {{f->bytes, at}, {ST_CHECKSUM_ZEROS, n}, {f->bytes + at + n, f->size - at - n}};
    char digits[sizeof ST_CHECKSUM_ZEROS];
    st_checksum(parts, 3, digits);
    if (memcmp(digits, f->bytes + at, n) == 0) return ELBO_OK;
    return err_set(error, ELBO_BAD_FILE, "the checksum is %s, expected %s: the file was damaged, or changed by hand",
                   digits, show(written).text);
}
