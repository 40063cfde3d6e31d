/* test_safetensors_rules.c - which safetensors files are read and which are refused, and with what message: a row for
 * each side of each rule. */
#include "safetensors_files.h"

#include <stdio.h>

static memory m = &mem_standard;

/* message NULL: the bytes are accepted; else they are refused, with this text in the message. */
static void check_parse(const char *what, blob b, const char *message)
{
    elbo_error e = {0};
    st_file *f;
    elbo_status status = st_parse(m, b.bytes, b.size, &f, &e);
    if (message ? status != ELBO_BAD_FILE || !strstr(e.message, message) : status != ELBO_OK)
        fail_msg("%s: status %d, \"%s\", expected \"%s\"", what, (int)status, e.message, message ? message : "success");
    if (message) {
        assert_null(f);
        assert_int_equal(e.code, ELBO_BAD_FILE);
        assert_printable(e.message);
        assert_int_equal(st_parse(m, b.bytes, b.size, &f, NULL), ELBO_BAD_FILE);
    }
    st_close(f);
}

static void check_header(const char *json, size_t n_json, size_t n_data, const char *message)
{
    blob b = hand_made(json, n_json, n_data);
    check_parse(json, b, message);
    free(b.bytes);
}

/* ---- The rules ---- */

static const struct rule {
    const char *json;
    size_t n_data;
    const char *message;
} RULES[] = {
    /* The frame of the header. */
    {"{}", 0, NULL},
    {"{}      ", 0, NULL},
    {"{ \"__metadata__\" :\n{ } }", 0, NULL},
    {"", 0, "does not begin"},
    {"   ", 0, "does not begin"},
    {" {}", 0, "does not begin"},
    {"[]", 0, "does not begin"},
    {"null", 0, "does not begin"},
    {"\xef\xbb\xbf{}", 0, "does not begin"},
    {"{}\n", 0, "does not end"},
    {"{}\t ", 0, "does not end"},
    {"{} x", 0, "does not end"},
    {"{", 0, "does not end"},
    {"{}{}", 0, "not valid JSON"},
    {"{} {}", 0, "not valid JSON"},
    {"{}}", 0, "not valid JSON"},
    {"{\"a\"}", 0, "not valid JSON"},
    {"{\"a\":}", 0, "not valid JSON"},
    {"{'a':{}}", 0, "not valid JSON"},
    {"{/**/}", 0, "not valid JSON"},
    {"{" T("a", "F32", "[1]", "[0,4]") ",}", 4, "not valid JSON"},

    /* UTF-8 and control characters. */
    {ONE("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "U8", "[1]", "[0,1]"), 1, NULL},
    {ONE("\\u0001\\u001b", "U8", "[1]", "[0,1]"), 1, NULL},
    {ONE("\xff", "U8", "[1]", "[0,1]"), 1, "not valid JSON"},
    {ONE("\xc0\x80", "U8", "[1]", "[0,1]"), 1, "not valid JSON"},
    {ONE("\xed\xa0\x80", "U8", "[1]", "[0,1]"), 1, "not valid JSON"},
    {ONE("\xf4\x90\x80\x80", "U8", "[1]", "[0,1]"), 1, "not valid JSON"},
    {ONE("\\ud800", "U8", "[1]", "[0,1]"), 1, "not valid JSON"},
    {ONE("\\u0000", "U8", "[1]", "[0,1]"), 1, "not valid JSON"},
    {"{\"__metadata__\":{\"k\":\"\xe2\x82\"}}", 0, "not valid JSON"},
    {"{\"\x1b[2J\":1}", 0, "not valid JSON"},
    {"{\x1b}", 0, "\\x1b"},
    {ONE("\\u001b[2J\\u009b\\n", "U8", "[2]", "[0,1]"), 1, "\\x1b[2J\\xc2\\x9b\\x0a"},

    /* Duplicate keys, nesting. */
    {"{" T("a", "U8", "[1]", "[0,1]") "," T("a", "U8", "[1]", "[0,1]") "}", 1, "duplicate"},
    {"{" T("a", "U8", "[1]", "[0,1]") "," T("\\u0061", "U8", "[1]", "[1,2]") "}", 2, "duplicate"},
    {"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "duplicate"},
    {"{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, "duplicate"},
    {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate"},
    {"{\"a\":[1]}", 0, "brackets nest"},
    {"{\"a\":{\"b\":{}}}", 0, "brackets nest"},
    {"{\"a\":{\"b\":[[]]}}", 0, "brackets nest"},
    {"{\"a\":{\"b\":[{}]}}", 0, "brackets nest"},
    {"{\"__metadata__\":{\"[[[{{{\":\"\\\"[[[\"}}", 0, NULL},

    /* Metadata maps texts to texts. */
    {"{\"__metadata__\":{\"k\":\"v\",\"\":\"\"}}", 0, NULL},
    {"{\"__metadata__\":1}", 0, "is not an object"},
    {"{\"__metadata__\":\"x\"}", 0, "is not an object"},
    {"{\"__metadata__\":null}", 0, "is not an object"},
    {"{\"__metadata__\":{\"k\":1}}", 0, "metadata \"k\" is not a text"},
    {"{\"__metadata__\":{\"k\":null}}", 0, "metadata \"k\" is not a text"},
    {"{\"__metadata__\":{\"k\":[]}}", 0, "metadata \"k\" is not a text"},

    /* A tensor has exactly three keys. */
    {ONE("a", "F32", "[2]", "[0,8]"), 8, NULL},
    {"{\"a\":{ \"data_offsets\" : [0, 8] ,\t\"shape\":[2],\r\n\"dtype\":\"F32\"}}", 8, NULL},
    {"{\"a\":1}", 0, "expected exactly dtype"},
    {"{\"a\":\"x\"}", 0, "expected exactly dtype"},
    {"{\"a\":null}", 0, "expected exactly dtype"},
    {"{\"a\":{}}", 0, "expected exactly dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", 8, "expected exactly dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,8]}}", 8, "expected exactly dtype"},
    {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "expected exactly dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1}}", 8, "expected exactly dtype"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"Data_offsets\":[0,8]}}", 8, "expected exactly dtype"},

    /* Known dtypes. */
    {ONE("a", "BOOL", "[2]", "[0,2]"), 2, NULL},
    {ONE("a", "F8_E4M3", "[2]", "[0,2]"), 2, "unknown dtype \"F8_E4M3\""},
    {ONE("a", "f32", "[2]", "[0,8]"), 8, "unknown dtype"},
    {ONE("a", "", "[2]", "[0,8]"), 8, "unknown dtype"},
    {ONE("a", "\\u001b[2J", "[2]", "[0,8]"), 8, "unknown dtype \"\\x1b[2J\""},
    {"{\"a\":{\"dtype\":1,\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "dtype is not a text"},

    /* Shapes: non-negative whole numbers, at most eight, no overflow even where another dimension is 0. */
    {ONE("a", "F32", "[]", "[0,4]"), 4, NULL},
    {ONE("a", "F32", "[0]", "[0,0]"), 0, NULL},
    {ONE("a", "F32", "[4294967296,0]", "[0,0]"), 0, NULL},
    {ONE("a", "U8", "[1,1,1,1,1,1,1,2]", "[0,2]"), 2, NULL},
    {ONE("a", "U8", "[1,1,1,1,1,1,1,1,2]", "[0,2]"), 2, "at most 8 dimensions"},
    {ONE("a", "U8", "2", "[0,2]"), 2, "shape is not a list"},
    {ONE("a", "U8", "\"2\"", "[0,2]"), 2, "shape is not a list"},
    {ONE("a", "U8", "null", "[0,2]"), 2, "shape is not a list"},
    {ONE("a", "U8", "[-2]", "[0,2]"), 2, "dimension 0 is not a whole number"},
    {ONE("a", "U8", "[1,2.0]", "[0,2]"), 2, "dimension 1 is not a whole number"},
    {ONE("a", "U8", "[2e0]", "[0,2]"), 2, "dimension 0 is not a whole number"},
    {ONE("a", "U8", "[\"2\"]", "[0,2]"), 2, "dimension 0 is not a whole number"},
    {ONE("a", "U8", "[true]", "[0,1]"), 1, "dimension 0 is not a whole number"},
    {ONE("a", "U8", "[02]", "[0,2]"), 2, "not valid JSON"},
    {ONE("a", "U8", "[9223372036854775808]", "[0,2]"), 2, "not valid JSON"},
    {ONE("a", "U8", "[18446744073709551618]", "[0,2]"), 2, "not valid JSON"},
    {ONE("a", "F64", "[2305843009213693953]", "[0,8]"), 8, "size overflows at dimension 0"},
    {ONE("a", "U8", "[4294967296,2147483648,0]", "[0,0]"), 0, "size overflows at dimension 1"},
    {ONE("a", "U8", "[4294967296,4294967296]", "[0,0]"), 0, "size overflows at dimension 1"},
    {ONE("a", "U8", "[4294967296,4294967296,0]", "[0,0]"), 0, "size overflows at dimension 1"},
    {ONE("a", "U8", "[0,4294967296,4294967296]", "[0,0]"), 0, "size overflows at dimension 2"},
    {ONE("a", "U8", "[4294967297,4294967297]", "[0,1]"), 1, "size overflows at dimension 1"},

    /* Offsets: two of them, in order, within the data, of the right span. */
    {ONE("a", "U8", "[2]", "[]"), 2, "not a pair"},
    {ONE("a", "U8", "[2]", "[0]"), 2, "not a pair"},
    {ONE("a", "U8", "[2]", "[0,1,2]"), 2, "not a pair"},
    {ONE("a", "U8", "[2]", "2"), 2, "not a pair"},
    {ONE("a", "U8", "[2]", "\"02\""), 2, "not a pair"},
    {ONE("a", "U8", "[2]", "[0,2.0]"), 2, "not a pair"},
    {ONE("a", "U8", "[2]", "[-1,1]"), 2, "not a pair"},
    {ONE("a", "U8", "[2]", "[0,null]"), 2, "not a pair"},
    {ONE("a", "U8", "[2]", "[2,0]"), 2, "no part of the 2 bytes"},
    {ONE("a", "U8", "[3]", "[0,3]"), 2, "no part of the 2 bytes"},
    {ONE("a", "U8", "[2]", "[9223372036854775805,9223372036854775807]"), 2, "no part of the 2 bytes"},
    {ONE("a", "U8", "[1]", "[0,2]"), 2, "span 2 bytes, expected 1"},
    {ONE("a", "F32", "[2]", "[0,2]"), 2, "span 2 bytes, expected 8"},
    {ONE("a", "F32", "[0]", "[0,4]"), 4, "span 4 bytes, expected 0"},

    /* The tensors tile the data. */
    {"{" T("a", "U8", "[2]", "[1,3]") "," T("b", "U8", "[1]", "[0,1]") "}", 3, NULL},
    {"{" T("a", "U8", "[0]", "[1,1]") "," T("b", "U8", "[1]", "[0,1]") "," T("c", "U8", "[1]", "[1,2]") "}", 2, NULL},
    {"{" T("c", "U8", "[1]", "[1,2]") "," T("a", "U8", "[0]", "[1,1]") "," T("b", "U8", "[1]", "[0,1]") "}", 2, NULL},
    {"{" T("a", "U8", "[0]", "[0,0]") "," T("b", "U8", "[0]", "[0,0]") "}", 0, NULL},
    {"{}", 1, "end at byte 0 of the data, expected 1"},
    {ONE("a", "U8", "[2]", "[0,2]"), 3, "end at byte 2 of the data, expected 3"},
    {ONE("a", "U8", "[2]", "[1,3]"), 3, "begins at byte 1 of the data, expected 0"},
    {"{" T("a", "U8", "[1]", "[0,1]") "," T("b", "U8", "[1]", "[2,3]") "}", 3, "begins at byte 2 of the data"},
    {"{" T("a", "U8", "[2]", "[0,2]") "," T("b", "U8", "[2]", "[1,3]") "}", 3, "it overlaps"},
    {"{" T("a", "U8", "[2]", "[0,2]") "," T("b", "U8", "[2]", "[0,2]") "}", 2, "it overlaps"},
    {"{" T("a", "U8", "[4]", "[0,4]") "," T("b", "U8", "[0]", "[2,2]") "}", 4, "it overlaps"},
    {"{" T("a", "U8", "[1]", "[0,1]") "," T("b", "U8", "[0]", "[2,2]") "}", 2, "belong to no tensor"},
};

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < SIZE(RULES); i++)
        check_header(RULES[i].json, strlen(RULES[i].json), RULES[i].n_data, RULES[i].message);
}

static void test_zero_byte_in_header(void **state)
{
    (void)state;
    check_header("{\0}", 3, 0, "not valid JSON");
    check_header("{}\0", 3, 0, "does not end");
    check_header("{\"a\0b\":1}", 9, 0, "not valid JSON");
}

static void test_header_length(void **state)
{
    (void)state;
    blob b = hand_made("{}", 2, 0);
    for (size_t size = 0; size < 8; size++) check_parse("short", (blob){b.bytes, size}, "too short");
    const uint64_t too_long[] = {3, 11, 1u << 31, 1ull << 32, 1ull << 63, UINT64_MAX - 7, UINT64_MAX};
    for (size_t i = 0; i < SIZE(too_long); i++) {
        set_length(b, too_long[i]);
        check_parse("length", b, "more than the 2 bytes that follow");
    }
    set_length(b, 0);
    check_parse("length", b, "does not begin");
    free(b.bytes);

    b = (blob){calloc(1, 100000009), 100000009};
    assert_non_null(b.bytes);
    set_length(b, 100000001);
    check_parse("length", b, "more than the 100000000 allowed");
    free(b.bytes);
}

static void test_name_length(void **state)
{
    (void)state;
    for (int n = ST_MAX_NAME; n <= ST_MAX_NAME + 1; n++) {
        char json[2000];
        int length = snprintf(json, sizeof json, ONE("%0*d", "U8", "[1]", "[0,1]"), n, 0);
        check_header(json, (size_t)length, 1, n > ST_MAX_NAME ? "the name has 1025 bytes" : NULL);
    }
}

/* A text of 100,000 brackets must not reach a parser that recurses. */
static void test_depth(void **state)
{
    (void)state;
    char *json = malloc(100001);
    assert_non_null(json);
    memset(json, '[', 100000);
    memcpy(json, "{\"a\":", 5);
    json[99999] = '}';
    check_header(json, 100000, 0, "brackets nest");
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_zero_byte_in_header),
        cmocka_unit_test(test_header_length),
        cmocka_unit_test(test_name_length),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
