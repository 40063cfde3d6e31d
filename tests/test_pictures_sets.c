/* test_pictures_sets.c - sets of pictures: order, parts, labels, archives, readers; and CIFAR-10. */
#include "picture_files.h"

#include <sys/wait.h>

static void make_folder(const char *path)
{
    assert_true(mkdir(path, 0700) == 0);
}

/* The first byte of every example, after "labels" the labels: "10/0 20/1". */
static const char *summary(elbo_data *d)
{
    static char out[1024];
    unsigned char got[4096];
    size_t n = 0;
    opened(d);
    assert_true(data_example_bytes(d) <= sizeof got);
    for (int64_t i = 0; i < elbo_data_describe(d)->count; i++) {
        int32_t label = example(d, i, got);
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%d/%d", i ? " " : "", got[0], label);
    }
    elbo_data_free(d);
    return out;
}

/* ---- Folders ---- */

static void test_order(void **state)
{
    (void)state;
    make_folder("order");
    save_flat("order/b.pgm", 2, 2, 5);
    save_flat("order/B.PGM", 2, 2, 1);
    save_flat("order/a2.pgm", 2, 2, 4);
    save_flat("order/a10.pgm", 2, 2, 3);
    save_flat("order/\xc3\xa4.pgm", 2, 2, 6);
    save_flat("order/.hidden.pgm", 2, 2, 9);
    save_flat("order.pgm", 2, 2, 2);
    assert_int_equal(symlink("../order.pgm", "order/Z.pgm") | symlink("..", "order/up"), 0);
    save_text("order/notes.txt", "no picture by name");
    assert_string_equal(summary(open_pictures("order")), "1/-1 2/-1 3/-1 4/-1 5/-1 6/-1");
    make_folder("order/deep");
    make_folder("order/deep/er");
    save_flat("order/deep/er/x.pgm", 2, 2, 7);
    assert_string_equal(summary(open_pictures("order")), "1/-1 2/-1 3/-1 4/-1 5/-1 7/-1 6/-1");
    make_folder("nothing");
    refused(open_pictures("nothing"), ELBO_IO, "no pictures (.jpg");
}

static void test_classes(void **state)
{
    (void)state;
    make_folder("zoo");
    make_folder("zoo/all");
    make_folder("zoo/all/dog");
    make_folder("zoo/all/dog/brown");
    make_folder("zoo/all/cat");
    save_flat("zoo/all/dog/1.pgm", 2, 2, 3);
    save_flat("zoo/all/dog/brown/1.pgm", 2, 2, 4);
    assert_string_equal(summary(open_pictures("zoo")), "3/-1 4/-1");
    save_flat("zoo/all/cat/9.pgm", 2, 2, 1);
    assert_string_equal(summary(open_pictures("zoo")), "1/0 3/1 4/1");
    save_flat("zoo/all/cow.pgm", 2, 2, 2);
    elbo_data *d = opened(open_pictures("zoo"));
    assert_int_equal(elbo_data_describe(d)->n_classes, 2);
    assert_string_equal(summary(d), "1/0 2/-1 3/1 4/1");
}

static void test_parts(void **state)
{
    (void)state;
    static const char *const folders[] = {"set", "set/test", "set/train", "set/test/b", "set/train/a", "set/train/b"};
    for (int i = 0; i < 6; i++) make_folder(folders[i]);
    save_flat("set/test/b/1.pgm", 2, 2, 9);
    save_flat("set/train/a/1.pgm", 2, 2, 1);
    save_flat("set/train/b/2.pgm", 2, 2, 2);
    assert_string_equal(summary(open_with("set", "train", (options){0})), "1/0 2/1");
    assert_string_equal(summary(open_with("set", "test", (options){0})), "9/1");
    assert_string_equal(summary(open_with("set", "all", (options){0})), "1/0 2/1 9/1");
    make_folder("tenths");
    char name[32];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "tenths/%02d.pgm", i);
        save_flat(name, 1, 1, i);
    }
    assert_string_equal(summary(open_with("tenths", "test", (options){0})), "9/-1 19/-1");
}

