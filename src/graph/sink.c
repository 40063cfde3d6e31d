/* sink.c - moves members of a fused step to the later one that alone reads them, so that they stay in its registers and are
 * never written: the derivative of an activation is computed from the activation where the gradient comes by, and not on the
 * way there. Nothing is computed twice. A member goes with what only it reads; it stays where that would have to write another
 * one in its place. */
#include "compile.h"

#include <string.h>

enum { NOBODY = -1, STAYS = -2 };

typedef struct sinking {
    plan *p;
    int *reader; /* [node] the item outside of its own that reads it, NOBODY, or STAYS: several, or it is an output */
    int reading; /* item */
} sinking;

static void join(int *destination, int other)
{
    if (*destination == NOBODY) *destination = other;
    else if (*destination != other) *destination = STAYS;
}

static void note_reader(void *user, const node *read, bool whole)
{
    (void)whole;
    sinking *s = user;
    join(&s->reader[view_root(read)->id], s->reading);
}

static void find_readers(sinking *s)
{
    plan *p = s->p;
    memset(s->reader, -1, ((size_t)g_count(p->g) + 1) * sizeof *s->reader);
    for (s->reading = 0; s->reading < p->n_items; s->reading++) each_read(&p->items[s->reading], note_reader, s);
    for (int i = 0; i < p->n_outputs; i++) s->reader[view_root(p->outputs[i].value)->id] = STAYS;
}

static int index_in(const item *it, const node *x)
{
    for (int m = 0; m < it->n_members; m++)
        if (it->members[m] == x) return m;
    return -1;
}

/* Whether item j could have x as its first member: over the same space, read as it is, not repeated, and made of nothing that
 * j computes a second time. */
static bool fits(const plan *p, const item *it, const node *x, int number)
{
    const item *j = &p->items[number];
    if (!j->fused || is_reduction(x) || j->by_example != it->by_example || !shape_equal(j->space, it->space)) return false;
    for (int k = 0; k < x->n_in; k++)
        if (index_in(j, view_root(x->in[k])) >= 0) return false;
    for (int m = 0; m < j->n_members; m++)
        for (int k = 0; k < j->members[m]->n_in; k++) {
            const node *read = j->members[m]->in[k];
            if (view_root(load_source(read)) == x && view_root(read) != x) return false;
        }
    return true;
}

/* Where each member would go: last to first, so that readers come before what they read. */
static void find_destinations(const sinking *s, int i, int *to)
{
    const item *it = &s->p->items[i];
    for (int m = 0; m < it->n_members; m++) {
        int id = it->members[m]->id; /* what is computed a second time here stays */
        to[m] = s->p->item_of[id] == i ? s->reader[id] : STAYS;
    }
    for (int m = it->n_members - 1; m >= 0; m--) {
        const node *x = it->members[m];
        if (to[m] >= 0 && !fits(s->p, it, x, to[m])) to[m] = STAYS;
        for (int k = 0; k < x->n_in; k++) {
            int operand = index_in(it, view_root(x->in[k]));
            if (operand >= 0) join(&to[operand], to[m]);
        }
    }
}

/* A member whose operand stays and is not in memory anyway stays with it, and so does what only it reads. */
static void keep_with_operands(const sinking *s, int i, int *to)
{
    const item *it = &s->p->items[i];
    for (bool again = true; again;) {
        again = false;
        for (int m = 0; m < it->n_members; m++) {
            const node *x = it->members[m];
            for (int k = 0; k < x->n_in; k++) {
                int o = index_in(it, view_root(x->in[k]));
                if (o < 0 || to[o] == to[m]) continue;
                bool lost = to[m] >= 0 ? !s->p->written[it->members[o]->id] : to[o] >= 0;
                if (!lost) continue;
                to[to[m] >= 0 ? m : o] = STAYS;
                again = true;
            }
        }
    }
}

/* Moves the members that go to item j, to the front of it. False where there is no room, or nothing would be left. */
static bool move(plan *p, int i, int j, const int *to)
{
    item *from = &p->items[i], *into = &p->items[j];
    int n = 0, registers = 0, kept = 0;
    for (int m = 0; m < from->n_members; m++)
        if (to[m] == j) n++, registers += 1 + from->members[m]->n_in;
    if (n == from->n_members || into->n_members + n > EW_MAX_RESULTS || into->registers + registers > EW_MAX_REGS) return false;
    memmove(into->members + n, into->members, (size_t)into->n_members * sizeof *into->members);
    for (int m = 0, at = 0; m < from->n_members; m++) {
        node *x = from->members[m];
        if (to[m] != j) from->members[kept++] = x;
        else into->members[at++] = x, p->item_of[x->id] = j;
    }
    into->n_members += n;
    into->registers += registers;
    from->n_members = kept;
    from->registers -= registers;
    return true;
}

/* The first move there is for item i; false where there is none. */
static bool sink_from(sinking *s, int i, int *to)
{
    find_readers(s);
    find_destinations(s, i, to);
    keep_with_operands(s, i, to);
    for (int m = 0; m < s->p->items[i].n_members; m++)
        if (to[m] >= 0 && move(s->p, i, to[m], to)) return true;
    return false;
}

bool sink_members(plan *p)
{
    sinking s = {.p = p, .reader = arena_new(&p->storage, (size_t)g_count(p->g) + 1, sizeof(int))};
    int *to = arena_new(&p->storage, EW_MAX_RESULTS, sizeof *to);
    if (p->storage.failed) return false;
    for (int i = p->n_items - 1; i >= 0; i--)
        while (p->items[i].fused && p->items[i].n_members > 1 && sink_from(&s, i, to)) mark_written(p);
    return true;
}
