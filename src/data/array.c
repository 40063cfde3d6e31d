/* array.c - see array.h */
#include "array.h"

#include "../base/cpu.h"
#include "../base/file.h"
#include "data.h"
#include "unpacked.h"

#include <math.h>
#include <string.h>

/* ---- Reading ---- */

static elbo_status hold(gz *g, const layout *l, size_t bytes, array *out, elbo_error *error)
{
    unsigned char *raw;
    elbo_status status = gz_read_rest(g, bytes, "values", &raw, error);
    if (status != ELBO_OK) return status;
    if (layout_as_kept(l)) {
        out->values = raw;
        return ELBO_OK;
    }
    out->values = mem_new(out->m, l->total, number_bytes(out->dtype));
    if (out->values) layout_convert(l, raw, l->n[0], out->values);
    mem_free(out->m, raw);
    return out->values ? ELBO_OK : err_memory(error, "the values of a data file");
}

/* The numbers stay in the file. That there are as many as announced, and what a checksum says, is looked at now. */
static elbo_status leave(gz *g, const layout *l, size_t bytes, array *out, elbo_error *error)
{
    out->spans = mem_new(out->m, 1, sizeof *out->spans);
    if (!out->spans) return err_memory(error, "opening data");
    uint64_t offset = gz_offset(g);
    elbo_status status = gz_check_rest(g, bytes, "values", error);
    if (status == ELBO_OK) status = span_open(out->spans, out->m, gz_file(g), gz_path(g), offset, l, error);
    out->n_spans = status == ELBO_OK;
    return status;
}

/* They are unpacked to a file first. */
static elbo_status leave_unpacked(gz *g, const layout *l, size_t bytes, const data_room *room, array *out, elbo_error *error)
{
    if (!room->cache)
        return err_set(error, ELBO_NO_MEMORY,
                       "%s: unpacked, its values have %zu bytes; at most %llu of packed data are held in memory, and no "
                       "directory is named to unpack to (cache). Unpack the file, and it is read where it lies",
                       gz_path(g), bytes, (unsigned long long)room->packed);
    out->spans = mem_new(out->m, 1, sizeof *out->spans);
    if (!out->spans) return err_memory(error, "opening data");
    int file = -1;
    elbo_status status = unpacked_open(g, bytes, room->cache, &file, error);
    if (status == ELBO_OK) status = span_open(out->spans, out->m, file, gz_path(g), 0, l, error);
    file_close(file);
    out->n_spans = status == ELBO_OK;
    return status;
}

elbo_status array_read(gz *g, const layout *l, const data_room *room, array *out, elbo_error *error)
{
    size_t bytes;
    if (!size_mul(l->total, l->bytes, &bytes))
        return err_set(error, ELBO_BAD_FILE,
                       "%s: the header announces %zu numbers of %zu bytes, more than memory can hold", gz_path(g),
                       l->total, l->bytes);
    *out = (array){.m = gz_memory(g), .dtype = layout_dtype(l), .count = (int64_t)l->n[0]};
    for (int a = 0; a < 3; a++) out->shape[a] = (int64_t)l->n[a + 1];
    uint64_t most = !room ? UINT64_MAX : gz_packed(g) ? room->packed : room->plain;
    elbo_status status = gz_check_room(g, bytes, "values", error);
    if (status != ELBO_OK) return status;
    if (bytes <= most || !layout_by_example(l)) status = hold(g, l, bytes, out, error);
    else status = gz_packed(g) ? leave_unpacked(g, l, bytes, room, out, error) : leave(g, l, bytes, out, error);
    if (status != ELBO_OK) array_free(out);
    return status;
}

static void free_spans(array *a)
{
    for (size_t i = 0; i < a->n_spans; i++) span_close(&a->spans[i]);
    mem_free(a->m, a->spans);
}

void array_free(array *a)
{
    if (!a->m) return;
    mem_free(a->m, a->values);
    mem_free(a->m, a->labels);
    free_spans(a);
    columns_free(a->columns);
    *a = (array){.m = a->m};
}

size_t array_example_size(const array *a)
{
    return (size_t)a->shape[0] * (size_t)a->shape[1] * (size_t)a->shape[2];
}

size_t array_example_bytes(const array *a)
{
    return array_example_size(a) * number_bytes(a->dtype);
}

/* The span of example *i, which becomes the index in it. */
static const span *span_of(const array *a, int64_t *i)
{
    span *s = a->spans;
    for (; *i >= s->count; s++) *i -= s->count;
    return s;
}

