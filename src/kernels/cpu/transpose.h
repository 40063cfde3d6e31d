/* transpose.h - turning matrices. */
#ifndef ELBO_KERNELS_CPU_TRANSPOSE_H
#define ELBO_KERNELS_CPU_TRANSPOSE_H

#include <stdint.h>

/* to[j][i] = from[i][j] for i < m, j < n; so many numbers from one row to the next. */
void transpose(int64_t m, int64_t n, const float *from, int64_t from_stride, float *to, int64_t to_stride);

#endif
