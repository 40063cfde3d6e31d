/* test_large.c - data that are not held in memory: files read where they lie, packed ones unpacked to a cache directory. They are
 * what they are in memory, byte for byte; a file that is cut short, or lies, is an error and leaves nothing behind; and a file
 * larger than the process may be is trained on. */
#include "data_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const char *cache = "cache/of elbo";

/* From now on so many bytes of a file are held in memory. */
static void hold(int64_t bytes)
{
    engine.data_memory = bytes;
    engine.cache = (char *)(uintptr_t)cache;
}

/* The examples of a data set with what is known of them, as bytes. */
static size_t look(const char *name, unsigned char *out)
{
    elbo_data *d = open_good(name);
    const elbo_data_info *info = elbo_data_describe(d);
    const double numbers[] = {info->min,   info->max, info->mean, info->step, (double)info->binary, (double)info->n_classes,
                              (double)info->count, (double)info->shape[0], (double)info->shape[1], (double)info->shape[2]};
    size_t size = data_example_size(d), used = sizeof numbers;
    memcpy(out, numbers, sizeof numbers);
    for (int64_t k = 0; k < info->count; k++) {
        int64_t i = (k * 7 + 3) % info->count; /* not in their order */
        int32_t label;
        float *x = malloc(size * sizeof *x);
        assert_int_equal(elbo_data_read(d, &i, 1, x, &label, &err), ELBO_OK);
        memcpy(out + used, x, size * sizeof *x);
        memcpy(out + used + size * sizeof *x, &label, sizeof label);
        used += size * sizeof *x + sizeof label;
        free(x);
    }
    uint64_t sum;
    assert_int_equal(data_fingerprint(d, &sum, &err), ELBO_OK);
    memcpy(out + used, &sum, sizeof sum);
    elbo_data_free(d);
    return used + sizeof sum;
}

static void assert_same_anywhere(const char *name, int64_t some)
{
    static unsigned char held[1 << 16], left[1 << 16];
    hold(INT64_MAX);
    size_t n = look(name, held);
    for (int i = 0; i < 2; i++) {
        hold(i ? some : 1);
        assert_int_equal(look(name, left), n);
        assert_memory_equal(left, held, n);
    }
}

/* ---- Formats ---- */

static void save_npy(const char *path, const char *descr, const char *shape, size_t size, bool packed)
{
    blob b = {.size = 0};
    char literal[128];
    int n = snprintf(literal, sizeof literal, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape);
    put(&b, "\x93NUMPY\1\0", 8);
    put(&b, (unsigned char[]){(unsigned char)n, 0}, 2);
    put(&b, literal, (size_t)n);
    for (size_t i = 0; i < size; i++) put(&b, &(unsigned char){(unsigned char)(i * 11 % 61)}, 1);
    b = packed ? pack(&b) : b;
    save(path, &b);
}

static void test_same_as_in_memory(void **state)
{
    (void)state;
    blob colour = IDX(8, 4, 3, 2, 5), masks = IDX(8, 6, 2, 2), real = IDX(13, 3, 1, 2);
    for (int i = 0; i < 4 * 3 * 2 * 5; i++) put_big(&colour, (uint64_t)(i * 13 % 256), 1);
    for (int i = 0; i < 24; i++) put_big(&masks, (uint64_t)i % 3 == 0, 1);
    for (uint32_t i = 0; i < 6; i++) put_big(&real, 0x3f800000 + i * 0x1000, 4);
    save("colour", &colour);
    save("masks", &masks);
    save("real", &real);
    save_npy("bytes.npy", "|u1", "(9, 4, 3)", 108, false);
    save_npy("floats.npy", "<f4", "(5, 3)", 60, false);
    save_npy("doubles.npy", "<f8", "(5, 3)", 120, false);
    save_npy("truths.npy", "|b1", "(7, 2, 2, 3)", 84, false);
    save_npy("packed.npy.gz", "<i2", "(11, 3)", 66, true);
    make_directory("parts", 21, 9); /* of which the test part is packed, and the smaller */
    const char *const names[] = {"colour",      "masks",      "real",          "bytes.npy", "floats.npy",
                                 "doubles.npy", "truths.npy", "packed.npy.gz", "parts"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        print_message("      %s\n", names[i]);
        assert_same_anywhere(names[i], 40);
    }
}

/* ---- Files that change, lie, or are too large ---- */

