/* test_file.c - reading, atomic writing, logs and directories, with every system call failing in turn. */
#include "base/file.h"
#include "failing_calls.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char here[] = "test_file.XXXXXX"; /* all files of this test lie in it */

static const char *at(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", here, name);
    return path;
}

/* ---- Helpers ---- */

static elbo_error error;

static elbo_status put(const char *path, const char *content)
{
    size_t n = strlen(content);
    file_part parts[] = {{content, n / 3}, {NULL, 0}, {content + n / 3, n - n / 3}};
    return file_write(&mem_standard, path, parts, 3, &error);
}

static bool holds(const char *path, const char *content)
{
    unsigned char *bytes;
    size_t size;
    if (file_read(&mem_standard, path, 1000000, &bytes, &size, &error)) return false;
    bool same = size == strlen(content) && memcmp(bytes, content, size + 1) == 0;
    mem_free(&mem_standard, bytes);
    return same;
}

static int count_files(void)
{
    int n = 0;
    DIR *d = opendir(here);
    assert_non_null(d);
    for (const struct dirent *entry; (entry = readdir(d));) n += entry->d_name[0] != '.';
    closedir(d);
    return n;
}

static int make_place(void **state)
{
    (void)state;
    return mkdtemp(here) ? 0 : -1;
}

static int remove_place(void **state)
{
    (void)state;
    return rmdir(here); /* fails when a test left something */
}

/* ---- Tests ---- */

static void test_write_and_read(void **state)
{
    (void)state;
    const char *path = at("a");
    unsigned char *bytes;
    size_t size;
    assert_int_equal(put(path, ""), ELBO_OK);
    assert_true(holds(path, ""));
    assert_int_equal(put(path, "one two three"), ELBO_OK);
    assert_true(holds(path, "one two three"));
    assert_int_equal(put(path, "four"), ELBO_OK);
    assert_true(holds(path, "four"));
    assert_int_equal(file_read(&mem_standard, path, 4, &bytes, &size, &error), ELBO_OK);
    mem_free(&mem_standard, bytes);
    assert_int_equal(file_read(&mem_standard, path, 3, &bytes, &size, &error), ELBO_BAD_FILE);
    assert_non_null(strstr(error.message, "4 bytes"));
    assert_int_equal(count_files(), 1);
    assert_int_equal(file_remove(path, &error), ELBO_OK);
    assert_int_equal(file_remove(path, &error), ELBO_OK);
    assert_int_equal(file_read(&mem_standard, path, 4, &bytes, &size, &error), ELBO_IO);
    assert_non_null(strstr(error.message, path));
    assert_non_null(strstr(error.message, strerror(ENOENT)));
    assert_int_equal(file_read(&mem_standard, here, 4, &bytes, &size, &error), ELBO_IO);
    assert_int_equal(put(here, "x"), ELBO_IO);
    assert_int_equal(put(at("no/such"), "abc"), ELBO_IO);
    assert_non_null(strstr(error.message, "3 bytes"));
}

static void test_special_files(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t size;
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    assert_int_equal(file_read(&mem_standard, at("pipe"), 4, &bytes, &size, &error), ELBO_IO); /* and does not wait */
    unlink(at("pipe"));
    assert_int_equal(put(at("target"), "old"), ELBO_OK);
    assert_int_equal(chmod(at("target"), 0600), 0);
    assert_int_equal(symlink("target", at("link")), 0);
    assert_int_equal(put(at("link"), "new"), ELBO_OK);
    struct stat s;
    assert_true(lstat(at("link"), &s) == 0 && S_ISLNK(s.st_mode));
    assert_true(lstat(at("target"), &s) == 0 && (s.st_mode & 0777) == 0600); /* what was private stays so */
    assert_true(holds(at("target"), "new"));
    unlink(at("target"));
    assert_int_equal(put(at("link"), "x"), ELBO_IO);
    unlink(at("link"));
    if (stat("/dev/null", &s) || !S_ISCHR(s.st_mode)) skip();
    assert_int_equal(put("/dev/null", "x"), ELBO_OK);
    assert_true(stat("/dev/null", &s) == 0 && S_ISCHR(s.st_mode));
    if (stat("/dev/full", &s)) skip();
    assert_int_equal(put("/dev/full", "twelve bytes"), ELBO_IO);
    assert_non_null(strstr(error.message, strerror(ENOSPC)));
    assert_non_null(strstr(error.message, "12 bytes"));
    assert_non_null(strstr(error.message, "/dev/full"));
}