elbo_status array_example(const array *a, int64_t i, void *out, elbo_error *error)
{
    size_t bytes = array_example_bytes(a);
    const span *s = a->n_spans > 0 ? span_of(a, &i) : NULL;
    if (s) return span_read(s, i, out, error);
    memcpy(out, (const char *)a->values + (size_t)i * bytes, bytes);
    return ELBO_OK;
}

void array_will_read(const array *a, int64_t i)
{
    const span *s = a->n_spans > 0 ? span_of(a, &i) : NULL;
    if (s) span_will_read(s, i);
}

/* ---- Labels ---- */

/* The label a number is; false: it is none. More classes than a million are taken for a mistake. */
static bool label_of(double value, int32_t *out)
{
    if (!(value >= -1 && value < 1e6) || value != floor(value)) return false;
    *out = (int32_t)value;
    return true;
}

elbo_status array_set_labels(array *a, const array *labels, const char *path, elbo_error *error)
{
    if (array_example_size(labels) != 1 || labels->count != a->count)
        return err_set(error, ELBO_BAD_FILE,
                       "%s: %lld labels of %zu numbers, expected %lld of one, one for each example", path,
                       (long long)labels->count, array_example_size(labels), (long long)a->count);
    a->labels = mem_new(a->m, (size_t)a->count, sizeof *a->labels);
    if (!a->labels) return err_memory(error, "labels");
    a->n_classes = 0;
    for (int64_t i = 0; i < a->count; i++) {
        double value = labels->dtype == ELBO_U8 ? (double)((const unsigned char *)labels->values)[i]
                                                : (double)((const float *)labels->values)[i];
        if (!label_of(value, &a->labels[i]))
            return err_set(error, ELBO_BAD_FILE,
                           "%s: label %lld is %g, expected a whole number from 0 to 999999, or -1", path, (long long)i,
                           value);
        if (a->labels[i] >= a->n_classes) a->n_classes = a->labels[i] + 1;
    }
    return ELBO_OK;
}

/* ---- Whole arrays ---- */

static bool grow(memory m, void **block, size_t old, const void *more, size_t bytes)
{
    size_t total;
    if (!size_add(old, bytes, &total)) return false;
    void *grown = mem_resize(m, *block, total, 1);
    if (!grown) return false;
    memcpy((char *)grown + old, more, bytes);
    *block = grown;
    return true;
}

static elbo_status check_alike(const array *a, const array *b, elbo_error *error)
{
    if (a->dtype == b->dtype && memcmp(a->shape, b->shape, sizeof a->shape) == 0 && !a->labels == !b->labels) return ELBO_OK;
    return err_set(error, ELBO_BAD_FILE,
                   "the test examples are %lld x %lld x %lld%s, the training examples "
                   "%lld x %lld x %lld%s; both must have one shape, one type of numbers, and labels or none",
                   (long long)b->shape[0], (long long)b->shape[1], (long long)b->shape[2], b->labels ? " with labels" : "",
                   (long long)a->shape[0], (long long)a->shape[1], (long long)a->shape[2], a->labels ? " with labels" : "");
}

/* Values in memory become a span of their own. */
static bool to_spans(array *a)
{
    if (a->n_spans > 0) return true;
    a->spans = mem_new(a->m, 1, sizeof *a->spans);
    if (!a->spans) return false;
    *a->spans = (span){.m = a->m, .count = a->count, .held = a->values, .file = -1};
    a->spans->l = (layout){.kind = a->dtype == ELBO_U8 ? 'u' : 'f', .bytes = number_bytes(a->dtype)};
    for (int k = 0; k < 3; k++) a->spans->l.n[k + 1] = (size_t)a->shape[k];
    a->values = NULL;
    a->n_spans = 1;
    return true;
}

static bool append_spans(array *a, array *b)
{
    size_t each = sizeof *a->spans;
    if (!to_spans(a) || !to_spans(b)) return false;
    void *spans = a->spans;
    if (!grow(a->m, &spans, a->n_spans * each, b->spans, b->n_spans * each)) return false;
    a->spans = spans;
    a->n_spans += b->n_spans;
    b->n_spans = 0;
    return true;
}

static bool append_values(array *a, array *b)
{
    size_t each = array_example_bytes(a);
    if (a->n_spans > 0 || b->n_spans > 0) return append_spans(a, b);
    return grow(a->m, &a->values, (size_t)a->count * each, b->values, (size_t)b->count * each);
}

