/* test_base.c - errors, memory, text, random numbers and the engine. Known answers for Philox: the vectors published
 * with the paper (Random123). */
#include "base/cpu.h"
#include "base/engine.h"
#include "base/error.h"
#include "base/mem.h"
#include "base/philox.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- An allocator that counts what is held, and fails after some allocations ---- */

typedef struct meter {
    int64_t held, until_failure; /* -1: never */
} meter;

static void *metered(void *user, void *ptr, size_t old_size, size_t new_size)
{
    meter *a = user;
    if (new_size > 0 && a->until_failure == 0) return NULL;
    if (new_size > 0 && a->until_failure > 0) a->until_failure--;
    a->held += (int64_t)new_size - (int64_t)old_size;
    if (new_size > 0) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

/* ---- Errors ---- */

static void test_errors(void **state)
{
    (void)state;
    elbo_error e;
    assert_int_equal(err_set(&e, ELBO_USAGE, "%s is %d", "k", 3), ELBO_USAGE);
    assert_string_equal(e.message, "k is 3");
    assert_int_equal(err_prefix(&e, "line %d", 7), ELBO_USAGE);
    assert_string_equal(e.message, "line 7: k is 3");
    assert_int_equal(err_memory(NULL, "x"), ELBO_NO_MEMORY);
    assert_string_equal(elbo_status_text(ELBO_IO), "input or output failed");
    char longer[3000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    err_set(&e, ELBO_IO, "%s", longer);
    assert_int_equal(strlen(e.message), sizeof e.message - 1);
    assert_int_equal(err_prefix(&e, "%s", longer), ELBO_IO);
}

/* ---- Memory ---- */

static void test_sizes(void **state)
{
    (void)state;
    size_t out = 0;
    assert_true(size_mul(SIZE_MAX / 3, 3, &out) && out == SIZE_MAX / 3 * 3);
    assert_false(size_mul(SIZE_MAX / 3 + 1, 3, &out));
    assert_true(size_mul(SIZE_MAX, 0, &out) && out == 0);
    assert_true(size_add(SIZE_MAX - 1, 1, &out) && out == SIZE_MAX);
    assert_false(size_add(SIZE_MAX, 1, &out));
    assert_null(mem_new(&mem_standard, SIZE_MAX / 4, 8));
    assert_null(mem_new(&mem_standard, SIZE_MAX, 1)); /* the header would not fit */
#if !defined ELBO_SANITIZED /* a sanitizer ends the program */
    assert_null(mem_new(&mem_standard, SIZE_MAX / 4, 1));
#endif
}

static void test_blocks(void **state)
{
    (void)state;
    meter a = {0, -1};
    elbo_allocator allocator = {metered, &a};
    unsigned char *b = mem_new(&allocator, 5, 3);
    assert_int_equal((uintptr_t)b % 64, 0);
    for (int i = 0; i < 15; i++) assert_int_equal(b[i], 0);
    memset(b, 7, 15);
    b = mem_resize(&allocator, b, 100, 1);
    for (int i = 0; i < 100; i++) assert_int_equal(b[i], i < 15 ? 7 : 0);
    a.until_failure = 0;
    assert_null(mem_resize(&allocator, b, 200, 1));
    assert_int_equal(b[14], 7);
    a.until_failure = -1;
    b = mem_resize(&allocator, b, 3, 1);
    assert_int_equal(b[2], 7);
    mem_free(&allocator, b);
    mem_free(&allocator, mem_new(&allocator, 0, 8));
    mem_free(&allocator, mem_copy_text(&allocator, "text"));
    mem_free(&allocator, NULL);
    assert_int_equal(a.held, 0);
}

/* The allocator's contract is larger than what elbo asks of it. */
static void test_standard_allocator(void **state)
{
    (void)state;
    char *block = mem_standard.resize(NULL, NULL, 0, 100);
    strcpy(block, "kept");
    block = mem_standard.resize(NULL, block, 100, 3 << 20);
    assert_string_equal(block, "kept");
    assert_null(mem_standard.resize(NULL, block, 3 << 20, 0));
}

static void test_memory_of_machine(void **state)
{
    (void)state;
    struct rlimit old, lower;
    uint64_t most = mem_of_machine();
    assert_true(most > 0);
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    lower = old;
    lower.rlim_cur = most - 1;
    assert_int_equal(setrlimit(RLIMIT_AS, &lower), 0);
    assert_true(mem_of_machine() == most - 1);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_true(mem_of_machine() == most);
}

static void test_arena(void **state)
{
    (void)state;
    meter a = {0, -1};
    elbo_allocator allocator = {metered, &a};
    arena r;
    arena_open(&r, &allocator);
    char *blocks[300];
    for (size_t i = 0; i < COUNT(blocks); i++) { /* several chunks, and blocks larger than one */
        blocks[i] = arena_new(&r, i + 1, i % 50 == 0 ? 2000 : 3);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, i + 1);
    }
    for (size_t i = 0; i < COUNT(blocks); i++) assert_int_equal((unsigned char)blocks[i][i], i % 256);
    assert_string_equal(arena_text(&r, "name"), "name");
    a.until_failure = 0;
    assert_null(arena_new(&r, 1, 1000000));
    assert_true(r.failed);
    assert_null(arena_new(&r, 1, 1));
    arena_close(&r);
    assert_int_equal(a.held, 0);
    arena_open(&r, &mem_standard);
    assert_null(arena_new(&r, SIZE_MAX / 2, 4));
    arena_close(&r);
    arena_open(&r, &mem_standard);
    assert_null(arena_new(&r, SIZE_MAX / 3, 2));
    assert_true(r.failed);
    arena_close(&r);
}

/* ---- Text ---- */

static void check_growing_text(void)
{
    text t;
    text_open(&t, &mem_standard);
    text_add(&t, "%s = %g", "beta", 0.5);
    text_add_bytes(&t, ";\n", 2);
    for (int i = 0; i < 1000; i++) text_add(&t, "%d ", i % 10);
    assert_int_equal(t.length, 12 + 2000);
    assert_int_equal(strlen(t.bytes), t.length);
    char *taken = text_take(&t);
    assert_memory_equal(taken, "beta = 0.5;\n0 1 2 3 4 5 6 7 8 9 0 ", 34);
    mem_free(&mem_standard, taken);
    taken = text_take(&t);
    assert_string_equal(taken, "");
    mem_free(&mem_standard, taken);
    text_close(&t);
}

static void test_growing_text(void **state)
{
    (void)state;
    check_growing_text();
    meter a = {0, -1};
    elbo_allocator allocator = {metered, &a};
    for (int64_t fail_at = 0;; fail_at++) {
        a.until_failure = fail_at;
        text t;
        text_open(&t, &allocator);
        for (int i = 0; i < 100; i++) text_add(&t, "%d %s", i, "words");
        bool failed = t.failed;
        char *taken = text_take(&t);
        assert_true(failed == (taken == NULL));
        mem_free(&allocator, taken);
        assert_int_equal(a.held, 0);
        if (!failed) break;
    }
}

static void test_whole_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},         {"-0", 0},       {" 42\t\n", 42},  {"+7", 7},
                {"010", 10},      {"-12", -12},    {"9223372036854775807", INT64_MAX},
                {"00000000000000000000001", 1},    {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {"",     " ",   "-",    "+-1", "1.0", "1e3", "0x10", "12a", "1 2", "- 1",
                                      "1,000", "9223372036854775808", "-9223372036854775809", "99999999999999999999"};
    int64_t value = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(text_to_int(good[i].text, &value));
        assert_int_equal(value, good[i].value);
    }
    value = 5;
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(text_to_int(bad[i], &value));
    assert_int_equal(value, 5);
}

