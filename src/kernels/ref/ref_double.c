/* ref_double.c - the reference kernels with real = double; see ref_body.inc */
#define REAL double
#define KERNEL(name) ref_double_##name
#define TABLE ref_kernels_double
#define UNIFORM_NUMBERS philox_uniform_double
#define NORMAL_NUMBERS philox_normal_double
#include "ref_body.inc"
