/* fuse.c - which nodes become one step. Elementwise nodes (and sums over their trailing axes) over the same space join the
 * step of an operand or of a sibling that reads the same operand, unless that would close a circle of steps that wait for
 * each other. Broadcasts and constants are read in place by elementwise steps, and written out only where somebody else
 * needs them. */
#include "compile.h"

#include <string.h>

const node *view_root(const node *x)
{
    while (x->op == OP_reshape) x = x->in[0];
    return x;
}

bool is_leaf(const node *x)
{
    return x->op == OP_input || x->op == OP_param || x->op == OP_state;
}

const node *load_source(const node *x)
{
    return x->op == OP_broadcast ? x->in[0] : x;
}

size_t node_bytes(const plan *p, const node *x)
{
    return (size_t)shape_count(x->shape) * dtype_size(x->type, p->in_double);
}

typedef struct fusing {
    plan *p;
    uint64_t *reach; /* [item][words] bit j of row i: item i needs item j, directly or not */
    size_t words;
} fusing;

static bool needs(const fusing *f, int i, int j)
{
    return f->reach[(size_t)i * f->words + (size_t)j / 64] >> (j % 64) & 1u;
}

/* Item i needs item j, and so does everything that needs i. */
static void add_need(fusing *f, int i, int j)
{
    const uint64_t *from = f->reach + (size_t)j * f->words;
    for (int k = 0; k < f->p->n_items; k++) {
        if (k != i && !needs(f, k, i)) continue;
        uint64_t *to = f->reach + (size_t)k * f->words;
        for (size_t w = 0; w < f->words; w++) to[w] |= from[w];
        to[j / 64] |= (uint64_t)1 << (j % 64);
    }
}

bool is_reduction(const node *x)
{
    return x->op == OP_sum || x->op == OP_amax || x->op == OP_variance;
}

bool over_batch(const node *x)
{
    if (x->op != OP_sum && x->op != OP_variance) return false;
    int gone = x->in[0]->shape.rank - x->shape.rank;
    return x->in[0]->rows > 0 && x->rows == 0 && x->in[0]->type == F32 && x->at.axes == (1u << gone) - 1;
}

bool sums_over_blocks(const node *x)
{
    enum { MOST_WEIGHTS = 1 << 15 };
    return x->op == OP_conv_dw && x->in[0]->rows > 0 && x->in[1]->rows > 0 && shape_count(x->shape) <= MOST_WEIGHTS;
}

bool goes_by_example(const node *x)
{
    return x->rows > 0 || over_batch(x) || sums_over_blocks(x);
}

static bool is_trailing_reduction(const node *x)
{
    if (x->op != OP_sum && x->op != OP_amax) return false;
    int rank = x->in[0]->shape.rank, kept = x->shape.rank;
    uint32_t trailing = ((1u << rank) - 1) & ~((1u << kept) - 1);
    return kept >= 1 && x->in[0]->type == F32 && x->at.axes == trailing && (x->rows > 0) == (x->in[0]->rows > 0);
}

static bool is_fusible(const node *x)
{
    return op_table[x->op].elementwise || x->op == OP_cast || is_trailing_reduction(x) || over_batch(x);
}

static bool joins_as_view(const node *x)
{
    return x->op == OP_broadcast || x->op == OP_constant;
}

shape space_shape(const node *x)
{
    return is_reduction(x) ? x->in[0]->shape : x->shape;
}

int64_t space_fold(const node *x)
{
    return goes_by_example(x) ? space_shape(x).dim[0] / g_examples(x->g) : 1;
}

void space_axes(shape s, int64_t fold, const int64_t *stride, shape *out_shape, int64_t *out_stride)
{
    *out_shape = (shape){0};
    for (int d = 0; d < s.rank; d++) {
        bool split = d == 0 && fold > 1 && s.rank < MAX_RANK;
        int64_t parts[2] = {split ? s.dim[0] / fold : s.dim[d], fold},
                strides[2] = {split ? stride[0] * fold : stride[d], stride[0]};
        for (int k = 0; k < 1 + split; k++) {
            if (out_shape->rank > 0 && parts[k] == 1) continue;
            out_stride[out_shape->rank] = strides[k];
            out_shape->dim[out_shape->rank++] = parts[k];
        }
    }
}

