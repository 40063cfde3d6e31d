/* test_data_files.c - what each file format accepts and refuses, labels, directories and known names, and that every
 * broken file gives a clean error and no large allocation. */
#include "data_files.h"

#include "../src/data/gz.h"

/* ---- IDX ---- */

static void test_idx_u8(void **state)
{
    (void)state;
    blob b = idx_pictures(3, 2, 4);
    save("a-idx3-ubyte", &b);
    elbo_data *d = open_good("a-idx3-ubyte");
    const elbo_data_info *info = elbo_data_describe(d);
    assert_shape(d, 3, 2, 4, 1);
    assert_int_equal(info->dtype, ELBO_U8);
    assert_string_equal(info->name, "a-idx3-ubyte");
    assert_string_equal(info->path, "a-idx3-ubyte");
    assert_int_equal(info->binary, 0);
    assert_int_equal(info->n_classes, 0);
    assert_true(info->min == 0 && info->max == (double)(161.0f / 255));
    assert_true(fabs(info->mean - 80.5 / 255) < 1e-9);
    float expected[24];
    for (int i = 0; i < 24; i++) expected[i] = (float)(7 * i) / 255.0f;
    assert_values(d, expected, 24);
    elbo_data_free(d);
}

static void test_idx_types(void **state)
{
    (void)state;
    static const struct {
        unsigned char code;
        int bytes;
        uint64_t bits[3];
        float values[3];
    } rows[] = {
        {0x09, 1, {0xff, 0x80, 0x7f}, {-1, -128, 127}},
        {0x0b, 2, {0xffff, 0x8000, 0x0102}, {-1, -32768, 258}},
        {0x0c, 4, {0xffffffff, 0x80000000, 0x00010000}, {-1, -2147483648.0f, 65536}},
        {0x0d, 4, {0x3fc00000, 0xc0000000, 0}, {1.5f, -2, 0}},
        {0x0e, 8, {0x3ff8000000000000, 0xc000000000000000, 0x3fb999999999999a}, {1.5f, -2, 0.1f}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        blob b = IDX(rows[r].code, 1, 3);
        for (int i = 0; i < 3; i++) put_big(&b, rows[r].bits[i], rows[r].bytes);
        save("types", &b);
        elbo_data *d = open_good("./types");
        assert_shape(d, 1, 1, 1, 3);
        assert_int_equal(elbo_data_describe(d)->dtype, ELBO_F32);
        assert_values(d, rows[r].values, 3);
        elbo_data_free(d);
    }
}

static void test_idx_channels_first(void **state)
{
    (void)state;
    enum { N = 2, C = 3, H = 2, W = 4 };
    blob b = IDX(8, N, C, H, W);
    for (uint32_t i = 0; i < N * C * H * W; i++) put_big(&b, i, 1);
    save("chw", &b);
    elbo_data *d = open_good("./chw");
    assert_shape(d, N, H, W, C);
    float got[N][H][W][C];
    read_all(d, &got[0][0][0][0], NULL);
    for (int n = 0; n < N; n++)
        for (int h = 0; h < H; h++)
            for (int w = 0; w < W; w++)
                for (int c = 0; c < C; c++)
                    assert_true(got[n][h][w][c] == (float)(((n * C + c) * H + h) * W + w) / 255.0f);
    elbo_data_free(d);
}

static void test_idx_ranks(void **state)
{
    (void)state;
    blob one = IDX(8, 3), two = IDX(8, 2, 3);
    put(&one, "\x01\x02\x03", 3);
    put(&two, "\x01\x02\x03\x04\x05\x06", 6);
    save("one", &one);
    save("two", &two);
    elbo_data *d = open_good("./one");
    assert_shape(d, 3, 1, 1, 1);
    elbo_data_free(d);
    d = open_good("./two");
    assert_shape(d, 2, 1, 1, 3);
    elbo_data_free(d);
}

static void test_idx_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t magic, sizes[5];
        int n_sizes;
        size_t payload;
        const char *word;
    } rows[] = {
        {0x00010803, {1, 2, 2}, 3, 4, "begins with 00 01 08 03"},
        {0x89504e47, {1, 2, 2}, 3, 4, "begins with 89 50 4e 47"},
        {0x00000003, {1, 2, 2}, 3, 4, "begins with"},
        {0x00000a03, {1, 2, 2}, 3, 4, "offset 2: got 0x0a"},
        {0x00000f03, {1, 2, 2}, 3, 4, "offset 2: got 0x0f"},
        {0x00000800, {1}, 1, 4, "begins with"},
        {0x00000805, {1, 1, 1, 1, 4}, 5, 4, "rank at offset 3: got 5"},
        {0x00000803, {1, 2}, 2, 0, "IDX header at offset 0: expected 16 bytes, the file has 12"},
        {0x00000803, {0, 2, 2}, 3, 0, "offset 4: got 0"},
        {0x00000803, {1, 2, 0}, 3, 0, "offset 12: got 0"},
        {0x00000803, {1, 2, 2}, 3, 3, "values at offset 16: expected 4 bytes, the file has 3"},
        {0x00000803, {1, 2, 2}, 3, 5, "expected 4 bytes, the file has 5"},
        {0x00000803, {1, 2, 2}, 3, 0, "expected 4 bytes, the file has 0"},
        {0x00000d03, {1, 2, 2}, 3, 4, "expected 16 bytes, the file has 4"},
        {0x00000803, {0xffffffff, 2, 2}, 3, 100, "expected 17179869180 bytes, the file has 100"},
        {0x00000803, {0xffffffff, 0xffffffff, 0xffffffff}, 3, 100, "more than memory can hold"},
        {0x00000e02, {0xffffffff, 0xffffffff}, 2, 100, "more than memory can hold"},
        {0x00000804, {0x10000, 0x10000, 0x10000, 0x10000}, 4, 100, "more than memory can hold"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        blob b = {.size = 0};
        put_big(&b, rows[r].magic, 4);
        for (int i = 0; i < rows[r].n_sizes; i++) put_big(&b, rows[r].sizes[i], 4);
        b.size += rows[r].payload;
        save("bad", &b);
        seen.largest = 0;
        refuse("./bad", ELBO_BAD_FILE, rows[r].word);
        assert_true(seen.largest < 100000);
    }
}

