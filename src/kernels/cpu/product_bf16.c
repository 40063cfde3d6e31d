/* product_bf16.c - see product_bf16.h.
 *
 * Operands are packed into tiles of 16 lines of 32 numbers, 64 bytes a line, as AMX reads them. A line of a tile of A is a row of
 * C and goes along the inner size; a line of a tile of B is two rows of B, and holds their numbers of each column of C as pairs.
 * Two tiles of either side make four tiles of C, which stay in the unit's registers while the inner size goes by. B is packed
 * whole, ahead of all calls that read it, A as it comes, for 32 rows at a time.
 *
 * The sum of a number of C is that of TDPBF16PS (Intel's manual of instructions): for each 32 of the inner size those at even
 * places and those at odd ones are added up apart, one after another, and their sum to C. */
#include "product_bf16.h"
#include "transpose.h"
#include "../ref/numbers.h"
#include "../../base/cpu.h"
#include "../../base/integer.h"

#include <math.h>
#include <string.h>

enum {
    SIDE = 16,           /* lines of a tile; columns of one of C */
    DEPTH = 32,          /* numbers in a line */
    TILE = SIDE * DEPTH, /* numbers of a tile */
    TILES = 2,           /* of a side that meet those of the other */
    PANEL = SIDE * TILES,
};

/* a and b are panels packed: for each 32 of the inner size so many tiles. */
typedef struct tiles_args {
    int64_t m, n; /* of C */
    int64_t chunks;
    const uint16_t *a, *b;
    float *c;
    int64_t ldc;
    bool add;
} tiles_args;

struct bf16_unit {
    /* A tile from up to 16 lines of up to 32 numbers; or from up to 32 of up to 16, whose neighbours become pairs. The rest is
     * zeros. */
    void (*pack_lines)(int64_t lines, int64_t depth, const float *from, int64_t stride, uint16_t *tile);
    void (*pack_pairs)(int64_t lines, int64_t depth, const float *from, int64_t stride, uint16_t *tile);
    void (*configure)(int64_t m, int64_t n); /* ahead of multiply for that much of C, at most a panel of each side */
    void (*multiply[TILES][TILES])(const tiles_args *t); /* for tiles of A - 1, of B - 1 */
    void (*release)(void);
};

/* ---- Portable ---- */

static void portable_lines(int64_t lines, int64_t depth, const float *from, int64_t stride, uint16_t *tile)
{
    for (int64_t i = 0; i < SIDE; i++)
        for (int64_t l = 0; l < DEPTH; l++) *tile++ = i < lines && l < depth ? bf16_from(from[i * stride + l]) : 0;
}

static void portable_pairs(int64_t lines, int64_t depth, const float *from, int64_t stride, uint16_t *tile)
{
    for (int64_t l = 0; l < DEPTH; l++)
        for (int64_t i = 0; i < SIDE; i++)
            tile[l / 2 * DEPTH + 2 * i + l % 2] = i < lines && l < depth ? bf16_from(from[l * stride + i]) : 0;
}

static float dot(float sum, const uint16_t *a, const uint16_t *b)
{
    float even = 0, odd = 0;
    for (int l = 0; l < DEPTH / 2; l++, b += DEPTH) {
        even = fmaf(bf16_to(a[2 * l]), bf16_to(b[0]), even);
        odd = fmaf(bf16_to(a[2 * l + 1]), bf16_to(b[1]), odd);
    }
    return sum + (even + odd);
}

static void portable_multiply(int rows, int columns, const tiles_args *t)
{
    for (int64_t i = 0; i < t->m; i++) {
        for (int64_t j = 0; j < t->n; j++) {
            float *c = t->c + i * t->ldc + j, sum = t->add ? *c : 0;
            const uint16_t *a = t->a + i * DEPTH, *b = t->b + j / SIDE * TILE + j % SIDE * 2;
            for (int64_t l = 0; l < t->chunks; l++, a += rows * TILE, b += columns * TILE) sum = dot(sum, a, b);
            *c = sum;
        }
    }
}

static void portable_configure(int64_t m, int64_t n)
{
    (void)m, (void)n;
}

static void portable_release(void) {}

#define PORTABLE(r, v)                                                                                                 \
    static void portable_##r##x##v(const tiles_args *t)                                                                \
    {                                                                                                                  \
        portable_multiply(r, v, t);                                                                                    \
    }
PORTABLE(1, 1) PORTABLE(1, 2) PORTABLE(2, 1) PORTABLE(2, 2)

static const bf16_unit portable_unit = {
    portable_lines, portable_pairs, portable_configure,
    {{portable_1x1, portable_1x2}, {portable_2x1, portable_2x2}}, portable_release,
};

const bf16_unit *bf16_portable(void)
{
    return &portable_unit;
}

/* ---- AMX ---- */

#if defined __x86_64__ && ((defined __clang__ && __clang_major__ >= 12) || (!defined __clang__ && __GNUC__ >= 11))
#include <immintrin.h>

