/* test_seek.c - bytes of a file by offset: what is read from a packed file, in any order and across its members, is what was put
 * in, also from states kept in the middle; a file that is cut or changed is refused where it is. */
#include "data_files.h"

#include "base/file.h"
#include "data/seek.h"

enum { SIZE = 5 * SEEK_SPAN / 2, PARTS = 2, PIECE = 3000 };

static unsigned char stored[SIZE], got[PIECE];

/* Bytes that deflate makes something of, but not much, as members one behind the other. */
static void write_packed(const char *path)
{
    uint32_t x = 1;
    for (int i = 0; i < SIZE; i++) {
        x = x * 1664525 + 1013904223;
        stored[i] = (unsigned char)(x >> 27 ^ (unsigned)i >> 16);
    }
    for (int i = 0; i < PARTS; i++) {
        gzFile f = gzopen(path, i ? "ab1" : "wb1");
        assert_non_null(f);
        assert_int_equal(gzwrite(f, stored + i * (SIZE / PARTS), SIZE / PARTS), SIZE / PARTS);
        assert_int_equal(gzclose(f), Z_OK);
    }
}

static seek_file *open_file_at(const char *path, seek_cursor **c)
{
    seek_file *f = NULL;
    assert_int_equal(seek_open(&f, engine.m, path, &err), ELBO_OK);
    assert_int_equal(seek_cursor_open(c, f, &err), ELBO_OK);
    return f;
}

static void check_at(seek_cursor *c, uint64_t offset, size_t size)
{
    assert_int_equal(seek_read(c, offset, got, size, &err), ELBO_OK);
    assert_memory_equal(got, stored + offset, size);
}

static void test_any_order(void **state)
{
    (void)state;
    size_t live = seen.live;
    write_packed("packed.gz");
    save_bytes("plain", stored, SIZE);
    for (int packed = 0; packed < 2; packed++) {
        seek_cursor *c;
        seek_file *f = open_file_at(packed ? "packed.gz" : "plain", &c);
        assert_int_equal(seek_size(f), SIZE);
        for (uint64_t i = 0; i < 60; i++) check_at(c, i * 7919 * 101 % (SIZE - PIECE), PIECE);
        for (uint64_t i = 0; i < 20; i++) check_at(c, SIZE / PARTS - 10 * PIECE + i * PIECE, PIECE);
        check_at(c, SIZE - 1, 1);
        check_at(c, SIZE, 0);
        check_at(c, 0, PIECE);
        assert_int_equal(seek_read(c, SIZE - 1, got, 2, &err), ELBO_BAD_FILE);
        assert_non_null(strstr(err.message, "cut short"));
        assert_int_equal(seek_read(c, SIZE + 1, got, 0, &err), ELBO_BAD_FILE);
        check_at(c, 1, PIECE); /* a refusal leaves the cursor usable */
        seek_cursor_close(c);
        seek_close(f);
    }
    seek_cursor_close(NULL);
    assert_true(seen.live == live);
}

static void test_broken(void **state)
{
    (void)state;
    size_t live = seen.live;
    write_packed("packed.gz");
    unsigned char *bytes = NULL;
    size_t n = 0;
    assert_int_equal(file_read(engine.m, "packed.gz", SIZE_MAX, &bytes, &n, &err), ELBO_OK);
    for (size_t cut = 2; cut < n; cut += n / 7) {
        seek_file *f = NULL;
        save_bytes("cut.gz", bytes, cut);
        assert_int_equal(seek_open(&f, engine.m, "cut.gz", &err), ELBO_BAD_FILE);
        assert_non_null(strstr(err.message, "cut.gz: gzip data are broken or cut short near byte"));
    }
    /* Changed while it is in use: an error, and what is left is read. */
    seek_cursor *c;
    seek_file *f = open_file_at("packed.gz", &c);
    assert_int_equal(truncate("packed.gz", (off_t)(n / 4)), 0);
    assert_int_equal(seek_read(c, SIZE - PIECE, got, PIECE, &err), ELBO_BAD_FILE);
    check_at(c, 10, PIECE);
    seek_cursor_close(c);
    seek_close(f);
    mem_free(engine.m, bytes);
    assert_true(seen.live == live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_any_order), cmocka_unit_test(test_broken)};
    return cmocka_run_group_tests(tests, enter, leave);
}
