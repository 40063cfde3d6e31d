/* optim.c - the table of optimisers. Their loops are plain; where the compiler can make copies for several kinds of processor it
 * does, with the same results, since nothing is contracted or reordered. */
#include "optim.h"

#include <math.h>
#include <string.h>

#if defined __GNUC__ && !defined __clang__ && defined __x86_64__ && defined __linux__ && !defined __SANITIZE_ADDRESS__ &&        \
    !defined __SANITIZE_THREAD__
#define VECTOR_CLONES __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define VECTOR_CLONES
#endif

#define REAL float
#define NAME(x) x
#define SQRT sqrtf
#include "optim_rules.inc"
#undef REAL
#undef NAME
#undef SQRT

#define REAL double
#define NAME(x) x##_double
#define SQRT sqrt
#include "optim_rules.inc"

static const optimiser table[] = {
#define OPTIMISER(name, n, ...) {#name, n, {__VA_ARGS__}, name, name##_double},
#include "optim.def"
#undef OPTIMISER
};

const optimiser *optim_at(size_t i)
{
    return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

const optimiser *optim_find(const char *name)
{
    for (size_t i = 0; optim_at(i); i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}
