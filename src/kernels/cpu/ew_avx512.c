/* ew_avx512.c - the loops of ew_loops.inc for x86-64 processors with AVX-512 F, BW, DQ and VL. */
/* cflags x86_64: -mavx2 -mfma -mavx512f -mavx512bw -mavx512dq -mavx512vl -mprefer-vector-width=512 */
#if defined __x86_64__
#define LEVEL ew_avx512
#include "ew_loops.inc"
#endif