static void test_interruptions(void **state)
{
    (void)state;
    if (!can_fail) skip();
    static const char *const content = "a text of more than seven bytes, which takes several calls";
    fault.choppy = true;
    assert_int_equal(put(at("a"), content), ELBO_OK);
    assert_true(holds(at("a"), content));
    assert_int_equal(file_append(at("a"), content, strlen(content), &error), ELBO_OK);
    assert_int_equal(file_truncate(at("a"), strlen(content) + 6, &error), ELBO_OK);
    assert_int_equal(file_sync(at("a"), &error), ELBO_OK);
    all_well();
    struct stat s;
    assert_true(stat(at("a"), &s) == 0 && s.st_size == (off_t)strlen(content) + 6);
    assert_int_equal(file_remove(at("a"), &error), ELBO_OK);
}

/* Each call of a write fails in turn: the file is the old or the new one, whole, and nothing else is left. */
static void test_failing_writes(void **state)
{
    (void)state;
    if (!can_fail) skip();
    static const struct {
        const char *name;
        int times; /* open, fsync, close: the file, then its directory */
    } calls[] = {{"open", 2}, {"write", 2}, {"fsync", 2}, {"close", 2}, {"rename", 1}};
    const char *path = at("a");
    assert_int_equal(put(path, "old"), ELBO_OK);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        for (int after = 0;; after++) {
            fail_at(calls[i].name, after, EIO);
            elbo_status status = put(path, "the new content");
            bool happened = fault.happened;
            all_well();
            assert_int_equal(status, happened ? ELBO_IO : ELBO_OK);
            assert_int_equal(count_files(), 1);
            assert_int_equal(happened, after < calls[i].times);
            if (!happened) break;
            assert_non_null(strstr(error.message, strerror(EIO)));
            assert_true(holds(path, "old") || (after > 0 && holds(path, "the new content")));
            assert_int_equal(put(path, "old"), ELBO_OK);
        }
        assert_true(holds(path, "the new content"));
        assert_int_equal(put(path, "old"), ELBO_OK);
    }
    assert_int_equal(file_remove(path, &error), ELBO_OK);
}

/* A result is replaced as whole, but the disk is not waited for. */
static void test_results_are_not_flushed(void **state)
{
    (void)state;
    if (!can_fail) skip();
    const file_part part = {"a result", 8};
    fail_at("fsync", 0, EIO);
    assert_int_equal(file_write_result(&mem_standard, at("a"), &part, 1, &error), ELBO_OK);
    assert_false(fault.happened);
    all_well();
    assert_true(holds(at("a"), "a result"));
    assert_int_equal(count_files(), 1);
    fail_at("rename", 0, EIO);
    assert_int_equal(file_write_result(&mem_standard, at("a"), &(file_part){"another", 7}, 1, &error), ELBO_IO);
    all_well();
    assert_true(holds(at("a"), "a result"));
    assert_int_equal(count_files(), 1);
    assert_int_equal(file_remove(at("a"), &error), ELBO_OK);
}

static void test_failing_reads(void **state)
{
    (void)state;
    if (!can_fail) skip();
    unsigned char *bytes;
    size_t size;
    assert_int_equal(put(at("a"), "content"), ELBO_OK);
    fail_at("read", 0, EIO);
    assert_int_equal(file_read(&mem_standard, at("a"), 100, &bytes, &size, &error), ELBO_IO);
    assert_non_null(strstr(error.message, strerror(EIO)));
    fail_at("open", 0, EMFILE);
    assert_int_equal(file_read(&mem_standard, at("a"), 100, &bytes, &size, &error), ELBO_IO);
    assert_non_null(strstr(error.message, strerror(EMFILE)));
    fail_at("fsync", 0, EIO);
    assert_int_equal(file_sync(at("a"), &error), ELBO_IO);
    all_well();
    assert_int_equal(file_remove(at("a"), &error), ELBO_OK);
}

static void test_names_in_the_way(void **state)
{
    (void)state;
    char name[256];
    snprintf(name, sizeof name, "%s.%ld-0.tmp", at("a"), (long)getpid());
    FILE *f = fopen(name, "w"); /* what a killed process left */
    assert_non_null(f);
    fclose(f);
    assert_int_equal(put(at("a"), "x"), ELBO_OK);
    assert_true(holds(at("a"), "x"));
    assert_int_equal(count_files(), 2);
    unlink(name);
    unlink(at("a"));
}

static void *no_memory(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user;
    (void)ptr;
    (void)old_size;
    (void)new_size;
    return NULL;
}

