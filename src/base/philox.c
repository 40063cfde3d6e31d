/* philox.c - see philox.h
 *
 * The generator: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 * Numbers are made BATCH blocks at a time, word j of all blocks in one array, so that every loop is over arrays and
 * the compiler turns it into vector instructions. A number depends on its element alone: where a range begins, how it
 * is cut into calls and how wide the vectors are change no bit of it. log, sin and cos are polynomials (minimax,
 * computed for this file) because a call of the mathematics library in the loop would keep it scalar. */
#include "philox.h"
#include "cpu.h"

#include <math.h>
#include <string.h>

enum { BATCH = 16, NUMBERS = 4 * BATCH }; /* blocks, and numbers, made at a time */

#if defined __GNUC__
#define ALWAYS_INLINE inline __attribute__((always_inline))
#else
#define ALWAYS_INLINE inline
#endif

#if defined __GNUC__ && defined __x86_64__
#define HAVE_AVX2
#define AVX2 __attribute__((target("avx2"))) /* without fma, so the bits are those of the portable functions */
#include <immintrin.h>
#endif

/* ---- The generator ---- */

static const uint32_t MULTIPLIER0 = 0xD2511F53u, MULTIPLIER1 = 0xCD9E8D57u, WEYL0 = 0x9E3779B9u, WEYL1 = 0xBB67AE85u;

typedef struct words {
    uint32_t w0, w1, w2, w3;
} words;

static ALWAYS_INLINE words one_round(words c, uint32_t key0, uint32_t key1)
{
    uint64_t p0 = (uint64_t)c.w0 * MULTIPLIER0, p1 = (uint64_t)c.w2 * MULTIPLIER1;
    return (words){(uint32_t)(p1 >> 32) ^ c.w1 ^ key0, (uint32_t)p1, (uint32_t)(p0 >> 32) ^ c.w3 ^ key1, (uint32_t)p0};
}

/* The ten rounds are written out: a loop here would keep the loop over blocks from being vectorised. */
static ALWAYS_INLINE words ten_rounds(words c, uint32_t key0, uint32_t key1)
{
#define ROUND(i) c = one_round(c, key0 + i##u * WEYL0, key1 + i##u * WEYL1)
    ROUND(0);
    ROUND(1);
    ROUND(2);
    ROUND(3);
    ROUND(4);
    ROUND(5);
    ROUND(6);
    ROUND(7);
    ROUND(8);
    ROUND(9);
#undef ROUND
    return c;
}

static ALWAYS_INLINE words block_words(philox_key key, uint64_t block)
{
    words c = {(uint32_t)block, (uint32_t)(block >> 32), key.step, key.stream};
    return ten_rounds(c, (uint32_t)key.seed, (uint32_t)(key.seed >> 32));
}

void philox_block(philox_key key, uint64_t block, uint32_t out[4])
{
    words c = block_words(key, block);
    out[0] = c.w0;
    out[1] = c.w1;
    out[2] = c.w2;
    out[3] = c.w3;
}

/* Word j of blocks first .. first + BATCH - 1 in w[j]. */
typedef void words_fn(philox_key key, uint64_t first, uint32_t w[4][BATCH]);

static ALWAYS_INLINE void words_portable(philox_key key, uint64_t first, uint32_t w[4][BATCH])
{
    for (int i = 0; i < BATCH; i++) {
        words c = block_words(key, first + (uint64_t)i);
        w[0][i] = c.w0;
        w[1][i] = c.w1;
        w[2][i] = c.w2;
        w[3][i] = c.w3;
    }
}

#if defined HAVE_AVX2
/* Eight products of 32-bit words at once; left to itself gcc 12 spends three times the instructions on them. */
AVX2 static ALWAYS_INLINE void multiply(__m256i a, uint32_t by, __m256i *high, __m256i *low)
{
    const __m256i b = _mm256_set1_epi32((int)by);
    __m256i even = _mm256_mul_epu32(a, b), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), b);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
}

AVX2 static ALWAYS_INLINE __m256i xor3(__m256i a, __m256i b, uint32_t key)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_set1_epi32((int)key));
}

AVX2 static ALWAYS_INLINE void eight_blocks(uint32_t key0, uint32_t key1, __m256i c[4])
{
    for (int i = 0; i < 10; i++, key0 += WEYL0, key1 += WEYL1) {
        __m256i high0, low0, high1, low1;
        multiply(c[0], MULTIPLIER0, &high0, &low0);
        multiply(c[2], MULTIPLIER1, &high1, &low1);
        c[0] = xor3(high1, c[1], key0);
        c[1] = low1;
        c[2] = xor3(high0, c[3], key1);
        c[3] = low0;
    }
}

