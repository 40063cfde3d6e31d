/* cpu.c - see cpu.h */
#include "cpu.h"

#include <stdbool.h>

#if defined __GNUC__ && (defined __x86_64__ || defined __i386__)

cpu_level cpu_best(void)
{
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return CPU_PORTABLE;
    bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    return wide ? CPU_AVX512 : CPU_AVX2;
}

#else

cpu_level cpu_best(void)
{
    return CPU_PORTABLE;
}

#endif
