/* test_safetensors.c - safetensors files as elbo writes them: canonical bytes, damage, the checksum, failing memory;
 * and a file of another program. Which files are refused is in test_safetensors_rules.c. */
#include "safetensors_files.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static const char PATH[] = "test_safetensors.tmp";
static memory m = &mem_standard;

/* ---- A small file as elbo writes it ---- */

static const float WEIGHT[6] = {1, -2, 3.5f, 0, 1e-30f, -7};
static const double STEP = 12345;
static const uint8_t MASK[3] = {1, 0, 1};

static const st_tensor SMALL[] = {
    {"encoder.weight", ST_F32, 2, {2, 3}, WEIGHT, sizeof WEIGHT},
    {"mask", ST_BOOL, 1, {3}, MASK, sizeof MASK},
    {"empty", ST_F16, 2, {0, 4}, NULL, 0},
    {"a step", ST_F64, 0, {0}, &STEP, sizeof STEP},
};
static const st_pair SMALL_META[] = {{"elbo.family", "vae"}, {"note", "tab\t \"quoted\" \\ \xc3\xa9"}, {"author", ""}};

static blob formatted(memory mem, const st_tensor *t, size_t n, const st_pair *meta, size_t n_meta)
{
    blob b;
    elbo_error e = {0};
    if (st_format(mem, t, n, meta, n_meta, &b.bytes, &b.size, &e)) fail_msg("st_format: %s", e.message);
    return b;
}

static blob small_file(void)
{
    return formatted(m, SMALL, SIZE(SMALL), SMALL_META, SIZE(SMALL_META));
}

static bool same_tensor(const st_tensor *a, const st_tensor *b)
{
    if (!a || !b || strcmp(a->name, b->name) != 0) return false;
    bool same = a->dtype == b->dtype && a->rank == b->rank && a->bytes == b->bytes;
    for (int i = 0; same && i < a->rank; i++) same = a->shape[i] == b->shape[i];
    return same && (a->bytes == 0 || memcmp(a->data, b->data, a->bytes) == 0);
}

static bool holds_small(const st_file *f)
{
    bool same = st_count(f) == SIZE(SMALL);
    for (size_t i = 0; i < SIZE(SMALL); i++) same = same && same_tensor(&SMALL[i], st_find(f, SMALL[i].name));
    return same;
}

static void test_reading_back(void **state)
{
    (void)state;
    blob b = small_file();
    st_file *f;
    elbo_error e = {0};
    assert_int_equal(st_parse(m, b.bytes, b.size, &f, &e), ELBO_OK);
    assert_int_equal(e.code, 0);
    assert_true(holds_small(f));
    assert_true(st_has_checksum(f));
    assert_int_equal(st_verify(f, &e), ELBO_OK);
    for (size_t i = 0; i < SIZE(SMALL_META); i++)
        assert_string_equal(st_meta(f, SMALL_META[i].key), SMALL_META[i].value);
    assert_null(st_meta(f, "none"));
    assert_null(st_find(f, "none"));
    assert_null(st_find(f, "__metadata__"));
    assert_string_equal(st_at(f, 0)->name, "a step");
    assert_string_equal(st_at(f, 3)->name, "mask");
    assert_null(st_at(f, 4));
    st_close(f);
    mem_free(m, b.bytes);
}