static void test_labels(void **state)
{
    (void)state;
    static const char *const folders[] = {"tab", "tab/x", "tab/y"};
    for (int i = 0; i < 3; i++) make_folder(folders[i]);
    save_flat("tab/x/1.pgm", 1, 1, 1);
    save_flat("tab/x/2, \"b\".pgm", 1, 1, 2);
    save_flat("tab/y/1.pgm", 1, 1, 3);
    save_text("l.csv", "file,n,word\r\ny/1.pgm,7,dog\r\n\"2, \"\"b\"\".pgm\",-1,\"cat\"\r\nother.pgm,3,cow");
    assert_string_equal(summary(open_pictures("tab", .labels = "l.csv")), "1/-1 2/-1 3/7");
    assert_string_equal(summary(open_pictures("tab", .labels = "l.csv", .label_column = "word")), "1/-1 2/0 3/1");
    save_text("l.csv", "file,n\n1.pgm,4\n\nx/1.pgm,2\n");
    assert_string_equal(summary(open_pictures("tab", .labels = "l.csv")), "1/2 2/-1 3/4");
    refused(open_pictures("tab", .labels = "l.csv", .label_column = "word"), ELBO_USAGE, "no column \"word\"");
    make_folder("tab/zx"); /* whole folders only */
    save_flat("tab/zx/1.pgm", 1, 1, 4);
    save_text("l.csv", "file,n\nx/1.pgm,5\nfar/tab/y/1.pgm,6\n");
    assert_string_equal(summary(open_pictures("tab", .labels = "l.csv")), "1/5 2/-1 3/-1 4/-1");
    static const char *const words[] = {"-2", "1000000"}; /* no numbers of classes */
    for (int i = 0; i < 2; i++) {
        char table[64];
        snprintf(table, sizeof table, "file,n\nzx/1.pgm,7\ny/1.pgm,%s\n", words[i]);
        save_text("l.csv", table);
        assert_string_equal(summary(open_pictures("tab", .labels = "l.csv")), "1/-1 2/-1 3/0 4/1");
    }
    refused(open_pictures("tab", .labels = "none.csv"), ELBO_IO, "none.csv");
    static const char *const bad[][2] = {{"file,n\nzzz,1\n", "no row names"},
                                         {"file,n\n1.pgm\n", "l.csv: line 2, column 2: there is none"},
                                         {"file,n\n\"1.pgm,1\n", "a quote"},
                                         {"file,n\n\"a\"b,1\n", "a quote"},
                                         {"file,n\n", "no row names"}};
    for (int i = 0; i < 5; i++) {
        save_text("l.csv", bad[i][0]);
        refused(open_pictures("tab", .labels = "l.csv"), ELBO_BAD_FILE, bad[i][1]);
    }
    save_bytes("l.csv", "file,n\n\0", 8);
    refused(open_pictures("tab", .labels = "l.csv"), ELBO_BAD_FILE, "zero byte");
    save_text("l.csv", "file");
    refused(open_pictures("tab", .labels = "l.csv"), ELBO_USAGE, "no column");
}

static void test_shapes(void **state)
{
    (void)state;
    make_folder("shapes");
    save_flat("shapes/1.pgm", 3, 2, 10);
    save_text("shapes/2.ppm", "P3 3 2 255 1 2 3 0 0 0 0 0 0  0 0 0 0 0 0 0 0 0\n");
    save_text("shapes/3.ppm", "broken");
    elbo_data *d = opened(open_pictures("shapes")); /* grey at first, then one in colour */
    assert_shape(d, 2, 2, 3, 3);
    assert_int_equal(elbo_data_describe(d)->n_broken, 1);
    assert_string_equal(summary(d), "10/-1 1/-1");
    d = opened(open_pictures("shapes", .grey = 1));
    assert_shape(d, 2, 2, 3, 1);
    elbo_data_free(d);
    save_flat("shapes/4.pgm", 2, 3, 10);
    refused(open_pictures("shapes"), ELBO_USAGE, "shapes/4.pgm: it is 3 x 2, the first one 2 x 3");
    assert_shape(d = opened(open_pictures("shapes", .crop = 2)), 3, 2, 2, 3);
    elbo_data_free(d);
    refused(open_pictures("shapes", .height = -1), ELBO_USAGE, "height -1");
    refused(open_pictures("shapes", .crop = NAN), ELBO_USAGE, "crop");
    refused(open_pictures("shapes", .readers = 65), ELBO_USAGE, "readers");
    refused(open_pictures("toy", .height = 8), ELBO_USAGE, "these are 1x1x5");
    refused(open_pictures("toy", .grey = 1), ELBO_USAGE, "toy: height");
    elbo_data_free(opened(open_pictures("toy", .height = 1, .width = 1))); /* it has that size */
}