static shape space_of(const node *x)
{
    int64_t none[MAX_RANK] = {0}, unused[MAX_RANK];
    shape s;
    space_axes(space_shape(x), space_fold(x), none, &s, unused);
    return s;
}

static int item_reading(const plan *p, const node *x)
{
    return p->item_of[view_root(load_source(x))->id];
}

/* Whether x may read its operand in a register of item i: the operand is a member, or a reshape of one (its numbers come in the
 * same order), but no broadcast of one, nor a reduction. */
static bool in_register(const plan *p, const node *operand, int i)
{
    const node *root = view_root(operand);
    return p->item_of[root->id] == i && !is_reduction(root);
}

static bool is_member(const item *it, const node *x)
{
    for (int i = 0; i < it->n_members; i++)
        if (it->members[i] == x) return true;
    return false;
}

/* Whether x, in item i, computes its operand again: an earlier phase has it. */
static bool computes_again(const plan *p, const node *x, const node *operand, int i)
{
    const node *root = view_root(operand);
    return p->again[root->id].from && p->level[root->id] < p->level[x->id] && !is_member(&p->items[i], root) &&
           shape_equal(p->items[i].space, space_of(root));
}

/* The members that x brings with it. */
static int members_with(const plan *p, const node *x, int i)
{
    int n = 1;
    for (int k = 0; k < x->n_in; k++)
        if (computes_again(p, x, x->in[k], i)) n += p->again[view_root(x->in[k])->id].operations;
    return n;
}

static bool may_join(const fusing *f, const node *x, int i)
{
    enum { MOST_IN = 3 };
    const plan *p = f->p;
    const item *it = &p->items[i];
    int members = it->fused ? members_with(p, x, i) : 0;
    if (!it->fused || it->n_members + members > EW_MAX_RESULTS) return false;
    if (it->registers + members * (1 + MOST_IN) > EW_MAX_REGS) return false;
    if (!shape_equal(it->space, space_of(x)) || it->by_example != goes_by_example(x)) return false;
    for (int k = 0; k < x->n_in; k++) {
        int j = item_reading(p, x->in[k]);
        if (j < 0) continue;
        if (j == i ? !in_register(p, x->in[k], i) : needs(f, j, i)) return false;
    }
    return true;
}

static bool shares_operand(const node *x, const item *it)
{
    for (int m = 0; m < it->n_members; m++)
        for (int a = 0; a < it->members[m]->n_in; a++)
            for (int b = 0; b < x->n_in; b++)
                if (it->members[m]->in[a] == x->in[b] && x->in[b]->op != OP_constant) return true;
    return false;
}

static int level_of_item(const plan *p, const item *it)
{
    return p->level[it->members[it->n_members - 1]->id];
}

/* The item x should join, -1 for a new one: that of its youngest operand, else a sibling's of the same level, so that neither
 * waits for sums over the batch that only the other needs. Whole steps are left alone by siblings: they are small, and what
 * only needs leaves should not wait for what needs the batch. */
static int find_item(const fusing *f, const node *x)
{
    const plan *p = f->p;
    int best = -1;
    for (int k = 0; k < x->n_in; k++) {
        int i = p->item_of[view_root(x->in[k])->id];
        if (i > best && may_join(f, x, i)) best = i;
    }
    for (int i = p->n_items - 1; best < 0 && goes_by_example(x) && i >= 0; i--)
        if (p->items[i].fused && level_of_item(p, &p->items[i]) == p->level[x->id] && shares_operand(x, &p->items[i]) &&
            may_join(f, x, i))
            best = i;
    return best;
}

static bool new_item(fusing *f, const node *x, bool fused)
{
    plan *p = f->p;
    item *it = &p->items[p->n_items];
    it->members = arena_new(&p->storage, fused ? EW_MAX_RESULTS : 1, sizeof(node *));
    if (!it->members) return false;
    it->fused = fused;
    it->by_example = p->fast && (fused || !over_batch(x)) && goes_by_example(x);
    it->space = space_of(x);
    it->phase = -1;
    p->n_items++;
    return true;
}