AVX2 static ALWAYS_INLINE void words_avx2(philox_key key, uint64_t first, uint32_t w[4][BATCH])
{
    for (int i = 0; i < BATCH; i++) {
        w[0][i] = (uint32_t)(first + (uint64_t)i);
        w[1][i] = (uint32_t)((first + (uint64_t)i) >> 32);
    }
    for (int i = 0; i < BATCH; i += 8) {
        __m256i c[4] = {_mm256_loadu_si256((const __m256i *)&w[0][i]), _mm256_loadu_si256((const __m256i *)&w[1][i]),
                        _mm256_set1_epi32((int)key.step), _mm256_set1_epi32((int)key.stream)};
        eight_blocks((uint32_t)key.seed, (uint32_t)(key.seed >> 32), c);
        for (int j = 0; j < 4; j++) _mm256_storeu_si256((__m256i *)&w[j][i], c[j]);
    }
}
#endif

/* ---- Words to floats ---- */

static const float PER_23 = 1.0f / 8388608; /* 2^-23 */

static ALWAYS_INLINE float unit(uint32_t word)
{
    return (float)(int32_t)(word >> 9) * PER_23 + PER_23 / 2; /* 24 bits: exact */
}

static ALWAYS_INLINE uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static ALWAYS_INLINE float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* log x of a normal positive x = 2^e (1 + f), 1 + f in [sqrt 1/2, sqrt 2): with s = f / (2 + f), log(1 + f) = 2 atanh
 * s = 2 s + s R(s^2), written as f - (f^2/2 - s (f^2/2 + R)) to lose no digits. */
static ALWAYS_INLINE float log_float(float x)
{
    const uint32_t root_half = 0x3F3504F3u, one = 0x3F800000u;
    uint32_t shifted = bits_of(x) + (one - root_half);
    float e = (float)((int32_t)(shifted >> 23) - 127);
    float f = from_bits((shifted & 0x7FFFFFu) + root_half) - 1;
    float s = f / (2 + f), z = s * s, half = 0.5f * f * f;
    float r = z * (0.666666665531f + z * (0.400001227163f + z * (0.285507413506f + z * 0.233322678047f)));
    return e * 0.693145752f - (half - (s * (half + r) + e * 1.42860677e-6f) - f); /* log 2 in two parts */
}

typedef struct turn {
    float cos, sin;
} turn;

/* cos and sin of 2 pi k / 2^24, k < 2^24: exactly reduced to a quarter and s in [-1, 1] of an eighth to either side. */
static ALWAYS_INLINE turn turn_float(uint32_t k)
{
    uint32_t quarter = (k + (1u << 21)) >> 22;
    float s = (float)((int32_t)k - (int32_t)(quarter << 22)) * (1.0f / 2097152), z = s * s;
    float p = -0.0807455121747f + z * (0.00249039413477f + z * (-3.65740244865e-5f + z * 3.0986710e-7f));
    float q = -0.308425137344f + z * (0.0158543381553f + z * (-0.000325961401669f + z * 3.54196694e-6f));
    float sin = s * 0.785398185f + s * (-2.18556941e-8f + z * p), cos = 1 + z * q; /* pi/4 in two parts */
    uint32_t a = quarter & 1 ? bits_of(sin) : bits_of(cos), b = quarter & 1 ? bits_of(cos) : bits_of(sin);
    return (turn){from_bits(a ^ ((quarter + 1) & 2) << 30), from_bits(b ^ (quarter & 2) << 30)};
}

static ALWAYS_INLINE void batch_uniform(philox_key key, uint64_t first, float *out, words_fn *words_of)
{
    uint32_t w[4][BATCH];
    words_of(key, first, w);
    for (int i = 0; i < BATCH; i++)
        for (int j = 0; j < 4; j++) out[4 * i + j] = unit(w[j][i]);
}

/* a[i] and b[i] of Box-Muller from words u[i] and v[i]. */
static ALWAYS_INLINE void box_muller(const uint32_t *u, const uint32_t *v, float *a, float *b)
{
    for (int i = 0; i < BATCH; i++) {
        float radius = sqrtf(-2 * log_float(unit(u[i])));
        turn t = turn_float(v[i] >> 8);
        a[i] = radius * t.cos;
        b[i] = radius * t.sin;
    }
}

static ALWAYS_INLINE void batch_normal(philox_key key, uint64_t first, float *out, words_fn *words_of)
{
    uint32_t w[4][BATCH];
    float x[4][BATCH];
    words_of(key, first, w);
    box_muller(w[0], w[1], x[0], x[1]);
    box_muller(w[2], w[3], x[2], x[3]);
    for (int i = 0; i < BATCH; i++)
        for (int j = 0; j < 4; j++) out[4 * i + j] = x[j][i];
}

