/* schedule.c - in which order items run. Whole items that are ready form a phase whose parts run side by side; when there are
 * none, every by-example item whose operands are there, or are made from the same examples within this phase, forms the next.
 * A training step of a dense model is then: a few scalars, one phase from the data to the last activation's gradient, one
 * phase of weight gradients. */
#include "compile.h"

typedef struct check {
    const plan *p;
    const item *it;
    int phase;
    bool ready;
} check;

static void check_read(void *user, const node *read, bool whole)
{
    check *c = user;
    int i = c->p->item_of[view_root(read)->id];
    if (i < 0) return;
    const item *source = &c->p->items[i];
    bool earlier = source->phase >= 0 && source->phase < c->phase;
    bool same = source->phase == c->phase && c->it->by_example && !whole;
    if (!earlier && !same) c->ready = false;
}

static bool is_ready(const plan *p, const item *it, int phase)
{
    check c = {p, it, phase, true};
    each_read(it, check_read, &c);
    return c.ready;
}

/* What decides how large the blocks of a phase are: convolutions want a few images, products with weights many rows. */
typedef enum grain { ANY, OF_IMAGES, OF_ROWS } grain;

static grain grain_of(const item *it)
{
    switch (it->members[0]->op) {
    case OP_conv:
    case OP_conv_dx:
    case OP_conv_dw: return OF_IMAGES;
    case OP_matmul: return OF_ROWS;
    default: return ANY;
    }
}

/* Fills the phase with ready items of one kind, repeatedly where they can follow each other; the number placed. By example, they
 * are of one grain too: in blocks that suit both, neither would run at its rate. */
static int fill_phase(plan *p, int phase, bool by_example)
{
    int n = 0;
    grain all = ANY;
    for (bool again = true; again;) {
        again = false;
        for (int i = 0; i < p->n_items; i++) {
            item *it = &p->items[i];
            if (it->phase >= 0 || it->by_example != by_example || !is_ready(p, it, phase)) continue;
            grain own = by_example ? grain_of(it) : ANY;
            if (own != ANY && all != ANY && own != all) continue;
            if (own != ANY) all = own;
            it->phase = phase;
            it->place = n++;
            again = by_example;
        }
    }
    return n;
}

bool make_schedule(plan *p)
{
    p->phases = arena_new(&p->storage, (size_t)p->n_items + 1, sizeof *p->phases);
    if (!p->phases) return false;
    for (int steps = 0, idle = 0; steps < p->n_items && idle < 2;) {
        bool by_example = idle > 0;
        int n = fill_phase(p, p->n_phases, by_example);
        idle = n ? 0 : idle + 1;
        if (n) p->phases[p->n_phases++] = (plan_phase){.by_example = by_example, .first_step = steps, .n_steps = n};
        steps += n;
    }
    return true;
}