static void check_real_numbers(void)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0.5", 0.5},     {" -1e-3 ", -1e-3}, {".5", 0.5},    {"5.", 5},       {"+1E+2", 100},
                {"1e-400", 0},    {"010", 10},        {"4.9e-324", 4.9e-324},
                {"1.7976931348623157e308", 1.7976931348623157e308}};
    static const char *const bad[] = {"",      ".",   "e5",  "1e",      "1e+", "0x1p3", "nan", "inf",
                                      "1e999", "0,5", "1.5.", "1.5 x", "--1", "-1e309"};
    double value = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(text_to_real(good[i].text, &value));
        assert_true(value == good[i].value);
    }
    value = 5;
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(text_to_real(bad[i], &value));
    assert_true(value == 5);
}

static void check_real_texts(void)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},       {-0.0, "-0"},       {1, "1"},           {10, "10"},      {60000, "60000"},
                 {0.001, "0.001"}, {1e-5, "1e-05"},  {0.1, "0.1"},       {1.0 / 3, "0.3333333333333333"},
                 {1e15, "1e+15"},  {1e22, "1e+22"},  {-2.5, "-2.5"},     {999999999999999, "999999999999999"},
                 {5e-324, "5e-324"}, {INFINITY, "inf"}, {0.1 + 0.2, "0.30000000000000004"}, {123456.75, "123456.75"}};
    char out[32];
    for (size_t i = 0; i < COUNT(cases); i++) {
        text_from_real(cases[i].value, out);
        assert_string_equal(out, cases[i].text);
    }
    text_from_real(-1.7976931348623157e308, out);
    assert_string_equal(out, "-1.7976931348623157e+308");
    for (uint64_t i = 0; i < 2000; i++) { /* any bits read back */
        uint32_t words[4];
        philox_block((philox_key){1, 2, 3}, i, words);
        double value, back = 0;
        memcpy(&value, words, sizeof value);
        if (!isfinite(value)) continue;
        text_from_real(value, out);
        assert_true(text_to_real(out, &back) && back == value);
    }
}