static void test_canonical_layout(void **state)
{
    (void)state;
    static const char JSON[] =
        "{\"__metadata__\":{\"author\":\"\",\"elbo.checksum\":\"########\",\"elbo.family\":\"vae\","
        "\"note\":\"tab\\u0009 \\\"quoted\\\" \\\\ \xc3\xa9\"},"
        "\"a step\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"encoder.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[8,32]},"
        "\"empty\":{\"dtype\":\"F16\",\"shape\":[0,4],\"data_offsets\":[32,32]},"
        "\"mask\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[32,35]}}";
    blob b = small_file();
    size_t n_data = 35, data_at = b.size - n_data;
    assert_int_equal(data_at % 64, 0);
    assert_in_range(data_at - 8 - (sizeof JSON - 1), 0, 63);
    assert_int_equal(b.bytes[0] | b.bytes[1] << 8, data_at - 8);
    char *digits = strstr((char *)b.bytes + 8, "checksum\":\"") + 11;
    memcpy(digits, "########", 8);
    assert_memory_equal(b.bytes + 8, JSON, sizeof JSON - 1);
    for (size_t i = 8 + sizeof JSON - 1; i < data_at; i++) assert_int_equal(b.bytes[i], ' ');
    mem_free(m, b.bytes);
}

static void test_order_does_not_matter(void **state)
{
    (void)state;
    blob first = small_file();
    for (size_t turn = 1; turn < 24; turn++) {
        st_tensor t[SIZE(SMALL)];
        st_pair meta[SIZE(SMALL_META)];
        memcpy(t, SMALL, sizeof t);
        memcpy(meta, SMALL_META, sizeof meta);
        for (size_t i = SIZE(t) - 1, code = turn; i > 0; code /= i + 1, i--) {
            st_tensor held = t[i];
            t[i] = t[code % (i + 1)];
            t[code % (i + 1)] = held;
        }
        meta[turn % 3] = SMALL_META[0];
        meta[0] = SMALL_META[turn % 3];
        blob b = formatted(m, t, SIZE(t), meta, SIZE(meta));
        assert_int_equal(b.size, first.size);
        assert_memory_equal(b.bytes, first.bytes, b.size);
        mem_free(m, b.bytes);
    }
    mem_free(m, first.bytes);
}

static void test_every_dtype(void **state)
{
    (void)state;
    unsigned char values[ST_N_DTYPES][24];
    st_tensor t[ST_N_DTYPES];
    for (int i = 0; i < ST_N_DTYPES; i++) {
        for (size_t k = 0; k < sizeof values[i]; k++) values[i][k] = (unsigned char)(37 * (size_t)i + 11 * k);
        const char *name = st_dtype_name((st_dtype)i);
        t[i] = (st_tensor){name, (st_dtype)i, 8, {1, 1, 3, 1, 1, 1, 1, 1}, values[i], 3 * st_dtype_size((st_dtype)i)};
        st_dtype found = ST_N_DTYPES;
        assert_true(st_dtype_find(name, &found));
        assert_int_equal(found, i);
    }
    blob b = formatted(m, t, ST_N_DTYPES, NULL, 0);
    st_file *f;
    assert_int_equal(st_parse(m, b.bytes, b.size, &f, NULL), ELBO_OK);
    assert_int_equal(st_verify(f, NULL), ELBO_OK);
    assert_int_equal(st_count(f), ST_N_DTYPES);
    for (int i = 0; i < ST_N_DTYPES; i++) {
        const st_tensor *read = st_find(f, t[i].name);
        assert_true(same_tensor(&t[i], read));
        assert_int_equal((uintptr_t)read->data % st_dtype_size((st_dtype)i), 0);
    }
    st_close(f);
    mem_free(m, b.bytes);
}

static void test_nothing_in_it(void **state)
{
    (void)state;
    blob b = formatted(m, NULL, 0, NULL, 0);
    assert_int_equal(b.size, 64);
    st_file *f;
    assert_int_equal(st_parse(m, b.bytes, b.size, &f, NULL), ELBO_OK);
    assert_int_equal(st_count(f), 0);
    assert_null(st_find(f, "a"));
    assert_int_equal(st_verify(f, NULL), ELBO_OK);
    st_close(f);
    mem_free(m, b.bytes);
}

/* ---- Damage ---- */

static blob exact_copy(const unsigned char *bytes, size_t size)
{
    blob b = {malloc(size ? size : 1), size};
    assert_non_null(b.bytes);
    memcpy(b.bytes, bytes, size);
    return b;
}

