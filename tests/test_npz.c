/* test_npz.c - archives of NumPy arrays: which array is read, stored and deflated, labels, and archives that lie. */
#include "data_files.h"

typedef struct part {
    const char *name;
    blob data;
    bool deflated;
} part;

static blob npy_of(const char *descr, const char *shape, const void *bytes, size_t n)
{
    char literal[256];
    int length = snprintf(literal, sizeof literal, "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }\n", descr, shape);
    blob b = {.size = 0};
    unsigned char start[10] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)length, (unsigned char)(length >> 8)};
    put(&b, start, sizeof start);
    put(&b, literal, (size_t)length);
    put(&b, bytes, n);
    return b;
}

static void put_little(blob *b, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) put(b, &(unsigned char){(unsigned char)(value >> 8 * i)}, 1);
}

static blob deflated(const blob *b)
{
    blob out = {.size = 0};
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)b->bytes, .avail_in = (uInt)b->size, .next_out = out.bytes,
                  .avail_out = sizeof out.bytes};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.size = z.total_out;
    deflateEnd(&z);
    return out;
}

enum { NARROW, WIDE }; /* how sizes are told: in 32 bits, or as archives of more than 4 GiB do: in 64 elsewhere */

static void put_size(blob *b, uint64_t value, int width)
{
    put_little(b, width == WIDE ? UINT32_MAX : value, 4);
}

/* Version, flags, method, time, checksum, sizes, length of the name: what both headers have. */
static void put_common(blob *b, const part *p, const blob *packed, int width)
{
    put_little(b, 20, 2);
    put_little(b, 0, 2);
    put_little(b, p->deflated ? 8 : 0, 2);
    put_little(b, 0, 4);
    put_little(b, crc32(0, p->data.bytes, (uInt)p->data.size), 4);
    put_size(b, packed->size, width);
    put_size(b, p->data.size, width);
    put_little(b, strlen(p->name), 2);
}

/* The extra fields of a header: a time that nothing reads, and n wide numbers. */
static blob extra_of(const uint64_t *values, int n, int width)
{
    blob b = {.size = 0};
    if (width == NARROW) return b;
    put(&b, "UT\1\0\0\1\0", 7);
    put_little(&b, 8 * (uint64_t)n, 2);
    for (int i = 0; i < n; i++) put_little(&b, values[i], 8);
    return b;
}

static void put_entry(blob *directory, const part *p, const blob *packed, uint64_t at, int width)
{
    blob extra = extra_of((const uint64_t[]){p->data.size, packed->size, at}, 3, width);
    put(directory, "PK\1\2\24\0", 6);
    put_common(directory, p, packed, width);
    put_little(directory, extra.size, 2);
    put(directory, "\0\0\0\0\0\0\0\0\0\0", 10); /* comment, part, attributes */
    put_size(directory, at, width);
    put(directory, p->name, strlen(p->name));
    put(directory, extra.bytes, extra.size);
}

static void put_wide_end(blob *b, int n, uint64_t size, uint64_t begin)
{
    uint64_t at = b->size;
    put(b, "PK\6\6", 4);
    put_little(b, 44, 8);
    put(b, "\0\0\0\0\0\0\0\0\0\0\0", 12); /* versions, parts */
    put_little(b, (uint64_t)n, 8);
    put_little(b, (uint64_t)n, 8);
    put_little(b, size, 8);
    put_little(b, begin, 8);
    put(b, "PK\6\7", 4);
    put_little(b, 0, 4);
    put_little(b, at, 8);
    put_little(b, 1, 4);
}

static blob zip_with(const part *parts, int n, int width)
{
    blob b = {.size = 0}, directory = {.size = 0};
    for (int i = 0; i < n; i++) {
        blob packed = parts[i].deflated ? deflated(&parts[i].data) : parts[i].data;
        blob extra = extra_of((const uint64_t[]){parts[i].data.size, packed.size}, 2, width);
        put_entry(&directory, &parts[i], &packed, b.size, width);
        put(&b, "PK\3\4", 4);
        put_common(&b, &parts[i], &packed, width);
        put_little(&b, extra.size, 2);
        put(&b, parts[i].name, strlen(parts[i].name));
        put(&b, extra.bytes, extra.size);
        put(&b, packed.bytes, packed.size);
    }
    size_t begin = b.size;
    put(&b, directory.bytes, directory.size);
    if (width == WIDE) put_wide_end(&b, n, directory.size, begin);
    put(&b, "PK\5\6\0\0\0\0", 8);
    put_little(&b, (uint64_t)n, 2);
    put_little(&b, (uint64_t)n, 2);
    put_size(&b, directory.size, width);
    put_size(&b, begin, width);
    put_little(&b, 0, 2);
    return b;
}

static blob zip_of(const part *parts, int n)
{
    return zip_with(parts, n, NARROW);
}

