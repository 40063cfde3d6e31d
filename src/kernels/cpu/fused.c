/* fused.c - runs elementwise programs (kernel.h) tile by tile.
 *
 * Idea: a tile is a stretch of the flat space, up to TILE numbers, so that the registers a program needs at one time
 * stay in the nearest cache. Slots of one buffer are handed to registers by linear scan; the more a program needs,
 * the shorter the tiles. A flat load of floats needs no slot while its array can be read where it lies, and a result
 * that is stored is computed in its place where that is safe. A register whose elements are all equal is one number
 * ("single"). A softplus and a sigmoid of the same register are computed together, where the first of them stands.
 *
 * Invariants: loops run over whole groups (ew_loops.h), past the end of a short tile if need be, so a number's bits
 * do not depend on the tile it is in; sums depend on their period only (ew_fold.c). Together: the same bits for any cut
 * into rows. Sums over the batch depend on the cut into blocks (ew_columns.c).
 * Within a tile every read of memory that is both operand and result comes before, or in, the loop that writes it. */
#include "ew_loops.h"

#include "../ref/numbers.h"

#include <string.h>

enum { BUFFER = 16384, TILE = 1024, NONE = -1 };

typedef struct machine {
    const ew_program *p;
    const ew_level *level;
    const void *const *in;
    void *const *out;
    int64_t n, inner;         /* elements in all, and in a row */
    int64_t tile, block;      /* tiles do not cross from one block into the next */
    int64_t begin, len, padded; /* of this tile; padded: len in whole groups */
    float *slots;
    int n_slots, slot_size;
    int slot[EW_MAX_REGS];    /* or NONE */
    int last_use[EW_MAX_REGS]; /* instruction that reads it last; n_instrs: a result */
    int direct[EW_MAX_REGS];  /* by instruction: the result computed in its place, or NONE */
    int partner[EW_MAX_REGS]; /* by instruction: the one that is computed together with it, or NONE */
    const float *data[EW_MAX_REGS]; /* NULL: not yet loaded in this tile */
    bool single[EW_MAX_REGS]; /* data[0] stands for all */
    bool kept[EW_MAX_REGS];   /* a load that is the same in every tile */
    float number[EW_MAX_REGS];
    ew_fold fold[EW_MAX_RESULTS];
    int64_t folded[EW_MAX_RESULTS];
} machine;

static int arity(const ew_instr *e)
{
    return e->op == OP_cast ? 1 : op_table[e->op].arity;
}

/* ---- Loads ---- */

static float number_at(const void *x, dtype type, int64_t i)
{
    switch (type) {
    case F32: return ((const float *)x)[i];
    case BF16: return bf16_to(((const uint16_t *)x)[i]);
    case U8: return (float)((const uint8_t *)x)[i];
    case I32: return (float)((const int32_t *)x)[i];
    }
    return 0;
}

static const void *address(const void *x, dtype type, int64_t i)
{
    return (const char *)x + (size_t)i * dtype_size(type, false);
}

/* Elements of the space that follow each other in an operand: from index on, by stride, n of them */
typedef struct run {
    int64_t index, stride, n;
} run;

static run run_strided(const machine *m, const ew_load *l, int64_t i)
{
    const shape *s = &m->p->space;
    int last = s->rank - 1;
    if (last < 0) return (run){0, 0, 1};
    run r = {0, l->stride[last], s->dim[last] - i % s->dim[last]};
    for (int d = last; d > 0; d--) {
        r.index += i % s->dim[d] * l->stride[d];
        i /= s->dim[d];
    }
    r.index += i * l->stride[0];
    return last > 0 ? r : (run){r.index, r.stride, m->n - i};
}

/* The run that begins at element i */
static run run_at(const machine *m, const ew_load *l, int64_t i)
{
    switch (l->kind) {
    case LOAD_PERIODIC: return (run){i % l->period, 1, l->period - i % l->period};
    case LOAD_REPEAT: return (run){i / l->period, 0, l->period - i % l->period};
    case LOAD_STRIDED: return run_strided(m, l, i);
    default: return (run){i, 1, m->n - i};
    }
}

static void copy_run(const machine *m, const ew_load *l, run r, float *y)
{
    const void *x = m->in[l->operand];
    if (r.stride == 1) {
        m->level->load[l->type]((size_t)r.n, y, address(x, l->type, r.index));
    } else if (r.stride == 0) {
        float value = number_at(x, l->type, r.index);
        for (int64_t j = 0; j < r.n; j++) y[j] = value;
    } else {
        for (int64_t j = 0; j < r.n; j++) y[j] = number_at(x, l->type, r.index + j * r.stride);
    }
}