/* Short numbers are read without strtod, and to the same double. */
static void check_short_numbers(void)
{
    for (uint64_t i = 0; i < 20000; i++) {
        uint32_t w[4];
        philox_block((philox_key){4, 5, 6}, i, w);
        char digits[24], words[64];
        snprintf(digits, sizeof digits, "%0*llu", 1 + (int)(w[2] % 18), (unsigned long long)w[0] * w[1]);
        int n = (int)strlen(digits), point = (int)(w[2] / 18 % (unsigned)(n + 1)), exponent = (int)(w[3] % 56) - 28;
        snprintf(words, sizeof words, "%s%.*s.%s%s", w[3] >> 31 ? "-" : "", point, digits, digits + point, point || n ? "" : "0");
        if (exponent % 3) snprintf(words + strlen(words), sizeof words - strlen(words), "e%d", exponent);
        double value = 0;
        assert_true(text_to_real(words, &value));
        assert_true(value == strtod(words, NULL));
    }
}

static void test_real_numbers(void **state)
{
    (void)state;
    check_real_numbers();
    check_real_texts();
    check_short_numbers();
}

static void test_comma_locale(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8", "fr_FR.utf8"};
    const char *found = NULL;
    for (size_t i = 0; i < COUNT(names) && !found; i++) found = setlocale(LC_ALL, names[i]);
    if (!found) skip();
    char own[8];
    snprintf(own, sizeof own, "%.1f", 0.5);
    assert_string_equal(own, "0,5");
    check_growing_text();
    check_real_numbers();
    check_real_texts();
    snprintf(own, sizeof own, "%.1f", 0.5); /* the caller's locale is as it was */
    assert_string_equal(own, "0,5");
    setlocale(LC_ALL, "C");
}

