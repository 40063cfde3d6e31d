/* data.c - the functions every data set shares, and data from memory and from a callback. See data.h */
#include "data.h"

#include "../base/mode.h"
#include "../base/philox.h"
#include "array.h"

#include <math.h>
#include <string.h>

enum { TENTH = 10, SAMPLE = 10000, CHUNK = 64, FINGERPRINT = 64 };

/* Enough for any data there is, and small enough that no arithmetic on indices overflows. */
static const int64_t most_examples = (int64_t)1 << 48, most_numbers = (int64_t)1 << 40;

size_t data_example_size(const elbo_data *d)
{
    return (size_t)d->info.shape[0] * (size_t)d->info.shape[1] * (size_t)d->info.shape[2];
}

size_t data_example_bytes(const elbo_data *d)
{
    return data_example_size(d) * number_bytes(d->info.dtype);
}

/* ---- Parts ---- */

int64_t data_whole_index(data_part part, int64_t i)
{
    if (part == DATA_TEST) return TENTH * i + TENTH - 1;
    return part == DATA_TRAIN ? i + i / (TENTH - 1) : i;
}

int64_t data_place(const elbo_data *d, int64_t i)
{
    return data_whole_index(d->part, d->kept ? d->kept[i] : i);
}

int64_t data_part_count(data_part part, int64_t n)
{
    if (part == DATA_TEST) return n / TENTH;
    return part == DATA_TRAIN ? n - n / TENTH : n;
}

elbo_status data_take_part(elbo_data *d, data_part part, elbo_error *error)
{
    int64_t count = data_part_count(part, d->info.count);
    if (count == 0)
        return err_set(error, ELBO_USAGE,
                       "%s: the test part, every tenth example, of %lld examples is empty; use part "
                       "\"all\"",
                       d->info.name, (long long)d->info.count);
    d->info.count = count;
    d->part = part;
    return ELBO_OK;
}

/* ---- Life ---- */

elbo_data *data_new(elbo_engine *engine, const char *name, const char *path, elbo_error *error)
{
    elbo_data *d = mem_new(engine->m, 1, sizeof *d);
    if (d) {
        d->engine = engine;
        d->info.name = d->name = mem_copy_text(engine->m, name);
        d->info.path = d->path = mem_copy_text(engine->m, path);
        d->info.broken = d->info.label = d->info.left_out = "";
        if (d->name && d->path) return d;
    }
    elbo_data_free(d);
    err_memory(error, "opening data");
    return NULL;
}

void elbo_data_free(elbo_data *data)
{
    if (!data) return;
    memory m = data->engine->m;
    if (data->close) data->close(data);
    mem_free(m, data->name);
    mem_free(m, data->path);
    mem_free(m, data->broken);
    mem_free(m, data->kept);
    columns_free(data->columns);
    mem_free(m, data);
}

const elbo_data_info *elbo_data_describe(const elbo_data *data)
{
    return &data->info;
}

const elbo_column *elbo_data_column_at(const elbo_data *data, size_t i)
{
    return i < (size_t)data->info.n_columns ? &data->columns->at[i] : NULL;
}

const char *elbo_data_class_at(const elbo_data *data, size_t i)
{
    return data->columns && i < (size_t)data->columns->n_classes ? data->columns->classes[i] : NULL;
}

/* ---- Reading ---- */

/* Reads n examples of the part through the reader, which counts over the whole set. */
static elbo_status read_mapped(elbo_data *d, const int64_t *index, int64_t n, unsigned char *out, int32_t *labels,
                               elbo_error *error)
{
    int64_t whole[CHUNK];
    for (int64_t done = 0; done < n;) {
        int64_t now = n - done < CHUNK ? n - done : CHUNK;
        for (int64_t i = 0; i < now; i++) whole[i] = data_place(d, index[done + i]);
        elbo_status status =
            d->read(d, whole, now, out + (size_t)done * data_example_bytes(d), labels ? labels + done : NULL, error);
        if (status != ELBO_OK) return status;
        done += now;
    }
    return ELBO_OK;
}

/* What is drawn is a function of the example's place in the whole set, or in the part where parts are of their own, so it is the
 * same whenever it is read, and whatever part it is read as one of. */