static void test_no_memory(void **state)
{
    (void)state;
    static const elbo_allocator none = {no_memory, NULL};
    unsigned char *bytes;
    size_t size;
    assert_int_equal(put(at("a"), "old"), ELBO_OK);
    assert_int_equal(file_read(&none, at("a"), 100, &bytes, &size, &error), ELBO_NO_MEMORY);
    assert_int_equal(file_write(&none, at("a"), &(file_part){"new", 3}, 1, &error), ELBO_NO_MEMORY);
    assert_null(file_join(&none, "a", "b"));
    assert_true(holds(at("a"), "old"));
    assert_int_equal(count_files(), 1);
    unlink(at("a"));
}

static void test_logs(void **state)
{
    (void)state;
    const char *path = at("log");
    assert_int_equal(file_append(path, "one\n", 4, &error), ELBO_OK);
    assert_int_equal(file_append(path, "two\n", 4, &error), ELBO_OK);
    assert_true(holds(path, "one\ntwo\n"));
    if (can_fail) {
        fail_at("write", 1, ENOSPC); /* after the first seven bytes */
        fault.choppy = true;
        assert_int_equal(file_append(path, "three four\n", 11, &error), ELBO_IO);
        assert_true(fault.happened);
        assert_non_null(strstr(error.message, "11 bytes"));
        all_well();
        assert_true(holds(path, "one\ntwo\n"));
    }
    assert_int_equal(file_truncate(path, 4, &error), ELBO_OK);
    assert_true(holds(path, "one\n"));
    assert_int_equal(file_truncate(path, 4, &error), ELBO_OK);
    assert_int_equal(file_truncate(path, 5, &error), ELBO_IO);
    assert_non_null(strstr(error.message, "4 bytes"));
    assert_true(holds(path, "one\n"));
    assert_int_equal(file_truncate(at("none"), 0, &error), ELBO_IO);
    assert_int_equal(file_append(at("no/such"), "x", 1, &error), ELBO_IO);
    unlink(path);
}

static file_kind kind_of(const char *path)
{
    file_kind kind;
    assert_int_equal(file_look(path, &kind, &error), ELBO_OK);
    return kind;
}

static void test_directories(void **state)
{
    (void)state;
    assert_int_equal(file_make_directory(at("x/y//z/"), &error), ELBO_OK);
    assert_int_equal(kind_of(at("x/y/z")), FILE_DIRECTORY);
    assert_int_equal(file_make_directory(at("x/y/z"), &error), ELBO_OK);
    assert_int_equal(file_make_directory(here, &error), ELBO_OK);
    assert_int_equal(put(at("x/file"), "x"), ELBO_OK);
    assert_int_equal(file_make_directory(at("x/file/more"), &error), ELBO_IO);
    assert_non_null(strstr(error.message, "x/file'"));
    assert_int_equal(file_make_directory(at("x/file"), &error), ELBO_IO);
    char longer[10000];
    memset(longer, 'd', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_int_equal(file_make_directory(longer, &error), ELBO_IO);
    unlink(at("x/file"));
    rmdir(at("x/y/z"));
    rmdir(at("x/y"));
    rmdir(at("x"));
}

static void test_names(void **state)
{
    (void)state;
    assert_int_equal(put(at("a"), "abc"), ELBO_OK);
    assert_true(file_exists(at("a")) && file_exists(here) && !file_exists(at("b")));
    assert_int_equal(symlink(".", at("link")), 0);
    assert_int_equal(kind_of(at("a")), FILE_OTHER);
    assert_int_equal(kind_of(at("b")), FILE_NONE);
    assert_int_equal(kind_of(at("a/b")), FILE_NONE);
    assert_int_equal(kind_of(here), FILE_DIRECTORY);
    assert_int_equal(kind_of(at("link")), FILE_LINKED_DIRECTORY);
    unlink(at("link"));
    assert_int_equal(file_rename(at("a"), at("b"), &error), ELBO_OK);
    assert_false(file_exists(at("a")));
    assert_true(holds(at("b"), "abc"));
    assert_int_equal(file_rename(at("a"), at("b"), &error), ELBO_IO);
    assert_non_null(strstr(error.message, "/a'"));
    assert_non_null(strstr(error.message, "/b'"));
    assert_int_equal(file_remove(at("b"), &error), ELBO_OK);
    static const char *const cases[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *joined = file_join(&mem_standard, cases[i][0], cases[i][1]);
        assert_string_equal(joined, cases[i][2]);
        mem_free(&mem_standard, joined);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read), cmocka_unit_test(test_special_files),
        cmocka_unit_test(test_interruptions),  cmocka_unit_test(test_failing_writes),
        cmocka_unit_test(test_results_are_not_flushed),
        cmocka_unit_test(test_failing_reads),  cmocka_unit_test(test_names_in_the_way),
        cmocka_unit_test(test_no_memory),      cmocka_unit_test(test_logs),
        cmocka_unit_test(test_directories),    cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, make_place, remove_place);
}