static void test_cut_short_while_in_use(void **state)
{
    (void)state;
    save_npy("cut.npy", "<f4", "(50, 4)", 800, false);
    hold(1);
    elbo_data *d = open_good("cut.npy");
    float x[4];
    int64_t last = 49, first = 0;
    assert_int_equal(elbo_data_read(d, &last, 1, x, NULL, &err), ELBO_OK);
    assert_int_equal(truncate("cut.npy", 300), 0);
    assert_int_equal(elbo_data_read(d, &last, 1, x, NULL, &err), ELBO_IO);
    assert_non_null(strstr(err.message, "became shorter while it was in use"));
    assert_int_equal(elbo_data_read(d, &first, 1, x, NULL, &err), ELBO_OK);
    elbo_data_free(d);
    refuse("cut.npy", ELBO_BAD_FILE, "expected 800 bytes");
}

static int files_in(const char *directory, char last[256])
{
    DIR *d = opendir(directory);
    int n = 0;
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.') continue;
        snprintf(last, 256, "%s/%s", directory, e->d_name);
        n++;
    }
    if (d) closedir(d);
    return n;
}

static void test_unpacked_once(void **state)
{
    (void)state;
    char name[256];
    struct stat before, after;
    save_npy("once.npy.gz", "<f4", "(50, 4)", 800, true);
    cache = "once";
    hold(1);
    elbo_data_free(open_good("once.npy.gz"));
    assert_int_equal(files_in(cache, name), 1);
    assert_int_equal(stat(name, &before), 0);
    assert_int_equal(before.st_size, 800);
    save_bytes("once/killed.values.1-0.tmp", "x", 1);
    elbo_data_free(open_good("once.npy.gz"));
    assert_int_equal(stat(name, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    /* Half of it, as no kill leaves it, is not taken for all of it. */
    assert_int_equal(truncate(name, 400), 0);
    elbo_data_free(open_good("once.npy.gz"));
    assert_int_equal(files_in(cache, name), 1);
    /* What the file was before is removed when it is unpacked anew. */
    assert_int_equal(stat("once.npy.gz", &before), 0);
    int stays = open("once.npy.gz", O_RDONLY);
    assert_int_equal(chmod("once.npy.gz", 0600), 0); /* a change in place: the same file in another state */
    elbo_data_free(open_good("once.npy.gz"));
    close(stays);
    assert_int_equal(files_in(cache, name), 1);
}

static void test_packed_lies(void **state)
{
    (void)state;
    char name[256];
    cache = "lies";
    save_npy("short.npy.gz", "<f4", "(50, 4)", 700, true);
    save_npy("long.npy.gz", "<f4", "(50, 4)", 801, true);
    save_npy("damaged.npy.gz", "<f4", "(50, 4)", 800, true);
    FILE *f = fopen("damaged.npy.gz", "r+");
    assert_true(fseek(f, -8, SEEK_END) == 0 && fputc('!', f) == '!' && fclose(f) == 0);
    hold(1);
    refuse("short.npy.gz", ELBO_BAD_FILE, "expected 800 bytes");
    refuse("long.npy.gz", ELBO_BAD_FILE, "more than 800");
    refuse("damaged.npy.gz", ELBO_BAD_FILE, "gzip data are broken");
    assert_int_equal(files_in(cache, name), 0);
}

static void test_refused_without_a_cache(void **state)
{
    (void)state;
    save_npy("nowhere.npy.gz", "<f4", "(50, 4)", 800, true);
    hold(100);
    engine.cache = NULL;
    refuse("nowhere.npy.gz", ELBO_NO_MEMORY, "have 800 bytes; at most 100");
    save("a file", &(blob){.size = 1});
    engine.cache = (char *)(uintptr_t) "a file";
    refuse("nowhere.npy.gz", ELBO_IO, "a file");
}

/* ---- Training on more than memory ---- */

enum { ROWS = 400000, WIDTH = 256, LIMIT = 256 << 20, TRAINED = 42, UNLIMITED = 77 };

/* 390 MiB, nearly all of them a hole, in a file. */
static void save_large(const char *path)
{
    save_npy(path, "<f4", "(400000, 256)", 0, false);
    struct stat s;
    assert_int_equal(stat(path, &s), 0);
    assert_int_equal(truncate(path, s.st_size + (off_t)ROWS * WIDTH * 4), 0);
    FILE *f = fopen(path, "r+");
    for (int i = 0; i < 200; i++) {
        float one = 1;
        assert_int_equal(fseek(f, s.st_size + (long)i * (ROWS / 200) * WIDTH * 4, SEEK_SET), 0);
        assert_int_equal(fwrite(&one, sizeof one, 1, f), 1);
    }
    assert_int_equal(fclose(f), 0);
}

static int stop(void *user, const elbo_event *event)
{
    (void)event;
    return ++*(int *)user > 5;
}

static int train_within(const char *path)
{
    elbo_error error = {0};
    if (setrlimit(RLIMIT_AS, &(struct rlimit){LIMIT, LIMIT}) != 0) return UNLIMITED;
    elbo_engine *e = elbo_engine_open(&(elbo_engine_options){.threads = 2}, &error);
    elbo_data *d = e ? elbo_data_open(e, path, "all", &error) : NULL;
    elbo_config *c = d ? elbo_config_new(e, &error) : NULL;
    int steps = 0;
    elbo_train_options o = {.on_event = stop, .user = &steps};
    if (c) elbo_config_set(c, "encoder", "dense 8 relu", &error);
    if (c) elbo_config_set(c, "decoder", "dense 8 relu", &error);
    if (c) elbo_config_set(c, "validation", "0", &error);
    elbo_model_free(c ? elbo_train(e, c, d, &o, &error) : NULL);
    elbo_config_free(c);
    elbo_data_free(d);
    elbo_engine_close(e);
    if (steps <= 5) fprintf(stderr, "%s\n", error.message);
    return steps > 5 ? TRAINED : 1;
}

static void test_training_on_more_than_memory(void **state)
{
    (void)state;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    skip(); /* whose shadows need more than any limit */
#endif
#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    skip();
#endif
#endif
    save_large("large.npy");
    pid_t child = fork();
    if (child == 0) _exit(train_within("large.npy"));
    int status = 0;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == UNLIMITED) skip();
    assert_int_equal(WEXITSTATUS(status), TRAINED);
}

/* The parameters after two epochs. */
static size_t train_on(const char *path, float *code)
{
    elbo_data *d = open_good(path);
    elbo_config *c = elbo_config_new(&engine, &err);
    const char *const options[][2] = {{"encoder", "dense 6 relu"}, {"decoder", "dense 6 relu"}, {"latent", "2"}, {"epochs", "2"},
                                      {"batch", "7"}, {"likelihood", "gaussian"}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        assert_int_equal(elbo_config_set(c, options[i][0], options[i][1], &err), ELBO_OK);
    elbo_model *m = elbo_train(&engine, c, d, NULL, &err);
    if (!m) print_message("      %s\n", err.message);
    assert_non_null(m);
    int64_t index[40];
    float x[40 * 4];
    for (int64_t i = 0; i < 40; i++) index[i] = i;
    assert_int_equal(elbo_data_read(d, index, 40, x, NULL, &err), ELBO_OK);
    assert_int_equal(elbo_model_encode(m, x, 40, code, NULL, &err), ELBO_OK);
    elbo_model_free(m);
    elbo_config_free(c);
    elbo_data_free(d);
    return 40 * 2 * sizeof *code;
}

static void test_training_is_the_same(void **state)
{
    (void)state;
    float held[80], left[80];
    blob b = {.size = 0};
    put(&b, "\x93NUMPY\1\0\x3b\0{'descr': '<f4', 'fortran_order': False, 'shape': (40, 4)}\n", 10 + 59);
    for (int i = 0; i < 160; i++) put(&b, &(float){(float)(i * 29 % 97) / 97}, sizeof(float));
    save("train.npy", &b);
    engine.threads = pool_open(engine.m, 2, &err);
    hold(INT64_MAX);
    size_t n = train_on("train.npy", held);
    hold(1);
    assert_int_equal(train_on("train.npy", left), n);
    assert_memory_equal(held, left, n);
    if (engine.library_close) engine.library_close(engine.library);
    pool_close(engine.threads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_in_memory),       cmocka_unit_test(test_cut_short_while_in_use),
        cmocka_unit_test(test_unpacked_once),           cmocka_unit_test(test_packed_lies),
        cmocka_unit_test(test_refused_without_a_cache), cmocka_unit_test(test_training_on_more_than_memory),
        cmocka_unit_test(test_training_is_the_same),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
