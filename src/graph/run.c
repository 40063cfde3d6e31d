/* run.c - walks the phases of a plan. */
#include "../base/clock.h"
#include "compile.h"

#include <math.h>

typedef struct running {
    const plan *p;
    const plan_buffers *b;
    const plan_phase *phase;
} running;

static char *base_of(const running *r, reference ref, int worker)
{
    const plan_buffers *b = r->b;
    switch (ref.base) {
    case IN_ARENA: return (char *)b->arena;
    case IN_SCRATCH: return (char *)b->scratch + (size_t)worker * r->p->scratch_size;
    case IN_VALUES: return (char *)(uintptr_t)b->values;
    case IN_GRADIENTS: return (char *)b->gradients;
    case IN_STATE: return (char *)(uintptr_t)b->state;
    case IN_NEW_STATE: return (char *)b->new_state;
    case IN_RESULT: return (char *)b->result;
    case IN_INPUT: return (char *)(uintptr_t)b->inputs[ref.offset];
    }
    return NULL;
}

/* Scratch holds one block only, so it does not advance. */
static void *address(const running *r, reference ref, int64_t unit, int worker)
{
    char *base = base_of(r, ref, worker);
    int64_t offset = ref.base == IN_INPUT ? 0 : ref.offset;
    return base + offset + (ref.base == IN_SCRATCH ? 0 : unit * ref.advance);
}

/* A cut of a step: units [first, first + count) of all units; part of parts for a whole single step. */
typedef struct cut {
    int64_t first, count, all;
    int64_t block; /* which */
    int part, parts;
    int worker;
} cut;

static void *address_of_block(const running *r, reference ref, cut c)
{
    return (char *)address(r, ref, c.first, c.worker) + c.block * ref.apart;
}

static void run_fused(const running *r, const step *s, cut c)
{
    enum { MOST = 160 };
    const void *in[MOST];
    void *out[MOST];
    for (int i = 0; i < s->n_in; i++) in[i] = address(r, s->in[i], c.first, c.worker);
    for (int i = 0; i < s->n_out; i++) out[i] = address_of_block(r, s->out[i], c);
    cpu_fused(s->program, s->program->space.dim[0] / c.all * c.count, in, out);
}

static tensor cut_tensor(const running *r, tensor t, reference ref, cut c)
{
    t.data = address_of_block(r, ref, c);
    if (ref.advance && c.count != c.all) t.shape.dim[0] = t.shape.dim[0] / c.all * c.count;
    return t;
}

static double begin_profile(const running *r)
{
    return r->b->seconds ? clock_seconds() : 0;
}

static void end_profile(const running *r, const step *s, int worker, double begin)
{
    double *seconds = r->b->seconds;
    if (seconds) seconds[(ptrdiff_t)worker * r->p->n_steps + (s - r->p->steps)] += clock_seconds() - begin;
}

/* What every call of a step is given. */
static kernel_args common_args(const running *r, const step *s, int worker)
{
    char *scratch = (char *)r->b->scratch + (size_t)worker * r->p->scratch_size + r->p->step_scratch;
    return (kernel_args){.n = s->n,
                         .env = &r->b->env,
                         .library = r->p->library,
                         .made = s->prepared.made,
                         .n_parts = 1,
                         .worker = worker,
                         .scratch = s->prepared.scratch ? scratch : NULL,
                         .shared = s->prepared.shared ? (char *)r->b->arena + s->shared : NULL};
}

static void run_kernel(const running *r, const step *s, cut c, kernel_fn run)
{
    tensor in[MAX_IN];
    for (int i = 0; i < s->n_in; i++) in[i] = cut_tensor(r, s->shapes[1 + i], s->in[i], c);
    kernel_args k = common_args(r, s, c.worker);
    k.out = cut_tensor(r, s->shapes[0], s->out[0], c);
    k.in = in;
    k.first_example = c.first;
    k.n_examples = c.count;
    k.part = c.part;
    k.n_parts = c.parts;
    run(&k);
}

/* What a step does ahead of its phase: operands that are cut to blocks are not there yet. */
static void run_before(void *arg, int task, int worker)
{
    const running *r = arg;
    int number = r->phase->first_before + task;
    const step *s = &r->p->steps[r->p->before[number].step];
    tensor in[MAX_IN];
    for (int i = 0; i < s->n_in; i++) {
        in[i] = s->shapes[1 + i];
        if (s->in[i].advance == 0) in[i].data = address(r, s->in[i], 0, worker);
    }
    kernel_args k = common_args(r, s, worker);
    k.in = in;
    k.part = r->p->before[number].part;
    k.n_parts = s->prepared.before_parts;
    double begin = begin_profile(r);
    s->prepared.before(&k);
    end_profile(r, s, worker, begin);
}

/* Puts the blocks' shares of results over the batch together. */
static void join_shares(const running *r, const step *s)
{
    for (int i = 0; i < s->n_joins; i++) {
        const joined *j = &s->joins[i];
        int64_t rows = j->rows_of_example;
        cpu_fused_join(&j->how, address(r, j->shares, 0, 0), j->shares.apart / (int64_t)sizeof(float), r->phase->block * rows,
                       g_examples(r->p->g) * rows, address(r, j->to, 0, 0));
    }
}

