/* kernel.h - what a kernel is given: the contract between the engine and src/kernels.
 *
 * A kernel computes one operation on whole tensors, or on the rows of a block of examples: the engine then passes tensors
 * that begin at the block and whose dim[0] is cut to it, so a kernel never knows about blocks. A kernel allocates nothing,
 * fails never (builders have checked shapes), and reads attributes from the node. */
#ifndef ELBO_GRAPH_KERNEL_H
#define ELBO_GRAPH_KERNEL_H

#include "graph.h"
#include "../base/philox.h"

typedef struct tensor {
    void *data;
    dtype type;
    shape shape;
} tensor;

/* What a run brings beside its tensors. */
typedef struct run_env {
    uint64_t seed;
    uint32_t step;
    const int64_t *index; /* [examples] the index of each example, for random numbers; NULL: 0, 1, 2, ... from first_index */
    int64_t first_index;
    int64_t examples;     /* so many of the graph's, the first, need be computed; 0: all (plan_takes_fewer) */
} run_env;

typedef struct kernel_args {
    const node *n;        /* attributes; its shape is the whole tensor's */
    tensor out;
    const tensor *in;     /* [n->n_in] */
    int64_t first_example; /* of the block, for random; 0 for whole tensors */
    int64_t n_examples;    /* in the block */
    int part, n_parts;    /* which share of the output a call computes, where the kernel splits its work */
    const run_env *env;
    void *library;        /* the matrix library's handle (kernels/cpu/product.h), NULL: built-in */
    const void *made;     /* what prepare made; NULL: nothing */
    void *scratch;        /* as many bytes as prepare asked for, this worker's own */
    void *shared;         /* as many bytes as prepare asked for, which all calls of the step see from before to after */
    int worker;           /* of as many as prepare was told of; calls of one follow each other */
} kernel_args;

typedef void (*kernel_fn)(const kernel_args *k);

/* What a kernel readies for a node when a plan is compiled, so that running allocates nothing. before, where there is one, is
 * called in each run ahead of the step's calls, with those operands that are not cut to blocks: it lays weights out as a
 * library likes them. after is called once when all parts of a whole step are done: it adds up what the parts left in shared.
 * Sizes are multiples of 64 bytes. */
typedef struct preparation {
    void *made;
    void (*release)(void *made); /* with the plan; NULL: nothing to release */
    size_t scratch, shared;
    kernel_fn before, after;
    int before_parts; /* before's work is cut into so many calls; 0 stands for 1 */
} preparation;

/* What prepare is told: rows is the leading axis of the first operand in a call on a block (the last may be smaller), or of the
 * result where the step is not cut to blocks; parts is what the kernel said for whole tensors, else 1. */
typedef struct preparing {
    const node *n;
    bool in_blocks;
    int64_t rows;
    int parts, workers;
    memory m;
    void *library;
} preparing;

/* A kernel; into how many independent parts it cuts a whole-tensor call (a function of shapes only, never of threads; NULL:
 * one; row-local calls on blocks always get part 0 of 1); and what it prepares (NULL: nothing), false when out of memory. */
typedef struct kernel {
    kernel_fn run;
    int (*parts)(const node *n);
    bool (*prepare)(const preparing *q, preparation *p);
} kernel;

/* ---- Fused elementwise steps ----
 *
 * A fused step runs a little program over an iteration space, tile by tile, in registers that are short arrays: loads
 * (with broadcasting), elementwise instructions, stores, and sums or maxima over the trailing axes of the space. The space is
 * flat: rows x inner numbers, numbered i = row * inner + j. */
typedef enum load_kind {
    LOAD_FLAT,     /* element i                                                                                       */
    LOAD_SCALAR,   /* element 0                                                                                       */
    LOAD_CONSTANT, /* value, no operand                                                                               */
    LOAD_PERIODIC, /* element i % period         (a bias over rows)                                                   */
    LOAD_REPEAT,   /* element i / period         (a number per row over its features)                                 */
    LOAD_STRIDED,  /* the sum of index[d] * stride[d] over the space's axes, axis 0 counted from the block's begin     */
} load_kind;

typedef struct ew_load {
    load_kind kind;
    int operand; /* which input of the step */
    dtype type;
    double value;
    int64_t period;
    int64_t stride[MAX_RANK];
} ew_load;

typedef struct ew_instr {
    op_code op;  /* elementwise; or cast, whose rounding (to bf16, u8, i32) is done in the register */
    dtype type;  /* cast: to which */
    int in[3];   /* registers: 0 .. n_loads - 1 are the loads, n_loads + i is the result of instruction i */
} ew_instr;

/* A result written out: reduce 0 stores element i of register reg; else the sum (OP_sum) or maximum (OP_amax) over each run of
 * period consecutive elements, period dividing inner. Sums are added in a fixed order that depends on period only.
 * over_batch: instead of what follows each other, elements i, i + period, i + 2 period, ... are put together (OP_sum or
 * OP_variance, down to period columns). A block leaves its share, ew_share numbers, which cpu_fused_join puts together. */
typedef struct ew_result {
    int reg;
    int output; /* which output of the step */
    dtype type;
    op_code reduce; /* OP_sum, OP_amax, OP_variance, or OP_input for none */
    int64_t period;
    bool over_batch;
    bool stream; /* so large that it is read from memory again: written past the caches */
} ew_result;

typedef struct ew_program {
    shape space; /* collapsed as far as the loads allow; axis 0 is cut to a block's rows */
    int n_loads, n_instrs, n_results;
    ew_load *loads;
    ew_instr *instrs;
    ew_result *results;
} ew_program;

/* What a program may hold at most: n_loads + n_instrs registers, n_results results. */
enum { EW_MAX_REGS = 96, EW_MAX_RESULTS = 40 };

/* Runs a program on rows of axis 0 of its space (rows <= space.dim[0]); in and out begin at the block. An output may be the
 * memory of an operand that is loaded flat and only so. Defined by kernels/cpu. */
void cpu_fused(const ew_program *p, int64_t rows, const void *const *in, void *const *out);

/* The numbers of a block's share of a result over the batch: sums [period], or means and sums of squared distances from them. */
int64_t ew_share(const ew_result *r);
/* The result over the batch from the shares of its blocks, at so many numbers from each other: all but the last of so many
 * rows (columns of period numbers), in their order. */
void cpu_fused_join(const ew_result *r, const float *shares, int64_t apart, int64_t rows_of_block, int64_t all_rows, float *out);

/* Opens what the fast kernels need in the engine (the matrix library, or in its place their own product), once. False when out of
 * memory. */
bool cpu_open(elbo_engine *engine);

/* Whether the fast kernels gain from IN_BF16 on this processor (asks the system for the right to use its unit). */
bool cpu_gains_from_bf16(void);

/* The kernels of each backend, by operation. */
extern const kernel ref_kernels[N_OPS];        /* real = float  */
extern const kernel ref_kernels_double[N_OPS]; /* real = double: F32 tensors hold doubles */
extern const kernel cpu_kernels[N_OPS];        /* FAST ones, REF ones taken from ref_kernels */

#endif
