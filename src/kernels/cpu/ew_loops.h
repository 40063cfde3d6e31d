/* ew_loops.h - the vectorised loops the fast kernels are made of: one table for each level of processor, compiled
 * from the same source (ew_loops.inc).
 *
 * The loops of operations work on whole groups of EW_GROUP numbers, so that there are no leftovers to be computed in
 * another way: a number's result does not depend on its place, nor on how an array is cut. */
#ifndef ELBO_KERNELS_EW_LOOPS_H
#define ELBO_KERNELS_EW_LOOPS_H

#include "../../graph/kernel.h"

enum {
    EW_GROUP = 16, /* numbers handled together; lengths are multiples of it */
    EW_LANES = 32, /* partial sums of a sum */
};

/* y[i] = op(in[0][i], in[1][i], in[2][i]) for i < n. Bit o of single set: operand o is one number, in[o][0]; not all
 * of an operation's operands may be. y may be one of the operands. */
typedef void (*ew_loop)(size_t n, float *y, const float *const *in, unsigned single);

typedef struct ew_level {
    ew_loop run[N_OPS]; /* NULL where an operation is not elementwise */
    /* both of x, with the bits that each has alone; three different arrays */
    void (*softplus_and_sigmoid)(size_t n, float *softplus, float *sigmoid, const float *x);
    ew_loop cast[4];    /* by dtype: rounds to what that type can hold; the result is still float */
    void (*load[4])(size_t n, float *y, const void *x); /* from an array of a dtype; any n */
    void (*store[4])(size_t n, void *y, const float *x);
    /* Past the caches, which the calling thread ends with ew_settle; y at a multiple of 64 bytes. */
    void (*stream)(size_t n, float *y, const float *x);
    /* lanes[i % EW_LANES] += x[i], or the larger of both; n a multiple of EW_LANES */
    void (*add_lanes)(size_t n, float *lanes, const float *x);
    void (*max_lanes)(size_t n, float *lanes, const float *x);
    /* y[j] += the sum of x[r * stride + j] over r < rows, for j < n; any n */
    void (*add_rows)(size_t n, size_t rows, size_t stride, float *y, const float *x);
    /* the same of (x - mean[j])^2 */
    void (*add_squares)(size_t n, size_t rows, size_t stride, float *y, const float *mean, const float *x);
} ew_level;

extern const ew_level ew_portable;
#if defined __x86_64__
extern const ew_level ew_avx2, ew_avx512;
#endif

/* What this thread has streamed can be read by all others from here on. */
void ew_settle(void);

/* The best this processor has. */
const ew_level *ew_best(void);

/* The same for arrays of any length n, without single operands. */
void ew_apply(const ew_level *level, op_code op, size_t n, float *y, const float *const *in, int n_in);

/* Sums or maxima of each period consecutive numbers, in an order that depends on the period only; see ew_fold.c. */
typedef struct ew_fold {
    op_code op;     /* OP_sum or OP_amax */
    int64_t period; /* numbers that make one result */
    int64_t done;   /* of them, so far */
    int64_t width;  /* lanes in use */
    float lanes[EW_LANES];
} ew_fold;

void ew_fold_begin(ew_fold *f, op_code op, int64_t period);
/* Takes in the next n numbers and writes the results that become complete; returns how many. */
int64_t ew_fold_feed(ew_fold *f, const ew_level *level, int64_t n, const float *x, float *y);

/* A block's share of a result over the batch (kernel.h): emptied, and fed the n numbers from element begin of the block on. */
void ew_columns_begin(const ew_result *r, float *share);
void ew_columns_feed(const ew_result *r, const ew_level *level, int64_t begin, int64_t n, const float *x, float *share);

/* cpu_fused with the loops of a certain level. */
void fused_run(const ew_level *level, const ew_program *p, int64_t rows, const void *const *in, void *const *out);

#endif
