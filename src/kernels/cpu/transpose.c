/* transpose.c - turning matrices, in squares of four that go through registers. Sixteen rows at a time: their numbers of one
 * column fill a line of the cache. */
#include "transpose.h"

#if defined __GNUC__
#define PREFETCH(at) __builtin_prefetch(at, 1)
#else
#define PREFETCH(at) ((void)0)
#endif

#if defined __GNUC__ && defined __SSE__
#include <xmmintrin.h>

static void transpose_4x4(const float *from, int64_t from_stride, float *to, int64_t to_stride)
{
    __m128 row[4];
    for (int i = 0; i < 4; i++) row[i] = _mm_loadu_ps(from + i * from_stride);
    _MM_TRANSPOSE4_PS(row[0], row[1], row[2], row[3]);
    for (int i = 0; i < 4; i++) _mm_storeu_ps(to + i * to_stride, row[i]);
}

#else

static void transpose_4x4(const float *from, int64_t from_stride, float *to, int64_t to_stride)
{
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++) to[j * to_stride + i] = from[i * from_stride + j];
}

#endif

void transpose(int64_t m, int64_t n, const float *from, int64_t from_stride, float *to, int64_t to_stride)
{
    enum { STRIP = 16, AHEAD = 64 };
    int64_t m4 = m / 4 * 4, n4 = n / 4 * 4;
    for (int64_t strip = 0; strip < m4; strip += STRIP) {
        int64_t end = strip + STRIP < m4 ? strip + STRIP : m4;
        for (int64_t j = 0; j < n4; j += 4) {
            for (int64_t a = j + AHEAD; a < j + AHEAD + 4 && a < n4; a++) PREFETCH(to + a * to_stride + strip);
            for (int64_t i = strip; i < end; i += 4)
                transpose_4x4(from + i * from_stride + j, from_stride, to + j * to_stride + i, to_stride);
        }
    }
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = i < m4 ? n4 : 0; j < n; j++) to[j * to_stride + i] = from[i * from_stride + j];
}