/* ---- gzip ---- */

static void test_gz(void **state)
{
    (void)state;
    blob b = idx_pictures(5, 4, 4), z = pack(&b);
    save("plain", &b);
    save("packed", &z);
    elbo_data *plain = open_good("./plain"), *packed = open_good("./packed");
    float values[80];
    read_all(plain, values, NULL);
    assert_values(packed, values, 80);
    elbo_data_free(plain);
    elbo_data_free(packed);
}

static void test_gz_two_members(void **state)
{
    (void)state;
    blob b = idx_pictures(5, 4, 4), first = b, second = {.size = 0};
    first.size = 30;
    put(&second, b.bytes + 30, b.size - 30);
    blob z = pack(&first), rest = pack(&second);
    put(&z, rest.bytes, rest.size);
    save("members", &z);
    elbo_data *d = open_good("./members");
    assert_shape(d, 5, 4, 4, 1);
    elbo_data_free(d);
    put(&z, "junk", 4);
    save("members", &z);
    refuse("./members", ELBO_BAD_FILE, "gzip");
}

static void test_gz_wrong_sizes(void **state)
{
    (void)state;
    blob shorter = idx_pictures(5, 4, 4), longer = shorter;
    shorter.size -= 3;
    put(&longer, "x", 1);
    blob z = pack(&shorter);
    save("gz", &z);
    refuse("./gz", ELBO_BAD_FILE, "values at offset 16: expected 80 bytes, the file has 77");
    z = pack(&longer);
    save("gz", &z);
    refuse("./gz", ELBO_BAD_FILE, "values at offset 16: expected 80 bytes, the file has more than 80");
}

static void test_gz_broken(void **state)
{
    (void)state;
    blob b = idx_pictures(5, 4, 4), z = pack(&b);
    z.bytes[z.size - 6] ^= 1; /* the checksum */
    save("gz", &z);
    refuse("./gz", ELBO_BAD_FILE, "incorrect data check");
    z = pack(&b);
    z.bytes[2] = 7; /* the method */
    save("gz", &z);
    refuse("./gz", ELBO_BAD_FILE, "unknown compression method");
}

