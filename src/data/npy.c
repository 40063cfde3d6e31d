/* npy.c - NumPy arrays: reading versions 1 to 3, writing version 1 (numpy.lib.format, the .npy format).
 *
 * \x93NUMPY, major, minor, the header's length (16 bits in version 1, else 32, little-endian), the header, the numbers.
 * The header is a Python literal, of which exactly the form numpy writes is accepted: {'descr': '<f4', 'fortran_order':
 * False, 'shape': (60000, 28, 28), }, its three keys in any order, padded with spaces and ended by a newline. Nothing
 * is evaluated. Arrays of objects, records, text, times and complex numbers are refused. */
#include "format.h"

#include "../base/engine.h"
#include "../base/file.h"
#include "../base/text.h"

#include <stdio.h>
#include <string.h>

enum { MAX_HEADER = 64 * 1024, MAX_RANK = 4 };

static const char magic[6] = "\x93NUMPY"; /* without its zero */

bool npy_begins(const unsigned char *head)
{
    return memcmp(head, magic, sizeof magic) == 0;
}

/* ---- The header ---- */

typedef struct cursor {
    const char *path;
    const char *begin, *at, *end;
    uint64_t offset; /* of begin in the file */
    elbo_error *error;
} cursor;

typedef struct header {
    char kind;
    size_t bytes;
    bool big_endian, fortran;
    int rank;
    uint64_t sizes[MAX_RANK];
} header;

/* The next few bytes, printable, for a message. */
static void excerpt(const cursor *c, char out[24])
{
    int n = 0;
    for (const char *s = c->at; s < c->end && n < 20; s++) out[n++] = *s >= ' ' && *s <= '~' ? *s : '?';
    out[n] = 0;
}

static elbo_status expected(const cursor *c, const char *what)
{
    char got[24];
    excerpt(c, got);
    return err_set(c->error, ELBO_BAD_FILE, "%s: .npy header at offset %llu: expected %s, got \"%s\"", c->path,
                   (unsigned long long)(c->offset + (uint64_t)(c->at - c->begin)), what, got);
}

static void skip_spaces(cursor *c)
{
    while (c->at < c->end && *c->at == ' ') c->at++;
}

/* Takes a word if it comes next, after spaces. */
static bool take(cursor *c, const char *word)
{
    size_t n = strlen(word);
    skip_spaces(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0) return false;
    c->at += n;
    return true;
}

/* A word in single or double quotes. */
static bool take_quoted(cursor *c, const char *word)
{
    cursor start = *c;
    for (int i = 0; i < 2; i++) {
        const char *quote = i == 0 ? "'" : "\"";
        *c = start;
        if (take(c, quote) && (size_t)(c->end - c->at) >= strlen(word) && *c->at != ' ' && take(c, word) &&
            c->at < c->end && *c->at == *quote) {
            c->at++;
            return true;
        }
    }
    *c = start;
    return false;
}

/* Is there a type of this size in the order it claims? '=' is that of the machine, and elbo's are little-endian. */
static bool known_type(char order, char kind, char size)
{
    const char *sizes = kind == 'f' ? "248" : kind == 'b' ? "1" : kind == 'i' || kind == 'u' ? "1248" : "";
    return size && strchr(sizes, size) &&
           (order == '<' || order == '>' || order == '=' || (order == '|' && size == '1'));
}

/* Three characters in quotes: byte order, kind, size. */
static elbo_status read_descr(cursor *c, header *h)
{
    skip_spaces(c);
    const char *s = c->at;
    bool quoted = c->end - s >= 5 && (s[0] == '\'' || s[0] == '"') && s[4] == s[0];
    if (!quoted || !known_type(s[1], s[2], s[3]))
        return expected(
            c, "the type of real or whole numbers of 8 to 64 bits, such as '<f4' or '|u1' (objects, records, text "
               "and complex numbers are not read; save the array as float32 or uint8)");
    h->kind = s[2];
    h->bytes = (size_t)(s[3] - '0');
    h->big_endian = s[1] == '>';
    c->at += 5;
    return ELBO_OK;
}

static elbo_status read_fortran(cursor *c, header *h)
{
    h->fortran = take(c, "True");
    return h->fortran || take(c, "False") ? ELBO_OK : expected(c, "True or False");
}

static bool take_whole(cursor *c, uint64_t *out)
{
    skip_spaces(c);
    const char *start = c->at;
    uint64_t value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        uint64_t digit = (uint64_t)(*c->at - '0');
        if (value > (INT64_MAX - digit) / 10) return false;
        value = 10 * value + digit;
    }
    *out = value;
    return c->at > start;
}

static elbo_status read_shape(cursor *c, header *h)
{
    bool comma = false;
    if (!take(c, "(")) return expected(c, "a tuple of sizes, (");
    for (h->rank = 0; !take(c, ")"); h->rank++) {
        if (h->rank > 0 && !comma) return expected(c, ", or )");
        if (h->rank == MAX_RANK) return expected(c, "at most 4 axes (N, N x D, N x H x W or N x H x W x C)");
        if (!take_whole(c, &h->sizes[h->rank])) return expected(c, "a size from 1 to 9223372036854775807");
        comma = take(c, ",");
    }
    if (h->rank == 0) return expected(c, "an array of 1 to 4 axes, not a single number, before this");
    if (h->rank == 1 && !comma) return expected(c, "a comma before this, a tuple of one is written (n,)");
    return ELBO_OK;
}

static const struct {
    const char *key;
    elbo_status (*read)(cursor *c, header *h);
} entries[] = {{"descr", read_descr}, {"fortran_order", read_fortran}, {"shape", read_shape}};

enum { ENTRIES = sizeof entries / sizeof *entries };

