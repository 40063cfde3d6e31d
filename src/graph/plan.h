/* plan.h - a graph made ready to run: compile once, run many times.
 *
 *   fuse      elementwise nodes over the same space become one step, trailing sums included      (fuse.c)
 *   schedule  steps become phases: a phase by example runs chains of row-local steps on blocks of examples, a whole phase
 *             runs independent steps cut into parts; one barrier after each phase                 (schedule.c)
 *   memory    what lives within one block goes to a worker's scratch, the rest to one arena       (memory.c)
 *   run       walk the phases; nothing is allocated or looked up                                  (run.c)
 *
 * How work is cut depends on shapes only, so results have the same bits for any number of threads. */
#ifndef ELBO_GRAPH_PLAN_H
#define ELBO_GRAPH_PLAN_H

#include "../base/engine.h"
#include "graph.h"
#include "kernel.h"

typedef enum plan_backend {
    BACKEND_CPU,       /* fused, fast kernels, blocks of examples, the matrix library where there is one              */
    BACKEND_CPU_OWN,   /* the same with elbo's own products: as fast within a few percent, and opening the library takes longer
                          than many a serving process lives                                                           */
    BACKEND_REF,       /* every node a step of its own, reference kernels, float                                      */
    BACKEND_REF_DOUBLE /* the same in double: inputs of type F32, values, gradients and state are arrays of double    */
} plan_backend;

/* Where an output goes: into the arena, where plan_result finds it, or into an array of the caller at an element offset. */
typedef enum plan_target { TO_ARENA, TO_GRADIENT, TO_STATE, TO_RESULT } plan_target;

typedef struct plan_output {
    node *value;
    plan_target target;
    int64_t offset;
} plan_output;

typedef struct plan plan;

/* Compiles the graph for its outputs[n]. The graph must stay open as long as the plan. Errors: the graph's own, NO_MEMORY. */
plan *plan_compile(elbo_engine *engine, graph *g, const plan_output *outputs, int n, plan_backend backend,
                   elbo_error *error);
void plan_close(plan *p);

/* Bytes of the arena (64-byte aligned) that a run needs, and of scratch for each worker. Plans may share both. */
size_t plan_arena_size(const plan *p);
size_t plan_scratch_size(const plan *p);

/* What a run is given. Arrays may be NULL where the plan does not touch them. */
typedef struct plan_buffers {
    const void *const *inputs; /* by slot */
    const void *values;        /* parameters */
    void *gradients;
    const void *state;
    void *new_state;
    void *result;
    void *arena;
    void *scratch; /* plan_scratch_size x workers */
    run_env env;
    double *seconds; /* [workers,steps] to which the time of each step's calls is added; NULL: no clock is read */
} plan_buffers;

void plan_run(const plan *p, const plan_buffers *b);

/* Whether a run computes fewer examples than the graph has where fewer are asked for (run_env): where none of it looks at several
 * at once. Then what belongs to the others is neither read nor written. */
bool plan_takes_fewer(const plan *p);

/* Output i of the last run, for TO_ARENA. */
const void *plan_result(const plan *p, int i, const plan_buffers *b);

/* Runs a plan of a reference backend and looks at every step's result. True when one has a number that is not finite: *at
 * is the earliest such node on the tape, *example where it was (-1: not one example's). nan_is_missing: inputs are not looked
 * at, for nan in them stands for what is missing. */
bool plan_find_nonfinite(const plan *p, const plan_buffers *b, bool nan_is_missing, const node **at, int64_t *example);

/* The steps as text, with bytes and flops, and with seconds[steps] where they are known (NULL: not). */
struct text;
void plan_dump(const plan *p, const double *seconds, struct text *out);

/* What a step is, and what it costs a run: the operation (of a fused step, its last), operations of products and
 * convolutions, bytes of all operands and results. */
typedef struct step_cost {
    op_code op;
    bool fused;
    double flops, bytes;
} step_cost;
int plan_steps(const plan *p);
step_cost plan_cost(const plan *p, int number);
/* Floating-point operations of the plan's products. */
double plan_flops(const plan *p);

#endif