typedef enum verdict { REFUSED, UNSIGNED, INTACT } verdict;

/* What a careful caller would make of the bytes. A file that has lost the key of its checksum must still hold the right
 * tensors. */
static verdict judge(blob b)
{
    st_file *f;
    elbo_error e = {0};
    if (st_parse(m, b.bytes, b.size, &f, &e)) {
        assert_printable(e.message);
        return REFUSED;
    }
    verdict v = st_verify(f, &e) ? REFUSED : st_has_checksum(f) ? INTACT : UNSIGNED;
    if (v == UNSIGNED) assert_true(holds_small(f));
    if (v == REFUSED) assert_printable(e.message);
    st_close(f);
    return v;
}

static void test_every_truncation(void **state)
{
    (void)state;
    blob whole = small_file();
    assert_int_equal(judge(whole), INTACT);
    for (size_t size = 0; size < whole.size; size++) {
        blob b = exact_copy(whole.bytes, size);
        assert_int_equal(judge(b), REFUSED);
        free(b.bytes);
    }
    blob longer = {calloc(1, whole.size + 1), whole.size + 1};
    memcpy(longer.bytes, whole.bytes, whole.size);
    assert_int_equal(judge(longer), REFUSED);
    free(longer.bytes);
    mem_free(m, whole.bytes);
}