static float *slot_of(const machine *m, int reg)
{
    return m->slots + m->slot[reg] * m->slot_size;
}

static void set_single(machine *m, int reg, float value)
{
    m->number[reg] = value;
    m->data[reg] = m->number + reg;
    m->single[reg] = true;
}

/* A load of this tile: one number, or read where it lies, or copied run by run. */
static void load(machine *m, int reg)
{
    const ew_load *l = m->p->loads + reg;
    run r = run_at(m, l, m->begin);
    m->single[reg] = r.stride == 0 && r.n >= m->len;
    if (m->single[reg]) {
        set_single(m, reg, number_at(m->in[l->operand], l->type, r.index));
        return;
    }
    if (l->type == F32 && r.stride == 1 && r.n >= m->padded) {
        m->data[reg] = (const float *)m->in[l->operand] + r.index;
        return;
    }
    float *y = slot_of(m, reg);
    for (int64_t done = 0; done < m->len; done += r.n) {
        r = run_at(m, l, m->begin + done);
        if (r.n > m->len - done) r.n = m->len - done;
        copy_run(m, l, r, y + done);
    }
    memset(y + m->len, 0, (size_t)(m->padded - m->len) * sizeof *y);
    m->data[reg] = y;
}

static const float *operand(machine *m, int reg)
{
    if (!m->data[reg]) load(m, reg);
    return m->data[reg];
}

/* ---- Instructions ---- */

static ew_loop loop_of(const machine *m, const ew_instr *e)
{
    return e->op == OP_cast ? m->level->cast[e->type] : m->level->run[e->op];
}

/* An instruction all of whose operands are single is computed once. */
static void execute_single(machine *m, const ew_instr *e, int reg, const float *const *in)
{
    float spread[3][EW_GROUP], y[EW_GROUP];
    for (int o = 0; o < arity(e); o++)
        for (int j = 0; j < EW_GROUP; j++) spread[o][j] = in[o][0];
    loop_of(m, e)(EW_GROUP, y, (const float *[]){spread[0], spread[1], spread[2]}, 0);
    set_single(m, reg, y[0]);
}

static float *place_of(const machine *m, int i, int reg)
{
    if (m->direct[i] == NONE || m->padded != m->len) return slot_of(m, reg);
    return (float *)m->out[m->p->results[m->direct[i]].output] + m->begin;
}

static void set(machine *m, int reg, const float *y)
{
    m->data[reg] = y;
    m->single[reg] = false;
}

static void execute_pair(machine *m, int i, const float *x)
{
    int k = m->partner[i], first = m->p->n_loads + i, second = m->p->n_loads + k;
    if (i > k) return; /* it has been */
    float *y = place_of(m, i, first), *z = place_of(m, k, second);
    bool softplus = m->p->instrs[i].op == OP_softplus;
    m->level->softplus_and_sigmoid((size_t)m->padded, softplus ? y : z, softplus ? z : y, x);
    set(m, first, y);
    set(m, second, z);
}

static void execute(machine *m, int i)
{
    const ew_instr *e = m->p->instrs + i;
    const float *in[3];
    int n = arity(e), reg = m->p->n_loads + i;
    unsigned single = 0;
    for (int o = 0; o < n; o++) {
        in[o] = operand(m, e->in[o]);
        single |= (unsigned)m->single[e->in[o]] << o;
    }
    if (single == (1u << n) - 1) {
        execute_single(m, e, reg, in);
        return;
    }
    if (m->partner[i] != NONE) {
        execute_pair(m, i, in[0]); /* NOLINT(clang-analyzer-core.CallAndMessage): what has a partner has an operand */
        return;
    }
    float *y = place_of(m, i, reg);
    loop_of(m, e)((size_t)m->padded, y, in, single);
    set(m, reg, y);
}

/* ---- Results ---- */

