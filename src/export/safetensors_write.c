/* safetensors_write.c - the canonical writer. See safetensors.h.
 *
 * Tensors are ordered by alignment, largest first, and then by name, so each lies at a multiple of its element's size;
 * metadata by key. The header is padded with spaces until the data begin at a multiple of 64. The reader checks it
 * before anything is written, so every file written can be read. The checksum is taken with zeros in its place. */
#include "safetensors.h"

#include "../base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, MAX_HEADER = 16 << 20, DATA_ALIGN = 64 };

/* A file about to be written: parts[0] is the length and the header, the others are the data. */
typedef struct draft {
    memory m;
    text header;
    size_t digits_at; /* where the checksum lies in the header                                                        */
    size_t n_data;
    file_part *parts;
    size_t n_parts;
} draft;

/* ---- Order ---- */

static int canonical(const void *a, const void *b)
{
    const st_tensor *x = *(const st_tensor *const *)a, *y = *(const st_tensor *const *)b;
    size_t x_align = st_dtype_size(x->dtype), y_align = st_dtype_size(y->dtype);
    if (x_align != y_align) return x_align > y_align ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const st_pair *)a)->key, ((const st_pair *)b)->key);
}

/* ---- Header ---- */

static void add_string(text *t, const char *s)
{
    text_add_bytes(t, "\"", 1);
    for (; *s; s++) {
        if ((unsigned char)*s < 0x20) text_add(t, "\\u%04x", (unsigned)(unsigned char)*s);
        else if (*s == '"' || *s == '\\') text_add(t, "\\%c", *s);
        else text_add_bytes(t, s, 1);
    }
    text_add_bytes(t, "\"", 1);
}

static elbo_status add_metadata(draft *d, const st_pair *meta, size_t n_meta, elbo_error *e)
{
    st_pair *sorted = mem_new(d->m, n_meta + 1, sizeof *sorted);
    if (!sorted) return err_memory(e, "the metadata of a safetensors file");
    if (n_meta) memcpy(sorted, meta, n_meta * sizeof *sorted);
    const st_pair checksum = {ST_CHECKSUM_KEY, ST_CHECKSUM_ZEROS};
    sorted[n_meta] = checksum;
    qsort(sorted, n_meta + 1, sizeof *sorted, by_key);
    text_add(&d->header, "{\"" ST_METADATA "\":{");
    for (size_t i = 0; i <= n_meta; i++) {
        if (i > 0) text_add_bytes(&d->header, ",", 1);
        add_string(&d->header, sorted[i].key);
        text_add_bytes(&d->header, ":", 1);
        if (sorted[i].value == checksum.value) d->digits_at = d->header.length + 1;
        add_string(&d->header, sorted[i].value);
    }
    text_add_bytes(&d->header, "}", 1);
    mem_free(d->m, sorted);
    return ELBO_OK;
}

static elbo_status add_tensor(draft *d, const st_tensor *t, elbo_error *e)
{
    size_t end;
    if (!size_add(d->n_data, t->bytes, &end)) return err_set(e, ELBO_USAGE, "the tensors are too large for one file");
    text_add_bytes(&d->header, ",", 1);
    add_string(&d->header, t->name);
    text_add(&d->header, ":{\"dtype\":\"%s\",\"shape\":[", st_dtype_name(t->dtype));
    for (int i = 0; i < t->rank; i++) text_add(&d->header, "%s%" PRId64, i > 0 ? "," : "", t->shape[i]);
    text_add(&d->header, "],\"data_offsets\":[%zu,%zu]}", d->n_data, end);
    if (t->bytes) d->parts[d->n_parts++] = (file_part){t->data, t->bytes};
    d->n_data = end;
    return ELBO_OK;
}

/* What would go wrong before the reader could look at the header. */
static elbo_status check_tensor(const st_tensor *t, elbo_error *e)
{
    if (!t->name || (t->bytes && !t->data)) return err_set(e, ELBO_USAGE, "a tensor without name or data");
    if ((unsigned)t->dtype >= ST_N_DTYPES || t->rank < 0 || t->rank > ST_MAX_RANK)
        return err_set(e, ELBO_USAGE, "a tensor of dtype %d and rank %d, expected a known dtype and rank 0 to %d",
                       (int)t->dtype, t->rank, ST_MAX_RANK);
    return ELBO_OK;
}

