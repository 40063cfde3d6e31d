/* array.c - see array.h */
#include "array.h"

#include "data.h"

#include <float.h>
#include <math.h>
#include <string.h>

bool layout_axes(layout *l, int rank, const uint64_t *sizes, bool channels_first, bool first_fastest)
{
    enum { N, H, W, C };
    static const int last[4][4] = {{N}, {N, C}, {N, H, W}, {N, H, W, C}}, first[4] = {N, C, H, W};
    const int *axis = channels_first && rank == 4 ? first : last[rank - 1];
    for (int a = 0; a < ARRAY_AXES; a++) {
        l->n[a] = 1;
        l->stride[a] = 0;
    }
    l->total = 1;
    for (int i = 0; i < rank; i++) {
        int k = first_fastest ? i : rank - 1 - i;
        if (sizes[k] == 0 || sizes[k] > INT64_MAX || sizes[k] > SIZE_MAX) return false;
        l->n[axis[k]] = (size_t)sizes[k];
        l->stride[axis[k]] = l->total;
        if (!size_mul(l->total, (size_t)sizes[k], &l->total)) return false;
    }
    return true;
}

/* ---- Numbers ---- */

static float half_value(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023), value;
    if (exponent == 31)
        value = fraction > 0 ? NAN : INFINITY;
    else
        value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return (float)(bits >> 15 & 1 ? -value : value);
}

static float real_value(uint64_t bits, size_t bytes)
{
    if (bytes == 2) return half_value(bits);
    if (bytes == 4) {
        uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return fabs(value) > FLT_MAX ? INFINITY : (float)value;
}

static float whole_value(uint64_t bits, size_t bytes)
{
    uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    return (float)(int64_t)((bits ^ sign) - sign);
}

static float number(const layout *l, const unsigned char *at)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < l->bytes; i++) bits = bits << 8 | at[l->big_endian ? i : l->bytes - 1 - i];
    switch (l->kind) {
    case 'f': return real_value(bits, l->bytes);
    case 'i': return whole_value(bits, l->bytes);
    default: return (float)bits;
    }
}

/* One row of pixels [W,C], or of any two inner axes, from the file's order. */
static void convert_row(const layout *l, const unsigned char *from, elbo_dtype dtype, void *out)
{
    size_t i = 0;
    for (size_t w = 0; w < l->n[2]; w++) {
        for (size_t c = 0; c < l->n[3]; c++, i++) {
            const unsigned char *at = from + (w * l->stride[2] + c * l->stride[3]) * l->bytes;
            if (dtype == ELBO_F32)
                ((float *)out)[i] = number(l, at);
            else
                ((unsigned char *)out)[i] = l->kind == 'b' ? (unsigned char)(*at ? 255 : 0) : *at;
        }
    }
}

static void convert(const layout *l, const unsigned char *from, array *a)
{
    size_t row = l->n[2] * l->n[3] * (a->dtype == ELBO_F32 ? sizeof(float) : 1);
    unsigned char *out = a->values;
    for (size_t n = 0; n < l->n[0]; n++)
        for (size_t h = 0; h < l->n[1]; h++, out += row)
            convert_row(l, from + (n * l->stride[0] + h * l->stride[1]) * l->bytes, a->dtype, out);
}

/* Is the file's order already the one in memory? */
static bool as_it_lies(const layout *l)
{
    size_t step = 1;
    for (int a = ARRAY_AXES - 1; a >= 0; a--) {
        if (l->n[a] > 1 && l->stride[a] != step) return false;
        step *= l->n[a];
    }
    return l->kind == 'u' && l->bytes == 1;
}