static void finish(machine *m, int k)
{
    const ew_result *r = m->p->results + k;
    const float *x = operand(m, r->reg);
    float spread[TILE];
    if (m->single[r->reg]) {
        for (int64_t j = 0; j < m->len; j++) spread[j] = x[0];
        x = spread;
    }
    int64_t at = m->begin, n = m->len;
    float folds[TILE];
    if (r->over_batch) {
        ew_columns_feed(r, m->level, m->begin, m->len, x, m->out[r->output]);
        return;
    }
    if (r->reduce != OP_input) {
        at = m->folded[k]; /* NOLINT(clang-analyzer-core.uninitialized.Assign): set for all results when a piece begins */
        n = ew_fold_feed(m->fold + k, m->level, n, x, folds);
        m->folded[k] += n;
        x = folds;
    }
    char *to = (char *)m->out[r->output] + (size_t)at * dtype_size(r->type, false);
    if (r->stream && (uintptr_t)to % 64 == 0) m->level->stream((size_t)n, (float *)(void *)to, x);
    else if ((const void *)x != to) m->level->store[r->type]((size_t)n, to, x);
}

/* Results that are loads come first: another result may be written over the memory they are read from. */
static void run_tile(machine *m, int64_t begin, int64_t len)
{
    const ew_program *p = m->p;
    m->begin = begin;
    m->len = len;
    m->padded = (len + EW_GROUP - 1) / EW_GROUP * EW_GROUP;
    for (int l = 0; l < p->n_loads; l++)
        if (!m->kept[l]) m->data[l] = NULL;
    for (int i = 0; i < p->n_instrs; i++) execute(m, i);
    for (int k = 0; k < p->n_results; k++)
        if (p->results[k].reg < p->n_loads) finish(m, k);
    for (int k = 0; k < p->n_results; k++)
        if (p->results[k].reg >= p->n_loads) finish(m, k);
}

/* ---- Before the first tile ---- */

static void find_last_uses(machine *m)
{
    const ew_program *p = m->p;
    for (int r = 0; r < p->n_loads + p->n_instrs; r++) m->last_use[r] = NONE;
    for (int i = 0; i < p->n_instrs; i++)
        for (int o = 0, n = arity(p->instrs + i); o < n; o++) m->last_use[p->instrs[i].in[o]] = i;
    for (int k = 0; k < p->n_results; k++) m->last_use[p->results[k].reg] = p->n_instrs;
}

static void find_partners(machine *m)
{
    const ew_program *p = m->p;
    for (int i = 0; i < p->n_instrs; i++) m->partner[i] = NONE;
    for (int i = 0; i < p->n_instrs; i++) {
        if (p->instrs[i].op != OP_softplus || m->partner[i] != NONE) continue;
        for (int k = 0; k < p->n_instrs; k++) {
            if (p->instrs[k].op != OP_sigmoid || p->instrs[k].in[0] != p->instrs[i].in[0] || m->partner[k] != NONE) continue;
            m->partner[i] = k;
            m->partner[k] = i;
            break;
        }
    }
}

static bool is_second(const machine *m, int i)
{
    return m->partner[i] != NONE && m->partner[i] < i;
}

/* A result may be computed in its place unless that is the memory of an operand that is read later. */
static bool is_safe(const machine *m, const ew_result *r, int i)
{
    for (int l = 0; l < m->p->n_loads; l++) {
        const ew_load *x = m->p->loads + l;
        if (x->kind != LOAD_CONSTANT && m->in[x->operand] == m->out[r->output] && m->last_use[l] > i) return false;
    }
    return true;
}

static void find_direct(machine *m)
{
    const ew_program *p = m->p;
    for (int i = 0; i < p->n_instrs; i++) m->direct[i] = NONE;
    for (int k = 0; k < p->n_results; k++) {
        const ew_result *r = p->results + k;
        int i = r->reg - p->n_loads;
        bool stored = r->reduce == OP_input && r->type == F32 && !r->stream;
        if (i >= 0 && stored && !is_second(m, i) && is_safe(m, r, i)) m->direct[i] = k;
    }
}

/* Linear scan. Loads are made where they are first used; a periodic one has a slot of its own from the beginning, as it
 * may be kept from tile to tile. */
