/* layers.c - see layers.h */
#include "layers.h"
#include "../base/text.h"

#include <stdio.h>
#include <string.h>

/* ---- Layers ---- */

node *flatten(node *x)
{
    int64_t b = x->shape.rank ? x->shape.dim[0] : 1;
    return g_reshape(x, SHAPE(b, shape_count(x->shape) / b));
}

/* The [H,W,C] a flat x came from, looking back through elementwise operations; rank 0 when it never was a picture. */
static shape flattened_from(const node *x)
{
    for (; x; x = x->in[0]) {
        if (x->op == OP_reshape && x->shape.rank == 2 && x->in[0]->shape.rank == 4)
            return SHAPE(x->in[0]->shape.dim[1], x->in[0]->shape.dim[2], x->in[0]->shape.dim[3]);
        if (x->n_in == 0 || !(op_table[x->op].elementwise || x->op == OP_cast)) break;
    }
    return SCALAR;
}

/* Appends the axes of a feature to an array's inside view: channels last; and tells their order outside: channels first. */
static void add_feature(layout *l, int8_t *outside, int *n, int64_t size, shape picture)
{
    int8_t first = (int8_t)l->view.rank;
    static const int8_t channels_first[] = {2, 0, 1};
    int axes = picture.rank == 3 ? 3 : 1;
    for (int i = 0; i < axes; i++) {
        l->view.dim[l->view.rank++] = axes == 3 ? picture.dim[i] : size;
        outside[(*n)++] = (int8_t)(first + (axes == 3 ? channels_first[i] : 0));
    }
}

/* Inside [in,out], outside [out,in]. */
static layout weight_layout(int64_t in, shape from, int64_t out, shape to)
{
    layout l = {.exported = SHAPE(out, in)};
    int8_t in_axes[3], out_axes[3];
    int n_in = 0, n_out = 0;
    add_feature(&l, in_axes, &n_in, in, from);
    add_feature(&l, out_axes, &n_out, out, to);
    memcpy(l.order, out_axes, (size_t)n_out);
    memcpy(l.order + n_out, in_axes, (size_t)n_in);
    return l;
}

static layout bias_layout(int64_t out, shape to)
{
    layout l = {.exported = SHAPE(out)};
    int n = 0;
    add_feature(&l, l.order, &n, out, to);
    return l;
}

node *dense(scope *s, node *x, int64_t out, const char *name, const initialiser *init, shape as)
{
    if (g_broken(x)) return x;
    if (x->shape.rank != 2) return g_fail(s->g, "dense %s: x must be [B,F]", name);
    int64_t in = x->shape.dim[1];
    int mark = scope_enter(s, "%s", name);
    layout lw = weight_layout(in, flattened_from(x), out, as), lb = bias_layout(out, as);
    init_rule rule = {.how = init, .fan_in = in, .fan_out = out};
    node *w = scope_param(s, "weight", SHAPE(in, out), &lw, rule);
    rule.bias = true;
    node *b = scope_param(s, "bias", SHAPE(out), &lb, rule);
    node *y = g_add(g_matmul(x, w), b);
    scope_leave(s, mark);
    return y;
}

node *dropout(scope *s, node *x, double p)
{
    if (!s->training || p == 0 || g_broken(x)) return x;
    node *u = scope_random(s, UNIFORM, x->shape, "dropout");
    return g_mul(x, g_where(g_less(u, g_like(u, p)), g_zero(u), g_like(u, 1 / (1 - p))));
}

/* ---- Activations ---- */

const char *activation_at(size_t i)
{
    static const char *const names[] = {
#define ACTIVATION(name, graph_of_x, p_default) #name,
#include "layers.def"
#undef ACTIVATION
    };
    return i < sizeof names / sizeof *names ? names[i] : NULL;
}

