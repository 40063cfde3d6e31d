/* rig.h - runs a graph on a backend with every number given and taken as double: what the tests of the mathematics share. */
#ifndef ELBO_TESTS_RIG_H
#define ELBO_TESTS_RIG_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "graph/plan.h"

enum { RIG_INPUTS = 10, RIG_OUTPUTS = 24, RIG_GUARD = 4096 };

typedef struct rig {
    elbo_engine *engine;
    graph *g;
    plan *p;
    bool in_double;
    plan_output outputs[RIG_OUTPUTS];
    int n_outputs;
    void *inputs[RIG_INPUTS];
    plan_buffers b;
} rig;

static inline elbo_engine *rig_engine(int threads, bool own_products)
{
    elbo_engine_options o = {.threads = threads, .own_products = own_products};
    elbo_engine *e = elbo_engine_open(&o, NULL);
    assert_non_null(e);
    return e;
}

/* Of the arena and of all scratch. */
static inline void rig_sizes(const rig *r, size_t size[2])
{
    size[0] = plan_arena_size(r->p) + 64;
    size[1] = plan_scratch_size(r->p) * (size_t)elbo_engine_threads(r->engine) + 64;
}

/* Compiles the graph for n outputs. What a run reads before it is written is nan. */
static inline rig rig_open(elbo_engine *engine, graph *g, node *const *outputs, int n, plan_backend backend)
{
    elbo_error err = {0};
    rig r = {.engine = engine, .g = g, .in_double = backend == BACKEND_REF_DOUBLE, .n_outputs = n};
    assert_true(n <= RIG_OUTPUTS);
    for (int i = 0; i < n; i++) r.outputs[i] = (plan_output){outputs[i], TO_ARENA, 0};
    r.p = plan_compile(engine, g, r.outputs, n, backend, &err);
    if (!r.p) print_error("%s\n", err.message);
    assert_non_null(r.p);
    size_t size[2];
    rig_sizes(&r, size);
    r.b.arena = mem_new(&mem_standard, size[0] + RIG_GUARD, 1);
    r.b.scratch = mem_new(&mem_standard, size[1] + RIG_GUARD, 1);
    assert_true(r.b.arena && r.b.scratch);
    memset(r.b.arena, 0xff, size[0] + RIG_GUARD);
    memset(r.b.scratch, 0xff, size[1] + RIG_GUARD);
    return r;
}

static inline void rig_close(rig *r)
{
    plan_close(r->p);
    for (int i = 0; i < RIG_INPUTS; i++) mem_free(&mem_standard, r->inputs[i]);
    mem_free(&mem_standard, r->b.arena);
    mem_free(&mem_standard, r->b.scratch);
}

static inline void rig_store(void *to, dtype type, bool in_double, int64_t i, double v)
{
    switch (type) {
    case F32:
        if (in_double)
            ((double *)to)[i] = v;
        else
            ((float *)to)[i] = (float)v;
        break;
    case U8: ((uint8_t *)to)[i] = (uint8_t)v; break;
    case I32: ((int32_t *)to)[i] = (int32_t)v; break;
    case BF16: break;
    }
}

static inline double rig_load(const void *from, dtype type, bool in_double, int64_t i)
{
    switch (type) {
    case F32: return in_double ? ((const double *)from)[i] : (double)((const float *)from)[i];
    case U8: return ((const uint8_t *)from)[i];
    case I32: return ((const int32_t *)from)[i];
    case BF16: break;
    }
    return NAN;
}

/* Gives input number slot; the block is exactly as large as it must be. */
static inline void rig_set(rig *r, int slot, dtype type, int64_t n, const double *v)
{
    if (!r->inputs[slot]) r->inputs[slot] = mem_new(&mem_standard, (size_t)n, dtype_size(type, r->in_double));
    assert_non_null(r->inputs[slot]);
    for (int64_t i = 0; i < n; i++) rig_store(r->inputs[slot], type, r->in_double, i, v[i]);
}

static inline void rig_run(rig *r)
{
    size_t size[2];
    const unsigned char *room[2] = {r->b.arena, r->b.scratch};
    r->b.inputs = (const void *const *)r->inputs;
    plan_run(r->p, &r->b);
    rig_sizes(r, size);
    for (int i = 0; i < 2; i++)
        for (int k = 0; k < RIG_GUARD; k++) assert_int_equal(room[i][size[i] + (size_t)k], 0xff); /* nothing wrote past the end */
}

static inline double rig_at(const rig *r, int output, int64_t i)
{
    const node *x = r->outputs[output].value;
    return rig_load(plan_result(r->p, output, &r->b), x->type, r->in_double, i);
}

static inline int64_t rig_count(const rig *r, int output)
{
    return shape_count(r->outputs[output].value->shape);
}

static inline bool rig_same_bits(const rig *a, const rig *b, int output)
{
    const node *x = a->outputs[output].value;
    size_t bytes = (size_t)shape_count(x->shape) * dtype_size(x->type, a->in_double);
    return memcmp(plan_result(a->p, output, &a->b), plan_result(b->p, output, &b->b), bytes) == 0;
}

/* |got - want| <= tolerance x max(|want|, floor); equal where want is not finite. */
static inline bool rig_near(double got, double want, double tolerance, double floor)
{
    if (isnan(want)) return isnan(got);
    if (isinf(want)) return got == want;
    return fabs(got - want) <= tolerance * fmax(fabs(want), floor);
}

static inline double rig_largest(const rig *r, int output)
{
    double most = 0;
    for (int64_t i = 0, n = rig_count(r, output); i < n; i++)
        if (isfinite(rig_at(r, output, i))) most = fmax(most, fabs(rig_at(r, output, i)));
    return most;
}

/* df/dx at input number i of a slot by four points, f the given scalar output; the inputs are left as they were.
 * Error h^4/30 f''''' and rounding 1e-16 f/h: 1e-12 or so at h = 1/1024. */
static inline double rig_slope(rig *r, int slot, int64_t i, int output)
{
    const double h = 1.0 / 1024;
    double *x = (double *)r->inputs[slot] + i, x0 = *x, f[4];
    static const double at[] = {-2, -1, 1, 2};
    for (int k = 0; k < 4; k++) {
        *x = x0 + at[k] * h;
        rig_run(r);
        f[k] = rig_at(r, output, 0);
    }
    *x = x0;
    return (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
}

#endif