static elbo_status read_entry(cursor *c, header *h, unsigned *seen)
{
    for (unsigned i = 0; i < ENTRIES; i++) {
        cursor start = *c;
        if (!take_quoted(c, entries[i].key)) continue;
        if (*seen >> i & 1) return expected(&start, "each key once");
        *seen |= 1u << i;
        return take(c, ":") ? entries[i].read(c, h) : expected(c, ":");
    }
    return expected(c, "one of the keys 'descr', 'fortran_order', 'shape'");
}

static elbo_status read_literal(cursor *c, header *h)
{
    unsigned seen = 0;
    bool comma = true;
    if (!take(c, "{")) return expected(c, "{");
    while (!take(c, "}")) {
        if (!comma) return expected(c, ", or }");
        elbo_status status = read_entry(c, h, &seen);
        if (status != ELBO_OK) return status;
        comma = take(c, ",");
    }
    if (seen != (1u << ENTRIES) - 1)
        return expected(c, "the three keys 'descr', 'fortran_order' and 'shape' before this");
    skip_spaces(c);
    if (c->end - c->at != 1 || *c->at != '\n') return expected(c, "spaces and one newline at the end");
    return ELBO_OK;
}

/* Reads everything before the header's text, and gives its length. */
static elbo_status read_preamble(gz *g, size_t *length, elbo_error *error)
{
    unsigned char b[8], n[4] = {0};
    elbo_status status = gz_read(g, b, sizeof b, ".npy preamble", error);
    if (status != ELBO_OK) return status;
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        return err_set(error, ELBO_BAD_FILE, "%s: .npy version at offset 6: got %d.%d, expected 1.0, 2.0 or 3.0",
                       gz_path(g), b[6], b[7]);
    status = gz_read(g, n, b[6] == 1 ? 2 : 4, ".npy header length", error);
    if (status != ELBO_OK) return status;
    uint32_t value = n[0] | (uint32_t)n[1] << 8 | (uint32_t)n[2] << 16 | (uint32_t)n[3] << 24;
    if (value > MAX_HEADER)
        return err_set(error, ELBO_BAD_FILE, "%s: .npy header length at offset 8: got %lu bytes, expected at most %d",
                       gz_path(g), (unsigned long)value, MAX_HEADER);
    *length = value;
    return ELBO_OK;
}

static elbo_status read_header(gz *g, header *h, elbo_error *error)
{
    size_t length = 0;
    elbo_status status = read_preamble(g, &length, error);
    if (status != ELBO_OK) return status;
    memory m = gz_memory(g);
    char *literal = mem_new(m, length + 1, 1);
    if (!literal) return err_memory(error, "a .npy header");
    cursor c = {gz_path(g), literal, literal, literal + length, gz_position(g), error};
    status = gz_read(g, literal, length, ".npy header", error);
    if (status == ELBO_OK) status = read_literal(&c, h);
    mem_free(m, literal);
    return status;
}

elbo_status npy_load(gz *g, const reading *how, array *out, elbo_error *error)
{
    header h = {0};
    elbo_status status = read_header(g, &h, error);
    if (status != ELBO_OK) return status;
    layout l = {.kind = h.kind, .bytes = h.bytes, .big_endian = h.big_endian};
    if (!layout_axes(&l, h.rank, h.sizes, false, h.fortran))
        return err_set(error, ELBO_BAD_FILE,
                       "%s: .npy header: a size is 0, or their product is more than memory can hold", gz_path(g));
    return array_read(g, &l, how->room, out, error);
}

/* ---- Writing ---- */

/* Everything before the numbers, padded to a multiple of 64 bytes. */
static void add_header(text *t, const int64_t *shape, int rank)
{
    text literal;
    text_open(&literal, t->m);
    text_add(&literal, "{'descr': '<f4', 'fortran_order': False, 'shape': (");
    for (int i = 0; i < rank; i++) text_add(&literal, "%s%lld", i ? ", " : "", (long long)shape[i]);
    text_add(&literal, "%s), }", rank == 1 ? "," : "");
    text_add(&literal, "%*s\n", (int)(63 - (10 + literal.length) % 64), "");
    unsigned char start[4] = {1, 0, (unsigned char)(literal.length & 255), (unsigned char)(literal.length >> 8)};
    text_add_bytes(t, magic, sizeof magic);
    text_add_bytes(t, start, sizeof start);
    if (!literal.failed) text_add_bytes(t, literal.bytes, literal.length);
    t->failed = t->failed || literal.failed;
    text_close(&literal);
}

elbo_status elbo_npy_write(elbo_engine *engine, const char *path, const float *values, const int64_t *shape, int rank,
                           elbo_error *error)
{
    if (!engine || !path || !values || !shape) return err_set(error, ELBO_USAGE, "writing .npy: an argument is NULL");
    if (rank < 1 || rank > 6) return err_set(error, ELBO_USAGE, "%s: rank is %d, expected 1 to 6", path, rank);
    size_t bytes = sizeof *values;
    for (int i = 0; i < rank; i++)
        if (shape[i] < 1 || (uint64_t)shape[i] > SIZE_MAX || !size_mul(bytes, (size_t)shape[i], &bytes))
            return err_set(error, ELBO_USAGE, "%s: size %d is %lld, expected at least 1 and a product that fits memory",
                           path, i, (long long)shape[i]);
    text t;
    text_open(&t, engine->m);
    add_header(&t, shape, rank);
    file_part parts[] = {{t.bytes, t.length}, {values, bytes}};
    elbo_status status = t.failed ? err_memory(error, "a .npy header") : file_write_result(engine->m, path, parts, 2, error);
    text_close(&t);
    return status;
}