/* ---- Archives ---- */

static void put_pax(tar_bytes *t, const char *records)
{
    tar_add(t, 'x', "pax", records, strlen(records));
}

#define ONE(value) "P2 1 1 255 " #value "\n"

static void test_tar(void **state)
{
    (void)state;
    tar_bytes t = {0};
    char name[400];
    tar_add(&t, '5', "./all/", "", 0);
    tar_add(&t, '0', "./all/b/2.pgm", ONE(2), 13);
    tar_add(&t, '0', "./all/a/1.pgm", ONE(1), 13);
    tar_add(&t, 'g', "pax", "13 path=x.pgm\n", 14);
    tar_add(&t, '2', "all/link.pgm", "", 0);
    put_pax(&t, "22 path=all/b/pax.pgm\n11 size=13\n");
    size_t at = tar_add(&t, '0', "short", ONE(3), 13);
    memset(t.bytes + at + 124, '7', 11); /* the pax record rules */
    tar_sum(t.bytes + at);
    snprintf(name, sizeof name, "all/b/%0120d.pgm", 0);
    tar_add(&t, 'L', "././@LongLink", name, strlen(name) + 1);
    tar_add(&t, '0', "short", ONE(4), 13);
    at = tar_add(&t, '0', "z.pgm", ONE(5), 13);
    memcpy(t.bytes + at + 345, "all/b", 5);
    memcpy(t.bytes + at + 124, "\x80\0\0\0\0\0\0\0\0\0\0\x0d", 12);
    tar_sum(t.bytes + at);
    tar_add(&t, '0', "all/readme.txt", "hello", 5);
    tar_add(&t, 'K', "././@LongLink", "somewhere", 10);
    tar_add(&t, 0, "./.hidden", "", 0);
    put_pax(&t, "9 mtime=\n27 SCHILY.xattr.user.a=bcd\n");
    at = tar_add(&t, '7', "", ONE(6), 13); /* names of 155 and 100 characters, sizes without a zero and with blanks before them */
    memset(t.bytes + at, 'n', 100);
    memcpy(t.bytes + at + 96, ".pgm", 4);
    memset(t.bytes + at + 345, 'p', 155);
    memcpy(t.bytes + at + 345, "all/b/", 6);
    memcpy(t.bytes + at + 124, "000000000015", 12);
    tar_sum(t.bytes + at);
    at = tar_add(&t, '0', "all/b/spaces.pgm", ONE(7), 13);
    memcpy(t.bytes + at + 124, "         15 ", 12);
    tar_sum(t.bytes + at);
    at = tar_add(&t, '0', "all/b/empty.txt", "", 0);
    memset(t.bytes + at + 124, ' ', 12);
    tar_sum(t.bytes + at);
    tar_end(&t);
    tar_save(&t, "t.tar");
    const char *expected = "1/0 4/1 2/1 3/1 6/1 7/1 5/1";
    assert_string_equal(summary(open_pictures("t.tar")), expected);
    tar_save_packed(&t, "t.tgz");
    assert_string_equal(summary(open_pictures("t.tgz")), expected);
    free(t.bytes);
}

static void refuse_tar(tar_bytes *t, const char *word)
{
    tar_save(t, "bad.tar");
    refused(open_pictures("bad.tar"), ELBO_BAD_FILE, word);
}