#define ROUNDS __attribute__((target("avx512f,avx512bw,avx512bf16")))
#define MULTIPLIES __attribute__((target("amx-tile,amx-bf16")))

static __mmask16 first(int64_t n)
{
    return (__mmask16)(n >= SIDE ? 0xffff : n > 0 ? (1u << n) - 1 : 0);
}

ROUNDS static void amx_lines(int64_t lines, int64_t depth, const float *from, int64_t stride, uint16_t *tile)
{
    const __mmask16 low = first(depth), high = first(depth - SIDE);
    for (int64_t i = 0; i < SIDE; i++, from += stride, tile += DEPTH) {
        __mmask16 inside = i < lines ? 0xffff : 0;
        __m512 x = _mm512_maskz_loadu_ps(low & inside, from), y = _mm512_maskz_loadu_ps(high & inside, from + SIDE);
        _mm512_store_si512(tile, (__m512i)_mm512_cvtne2ps_pbh(y, x));
    }
}

ROUNDS static void amx_pairs(int64_t lines, int64_t depth, const float *from, int64_t stride, uint16_t *tile)
{
    const __m512i by_pairs = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5,
                                              20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __mmask16 inside = first(lines);
    for (int64_t l = 0; l < DEPTH; l += 2, from += 2 * stride, tile += DEPTH) {
        __m512 x = _mm512_maskz_loadu_ps(l < depth ? inside : 0, from);
        __m512 y = _mm512_maskz_loadu_ps(l + 1 < depth ? inside : 0, from + stride);
        _mm512_store_si512(tile, _mm512_permutexvar_epi16(by_pairs, (__m512i)_mm512_cvtne2ps_pbh(y, x)));
    }
}

/* Tiles 0 to 3 are C's, 4 and 5 A's, 6 and 7 B's. */
MULTIPLIES static void amx_configure(int64_t m, int64_t n)
{
    struct { uint8_t palette, start, rest[14]; uint16_t bytes[16]; uint8_t lines[16]; } config = {.palette = 1};
    const int64_t rows[TILES] = {least(m, SIDE), m - SIDE}, columns[TILES] = {least(n, SIDE), n - SIDE};
    for (int i = 0; i < TILES * TILES; i++) {
        if (rows[i / TILES] <= 0 || columns[i % TILES] <= 0) continue;
        config.lines[i] = config.lines[4 + i / TILES] = (uint8_t)rows[i / TILES];
        config.bytes[i] = config.bytes[6 + i % TILES] = (uint16_t)(columns[i % TILES] * 4);
        config.bytes[4 + i / TILES] = 2 * DEPTH;
        config.lines[6 + i % TILES] = SIDE;
    }
    __asm__ volatile("" : : "r"(&config) : "memory"); /* the compiler's own function forgets that it is read */
    _tile_loadconfig(&config);
}

MULTIPLIES static void amx_release(void)
{
    _tile_release();
}

#define AMX(r, v)                                                                                                      \
    MULTIPLIES static void amx_##r##x##v(const tiles_args *t)                                                          \
    {                                                                                                                  \
        const uint16_t *a = t->a, *b = t->b;                                                                           \
        const size_t line = 2 * DEPTH, row = (size_t)t->ldc * sizeof *t->c;                                            \
        float *c = t->c, *below = c + SIDE * t->ldc;                                                                   \
        for (int i = 0; i < t->m; i++) /* the next tiles of C: they are written faster than they are fetched */        \
            for (int j = 0; j < v; j++) __builtin_prefetch(c + i * t->ldc + PANEL + j * SIDE, 1);                      \
        __asm__ volatile("" : : : "memory"); /* what was packed is in memory */                                        \
        if (t->add) {                                                                                                  \
            _tile_loadd(0, c, row);                                                                                    \
            if (v > 1) _tile_loadd(1, c + SIDE, row);                                                                  \
            if (r > 1) _tile_loadd(2, below, row);                                                                     \
            if (r > 1 && v > 1) _tile_loadd(3, below + SIDE, row);                                                     \
        } else {                                                                                                       \
            _tile_zero(0);                                                                                             \
            if (v > 1) _tile_zero(1);                                                                                  \
            if (r > 1) _tile_zero(2);                                                                                  \
            if (r > 1 && v > 1) _tile_zero(3);                                                                         \
        }                                                                                                              \
        for (int64_t l = t->chunks; l > 0; l--, a += r * TILE, b += v * TILE) {                                        \
            _tile_loadd(4, a, line);                                                                                   \
            _tile_loadd(6, b, line);                                                                                   \
            _tile_dpbf16ps(0, 4, 6);                                                                                   \
            if (v > 1) _tile_loadd(7, b + TILE, line);                                                                 \
            if (v > 1) _tile_dpbf16ps(1, 4, 7);                                                                        \
            if (r > 1) _tile_loadd(5, a + TILE, line);                                                                 \
            if (r > 1) _tile_dpbf16ps(2, 5, 6);                                                                        \
            if (r > 1 && v > 1) _tile_dpbf16ps(3, 5, 7);                                                               \
        }                                                                                                              \
        _tile_stored(0, c, row);                                                                                       \
        if (v > 1) _tile_stored(1, c + SIDE, row);                                                                     \
        if (r > 1) _tile_stored(2, below, row);                                                                        \
        if (r > 1 && v > 1) _tile_stored(3, below + SIDE, row);                                                        \
    }
