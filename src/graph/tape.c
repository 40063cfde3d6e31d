/* tape.c - the graph itself: nodes in creation order, equal nodes found by hash, the sticky error. */
#define G_NO_LINES
#include "tape.h"
#include "../base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NODES = 1 << 20 };

struct graph {
    arena memory;
    memory m;
    int64_t examples;
    node **nodes;
    int n_nodes, room;
    int *table; /* open addressing: node id + 1; a power of two at least twice n_nodes */
    int table_size;
    const char *path;
    const char *file; /* of the last builder's call, for the error */
    int line;
    elbo_error error; /* code ELBO_OK: none */
    node broken;
};

graph *g_open(memory m, int64_t examples)
{
    graph *g = mem_new(m, 1, sizeof *g);
    if (!g) return NULL;
    arena_open(&g->memory, m);
    g->m = m;
    g->examples = examples;
    g->path = "";
    g->broken = (node){.g = g, .id = -1, .op = OP_constant, .path = ""};
    return g;
}

void g_close(graph *g)
{
    if (!g) return;
    mem_free(g->m, g->nodes);
    mem_free(g->m, g->table);
    arena_close(&g->memory);
    mem_free(g->m, g);
}

memory g_memory(const graph *g)
{
    return g->m;
}

int64_t g_examples(const graph *g)
{
    return g->examples;
}

int g_count(const graph *g)
{
    return g->n_nodes;
}

node *g_at(const graph *g, int id)
{
    return g->nodes[id];
}

/* ---- Sticky error ---- */

elbo_status g_status(const graph *g, elbo_error *error)
{
    if (g->error.code != ELBO_OK && error) *error = g->error;
    return g->error.code;
}

bool g_broken(const node *x)
{
    return x == &x->g->broken;
}

node *g_here(node *x, const char *file, int line)
{
    x->g->file = file;
    x->g->line = line;
    return x;
}

node *g_fail(graph *g, const char *format, ...)
{
    if (g->error.code != ELBO_OK) return &g->broken;
    char what[512];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const char *slash = g->file ? strrchr(g->file, '/') : NULL;
    char line[96] = "";
    if (g->file) snprintf(line, sizeof line, " (%.60s:%d)", slash ? slash + 1 : g->file, g->line);
    err_set(&g->error, ELBO_USAGE, "%s%s%s%s", g->path, *g->path ? ": " : "", what, line);
    return &g->broken;
}

node *g_fail_memory(graph *g)
{
    if (g->error.code == ELBO_OK) err_memory(&g->error, "the model's graph");
    return &g->broken;
}

void g_set_path(graph *g, const char *path)
{
    char *copy = arena_text(&g->memory, path);
    if (copy) g->path = copy;
    else g_fail_memory(g);
}

node *g_name(node *x, const char *format, ...)
{
    if (g_broken(x) || x->name) return x;
    char name[256];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    x->name = arena_text(&x->g->memory, name);
    if (!x->name) g_fail_memory(x->g);
    return x;
}

/* ---- Equal nodes are one ---- */

_Static_assert(sizeof(attributes) % 8 == 0, "attributes are compared by their bytes: no padding");

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15u;
    return h ^ (h >> 29);
}

static uint64_t mix_bytes(uint64_t h, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i++) h = mix(h, p[i]);
    return h;
}

static uint64_t hash_of(const node *x)
{
    uint64_t h = mix(mix((uint64_t)x->op, (uint64_t)x->type), (uint64_t)x->shape.rank);
    for (int i = 0; i < x->shape.rank; i++) h = mix(h, (uint64_t)x->shape.dim[i]);
    for (int i = 0; i < x->n_in; i++) h = mix(h, (uint64_t)x->in[i]->id);
    return mix_bytes(h, &x->at, sizeof x->at);
}

static bool same(const node *a, const node *b)
{
    if (a->op != b->op || a->type != b->type || a->n_in != b->n_in || a->rows != b->rows) return false;
    if (!shape_equal(a->shape, b->shape) || memcmp(&a->at, &b->at, sizeof a->at) != 0) return false;
    for (int i = 0; i < a->n_in; i++)
        if (a->in[i] != b->in[i]) return false;
    return true;
}

/* The place in the table where x is, or where it belongs. */
static int *find_place(graph *g, const node *x)
{
    uint64_t mask = (uint64_t)g->table_size - 1;
    for (uint64_t i = hash_of(x) & mask;; i = (i + 1) & mask) {
        int *place = &g->table[i];
        if (*place == 0 || same(g->nodes[*place - 1], x)) return place;
    }
}

