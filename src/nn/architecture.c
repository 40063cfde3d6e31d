/* architecture.c - see architecture.h. A layer is a row of the table kinds and a function that reads its words. */
#include "architecture.h"
#include "../base/text.h"
#include "norm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 16, MAX_WORD = 32, MOST_UNITS = 1 << 20 };

/* One layer's text as words, and where it stands. */
typedef struct line {
    char word[MAX_WORDS][MAX_WORD];
    int n, next;
    char name[16];
    shape *picture;
    int32_t shrink;      /* the picture becomes so many times smaller, rounding up or down; 0: by what else it may */
    bool before_reshape; /* the next layer is a reshape, to this: */
    shape as;
} line;

/* ---- Words ---- */

static bool split(const char *begin, const char *end, line *l)
{
    l->n = l->next = 0;
    while (begin < end) {
        begin += strspn(begin, " \t\n");
        if (begin >= end) break;
        size_t length = strcspn(begin, " \t\n;");
        if (begin + length > end) length = (size_t)(end - begin);
        if (l->n == MAX_WORDS || length >= MAX_WORD) return false;
        memcpy(l->word[l->n], begin, length);
        l->word[l->n++][length] = 0;
        begin += length;
    }
    return true;
}

static const char *peek(const line *l)
{
    return l->next < l->n ? l->word[l->next] : "";
}

static bool take_word(line *l, const char *word)
{
    if (strcmp(peek(l), word) != 0) return false;
    l->next++;
    return true;
}

static bool take_count(line *l, int64_t lowest, int64_t *out)
{
    if (!text_to_int(peek(l), out) || *out < lowest || *out > MOST_UNITS) return false;
    l->next++;
    return true;
}

/* "word N"; false when the word is there and no number after it. */
static bool take_option(line *l, const char *word, int64_t lowest, int32_t *out)
{
    int64_t v = *out;
    bool ok = !take_word(l, word) || take_count(l, lowest, &v);
    *out = (int32_t)v;
    return ok;
}

/* Numbers between 'x', and one after '/': "3x3/2". How many before the slash; 0 when it is something else, or they are fewer. */
static int take_sizes(line *l, int least, int most, int64_t *size, int32_t *after_slash)
{
    const char *p = peek(l);
    int n = 0;
    for (char *end; n < most; p = end + 1) {
        size[n] = strtoll(p, &end, 10);
        if (end == p || size[n] < 1 || size[n] > MOST_UNITS) return 0;
        n++;
        p = end;
        if (*end != 'x') break;
    }
    if (after_slash && *p == '/') {
        char *end;
        long s = strtol(p + 1, &end, 10);
        if (end == p + 1 || s < 1 || s > 64) return 0;
        *after_slash = (int32_t)s;
        p = end;
    }
    if (*p || n < least) return 0;
    l->next++;
    return n;
}

/* The initialiser among the words left, which is taken out; NULL: none. */
static const initialiser *take_init(line *l)
{
    for (int i = l->next; i < l->n; i++) {
        const initialiser *init = init_find(l->word[i]);
        if (!init) continue;
        memmove(l->word[i], l->word[i + 1], (size_t)(l->n-- - i - 1) * sizeof l->word[0]);
        return init;
    }
    return NULL;
}

/* A normalisation or activation; NULL when the word is neither. */
static node *apply_word(scope *s, node *x, const char *word, const char *name)
{
    char under[32];
    snprintf(under, sizeof under, "%s.%.2s", name, word);
    int64_t groups;
    if (strcmp(word, "bn") == 0) return batch_norm(s, x, under);
    if (strcmp(word, "ln") == 0) return layer_norm(s, x, under);
    if (strncmp(word, "gn:", 3) == 0 && text_to_int(word + 3, &groups)) return group_norm(s, x, groups, under);
    return activation(x, word);
}

