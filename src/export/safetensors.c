/* safetensors.c - dtypes and elements as floats: what the reader and the writer share.
 *
 * The data of a file are little-endian and are handed out as they lie, so elbo needs a little-endian machine. */
#include "safetensors.h"

#include <math.h>
#include <string.h>

#if defined __BYTE_ORDER__ && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "safetensors files are read in place, which needs a little-endian machine"
#endif

/* ---- Dtypes ---- */

static const struct {
    const char *name;
    size_t size;
} DTYPES[ST_N_DTYPES] = {
#define X(name, size) {#name, size},
    ST_DTYPE_MAP(X)
#undef X
};

const char *st_dtype_name(st_dtype dtype)
{
    return DTYPES[dtype].name;
}

size_t st_dtype_size(st_dtype dtype)
{
    return DTYPES[dtype].size;
}

bool st_dtype_find(const char *name, st_dtype *out)
{
    for (int i = 0; i < ST_N_DTYPES; i++) {
        if (strcmp(DTYPES[i].name, name) != 0) continue;
        *out = (st_dtype)i;
        return true;
    }
    return false;
}

/* ---- Elements as floats ---- */

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE 754 binary16: 1 sign, 5 exponent and 10 fraction bits. */
static float from_f16(uint16_t h)
{
    uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = (h >> 10) & 31u, fraction = h & 1023u;
    if (exponent == 0) return (sign ? -1.0f : 1.0f) * (float)fraction * 0x1p-24f;
    exponent = exponent == 31 ? 255 : exponent + (127 - 15);
    return from_bits(sign | exponent << 23 | fraction << 13);
}

static float element(const st_tensor *t, size_t i)
{
    const char *at = (const char *)t->data + i * st_dtype_size(t->dtype);
    double wide;
    float single;
    uint16_t half;
    switch (t->dtype) {
    case ST_F64: memcpy(&wide, at, sizeof wide); return (float)wide;
    /* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): where there is an element, there are data */
    case ST_F32: memcpy(&single, at, sizeof single); return single;
    case ST_F16: memcpy(&half, at, sizeof half); return from_f16(half);
    default: memcpy(&half, at, sizeof half); return from_bits((uint32_t)half << 16); /* ST_BF16 */
    }
}

static bool is_float(st_dtype d)
{
    return d == ST_F64 || d == ST_F32 || d == ST_F16 || d == ST_BF16;
}

const float *st_floats(const st_tensor *t)
{
    return t->dtype == ST_F32 && (uintptr_t)t->data % _Alignof(float) == 0 ? t->data : NULL;
}

bool st_to_float(const st_tensor *t, float *out)
{
    if (!is_float(t->dtype)) return false;
    size_t n = t->bytes / st_dtype_size(t->dtype);
    for (size_t i = 0; i < n; i++) out[i] = element(t, i);
    return true;
}

enum { SOME = 64 };

/* Whether SOME floats at x all are finite: their exponents are not all ones. */
static bool some_are_finite(const float *x)
{
    uint32_t bits[SOME], bad = 0;
    memcpy(bits, x, sizeof bits);
    for (int i = 0; i < SOME; i++) bad |= (bits[i] & 0x7f800000u) == 0x7f800000u;
    return !bad;
}

int64_t st_first_nonfinite(const st_tensor *t)
{
    if (!is_float(t->dtype)) return -1;
    size_t n = t->bytes / st_dtype_size(t->dtype), i = 0;
    const float *x = st_floats(t);
    while (x && i + SOME <= n && some_are_finite(x + i)) i += SOME;
    for (; i < n; i++)
        if (!isfinite(element(t, i))) return (int64_t)i;
    return -1;
}