static blob three_with(int width)
{
    static const float x[6] = {1, 2, 3, 4, 5, 6}, other[2] = {7, 8};
    static const unsigned char y[3] = {0, 2, 1};
    const part parts[] = {{"other.npy", npy_of("<f4", "2, 1", other, sizeof other), false},
                          {"x.npy", npy_of("<f4", "3, 2", x, sizeof x), true},
                          {"y.npy", npy_of("|u1", "3,", y, sizeof y), false}};
    return zip_with(parts, 3, width);
}

static blob three(void)
{
    return three_with(NARROW);
}

static void test_arrays(void **state)
{
    (void)state;
    blob b = three();
    save("a.npz", &b);
    elbo_data *d = open_good("a.npz");
    assert_shape(d, 3, 1, 1, 2);
    assert_values(d, (const float[]){1, 2, 3, 4, 5, 6}, 6);
    int32_t labels[3];
    float x[6];
    read_all(d, x, labels);
    assert_true(labels[0] == 0 && labels[1] == 2 && labels[2] == 1 && elbo_data_describe(d)->n_classes == 3);
    elbo_data_free(d);
    d = open_good("a.npz:other");
    assert_values(d, (const float[]){7, 8}, 2);
    assert_int_equal(elbo_data_describe(d)->n_classes, 0);
    elbo_data_free(d);
    refuse("a.npz:z", ELBO_USAGE, "has no array \"z\"; say which of other, x, y is meant, as in a.npz:NAME");
    refuse("b.npz:x", ELBO_IO, "no such file");
    const part odd[] = {{"weights.npy", npy_of("|u1", "2, 1", "\1\2", 2), false},
                        {"bias.npy", npy_of("|u1", "1,", "\1", 1), false}};
    b = zip_of(odd, 1);
    save("one.npz", &b);
    elbo_data_free(open_good("one.npz"));
    b = zip_of(odd, 2);
    save("two.npz", &b);
    refuse("two.npz", ELBO_USAGE, "no array of a usual name; say which of weights, bias is meant");
}

/* Damage is refused, or is where nothing reads it; nothing large is allocated. */
static void test_every_bit_and_truncation(void **state)
{
    (void)state;
    blob whole = three();
    size_t live = seen.live, step = engine.cache ? 7 : 1; /* the second time, some: files on a busy disk take their time */
    char *cache = engine.cache;
    engine.cache = NULL;
    for (size_t n = 0; n < whole.size; n += step) {
        save_bytes("cut.npz", whole.bytes, n);
        assert_null(elbo_data_open(&engine, "cut.npz", "all", &err));
        assert_true(seen.live == live);
    }
    for (size_t bit = 0; bit < 8 * whole.size; bit += step) {
        blob b = whole;
        b.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        save("flip.npz", &b);
        seen.largest = 0;
        elbo_data *d = elbo_data_open(&engine, "flip.npz", "all", &err);
        if (d && elbo_data_describe(d)->count == 3 && data_example_size(d) == 2)
            assert_values(d, (const float[]){1, 2, 3, 4, 5, 6}, 6); /* never other numbers */
        elbo_data_free(d);
        d = elbo_data_open(&engine, "flip.npz:other", "all", &err);
        if (d && elbo_data_describe(d)->count == 2 && data_example_size(d) == 1) assert_values(d, (const float[]){7, 8}, 2);
        elbo_data_free(d);
        assert_true(seen.live == live && seen.largest < 200000);
    }
    engine.cache = cache;
}