node *activation(node *x, const char *text_name)
{
    char name[32];
    snprintf(name, sizeof name, "%s", text_name);
    char *colon = strchr(name, ':');
    double p = 0;
    if (colon) {
        *colon = 0;
        if (!text_to_real(colon + 1, &p)) return NULL;
    }
#define ACTIVATION(word, graph_of_x, p_default)                                                                        \
    if (strcmp(name, #word) == 0) {                                                                                    \
        if (!colon) p = p_default;                                                                                     \
        (void)p;                                                                                                       \
        return graph_of_x;                                                                                             \
    }
#include "layers.def"
#undef ACTIVATION
    return NULL;
}

/* ---- Architecture strings ---- */

enum { MAX_WORDS = 8, MAX_WORD = 32 };

typedef struct words {
    char at[MAX_WORDS][MAX_WORD];
    int n, next;
} words;

/* Splits one layer's text; false when it has too many or too long words. */
static bool split(const char *begin, const char *end, words *w)
{
    *w = (words){.n = 0};
    while (begin < end) {
        size_t space = strspn(begin, " \t\n"), length;
        begin += space;
        if (begin >= end) break;
        length = strcspn(begin, " \t\n;");
        if (begin + length > end) length = (size_t)(end - begin);
        if (w->n == MAX_WORDS || length >= MAX_WORD) return false;
        memcpy(w->at[w->n++], begin, length);
        begin += length;
    }
    return true;
}

/* The words left over: an activation, an initialiser. */
static node *finish(scope *s, node *x, words *w)
{
    for (; w->next < w->n && !g_broken(x); w->next++) {
        node *y = activation(x, w->at[w->next]);
        if (!y) return g_fail(s->g, "architecture: '%s' is no activation (relu, leaky_relu:0.2, tanh, ...) and no initialiser",
                              w->at[w->next]);
        x = y;
    }
    return x;
}

static node *dense_layer(scope *s, node *x, words *w, const char *name)
{
    int64_t out;
    if (w->n < 2 || !text_to_int(w->at[1], &out) || out < 1 || out > 1 << 20)
        return g_fail(s->g, "architecture: 'dense' needs a number of units from 1 to 1048576, as in 'dense 400 relu'");
    w->next = 2;
    const initialiser *init = NULL;
    for (int i = 2; i < w->n && !init; i++) {
        init = init_find(w->at[i]);
        if (init) memmove(w->at[i], w->at[i + 1], (size_t)(--w->n - i) * MAX_WORD);
    }
    return finish(s, dense(s, x, out, name, init, SCALAR), w);
}

static node *dropout_layer(scope *s, node *x, words *w, const char *name)
{
    (void)name;
    double p;
    if (w->n < 2 || !text_to_real(w->at[1], &p) || !(p >= 0 && p < 1))
        return g_fail(s->g, "architecture: 'dropout' needs a probability from 0 to below 1, as in 'dropout 0.2'");
    w->next = 2;
    return finish(s, dropout(s, x, p), w);
}

static node *activation_layer(scope *s, node *x, words *w, const char *name)
{
    (void)name;
    return finish(s, x, w);
}

/* The kinds of layers; a line whose first word is none of them is an activation. */
static const struct {
    const char *word;
    node *(*add)(scope *s, node *x, words *w, const char *name);
} kinds[] = {
    {"dense", dense_layer},
    {"dropout", dropout_layer},
    {"", activation_layer},
};

static node *one_layer(scope *s, node *x, words *w, int number)
{
    char name[16];
    snprintf(name, sizeof name, "%d", number);
    size_t i = 0;
    while (*kinds[i].word && strcmp(kinds[i].word, w->at[0]) != 0) i++;
    if (!*kinds[i].word && !activation(x, w->at[0]) && !g_broken(x))
        return g_fail(s->g, "architecture: layer %d begins with '%s'; expected dense, dropout or an activation", number + 1,
                      w->at[0]);
    return kinds[i].add(s, x, w, name);
}

node *architecture(scope *s, node *x, const char *layers)
{
    int number = 0;
    while (*layers) {
        size_t length = strcspn(layers, ";");
        words w;
        if (!split(layers, layers + length, &w))
            return g_fail(s->g, "architecture: layer %d has too many words or too long ones", number + 1);
        if (w.n) x = one_layer(s, x, &w, number++);
        layers += length + (layers[length] == ';');
    }
    return x;
}