/* A few kilobytes that unpack to 8 MiB behind a header that announces 16 bytes, and behind one that announces 64 GiB.
 * */
static void test_gz_bomb(void **state)
{
    (void)state;
    enum { BIG = 8 << 20 };
    unsigned char *zeros = calloc(1, BIG), *packed = malloc(BIG / 64);
    static const uint32_t claims[][3] = {{1, 4, 4}, {0x10000, 0x1000, 0x100}};
    static const char *const words[] = {"the file has more than 16",
                                        "expected 68719476736 bytes, the file has at most"};
    for (int i = 0; i < 2; i++) {
        blob header = idx_header(8, 3, claims[i]);
        memcpy(zeros, header.bytes, header.size);
        z_stream z = {.next_in = zeros, .avail_in = BIG, .next_out = packed, .avail_out = BIG / 64};
        assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        save_bytes("bomb", packed, z.total_out);
        deflateEnd(&z);
        seen.largest = 0;
        refuse("./bomb", ELBO_BAD_FILE, words[i]);
        assert_true(seen.largest < 200000);
    }
    free(zeros);
    free(packed);
}

/* The first of two members ends where a piece that is read of the file does. */
static void test_gz_member_as_long_as_a_piece(void **state)
{
    (void)state;
    enum { PIECE = 1 << 16 };
    static unsigned char bytes[2 * PIECE];
    blob b = idx_pictures(5, 4, 4), first = b, second = {.size = 0};
    first.size = 30;
    put(&second, b.bytes + 30, b.size - 30);
    blob z = pack(&first), rest = pack(&second);
    memcpy(bytes, z.bytes, 10);
    bytes[3] |= 8; /* a name follows */
    memset(bytes + 10, 'x', PIECE - z.size - 1);
    memcpy(bytes + PIECE - (z.size - 10), z.bytes + 10, z.size - 10);
    memcpy(bytes + PIECE, rest.bytes, rest.size);
    save_bytes("piece", bytes, PIECE + rest.size);
    elbo_data *d = open_good("./piece");
    assert_shape(d, 5, 4, 4, 1);
    elbo_data_free(d);
}

/* More than is unpacked at a time. */
static void test_gz_large(void **state)
{
    (void)state;
    enum { N = 3, SIDE = 1024, SIZE = SIDE * SIDE };
    unsigned char *pixels = malloc(SIZE), *got = malloc(SIZE);
    blob header = IDX(8, N, SIDE, SIDE);
    gzFile f = gzopen("large", "wb1");
    assert_int_equal(gzwrite(f, header.bytes, (unsigned)header.size), (int)header.size);
    for (int n = 0; n < N; n++) {
        memset(pixels, 40 * n + 1, SIZE);
        assert_int_equal(gzwrite(f, pixels, SIZE), SIZE);
    }
    gzclose(f);
    elbo_data *d = open_good("./large");
    for (int64_t n = 0; n < N; n++) {
        assert_int_equal(data_read_raw(d, &n, 1, got, NULL, &err), ELBO_OK);
        memset(pixels, 40 * (int)n + 1, SIZE);
        assert_memory_equal(got, pixels, SIZE);
    }
    elbo_data_free(d);
    free(pixels);
    free(got);
}

/* Text is read up to a limit; where a byte lies is known before the first are read, and after. */
static void test_gz_text(void **state)
{
    (void)state;
    blob b = {"twenty bytes of text", 20}, z = pack(&b);
    save("text", &b);
    save("text.gz", &z);
    const char *const names[] = {"text", "text.gz"};
    static const size_t most[] = {20, 19, 3};
    for (int i = 0; i < 6; i++) {
        gz *g;
        unsigned char *all;
        size_t n;
        assert_int_equal(gz_open(&g, engine.m, names[i % 2], &err), ELBO_OK);
        assert_true(gz_packed(g) || gz_offset(g) == 0);
        elbo_status status = gz_read_all(g, most[i / 2], &all, &n, &err);
        if (i < 2) assert_true(status == ELBO_OK && n == 20 && memcmp(all, b.bytes, 20) == 0 && gz_offset(g) == gz_end(g));
        else assert_true(status == ELBO_BAD_FILE && !all && strstr(err.message, i < 4 ? "more than 19 " : "more than 3 "));
        mem_free(engine.m, all);
        gz_close(g);
    }
}