static uint64_t drawn_as(const elbo_data *d, int64_t i)
{
    int64_t place = data_place(d, i);
    return (uint64_t)(d->test_begins && place >= d->test_begins ? place - d->test_begins : place);
}

static void draw_bits(const elbo_data *d, const int64_t *index, int64_t n, void *out)
{
    unsigned char *bytes = out;
    float *numbers = out;
    const philox_key key = {.stream = philox_stream("data/static")};
    int64_t size = (int64_t)data_example_size(d);
    float u[CHUNK];
    for (int64_t i = 0; i < n * size; i++) {
        int64_t at = i % size;
        uint64_t first = drawn_as(d, index[i / size]) * (uint64_t)size + (uint64_t)at;
        if (at % CHUNK == 0) philox_uniform(key, first, (size_t)(size - at < CHUNK ? size - at : CHUNK), u);
        if (d->info.dtype == ELBO_U8) bytes[i] = u[at % CHUNK] < data_u8_value(bytes[i]) ? 255 : 0;
        else numbers[i] = u[at % CHUNK] < numbers[i];
    }
}

elbo_status data_read_raw(elbo_data *d, const int64_t *index, int64_t n, void *out, int32_t *labels, elbo_error *error)
{
    for (int64_t i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= d->info.count)
            return err_set(error, ELBO_USAGE, "%s: index %lld is %lld, expected 0 to %lld", d->info.name, (long long)i,
                           (long long)index[i], (long long)d->info.count - 1);
    elbo_status status = d->part == DATA_ALL && !d->kept ? d->read(d, index, n, out, labels, error)
                                             : read_mapped(d, index, n, out, labels, error);
    if (status == ELBO_OK && d->drawn) draw_bits(d, index, n, out);
    return status;
}

elbo_status data_draw_bits(elbo_data *d, elbo_error *error)
{
    if (d->info.min < 0 || d->info.max > 1 || d->columns)
        return err_set(error, ELBO_USAGE, "%s: binarize static needs data in [0,1], which are drawn as probabilities",
                       d->info.name);
    d->drawn = !d->info.binary;
    d->info.binary = 1;
    return ELBO_OK;
}

void data_will_read(elbo_data *d, const int64_t *index, int64_t n)
{
    int64_t whole[CHUNK];
    while (d->will_read && n > 0) {
        int64_t now = n < CHUNK ? n : CHUNK, kept = 0;
        for (int64_t i = 0; i < now; i++)
            if (index[i] >= 0 && index[i] < d->info.count) whole[kept++] = data_place(d, index[i]);
        d->will_read(d, whole, kept);
        index += now;
        n -= now;
    }
}

static void mirror(const elbo_data *d, unsigned char *x)
{
    size_t width = (size_t)d->info.shape[1], rows = (size_t)d->info.shape[0];
    size_t pixel = data_example_bytes(d) / (rows * width);
    for (size_t y = 0; y < rows; y++, x += width * pixel)
        for (size_t left = 0, right = width - 1; left < right; left++, right--)
            for (size_t k = 0; k < pixel; k++) {
                unsigned char kept = x[left * pixel + k];
                x[left * pixel + k] = x[right * pixel + k];
                x[right * pixel + k] = kept;
            }
}

void data_augment(const elbo_data *d, uint64_t seed, uint32_t epoch, const int64_t *index, int64_t n, void *x)
{
    philox_key key = {.seed = seed, .step = epoch, .stream = philox_stream("data/flip")};
    for (int64_t i = 0; d->flip && i < n; i++) {
        float chance;
        philox_uniform(key, (uint64_t)index[i], 1, &chance);
        if (chance < 0.5f) mirror(d, (unsigned char *)x + (size_t)i * data_example_bytes(d));
    }
}

elbo_status elbo_data_read(elbo_data *data, const int64_t *index, int64_t n, float *values, int32_t *labels,
                           elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (!data || n < 0 || (n > 0 && (!index || !values)))
        return err_set(error, ELBO_USAGE, "reading data: n is %lld, or an argument is NULL", (long long)n);
    if (n == 0) return ELBO_OK;
    if (data->info.dtype == ELBO_F32) return data_read_raw(data, index, n, values, labels, error);
    /* The bytes go to the last quarter of values: converted from the front, none is overwritten before its turn. */
    size_t size = (size_t)n * data_example_size(data);
    unsigned char *bytes = (unsigned char *)values + 3 * size;
    elbo_status status = data_read_raw(data, index, n, bytes, labels, error);
    if (status != ELBO_OK) return status;
    for (size_t i = 0; i < size; i++) values[i] = data_u8_value(bytes[i]);
    return ELBO_OK;
}

