/* cpu.c - see cpu.h */
#include "cpu.h"

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

#if defined __GNUC__ && defined __x86_64__ && defined __linux__
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Tiles, bf16 products of them, and AVX-512's conversion to bf16, which all such processors have. */
static bool has_amx(void)
{
    enum { BF16 = 1 << 22, TILES = 1 << 24, AVX512_BF16 = 1 << 5, SAVES_TILES = 3 << 17, OSXSAVE = 1 << 27 };
    unsigned a, b, c, d, low, high;
    if (cpu_best() != CPU_AVX512 || !__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (BF16 | TILES)) != (BF16 | TILES)) return false;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a & AVX512_BF16)) return false;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & SAVES_TILES) == SAVES_TILES;
}

bool cpu_may_use_amx(void)
{
    enum { ASK = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM and its component, which older headers lack */
    return has_amx() && syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
}

#else

bool cpu_may_use_amx(void)
{
    return false;
}

#endif