static void test_hostile_tar(void **state)
{
    (void)state;
    static const struct {
        const char *size, *word;
    } sizes[] = {{"77777777777\0", "more bytes than are left"},
                 {"\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "no number"},
                 {"\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff", "more bytes than are left"},
                 {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "no number"},
                 {"0000000x015\0", "no number"},
                 {"00000002001\0", "more bytes than are left"}};
    tar_bytes t = {0};
    tar_add(&t, '0', "a.pgm", ONE(1), 13);
    size_t at = tar_add(&t, '0', "b.pgm", ONE(1), 13);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memcpy(t.bytes + at + 124, sizes[i].size, 12);
        tar_sum(t.bytes + at);
        refuse_tar(&t, sizes[i].word);
    }
    t.bytes[at + 3] = 'x';
    refuse_tar(&t, "the sum of its header is wrong");
    static const char *const said[] = {"99 path=b.pgm\n",
                                       "5 path=b.pgm\n",
                                       "x path=b.pgm\n",
                                       "14 pathxb.pgm\n\n",
                                       "18446744073709551616 path=b.pgm\n",
                                       "15 size=-12345\n",
                                       "8 size=\n",
                                       "10 size=x\n",
                                       "5     ",
                                       "\n",
                                       "7",
                                       "29 size=99999999999999999999\n",
                                       "20 GNU.sparse.a=bcd\n",
                                       "14 path=b.pgm",
                                       "1 \n"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        t.size = at;
        put_pax(&t, said[i]);
        tar_add(&t, '0', "b.pgm", ONE(1), 13);
        tar_end(&t);
        refuse_tar(&t, "makes no sense");
    }
    enum { MUCH = (1 << 20) + 1, LONG = 5000 };
    char *much = calloc(1, MUCH), path[LONG + 20];
    t.size = at;
    tar_add(&t, 'x', "pax", much, MUCH);
    refuse_tar(&t, "more than 1 MiB");
    free(much);
    t.size = at;
    tar_add(&t, 'x', "pax", "16 path=b\0c.pgm\n", 16);
    tar_end(&t);
    refuse_tar(&t, "makes no sense");
    t.size = at;
    snprintf(path, sizeof path, "%d path=%0*d\n", LONG + 11, LONG, 0);
    put_pax(&t, path);
    tar_end(&t);
    refuse_tar(&t, "makes no sense");
    t.size = at;
    put_pax(&t, "19 size=9000000000\n");
    tar_add(&t, '0', "b.pgm", ONE(1), 13);
    tar_end(&t);
    refuse_tar(&t, "more bytes than are left");
    t.size = at;
    tar_add(&t, 'S', "b.pgm", ONE(1), 13);
    refuse_tar(&t, "sparse");
    free(t.bytes);
}

/* Cut anywhere, an archive is refused, but in the empty blocks at its end; gzipped, everywhere. */
static void test_truncated_tar(void **state)
{
    (void)state;
    tar_bytes t = {0};
    tar_add_text(&t, "a.pgm", ONE(1));
    put_pax(&t, "14 path=c.pgm\n");
    tar_add_text(&t, "b.pgm", ONE(2));
    size_t enough = t.size + 512;
    tar_end(&t);
    for (size_t cut = 512; cut < t.size; cut += cut % 512 < 16 || cut % 512 > 490 ? 1 : 16) {
        save_bytes("cut.tar", t.bytes, cut);
        elbo_data *d = open_pictures("cut.tar");
        assert_true(cut < enough ? !d && err.code == ELBO_BAD_FILE : d != NULL);
        elbo_data_free(d);
    }
    tar_save_packed(&t, "whole.tgz");
    free(t.bytes);
    unsigned char bytes[4096];
    FILE *f = fopen("whole.tgz", "rb");
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t cut = 0; cut < n; cut++) {
        save_bytes("cut.tgz", bytes, cut);
        assert_null(open_pictures("cut.tgz"));
        assert_int_equal(err.code, ELBO_BAD_FILE);
    }
    for (size_t i = 2; i < n; i++) {
        bytes[i] ^= 16;
        save_bytes("cut.tgz", bytes, n);
        elbo_data_free(open_pictures("cut.tgz"));
        bytes[i] ^= 16;
    }
}

/* ---- Readers ---- */

enum { MANY = 150, SIDE = 96 };

static uint32_t noise(uint32_t *s)
{
    *s = *s * 1664525 + 1013904223;
    return *s >> 24;
}

