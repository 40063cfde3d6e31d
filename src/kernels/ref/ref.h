/* ref.h - the reference kernels: the definition of every operation, as one plain loop nest each (ref_body.inc). The
 * source is compiled twice: ref_<name> computes with real = float, ref_double_<name> with real = double. */
#ifndef ELBO_KERNELS_REF_H
#define ELBO_KERNELS_REF_H

#include "../../graph/kernel.h"

#define OP(name, ...)                                                                                                  \
    void ref_##name(const kernel_args *k);                                                                             \
    void ref_double_##name(const kernel_args *k);
#include "../../graph/ops.def"
#undef OP

#endif
