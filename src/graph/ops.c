/* ops.c - what is derived from ops.def without any code of its own: names, arities, batch rules; and shapes. */
#include "tape.h"

#include <stdio.h>

/* The rows of ew.def reach OP with arities 1 to 3, and stand after every other row, so what comes from neg on is elementwise. */
const op_info op_table[N_OPS] = {
#define OP(name, arity, batch, cpu) [OP_##name] = {#name, arity, batch, OP_##name >= OP_neg},
#include "ops.def"
#undef OP
};

size_t dtype_size(dtype t, bool in_double)
{
    switch (t) {
    case F32: return in_double ? sizeof(double) : sizeof(float);
    case BF16: return 2;
    case U8: return 1;
    case I32: return 4;
    }
    return 0;
}

const char *dtype_name(dtype t)
{
    static const char *const names[] = {[F32] = "f32", [BF16] = "bf16", [U8] = "u8", [I32] = "i32"};
    return names[t];
}

shape shape_make(const int64_t *dim, int rank)
{
    shape s = {.rank = rank};
    for (int i = 0; i < rank && i < MAX_RANK; i++) s.dim[i] = dim[i];
    return s;
}

int64_t shape_count(shape s)
{
    int64_t n = 1;
    for (int i = 0; i < s.rank; i++) n *= s.dim[i];
    return n;
}

bool shape_equal(shape a, shape b)
{
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; i++)
        if (a.dim[i] != b.dim[i]) return false;
    return true;
}

int64_t shape_last(shape s)
{
    return s.rank ? s.dim[s.rank - 1] : 1;
}

void shape_text(shape s, char out[96])
{
    int n = snprintf(out, 96, "[");
    for (int i = 0; i < s.rank && n < 90; i++)
        n += snprintf(out + n, (size_t)(96 - n), "%s%lld", i ? "," : "", (long long)s.dim[i]);
    if (n < 95) snprintf(out + n, (size_t)(96 - n), "]");
}

/* ---- Batch behaviour: which results lie example by example ---- */

static bool keeps_leading_axis(op_code op, shape s, node *const *in, const attributes *at)
{
    const node *x = in[0];
    switch (op) {
    case OP_broadcast: return x->shape.rank == s.rank && x->shape.dim[0] == s.dim[0];
    case OP_reshape: return s.rank > 0;
    case OP_permute: return at->order[0] == 0;
    case OP_slice:
    case OP_pad:
    case OP_concat: return at->axis != 0;
    case OP_sum:
    case OP_amax:
    case OP_variance: return !(at->axes & 1u);
    case OP_cumsum:
    case OP_argmax:
    case OP_argmin:
    case OP_argsort:
    case OP_take:
    case OP_put: return x->shape.rank > 1;
    case OP_gather: return x->rows == 0;
    case OP_scatter: return false;
    case OP_matmul: return s.rank > 2 || (!(at->flag & TRANSPOSE_A) && x->rows > 0 && in[1]->rows == 0);
    case OP_conv:
    case OP_conv_dx: return x->rows > 0 && in[1]->rows == 0;
    default: return op_table[op].batch == ROWS;
    }
}

int batch_rows(op_code op, shape s, node *const *in, int n_in, const attributes *at, int64_t examples)
{
    bool any = false;
    for (int i = 0; i < n_in; i++) any = any || in[i]->rows > 0;
    if (!any || examples <= 0 || s.rank == 0 || s.dim[0] % examples != 0) return 0;
    return keeps_leading_axis(op, s, in, at) ? (int)(s.dim[0] / examples) : 0;
}

bool batch_follows(const node *n, int i)
{
    const shape s = n->in[i]->shape;
    switch (n->op) {
    case OP_matmul: return i == 0 || s.rank > 2;
    case OP_conv:
    case OP_conv_dx: return i == 0;
    case OP_gather: return i == 1;
    case OP_broadcast: return s.rank == n->shape.rank && s.dim[0] == n->shape.dim[0];
    default: return true;
    }
}
