/* ew_avx2.c - the loops of ew_loops.inc for x86-64 processors with AVX2 and FMA. */
/* cflags x86_64: -mavx2 -mfma */
#if defined __x86_64__
#define LEVEL ew_avx2
#include "ew_loops.inc"
#endif