/* ---- npy ---- */

static blob npy_file(int version, const char *literal, const void *values, size_t n)
{
    blob b = {.size = 0};
    size_t length = strlen(literal);
    put(&b, "\x93NUMPY", 6);
    put_big(&b, (uint64_t)version << 8, 2);
    for (int i = 0; i < (version == 1 ? 2 : 4); i++) put_big(&b, length >> 8 * i & 255, 1);
    put(&b, literal, length);
    put(&b, values, n);
    return b;
}

static const float six[] = {0, 1, 2, 3, 4, 5};

static void accept_npy(const blob *b, const int64_t shape[4], const float *values, size_t n)
{
    save("a.npy", b);
    elbo_data *d = open_good("a.npy");
    assert_shape(d, shape[0], shape[1], shape[2], shape[3]);
    assert_values(d, values, n);
    elbo_data_free(d);
}

static void test_npy_versions(void **state)
{
    (void)state;
    for (int version = 1; version <= 3; version++) {
        blob b = npy_file(version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n", six, sizeof six);
        accept_npy(&b, (int64_t[]){2, 1, 1, 3}, six, 6);
    }
}

static void test_npy_literals(void **state)
{
    (void)state;
    static const struct {
        const char *literal;
        int64_t shape[4];
    } rows[] = {
        {"{'descr':'<f4','fortran_order':False,'shape':(2,3)}\n", {2, 1, 1, 3}},
        {"{\"shape\": (2, 3,), \"descr\": \"<f4\", \"fortran_order\": False}\n", {2, 1, 1, 3}},
        {"{ 'shape' : ( 6 , ) , 'descr' : '<f4' , 'fortran_order' : False , }\n", {6, 1, 1, 1}},
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (6,), }\n", {6, 1, 1, 1}},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }\n", {1, 2, 3, 1}},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 1, 3), }\n", {1, 2, 1, 3}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        blob b = npy_file(1, rows[r].literal, six, sizeof six);
        accept_npy(&b, rows[r].shape, six, 6);
    }
}

static void test_npy_types(void **state)
{
    (void)state;
    static const struct {
        const char *descr;
        int bytes;
        uint64_t bits[3]; /* big-endian */
        float values[3];
    } rows[] = {
        {"|u1", 1, {0, 51, 255}, {0, 0.2f, 1}},
        {"|u1", 1, {0, 1, 1}, {0, 1, 1}}, /* masks */
        {"|u1", 1, {0, 1, 2}, {0, 1.0f / 255.0f, 2.0f / 255.0f}},
        {"|b1", 1, {0, 1, 1}, {0, 1, 1}},
        {"|i1", 1, {0xff, 1, 0x80}, {-1, 1, -128}},
        {">u2", 2, {0xffff, 1, 256}, {65535, 1, 256}},
        {">i2", 2, {0xffff, 1, 256}, {-1, 1, 256}},
        {">f2", 2, {0x3e00, 0xc000, 0x0001}, {1.5f, -2, 5.9604644775390625e-8f}},
        {">u4", 4, {0xffffffff, 1, 256}, {4294967296.0f, 1, 256}},
        {">i4", 4, {0xffffffff, 1, 256}, {-1, 1, 256}},
        {">f4", 4, {0x3fc00000, 0xc0000000, 0}, {1.5f, -2, 0}},
        {">u8", 8, {0x8000000000000000, 1, 256}, {9223372036854775808.0f, 1, 256}},
        {">i8", 8, {0xffffffffffffffff, 1, 256}, {-1, 1, 256}},
        {">f8", 8, {0x3ff8000000000000, 0xc000000000000000, 0}, {1.5f, -2, 0}},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        for (int little = 0; little < 2; little++) {
            char literal[128];
            snprintf(literal, sizeof literal, "{'descr': '%s', 'fortran_order': False, 'shape': (3, 1), }\n",
                     rows[r].descr);
            if (little && rows[r].bytes > 1) *strchr(literal, '>') = '<';
            blob b = npy_file(1, literal, "", 0);
            for (int i = 0; i < 3; i++) {
                if (little)
                    for (int k = 0; k < rows[r].bytes; k++) put_big(&b, rows[r].bits[i] >> 8 * k & 255, 1);
                else
                    put_big(&b, rows[r].bits[i], rows[r].bytes);
            }
            accept_npy(&b, (int64_t[]){3, 1, 1, 1}, rows[r].values, 3);
        }
    }
}

