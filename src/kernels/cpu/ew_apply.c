/* ew_apply.c - which level of loops serves, and elementwise operations on arrays of any length.
 *
 * The unfused elementwise kernels are one function: the table of loops is by operation already. */
#include "ew_loops.h"

#include "../../base/cpu.h"
#include "../ref/ref.h"
#include "fast.h"

#include <string.h>

void ew_settle(void)
{
#if defined __GNUC__ && defined __x86_64__
    __builtin_ia32_sfence();
#endif
}

const ew_level *ew_best(void)
{
    switch (cpu_best()) {
#if defined __x86_64__
    case CPU_AVX512: return &ew_avx512;
    case CPU_AVX2: return &ew_avx2;
#endif
    default: return &ew_portable;
    }
}

void ew_apply(const ew_level *level, op_code op, size_t n, float *y, const float *const *in, int n_in)
{
    size_t whole = n / EW_GROUP * EW_GROUP, rest = n - whole;
    if (whole) level->run[op](whole, y, in, 0);
    if (!rest) return;
    float group[MAX_IN][EW_GROUP] = {{0}};
    const float *groups[MAX_IN];
    for (int o = 0; o < n_in; o++) {
        memcpy(group[o], in[o] + whole, rest * sizeof(float));
        groups[o] = group[o];
    }
    level->run[op](EW_GROUP, group[0], groups, 0);
    memcpy(y + whole, group[0], rest * sizeof(float));
}

/* ---- The unfused kernels ---- */

enum { PART = 1 << 15 }; /* numbers that are worth another thread */

int cpu_flat_parts(const node *n)
{
    int64_t parts = shape_count(n->shape) / PART;
    return parts < 1 ? 1 : parts > 64 ? 64 : (int)parts;
}

void cpu_flat_range(const kernel_args *k, int64_t *begin, int64_t *end)
{
    int64_t n = shape_count(k->out.shape), groups = (n + EW_GROUP - 1) / EW_GROUP;
    *begin = groups * k->part / k->n_parts * EW_GROUP;
    *end = k->part + 1 == k->n_parts ? n : groups * (k->part + 1) / k->n_parts * EW_GROUP;
}

static void elementwise(const kernel_args *k)
{
    int64_t begin, end;
    cpu_flat_range(k, &begin, &end);
    const float *in[MAX_IN];
    for (int i = 0; i < k->n->n_in; i++) in[i] = (const float *)k->in[i].data + begin;
    ew_apply(ew_best(), k->n->op, (size_t)(end - begin), (float *)k->out.data + begin, in, k->n->n_in);
}

#define EW1(name, ...)                                                                                                 \
    void cpu_##name(const kernel_args *k)                                                                              \
    {                                                                                                                  \
        elementwise(k);                                                                                                \
    }                                                                                                                  \
    int cpu_##name##_parts(const node *n)                                                                              \
    {                                                                                                                  \
        return cpu_flat_parts(n);                                                                                      \
    }
#define EW2 EW1
#define EW3 EW1
#include "../../graph/ew.def"
#undef EW1
#undef EW2
#undef EW3
