/* steps.c - turns scheduled items into steps: kernels with references to their tensors, and the little programs of fused
 * steps (kernel.h). */
#include "compile.h"
#include "conv.h"
#include "../base/integer.h"

#include <string.h>

enum { MAX_REGISTERS = 256 };

typedef struct builder {
    plan *p;
    const item *it;
    step *s;
    ew_program *program;
    reference *in, *out;
    const node *load_of[MAX_REGISTERS]; /* the operand each load stands for */
    int reg_of_member[MAX_REGISTERS];   /* [member]: its load (views) or instruction */
    int64_t units;                      /* of a cut: examples, or rows of the space */
} builder;

/* ---- Where ---- */

/* The bytes x moves on with each example; 0 where every block sees all of it. */
static int64_t advance_by_example(const plan *p, const node *x, bool follows)
{
    return follows ? (int64_t)node_bytes(p, x) / g_examples(p->g) : 0;
}

static reference where_is(const plan *p, const node *x, int64_t advance)
{
    reference r = p->where[view_root(x)->id];
    r.advance = advance;
    return r;
}

/* ---- Fused ---- */

/* How many numbers of x one moves on along each axis of the space, for its reader; 0 where x is repeated. */
static void load_strides(const node *x, const node *reader, int64_t *stride)
{
    const shape s = load_source(x)->shape, over = space_shape(reader);
    int64_t count = 1, along[MAX_RANK];
    for (int d = over.rank - 1; d >= 0; d--) {
        int axis = d - (over.rank - s.rank);
        bool moves = axis >= 0 && s.dim[axis] != 1;
        along[d] = moves ? count : 0;
        if (axis >= 0) count *= s.dim[axis];
    }
    shape space;
    space_axes(over, space_fold(reader), along, &space, stride);
}

static int64_t inner_count(shape s, int from)
{
    int64_t n = 1;
    for (int d = from; d < s.rank; d++) n *= s.dim[d];
    return n;
}

/* Whether the strides of axes [from, to) are those of a dense tensor whose innermost axis moves by one. */
static bool dense(shape s, const int64_t *stride, int from, int to)
{
    int64_t count = 1;
    for (int d = to - 1; d >= from; d--) {
        if (s.dim[d] != 1 && stride[d] != count) return false;
        count *= s.dim[d];
    }
    return true;
}

static bool still(shape s, const int64_t *stride, int from, int to)
{
    for (int d = from; d < to; d++)
        if (s.dim[d] != 1 && stride[d] != 0) return false;
    return true;
}

static void classify_load(ew_load *l, shape space)
{
    int r = space.rank;
    l->kind = LOAD_STRIDED;
    if (still(space, l->stride, 0, r)) l->kind = LOAD_SCALAR;
    else if (dense(space, l->stride, 0, r)) l->kind = LOAD_FLAT;
    for (int d = 1; l->kind == LOAD_STRIDED && d < r; d++) {
        bool front_still = still(space, l->stride, 0, d), back_still = still(space, l->stride, d, r);
        if (front_still && dense(space, l->stride, d, r)) l->kind = LOAD_PERIODIC;
        else if (back_still && dense(space, l->stride, 0, d)) l->kind = LOAD_REPEAT;
        else continue;
        l->period = inner_count(space, d);
    }
}

/* The register of a load of x, added when it is new. */
static int load_register(builder *b, const node *x, const node *reader)
{
    ew_program *pr = b->program;
    for (int i = 0; i < pr->n_loads; i++)
        if (b->load_of[i] == x) return i;
    const node *source = load_source(x);
    ew_load *l = &pr->loads[pr->n_loads];
    b->load_of[pr->n_loads] = x;
    if (source->op == OP_constant) {
        *l = (ew_load){.kind = LOAD_CONSTANT, .type = F32, .value = source->at.value};
        return pr->n_loads++;
    }
    *l = (ew_load){.operand = b->s->n_in, .type = source->type};
    load_strides(x, reader, l->stride);
    classify_load(l, pr->space);
    int64_t rows_per_unit = pr->space.dim[0] / b->units;
    int64_t advance = l->stride[0] * rows_per_unit * (int64_t)dtype_size(source->type, false);
    b->in[b->s->n_in++] = where_is(b->p, source, advance);
    return pr->n_loads++;
}

static int member_index(const item *it, const node *x)
{
    for (int i = 0; i < it->n_members; i++)
        if (it->members[i] == x) return i;
    return -1;
}

/* The register that holds x. Instructions' registers follow the loads', whose number is known only at the end: until then the
 * i-th instruction is MAX_REGISTERS + i. */
static int operand_register(builder *b, const node *x, const node *reader)
{
    int m = member_index(b->it, view_root(x));
    return m >= 0 ? b->reg_of_member[m] : load_register(b, x, reader);
}

static void add_result(builder *b, const node *x, int reg, op_code reduce, int64_t period)
{
    ew_program *pr = b->program;
    reference to = where_is(b->p, x, (int64_t)node_bytes(b->p, x) / b->units);
    bool stream = to.far && x->type == F32 && reduce == OP_input;
    pr->results[pr->n_results++] = (ew_result){
        .reg = reg, .output = b->s->n_out, .type = x->type, .reduce = reduce, .period = period, .stream = stream};
    b->out[b->s->n_out++] = to;
}