static void assign_slots(machine *m)
{
    const ew_program *p = m->p;
    int free[EW_MAX_REGS], n_free = 0;
    m->n_slots = 0;
    for (int r = 0; r < p->n_loads + p->n_instrs; r++) m->slot[r] = NONE;
    for (int r = 0; r < p->n_loads; r++)
        if (p->loads[r].kind == LOAD_PERIODIC) m->slot[r] = m->n_slots++;
    for (int i = 0; i < p->n_instrs; i++) {
        const ew_instr *e = p->instrs + i;
        int n = arity(e);
        for (int o = 0; o < n; o++)
            if (m->slot[e->in[o]] == NONE) m->slot[e->in[o]] = n_free ? free[--n_free] : m->n_slots++;
        for (int o = 0; o < n; o++) {
            int r = e->in[o];
            /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): there are as many operands as arity says */
            bool again = (o > 0 && e->in[0] == r) || (o > 1 && e->in[1] == r);
            bool lasts = r < p->n_loads && p->loads[r].kind == LOAD_PERIODIC;
            if (m->last_use[r] == i && !again && !lasts) free[n_free++] = m->slot[r];
        }
        int partner = m->partner[i];
        if (!is_second(m, i)) m->slot[p->n_loads + i] = n_free ? free[--n_free] : m->n_slots++;
        if (partner > i) m->slot[p->n_loads + partner] = n_free ? free[--n_free] : m->n_slots++;
    }
    for (int r = 0; r < p->n_loads; r++)
        /* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): each was NONE at first */
        if (m->slot[r] == NONE) m->slot[r] = m->n_slots++;
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The unit of which tiles are multiples, made a multiple of one more length if it does not get too large. */
static int64_t widened(int64_t unit, int64_t length, int64_t most)
{
    if (length > most || unit % length == 0) return unit;
    int64_t both = unit / gcd(unit, length) * length;
    return both <= most ? both : unit;
}

/* Tiles of whole groups, rows and periods as far as possible; a row that is too long is a block of its own. */
static void choose_tile(machine *m)
{
    const ew_program *p = m->p;
    int64_t most = BUFFER / (m->n_slots + 1) / EW_GROUP * EW_GROUP;
    if (most > TILE) most = TILE;
    int64_t unit = widened(EW_GROUP, m->inner, most);
    for (int k = 0; k < p->n_results; k++)
        if (p->results[k].reduce != OP_input) unit = widened(unit, p->results[k].period, most);
    for (int l = 0; l < p->n_loads; l++)
        if (p->loads[l].kind == LOAD_PERIODIC) unit = widened(unit, p->loads[l].period, most);
    if (m->inner <= most && unit % m->inner != 0) unit = m->inner;
    m->tile = most / unit * unit;
    m->block = m->inner <= most ? m->n : m->inner;
    m->slot_size = (int)((m->tile + EW_GROUP - 1) / EW_GROUP * EW_GROUP);
}

static void begin_registers(machine *m)
{
    const ew_program *p = m->p;
    for (int r = 0; r < p->n_loads; r++) {
        const ew_load *l = p->loads + r;
        m->data[r] = NULL;
        m->kept[r] = true;
        if (l->kind == LOAD_CONSTANT) set_single(m, r, (float)l->value);
        else if (l->kind == LOAD_SCALAR) set_single(m, r, number_at(m->in[l->operand], l->type, 0));
        else m->kept[r] = l->kind == LOAD_PERIODIC && m->tile % l->period == 0 && m->block % l->period == 0;
    }
    for (int k = 0; k < p->n_results; k++) {
        m->folded[k] = 0;
        if (p->results[k].over_batch) ew_columns_begin(p->results + k, m->out[p->results[k].output]);
        else if (p->results[k].reduce != OP_input) ew_fold_begin(m->fold + k, p->results[k].reduce, p->results[k].period);
    }
}

void fused_run(const ew_level *level, const ew_program *p, int64_t rows, const void *const *in, void *const *out)
{
    _Alignas(64) float slots[BUFFER];
    machine m;
    m.p = p;
    m.level = level;
    m.in = in;
    m.out = out;
    m.slots = slots;
    m.inner = p->space.rank ? shape_count(p->space) / p->space.dim[0] : 1;
    m.n = p->space.rank ? rows * m.inner : 1;
    find_last_uses(&m);
    find_partners(&m);
    find_direct(&m);
    assign_slots(&m);
    choose_tile(&m);
    begin_registers(&m);
    for (int64_t block = 0; block < m.n; block += m.block) {
        int64_t end = block + m.block < m.n ? block + m.block : m.n;
        for (int64_t at = block; at < end; at += m.tile) run_tile(&m, at, at + m.tile < end ? m.tile : end - at);
    }
    bool streamed = false;
    for (int k = 0; k < p->n_results; k++) streamed = streamed || p->results[k].stream;
    if (streamed) ew_settle();
}

void cpu_fused(const ew_program *p, int64_t rows, const void *const *in, void *const *out)
{
    fused_run(ew_best(), p, rows, in, out);
}