static elbo_status add_tensors(draft *d, const st_tensor *tensors, size_t n, elbo_error *e)
{
    const st_tensor **sorted = mem_new(d->m, n, sizeof *sorted);
    if (!sorted) return err_memory(e, "the tensors of a safetensors file");
    elbo_status status = ELBO_OK;
    for (size_t i = 0; i < n && !status; i++) {
        sorted[i] = &tensors[i];
        status = check_tensor(sorted[i], e);
    }
    if (!status) qsort(sorted, n, sizeof *sorted, canonical);
    for (size_t i = 0; i < n && !status; i++) status = add_tensor(d, sorted[i], e);
    mem_free(d->m, sorted);
    return status;
}

/* Pads the header, fills in its length and lets the reader look at it. */
static elbo_status finish_header(draft *d, elbo_error *e)
{
    text_add_bytes(&d->header, "}", 1);
    while (!d->header.failed && d->header.length % DATA_ALIGN != 0) text_add_bytes(&d->header, " ", 1);
    if (d->header.failed) return err_memory(e, "the header of a safetensors file");
    size_t n = d->header.length - LENGTH_BYTES;
    for (int i = 0; i < LENGTH_BYTES; i++) d->header.bytes[i] = (char)((uint64_t)n >> (8 * i) & 255);
    if (n > MAX_HEADER)
        return err_set(e, ELBO_USAGE, "the header has %zu bytes, expected at most %d: use fewer tensors or metadata", n,
                       MAX_HEADER);
    elbo_status status = st_check_header(d->m, d->header.bytes + LENGTH_BYTES, n, d->n_data, e);
    if (status != ELBO_BAD_FILE) return status;
    err_prefix(e, "no reader would accept this file");
    if (e) e->code = ELBO_USAGE;
    return ELBO_USAGE;
}

/* ---- Draft ---- */

static void draft_close(draft *d)
{
    text_close(&d->header);
    mem_free(d->m, d->parts);
}

static elbo_status draft_fill(draft *d, const st_tensor *tensors, size_t n, const st_pair *meta, size_t n_meta,
                              elbo_error *e)
{
    d->parts = mem_new(d->m, n + 1, sizeof *d->parts);
    if (!d->parts) return err_memory(e, "the parts of a safetensors file");
    d->n_parts = 1;
    text_add_bytes(&d->header, (const char[LENGTH_BYTES]){0}, LENGTH_BYTES);
    elbo_status status = add_metadata(d, meta, n_meta, e);
    if (!status) status = add_tensors(d, tensors, n, e);
    if (!status) status = finish_header(d, e);
    if (status) return status;
    d->parts[0] = (file_part){d->header.bytes, d->header.length};
    char digits[sizeof ST_CHECKSUM_ZEROS];
    st_checksum(d->parts, d->n_parts, digits);
    memcpy(d->header.bytes + d->digits_at, digits, sizeof digits - 1);
    return ELBO_OK;
}

/* On failure there is nothing to close. */
static elbo_status draft_open(draft *d, memory m, const st_tensor *tensors, size_t n, const st_pair *meta,
                              size_t n_meta, elbo_error *e)
{
    *d = (draft){.m = m};
    text_open(&d->header, m);
    elbo_status status = draft_fill(d, tensors, n, meta, n_meta, e);
    if (status) draft_close(d);
    return status;
}

elbo_status st_write(memory m, const char *path, const st_tensor *tensors, size_t n, const st_pair *meta, size_t n_meta,
                     elbo_error *error)
{
    draft d;
    elbo_status status = draft_open(&d, m, tensors, n, meta, n_meta, error);
    if (status) return status;
    status = file_write(m, path, d.parts, d.n_parts, error);
    draft_close(&d);
    return status;
}

elbo_status st_format(memory m, const st_tensor *tensors, size_t n, const st_pair *meta, size_t n_meta,
                      unsigned char **bytes, size_t *size, elbo_error *error)
{
    draft d;
    *bytes = NULL;
    elbo_status status = draft_open(&d, m, tensors, n, meta, n_meta, error);
    if (status) return status;
    *size = d.header.length + d.n_data; /* of bytes that lie in memory, or hold a description of them */
    *bytes = mem_new(m, *size, 1);
    if (*bytes) {
        unsigned char *at = *bytes;
        for (size_t i = 0; i < d.n_parts; at += d.parts[i++].size) memcpy(at, d.parts[i].bytes, d.parts[i].size);
    } else {
        status = err_memory(error, "a safetensors file in memory");
    }
    draft_close(&d);
    return status;
}
