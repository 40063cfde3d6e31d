/* cifar.c - CIFAR-10, binary version (A. Krizhevsky, "The CIFAR-10 dataset"): data_batch_1.bin to data_batch_5.bin and
 * test_batch.bin, each a row of records of a label (0 to 9) and 32 x 32 bytes of red, then of green, then of blue. */
#include "../base/file.h"
#include "array.h"
#include "data.h"

#include <stdio.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE, CLASSES = 10, BATCHES = 5 };

/* The name of the i-th file, the test file being the last. */
static char *batch_path(memory m, const char *directory, int i)
{
    char name[32];
    if (i < BATCHES) snprintf(name, sizeof name, "data_batch_%d.bin", i + 1);
    return file_join(m, directory, i < BATCHES ? name : "test_batch.bin");
}

static elbo_status take_labels(array *a, int file, const char *path, int64_t n, elbo_error *error)
{
    int32_t *labels = mem_resize(a->m, a->labels, (size_t)(a->count + n), sizeof *labels);
    if (!labels) return err_memory(error, "the labels of CIFAR-10");
    a->labels = labels;
    for (int64_t i = 0; i < n; i++) {
        unsigned char label = CLASSES;
        size_t got;
        elbo_status status = file_read_at(file, path, (uint64_t)i * RECORD, &label, 1, &got, error);
        if (status != ELBO_OK) return status;
        if (label >= CLASSES)
            return err_set(error, ELBO_BAD_FILE, "%s: label of record %lld (from 0): got %d, expected 0 to 9", path, (long long)i,
                           label);
        labels[a->count + i] = label;
    }
    return ELBO_OK;
}

/* Appends n records, whose pictures stay where they are. */
static elbo_status take_records(array *a, int file, const char *path, int64_t n, elbo_error *error)
{
    span *spans = mem_resize(a->m, a->spans, a->n_spans + 1, sizeof *spans);
    if (!spans) return err_memory(error, "the pictures of CIFAR-10");
    a->spans = spans;
    const layout l = {.kind = 'u', .bytes = 1, .n = {(size_t)n, SIDE, SIDE, 3}, .stride = {RECORD, SIDE, 1, PLANE}};
    elbo_status status = span_open(&spans[a->n_spans], a->m, file, path, 1, &l, error);
    if (status != ELBO_OK) return status;
    a->n_spans++;
    status = take_labels(a, file, path, n, error);
    a->count += n;
    return status;
}

static elbo_status load_batch(array *a, const char *path, elbo_error *error)
{
    int file;
    uint64_t size;
    elbo_status status = file_open(path, &file, &size, error);
    if (status != ELBO_OK) return status;
    if (size == 0 || size % RECORD != 0)
        status = err_set(error, ELBO_BAD_FILE, "%s: has %llu bytes, expected a multiple of %d; it may have been cut short", path,
                         (unsigned long long)size, RECORD);
    else
        status = take_records(a, file, path, (int64_t)(size / RECORD), error);
    file_close(file);
    return status;
}

elbo_status cifar_load(memory m, const char *directory, data_part part, array *out, bool *found, elbo_error *error)
{
    *out = (array){.m = m, .dtype = ELBO_U8, .shape = {SIDE, SIDE, 3}, .n_classes = CLASSES};
    elbo_status status = ELBO_OK;
    int first = part == DATA_TEST ? BATCHES : 0, last = part == DATA_TRAIN ? BATCHES - 1 : BATCHES;
    *found = true;
    for (int pass = 0; pass < 2 && *found; pass++) /* all are there; then all are read */
        for (int i = first; i <= last && *found && status == ELBO_OK; i++) {
            char *path = batch_path(m, directory, i);
            if (!path) return err_memory(error, "a path");
            if (i == BATCHES && first < BATCHES) out->test_begins = out->count;
            if (pass == 0)
                *found = file_exists(path);
            else
                status = load_batch(out, path, error);
            mem_free(m, path);
        }
    return status;
}