static node *apply_rest(scope *s, node *x, line *l)
{
    for (; l->next < l->n && !g_broken(x); l->next++) {
        node *y = apply_word(s, x, peek(l), l->name);
        if (!y)
            return g_fail(s->g, "architecture: '%s' in layer %s is no activation (relu, leaky_relu:0.2, tanh, ...) and no "
                                "normalisation (bn, ln, gn:8)", peek(l), l->name);
        x = y;
    }
    return x;
}

static node *expected(scope *s, const line *l, const char *what)
{
    return g_fail(s->g, "architecture: layer %s: got '%s', expected %s", l->name, peek(l), what);
}

/* ---- Layers ---- */

static node *dense_layer(scope *s, node *x, line *l)
{
    int64_t out = 0;
    if (take_word(l, "auto")) out = shape_count(*l->picture);
    else if (!take_count(l, 1, &out)) return expected(s, l, "a number of units, as in 'dense 400 relu'");
    const initialiser *init = take_init(l);
    bool fits = l->before_reshape && shape_count(l->as) == out;
    return apply_rest(s, dense(s, flatten(x), out, l->name, init, fits ? l->as : SCALAR), l);
}

static bool take_conv(line *l, conv_layer *c)
{
    int64_t size[2];
    *c = (conv_layer){.stride = 1, .dilation = 1, .groups = 1, .padding = -1, .output_padding = -1};
    if (!take_count(l, 1, &c->filters)) return false;
    int n = take_sizes(l, 1, 2, size, &c->stride);
    if (!n) return false;
    c->kernel[0] = (int32_t)size[0];
    c->kernel[1] = (int32_t)size[n - 1];
    for (int before = -1; before != l->next;) {
        before = l->next;
        if (!take_option(l, "pad", 0, &c->padding) || !take_option(l, "dilate", 1, &c->dilation) ||
            !take_option(l, "groups", 1, &c->groups) || !take_option(l, "outpad", 0, &c->output_padding))
            return false;
    }
    if (c->padding < 0) {
        c->padding = (c->kernel[0] - 1) * c->dilation / 2;
        l->shrink = c->stride;
    }
    return true;
}

static node *conv_line(scope *s, node *x, line *l)
{
    conv_layer c;
    if (!take_conv(l, &c)) return expected(s, l, "filters and a kernel, as in 'conv 32 3x3/2 pad 1 bn relu'");
    if (c.output_padding < 0) c.output_padding = 0;
    const initialiser *init = take_init(l);
    return apply_rest(s, conv2d(s, x, c, l->name, init), l);
}

/* Unless told otherwise the result is stride times as large: size s = (size - 1) s - 2 p + (k - 1) d + 1 + output padding. */
static node *deconv_line(scope *s, node *x, line *l)
{
    conv_layer c;
    if (!take_conv(l, &c)) return expected(s, l, "filters and a kernel, as in 'deconv 32 3x3/2 bn relu'");
    l->shrink = 0;
    if (c.output_padding < 0) {
        int32_t wanted = c.stride + 2 * c.padding - (c.kernel[0] - 1) * c.dilation - 1;
        c.output_padding = wanted < 0 ? 0 : wanted >= c.stride ? c.stride - 1 : wanted;
    }
    const initialiser *init = take_init(l);
    return apply_rest(s, conv2d_transpose(s, x, c, l->name, init), l);
}

/* act(norm(conv(act(norm(conv(x))))) + shortcut(x)); the shortcut is a 1x1 convolution where the shape changes (He et
 * al. 2016). */
