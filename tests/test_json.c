/* test_json.c - JSON as it is read here, beside jansson, which knows what JSON is: texts of all kinds and a hundred thousand
 * changes of them are taken or refused alike, and mean the same. */
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const samples[] = {
    "{}",
    "[]",
    " [ 1 , -2.5e-3 , 0 , -0 , 1E+2 , 0.0 , 123456789012 ] ",
    "{\"a\":{\"b\":[true,false,null]},\"c\":\"text\",\"\":[[],{}]}",
    "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"\\u0041\\u00e9\\u20AC\\ud834\\udd1e\",\"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\"]",
    "{\"epoch\":1,\"train\":{\"rec\":44.313762617699894,\"kl\":1e-300},\"x\":[9223372036854775807,-9223372036854775808]}",
};
enum { N_SAMPLES = sizeof samples / sizeof *samples, MOST = 256 };

static void compare(const char *bytes, size_t n)
{
    bool no_memory;
    json_error_t why = {.position = -1};
    json_t *own = json_read(bytes, n, &why, &no_memory), *other = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
    assert_false(no_memory);
    if (!own != !other) fail_msg("%s by jansson alone: %.*s", other ? "taken" : "refused", (int)n, bytes);
    if (own && !json_equal(own, other)) fail_msg("it means something else to jansson: %.*s", (int)n, bytes);
    if (!own) assert_true(why.position >= 0 && (size_t)why.position <= n && why.text[0]);
    json_decref(own);
    json_decref(other);
}

static void test_samples(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "", " ", "1", "\"a\"", "[", "{", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}", "[01]", "[1.]", "[.5]", "[-]", "[+1]", "[1e]", "[1e+]", "[0x1]", "[1e999]",
        "[9223372036854775808]", "[-9223372036854775809]",
        "[tru]", "[nul", "[truefalse]", "[\"\\x\"]", "[\"\\u12\"]", "[\"\\u0000\"]", "[\"\\ud834\"]", "[\"\\udd1e\"]",
        "[\"\\ud834\\u0041\"]", "[\"\xff\"]", "[\"\xc0\x80\"]", "[\"\n\"]", "[\"a]", "[1]]", "[1] x", "[1}", "nan", "[NaN]",
    };
    bool no_memory;
    for (size_t i = 0; i < N_SAMPLES; i++) compare(samples[i], strlen(samples[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        compare(wrong[i], strlen(wrong[i]));
        if (json_read(wrong[i], strlen(wrong[i]), NULL, &no_memory)) fail_msg("taken: %s", wrong[i]);
    }
    compare("[\"a\0b\"]", 7);
    assert_null(json_read("[1\0,2]", 6, NULL, &no_memory)); /* a zero after a number is nothing to jansson */
}

static uint32_t seed = 1;

static uint32_t draw(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

/* Changes, leaves out or doubles a byte, or cuts the text short. */
static size_t change(char *bytes, size_t n)
{
    static const char likely[] = "{}[]\",:\\u0019eE+-. tfn\n\x01\x7f\xc3\xa9";
    size_t at = draw((uint32_t)n);
    switch (draw(4)) {
    case 0: bytes[at] = likely[draw(sizeof likely - 1)]; return n;
    case 1: memmove(bytes + at, bytes + at + 1, n - at - 1); return n - 1;
    case 2: memmove(bytes + at + 1, bytes + at, n - at); return n + 1;
    default: return draw(8) ? n : at;
    }
}

static void test_changes(void **state)
{
    (void)state;
    for (int i = 0; i < 100000; i++) {
        char bytes[MOST];
        const char *sample = samples[draw(N_SAMPLES)];
        size_t n = strlen(sample);
        memcpy(bytes, sample, n);
        for (uint32_t k = draw(4); k > 0 && n > 0 && n + 1 < MOST; k--) n = change(bytes, n);
        compare(bytes, n);
    }
}

static void test_depth(void **state)
{
    (void)state;
    char bytes[2000];
    bool no_memory;
    memset(bytes, '[', sizeof bytes);
    assert_null(json_read(bytes, sizeof bytes, NULL, &no_memory));
    memset(bytes + 1000, ']', 1000);
    assert_null(json_read(bytes, sizeof bytes, NULL, &no_memory));
    json_t *j = json_read(bytes + 940, 120, NULL, &no_memory);
    assert_non_null(j);
    json_decref(j);
}

/* ---- Failing memory ---- */

static long until_failure;

static void *limited_malloc(size_t size)
{
    return until_failure-- == 0 ? NULL : malloc(size);
}

/* Whatever jansson can't have, there is no value, and it is said why. */
static void test_no_memory(void **state)
{
    (void)state;
    static const char bytes[] = "{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17],\"b\":{\"c\":\"text\",\"d\":[0.5,true]}}";
    json_t *j = NULL;
    bool no_memory;
    json_set_alloc_funcs(limited_malloc, free);
    for (long n = 0; !j; n++) {
        until_failure = n;
        j = json_read(bytes, sizeof bytes - 1, NULL, &no_memory);
        assert_true(j || no_memory);
    }
    assert_false(no_memory);
    until_failure = -1;
    assert_int_equal(json_array_size(json_object_get(j, "a")), 17);
    json_decref(j);
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