/* ---- Measuring ---- */

/* The k-th of n indices spread evenly over [0, count), the first and the last among them. */
static int64_t spread(int64_t k, int64_t n, int64_t count)
{
    if (count <= n || n < 2) return k;
    return (count - 1) / (n - 1) * k + (count - 1) % (n - 1) * k / (n - 1);
}

static int64_t spread_count(int64_t n, int64_t count)
{
    return count < n ? count : n;
}

static elbo_status not_finite(const elbo_data *d, elbo_status code, int64_t example, int64_t place, elbo_error *error)
{
    int64_t channels = d->info.shape[2], columns = d->info.shape[1];
    return err_set(error, code,
                   "%s: example %lld, row %lld, column %lld, channel %lld (all from 0) is not a finite 32-bit "
                   "number; repair the data or leave the example out",
                   *d->path ? d->path : d->name, (long long)example, (long long)(place / channels / columns),
                   (long long)(place / channels % columns), (long long)(place % channels));
}

void data_set_measured(elbo_data *d, const tally *t)
{
    if (d->info.min == 0 && d->info.max == 0) {
        d->info.min = t->min;
        d->info.max = t->max;
    }
    d->info.binary = t->binary;
    d->info.step = d->info.dtype == ELBO_U8 ? 1.0 / 255 : t->whole ? 1 : 0;
    d->info.mean = tally_mean(t);
}

static elbo_status measure_with(elbo_data *d, int64_t n, elbo_status bad, void *buffer, elbo_error *error)
{
    int64_t size = (int64_t)data_example_size(d);
    tally t;
    tally_open(&t);
    t.missing = d->columns != NULL;
    for (int64_t done = 0; done < n; done += CHUNK) {
        int64_t index[CHUNK] = {0}, now = n - done < CHUNK ? n - done : CHUNK;
        for (int64_t i = 0; i < now; i++) index[i] = spread(done + i, n, d->info.count);
        elbo_status status = data_read_raw(d, index, now, buffer, NULL, error);
        if (status != ELBO_OK) return status;
        tally_add(&t, d->info.dtype, buffer, (size_t)(now * size));
        if (t.bad >= 0) return not_finite(d, bad, spread(t.bad / size, n, d->info.count), t.bad % size, error);
    }
    data_set_measured(d, &t);
    return ELBO_OK;
}

/* From n examples, or all that there are. */
static elbo_status measure(elbo_data *d, int64_t n, elbo_status bad, elbo_error *error)
{
    void *buffer = mem_new(d->engine->m, CHUNK, data_example_bytes(d));
    if (!buffer) return err_memory(error, "measuring data");
    elbo_status status = measure_with(d, spread_count(n, d->info.count), bad, buffer, error);
    mem_free(d->engine->m, buffer);
    return status;
}

elbo_status data_measure(elbo_data *d, elbo_error *error)
{
    return measure(d, SAMPLE, ELBO_USAGE, error);
}

/* FNV-1a, 64 bits. */
static uint64_t add_bytes(uint64_t sum, const void *bytes, size_t n)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): it loses sight of the bytes of the numbers */
    for (size_t i = 0; i < n; i++) sum = (sum ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3u;
    return sum;
}

static elbo_status fingerprint_with(elbo_data *d, void *buffer, uint64_t *sum, elbo_error *error)
{
    const int64_t description[] = {d->info.count,    d->info.shape[0], d->info.shape[1],
                                   d->info.shape[2], d->info.dtype,    d->info.n_classes};
    *sum = add_bytes(0xcbf29ce484222325u, description, sizeof description);
    int64_t n = spread_count(FINGERPRINT, d->info.count);
    for (int64_t k = 0; k < n; k++) {
        int64_t index = spread(k, n, d->info.count);
        int32_t label = -1;
        elbo_status status = data_read_raw(d, &index, 1, buffer, &label, error);
        if (status != ELBO_OK) return status;
        *sum = add_bytes(*sum, buffer, data_example_bytes(d));
        *sum = add_bytes(*sum, &label, sizeof label);
    }
    return ELBO_OK;
}