static node *res_line(scope *s, node *x, line *l)
{
    int64_t filters;
    int32_t stride = 1;
    if (!take_sizes(l, 1, 1, &filters, &stride)) return expected(s, l, "filters, as in 'res 64/2 bn relu'");
    int words = l->next, mark = scope_enter(s, "%s", l->name);
    l->shrink = stride;
    conv_layer c = {.filters = filters, .kernel = {3, 3}, .stride = stride, .padding = 1, .dilation = 1, .groups = 1};
    char name[16];
    snprintf(name, sizeof name, "%s", l->name);
    snprintf(l->name, sizeof l->name, "norm0");
    node *y = apply_rest(s, conv2d(s, x, c, "conv0", NULL), l);
    c.stride = 1;
    y = conv2d(s, y, c, "conv1", NULL);
    snprintf(l->name, sizeof l->name, "norm1");
    bool same = !g_broken(x) && stride == 1 && shape_last(x->shape) == filters;
    conv_layer one = {.filters = filters, .kernel = {1, 1}, .stride = stride, .dilation = 1, .groups = 1};
    y = g_add(y, same ? x : conv2d(s, x, one, "shortcut", NULL));
    l->next = words;
    y = apply_rest(s, y, l);
    snprintf(l->name, sizeof l->name, "%s", name);
    scope_leave(s, mark);
    return y;
}

static node *flat_given(scope *s, const line *l)
{
    return g_fail(s->g, "architecture: layer %s works on pictures, but what reaches it is flat", l->name);
}

static node *up_line(scope *s, node *x, line *l)
{
    int64_t times;
    if (!take_count(l, 1, &times)) return expected(s, l, "how many times, as in 'up 2'");
    if (x->shape.rank != 4) return flat_given(s, l);
    int64_t h = x->shape.dim[1] * times, w = x->shape.dim[2] * times;
    return apply_rest(s, take_word(l, "bilinear") ? g_resize_bilinear(x, h, w) : g_resize_nearest(x, h, w), l);
}

static node *pool_line(scope *s, node *x, line *l)
{
    int64_t size;
    bool max = take_word(l, "max");
    if (!max && !take_word(l, "average")) return expected(s, l, "max or average, as in 'pool max 2'");
    if (!take_count(l, 1, &size)) return expected(s, l, "a size, as in 'pool max 2'");
    if (x->shape.rank != 4) return flat_given(s, l);
    window w = {.size = {(int32_t)size, (int32_t)size}};
    l->shrink = (int32_t)size;
    return apply_rest(s, max ? g_pool_max(x, w) : g_pool_average(x, w), l);
}

static bool take_picture(line *l, shape *out)
{
    int64_t size[3];
    *out = *l->picture;
    if (take_word(l, "auto")) return out->rank == 3;
    if (!take_sizes(l, 3, 3, size, NULL)) return false;
    *out = SHAPE(size[0], size[1], size[2]);
    return true;
}

static node *reshape_line(scope *s, node *x, line *l)
{
    shape p;
    if (!take_picture(l, &p)) return expected(s, l, "height, width and channels, as in 'reshape 2x2x512', or auto");
    return apply_rest(s, g_reshape(x, SHAPE(x->shape.dim[0], p.dim[0], p.dim[1], p.dim[2])), l);
}

static node *flatten_line(scope *s, node *x, line *l)
{
    return apply_rest(s, flatten(x), l);
}

static node *dropout_line(scope *s, node *x, line *l)
{
    bool channels = strcmp(l->word[0], "channel-dropout") == 0;
    double p;
    if (!text_to_real(peek(l), &p) || !(p >= 0 && p < 1)) return expected(s, l, "a probability below 1, as in 'dropout 0.2'");
    l->next++;
    return apply_rest(s, channels ? spatial_dropout(s, x, p) : dropout(s, x, p), l);
}

/* A layer of words only. */
static node *words_line(scope *s, node *x, line *l)
{
    l->next = 0;
    return apply_rest(s, x, l);
}

static const struct {
    const char *word;
    node *(*add)(scope *s, node *x, line *l);
} kinds[] = {
    {"dense", dense_layer},  {"conv", conv_line},       {"deconv", deconv_line},           {"res", res_line},
    {"up", up_line},         {"pool", pool_line},       {"reshape", reshape_line},         {"flatten", flatten_line},
    {"dropout", dropout_line}, {"channel-dropout", dropout_line}, {"", words_line},
};

/* ---- The whole ---- */

static node *add_layer(scope *s, node *x, line *l)
{
    size_t i = 0;
    while (*kinds[i].word && strcmp(kinds[i].word, l->word[0]) != 0) i++;
    l->next = 1;
    return kinds[i].add(s, x, l);
}

