/* checksum.c - the CRC-32 over a file. zlib computes it; where the processor multiplies polynomials, what is long is first folded
 * to 16 bytes with the same CRC, several times as fast: a file's checksum took as long as everything else in loading a model.
 *
 * A factor moves a register on by so many bytes: x^(8 bytes + 64) and x^(8 bytes) modulo the polynomial, for its low and its high
 * half (V. Gopal et al. 2009, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel). */
#include "safetensors.h"

#include <stdio.h>
#include <zlib.h>

#if defined __GNUC__ && defined __x86_64__
#include <immintrin.h>

#define TARGET __attribute__((target("pclmul")))
enum { LANES = 4, LANE = 16, STRIDE = LANES * LANE };

TARGET static inline __m128i load(const unsigned char *at)
{
    return _mm_loadu_si128((const __m128i *)(const void *)at);
}

/* x moved on by a factor, and what is there. */
TARGET static inline __m128i fold(__m128i x, __m128i factor, __m128i there)
{
    __m128i low = _mm_clmulepi64_si128(x, factor, 0x00), high = _mm_clmulepi64_si128(x, factor, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), there);
}

/* crc carried on over n bytes, a multiple of STRIDE, at least one. */
TARGET static uLong folded(uLong crc, const unsigned char *at, size_t n)
{
    const __m128i by_stride = _mm_set_epi64x(0x1c6e41596, 0x154442bd4), by_lane = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
    __m128i x[LANES];
    unsigned char rest[LANE];
    for (int i = 0; i < LANES; i++) x[i] = load(at + i * LANE);
    x[0] = _mm_xor_si128(x[0], _mm_cvtsi32_si128((int)~(uint32_t)crc));
    for (size_t done = STRIDE; done < n; done += STRIDE)
        for (int i = 0; i < LANES; i++) x[i] = fold(x[i], by_stride, load(at + done + (size_t)i * LANE));
    for (int i = 1; i < LANES; i++) x[0] = fold(x[0], by_lane, x[i]);
    _mm_storeu_si128((__m128i *)(void *)rest, x[0]);
    return crc32_z(0xffffffff, rest, LANE); /* which begins with a register of zeros */
}

static uLong carry_on(uLong crc, const unsigned char *at, size_t n)
{
    /* never: a processor without it is another machine */
    size_t whole = __builtin_cpu_supports("pclmul") ? n / STRIDE * STRIDE : 0;
    if (whole) crc = folded(crc, at, whole);
    return crc32_z(crc, at + whole, n - whole);
}

#else

static uLong carry_on(uLong crc, const unsigned char *at, size_t n)
{
    return crc32_z(crc, at, n);
}

#endif

void st_checksum(const file_part *parts, size_t n_parts, char out[sizeof ST_CHECKSUM_ZEROS])
{
    uLong crc = crc32_z(0, Z_NULL, 0);
    for (size_t i = 0; i < n_parts; i++)
        if (parts[i].size) crc = carry_on(crc, parts[i].bytes, parts[i].size);
    snprintf(out, sizeof ST_CHECKSUM_ZEROS, "%08lx", crc & 0xfffffffful);
}