static void test_npy_fortran(void **state)
{
    (void)state;
    const float columns[] = {0, 3, 1, 4, 2, 5};
    blob b = npy_file(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n", columns, sizeof columns);
    accept_npy(&b, (int64_t[]){2, 1, 1, 3}, six, 6);
    enum { N = 2, H = 3, W = 2, C = 3 };
    unsigned char bytes[N * H * W * C];
    float expected[N * H * W * C];
    for (int n = 0; n < N; n++)
        for (int h = 0; h < H; h++)
            for (int w = 0; w < W; w++)
                for (int c = 0; c < C; c++) {
                    int at = ((n * H + h) * W + w) * C + c;
                    bytes[n + N * (h + H * (w + W * c))] = (unsigned char)(at + 10);
                    expected[at] = (float)(at + 10) / 255.0f;
                }
    b = npy_file(1, "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2, 3), }\n", bytes, sizeof bytes);
    accept_npy(&b, (int64_t[]){N, H, W, C}, expected, N * H * W * C);
}

static void test_npy_refused(void **state)
{
    (void)state;
#define F4   "'descr': '<f4', 'fortran_order': False, "
#define GOOD "{" F4 "'shape': (2, 3), }\n"
    static const struct {
        const char *literal, *word;
    } rows[] = {
        {"{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }\n", "objects"},
        {"{'descr': '<f1', 'fortran_order': False, 'shape': (2, 3), }\n", "type of real or whole"},
        {"{'descr': '<b4', 'fortran_order': False, 'shape': (2, 3), }\n", "type of real or whole"},
        {"{'descr': '|f4', 'fortran_order': False, 'shape': (2, 3), }\n", "type of real or whole"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }\n", "type of real or whole"},
        {"{'descr': '<U4', 'fortran_order': False, 'shape': (2, 3), }\n", "type of real or whole"},
        {"{'descr': '<f16', 'fortran_order': False, 'shape': (2, 3), }\n", "type of real or whole"},
        {"{'descr': '<f3', 'fortran_order': False, 'shape': (2, 3), }\n", "type of real or whole"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }\n", "records"},
        {"{'descr': '<f4\", 'fortran_order': False, 'shape': (2, 3), }\n", "type of real or whole"},
        {"{" F4 "}\n", "three keys"},
        {"{'descr': '<f4', 'shape': (2, 3), }\n", "three keys"},
        {"{}\n", "three keys"},
        {"{" F4 "'shape': (2, 3), 'extra': 1, }\n", "one of the keys"},
        {"{" F4 "'shapes': (2, 3), }\n", "one of the keys"},
        {"{" F4 "' shape': (2, 3), }\n", "one of the keys"},
        {"{" F4 "'shape': (2, 3), 'shape': (2, 3), }\n", "each key once"},
        {"{" F4 "'shape' (2, 3), }\n", "expected :"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 3), }\n", "True or False"},
        {"{" F4 "'shape': [2, 3], }\n", "tuple"},
        {"{" F4 "'shape': (6), }\n", "tuple of one"},
        {"{" F4 "'shape': (), }\n", "single number"},
        {"{" F4 "'shape': (-2, 3), }\n", "a size from"},
        {"{" F4 "'shape': (2L, 3), }\n", "expected , or )"},
        {"{" F4 "'shape': (2 3), }\n", "expected , or )"},
        {"{" F4 "'shape': (2,, 3), }\n", "a size from"},
        {"{" F4 "'shape': (2, 3, 1, 1, 1), }\n", "at most 4 axes"},
        {"{" F4 "'shape': (0, 3), }\n", "a size is 0"},
        {"{" F4 "'shape': (18446744073709551617, 6), }\n", "a size from"},
        {"{" F4 "'shape': (4294967296, 4294967296, 0), }\n", "a size is 0"},
        {"{" F4 "'shape': (4294967296, 4294967296), }\n", "more than memory"},
        {"{" F4 "'shape': (4611686018427387905, 4), }\n", "more than memory"},
        {"{" F4 "'shape': (4611686018427387904, 1), }\n", "more than memory"},
        {"{" F4 "'shape': (1000000000, 1000), }\n", "expected 4000000000000 bytes, the file has 24"},
        {"{" F4 "'shape': (2, 4), }\n", "expected 32 bytes, the file has 24"},
        {"{" F4 "'shape': (2, 2), }\n", "expected 16 bytes, the file has 24"},
        {"{" F4 "'shape': (2, 3), }", "newline"},
        {"{" F4 "'shape': (2, 3), }x\n", "newline"},
        {"{" F4 "'shape': (2, 3), }\n\n", "newline"},
        {"{" F4 "'shape': (2, 3)\n", "expected , or }"},
        {"{" F4 "'shape': (2, 3) 'x'}\n", "expected , or }"},
        {"" F4 "'shape': (2, 3), }\n", "expected {"},
        {"", "expected {"},
        {"{'", "one of the keys"},
        {"{'descr", "one of the keys"},
        {"{'descr': <f4<, ", "type of real or whole"},
        {"{'descr': '<f4x', ", "type of real or whole"},
        {"{'descr': '<\0f4', ", "type of real or whole"},
        {"{'descr': '\x01\x02\xff', ", "got \"'\?\?\?'"},
    };
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        blob b = npy_file(1, rows[r].literal, six, sizeof six);
        save("bad.npy", &b);
        seen.largest = 0;
        refuse("bad.npy", ELBO_BAD_FILE, rows[r].word);
        assert_true(seen.largest < 100000);
    }
}