/* An archive of noise: 150 pictures of 96 x 96 in colour, 4 MB. */
static void make_many(tar_bytes *t)
{
    static unsigned char bytes[32 + SIDE * SIDE * 3];
    uint32_t s = 1;
    char name[32];
    size_t n = (size_t)sprintf((char *)bytes, "P6 %d %d 255\n", SIDE, SIDE);
    for (int i = 0; i < MANY; i++) {
        for (int k = 0; k < SIDE * SIDE * 3; k++) bytes[n + (size_t)k] = (unsigned char)noise(&s);
        snprintf(name, sizeof name, "%03d.ppm", i);
        tar_add(t, '0', name, bytes, n + SIDE * SIDE * 3);
    }
    tar_end(t);
}

static unsigned char *read_in_order(elbo_data *d, size_t *each)
{
    *each = data_example_bytes(d);
    unsigned char *all = calloc(MANY, *each);
    assert_non_null(all);
    for (int64_t i = 0; i < MANY; i++) example(d, i, all + (size_t)i * *each);
    return all;
}

static void assert_same(elbo_data *d, const unsigned char *all, size_t each, uint32_t seed)
{
    enum { BATCH = 40 };
    unsigned char *got = calloc(BATCH, each);
    int64_t index[BATCH], hint[2 * BATCH];
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < BATCH; i++) index[i] = noise(&seed) % MANY;
        for (int i = 0; i < 2 * BATCH; i++) hint[i] = (int64_t)noise(&seed) - 20; /* some out of range */
        if (round % 3 == 1) data_will_read(d, index, BATCH);
        if (round % 3 == 2) data_will_read(d, hint, 2 * BATCH);
        assert_int_equal(data_read_raw(d, index, BATCH, got, NULL, &err), ELBO_OK);
        for (size_t i = 0; i < BATCH; i++) assert_memory_equal(got + i * each, all + (size_t)index[i] * each, each);
    }
    free(got);
}

static void test_any_order(void **state)
{
    (void)state;
    tar_bytes t = {0};
    size_t each;
    make_many(&t);
    tar_save(&t, "many.tar");
    tar_save_packed(&t, "many.tgz");
    free(t.bytes);
    elbo_data *first = opened(open_pictures("many.tar", .height = 20, .width = 30, .readers = 1));
    assert_shape(first, MANY, 20, 30, 3);
    unsigned char *all = read_in_order(first, &each);
    uint64_t sum, other;
    assert_int_equal(data_fingerprint(first, &sum, &err), ELBO_OK);
    for (int readers = 1; readers <= 5; readers += 2) {
        elbo_data *d = opened(open_pictures("many.tar", .height = 20, .width = 30, .readers = readers));
        assert_same(d, all, each, (uint32_t)readers);
        assert_int_equal(data_fingerprint(d, &other, &err), ELBO_OK);
        assert_true(sum == other);
        data_will_read(d, (int64_t[]){1, 2, 3}, 3); /* closed with work undone */
        elbo_data_free(d);
    }
    elbo_data *packed = opened(open_pictures("many.tgz", .height = 20, .width = 30, .readers = 2));
    assert_same(packed, all, each, 9);
    elbo_data_free(packed);
    int64_t index[MANY];
    for (int i = 0; i < MANY; i++) index[i] = i;
    data_will_read(first, index, MANY);
    pid_t child = fork(); /* while the readers are busy */
    if (child == 0) {
        alarm(30);
        unsigned char *again = read_in_order(first, &each);
        assert_memory_equal(again, all, MANY * each);
        free(again);
        assert_same(first, all, each, 3);
        elbo_data_free(first);
        _exit(0);
    }
    int how;
    assert_true(waitpid(child, &how, 0) == child && how == 0);
    elbo_data_free(first);
    free(all);
}

/* Of 4 MB of pictures the list stays in memory, and room that depends on the size of an example only. */
static void test_memory(void **state)
{
    (void)state;
    size_t before = seen.live;
    seen.largest = 0;
    elbo_data *d = opened(open_pictures("many.tar", .height = 8, .readers = 1));
    assert_true(seen.live - before < 2 * 1024 * 1024);
    assert_true(seen.largest < 512 * 1024);
    size_t opened_with = seen.live;
    unsigned char out[8 * 8 * 3];
    for (int64_t i = 0; i < MANY; i++) example(d, i, out);
    assert_true(seen.live == opened_with);
    elbo_data_free(d);
}

