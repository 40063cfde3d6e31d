/* optim.c - the table of optimisers, and what is asked of a gradient before. The loops are plain; where the compiler can
 * make copies for several kinds of processor it does, with the same results, since nothing is contracted or reordered. */
#include "optim.h"
#include "../base/cpu.h"

#include <math.h>
#include <string.h>

#if defined __GNUC__
#define ALWAYS_INLINE __attribute__((always_inline)) inline
#else
#define ALWAYS_INLINE inline
#endif
#define MAX(a, b) ((a) > (b) ? (a) : (b))

CLONES static bool finite_of(size_t n, const float *x)
{
    int32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bad |= (bits & 0x7fffffff) >= 0x7f800000; /* the exponent of infinities and nans */
    }
    return !bad;
}

CLONES static double squares_of(size_t n, const float *x)
{
    enum { LANES = 16 };
    double lane[LANES] = {0}, sum = 0;
    for (size_t i = 0; i < n / LANES * LANES; i += LANES)
        for (size_t k = 0; k < LANES; k++) lane[k] += (double)x[i + k] * (double)x[i + k];
    for (size_t i = n / LANES * LANES; i < n; i++) sum += (double)x[i] * (double)x[i];
    for (size_t k = 0; k < LANES; k++) sum += lane[k];
    return sum;
}

CLONES static void add_to(size_t n, double share, float *restrict sum, const float *restrict x)
{
    const float k = (float)share;
    for (size_t i = 0; i < n; i++) sum[i] += k * x[i];
}

CLONES static void average_to(size_t n, double keep, float *restrict average, const float *restrict x)
{
    const float share = (float)(1 - keep);
    for (size_t i = 0; i < n; i++) average[i] += share * (x[i] - average[i]);
}

/* What the compiler clones is exported from a shared library whatever its visibility, so others call these. */

bool optim_finite(size_t n, const float *x)
{
    return finite_of(n, x);
}

double optim_squares(size_t n, const float *x)
{
    return squares_of(n, x);
}

void optim_add(size_t n, double share, float *restrict sum, const float *restrict x)
{
    add_to(n, share, sum, x);
}

void optim_average(size_t n, double keep, float *restrict average, const float *restrict x)
{
    average_to(n, keep, average, x);
}

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

double optim_keep(double decay, int64_t t)
{
    double early = (double)(1 + t) / (double)(10 + t);
    return early < decay ? early : decay;
}

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