static void test_npy_preamble_refused(void **state)
{
    (void)state;
    blob b = npy_file(1, GOOD, six, sizeof six);
    b.bytes[6] = 4;
    save("bad.npy", &b);
    refuse("bad.npy", ELBO_BAD_FILE, "version at offset 6: got 4.0");
    b.bytes[6] = 1;
    b.bytes[7] = 1;
    save("bad.npy", &b);
    refuse("bad.npy", ELBO_BAD_FILE, "got 1.1");
    b = npy_file(2, GOOD, six, sizeof six);
    memcpy(b.bytes + 8, "\xff\xff\xff\xff", 4);
    save("bad.npy", &b);
    seen.largest = 0;
    refuse("bad.npy", ELBO_BAD_FILE, "got 4294967295 bytes, expected at most 65536");
    assert_true(seen.largest < 100000);
    b = npy_file(1, "{'descr': '<f#', ", "", 0);
    *(char *)memchr(b.bytes, '#', b.size) = 0;
    save("bad.npy", &b);
    refuse("bad.npy", ELBO_BAD_FILE, "type of real or whole");
    b = npy_file(2, GOOD, six, sizeof six);
    memcpy(b.bytes + 8, "\xff\xff\0\0", 4);
    save("bad.npy", &b);
    refuse("bad.npy", ELBO_BAD_FILE, "header at offset 12: expected 65535 bytes");
}

