/* cpu_kernels.c - the table of the processor's kernels: the last column of ops.def says which are fast ones. */
#include "../ref/ref.h"
#include "fast.h"

#define ENTRY_FAST(name) {cpu_##name, cpu_##name##_parts, NULL}
#define ENTRY_PREPARED(name) {cpu_##name, cpu_##name##_parts, cpu_##name##_prepare}
#define ENTRY_REF(name) {ref_##name, NULL, NULL}

const kernel cpu_kernels[N_OPS] = {
#define OP(name, arity, batch, cpu) [OP_##name] = ENTRY_##cpu(name),
#include "../../graph/ops.def"
#undef OP
};