elbo_status data_fingerprint(elbo_data *d, uint64_t *out, elbo_error *error)
{
    void *buffer = mem_new(d->engine->m, 1, data_example_bytes(d));
    if (!buffer) return err_memory(error, "a fingerprint of the data");
    elbo_status status = fingerprint_with(d, buffer, out, error);
    mem_free(d->engine->m, buffer);
    return status;
}

/* ---- Held in memory ---- */

static elbo_status held_read(elbo_data *d, const int64_t *index, int64_t n, void *out, int32_t *labels,
                             elbo_error *error)
{
    const array *a = d->source;
    size_t each = data_example_bytes(d);
    elbo_status status = ELBO_OK;
    for (int64_t i = 0; i < n && status == ELBO_OK; i++) {
        status = array_example(a, index[i], (char *)out + (size_t)i * each, error);
        if (labels) labels[i] = a->labels ? a->labels[index[i]] : -1;
    }
    return status;
}

static void held_will_read(elbo_data *d, const int64_t *index, int64_t n)
{
    for (int64_t i = 0; i < n; i++) array_will_read(d->source, index[i]);
}

static void held_close(elbo_data *d)
{
    array_free(d->source);
    mem_free(d->engine->m, d->source);
}

static void take_columns(elbo_data *d, array *a)
{
    d->columns = a->columns;
    a->columns = NULL;
    if (!d->columns) return;
    d->info.n_columns = d->columns->n;
    for (int64_t i = 0; i < d->columns->n; i++) d->info.n_missing += d->columns->at[i].missing;
    if (d->columns->label) d->info.label = d->columns->label;
    d->info.left_out = d->columns->left_out;
}

elbo_status data_hold(elbo_data *d, array *a, elbo_status bad, elbo_error *error)
{
    array *held = mem_new(d->engine->m, 1, sizeof *held);
    if (!held) {
        array_free(a);
        return err_memory(error, "opening data");
    }
    take_columns(d, a);
    *held = *a;
    d->source = held;
    d->read = held_read;
    d->will_read = a->n_spans > 0 ? held_will_read : NULL;
    d->close = held_close;
    d->info.count = a->count;
    d->test_begins = a->test_begins;
    memcpy(d->info.shape, a->shape, sizeof a->shape);
    d->info.dtype = a->dtype;
    d->info.n_classes = a->n_classes;
    return measure(d, a->count, bad, error);
}

/* ---- From memory and from a callback ---- */

static elbo_status check_description(const char *who, int64_t count, const int64_t *shape, elbo_dtype dtype,
                                     elbo_error *error)
{
    if (count < 1 || count > most_examples)
        return err_set(error, ELBO_USAGE, "%s: %lld examples, expected at least 1", who, (long long)count);
    int64_t size = 1;
    for (int a = 0; a < 3; a++) {
        if (shape[a] < 1 || shape[a] > most_numbers / size)
            return err_set(error, ELBO_USAGE,
                           "%s: shape is %lld x %lld x %lld, expected sizes of at least 1 and at most "
                           "%lld numbers together",
                           who, (long long)shape[0], (long long)shape[1], (long long)shape[2], (long long)most_numbers);
        size *= shape[a];
    }
    if (dtype != ELBO_U8 && dtype != ELBO_F32)
        return err_set(error, ELBO_USAGE, "%s: dtype is %d, expected ELBO_U8 or ELBO_F32", who, (int)dtype);
    return ELBO_OK;
}

static elbo_status copy_labels(array *a, const int32_t *labels, elbo_error *error)
{
    a->labels = mem_new(a->m, (size_t)a->count, sizeof *labels);
    if (!a->labels) return err_memory(error, "labels");
    memcpy(a->labels, labels, (size_t)a->count * sizeof *labels);
    for (int64_t i = 0; i < a->count; i++) {
        if (labels[i] < -1)
            return err_set(error, ELBO_USAGE, "label %lld is %ld, expected at least 0, or -1 for none", (long long)i,
                           (long)labels[i]);
        if (labels[i] >= a->n_classes) a->n_classes = (int64_t)labels[i] + 1;
    }
    return ELBO_OK;
}

