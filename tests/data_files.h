/* data_files.h - for the tests of data: an engine that counts and fails allocations, ways to open data, files made by
 * hand, what comes of failing, and a temporary directory that is removed at the end. Each test program has its own copy. */
#ifndef ELBO_TESTS_DATA_FILES_H
#define ELBO_TESTS_DATA_FILES_H

#include "../src/base/engine.h"
#include "../src/base/mem.h"
#include "../src/data/data.h"
#include "failing_calls.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

/* ---- An engine that counts ---- */

typedef struct counts {
    size_t live, largest;
    long fail_at; /* the allocation to fail, from 0; -1: none */
    long n;
} counts;

static inline void *counting_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    counts *c = user;
    if (new_size > 0 && c->n++ == c->fail_at) return NULL;
    if (new_size > c->largest) c->largest = new_size;
    void *block = mem_standard.resize(NULL, ptr, old_size, new_size);
    c->live += new_size - old_size;
    return block;
}

static counts seen = {.fail_at = -1};
static elbo_engine engine = {.allocator = {counting_resize, &seen}, .m = &engine.allocator};

static elbo_error err;

static inline elbo_data *open_part(const char *name, const char *part)
{
    err.message[0] = 0;
    elbo_data *d = elbo_data_open(&engine, name, part, &err);
    if (!d) print_message("      %s: %s\n", elbo_status_text(err.code), err.message);
    return d;
}

static inline elbo_data *open_good(const char *name)
{
    elbo_data *d = open_part(name, "all");
    assert_non_null(d);
    return d;
}

static inline void refuse(const char *name, elbo_status status, const char *word)
{
    size_t live = seen.live;
    elbo_data *d = open_part(name, "all");
    assert_null(d);
    assert_int_equal(err.code, status);
    assert_non_null(strstr(err.message, word));
    assert_true(seen.live == live);
}

static inline void read_all(elbo_data *d, float *values, int32_t *labels)
{
    int64_t n = elbo_data_describe(d)->count;
    for (int64_t i = 0; i < n; i++)
        assert_int_equal(
            elbo_data_read(d, &i, 1, values + (size_t)i * data_example_size(d), labels ? labels + i : NULL, &err),
            ELBO_OK);
}

static inline void assert_shape(const elbo_data *d, int64_t n, int64_t h, int64_t w, int64_t c)
{
    const elbo_data_info *info = elbo_data_describe(d);
    assert_int_equal(info->count, n);
    assert_int_equal(info->shape[0], h);
    assert_int_equal(info->shape[1], w);
    assert_int_equal(info->shape[2], c);
}

static inline void assert_values(elbo_data *d, const float *expected, size_t n)
{
    float *got = calloc(n, sizeof *got);
    assert_int_equal((size_t)elbo_data_describe(d)->count * data_example_size(d), n);
    read_all(d, got, NULL);
    for (size_t i = 0; i < n; i++) assert_true(got[i] == expected[i]);
    free(got);
}

/* ---- Files ---- */

typedef struct blob {
    unsigned char bytes[8192];
    size_t size;
} blob;

static inline void put(blob *b, const void *bytes, size_t n)
{
    assert_true(b->size + n <= sizeof b->bytes);
    memcpy(b->bytes + b->size, bytes, n);
    b->size += n;
}

static inline void put_big(blob *b, uint64_t value, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        unsigned char byte = (unsigned char)(value >> 8 * i);
        put(b, &byte, 1);
    }
}

static inline void save_bytes(const char *path, const void *bytes, size_t n)
{
    unlink(path); /* some file systems flush a file that is overwritten, which is slow */
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fwrite(bytes, 1, n, f) == n);
    assert_int_equal(fclose(f), 0);
}

static inline void save(const char *path, const blob *b)
{
    save_bytes(path, b->bytes, b->size);
}

static inline blob pack(const blob *b)
{
    blob out = {.size = 0};
    z_stream z = {0};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = (unsigned char *)(uintptr_t)b->bytes;
    z.avail_in = (uInt)b->size;
    z.next_out = out.bytes;
    z.avail_out = sizeof out.bytes;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.size = z.total_out;
    deflateEnd(&z);
    return out;
}

static inline blob idx_header(unsigned char code, int rank, const uint32_t *sizes)
{
    blob b = {.size = 0};
    put_big(&b, (uint64_t)code << 8 | (uint64_t)rank, 4);
    for (int i = 0; i < rank; i++) put_big(&b, sizes[i], 4);
    return b;
}

#define IDX(code, ...)                                                                                                 \
    idx_header(code, (int)(sizeof(uint32_t[]){__VA_ARGS__} / sizeof(uint32_t)), (uint32_t[]){__VA_ARGS__})

/* n pictures of h x w bytes: 7 i mod 256. */
static inline blob idx_pictures(uint32_t n, uint32_t h, uint32_t w)
{
    blob b = IDX(8, n, h, w);
    for (uint32_t i = 0; i < n * h * w; i++) put_big(&b, 7 * i % 256, 1);
    return b;
}

static inline blob idx_labels(uint32_t n)
{
    blob b = IDX(8, n);
    for (uint32_t i = 0; i < n; i++) put_big(&b, i % 10, 1);
    return b;
}

