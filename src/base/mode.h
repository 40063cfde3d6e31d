/* mode.h - the floating-point mode: how numbers are rounded, and whether subnormal ones count as zero. It belongs to the program;
 * what elbo computes must not depend on it, so every function of elbo.h that computes, reads or writes numbers begins with
 * ROUNDS_TO_NEAREST, and the mode is the program's again when it returns. */
#ifndef ELBO_BASE_MODE_H
#define ELBO_BASE_MODE_H

#include <stdint.h>

/* The control word that computing obeys, and the one for kernels: nothing traps, numbers are rounded to nearest and subnormal
 * ones count as zero (FTZ, DAZ). Where the processor's is not known, nothing. */
uint64_t mode_get(void);
void mode_set(uint64_t mode);
uint64_t mode_fast(void);

typedef struct number_mode {
    uint64_t control;
    int rounding; /* as fegetround says: there may be a second control word, which printf and strtod obey */
} number_mode;

number_mode mode_enter(void);
void mode_leave(const number_mode *before);

#if defined __GNUC__
#define ROUNDS_TO_NEAREST const number_mode mode_of_the_program __attribute__((cleanup(mode_leave), unused)) = mode_enter()
#else
#define ROUNDS_TO_NEAREST ((void)0)
#endif

#endif