elbo_status array_append(array *a, array *b, elbo_error *error)
{
    elbo_status status = check_alike(a, b, error);
    if (status != ELBO_OK) return status;
    size_t label = sizeof *a->labels;
    void *labels = a->labels;
    bool grown = append_values(a, b) &&
                 (!labels || grow(a->m, &labels, (size_t)a->count * label, b->labels, (size_t)b->count * label));
    if (!grown) return err_memory(error, "the test examples after the training examples");
    a->labels = labels;
    a->test_begins = a->count;
    a->count += b->count;
    for (int64_t i = 0; a->columns && i < a->columns->n; i++) a->columns->at[i].missing += b->columns->at[i].missing;
    if (b->n_classes > a->n_classes) a->n_classes = b->n_classes;
    return ELBO_OK;
}

static bool all_ones(const unsigned char *v, size_t n)
{
    size_t i = 0;
    while (i < n && v[i] <= 1) i++;
    return i == n;
}

static elbo_status find_masks(span *s, size_t bytes, elbo_error *error)
{
    unsigned char *x = mem_new(s->m, bytes, 1);
    elbo_status status = x ? ELBO_OK : err_memory(error, "an example");
    bool ones = true;
    for (int64_t i = 0; i < s->count && ones && status == ELBO_OK; i++) {
        status = span_read(s, i, x, error);
        ones = all_ones(x, bytes);
    }
    s->masks = ones;
    mem_free(s->m, x);
    return status;
}

elbo_status array_stretch_masks(array *a, elbo_error *error)
{
    if (a->dtype != ELBO_U8) return ELBO_OK;
    if (a->n_spans > 0) return find_masks(a->spans, array_example_bytes(a), error);
    unsigned char *v = a->values;
    size_t n = (size_t)a->count * array_example_size(a);
    bool masks = all_ones(v, n);
    for (size_t i = 0; masks && i < n; i++) v[i] = (unsigned char)(v[i] * 255);
    return ELBO_OK;
}

/* ---- Measuring ---- */

void tally_open(tally *t)
{
    *t = (tally){.min = INFINITY, .max = -INFINITY, .binary = true, .whole = true, .bad = -1};
}

/* What is measured of bytes. A compiler makes vectors of the loop where the sum is of 32 bits, which holds 16 million bytes. */
typedef struct byte_tally {
    unsigned char low, high, grey; /* grey: not 0 where one is neither 0 nor 255 */
    uint32_t sum;
} byte_tally;

CLONES static byte_tally tally_of(const unsigned char *v, size_t n)
{
    unsigned char low = 255, high = 0, grey = 0;
    uint32_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        low = v[i] < low ? v[i] : low;
        high = v[i] > high ? v[i] : high;
        grey |= (unsigned char)(v[i] + 1) & 254; /* 255 and 0 become 0 and 1 */
        sum += v[i];
    }
    return (byte_tally){low, high, grey, sum};
}

static void add_u8(tally *t, const unsigned char *v, size_t n)
{
    enum { MOST = 1 << 16 };
    for (size_t at = 0; at < n; at += MOST) {
        byte_tally b = tally_of(v + at, n - at < MOST ? n - at : MOST);
        t->min = fmin(t->min, (double)data_u8_value(b.low));
        t->max = fmax(t->max, (double)data_u8_value(b.high));
        t->binary = t->binary && !b.grey;
        t->bytes += b.sum;
    }
}

static void add_f32(tally *t, const float *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double x = (double)v[i];
        if (t->missing && isnan(x)) {
            t->n_missing++;
            continue;
        }
        if (!isfinite(x)) {
            if (t->bad < 0) t->bad = t->n + (int64_t)i;
            return;
        }
        if (x < t->min) t->min = x;
        if (x > t->max) t->max = x;
        t->binary = t->binary && (x == 0 || x == 1);
        t->whole = t->whole && x == floor(x);
        t->sum += x;
    }
}

double tally_mean(const tally *t)
{
    return (t->sum + (double)t->bytes / 255) / (double)(t->n - t->n_missing);
}

void tally_add(tally *t, elbo_dtype dtype, const void *values, size_t n)
{
    if (n == 0) return;
    if (dtype == ELBO_U8)
        add_u8(t, values, n);
    else
        add_f32(t, values, n);
    t->n += (int64_t)n;
}