/* What a dense layer must know of a reshape that follows: how its features are laid out. */
static void look_ahead(line *l, const char *rest)
{
    line following = {.picture = l->picture};
    l->before_reshape = false;
    if (!split(rest, rest + strcspn(rest, ";"), &following) || following.n < 2) return;
    if (strcmp(following.word[0], "reshape") != 0) return;
    following.next = 1;
    l->before_reshape = take_picture(&following, &l->as);
}

/* What auto stands for after a layer took pictures from one shape to another: made as many times larger as the layers so far
 * made it smaller, it covers the picture they began with, also where they rounded down. */
static shape covering(shape picture, const line *l, shape from, shape to)
{
    shape p = SHAPE(to.dim[1], to.dim[2], to.dim[3]);
    for (int i = 0; i < 2 && from.rank == 4; i++) {
        int64_t had = picture.dim[i],
                n = l->shrink > 1 ? (had + l->shrink - 1) / l->shrink : had + to.dim[i + 1] - from.dim[i + 1];
        if (n > p.dim[i]) p.dim[i] = n;
    }
    return p;
}

static double flops_since(const graph *g, int first)
{
    double n = 0;
    for (int i = first; i < g_count(g); i++) n += g_flops(g_at(g, i));
    return n;
}

/* A line for a layer, as architecture.h says. */
static void note(text *notes, const scope *s, const line *l, const char *begin, size_t length, const node *y, int first,
                 int64_t parameters)
{
    char shape_words[96];
    shape one = {.rank = y->shape.rank - 1};
    memcpy(one.dim, y->shape.dim + 1, sizeof one.dim - sizeof one.dim[0]);
    shape_text(one, shape_words);
    size_t spaces = strspn(begin, " ");
    begin += spaces;
    length -= spaces;
    text_add(notes, "%s\t%s\t%.*s\t%s\t%lld\t%.0f\n", s->path, l->name, (int)length, begin, shape_words,
             (long long)parameters, flops_since(s->g, first) / (double)g_examples(s->g));
}

node *architecture(scope *s, node *x, const char *layers, shape *picture, text *notes)
{
    int number = 0;
    if (!g_broken(x) && x->shape.rank == 4) *picture = SHAPE(x->shape.dim[1], x->shape.dim[2], x->shape.dim[3]);
    for (const char *begin = layers; *begin && !g_broken(x); begin += strcspn(begin, ";"), begin += *begin == ';') {
        size_t length = strcspn(begin, ";");
        line l = {.picture = picture};
        snprintf(l.name, sizeof l.name, "%d", number);
        if (!split(begin, begin + length, &l))
            return g_fail(s->g, "architecture: layer %d has too many words or too long ones", number);
        if (l.n == 0) continue;
        look_ahead(&l, begin + length + (begin[length] == ';'));
        int first = g_count(s->g);
        int64_t before = store_parameters(s->store);
        shape from = x->shape;
        x = add_layer(s, x, &l);
        number++;
        if (g_broken(x)) return x;
        if (x->shape.rank == 4) *picture = covering(*picture, &l, from, x->shape);
        if (notes) note(notes, s, &l, begin, length, x, first, store_parameters(s->store) - before);
    }
    return x;
}

static int activation_number(const char *word)
{
    size_t n = strcspn(word, ":");
    const char *name;
    for (int i = 1; (name = activation_at((size_t)i)) != NULL; i++) /* the first is linear */
        if (strncmp(name, word, n) == 0 && !name[n]) return i;
    return -1;
}

int architecture_activation(const char *layers)
{
    line last = {.n = 0};
    for (const char *begin = layers; *begin; begin += strcspn(begin, ";"), begin += *begin == ';') {
        line l;
        if (split(begin, begin + strcspn(begin, ";"), &l) && l.n) last = l;
    }
    take_init(&last);
    return last.n ? activation_number(last.word[last.n - 1]) : -1;
}
