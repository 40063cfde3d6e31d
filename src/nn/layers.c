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

/* ---- Convolutions ---- */

static conv_geometry geometry_of(conv_layer c)
{
    return (conv_geometry){.stride = {c.stride, c.stride}, .padding = {c.padding, c.padding},
                           .dilation = {c.dilation, c.dilation}, .output_padding = {c.output_padding, c.output_padding},
                           .groups = c.groups};
}

/* Inside [KH,KW,I,O], outside [O,I,KH,KW]. */
static node *kernel_param(scope *s, conv_layer c, int64_t in, int64_t out, int64_t fan_in, const initialiser *init)
{
    shape dims = SHAPE(c.kernel[0], c.kernel[1], in, out);
    layout l = {.view = dims, .order = {3, 2, 0, 1}, .exported = SHAPE(out, in, c.kernel[0], c.kernel[1])};
    int64_t places = (int64_t)c.kernel[0] * c.kernel[1];
    init_rule rule = {.how = init, .fan_in = fan_in * places, .fan_out = (in + out - fan_in) * places};
    return scope_param(s, "weight", dims, &l, rule);
}

static node *bias_param(scope *s, conv_layer c, int64_t fan_in, const initialiser *init)
{
    int64_t places = (int64_t)c.kernel[0] * c.kernel[1];
    init_rule rule = {.how = init, .fan_in = fan_in * places, .fan_out = places, .bias = true};
    return scope_param(s, "bias", SHAPE(c.filters), NULL, rule);
}

static node *needs_picture(scope *s, node *x, const char *name)
{
    return g_broken(x) || x->shape.rank == 4 ? NULL
           : g_fail(s->g, "layer %s convolves pictures, but what reaches it is flat; put 'reshape HxWxC' before it", name);
}

node *conv2d(scope *s, node *x, conv_layer c, const char *name, const initialiser *init)
{
    node *bad = needs_picture(s, x, name);
    if (bad || g_broken(x)) return bad ? bad : x;
    int64_t in = shape_last(x->shape) / (c.groups ? c.groups : 1);
    int mark = scope_enter(s, "%s", name);
    node *w = kernel_param(s, c, in, c.filters, in, init), *b = bias_param(s, c, in, init);
    node *y = g_add(g_conv(x, w, geometry_of(c)), b);
    scope_leave(s, mark);
    return y;
}

/* PyTorch takes the second axis of the weight, the filters, for the fan in. */
node *conv2d_transpose(scope *s, node *x, conv_layer c, const char *name, const initialiser *init)
{
    node *bad = needs_picture(s, x, name);
    if (bad || g_broken(x)) return bad ? bad : x;
    int64_t groups = c.groups ? c.groups : 1, each = c.filters / groups;
    int mark = scope_enter(s, "%s", name);
    node *w = kernel_param(s, c, each, shape_last(x->shape), each, init), *b = bias_param(s, c, each, init);
    node *y = g_add(g_conv_transpose(x, w, geometry_of(c)), b);
    scope_leave(s, mark);
    return y;
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
