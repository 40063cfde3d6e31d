/* cifar.c - CIFAR-10, binary version (A. Krizhevsky, "The CIFAR-10 dataset"): data_batch_1.bin to data_batch_5.bin and
 * test_batch.bin, each a row of records of a label (0 to 9) and 32 x 32 bytes of red, then of green, then of blue. */
#include "../base/file.h"
#include "array.h"
#include "data.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE, CLASSES = 10, BATCHES = 5, MOST = 1 << 30 };

/* The name of the i-th file, the test file being the last. */
static char *batch_path(memory m, const char *directory, int i)
{
    char name[32];
    if (i < BATCHES) snprintf(name, sizeof name, "data_batch_%d.bin", i + 1);
    return file_join(m, directory, i < BATCHES ? name : "test_batch.bin");
}

static elbo_status take_record(array *a, int64_t i, const unsigned char *record, const char *path, int64_t at,
                               elbo_error *error)
{
    if (record[0] >= CLASSES)
        return err_set(error, ELBO_BAD_FILE, "%s: label of record %lld (from 0): got %d, expected 0 to 9", path,
                       (long long)at, record[0]);
    unsigned char *out = (unsigned char *)a->values + (size_t)i * 3 * PLANE;
    a->labels[i] = record[0];
    for (int p = 0; p < PLANE; p++)
        for (int c = 0; c < 3; c++) *out++ = record[1 + c * PLANE + p];
    return ELBO_OK;
}

/* Appends n records. */
static elbo_status take_records(array *a, const unsigned char *bytes, int64_t n, const char *path, elbo_error *error)
{
    size_t total = (size_t)(a->count + n);
    void *values = mem_resize(a->m, a->values, total, 3 * PLANE);
    if (values) a->values = values;
    int32_t *labels = mem_resize(a->m, a->labels, total, sizeof *labels);
    if (labels) a->labels = labels;
    if (!values || !labels) return err_memory(error, "the pictures of CIFAR-10");
    for (int64_t i = 0; i < n; i++) {
        elbo_status status = take_record(a, a->count + i, bytes + (size_t)i * RECORD, path, i, error);
        if (status != ELBO_OK) return status;
    }
    a->count += n;
    return ELBO_OK;
}

static elbo_status load_batch(array *a, const char *path, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    elbo_status status = file_read(a->m, path, MOST, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    if (size == 0 || size % RECORD != 0)
        status =
            err_set(error, ELBO_BAD_FILE, "%s: has %zu bytes, expected a multiple of %d; it may have been cut short",
                    path, size, RECORD);
    else
        status = take_records(a, bytes, (int64_t)(size / RECORD), path, error);
    mem_free(a->m, bytes);
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
            if (pass == 0)
                *found = file_exists(path);
            else
                status = load_batch(out, path, error);
            mem_free(m, path);
        }
    return status;
}
