/* fast.h - the fast kernels by name: for each row of ops.def that says FAST, cpu_<name> and cpu_<name>_parts, which
 * says into how many parts it cuts its work; for PREPARED ones cpu_<name>_prepare too. */
#ifndef ELBO_KERNELS_FAST_H
#define ELBO_KERNELS_FAST_H

#include "../../graph/kernel.h"

#define DECLARE_FAST(name)                                                                                             \
    void cpu_##name(const kernel_args *k);                                                                             \
    int cpu_##name##_parts(const node *n);
#define DECLARE_PREPARED(name)                                                                                         \
    DECLARE_FAST(name)                                                                                                 \
    bool cpu_##name##_prepare(const preparing *q, preparation *p);
#define DECLARE_REF(name)
#define OP(name, arity, batch, cpu) DECLARE_##cpu(name)
#include "../../graph/ops.def"
#undef OP
#undef DECLARE_FAST
#undef DECLARE_PREPARED
#undef DECLARE_REF

/* Parts of a result whose numbers are computed each on its own, and the numbers [begin, end) of k's part. */
int cpu_flat_parts(const node *n);
void cpu_flat_range(const kernel_args *k, int64_t *begin, int64_t *end);

#endif