elbo_status array_read(gz *g, const layout *l, array *out, elbo_error *error)
{
    size_t bytes;
    if (!size_mul(l->total, l->bytes, &bytes))
        return err_set(error, ELBO_BAD_FILE,
                       "%s: the header announces %zu numbers of %zu bytes, more than memory can hold", gz_path(g),
                       l->total, l->bytes);
    unsigned char *raw;
    elbo_status status = gz_read_rest(g, bytes, "values", &raw, error);
    if (status != ELBO_OK) return status;
    bool keep = l->bytes == 1 && (l->kind == 'u' || l->kind == 'b');
    *out = (array){.m = gz_memory(g), .dtype = keep ? ELBO_U8 : ELBO_F32, .count = (int64_t)l->n[0]};
    for (int a = 0; a < 3; a++) out->shape[a] = (int64_t)l->n[a + 1];
    if (as_it_lies(l)) {
        out->values = raw;
        return ELBO_OK;
    }
    out->values = mem_new(out->m, l->total, keep ? 1 : sizeof(float));
    if (out->values) convert(l, raw, out);
    mem_free(out->m, raw);
    return out->values ? ELBO_OK : err_memory(error, "the values of a data file");
}

void array_free(array *a)
{
    if (!a->m) return;
    mem_free(a->m, a->values);
    mem_free(a->m, a->labels);
    columns_free(a->columns);
    *a = (array){.m = a->m};
}

size_t array_example_size(const array *a)
{
    return (size_t)a->shape[0] * (size_t)a->shape[1] * (size_t)a->shape[2];
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

elbo_status array_append(array *a, const array *b, elbo_error *error)
{
    if (a->dtype != b->dtype || memcmp(a->shape, b->shape, sizeof a->shape) != 0 || !a->labels != !b->labels)
        return err_set(error, ELBO_BAD_FILE,
                       "the test examples are %lld x %lld x %lld%s, the training examples "
                       "%lld x %lld x %lld%s; both must have one shape, one type of numbers, and labels or none",
                       (long long)b->shape[0], (long long)b->shape[1], (long long)b->shape[2],
                       b->labels ? " with labels" : "", (long long)a->shape[0], (long long)a->shape[1],
                       (long long)a->shape[2], a->labels ? " with labels" : "");
    size_t each = array_example_size(a) * (a->dtype == ELBO_U8 ? 1 : sizeof(float));
    size_t n = (size_t)a->count, more = (size_t)b->count, label = sizeof *a->labels;
    void *labels = a->labels;
    bool grown = grow(a->m, &a->values, n * each, b->values, more * each) &&
                 (!labels || grow(a->m, &labels, n * label, b->labels, more * label));
    if (!grown) return err_memory(error, "the test examples after the training examples");
    a->labels = labels;
    a->count += b->count;
    if (b->n_classes > a->n_classes) a->n_classes = b->n_classes;
    return ELBO_OK;
}

void array_stretch_masks(array *a)
{
    if (a->dtype != ELBO_U8) return;
    unsigned char *v = a->values;
    size_t n = (size_t)a->count * array_example_size(a);
    for (size_t i = 0; i < n; i++)
        if (v[i] > 1) return;
    for (size_t i = 0; i < n; i++) v[i] = (unsigned char)(v[i] * 255);
}

/* ---- Measuring ---- */

void tally_open(tally *t)
{
    *t = (tally){.min = INFINITY, .max = -INFINITY, .binary = true, .whole = true, .bad = -1};
}

static void add_u8(tally *t, const unsigned char *v, size_t n)
{
    unsigned char low = 255, high = 0, grey = 0;
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (v[i] < low) low = v[i];
        if (v[i] > high) high = v[i];
        grey |= (unsigned char)(v[i] + 1) > 1; /* 255 and 0 become 0 and 1 */
        sum += v[i];
    }
    t->min = fmin(t->min, (double)data_u8_value(low));
    t->max = fmax(t->max, (double)data_u8_value(high));
    t->binary = t->binary && !grey;
    t->sum += (double)sum / 255;
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

void tally_add(tally *t, elbo_dtype dtype, const void *values, size_t n)
{
    if (n == 0) return;
    if (dtype == ELBO_U8)
        add_u8(t, values, n);
    else
        add_f32(t, values, n);
    t->n += (int64_t)n;
}