static const char *word_at(size_t i)
{
    static const char *const words[] = {"beta", "epochs", "latent", "learning_rate", "batch", "vae", "dip-vae"};
    return i < COUNT(words) ? words[i] : NULL;
}

static void test_nearest_word(void **state)
{
    (void)state;
    static const struct {
        const char *word, *nearest;
    } cases[] = {{"epoch", "epochs"},  {"epcohs", "epochs"}, {"learning-rate", "learning_rate"}, {"btea", "beta"},
                 {"latnet", "latent"}, {"va", "vae"},        {"batch", "batch"},  {"zzzz", NULL}, {"", NULL},
                 {"batcher", "batch"}, {"epxxhs", "epochs"}, {"exxxhs", NULL}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *got = text_nearest(cases[i].word, word_at);
        if (cases[i].nearest) assert_string_equal(got, cases[i].nearest);
        else assert_null(got);
    }
    char longer[1000];
    memset(longer, 'b', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    assert_null(text_nearest(longer, word_at));
}

/* ---- Random numbers ---- */

static void check_block(philox_key key, uint64_t block, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint32_t out[4];
    philox_block(key, block, out);
    assert_int_equal(out[0], a);
    assert_int_equal(out[1], b);
    assert_int_equal(out[2], c);
    assert_int_equal(out[3], d);
}

static void test_known_answers(void **state)
{
    (void)state;
    check_block((philox_key){0, 0, 0}, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8);
    check_block((philox_key){UINT64_MAX, UINT32_MAX, UINT32_MAX}, UINT64_MAX, 0x408f276d, 0x41c83b0e, 0xa20bc7c6,
                0x6d5451fd);
    check_block((philox_key){UINT64_C(0x299f31d0a4093822), 0x13198a2e, 0x03707344}, UINT64_C(0x85a308d3243f6a88),
                0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1);
    assert_int_equal(philox_stream(""), 0x811c9dc5);
    assert_int_equal(philox_stream("foobar"), 0xbf9cf968);
}

static const philox_key KEY = {UINT64_C(0x123456789abcdef0), 17, 4711};

/* The numbers of elements first .. are what the header says of the blocks' words. */
static void check_definition(uint64_t first)
{
    enum { N = 203 };
    float u[N], x[N];
    double u2[N], x2[N];
    philox_uniform(KEY, first, N, u);
    philox_normal(KEY, first, N, x);
    philox_uniform_double(KEY, first, N, u2);
    philox_normal_double(KEY, first, N, x2);
    for (size_t i = 0; i < N; i++) {
        uint32_t w[4];
        uint64_t element = first + i;
        philox_block(KEY, element / 4, w);
        double uniform = ((double)(w[element % 4] >> 9) + 0.5) / 8388608;
        assert_true((double)u[i] == uniform && u2[i] == uniform);
        const uint32_t *pair = w + (element % 4 < 2 ? 0 : 2);
        double r = sqrt(-2 * log(((double)(pair[0] >> 9) + 0.5) / 8388608));
        double angle = 2 * acos(-1.0) * (pair[1] >> 8) / 16777216;
        double normal = r * (element % 2 ? sin(angle) : cos(angle));
        assert_true(fabs(x2[i] - normal) < 1e-14);
        assert_true(fabs((double)x[i] - normal) <= 4e-7 * fabs(normal) + 1e-15);
    }
}

static void test_definition(void **state)
{
    (void)state;
    for (uint64_t first = 0; first < 70; first++) check_definition(first);
    check_definition((UINT64_C(1) << 34) - 100); /* where the low word of the block number overflows */
    check_definition((UINT64_C(1) << 63) + 3);
}

static void check_split(size_t first, size_t n)
{
    enum { N = 1000 };
    static float whole_u[N], whole_x[N];
    static double whole_d[N];
    if (whole_u[0] == 0) {
        philox_uniform(KEY, 0, N, whole_u);
        philox_normal(KEY, 0, N, whole_x);
        philox_normal_double(KEY, 0, N, whole_d);
    }
    float part[N];
    double part_d[N];
    philox_uniform(KEY, first, n, part);
    assert_memory_equal(part, whole_u + first, n * sizeof *part);
    philox_normal(KEY, first, n, part);
    assert_memory_equal(part, whole_x + first, n * sizeof *part);
    philox_normal_double(KEY, first, n, part_d);
    assert_memory_equal(part_d, whole_d + first, n * sizeof *part_d);
}

static void test_split_invariance(void **state)
{
    (void)state;
    for (size_t first = 0; first < 9; first++)
        for (size_t n = 0; n < 300; n++) check_split(first, n);
    check_split(777, 223);
}

static uint64_t hash(const void *bytes, size_t n)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < n; i++) h = (h ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
    return h;
}