/* ---- Ranges ---- */

typedef void batch_fn(philox_key key, uint64_t first, float *out, words_fn *words_of);

static ALWAYS_INLINE void fill(philox_key key, uint64_t first, size_t n, float *out, batch_fn *batch,
                               words_fn *words_of)
{
    float made[NUMBERS];
    size_t skip = first % 4;
    for (uint64_t block = first / 4; n > 0; block += BATCH) {
        size_t have = NUMBERS - skip < n ? NUMBERS - skip : n;
        batch(key, block, made, words_of);
        if (have == NUMBERS) memcpy(out, made, sizeof made); /* of a size that is known: a few moves */
        else
            for (size_t i = 0; i < have; i++) out[i] = made[skip + i];
        out += have;
        n -= have;
        skip = 0;
    }
}

static void uniform_portable(philox_key key, uint64_t first, size_t n, float *out)
{
    fill(key, first, n, out, batch_uniform, words_portable);
}

static void normal_portable(philox_key key, uint64_t first, size_t n, float *out)
{
    fill(key, first, n, out, batch_normal, words_portable);
}

#if defined HAVE_AVX2
AVX2 static void uniform_avx2(philox_key key, uint64_t first, size_t n, float *out)
{
    fill(key, first, n, out, batch_uniform, words_avx2);
}

AVX2 static void normal_avx2(philox_key key, uint64_t first, size_t n, float *out)
{
    fill(key, first, n, out, batch_normal, words_avx2);
}
#else
#define uniform_avx2 uniform_portable
#define normal_avx2 normal_portable
#endif

void philox_uniform(philox_key key, uint64_t first, size_t n, float *out)
{
    (cpu_best() >= CPU_AVX2 ? uniform_avx2 : uniform_portable)(key, first, n, out);
}

void philox_normal(philox_key key, uint64_t first, size_t n, float *out)
{
    (cpu_best() >= CPU_AVX2 ? normal_avx2 : normal_portable)(key, first, n, out);
}

/* ---- In double ---- */

void philox_uniform_double(philox_key key, uint64_t first, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t element = first + i;
        uint32_t w[4];
        philox_block(key, element / 4, w);
        out[i] = (double)unit(w[element % 4]);
    }
}

void philox_normal_double(philox_key key, uint64_t first, size_t n, double *out)
{
    const double two_pi = 6.283185307179586476925;
    for (size_t i = 0; i < n; i++) {
        uint64_t element = first + i;
        uint32_t w[4];
        philox_block(key, element / 4, w);
        const uint32_t *pair = w + (element & 2);
        double radius = sqrt(-2 * log((double)unit(pair[0])));
        double angle = two_pi * (pair[1] >> 8) / 16777216;
        out[i] = radius * (element & 1 ? sin(angle) : cos(angle));
    }
}

/* ---- Streams and shuffles ---- */

uint32_t philox_stream(const char *name)
{
    uint32_t hash = 2166136261u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619u;
    return hash;
}

/* 32 bits that all depend on all bits of x (constants: SplitMix64, Steele, Lea and Flood 2014). */
static uint64_t mix(uint32_t x)
{
    uint64_t y = x * UINT64_C(0x9E3779B97F4A7C15);
    return (y ^ y >> 32) * UINT64_C(0xBF58476D1CE4E5B9) >> 32;
}

/* One permutation of the numbers of 2 x half bits, half <= 32. A Feistel network by itself is always an even
 * permutation; under half of the keys 0 and 1 are swapped first, which gives the odd ones. */
static uint64_t feistel(const philox_order *o, uint64_t x)
{
    uint64_t mask = (UINT64_C(1) << o->half) - 1;
    if (x < 2 && o->half > 0) x ^= o->round_keys[0] >> 31;
    uint64_t left = x >> o->half, right = x & mask;
    for (int r = 0; r < PHILOX_FEISTEL; r++) {
        uint64_t mixed = left ^ (mix((uint32_t)right ^ o->round_keys[r]) & mask);
        left = right;
        right = mixed;
    }
    return left << o->half | right;
}

philox_order philox_order_of(philox_key key, uint64_t n)
{
    philox_order o = {.n = n};
    for (int r = 0; r < PHILOX_FEISTEL; r += 4) philox_block(key, (uint64_t)r / 4, o.round_keys + r);
    while (o.half < 32 && n > UINT64_C(1) << 2 * o.half) o.half++;
    return o;
}

uint64_t philox_order_at(const philox_order *o, uint64_t i)
{
    do i = feistel(o, i);
    while (i >= o->n);
    return i;
}

uint64_t philox_shuffle(philox_key key, uint64_t n, uint64_t i)
{
    philox_order o = philox_order_of(key, n);
    return philox_order_at(&o, i);
}
