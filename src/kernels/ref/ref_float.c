/* ref_float.c - the reference kernels with real = float; see ref_body.inc */
#define REAL float
#define KERNEL(name) ref_##name
#define TABLE ref_kernels
#define UNIFORM_NUMBERS philox_uniform
#define NORMAL_NUMBERS philox_normal
#include "ref_body.inc"