static void test_lies(void **state)
{
    (void)state;
    blob whole = three(), b = whole;
    size_t local = 0;
    while (memcmp(whole.bytes + local, "x.npy", 5) != 0) local++;
    local -= 30;
    static const struct {
        size_t at;
        const char *word;
    } rows[] = {{8, "header and the directory differ"},
                {18, "header and the directory differ"},
                {30, "header and the directory differ"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        b = whole;
        b.bytes[local + rows[i].at] ^= 1;
        save("lie.npz", &b);
        refuse("lie.npz", ELBO_BAD_FILE, rows[i].word);
    }
    put(&whole, "x", 1);
    save("lie.npz", &whole);
    refuse("lie.npz", ELBO_BAD_FILE, "the end of the directory is missing");
}

/* A small archive in the words of one of more than 4 GiB. */
static void test_wide(void **state)
{
    (void)state;
    blob whole = three_with(WIDE), b = whole;
    save("wide.npz", &whole);
    elbo_data *d = open_good("wide.npz");
    assert_values(d, (const float[]){1, 2, 3, 4, 5, 6}, 6);
    assert_int_equal(elbo_data_describe(d)->n_classes, 3);
    elbo_data_free(d);
    d = open_good("wide.npz:other");
    assert_values(d, (const float[]){7, 8}, 2);
    elbo_data_free(d);
    fail_each_call("wide.npz", NULL);
    memset(b.bytes + b.size - 6, 0, 4); /* its size alone says that it is wide */
    save("wide.npz", &b);
    elbo_data_free(open_good("wide.npz"));
    size_t wide = whole.size - 22 - 20 - 56, entry = wide - 1;
    while (memcmp(whole.bytes + entry, "PK\1\2", 4) != 0) entry--; /* of y.npy */
    const struct {
        size_t at;
        const char *word;
    } rows[] = {{wide, "its wide directory is broken"},
                {wide + 32, "its wide directory is broken"},
                {wide + 40, "its directory is not where it should be"},
                {wide + 48, "its directory is not where it should be"},
                {entry + 46 + 5 + 2, "an extra field is broken"},
                {entry + 46 + 5 + 9, "header and the directory differ"},
                {entry + 46 + 5 + 17, "header and the directory differ"},
                {entry + 46 + 5 + 25, "a member has no header"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        b = whole;
        b.bytes[rows[i].at] ^= 0x40;
        save("lie.npz", &b);
        refuse("lie.npz", ELBO_BAD_FILE, rows[i].word);
    }
    b = (blob){.bytes = "PK\3\4", .size = 4};
    put(&b, whole.bytes + whole.size - 22, 22);
    save("lie.npz", &b);
    refuse("lie.npz", ELBO_BAD_FILE, "its wide directory is missing");
}

/* Archives of one member, or with a number changed. */
static void test_odd_archives(void **state)
{
    (void)state;
    char name[300];
    const part bytes = {"x.npy", npy_of("|u1", "2, 1", "\1\2", 2), false};
    part odd = bytes;
    blob b = zip_of(&bytes, 1);
    save("one.npz", &b);
    refuse("one.npz:y", ELBO_USAGE, "has no array \"y\"; say which of x is meant");
    blob packed = pack(&b), changed = b;
    save("gz.npz", &packed);
    refuse("gz.npz", ELBO_BAD_FILE, "a gzipped archive; unpack it with gunzip");
    changed.bytes[changed.size - 14] = changed.bytes[changed.size - 12] = 0x10;
    changed.bytes[changed.size - 13] = changed.bytes[changed.size - 11] = 0x27;
    save("many.npz", &changed);
    refuse("many.npz", ELBO_BAD_FILE, "its directory is not where it should be, or very large");
    size_t directory = b.size - 22 - 46 - 5;
    changed = b;
    changed.bytes[8] = changed.bytes[directory + 10] = 12;
    save("bzip2.npz", &changed);
    refuse("bzip2.npz", ELBO_BAD_FILE, "a member is neither stored nor deflated");
    changed = b;
    changed.bytes[directory + 8] = 1;
    save("secret.npz", &changed);
    refuse("secret.npz", ELBO_BAD_FILE, "it is encrypted");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    odd.name = name;
    b = zip_of(&odd, 1);
    save("long.npz", &b);
    refuse("long.npz", ELBO_BAD_FILE, "a name is too long or no text");
    odd = (part){"x.txt", {"words", 5}, false};
    b = zip_of(&odd, 1);
    save("words.npz", &b);
    refuse("words.npz", ELBO_BAD_FILE, "\"x.txt\" is no NumPy array");
    /* three labels are none of two examples, nor are two of two numbers */
    const part others[] = {{"y.npy", npy_of("|u1", "3,", "\1\2\0", 3), false},
                           {"y.npy", npy_of("|u1", "2, 2", "\1\2\0\1", 4), false}};
    for (int i = 0; i < 2; i++) {
        b = zip_of((const part[]){bytes, others[i]}, 2);
        save("others.npz", &b);
        elbo_data *d = open_good("others.npz");
        assert_int_equal(elbo_data_describe(d)->n_classes, 0);
        elbo_data_free(d);
    }
}

/* A directory as large as its archive, most of which is a hole. */
static void test_large_directory(void **state)
{
    (void)state;
    enum { LARGE = (1 << 24) + 1 };
    blob end = {"PK\5\6\0\0\0\0\1\0\1\0", 12};
    put_little(&end, LARGE, 4);
    put_little(&end, 0, 4);
    put_little(&end, 0, 2);
    save_bytes("large.npz", "PK\3\4", 4);
    assert_int_equal(truncate("large.npz", LARGE), 0);
    FILE *f = fopen("large.npz", "a");
    assert_true(fwrite(end.bytes, 1, end.size, f) == end.size && fclose(f) == 0);
    seen.largest = 0;
    refuse("large.npz", ELBO_BAD_FILE, "its directory is not where it should be, or very large");
    assert_true(seen.largest < 200000);
}

static void test_every_call(void **state)
{
    (void)state;
    blob whole = three();
    save("calls.npz", &whole);
    fail_each_call("calls.npz", NULL);
}

static void test_every_allocation(void **state)
{
    (void)state;
    blob whole = three();
    save("memory.npz", &whole);
    fail_each_allocation("memory.npz", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arrays), cmocka_unit_test(test_every_bit_and_truncation), cmocka_unit_test(test_lies),
        cmocka_unit_test(test_odd_archives), cmocka_unit_test(test_wide), cmocka_unit_test(test_large_directory),
        cmocka_unit_test(test_every_allocation), cmocka_unit_test(test_every_call),
    };
    return RUN_EITHER_WAY(tests);
}
