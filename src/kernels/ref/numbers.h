/* numbers.h - what both reference and fast kernels mean by a conversion between types, and the functions libm lacks
 * or has in a form that is no use with threads. */
#ifndef ELBO_KERNELS_NUMBERS_H
#define ELBO_KERNELS_NUMBERS_H

#include <stdint.h>
#include <string.h>

/* bf16 is the upper half of a float. Rounds to the nearest, ties to even; a nan stays one. */
static inline uint16_t bf16_from(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (uint16_t)(x == x ? rounded : (bits >> 16 | 0x40u));
}

static inline float bf16_to(uint16_t x)
{
    uint32_t bits = (uint32_t)x << 16;
    float y;
    memcpy(&y, &bits, sizeof y);
    return y;
}

/* Integers: the fraction is cut off, what does not fit becomes the nearest that does, a nan becomes 0. */
static inline int32_t i32_from(double x)
{
    return x > -2147483648.0 ? x < 2147483647.0 ? (int32_t)x : INT32_MAX : x == x ? INT32_MIN : 0;
}

static inline uint8_t u8_from(double x)
{
    return (uint8_t)(x > 0 ? x < 255 ? (int32_t)x : 255 : 0);
}

double num_sigmoid(double x);  /* 1 / (1 + e^-x) */
double num_softplus(double x); /* log(1 + e^x)   */
double num_lgamma(double x);   /* log |Gamma(x)|, without lgamma's global sign */
double num_digamma(double x);  /* the derivative of lgamma; nan at 0, -1, -2, ... */

#endif