static int64_t blocks_of(const plan *p, const plan_phase *ph)
{
    return ratio_up(g_examples(p->g), ph->block);
}

/* The shares of a result over the batch lie at the end of the arena until they are put together. */
static reference add_join(plan *p, const item *it, step *s, const node *x, ew_result how, int64_t rows_of_example)
{
    int64_t apart = ratio_up(ew_share(&how) * (int64_t)sizeof(float), 64) * 64;
    reference shares = {.base = IN_ARENA, .offset = (int64_t)p->arena_size, .apart = apart};
    p->arena_size += (size_t)(blocks_of(p, &p->phases[it->phase]) * apart);
    s->joins[s->n_joins++] = (joined){how, shares, where_is(p, x, 0), rows_of_example};
    return shares;
}

static void add_result_over_batch(builder *b, const node *x, int reg)
{
    ew_program *pr = b->program;
    ew_result r = {.reg = reg, .output = b->s->n_out, .type = F32, .reduce = x->op, .period = shape_count(x->shape),
                   .over_batch = true};
    int64_t rows = shape_count(pr->space) / g_examples(b->p->g) / r.period;
    pr->results[pr->n_results++] = r;
    b->out[b->s->n_out++] = add_join(b->p, b->it, b->s, x, r, rows);
}

static void add_member(builder *b, int m)
{
    const node *x = b->it->members[m];
    ew_program *pr = b->program;
    bool written = b->p->written[x->id] && &b->p->items[b->p->item_of[x->id]] == b->it; /* not what it computes again */
    if (x->op == OP_broadcast || x->op == OP_constant) {
        b->reg_of_member[m] = load_register(b, x, x);
        if (written) add_result(b, x, b->reg_of_member[m], OP_input, 0);
    } else if (over_batch(x)) {
        add_result_over_batch(b, x, operand_register(b, x->in[0], x));
    } else if (is_reduction(x)) {
        int64_t period = shape_count(x->in[0]->shape) / shape_count(x->shape);
        add_result(b, x, operand_register(b, x->in[0], x), x->op, period);
    } else {
        ew_instr *in = &pr->instrs[pr->n_instrs];
        *in = (ew_instr){.op = x->op, .type = x->type};
        for (int k = 0; k < x->n_in; k++) in->in[k] = operand_register(b, x->in[k], x);
        b->reg_of_member[m] = MAX_REGISTERS + pr->n_instrs++;
        if (written) add_result(b, x, b->reg_of_member[m], OP_input, 0);
    }
}

static void number_registers(ew_program *pr)
{
    for (int i = 0; i < pr->n_instrs; i++)
        for (int k = 0; k < 3; k++)
            if (pr->instrs[i].in[k] >= MAX_REGISTERS) pr->instrs[i].in[k] += pr->n_loads - MAX_REGISTERS;
    for (int i = 0; i < pr->n_results; i++)
        if (pr->results[i].reg >= MAX_REGISTERS) pr->results[i].reg += pr->n_loads - MAX_REGISTERS;
}

/* Whole fused steps over much data are cut into parts of whole rows. */
static int whole_parts(shape space)
{
    enum { ENOUGH = 32768, MOST = 64 };
    int64_t parts = shape_count(space) / ENOUGH;
    if (parts > space.dim[0]) parts = space.dim[0];
    return parts < 1 ? 1 : parts > MOST ? MOST : (int)parts;
}

static bool build_fused(plan *p, const item *it, step *s)
{
    arena *a = &p->storage;
    size_t loads = 3 * (size_t)it->n_members + 1, members = (size_t)it->n_members + 1;
    builder b = {.p = p, .it = it, .s = s, .program = arena_new(a, 1, sizeof *b.program)};
    b.in = arena_new(a, loads, sizeof *b.in);
    b.out = arena_new(a, members, sizeof *b.out);
    s->joins = arena_new(a, members, sizeof *s->joins);
    if (a->failed) return false;
    ew_program *pr = b.program;
    pr->loads = arena_new(a, loads, sizeof *pr->loads);
    pr->instrs = arena_new(a, members, sizeof *pr->instrs);
    pr->results = arena_new(a, members, sizeof *pr->results);
    if (a->failed) return false;
    pr->space = it->space.rank ? it->space : SHAPE(1);
    b.units = it->by_example ? g_examples(p->g) : pr->space.dim[0];
    for (int m = 0; m < it->n_members; m++) add_member(&b, m);
    number_registers(pr);
    s->n = it->members[it->n_members - 1];
    s->program = pr;
    s->in = b.in;
    s->out = b.out;
    s->parts = it->by_example ? 1 : whole_parts(pr->space);
    return true;
}

/* ---- Single ---- */

static const kernel *kernel_for(const plan *p, op_code op)
{
    return p->fast ? &cpu_kernels[op] : p->in_double ? &ref_kernels_double[op] : &ref_kernels[op];
}

