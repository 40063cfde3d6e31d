/* product_tiles.c - the micro-kernels of the built-in product for each kind of processor; see product_tile.inc. */
#include "product_tiles.h"

enum { MAX_ROWS = 8, MAX_VECTORS = 6, AHEAD = 12 };

#if defined __clang__
#define ALWAYS_INLINE __attribute__((always_inline)) inline
#define UNROLL _Pragma("clang loop unroll(full)")
#define PREFETCH(at) __builtin_prefetch(at)
#elif defined __GNUC__
#define ALWAYS_INLINE __attribute__((always_inline)) inline
#define UNROLL _Pragma("GCC unroll 8")
#define PREFETCH(at) __builtin_prefetch(at)
#else
#define ALWAYS_INLINE inline
#define UNROLL
#define PREFETCH(at) ((void)0)
#endif
#ifdef ELBO_SANITIZED /* a sanitizer adds so much to every line of unrolled code that it would compile for minutes */
#undef ALWAYS_INLINE
#undef UNROLL
#define ALWAYS_INLINE inline
#define UNROLL
#endif

/* ---- Portable: vectors of four that any compiler of the GNU kind maps to what there is, else single numbers ---- */

#if defined __GNUC__
typedef float four __attribute__((vector_size(16)));
typedef float four_anywhere __attribute__((vector_size(16), aligned(4), may_alias));
#define VECTOR four
#define WIDTH 4
#define LOAD(at) ((four) * (const four_anywhere *)(at))
#define STORE(at, x) (*(four_anywhere *)(at) = (x))
#define FILL(x) ((four){(x), (x), (x), (x)})
#define TOTAL(x) (((x)[0] + (x)[2]) + ((x)[1] + (x)[3]))
#else
#define VECTOR float
#define WIDTH 1
#define LOAD(at) (*(at))
#define STORE(at, x) (*(at) = (x))
#define FILL(x) ((float)(x))
#define TOTAL(x) (x)
#endif
#define MADD(a, b, c) ((a) * (b) + (c))
#define TARGET
#define NAMED(x) x##_portable
#include "product_tile.inc"

/* ---- x86-64 ---- */

#if defined __GNUC__ && defined __x86_64__
#include <immintrin.h>

ALWAYS_INLINE __attribute__((target("avx2"))) static float total_avx2(__m256 x)
{
    __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
}

#define VECTOR __m256
#define WIDTH 8
#define LOAD(at) _mm256_loadu_ps(at)
#define STORE(at, x) _mm256_storeu_ps(at, x)
#define FILL(x) _mm256_set1_ps(x)
#define MADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#define TOTAL(x) total_avx2(x)
#define TARGET __attribute__((target("avx2,fma")))
#define NAMED(x) x##_avx2
#include "product_tile.inc"

#define VECTOR __m512
#define WIDTH 16
#define LOAD(at) _mm512_loadu_ps(at)
#define STORE(at, x) _mm512_storeu_ps(at, x)
#define FILL(x) _mm512_set1_ps(x)
#define MADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#define TOTAL(x) _mm512_reduce_add_ps(x)
#define TARGET __attribute__((target("avx512f")))
#define ROWS_8
#define NAMED(x) x##_avx512
#include "product_tile.inc"

const product_tiles *product_tiles_of(cpu_level level)
{
    return level == CPU_AVX512 ? &tiles_avx512 : level == CPU_AVX2 ? &tiles_avx2 : &tiles_portable;
}

#else

const product_tiles *product_tiles_of(cpu_level level)
{
    (void)level;
    return &tiles_portable;
}

#endif
