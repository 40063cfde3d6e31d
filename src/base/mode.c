/* mode.c - see mode.h */
#include "mode.h"

#include <fenv.h>

#if defined __x86_64__ || defined __SSE2__
#include <xmmintrin.h>

enum { PLAIN = 0x1F80, FAST = PLAIN | 0x8000 | 0x0040 };

uint64_t mode_get(void)
{
    return _mm_getcsr();
}

void mode_set(uint64_t mode)
{
    _mm_setcsr((unsigned)mode);
}
#elif defined __GNUC__ && defined __aarch64__
enum { PLAIN = 0, FAST = 1 << 24 };

uint64_t mode_get(void)
{
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}

void mode_set(uint64_t mode)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}
#else
enum { PLAIN = 0, FAST = 0 };

uint64_t mode_get(void)
{
    return 0;
}

void mode_set(uint64_t mode)
{
    (void)mode;
}
#endif

uint64_t mode_fast(void)
{
    return FAST;
}

number_mode mode_enter(void)
{
    number_mode before = {.control = mode_get(), .rounding = fegetround()};
    fesetround(FE_TONEAREST);
    mode_set(PLAIN);
    return before;
}

void mode_leave(const number_mode *before)
{
    fesetround(before->rounding);
    mode_set(before->control);
}