/* Adds x to the item, and before it what it computes again. reader: whose phase it is. */
static void add_member(fusing *f, int i, node *x, const node *reader)
{
    plan *p = f->p;
    item *it = &p->items[i];
    for (int k = 0; it->fused && k < x->n_in; k++)
        if (computes_again(p, reader, x->in[k], i)) add_member(f, i, g_at(p->g, view_root(x->in[k])->id), reader);
    it->members[it->n_members++] = x;
    it->registers += 1 + x->n_in;
    for (int k = 0; k < x->n_in; k++) {
        const node *source = view_root(it->fused ? load_source(x->in[k]) : x->in[k]);
        int j = p->item_of[source->id];
        if (j >= 0 && j != i && !(it->fused && is_member(it, source))) add_need(f, i, j);
    }
}

static bool place(fusing *f, node *x)
{
    plan *p = f->p;
    bool fused = p->fast && (is_fusible(x) || joins_as_view(x));
    int i = fused && is_fusible(x) ? find_item(f, x) : -1;
    if (i < 0) {
        if (!new_item(f, x, fused)) return false;
        i = p->n_items - 1;
    }
    p->item_of[x->id] = i;
    add_member(f, i, x, x);
    return true;
}

/* wanted[id]: somebody needs the node in memory or in a register. Broadcasts and constants are wanted only by steps that cannot
 * read them in place. */
static void mark_wanted(const plan *p, bool *wanted)
{
    for (int i = 0; i < p->n_outputs; i++) wanted[view_root(p->outputs[i].value)->id] = true;
    for (int id = g_count(p->g); id-- > 0;) {
        const node *x = g_at(p->g, id);
        if (!wanted[id] || x->op == OP_reshape) continue;
        bool in_place = p->fast && (is_fusible(x) || joins_as_view(x));
        for (int k = 0; k < x->n_in; k++) {
            const node *operand = in_place ? load_source(x->in[k]) : x->in[k];
            if (in_place && operand->op == OP_constant) continue;
            wanted[view_root(operand)->id] = true;
        }
    }
}

/* A member is written when something outside its item reads it, or a view of it, or it is an output. */
static void mark_read(void *user, const node *read, bool whole)
{
    (void)whole;
    ((plan *)user)->written[view_root(read)->id] = true;
}

void mark_written(plan *p)
{
    memset(p->written, 0, (size_t)g_count(p->g) * sizeof *p->written);
    for (int i = 0; i < p->n_outputs; i++) p->written[view_root(p->outputs[i].value)->id] = true;
    for (int i = 0; i < p->n_items; i++) each_read(&p->items[i], mark_read, p);
}

static bool reads_whole(const item *it, const node *x, int k)
{
    const node *operand = x->in[k];
    if (!it->by_example) return true;
    if (it->fused) {
        const node *source = load_source(operand);
        return !(operand->rows > 0 && source->rows > 0 && view_root(source)->rows > 0);
    }
    return !(batch_follows(x, k) && operand->rows > 0 && view_root(operand)->rows > 0);
}

void each_read(const item *it, read_visitor visit, void *user)
{
    for (int m = 0; m < it->n_members; m++) {
        const node *x = it->members[m];
        for (int k = 0; k < x->n_in; k++) {
            const node *operand = x->in[k];
            if (it->fused && is_member(it, view_root(operand))) continue;
            const node *source = it->fused ? load_source(operand) : operand;
            if (it->fused && source->op == OP_constant) continue;
            visit(user, source, reads_whole(it, x, k));
        }
    }
}

bool make_items(plan *p)
{
    size_t n = (size_t)g_count(p->g);
    arena *a = &p->storage;
    p->items = arena_new(a, n + 1, sizeof *p->items);
    p->item_of = arena_new(a, n + 1, sizeof *p->item_of);
    p->written = arena_new(a, n + 1, sizeof *p->written);
    bool *wanted = arena_new(a, n + 1, sizeof *wanted);
    fusing f = {.p = p, .words = n / 64 + 1};
    f.reach = arena_new(a, n + 1, f.words * sizeof *f.reach);
    if (a->failed) return false;
    memset(p->item_of, -1, (n + 1) * sizeof *p->item_of);
    mark_wanted(p, wanted);
    for (size_t id = 0; id < n; id++) {
        node *x = g_at(p->g, (int)id);
        if (wanted[id] && !is_leaf(x) && x->op != OP_reshape && !place(&f, x)) return false;
    }
    mark_written(p);
    return sink_members(p);
}
