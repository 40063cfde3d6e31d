/* safetensors_files.h - safetensors files made by hand, in blocks of exactly their size, so that a sanitizer sees
 * a read past the end. */
#ifndef ELBO_TESTS_SAFETENSORS_FILES_H
#define ELBO_TESTS_SAFETENSORS_FILES_H

#include "export/safetensors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SIZE(a) (sizeof(a) / sizeof *(a))

/* The header's text of a tensor, and a header of one tensor. */
#define T(name, dtype, shape, offsets)                                                                                 \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":" offsets "}"
#define ONE(name, dtype, shape, offsets) "{" T(name, dtype, shape, offsets) "}"

typedef struct blob {
    unsigned char *bytes;
    size_t size;
} blob;

static inline void set_length(blob b, uint64_t n)
{
    for (int i = 0; i < 8; i++) b.bytes[i] = (unsigned char)(n >> (8 * i));
}

/* A header and n_data bytes 0, 1, 2, ... of data. */
static inline blob hand_made(const char *json, size_t n_json, size_t n_data)
{
    blob b = {malloc(8 + n_json + n_data), 8 + n_json + n_data};
    assert_non_null(b.bytes);
    set_length(b, n_json);
    memcpy(b.bytes + 8, json, n_json);
    for (size_t i = 0; i < n_data; i++) b.bytes[8 + n_json + i] = (unsigned char)i;
    return b;
}

static inline void assert_printable(const char *message)
{
    assert_true(*message);
    for (const char *c = message; *c; c++) assert_in_range((unsigned char)*c, 0x20, 0x7e);
}

#endif