double g_flops(const node *n)
{
    if (is_conv(n)) {
        conv_sizes s = conv_sizes_of_node(n);
        return conv_flops(&s);
    }
    if (n->op != OP_matmul) return 0;
    const shape a = n->in[0]->shape;
    int64_t k = a.dim[a.rank - (n->at.flag & TRANSPOSE_A ? 2 : 1)];
    return 2.0 * (double)shape_count(n->shape) * (double)k;
}

/* Steps' own scratch is as large as any of them asks for; what their calls share goes to the end of the arena. */
static bool prepare(plan *p, const item *it, const kernel *k, step *s)
{
    const node *n = it->members[0];
    if (!k->prepare) return true;
    int64_t rows = it->by_example ? p->phases[it->phase].block * n->in[0]->rows : n->shape.dim[0];
    preparing q = {n, it->by_example, rows, s->parts, pool_threads(p->threads), p->m, p->library};
    if (!k->prepare(&q, &s->prepared)) return false;
    if (s->prepared.before && s->prepared.before_parts == 0) s->prepared.before_parts = 1;
    if (p->step_scratch + s->prepared.scratch > p->scratch_size) p->scratch_size = p->step_scratch + s->prepared.scratch;
    s->shared = (int64_t)p->arena_size;
    p->arena_size += s->prepared.shared;
    return true;
}

static bool build_single(plan *p, const item *it, step *s)
{
    const node *n = it->members[0];
    const kernel *k = kernel_for(p, n->op);
    s->n = n;
    s->run = k->run;
    s->n_in = n->n_in;
    s->n_out = 1;
    s->in = arena_new(&p->storage, (size_t)n->n_in + 1, sizeof *s->in);
    s->out = arena_new(&p->storage, 1, sizeof *s->out);
    s->shapes = arena_new(&p->storage, (size_t)n->n_in + 1, sizeof *s->shapes);
    s->joins = arena_new(&p->storage, 1, sizeof *s->joins);
    if (p->storage.failed) return false;
    s->shapes[0] = (tensor){.type = n->type, .shape = n->shape};
    if (it->by_example && n->rows == 0) {
        ew_result sum = {.type = F32, .reduce = OP_sum, .period = shape_count(n->shape)};
        s->out[0] = add_join(p, it, s, n, sum, 1);
    } else {
        s->out[0] = where_is(p, n, advance_by_example(p, n, it->by_example));
    }
    for (int i = 0; i < n->n_in; i++) {
        const node *x = n->in[i];
        s->shapes[1 + i] = (tensor){.type = x->type, .shape = x->shape};
        s->in[i] = where_is(p, x, advance_by_example(p, x, it->by_example && batch_follows(n, i)));
    }
    s->parts = it->by_example || !k->parts ? 1 : k->parts(n);
    s->flops = g_flops(n);
    return prepare(p, it, k, s);
}

/* ---- All ---- */

static void count_tasks(plan *p)
{
    for (int i = 0; i < p->n_phases; i++) {
        plan_phase *ph = &p->phases[i];
        if (ph->by_example) {
            ph->n_tasks = (int)blocks_of(p, ph);
            continue;
        }
        for (int k = ph->first_step; k < ph->first_step + ph->n_steps; k++) {
            p->task_first[k] = ph->n_tasks;
            ph->n_tasks += p->steps[k].parts;
        }
    }
}

static bool list_before_and_after(plan *p)
{
    size_t calls = 1;
    for (int i = 0; i < p->n_steps; i++) calls += (size_t)p->steps[i].prepared.before_parts;
    p->before = arena_new(&p->storage, calls, sizeof *p->before);
    if (!p->before) return false;
    for (int i = 0, n_before = 0, n_after = 0; i < p->n_phases; i++) {
        plan_phase *ph = &p->phases[i];
        ph->first_before = n_before;
        ph->first_after = n_after;
        for (int k = ph->first_step; k < ph->first_step + ph->n_steps; k++) {
            for (int part = 0; part < p->steps[k].prepared.before_parts; part++, n_before++) {
                p->before[n_before].step = k;
                p->before[n_before].part = part;
            }
            if (p->steps[k].prepared.after || p->steps[k].n_joins) p->after[n_after++] = k;
        }
        ph->n_before = n_before - ph->first_before;
        ph->n_after = n_after - ph->first_after;
    }
    return true;
}

bool make_steps(plan *p)
{
    arena *a = &p->storage;
    p->step_scratch = p->scratch_size;
    p->n_steps = p->n_items;
    p->steps = arena_new(a, (size_t)p->n_steps + 1, sizeof *p->steps);
    p->task_first = arena_new(a, (size_t)p->n_steps + 1, sizeof *p->task_first);
    p->after = arena_new(a, (size_t)p->n_steps + 1, sizeof *p->after);
    if (a->failed) return false;
    for (int i = 0; i < p->n_items; i++) {
        const item *it = &p->items[i];
        step *s = &p->steps[p->phases[it->phase].first_step + it->place];
        if (!(it->fused ? build_fused(p, it, s) : build_single(p, it, s))) return false;
    }
    count_tasks(p);
    return list_before_and_after(p);
}
