/* optim.c - the table of optimisers. Their loops are plain; where the compiler can make copies for several kinds of
 * processor it does, with the same results, since nothing is contracted or reordered. */
#include "optim.h"

#include <math.h>
#include <string.h>

#if defined __GNUC__ && !defined __clang__ && defined __x86_64__ && defined __linux__ && !defined __SANITIZE_ADDRESS__ &&        \
    !defined __SANITIZE_THREAD__
#define CLONES __attribute__((target_clones("arch=skylake-avx512", "avx2", "default")))
#else
#define CLONES
#endif

#if defined __GNUC__
#define ALWAYS_INLINE __attribute__((always_inline)) inline
#else
#define ALWAYS_INLINE inline
#endif
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define REAL float
#define NAME(x) x
#define SQRT sqrtf
#define ABS fabsf
#include "optim_rules.inc"
#undef REAL
#undef NAME
#undef SQRT
#undef ABS
#undef CLONES

#define CLONES
#define REAL double
#define NAME(x) x##_double
#define SQRT sqrt
#define ABS fabs
#include "optim_rules.inc"

static const optimiser table[] = {
#define OPTIMISER1(name, a, ...) {#name, {#a}, name, name##_double},
#define OPTIMISER2(name, a, b, ...) {#name, {#a, #b}, name, name##_double},
#define OPTIMISER3(name, a, b, c, ...) {#name, {#a, #b, #c}, name, name##_double},
#include "optim.def"
};

const optimiser *optim_at(size_t i)
{
    return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

bool optim_needs(const optimiser *how, int i, const optim_settings *o)
{
    const char *slot = how->slot[i];
    if (!slot) return false;
    if (strcmp(slot, "buffer") == 0) return o->momentum > 0;
    return strcmp(slot, "mean") == 0 ? o->centred : true;
}
