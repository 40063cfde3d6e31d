/* cpu.h - which vector instructions this processor, and the operating system on it, really offer. Feature bits only,
 * never the model number: virtual machines lie about the model. */
#ifndef ELBO_BASE_CPU_H
#define ELBO_BASE_CPU_H

#include <stdbool.h>

typedef enum cpu_level { CPU_PORTABLE, CPU_AVX2, CPU_AVX512 } cpu_level; /* AVX2: with FMA. AVX512: F, BW, DQ, VL */

cpu_level cpu_best(void);

/* In front of a function: the compiler makes a copy of it for each kind of processor, where it can. */
#if defined __GNUC__ && !defined __clang__ && defined __x86_64__ && defined __linux__ && !defined __SANITIZE_ADDRESS__ &&        \
    !defined __SANITIZE_THREAD__
#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define CLONES
#endif

/* Whether this process may multiply bf16 matrices with AMX. The processor has it, and Linux lets a process use it that asks: this
 * function does, and the answer holds for all of its threads. */
bool cpu_may_use_amx(void);

#endif