static void test_npy_write(void **state)
{
    (void)state;
    assert_int_equal(elbo_npy_write(&engine, "w.npy", six, (int64_t[]){1, 1, 2, 3}, 4, &err), ELBO_OK);
    elbo_data *d = open_good("w.npy");
    assert_shape(d, 1, 1, 2, 3);
    assert_values(d, six, 6);
    elbo_data_free(d);
    assert_int_equal(elbo_npy_write(&engine, "w.npy", six, (int64_t[]){6}, 1, &err), ELBO_OK);
    unsigned char bytes[128 + 24 + 1];
    FILE *f = fopen("w.npy", "rb");
    assert_true(fread(bytes, 1, sizeof bytes, f) == 128 + 24);
    fclose(f);
    assert_memory_equal(bytes, "\x93NUMPY\x01\x00", 8);
    assert_int_equal(10 + bytes[8] + 256 * bytes[9], 128);
    assert_memory_equal(bytes + 128, six, sizeof six);
    assert_non_null(strstr((const char *)bytes + 10, "'shape': (6,), }"));
    assert_int_equal(elbo_npy_write(&engine, "w.npy", six, (int64_t[]){6}, 7, &err), ELBO_USAGE);
    assert_int_equal(elbo_npy_write(&engine, "w.npy", six, (int64_t[]){6}, 0, &err), ELBO_USAGE);
    assert_int_equal(elbo_npy_write(&engine, "w.npy", six, (int64_t[]){0}, 1, &err), ELBO_USAGE);
    assert_int_equal(elbo_npy_write(&engine, "w.npy", six, (int64_t[]){INT64_MAX, 3}, 2, &err), ELBO_USAGE);
    assert_int_equal(elbo_npy_write(NULL, "w.npy", six, (int64_t[]){6}, 1, &err), ELBO_USAGE);
    assert_int_equal(elbo_npy_write(&engine, NULL, six, (int64_t[]){6}, 1, &err), ELBO_USAGE);
    assert_int_equal(elbo_npy_write(&engine, "w.npy", NULL, (int64_t[]){6}, 1, &err), ELBO_USAGE);
    assert_int_equal(elbo_npy_write(&engine, "w.npy", six, NULL, 1, &err), ELBO_USAGE);
    size_t live = seen.live;
    elbo_status status = ELBO_NO_MEMORY;
    for (long at = 0; at < 50 && status != ELBO_OK; at++) {
        seen.n = 0;
        seen.fail_at = at;
        status = elbo_npy_write(&engine, "memory.npy", six, (int64_t[]){6}, 1, &err);
        assert_true(status == ELBO_OK || (err.code == ELBO_NO_MEMORY && access("memory.npy", F_OK) != 0));
        assert_true(seen.live == live);
    }
    seen.fail_at = -1;
    assert_int_equal(status, ELBO_OK);
    assert_int_equal(elbo_npy_write(&engine, "none/w.npy", six, (int64_t[]){6}, 1, &err), ELBO_IO);
}

/* ---- Any file ---- */

static void test_every_truncation(void **state)
{
    (void)state;
    blob files[5] = {idx_pictures(2, 3, 3), npy_file(1, GOOD, six, sizeof six), npy_file(2, GOOD, six, sizeof six)};
    files[3] = pack(&files[0]);
    files[4] = pack(&files[1]);
    for (int f = 0; f < 5; f++) {
        save("whole", &files[f]);
        elbo_data_free(open_good("./whole"));
        for (size_t n = 0; n < files[f].size; n++) {
            save_bytes("cut", files[f].bytes, n);
            size_t live = seen.live;
            assert_null(elbo_data_open(&engine, "./cut", "all", &err));
            assert_int_equal(err.code, ELBO_BAD_FILE);
            assert_true(seen.live == live);
        }
    }
}

static void test_every_bit_flip_is_safe(void **state)
{
    (void)state;
    blob files[4] = {idx_pictures(2, 3, 3), npy_file(1, GOOD, six, sizeof six)};
    files[2] = pack(&files[0]);
    files[3] = pack(&files[1]);
    size_t live = seen.live;
    for (int f = 0; f < 4; f++) {
        for (size_t bit = 0; bit < 8 * files[f].size; bit++) {
            blob b = files[f];
            b.bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
            save("flip", &b);
            seen.largest = 0;
            elbo_data *d = elbo_data_open(&engine, "./flip", "all", &err);
            assert_true(d || err.code == ELBO_BAD_FILE);
            elbo_data_free(d);
            assert_true(seen.live == live && seen.largest < 100000);
        }
    }
}

static void test_not_finite(void **state)
{
    (void)state;
    float values[2 * 2 * 3] = {0};
    values[6 + 5] = NAN;
    blob b = npy_file(1, "{" F4 "'shape': (2, 2, 3), }\n", values, sizeof values);
    save("nan.npy", &b);
    refuse("nan.npy", ELBO_BAD_FILE, "nan.npy: example 1, row 1, column 2, channel 0");
    const double large[] = {0, 1e300};
    b = npy_file(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }\n", large, sizeof large);
    save("nan.npy", &b);
    refuse("nan.npy", ELBO_BAD_FILE, "example 0, row 0, column 0, channel 1");
}