static void test_vanished(void **state)
{
    (void)state;
    make_folder("gone");
    save_flat("gone/a.pgm", 1, 1, 1);
    save_flat("gone/b.pgm", 1, 1, 2);
    elbo_data *d = opened(open_pictures("gone"));
    unsigned char out[2];
    assert_int_equal(unlink("gone/b.pgm"), 0);
    assert_int_equal(data_read_raw(d, (int64_t[]){0, 1}, 2, out, NULL, &err), ELBO_IO);
    assert_non_null(strstr(err.message, "gone/b.pgm was sound when it was opened"));
    assert_int_equal(data_read_raw(d, (int64_t[]){0, 1}, 2, out, NULL, NULL), ELBO_IO);
    save_flat("gone/b.pgm", 1, 1, 2);
    assert_int_equal(data_read_raw(d, (int64_t[]){0, 1}, 2, out, NULL, &err), ELBO_OK);
    assert_true(out[0] == 1 && out[1] == 2);
    elbo_data_free(d);
}

/* Each allocation fails once, in a folder with labels, a broken file and a change from grey to colour. */
static void test_no_memory(void **state)
{
    (void)state;
    make_folder("lack");
    save_flat("lack/a.pgm", 2, 2, 1);
    save_text("lack/b.ppm", "P3 1 1 9 1 2 3\n");
    save_text("lack/c.ppm", "broken");
    save_text("lack.csv", "file,n\na.pgm,x\n");
    elbo_data *d = NULL;
    for (long n = 0; !d; n++) {
        size_t live = seen.live;
        seen.n = 0;
        seen.fail_at = n;
        d = open_pictures("lack", .height = 2, .labels = "lack.csv");
        seen.fail_at = -1;
        assert_true(d || (err.code == ELBO_NO_MEMORY && seen.live == live));
        assert_true(n < 1000);
    }
    assert_string_equal(summary(d), "1/0 28/-1");
}

/* What is said about a picture of an archive, by a member before it, is in memory too. */
static void test_no_memory_for_archives(void **state)
{
    (void)state;
    tar_bytes t = {0};
    put_pax(&t, "14 path=c.pgm\n");
    tar_add_text(&t, "b.pgm", ONE(2));
    tar_end(&t);
    tar_save(&t, "lack.tar");
    tar_save_packed(&t, "lack.tgz");
    free(t.bytes);
    fail_each_allocation("lack.tar", NULL);
    fail_each_allocation("lack.tgz", NULL);
}

/* Each call of the system fails, of folders with labels and of archives. */
static void test_every_call(void **state)
{
    (void)state;
    const options labelled = {.labels = "lack.csv", .height = 2, .readers = 1}, plain = {.readers = 1};
    fail_each_call("lack", &labelled);
    fail_each_call("lack.tar", &plain);
    fail_each_call("lack.tgz", &plain);
}

/* ---- Flipping ---- */