/* The same bits from every compiler and processor (little-endian, IEEE), with and without AVX2. */
static void test_bits(void **state)
{
    (void)state;
    static float x[10000];
    philox_normal(KEY, 3, COUNT(x), x);
    assert_int_equal(hash(x, sizeof x), UINT64_C(0xda4672e08242ce97));
    philox_uniform(KEY, 3, COUNT(x), x);
    assert_int_equal(hash(x, sizeof x), UINT64_C(0x67dccd9efc089dea));
}

static double normal_cdf(double x)
{
    return 0.5 * erfc(-x / sqrt(2));
}

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The largest distance of the empirical distribution from cdf, times sqrt n: above 1.95 once in a thousand. */
static double kolmogorov(float *x, size_t n, double (*cdf)(double))
{
    qsort(x, n, sizeof *x, compare_floats);
    double worst = 0;
    for (size_t i = 0; i < n; i++) {
        double p = cdf((double)x[i]);
        worst = fmax(worst, fmax(p - (double)i / (double)n, (double)(i + 1) / (double)n - p));
    }
    return worst * sqrt((double)n);
}

static double identity(double u)
{
    return u;
}

static void test_distributions(void **state)
{
    (void)state;
    size_t n = 1000000;
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    philox_normal(KEY, 0, n, x);
    double sums[5] = {0}, lagged = 0;
    for (size_t i = 0; i < n; i++) {
        double v = (double)x[i], power = 1;
        for (int k = 1; k < 5; k++) sums[k] += power *= v;
        if (i % 2) lagged += v * (double)x[i - 1];
    }
    double root = sqrt((double)n), count = (double)n; /* bounds: four standard errors */
    assert_true(fabs(sums[1] / count) < 4 / root);
    assert_true(fabs(sums[2] / count - 1) < 4 * sqrt(2) / root);
    assert_true(fabs(sums[3] / count) < 4 * sqrt(15) / root);
    assert_true(fabs(sums[4] / count - 3) < 4 * sqrt(96) / root);
    assert_true(fabs(2 * lagged / count) < 4 * sqrt(2) / root);
    assert_true(kolmogorov(x, n, normal_cdf) < 1.95);
    philox_uniform(KEY, 0, n / 4, x);
    assert_true(kolmogorov(x, n / 4, identity) < 1.95);
    assert_true(x[0] > 0 && x[n / 4 - 1] < 1);
    free(x);
}

static void check_bijection(philox_key key, uint64_t n)
{
    static unsigned char seen[70000];
    memset(seen, 0, n);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t to = philox_shuffle(key, n, i);
        assert_true(to < n && !seen[to]);
        seen[to] = 1;
    }
}

static void test_shuffle_is_a_bijection(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 300; n++) check_bijection((philox_key){n, 1, 2}, n);
    static const uint64_t sizes[] = {1000, 1024, 1025, 4095, 4096, 4097, 60000, 65536, 65537};
    for (size_t i = 0; i < COUNT(sizes); i++) check_bijection(KEY, sizes[i]);
    for (uint64_t i = 0; i < 1000; i++) assert_true(philox_shuffle(KEY, UINT64_MAX, i) < UINT64_MAX);
}

