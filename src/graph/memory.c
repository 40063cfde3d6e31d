/* memory.c - where every tensor lies. A tensor made and read within one by-example phase, always by the same examples, needs
 * room for one block only: it goes to the scratch of the worker that computes the block. Everything else goes to the arena.
 * In both, tensors whose lifetimes do not meet share room: lifetimes are counted in steps of the phase for scratch, in
 * phases for the arena. Largest first, each at the lowest offset that is free for its lifetime.
 * What is large and read by later phases only is far: no cache holds it until then. What its own phase reads, a block at a time,
 * is still there. */
#include "compile.h"

#include <stdlib.h>

enum { ALIGNMENT = 64, FAR_BYTES = 1 << 21 };

typedef struct room {
    const node *x;
    int pool; /* the phase whose scratch it is, -1: the arena */
    int first, last;
    int64_t size, offset;
    bool near; /* read in the phase that makes it */
} room;

typedef struct lives {
    plan *p;
    room *rooms; /* [node] */
    const item *reader;
} lives;

static void note_read(void *user, const node *read, bool whole)
{
    lives *l = user;
    room *r = &l->rooms[view_root(read)->id];
    if (!r->x) return;
    const item *maker = &l->p->items[l->p->item_of[r->x->id]];
    if (l->reader->phase == maker->phase) r->near = true;
    if (whole || l->reader->phase != maker->phase) r->pool = -1;
    if (l->reader->phase > r->last) r->last = l->reader->phase;
}

static int64_t aligned(int64_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void note_step_read(void *user, const node *read, bool whole)
{
    lives *l = user;
    (void)whole;
    room *r = &l->rooms[view_root(read)->id];
    if (r->x && r->pool >= 0 && l->reader->place > r->last) r->last = l->reader->place;
}

static void open_rooms(lives *l)
{
    plan *p = l->p;
    for (int id = 0; id < g_count(p->g); id++) {
        const node *x = g_at(p->g, id);
        if (!p->written[id] || p->item_of[id] < 0) continue;
        const item *it = &p->items[p->item_of[id]];
        bool local = p->phases[it->phase].by_example && x->rows > 0;
        l->rooms[id] = (room){.x = x, .pool = local ? it->phase : -1, .first = it->phase, .last = it->phase};
    }
    for (int i = 0; i < p->n_outputs; i++) {
        room *r = &l->rooms[view_root(p->outputs[i].value)->id];
        r->pool = -1;
        r->last = p->n_phases;
    }
}

static void measure(lives *l)
{
    plan *p = l->p;
    for (int i = 0; i < p->n_items; i++) {
        l->reader = &p->items[i];
        each_read(l->reader, note_read, l);
    }
    for (int id = 0; id < g_count(p->g); id++) {
        room *r = &l->rooms[id];
        if (!r->x) continue;
        int64_t bytes = (int64_t)node_bytes(p, r->x);
        if (r->pool >= 0) {
            const item *it = &p->items[p->item_of[id]];
            r->first = r->last = it->place;
            bytes = bytes / g_examples(p->g) * p->phases[it->phase].block;
        }
        r->size = aligned(bytes);
    }
    for (int i = 0; i < p->n_items; i++) {
        l->reader = &p->items[i];
        each_read(l->reader, note_step_read, l);
    }
}

static int larger_first(const void *a, const void *b)
{
    const room *x = *(room *const *)a, *y = *(room *const *)b;
    if (x->size != y->size) return x->size < y->size ? 1 : -1;
    return x->x->id - y->x->id;
}

static bool meet(const room *a, const room *b)
{
    return a->pool == b->pool && a->first <= b->last && b->first <= a->last;
}

/* The lowest offset at which r overlaps none of the n placed rooms it meets in time. */
static int64_t lowest_offset(const room *r, room *const *placed, int n)
{
    int64_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < n; i++) {
            const room *o = placed[i];
            if (!meet(r, o) || offset + r->size <= o->offset || o->offset + o->size <= offset) continue;
            offset = o->offset + o->size;
            moved = true;
        }
    }
    return offset;
}

static void place_rooms(plan *p, room **order, int n)
{
    for (int i = 0; i < n; i++) {
        room *r = order[i];
        r->offset = lowest_offset(r, order, i);
        size_t *size = r->pool < 0 ? &p->arena_size : &p->scratch_size, end = (size_t)(r->offset + r->size);
        if (end > *size) *size = end;
        p->where[r->x->id] = (reference){.base = r->pool < 0 ? IN_ARENA : IN_SCRATCH,
                                         .offset = r->offset,
                                         .far = r->pool < 0 && !r->near && r->size >= FAR_BYTES};
    }
}

static int64_t real_bytes(const plan *p, int64_t elements)
{
    return elements * (int64_t)dtype_size(F32, p->in_double);
}

static void place_leaves(plan *p)
{
    for (int id = 0; id < g_count(p->g); id++) {
        const node *x = g_at(p->g, id);
        if (x->op == OP_input) p->where[id] = (reference){.base = IN_INPUT, .offset = x->at.slot};
        if (x->op == OP_param) p->where[id] = (reference){.base = IN_VALUES, .offset = real_bytes(p, x->at.offset)};
        if (x->op == OP_state) p->where[id] = (reference){.base = IN_STATE, .offset = real_bytes(p, x->at.offset)};
    }
}

static void place_targets(plan *p)
{
    for (int i = 0; i < p->n_outputs; i++) {
        const plan_output *o = &p->outputs[i];
        if (o->target == TO_ARENA) continue;
        static const base_kind bases[] = {[TO_GRADIENT] = IN_GRADIENTS, [TO_STATE] = IN_NEW_STATE, [TO_RESULT] = IN_RESULT};
        p->where[view_root(o->value)->id] = (reference){.base = bases[o->target], .offset = real_bytes(p, o->offset)};
    }
}

bool make_memory(plan *p)
{
    size_t n = (size_t)g_count(p->g) + 1;
    lives l = {.p = p, .rooms = arena_new(&p->storage, n, sizeof(room))};
    room **order = arena_new(&p->storage, n, sizeof *order);
    p->where = arena_new(&p->storage, n, sizeof *p->where);
    if (p->storage.failed) return false;
    open_rooms(&l);
    measure(&l);
    for (int i = 0; i < p->n_outputs; i++)
        if (p->outputs[i].target != TO_ARENA) l.rooms[view_root(p->outputs[i].value)->id].x = NULL;
    int count = 0;
    for (size_t id = 0; id < n; id++)
        if (l.rooms[id].x) order[count++] = &l.rooms[id];
    qsort(order, (size_t)count, sizeof *order, larger_first);
    place_rooms(p, order, count);
    place_leaves(p);
    place_targets(p);
    return true;
}
