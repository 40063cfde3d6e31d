/* recompute.c - what later phases compute again instead of reading it.
 *
 * A phase by example ends where the batch is needed as a whole: at the statistics of a normalisation, and on the way back
 * again. What a later phase reads has to be written to memory and read from there, which takes longer than a few additions
 * and products. So an elementwise node that is cheap is computed again by its readers in later phases, where all it takes is
 * one tensor that is kept anyway (a convolution's results, say), or an input, and vectors. */
#include "compile.h"

enum { MOST_OPERATIONS = 8 }; /* to get from what is kept to the node */

/* A lower bound of its phase: what reads a sum over the batch comes one later than the sum. */
static int level_of(const plan *p, const node *x)
{
    int most = 0;
    for (int k = 0; k < x->n_in; k++) {
        const node *operand = x->in[k];
        int l = p->level[operand->id] + (goes_by_example(operand) && !goes_by_example(x));
        if (l > most) most = l;
    }
    return most;
}

static bool is_cheap(const node *x)
{
    switch (x->op) {
    case OP_cast:
    case OP_neg:
    case OP_square:
    case OP_abs:
    case OP_relu:
    case OP_add:
    case OP_sub:
    case OP_mul:
    case OP_max:
    case OP_min:
    case OP_less:
    case OP_where: return x->rows > 0;
    default: return false;
    }
}

/* The tensor of examples that operand k of x is made of in later phases, NULL where there is none. */
static const node *kept_source(const plan *p, const node *x, const node *operand, int *operations)
{
    const node *source = view_root(operand);
    if (p->again[source->id].from) {
        *operations += p->again[source->id].operations;
        return p->again[source->id].from;
    }
    return source->op == OP_input || p->level[source->id] < p->level[x->id] ? source : NULL;
}

static recipe recipe_of(const plan *p, const node *x)
{
    const recipe none = {NULL, 0};
    recipe r = {NULL, 1};
    if (!is_cheap(x)) return none;
    for (int k = 0; k < x->n_in; k++) {
        const node *operand = x->in[k], *source = load_source(operand);
        if (source->op == OP_constant || view_root(source)->rows == 0) continue;
        const node *from = operand->op == OP_broadcast ? NULL : kept_source(p, x, operand, &r.operations);
        if (!from || (r.from && r.from != from)) return none;
        r.from = from;
    }
    return r.operations > MOST_OPERATIONS ? none : r;
}

bool find_recipes(plan *p)
{
    int n = g_count(p->g);
    p->level = arena_new(&p->storage, (size_t)n + 1, sizeof *p->level);
    p->again = arena_new(&p->storage, (size_t)n + 1, sizeof *p->again);
    if (p->storage.failed) return false;
    for (int id = 0; id < n; id++) {
        const node *x = g_at(p->g, id);
        p->level[id] = level_of(p, x);
        if (p->fast) p->again[id] = recipe_of(p, x);
    }
    return true;
}