AMX(1, 1) AMX(1, 2) AMX(2, 1) AMX(2, 2)

static const bf16_unit amx_unit = {
    amx_lines, amx_pairs, amx_configure, {{amx_1x1, amx_1x2}, {amx_2x1, amx_2x2}}, amx_release,
};

const bf16_unit *bf16_best(void)
{
    return cpu_may_use_amx() ? &amx_unit : &portable_unit;
}

#else

const bf16_unit *bf16_best(void)
{
    return &portable_unit;
}

#endif

/* ---- Packing ---- */

/* An operand as lines along the inner size, rows of A or columns of B: number l of line i at i by_line + l by_depth, one of the
 * two strides 1. */
typedef struct operand {
    const float *at;
    int64_t lines, depth;
    int64_t by_line, by_depth;
    bool by_pairs; /* B's tiles */
} operand;

/* A pair, or two neighbours of a line, are turned like one number. */
static void pack_tile(const bf16_unit *u, const operand *x, int64_t i, int64_t l, uint16_t *tile)
{
    bool pairs = x->by_depth != 1;
    _Alignas(64) uint16_t aside[TILE];
    uint16_t *to = pairs == x->by_pairs ? tile : aside;
    const float *from = x->at + i * x->by_line + l * x->by_depth;
    if (pairs) u->pack_pairs(x->lines - i, x->depth - l, from, x->by_depth, to);
    else u->pack_lines(x->lines - i, x->depth - l, from, x->by_line, to);
    if (to == aside) transpose(SIDE, SIDE, (const float *)(const void *)aside, SIDE, (float *)(void *)tile, SIDE);
}

static int tiles_of(int64_t lines)
{
    return lines > SIDE ? TILES : 1;
}

/* The tiles of panel i (two, or one at the end) at l, to where they belong in the operand packed. */
static void pack_tiles(const bf16_unit *u, const operand *x, int64_t i, int64_t l, uint16_t *packed)
{
    int tiles = tiles_of(x->lines - i * PANEL);
    uint16_t *to = packed + (i * PANEL * ratio_up(x->depth, DEPTH) + l * tiles * SIDE) * DEPTH;
    for (int t = 0; t < tiles; t++) pack_tile(u, x, i * PANEL + t * SIDE, l * DEPTH, to + t * TILE);
}

/* Along memory. */
static void pack(const bf16_unit *u, const operand *x, uint16_t *packed, int part, int parts)
{
    int64_t panels = ratio_up(x->lines, PANEL), chunks = ratio_up(x->depth, DEPTH);
    bool by_depth = x->by_depth == 1;
    int64_t outer = by_depth ? panels : chunks, inner = by_depth ? chunks : panels;
    for (int64_t i = outer * part / parts; i < outer * (part + 1) / parts; i++)
        for (int64_t j = 0; j < inner; j++) pack_tiles(u, x, by_depth ? i : j, by_depth ? j : i, packed);
}

size_t bf16_packed(int64_t n, int64_t k)
{
    return (size_t)(ratio_up(n, SIDE) * ratio_up(k, DEPTH) * TILE) * sizeof(uint16_t);
}

size_t bf16_room(int64_t k)
{
    return bf16_packed(PANEL, k);
}

void bf16_pack(const bf16_unit *u, bool tb, int64_t n, int64_t k, const float *b, int64_t ldb, void *packed, int part, int parts)
{
    operand x = {b, n, k, tb ? ldb : 1, tb ? 1 : ldb, true};
    pack(u, &x, packed, part, parts);
}

/* ---- The product ---- */

/* Arguments are changed in place, one by one: copied as a whole they would wait for all of C that is being stored. */
static void multiply(const bf16_unit *u, tiles_args *t, int64_t m, int64_t n)
{
    if (t->m != m || t->n != n) u->configure(m, n);
    t->m = m;
    t->n = n;
    u->multiply[tiles_of(m) - 1][tiles_of(n) - 1](t);
}

void bf16_by_packed(const bf16_unit *u, bool ta, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const void *packed, float *c, int64_t ldc, bool add, void *room)
{
    int64_t chunks = ratio_up(k, DEPTH);
    tiles_args t = {.chunks = chunks, .a = room, .ldc = ldc, .add = add};
    for (int64_t i = 0; i < m; i += PANEL) {
        operand x = {a + i * (ta ? 1 : lda), least(m - i, PANEL), k, ta ? 1 : lda, ta ? lda : 1, false};
        pack(u, &x, room, 0, 1);
        for (int64_t j = 0; j < n; j += PANEL) {
            t.b = (const uint16_t *)packed + j * chunks * DEPTH;
            t.c = c + i * ldc + j;
            multiply(u, &t, x.lines, least(n - j, PANEL));
        }
    }
    u->release();
}