static void test_every_bit_flip(void **state)
{
    (void)state;
    blob whole = small_file(), b = exact_copy(whole.bytes, whole.size);
    int n_unsigned = 0;
    for (size_t bit = 0; bit < 8 * b.size; bit++) {
        b.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        verdict v = judge(b);
        if (v == INTACT) fail_msg("bit %zu of byte %zu went unseen", bit % 8, bit / 8);
        n_unsigned += v == UNSIGNED;
        b.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    assert_in_range(n_unsigned, 1, 8 * strlen(ST_CHECKSUM_KEY));
    assert_int_equal(judge(b), INTACT);
    free(b.bytes);
    mem_free(m, whole.bytes);
}

/* ---- Checksum ---- */

static elbo_status verdict_of_header(const char *json)
{
    blob b = hand_made(json, strlen(json), 0);
    st_file *f;
    elbo_error e = {0};
    assert_int_equal(st_parse(m, b.bytes, b.size, &f, &e), ELBO_OK);
    assert_true(st_has_checksum(f));
    elbo_status status = st_verify(f, &e);
    if (status) assert_printable(e.message);
    st_close(f);
    free(b.bytes);
    return status;
}

/* The CRC-32 of ISO 3309, bit by bit. */
static uint32_t crc_by_bits(uint32_t crc, const unsigned char *at, size_t n)
{
    for (crc = ~crc; n > 0; n--, at++) {
        crc ^= *at;
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* Of any number of bytes, from any place, in two parts. */
static void test_checksum_is_crc(void **state)
{
    (void)state;
    static unsigned char bytes[1200];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * i * 7 + i / 3);
    for (size_t n = 0; n + 300 < sizeof bytes; n += n < 300 ? 1 : 37) {
        const unsigned char *at = bytes + n % 19;
        const file_part parts[] = {{at, n}, {at + n, 211}};
        char digits[sizeof ST_CHECKSUM_ZEROS], want[sizeof ST_CHECKSUM_ZEROS];
        st_checksum(parts, 2, digits);
        snprintf(want, sizeof want, "%08x", crc_by_bits(crc_by_bits(0, at, n), at + n, 211));
        assert_string_equal(digits, want);
    }
}

static void test_checksum_not_as_written(void **state)
{
    (void)state;
    const char *const headers[] = {
        "{\"__metadata__\":{\"elbo.checksum\":\"00000000\"}}",
        "{\"__metadata__\":{\"elbo.checksum\":\"\"}}",
        "{\"__metadata__\":{\"elbo.checksum\":\"0\"}}",
        "{\"__metadata__\":{\"elbo.checksum\":\"0123456789\"}}",
        "{\"__metadata__\":{\"elbo.checksum\":\"\\u001b[2J\"}}",
        "{\"__metadata__\":{\"elbo.checksum\": \"00000000\"}}",
        "{\"__metadata__\":{ \"elbo.checksum\":\"00000000\"}}",
        "{\"__metadata__\":{\"elbo\\u002echecksum\":\"00000000\"}}",
    };
    for (size_t i = 0; i < SIZE(headers); i++) assert_int_equal(verdict_of_header(headers[i]), ELBO_BAD_FILE);
}

/* The checksum of a known text, and of the same text in parts. */
static void test_checksum_value(void **state)
{
    (void)state;
    char digits[9];
    st_checksum(&(file_part){"123456789", 9}, 1, digits);
    assert_string_equal(digits, "cbf43926");
    st_checksum((const file_part[]){{"1234", 4}, {NULL, 0}, {"56789", 5}}, 3, digits);
    assert_string_equal(digits, "cbf43926");
}

/* Texts that look like the checksum, before the real one. */
static void test_checksum_decoys(void **state)
{
    (void)state;
    const st_pair meta[] = {
        {"\"elbo.checksum", "11111111"},
        {"{\"elbo.checksum\":\"11111111\"", ",\"elbo.checksum\":\""},
    };
    blob b = formatted(m, SMALL, SIZE(SMALL), meta, SIZE(meta));
    assert_int_equal(judge(b), INTACT);
    b.bytes[b.size - 1] ^= 1;
    assert_int_equal(judge(b), REFUSED);
    mem_free(m, b.bytes);
}

/* ---- Files of other programs ---- */

static void test_other_programs_file(void **state)
{
    (void)state;
    static const char JSON[] = "{\"__metadata__\":{\"format\":\"pt\"}," T("w", "F64", "[2]", "[3,19]") ", "
                               "\"b\" : {\"shape\" :[ 3 ],\"dtype\":\"U8\",\n\"data_offsets\":[0, 3]}}   ";
    blob b = hand_made(JSON, sizeof JSON - 1, 19);
    const double values[2] = {0.5, -3};
    memcpy(b.bytes + b.size - sizeof values, values, sizeof values);
    st_file *f;
    assert_int_equal(st_parse(m, b.bytes, b.size, &f, NULL), ELBO_OK);
    assert_false(st_has_checksum(f));
    assert_int_equal(st_verify(f, NULL), ELBO_OK);
    assert_string_equal(st_meta(f, "format"), "pt");
    assert_null(st_meta(f, "none"));
    float out[2];
    assert_true(st_to_float(st_find(f, "w"), out));
    assert_true(out[0] == 0.5f && out[1] == -3.0f);
    assert_false(st_to_float(st_find(f, "b"), out));
    st_close(f);
    free(b.bytes);
}

/* ---- Elements as floats ---- */

static float as_float(st_dtype dtype, const void *value)
{
    st_tensor t = {"x", dtype, 0, {0}, value, st_dtype_size(dtype)};
    float out = 0;
    assert_true(st_to_float(&t, &out));
    assert_int_equal(st_first_nonfinite(&t), isfinite(out) ? -1 : 0);
    return out;
}

/* sign x fraction x 2^exponent, as IEEE 754 defines it. */
static double half_value(unsigned h)
{
    int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
    double size = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                  : exponent == 0 ? ldexp(fraction, -24)
                                  : ldexp(1024 + fraction, exponent - 25);
    return h >> 15 ? -size : size;
}

static void test_halves(void **state)
{
    (void)state;
    for (unsigned h = 0; h < 65536; h++) {
        uint16_t bits = (uint16_t)h;
        float got = as_float(ST_F16, &bits);
        double expected = half_value(h);
        if (isnan(expected)) assert_true(isnan(got));
        else assert_true((double)got == expected && !signbit(got) == !signbit(expected));
        float brain = as_float(ST_BF16, &bits);
        uint32_t wide;
        memcpy(&wide, &brain, sizeof wide);
        if (!isnan(brain)) assert_int_equal(wide, (uint32_t)h << 16);
    }
}

static void test_first_nonfinite(void **state)
{
    (void)state;
    float x[4] = {1, 2, NAN, INFINITY};
    st_tensor t = {"x", ST_F32, 1, {4}, x, sizeof x};
    assert_int_equal(st_first_nonfinite(&t), 2);
    x[0] = -INFINITY;
    assert_int_equal(st_first_nonfinite(&t), 0);
    t.bytes = 0;
    assert_int_equal(st_first_nonfinite(&t), -1);
    unsigned char odd[sizeof x + 1]; /* where no float begins */
    memcpy(odd + 1, x, sizeof x);
    t = (st_tensor){"x", ST_F32, 1, {4}, (uintptr_t)odd % 2 ? odd : odd + 1, sizeof x};
    memmove((unsigned char *)(uintptr_t)t.data, odd + 1, sizeof x);
    assert_null(st_floats(&t));
    assert_int_equal(st_first_nonfinite(&t), 0);
    float many[200] = {0}; /* some are looked at together */
    t = (st_tensor){"x", ST_F32, 1, {200}, many, sizeof many};
    assert_int_equal(st_first_nonfinite(&t), -1);
    many[130] = NAN;
    assert_int_equal(st_first_nonfinite(&t), 130);
    st_tensor whole = {"x", ST_I32, 1, {4}, x, sizeof x};
    assert_int_equal(st_first_nonfinite(&whole), -1);
    assert_true(as_float(ST_F64, &(double){1e300}) == INFINITY);
    assert_true(as_float(ST_F64, &(double){0.1}) == 0.1f);
    assert_true(as_float(ST_F32, &(float){0.1f}) == 0.1f);
}

/* ---- What the writer refuses ---- */

static void check_refused(const st_tensor *t, size_t n, const st_pair *meta, size_t n_meta, const char *message)
{
    blob b = {0};
    elbo_error e = {0};
    assert_int_equal(st_format(m, t, n, meta, n_meta, &b.bytes, &b.size, &e), ELBO_USAGE);
    assert_null(b.bytes);
    assert_int_equal(e.code, ELBO_USAGE);
    if (!strstr(e.message, message)) fail_msg("got \"%s\", expected \"%s\"", e.message, message);
    assert_printable(e.message);
    assert_int_equal(st_write(m, PATH, t, n, meta, n_meta, NULL), ELBO_USAGE);
    assert_int_not_equal(access(PATH, F_OK), 0);
}

static void test_writer_refuses(void **state)
{
    (void)state;
    char long_name[ST_MAX_NAME + 2] = {0};
    memset(long_name, 'x', ST_MAX_NAME + 1);
    const struct {
        st_tensor t;
        const char *message;
    } bad[] = {
        {{"x", ST_F32, 1, {3}, WEIGHT, 8}, "span 8 bytes, expected 12"},
        {{"x", ST_F32, 1, {-2}, WEIGHT, 8}, "dimension 0 is not"},
        {{"x", ST_F32, 2, {INT64_MAX, 0}, WEIGHT, 0}, "overflows"},
        {{"x", ST_F32, 9, {2}, WEIGHT, 8}, "rank 9"},
        {{"x", ST_F32, -1, {2}, WEIGHT, 8}, "rank -1"},
        {{"x", ST_N_DTYPES, 1, {2}, WEIGHT, 8}, "dtype 13"},
        {{"x", ST_F32, 1, {2}, NULL, 8}, "without name or data"},
        {{NULL, ST_F32, 1, {2}, WEIGHT, 8}, "without name or data"},
        {{"\xff\x1b", ST_F32, 1, {2}, WEIGHT, 8}, "no reader would accept"},
        {{long_name, ST_F32, 1, {2}, WEIGHT, 8}, "1025 bytes"},
        {{"__metadata__", ST_F32, 1, {2}, WEIGHT, 8}, "duplicate"},
        {{"mask", ST_F32, 1, {2}, WEIGHT, 8}, "duplicate"},
        {{"x", ST_U8, 1, {INT64_MAX}, WEIGHT, SIZE_MAX - 4}, "too large"},
    };
    for (size_t i = 0; i < SIZE(bad); i++) {
        const st_tensor t[] = {SMALL[0], bad[i].t, SMALL[1], SMALL[3]};
        check_refused(t, SIZE(t), NULL, 0, bad[i].message);
    }
    check_refused(SMALL, 1, (const st_pair[]){{"k", "1"}, {"k", "2"}}, 2, "duplicate");
    check_refused(SMALL, 1, (const st_pair[]){{ST_CHECKSUM_KEY, "1"}}, 1, "duplicate");
    check_refused(SMALL, 1, (const st_pair[]){{"k", "\xe2\x82"}}, 1, "no reader would accept");

    size_t much = 16u << 20;
    char *value = malloc(much + 1);
    assert_non_null(value);
    memset(value, 'v', much);
    value[much] = 0;
    check_refused(SMALL, 1, &(const st_pair){"k", value}, 1, "at most 16777216");
    free(value);
}

/* ---- Files on the disk ---- */

static void test_write_and_read(void **state)
{
    (void)state;
    elbo_error e = {0};
    assert_int_equal(st_write(m, PATH, SMALL, SIZE(SMALL), SMALL_META, SIZE(SMALL_META), &e), ELBO_OK);
    blob b = small_file();
    unsigned char *bytes;
    size_t size;
    assert_int_equal(file_read(m, PATH, 1 << 20, &bytes, &size, &e), ELBO_OK);
    assert_int_equal(size, b.size);
    assert_memory_equal(bytes, b.bytes, size);
    mem_free(m, bytes);
    mem_free(m, b.bytes);

    st_file *f;
    assert_int_equal(st_read(m, PATH, size, &f, &e), ELBO_OK);
    assert_true(holds_small(f));
    assert_int_equal(st_verify(f, &e), ELBO_OK);
    st_close(f);
    assert_int_equal(st_read(m, PATH, size - 1, &f, &e), ELBO_BAD_FILE);
    assert_null(f);
    unlink(PATH);
    assert_int_equal(st_read(m, PATH, size, &f, &e), ELBO_IO);
    assert_null(f);
    assert_non_null(strstr(e.message, PATH));
}

static void test_error_names_the_file(void **state)
{
    (void)state;
    elbo_error e = {0};
    st_file *f;
    assert_int_equal(file_write(m, PATH, &(file_part){"not a model", 11}, 1, &e), ELBO_OK);
    assert_int_equal(st_read(m, PATH, 1 << 20, &f, &e), ELBO_BAD_FILE);
    assert_null(f);
    assert_ptr_equal(strstr(e.message, PATH), e.message);
    assert_non_null(strstr(e.message, "no safetensors file"));
    assert_int_equal(st_read(m, PATH, 1 << 20, &f, NULL), ELBO_BAD_FILE);
    unlink(PATH);
}

/* ---- Failing memory ---- */

/* malloc, but the fail_at-th request fails, and with forever all after it. */
typedef struct limited {
    long n, fail_at, n_live;
    bool forever;
} limited;

static void *limited_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    limited *l = user;
    if (new_size && (++l->n == l->fail_at || (l->forever && l->n > l->fail_at))) return NULL;
    l->n_live += (new_size != 0) - (ptr != NULL);
    return mem_standard.resize(NULL, ptr, old_size, new_size);
}

static elbo_status format_and_parse(memory mem, elbo_error *e)
{
    blob b;
    st_file *f;
    elbo_status status = st_format(mem, SMALL, SIZE(SMALL), SMALL_META, SIZE(SMALL_META), &b.bytes, &b.size, e);
    if (status) return status;
    status = st_parse(mem, b.bytes, b.size, &f, e);
    assert_true(status ? !f : holds_small(f));
    st_close(f);
    mem_free(mem, b.bytes);
    return status;
}

/* Names and metadata that fill more than a chunk of the reader's arena. */
static elbo_status parse_much(memory mem, elbo_error *e)
{
    static char names[80][1000], value[100000];
    st_tensor t[80];
    memset(value, 'v', sizeof value - 1);
    for (int i = 0; i < 80; i++) {
        snprintf(names[i], sizeof names[i], "%0900d", i);
        t[i] = (st_tensor){names[i], ST_BOOL, 0, {0}, MASK, 1};
    }
    blob b = formatted(m, t, 80, (const st_pair[]){{"a", value}, {"b", value}}, 2);
    st_file *f;
    elbo_status status = st_parse(mem, b.bytes, b.size, &f, e);
    assert_true(status ? !f : st_count(f) == 80);
    st_close(f);
    mem_free(m, b.bytes);
    return status;
}

static elbo_status parse_without_metadata(memory mem, elbo_error *e)
{
    static const char JSON[] = ONE("a", "U8", "[1]", "[0,1]");
    blob b = hand_made(JSON, sizeof JSON - 1, 1);
    st_file *f;
    elbo_status status = st_parse(mem, b.bytes, b.size, &f, e);
    if (!status) assert_null(st_meta(f, "none"));
    st_close(f);
    free(b.bytes);
    return status;
}

static elbo_status write_and_read(memory mem, elbo_error *e)
{
    st_file *f;
    elbo_status status = st_write(mem, PATH, SMALL, SIZE(SMALL), SMALL_META, SIZE(SMALL_META), e);
    if (!status) status = st_read(mem, PATH, 1 << 20, &f, e);
    if (!status) st_close(f);
    unlink(PATH);
    return status;
}

static void check_failing_memory(elbo_status (*work)(memory, elbo_error *), bool forever)
{
    for (long fail_at = 1;; fail_at++) {
        limited l = {.fail_at = fail_at, .forever = forever};
        const elbo_allocator a = {limited_resize, &l};
        elbo_error e = {0};
        elbo_status status = work(&a, &e);
        assert_int_equal(l.n_live, 0);
        assert_int_equal(e.code, status);
        if (status == ELBO_OK) {
            assert_true(l.n < fail_at && fail_at > 2);
            return;
        }
        assert_int_equal(status, ELBO_NO_MEMORY);
        assert_printable(e.message);
    }
}

static void test_failing_memory(void **state)
{
    (void)state;
    for (int forever = 0; forever < 2; forever++) {
        check_failing_memory(format_and_parse, forever);
        check_failing_memory(parse_much, forever);
        check_failing_memory(parse_without_metadata, forever);
        check_failing_memory(write_and_read, forever);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_back),
        cmocka_unit_test(test_canonical_layout),
        cmocka_unit_test(test_order_does_not_matter),
        cmocka_unit_test(test_every_dtype),
        cmocka_unit_test(test_nothing_in_it),
        cmocka_unit_test(test_every_truncation),
        cmocka_unit_test(test_every_bit_flip),
        cmocka_unit_test(test_checksum_is_crc),
        cmocka_unit_test(test_checksum_not_as_written),
        cmocka_unit_test(test_checksum_value),
        cmocka_unit_test(test_checksum_decoys),
        cmocka_unit_test(test_other_programs_file),
        cmocka_unit_test(test_halves),
        cmocka_unit_test(test_first_nonfinite),
        cmocka_unit_test(test_writer_refuses),
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_error_names_the_file),
        cmocka_unit_test(test_failing_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
