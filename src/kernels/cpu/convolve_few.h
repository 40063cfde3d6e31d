/* convolve_few.h - convolutions to a few channels, such as those that end a decoder. */
#ifndef ELBO_KERNELS_CPU_CONVOLVE_FEW_H
#define ELBO_KERNELS_CPU_CONVOLVE_FEW_H

#include "../../base/cpu.h"
#include "../../graph/conv.h"

bool few_suits(const conv_sizes *s);

/* y from x and w, and the gradient w from x and y; turned: room for as many numbers as w has. */
void few_conv(cpu_level level, const conv_sizes *s, const float *x, const float *w, float *y, float *turned);
void few_conv_dw(cpu_level level, const conv_sizes *s, const float *x, const float *y, float *w, float *turned);

#endif