static void test_labels_beside(void **state)
{
    (void)state;
    blob pictures = idx_pictures(12, 2, 2), labels = idx_labels(12);
    save("x-images-idx3-ubyte", &pictures);
    save("x-labels-idx1-ubyte", &labels);
    elbo_data *d = open_good("./x-images-idx3-ubyte");
    assert_int_equal(elbo_data_describe(d)->n_classes, 10);
    float values[48];
    int32_t got[12];
    read_all(d, values, got);
    for (int i = 0; i < 12; i++) assert_int_equal(got[i], i % 10);
    elbo_data_free(d);
    labels = idx_labels(11);
    save("x-labels-idx1-ubyte", &labels);
    refuse("./x-images-idx3-ubyte", ELBO_BAD_FILE, "x-labels-idx1-ubyte: 11 labels");
    labels = IDX(0x0d, 12);
    for (int i = 0; i < 12; i++) put_big(&labels, i == 3 ? 0x3fc00000 : 0, 4);
    save("x-labels-idx1-ubyte", &labels);
    refuse("./x-images-idx3-ubyte", ELBO_BAD_FILE, "label 3 is 1.5");
    /* labels 0 and 1 are no masks */
    labels = IDX(8, 12);
    for (uint64_t i = 0; i < 12; i++) put_big(&labels, i % 2, 1);
    save("x-labels-idx1-ubyte", &labels);
    d = open_good("./x-images-idx3-ubyte");
    assert_int_equal(elbo_data_describe(d)->n_classes, 2);
    elbo_data_free(d);
    assert_int_equal(unlink("x-labels-idx1-ubyte"), 0);
    d = open_good("./x-images-idx3-ubyte");
    read_all(d, values, got);
    assert_int_equal(got[5], -1);
    elbo_data_free(d);
}

/* ---- Out of memory ---- */

static void test_every_allocation_fails_cleanly(void **state)
{
    (void)state;
    static const char *const names[] = {"./packed", "./plain", "b.npy", "bits", "packed-bits", "oom", "sprites", "toy"};
    static const char words[] = "0 1 1 0 1\n1 1 1 0 0\n";
    blob bits = {.size = 0};
    put(&bits, words, sizeof words - 1);
    blob packed_bits = pack(&bits);
    save("bits", &bits);
    save("packed-bits", &packed_bits);
    blob plain = idx_pictures(5, 4, 4), packed = pack(&plain), npy = npy_file(1, GOOD, six, sizeof six);
    make_directory("oom", 4, 2);
    save("plain", &plain);
    save("packed", &packed);
    save("b.npy", &npy);
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) fail_each_allocation(names[k], NULL);
}

static void test_every_call_fails_cleanly(void **state)
{
    (void)state;
    static const char *const names[] = {"./packed", "./plain", "b.npy", "bits", "packed-bits", "oom"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) fail_each_call(names[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_idx_u8),
        cmocka_unit_test(test_idx_types),
        cmocka_unit_test(test_idx_channels_first),
        cmocka_unit_test(test_idx_ranks),
        cmocka_unit_test(test_idx_refused),
        cmocka_unit_test(test_gz),
        cmocka_unit_test(test_gz_two_members),
        cmocka_unit_test(test_gz_wrong_sizes),
        cmocka_unit_test(test_gz_broken),
        cmocka_unit_test(test_gz_bomb),
        cmocka_unit_test(test_gz_member_as_long_as_a_piece),
        cmocka_unit_test(test_gz_large),
        cmocka_unit_test(test_gz_text),
        cmocka_unit_test(test_npy_versions),
        cmocka_unit_test(test_npy_literals),
        cmocka_unit_test(test_npy_types),
        cmocka_unit_test(test_npy_fortran),
        cmocka_unit_test(test_npy_refused),
        cmocka_unit_test(test_npy_preamble_refused),
        cmocka_unit_test(test_npy_write),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_bit_flip_is_safe),
        cmocka_unit_test(test_not_finite),
        cmocka_unit_test(test_labels_beside),
        cmocka_unit_test(test_every_allocation_fails_cleanly),
        cmocka_unit_test(test_every_call_fails_cleanly), /* of the files of the one before */
    };
    return RUN_EITHER_WAY(tests);
}