static inline void make_directory(const char *path, uint32_t n_train, uint32_t n_test)
{
    char name[128];
    assert_true(mkdir(path, 0700) == 0);
    const struct {
        const char *file;
        blob b;
    } files[] = {{"train-images-idx3-ubyte", idx_pictures(n_train, 2, 2)},
                 {"train-labels-idx1-ubyte", idx_labels(n_train)},
                 {"t10k-images-idx3-ubyte.gz", idx_pictures(n_test, 2, 2)},
                 {"t10k-labels-idx1-ubyte.gz", idx_labels(n_test)}};
    for (int i = 0; i < 4; i++) {
        blob z = i < 2 ? files[i].b : pack(&files[i].b);
        snprintf(name, sizeof name, "%s/%s", path, files[i].file);
        save(name, &z);
    }
}

/* ---- Failing ---- */

enum { FEW = 30 };

/* What a data set holds, as a checksum of the first examples. */
typedef struct contents {
    uint64_t sum;
    int64_t n_broken;
} contents;

static inline void add_to_sum(contents *c, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) c->sum = (c->sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
}

/* Removes what was unpacked, so that it is unpacked again. */
static inline void forget_unpacked(void)
{
    char path[512];
    DIR *d = engine.cache ? opendir(engine.cache) : NULL;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        snprintf(path, sizeof path, "%s/%s", engine.cache, e->d_name);
        if (e->d_name[0] != '.') unlink(path);
    }
    if (d) closedir(d);
}

static inline elbo_status read_contents(const char *name, const elbo_data_options *o, contents *c)
{
    elbo_data *d = elbo_data_open_with(&engine, name, "all", o, &err);
    *c = (contents){.sum = 1};
    if (!d) return err.code;
    elbo_status status = ELBO_OK;
    const elbo_data_info *info = elbo_data_describe(d);
    size_t size = data_example_size(d);
    float *x = calloc(size, sizeof *x);
    for (int64_t i = 0; i < info->count && i < FEW && status == ELBO_OK; i++) {
        int32_t label;
        status = elbo_data_read(d, &i, 1, x, &label, &err);
        add_to_sum(c, x, size * sizeof *x);
        add_to_sum(c, &label, sizeof label);
    }
    c->n_broken = info->n_broken;
    free(x);
    elbo_data_free(d);
    return status;
}

static inline void fail_each_call_with(const char *name, const elbo_data_options *o, int reason)
{
    contents whole, c;
    size_t live = seen.live;
    assert_int_equal(read_contents(name, o, &whole), ELBO_OK);
    for (int n = 0;; n++) {
        forget_unpacked();
        fail_at("", n, reason);
        elbo_status status = read_contents(name, o, &c);
        bool happened = fault.happened;
        all_well();
        if (status == ELBO_OK && c.sum != whole.sum && (reason || c.n_broken == 0))
            fail_msg("%s: call %d fails with %d unseen", name, n, reason);
        if (status != ELBO_OK && status != ELBO_IO && (reason || status != ELBO_BAD_FILE))
            fail_msg("%s: call %d fails with %d: %d, %s", name, n, reason, (int)status, err.message);
        assert_true(seen.live == live);
        if (!happened) break;
        assert_true(n < 10000);
    }
}

/* Each call of the system for a data set fails, or finds fewer bytes than there were, while it is opened and read: an error, or
 * all is as it should be; but a picture that has become shorter counts as broken. */
static inline void fail_each_call(const char *name, const elbo_data_options *o)
{
    if (!can_fail) skip();
    fail_each_call_with(name, o, EIO);
    fail_each_call_with(name, o, 0);
}

/* Each allocation fails once while a data set is opened and read: there was no memory, and nothing leaks. */
static inline void fail_each_allocation(const char *name, const elbo_data_options *o)
{
    contents whole, c;
    size_t live = seen.live;
    assert_int_equal(read_contents(name, o, &whole), ELBO_OK);
    elbo_status status = ELBO_NO_MEMORY;
    for (long n = 0; status != ELBO_OK; n++) {
        forget_unpacked();
        seen.n = 0;
        seen.fail_at = n;
        status = read_contents(name, o, &c);
        seen.fail_at = -1;
        if (status != ELBO_OK) assert_int_equal(status, ELBO_NO_MEMORY);
        assert_true(seen.live == live && n < 10000);
    }
    assert_true(c.sum == whole.sum);
}

/* ---- The temporary directory ---- */

static char home[] = "test-data-XXXXXX";

static inline int enter(void **state)
{
    (void)state;
    memcpy(home, "test-data-XXXXXX", sizeof home);
    return mkdtemp(home) && chdir(home) == 0 ? 0 : -1;
}

static inline int leave(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", home);
    if (seen.live != 0) print_error("%zu bytes were never freed\n", seen.live);
    return chdir("..") == 0 && system(command) == 0 && seen.live == 0 ? 0 : -1;
}

/* The same, for data that are left in their files, or unpacked to others. */
static inline int enter_leaving(void **state)
{
    engine.data_memory = 1;
    engine.cache = (char *)(uintptr_t) "cache";
    return enter(state);
}

/* Runs tests with data in memory and with data left in files. */
#define RUN_EITHER_WAY(tests)                                                                                          \
    (cmocka_run_group_tests(tests, enter, leave) + cmocka_run_group_tests_name("left in files", tests, enter_leaving, leave))

#endif