static void run_after(void *arg, int task, int worker)
{
    const running *r = arg;
    const step *s = &r->p->steps[r->p->after[r->phase->first_after + task]];
    cut c = {.count = 1, .all = 1, .parts = s->parts, .worker = worker};
    double begin = begin_profile(r);
    if (s->n_joins) join_shares(r, s);
    else run_kernel(r, s, c, s->prepared.after);
    end_profile(r, s, worker, begin);
}

static void run_step(const running *r, const step *s, cut c)
{
    double begin = begin_profile(r);
    if (s->program) run_fused(r, s, c);
    else run_kernel(r, s, c, s->run);
    end_profile(r, s, c.worker, begin);
}

/* How many examples are computed. */
static int64_t examples_of(const running *r)
{
    int64_t wanted = r->b->env.examples;
    return wanted && r->p->takes_fewer ? wanted : g_examples(r->p->g);
}

static int tasks_of(const running *r)
{
    const plan_phase *ph = r->phase;
    return ph->by_example ? (int)((examples_of(r) + ph->block - 1) / ph->block) : ph->n_tasks;
}

static void run_block(void *arg, int task, int worker)
{
    const running *r = arg;
    const plan *p = r->p;
    int64_t rest = examples_of(r) - task * r->phase->block, first = task * r->phase->block;
    int64_t count = rest < r->phase->block ? rest : r->phase->block;
    cut c = {.first = first, .count = count, .all = g_examples(p->g), .block = task, .parts = 1, .worker = worker};
    for (int i = 0; i < r->phase->n_steps; i++) run_step(r, &p->steps[r->phase->first_step + i], c);
}

static int step_of_task(const plan *p, const plan_phase *ph, int task)
{
    int low = ph->first_step, high = ph->first_step + ph->n_steps - 1;
    while (low < high) {
        int mid = (low + high + 1) / 2;
        if (p->task_first[mid] <= task) low = mid;
        else high = mid - 1;
    }
    return low;
}

/* Part of a whole step: a fused one is cut by rows of its space, a single one cuts its own output. */
static void run_whole(const running *r, const step *s, int part, int worker)
{
    int64_t examples = g_examples(r->p->g);
    cut c = {.count = examples, .all = examples, .part = part, .parts = s->parts, .worker = worker};
    if (s->program) {
        int64_t rows = s->program->space.dim[0];
        c.all = rows;
        c.first = rows * part / s->parts;
        c.count = rows * (part + 1) / s->parts - c.first;
    }
    run_step(r, s, c);
}

static void run_part(void *arg, int task, int worker)
{
    const running *r = arg;
    int i = step_of_task(r->p, r->phase, task);
    run_whole(r, &r->p->steps[i], task - r->p->task_first[i], worker);
}

void plan_run(const plan *p, const plan_buffers *b)
{
    pool_mode mode = pool_enter();
    for (int i = 0; i < p->n_phases; i++) {
        running r = {p, b, &p->phases[i]};
        if (r.phase->n_before) pool_run(p->threads, r.phase->n_before, run_before, &r);
        pool_run(p->threads, tasks_of(&r), r.phase->by_example ? run_block : run_part, &r);
        if (r.phase->n_after) pool_run(p->threads, r.phase->n_after, run_after, &r);
    }
    pool_leave(mode);
}

const void *plan_result(const plan *p, int i, const plan_buffers *b)
{
    running r = {p, b, NULL};
    return address(&r, p->where[view_root(p->outputs[i].value)->id], 0, 0);
}

/* ---- Looking for numbers that are not finite ---- */

static bool find_in(const void *data, int64_t n, bool in_double, int64_t *at)
{
    for (int64_t i = 0; i < n; i++) {
        double v = in_double ? ((const double *)data)[i] : (double)((const float *)data)[i];
        if (isfinite(v)) continue;
        *at = i;
        return true;
    }
    return false;
}

static bool look_at(const running *r, const node *x, const node **at, int64_t *example)
{
    int64_t i, n = shape_count(x->shape);
    const void *data = address(r, r->p->where[x->id], 0, 0);
    if (x->type != F32 || (*at && (*at)->id < x->id) || !find_in(data, n, r->p->in_double, &i)) return false;
    *at = x;
    *example = x->rows > 0 ? i / (n / g_examples(r->p->g)) : -1;
    return true;
}

/* A value that is legitimately infinite or nan does not occur in a healthy step, so the earliest one is the culprit. Inputs and
 * parameters come first on the tape. */
bool plan_find_nonfinite(const plan *p, const plan_buffers *b, bool nan_is_missing, const node **at, int64_t *example)
{
    *at = NULL;
    *example = -1;
    running r = {p, b, NULL};
    for (int id = 0; id < g_count(p->g); id++) {
        const node *x = g_at(p->g, id);
        if (is_leaf(x) && !(nan_is_missing && x->op == OP_input)) look_at(&r, x, at, example);
    }
    for (int i = 0; i < p->n_steps; i++) {
        const step *s = &p->steps[i];
        for (int part = 0; part < s->parts; part++) run_whole(&r, s, part, 0);
        look_at(&r, s->n, at, example);
    }
    return *at != NULL;
}