static void test_flip(void **state)
{
    (void)state;
    enum { N = 400 };
    static float values[N * 6], x[N * 6], again[N * 6];
    int64_t index[N];
    for (int i = 0; i < N * 6; i++) values[i] = (float)i;
    for (int i = 0; i < N; i++) index[i] = i;
    save_text("rgb.ppm", "P3 3 1 255  1 2 3  4 5 6  7 8 9\n");
    elbo_data *d = opened(open_pictures("rgb.ppm", .flip = 1)), *plain = opened(open_pictures("rgb.ppm"));
    unsigned char pixels[9], mirrored[9] = {7, 8, 9, 4, 5, 6, 1, 2, 3};
    int n_flipped = 0;
    for (uint32_t epoch = 0; epoch < 100; epoch++) {
        example(d, 0, pixels);
        data_augment(plain, 1, epoch, index, 1, pixels);
        assert_int_equal(pixels[0], 1);
        data_augment(d, 1, epoch, index, 1, pixels);
        bool flipped = memcmp(pixels, mirrored, 9) == 0;
        assert_true(flipped || pixels[0] == 1);
        n_flipped += flipped;
    }
    assert_true(n_flipped > 30 && n_flipped < 70);
    elbo_data_free(d);
    elbo_data_free(plain);
    d = elbo_data_from_memory(&engine, values, ELBO_F32, N, (int64_t[]){2, 3, 1}, NULL, &err);
    d->flip = true;
    memcpy(x, values, sizeof x);
    memcpy(again, values, sizeof x);
    data_augment(d, 7, 3, index, N, x);
    data_augment(d, 7, 3, index, 100, again); /* in two batches: a matter of the index only */
    data_augment(d, 7, 3, index + 100, N - 100, again + 600);
    assert_memory_equal(x, again, sizeof x);
    for (int i = 0; i < N; i++)
        assert_true(x[6 * i + 1] == values[6 * i + 1] && x[6 * i + 3] + x[6 * i + 5] == 2 * values[6 * i + 4]);
    elbo_data_free(d);
}

/* ---- CIFAR-10 ---- */

static void save_batch(const char *path, int n, int first)
{
    unsigned char *bytes = calloc((size_t)n, 3073);
    for (int i = 0; i < n; i++) {
        unsigned char *record = bytes + 3073 * i;
        record[0] = (unsigned char)((first + i) % 10);
        for (int k = 0; k < 3072; k++) record[1 + k] = (unsigned char)(first + i + k / 1024 * 10 + k % 32);
    }
    save_bytes(path, bytes, 3073 * (size_t)n);
    free(bytes);
}

static void test_cifar(void **state)
{
    (void)state;
    unsigned char x[3072];
    char name[64];
    make_folder("cifar-10");
    for (int i = 1; i <= 5; i++) {
        snprintf(name, sizeof name, "cifar-10/data_batch_%d.bin", i);
        save_batch(name, 2, 10 * i);
    }
    save_batch("cifar-10/test_batch.bin", 1, 103);
    elbo_data *d = opened(elbo_data_open(&engine, "cifar-10", "train", &err));
    assert_shape(d, 10, 32, 32, 3);
    assert_int_equal(example(d, 3, x), 1);
    assert_true(x[0] == 21 && x[1] == 31 && x[2] == 41 && x[3] == 22 && x[32 * 3] == 21); /* planes become pixels */
    assert_int_equal(elbo_data_describe(d)->n_classes, 10);
    elbo_data_free(d);
    d = opened(elbo_data_open(&engine, "./cifar-10", "test", &err));
    assert_shape(d, 1, 32, 32, 3);
    assert_int_equal(example(d, 0, x), 3);
    elbo_data_free(d);
    elbo_data_free(opened(open_part("cifar-10", "all")));
    fail_each_allocation("cifar-10", NULL);
    fail_each_call("cifar-10", NULL);
    save_bytes("cifar-10/data_batch_2.bin", x, sizeof x);
    refuse("./cifar-10", ELBO_BAD_FILE, "expected a multiple of 3073");
    save_batch("cifar-10/data_batch_2.bin", 1, 0);
    FILE *f = fopen("cifar-10/data_batch_2.bin", "r+b");
    fputc(10, f);
    fclose(f);
    refuse("./cifar-10", ELBO_BAD_FILE, "label of record 0 (from 0): got 10");
    assert_int_equal(unlink("cifar-10/data_batch_2.bin"), 0);
    refuse("./cifar-10", ELBO_IO, "no pictures");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),       cmocka_unit_test(test_classes),       cmocka_unit_test(test_parts),
        cmocka_unit_test(test_labels),      cmocka_unit_test(test_shapes),        cmocka_unit_test(test_tar),
        cmocka_unit_test(test_hostile_tar), cmocka_unit_test(test_truncated_tar), cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_memory),      cmocka_unit_test(test_vanished),      cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_no_memory_for_archives), cmocka_unit_test(test_every_call), /* of the files of those before */
        cmocka_unit_test(test_flip),        cmocka_unit_test(test_cifar),
    };
    return cmocka_run_group_tests_name("pictures sets", tests, enter_with_threads, leave_with_threads);
}
