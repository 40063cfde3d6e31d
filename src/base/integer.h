/* integer.h - whole numbers. */
#ifndef ELBO_BASE_INTEGER_H
#define ELBO_BASE_INTEGER_H

#include <stdint.h>

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* a / b, rounded up; a is at least 0, b at least 1. */
static inline int64_t ratio_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

#endif