static bool grow(graph *g)
{
    int room = g->room ? 2 * g->room : 256;
    if (room > MAX_NODES) return false;
    node **nodes = mem_resize(g->m, g->nodes, (size_t)room, sizeof *nodes);
    if (!nodes) return false;
    g->nodes = nodes;
    int *table = mem_new(g->m, 4 * (size_t)room, sizeof *table);
    if (!table) return false;
    mem_free(g->m, g->table);
    g->table = table;
    g->table_size = 4 * room;
    g->room = room;
    for (int i = 0; i < g->n_nodes; i++) *find_place(g, g->nodes[i]) = i + 1;
    return true;
}

static node *intern(graph *g, const node *wanted)
{
    if (g->error.code != ELBO_OK) return &g->broken;
    if (g->n_nodes == g->room && !grow(g)) return g_fail_memory(g);
    int *place = find_place(g, wanted);
    if (*place) return g->nodes[*place - 1];
    node *x = arena_new(&g->memory, 1, sizeof *x);
    node **in = arena_new(&g->memory, (size_t)wanted->n_in + 1, sizeof(node *));
    if (!x || !in) return g_fail_memory(g);
    *x = *wanted;
    if (wanted->n_in) memcpy(in, wanted->in, (size_t)wanted->n_in * sizeof(node *));
    x->in = in;
    x->id = g->n_nodes;
    g->nodes[g->n_nodes++] = x;
    *place = g->n_nodes;
    return x;
}

node *tape_add(graph *g, op_code op, dtype type, shape s, node *const *in, int n_in, attributes at)
{
    for (int i = 0; i < n_in; i++)
        if (g_broken(in[i])) return &g->broken;
    node wanted = {.g = g, .op = op, .type = type, .shape = s, .n_in = n_in, .in = (node **)(uintptr_t)in, .at = at,
                   .path = g->path};
    wanted.rows = batch_rows(op, s, in, n_in, &at, g->examples);
    return intern(g, &wanted);
}

node *tape_leaf(graph *g, op_code op, dtype type, shape s, bool example_major, attributes at, const char *name)
{
    for (int i = 0; i < s.rank; i++)
        if (s.dim[i] < 1 || s.rank > MAX_RANK) return g_fail(g, "%s %s: size %lld is not positive", op_table[op].name,
                                                             name ? name : "", (long long)s.dim[i]);
    node wanted = {.g = g, .op = op, .type = type, .shape = s, .at = at, .path = g->path};
    if (example_major) {
        if (g->examples < 1 || s.rank == 0 || s.dim[0] % g->examples)
            return g_fail(g, "%s %s: its leading size is not a multiple of the batch's %lld examples",
                          op_table[op].name, name ? name : "", (long long)g->examples);
        wanted.rows = (int)(s.dim[0] / g->examples);
    }
    node *x = intern(g, &wanted);
    return name ? g_name(x, "%s", name) : x;
}

/* ---- As text ---- */

static void dump_operands(const node *x, text *out)
{
    for (int i = 0; i < x->n_in; i++) {
        const node *a = x->in[i];
        if (a->op == OP_constant && a->n_in == 0) text_add(out, "%s%g", i ? ", " : " ", a->at.value);
        else text_add(out, "%s%%%d", i ? ", " : " ", a->id);
    }
}

static void dump_node(const node *x, text *out)
{
    char s[96];
    shape_text(x->shape, s);
    text_add(out, "%%%-4d %-5s %-18s %c %s", x->id, dtype_name(x->type), s, x->rows ? 'b' : ' ', op_table[x->op].name);
    dump_operands(x, out);
    if (x->op == OP_matmul && x->at.flag)
        text_add(out, "  %s%s", x->at.flag & TRANSPOSE_A ? "a'" : "", x->at.flag & TRANSPOSE_B ? "b'" : "");
    const window *w = &x->at.window;
    if (w->size[0])
        text_add(out, "  %dx%d/%d,%d pad %d,%d by %d,%d", w->size[0], w->size[1], w->stride[0], w->stride[1], w->padding[0],
                 w->padding[1], w->dilation[0], w->dilation[1]);
    if (x->name) text_add(out, "   # %s", x->name);
    else if (*x->path) text_add(out, "   # in %s", x->path);
    text_add(out, "\n");
}

void g_dump(const graph *g, text *out)
{
    text_add(out, "# %d nodes, %lld examples a batch; b marks tensors that lie example by example\n", g->n_nodes,
             (long long)g->examples);
    for (int i = 0; i < g->n_nodes; i++)
        if (g->nodes[i]->op != OP_constant) dump_node(g->nodes[i], out);
}
