/* plan.c - plan_compile: the passes one after another, and the plan as text. */
#define G_NO_LINES
#include "compile.h"
#include "../base/text.h"

#include <string.h>

/* An output whose memory something else already is (a leaf, a view, another output) is copied. */
static node *own_output(graph *g, node *x, int i)
{
    attributes at = {.unique = i + 1};
    return tape_add(g, OP_stop, x->type, x->shape, &x, 1, at);
}

static void separate_outputs(plan *p, plan_output *outputs)
{
    for (int i = 0; i < p->n_outputs; i++) {
        const node *root = view_root(outputs[i].value);
        bool taken = is_leaf(root) || (outputs[i].target != TO_ARENA && root != outputs[i].value);
        for (int j = 0; j < i; j++) {
            bool shared = view_root(outputs[j].value) == root;
            taken = taken || (shared && (outputs[i].target != TO_ARENA || outputs[j].target != TO_ARENA));
        }
        if (taken) outputs[i].value = own_output(p->g, outputs[i].value, i);
    }
}

static bool compile(plan *p, const plan_output *outputs, elbo_error *error)
{
    plan_output *mine = arena_new(&p->storage, (size_t)p->n_outputs + 1, sizeof *mine);
    if (!mine) return false;
    if (p->n_outputs) memcpy(mine, outputs, (size_t)p->n_outputs * sizeof *mine);
    p->outputs = mine;
    if (g_status(p->g, error) != ELBO_OK) return false;
    separate_outputs(p, mine);
    if (g_status(p->g, error) != ELBO_OK) return false;
    if (!find_recipes(p) || !make_items(p) || !make_schedule(p)) return false;
    make_blocks(p);
    return make_memory(p) && make_steps(p);
}

/* Whether no node looks at several examples at once. */
static bool goes_by_examples(const graph *g)
{
    for (int id = 0; id < g_count(g); id++) {
        const node *x = g_at(g, id);
        for (int k = 0; k < x->n_in; k++)
            if (x->rows == 0 && x->in[k]->rows > 0) return false;
    }
    return true;
}

plan *plan_compile(elbo_engine *engine, graph *g, const plan_output *outputs, int n, plan_backend backend,
                   elbo_error *error)
{
    bool ready = backend != BACKEND_CPU || cpu_open(engine);
    plan *p = ready ? mem_new(engine->m, 1, sizeof *p) : NULL;
    if (!p) {
        err_memory(error, "a plan");
        return NULL;
    }
    *p = (plan){.m = engine->m, .threads = engine->threads, .g = g, .n_outputs = n, .backend = backend,
                .in_double = backend == BACKEND_REF_DOUBLE, .fast = backend == BACKEND_CPU || backend == BACKEND_CPU_OWN,
                .library = backend == BACKEND_CPU ? engine->library : NULL, .takes_fewer = goes_by_examples(g)};
    arena_open(&p->storage, engine->m);
    if (compile(p, outputs, error)) return p;
    if (g_status(g, NULL) == ELBO_OK) err_memory(error, "compiling a plan");
    plan_close(p);
    return NULL;
}

void plan_close(plan *p)
{
    if (!p) return;
    for (int i = 0; p->steps && i < p->n_steps; i++)
        if (p->steps[i].prepared.release) p->steps[i].prepared.release(p->steps[i].prepared.made);
    arena_close(&p->storage);
    mem_free(p->m, p);
}

size_t plan_arena_size(const plan *p)
{
    return p->arena_size;
}

size_t plan_scratch_size(const plan *p)
{
    return p->scratch_size;
}

bool plan_takes_fewer(const plan *p)
{
    return p->takes_fewer;
}

double plan_flops(const plan *p)
{
    double n = 0;
    for (int i = 0; i < p->n_steps; i++) n += p->steps[i].flops;
    return n;
}

int plan_steps(const plan *p)
{
    return p->n_steps;
}

static const item *item_of_step(const plan *p, int number)
{
    int i = 0;
    while (p->phases[p->items[i].phase].first_step + p->items[i].place != number) i++;
    return &p->items[i];
}

/* The different tensors that a step reads and writes. */
typedef struct traffic {
    const plan *p;
    const node *seen[2 * EW_MAX_REGS];
    int n_seen;
    double bytes;
} traffic;

static void add_traffic(void *user, const node *x, bool whole)
{
    (void)whole;
    traffic *t = user;
    for (int i = 0; i < t->n_seen; i++)
        if (t->seen[i] == x) return;
    t->seen[t->n_seen++] = x;
    t->bytes += (double)node_bytes(t->p, x);
}

step_cost plan_cost(const plan *p, int number)
{
    const item *it = item_of_step(p, number);
    const step *s = &p->steps[number];
    traffic t = {.p = p};
    each_read(it, add_traffic, &t);
    for (int i = 0; i < it->n_members; i++)
        if (p->written[it->members[i]->id]) add_traffic(&t, it->members[i], false);
    return (step_cost){.op = s->n->op, .fused = it->fused, .flops = s->flops, .bytes = t.bytes};
}

/* ---- As text ---- */

static const char *const base_names[] = {"arena", "scratch", "values", "gradients", "state", "new state", "result", "input"};

static void dump_name(const node *x, text *out)
{
    if (x->name) text_add(out, "%s", x->name);
    else text_add(out, "%%%d", x->id);
}

static void dump_members(const item *it, text *out)
{
    for (int m = 0; m < it->n_members; m++) {
        text_add(out, "%s%s", m ? " " : "", op_table[it->members[m]->op].name);
        if (it->members[m]->name) text_add(out, "(%s)", it->members[m]->name);
    }
}

static void dump_item(const plan *p, const item *it, const double *seconds, text *out)
{
    const step *s = &p->steps[p->phases[it->phase].first_step + it->place];
    const node *last = it->members[it->n_members - 1];
    char words[96];
    shape_text(it->fused ? it->space : last->shape, words);
    text_add(out, "  %-6s %-16s ", it->fused ? "fused" : op_table[last->op].name, words);
    if (it->fused) dump_members(it, out);
    else dump_name(last, out);
    if (s->flops > 0) text_add(out, "  %.2f Mflop", s->flops / 1e6);
    if (seconds) text_add(out, "  %.1f us", seconds[s - p->steps] * 1e6);
    for (int o = 0; o < s->n_out; o++) text_add(out, "%s%s", o ? ", " : "  -> ", base_names[s->out[o].base]);
    text_add(out, "\n");
}

void plan_dump(const plan *p, const double *seconds, text *out)
{
    text_add(out, "# %d steps in %d phases; arena %.2f MB, scratch %.1f KB a thread; %.1f Mflop in products\n", p->n_steps,
             p->n_phases, (double)p->arena_size / 1e6, (double)p->scratch_size / 1e3, plan_flops(p) / 1e6);
    for (int ph = 0; ph < p->n_phases; ph++) {
        const plan_phase *x = &p->phases[ph];
        if (x->by_example)
            text_add(out, "phase %d: %d blocks of %lld examples\n", ph, x->n_tasks, (long long)x->block);
        else text_add(out, "phase %d: whole, %d parts\n", ph, x->n_tasks);
        for (int k = 0; k < x->n_steps; k++) dump_item(p, item_of_step(p, x->first_step + k), seconds, out);
    }
}