/* Every order of five comes up equally often; chi-square with 119 degrees of freedom exceeds 183 once in ten thousand.
 * */
static void test_shuffle_is_fair(void **state)
{
    (void)state;
    enum { ORDERS = 120, EACH = 500, CODES = 5 * 5 * 5 * 5 * 5 };
    static int counts[CODES];
    for (uint32_t step = 0; step < ORDERS * EACH; step++) {
        int order = 0;
        for (uint64_t i = 0; i < 5; i++) order = order * 5 + (int)philox_shuffle((philox_key){5, step, 6}, 5, i);
        counts[order]++;
    }
    double chi_square = 0;
    int n_orders = 0;
    for (int i = 0; i < CODES; i++) {
        double off = counts[i] - EACH;
        if (counts[i]) chi_square += off * off / EACH;
        n_orders += counts[i] > 0;
    }
    assert_int_equal(n_orders, ORDERS);
    assert_true(chi_square < 183);
}

/* ---- The engine ---- */

static void test_engine(void **state)
{
    (void)state;
    elbo_error e;
    meter a = {0, -1};
    elbo_allocator allocator = {metered, &a};
    elbo_engine_options options = {.allocator = &allocator, .threads = 3};
    elbo_engine *engine = elbo_engine_open(&options, &e);
    assert_int_equal(elbo_engine_threads(engine), 3);
    elbo_engine_close(engine);
    assert_int_equal(a.held, 0);
    for (a.until_failure = 0;; a.until_failure++) {
        int64_t at = a.until_failure;
        engine = elbo_engine_open(&options, &e);
        if (engine) break;
        assert_int_equal(e.code, ELBO_NO_MEMORY);
        assert_int_equal(a.held, 0);
        a.until_failure = at;
    }
    assert_non_null(engine->threads);
    elbo_engine_close(engine);
    options.threads = 257;
    assert_null(elbo_engine_open(&options, &e));
    assert_int_equal(e.code, ELBO_USAGE);
    engine = elbo_engine_open(NULL, NULL);
    assert_true(elbo_engine_threads(engine) >= 1);
    elbo_engine_close(engine);
    elbo_engine_close(NULL);
    assert_string_equal(elbo_version(), "0.1.0");
    assert_true(cpu_best() <= CPU_AVX512);
}

/* Text of strangers obeys no terminal, wherever a message quotes it. */
static void test_disarmed(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"plain \xc3\xa9 \xe2\x82\xac", "plain \xc3\xa9 \xe2\x82\xac"},
                                           {"\x1b[2J\a\r\nx\x7f", "?[2J???x?"},
                                           {"\xc2\x9b" "2J \xc2\xa9 \xc2", "??2J \xc2\xa9 \xc2"},
                                           {"", ""}};
    for (int i = 0; i < 4; i++) {
        elbo_error e = {0};
        err_set(&e, ELBO_BAD_FILE, "%s", pairs[i][0]);
        assert_string_equal(e.message, pairs[i][1]);
        err_prefix(&e, "%s", pairs[i][0]);
        assert_memory_equal(e.message, pairs[i][1], strlen(pairs[i][1]));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disarmed),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_standard_allocator),
        cmocka_unit_test(test_memory_of_machine),
        cmocka_unit_test(test_arena),
        cmocka_unit_test(test_growing_text),
        cmocka_unit_test(test_whole_numbers),
        cmocka_unit_test(test_real_numbers),
        cmocka_unit_test(test_comma_locale),
        cmocka_unit_test(test_nearest_word),
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_split_invariance),
        cmocka_unit_test(test_bits),
        cmocka_unit_test(test_distributions),
        cmocka_unit_test(test_shuffle_is_a_bijection),
        cmocka_unit_test(test_shuffle_is_fair),
        cmocka_unit_test(test_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