static elbo_status copy_array(array *a, const void *values, const int32_t *labels, elbo_error *error)
{
    size_t each = number_bytes(a->dtype), bytes;
    if (size_mul(array_example_size(a) * each, (size_t)a->count, &bytes)) a->values = mem_new(a->m, bytes, 1);
    if (!a->values) return err_memory(error, "a copy of the data");
    memcpy(a->values, values, bytes);
    return labels ? copy_labels(a, labels, error) : ELBO_OK;
}

elbo_data *elbo_data_from_memory(elbo_engine *engine, const void *values, elbo_dtype dtype, int64_t n,
                                 const int64_t shape[3], const int32_t *labels, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (!engine || !values || !shape) {
        err_set(error, ELBO_USAGE, "data from memory: engine, values or shape is NULL");
        return NULL;
    }
    if (check_description("data from memory", n, shape, dtype, error) != ELBO_OK) return NULL;
    elbo_data *d = data_new(engine, "memory", "", error);
    if (!d) return NULL;
    array a = {.m = engine->m, .dtype = dtype, .count = n, .shape = {shape[0], shape[1], shape[2]}};
    elbo_status status = copy_array(&a, values, labels, error);
    if (status == ELBO_OK)
        status = data_hold(d, &a, ELBO_USAGE, error);
    else
        array_free(&a);
    if (status == ELBO_OK) return d;
    elbo_data_free(d);
    return NULL;
}

static elbo_status source_read(elbo_data *d, const int64_t *index, int64_t n, void *out, int32_t *labels,
                               elbo_error *error)
{
    const elbo_data_source *s = d->source;
    if (labels)
        for (int64_t i = 0; i < n; i++) labels[i] = -1;
    int result = s->read(s->user, index, n, out, s->n_classes > 0 ? labels : NULL);
    if (result != 0)
        return err_set(error, ELBO_IO, "the data source failed with %d when asked for %lld examples from index %lld on",
                       result, (long long)n, (long long)index[0]);
    for (int64_t i = 0; labels && i < n; i++)
        if (labels[i] < -1 || labels[i] >= (s->n_classes > 0 ? s->n_classes : 0))
            return err_set(error, ELBO_IO, "the data source gave example %lld the label %ld, expected -1 to %lld",
                           (long long)index[i], (long)labels[i], (long long)s->n_classes - 1);
    return ELBO_OK;
}

static void source_close(elbo_data *d)
{
    mem_free(d->engine->m, d->source);
}

static elbo_status check_source(const elbo_engine *engine, const elbo_data_source *s, elbo_error *error)
{
    if (!engine || !s || !s->read)
        return err_set(error, ELBO_USAGE, "data source: engine, source or its read function is NULL");
    if (!(s->min <= s->max) || !isfinite(s->min) || !isfinite(s->max) || s->n_classes < 0 || s->n_classes > INT32_MAX)
        return err_set(error, ELBO_USAGE,
                       "data source: range %g to %g, %lld classes; expected finite numbers in this order "
                       "and 0 classes or more",
                       s->min, s->max, (long long)s->n_classes);
    if (s->n_factors < 0 || (s->n_factors > 0 && !(s->factors && s->read_factors)))
        return err_set(error, ELBO_USAGE, "data source: %lld factors without their names or the function that reads them",
                       (long long)s->n_factors);
    return check_description("data source", s->count, s->shape, s->dtype, error);
}

static elbo_status take_source(elbo_data *d, const elbo_data_source *source, elbo_error *error)
{
    elbo_data_source *copy = mem_new(d->engine->m, 1, sizeof *copy);
    if (!copy) return err_memory(error, "a data source");
    *copy = *source;
    d->source = copy;
    d->read = source_read;
    d->close = source_close;
    d->info.count = source->count;
    memcpy(d->info.shape, source->shape, sizeof source->shape);
    d->info.dtype = source->dtype;
    d->info.min = source->min;
    d->info.max = source->max;
    d->info.n_classes = source->n_classes;
    data_take_factors(d, source);
    return data_measure(d, error);
}

elbo_data *elbo_data_from_source(elbo_engine *engine, const elbo_data_source *source, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (check_source(engine, source, error) != ELBO_OK) return NULL;
    elbo_data *d = data_new(engine, "source", "", error);
    if (!d || take_source(d, source, error) == ELBO_OK) return d;
    elbo_data_free(d);
    return NULL;
}
