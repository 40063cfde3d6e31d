/* layout.c - see layout.h */
#include "layout.h"

#include <float.h>
#include <math.h>
#include <string.h>

bool layout_axes(layout *l, int rank, const uint64_t *sizes, bool channels_first, bool first_fastest)
{
    enum { N, H, W, C };
    static const int last[4][4] = {{N}, {N, C}, {N, H, W}, {N, H, W, C}}, first[4] = {N, C, H, W};
    const int *axis = channels_first && rank == 4 ? first : last[rank - 1];
    for (int a = 0; a < LAYOUT_AXES; a++) {
        l->n[a] = 1;
        l->stride[a] = 0;
    }
    l->total = 1;
    for (int i = 0; i < rank; i++) {
        int k = first_fastest ? i : rank - 1 - i;
        if (sizes[k] == 0 || sizes[k] > INT64_MAX || sizes[k] > SIZE_MAX) return false;
        l->n[axis[k]] = (size_t)sizes[k];
        l->stride[axis[k]] = l->total;
        if (!size_mul(l->total, (size_t)sizes[k], &l->total)) return false;
    }
    return true;
}

/* ---- Numbers ---- */

static float half_value(uint64_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double fraction = (double)(bits & 1023), value;
    if (exponent == 31)
        value = fraction > 0 ? NAN : INFINITY;
    else
        value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return (float)(bits >> 15 & 1 ? -value : value);
}

static float real_value(uint64_t bits, size_t bytes)
{
    if (bytes == 2) return half_value(bits);
    if (bytes == 4) {
        uint32_t low = (uint32_t)bits;
        float value;
        memcpy(&value, &low, sizeof value);
        return value;
    }
    double value;
    memcpy(&value, &bits, sizeof value);
    return fabs(value) > FLT_MAX ? INFINITY : (float)value;
}

static float whole_value(uint64_t bits, size_t bytes)
{
    /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): a number has 1 to 8 bytes */
    uint64_t sign = (uint64_t)1 << (8 * bytes - 1);
    return (float)(int64_t)((bits ^ sign) - sign);
}

static float number(const layout *l, const unsigned char *at)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < l->bytes; i++) bits = bits << 8 | at[l->big_endian ? i : l->bytes - 1 - i];
    switch (l->kind) {
    case 'f': return real_value(bits, l->bytes);
    case 'i': return whole_value(bits, l->bytes);
    default: return (float)bits;
    }
}

/* One row of pixels [W,C], or of any two inner axes, from the file's order. */
static void convert_row(const layout *l, const unsigned char *from, elbo_dtype dtype, void *out)
{
    size_t i = 0;
    for (size_t w = 0; w < l->n[2]; w++) {
        for (size_t c = 0; c < l->n[3]; c++, i++) {
            const unsigned char *at = from + (w * l->stride[2] + c * l->stride[3]) * l->bytes;
            if (dtype == ELBO_F32)
                ((float *)out)[i] = number(l, at);
            else
                ((unsigned char *)out)[i] = l->kind == 'b' ? (unsigned char)(*at ? 255 : 0) : *at;
        }
    }
}

size_t number_bytes(elbo_dtype dtype)
{
    return dtype == ELBO_U8 ? 1 : sizeof(float);
}

elbo_dtype layout_dtype(const layout *l)
{
    return l->bytes == 1 && (l->kind == 'u' || l->kind == 'b') ? ELBO_U8 : ELBO_F32;
}

size_t layout_example(const layout *l)
{
    return l->n[1] * l->n[2] * l->n[3];
}

bool layout_by_example(const layout *l)
{
    size_t last = 0;
    for (int a = 1; a < LAYOUT_AXES; a++) last += (l->n[a] - 1) * l->stride[a];
    return l->n[0] == 1 || last < l->stride[0];
}

bool layout_as_kept(const layout *l)
{
    size_t step = 1;
    for (int a = LAYOUT_AXES - 1; a >= 0; a--) {
        if (l->n[a] > 1 && l->stride[a] != step) return false;
        step *= l->n[a];
    }
    return (l->kind == 'u' && l->bytes == 1) || (l->kind == 'f' && l->bytes == sizeof(float) && !l->big_endian);
}

void layout_convert(const layout *l, const unsigned char *from, size_t n, void *out)
{
    elbo_dtype dtype = layout_dtype(l);
    size_t row = l->n[2] * l->n[3] * number_bytes(dtype);
    unsigned char *to = out;
    for (size_t i = 0; i < n; i++)
        for (size_t h = 0; h < l->n[1]; h++, to += row)
            convert_row(l, from + (i * l->stride[0] + h * l->stride[1]) * l->bytes, dtype, to);
}
