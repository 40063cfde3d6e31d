/* compile.h - what the passes of plan_compile share. Everything here lives in the plan's arena. */
#ifndef ELBO_GRAPH_COMPILE_H
#define ELBO_GRAPH_COMPILE_H

#include "plan.h"
#include "tape.h"

/* A group of nodes that becomes one step: fused elementwise nodes, or a single node. */
typedef struct item {
    bool fused, by_example;
    shape space; /* fused: the shape all its loads are laid over */
    node **members; /* of a fused item also those it computes again, ahead of their first reader */
    int n_members;
    int registers; /* at most so many are needed */
    int phase; /* -1: not scheduled yet */
    int place; /* among the phase's steps */
} item;

/* A sum or variance over the batch, down to trailing axes that stay: [B,H,W,C] to [C]. A fused step by example computes it block
 * by block, and what the blocks found is put together in their order when the phase is done. */
bool over_batch(const node *x);
/* The same for a gradient of weights, few enough that a share of each block costs less than to read the batch again. */
bool sums_over_blocks(const node *x);
/* Whether x makes fewer numbers of more: its space is its operand's. */
bool is_reduction(const node *x);
/* Whether the step that computes x can be cut to blocks of examples. */
bool goes_by_example(const node *x);

/* Where the bytes of a tensor are: a base, an offset in bytes (or the slot of an input), and the bytes by which it advances with
 * each unit of a cut step (an example, or a row of a whole fused step); 0: every unit sees all of it. */
typedef enum base_kind { IN_ARENA, IN_SCRATCH, IN_VALUES, IN_GRADIENTS, IN_STATE, IN_NEW_STATE, IN_RESULT, IN_INPUT } base_kind;

typedef struct reference {
    base_kind base;
    int64_t offset;
    int64_t advance;
    int64_t apart; /* bytes by which it moves with each block: a result over the batch has a place for each block's share */
    bool far;      /* so large, and read so much later, that it is written past the caches */
} reference;

/* A result over the batch: how and from where shares are put together, and where to. */
typedef struct joined {
    ew_result how;
    reference shares, to;
    int64_t rows_of_example; /* rows of how.period numbers that an example adds to a share */
} joined;

typedef struct step {
    const node *n; /* what the kernel reads; fused: the last member */
    kernel_fn run; /* NULL: fused */
    const ew_program *program;
    int n_in, n_out;
    reference *in, *out;
    tensor *shapes; /* [1 + n_in] of an unfused step: out, then in; data unset */
    int parts;      /* of a whole step */
    preparation prepared;
    int64_t shared; /* where in the arena the bytes all its calls see are */
    joined *joins;  /* of a step by example */
    int n_joins;
    double flops;
} step;

/* How later phases compute a node again: from so many operations on a tensor that is kept; NULL: they read it. */
typedef struct recipe {
    const node *from;
    int operations;
} recipe;

typedef struct plan_phase {
    bool by_example;
    int64_t block; /* by example: so many in a block */
    int first_step, n_steps;
    int n_tasks;
    int first_before, n_before; /* in the plan's list before: steps with something to do ahead of the phase */
    int first_after, n_after;   /* likewise when it is done */
} plan_phase;

struct plan {
    memory m;
    pool *threads;
    void *library;
    arena storage;
    graph *g;
    plan_backend backend;
    bool in_double;
    bool fast; /* fused steps, fast kernels, blocks */
    bool takes_fewer;

    const plan_output *outputs;
    int n_outputs;

    int *level;    /* [node] how many sums over the batch come before it, one after another */
    recipe *again; /* [node] */

    item *items;
    int n_items;
    int *item_of;   /* [node] the item that computes it; -1: a leaf or a view */
    bool *written;  /* [node] its value must be in memory */
    reference *where; /* [node] for written ones and leaves */

    plan_phase *phases;
    int n_phases;
    step *steps;
    int n_steps;
    int *task_first; /* [step] of a whole phase: its first task */
    struct { int step, part; } *before; /* by phase */
    int *after; /* [step] by phase */

    size_t arena_size, scratch_size;
    size_t step_scratch; /* where in a worker's scratch a step's own begins */
};

/* The node whose memory x shares: reshapes are views. */
const node *view_root(const node *x);
/* Whether x is a leaf: present before the run. */
bool is_leaf(const node *x);
/* What an elementwise operand reads: the node in memory, looking through one broadcast. */
const node *load_source(const node *x);

/* The space an elementwise node is computed over: its shape (a reduction's: its operand's) with the draws of an example as an
 * axis of their own and without axes of size 1, so that [B k,D], [B,k,D] and, for one draw, [B,1,D] are one space. space_axes
 * turns a shape, and a load's strides along it, into the space's. */
shape space_shape(const node *x);
int64_t space_fold(const node *x);
void space_axes(shape s, int64_t fold, const int64_t *stride, shape *out_shape, int64_t *out_stride);

/* The passes; each false when out of memory. */
bool find_recipes(plan *p);  /* recompute.c: level, again */
bool make_items(plan *p);    /* fuse.c: items, item_of, written */
bool sink_members(plan *p);  /* sink.c, at the end of it */
bool make_schedule(plan *p); /* schedule.c: phases, item phase and place */
void make_blocks(plan *p);   /* blocks.c: a phase's block */
bool make_memory(plan *p);   /* memory.c: where, arena_size, scratch_size */
bool make_steps(plan *p);    /* steps.c */

/* Calls visit for every node outside the item that it reads; whole: all of it, not just the same examples. */
typedef void (*read_visitor)(void *user, const node *read, bool whole);
void each_read(const item *it, read_visitor visit, void *user);
/* Notes which nodes must be in memory: what another item reads, and outputs. */
void mark_written(plan *p);

size_t node_bytes(const plan *p, const node *x);

#endif
