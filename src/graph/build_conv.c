/* build_conv.c - the builders of convolution, pooling and resizing, and the sizes behind them (conv.h).
 *
 * Source: Dumoulin and Visin 2016, "A guide to convolution arithmetic for deep learning", for output sizes. */
#define G_NO_LINES
#include "conv.h"
#include "tape.h"

#include <math.h>

/* shape_text as an expression, for one call's arguments */
static const char *shape_words(shape s, char *buffer)
{
    shape_text(s, buffer);
    return buffer;
}
#define TEXT(s) shape_words((s), (char[96]){0})

enum { LARGEST = 1 << 20 }; /* of any size of a window: products of a few stay far from overflow */

/* ---- Sizes ---- */

/* How far the last tap of a window is from the first. */
static int64_t reach(const window *w, int axis)
{
    return (int64_t)(w->size[axis] - 1) * w->dilation[axis];
}

int64_t window_places(const window *w, int axis, int64_t n)
{
    int64_t room = n + 2 * (int64_t)w->padding[axis] - reach(w, axis) - 1;
    return room < 0 ? 0 : room / w->stride[axis] + 1;
}

conv_sizes conv_sizes_of(op_code op, const attributes *at, shape a, shape b, shape result)
{
    shape x = op == OP_conv_dx ? result : a, y = op == OP_conv ? result : op == OP_conv_dx ? a : b;
    shape w = op == OP_conv_dw ? result : b;
    conv_sizes s = {.batch = x.dim[0], .channels = x.dim[3], .results = y.dim[3], .group_c = w.dim[2], .at = at->window};
    for (int i = 0; i < 2; i++) s.in[i] = x.dim[1 + i], s.out[i] = y.dim[1 + i];
    s.groups = s.channels / s.group_c;
    s.group_f = s.results / s.groups;
    return s;
}

bool is_conv(const node *n)
{
    return n->op == OP_conv || n->op == OP_conv_dx || n->op == OP_conv_dw;
}

conv_sizes conv_sizes_of_node(const node *n)
{
    return conv_sizes_of(n->op, &n->at, n->in[0]->shape, n->in[1]->shape, n->shape);
}

double conv_flops(const conv_sizes *s)
{
    double places = (double)(s->batch * s->out[0] * s->out[1]), taps = (double)s->at.size[0] * s->at.size[1];
    return 2 * places * taps * (double)(s->group_c * s->results);
}

resize_tap resize_tap_of(resize_kind kind, int64_t i, int64_t n_old, int64_t n_new)
{
    if (kind == RESIZE_NEAREST) return (resize_tap){i * n_old / n_new, i * n_old / n_new, 0};
    double at = ((double)i + 0.5) * (double)n_old / (double)n_new - 0.5;
    if (at < 0) at = 0;
    int64_t first = (int64_t)at;
    return (resize_tap){first, first + 1 < n_old ? first + 1 : first, at - (double)first};
}

/* ---- Convolution ---- */

static bool is_image(const node *x)
{
    return x->shape.rank == 4 && x->type == F32;
}

static bool is_window(const window *w)
{
    for (int i = 0; i < 2; i++) {
        if (w->size[i] < 1 || w->size[i] > LARGEST || w->stride[i] < 1 || w->stride[i] > LARGEST) return false;
        if (w->padding[i] < 0 || w->padding[i] > LARGEST || w->dilation[i] < 1 || w->dilation[i] > LARGEST) return false;
    }
    return true;
}

/* The window of a convolution with w [KH,KW,C/groups,F]; false where a size is none. */
static bool conv_window(const node *w, const conv_geometry *a, window *out)
{
    for (int i = 0; i < 2; i++) {
        if (w->shape.dim[i] > LARGEST) return false;
        out->size[i] = (int32_t)w->shape.dim[i];
        out->stride[i] = a->stride[i] ? a->stride[i] : 1;
        out->padding[i] = a->padding[i];
        out->dilation[i] = a->dilation[i] ? a->dilation[i] : 1;
    }
    return is_window(out);
}

static node *wrong(const char *op, const node *x, const node *w, const char *why)
{
    return g_fail(x->g, "%s of %s with weights %s: %s", op, TEXT(x->shape), TEXT(w->shape), why);
}

/* Whether what both kinds of convolution ask for is so; else *mistake is what comes of it. */
static bool check_conv(const char *op, node *x, node *w, const conv_geometry *a, window *at, node **mistake)
{
    const char *why = NULL;
    *mistake = g_broken(x) ? x : w;
    if (g_broken(x) || g_broken(w)) return false;
    if (!is_image(x) || !is_image(w)) why = "an image [B,H,W,C] and weights [KH,KW,C/groups,F] are needed";
    else if (!conv_window(w, a, at)) why = "stride and dilation must be at least 1, padding at least 0";
    else if (a->groups < 0 || w->shape.dim[3] % (a->groups ? a->groups : 1))
        why = "the weights' last size is not a multiple of groups";
    if (why) *mistake = wrong(op, x, w, why);
    return !why;
}

node *g_conv(node *x, node *w, conv_geometry a)
{
    attributes at = {0};
    node *mistake;
    if (!check_conv("conv", x, w, &a, &at.window, &mistake)) return mistake;
    int64_t groups = a.groups ? a.groups : 1;
    if (w->shape.dim[2] * groups != x->shape.dim[3]) return wrong("conv", x, w, "the weights' third size must be C / groups");
    if (a.output_padding[0] || a.output_padding[1]) return wrong("conv", x, w, "output_padding is for conv_transpose");
    shape s = {.rank = 4, .dim = {x->shape.dim[0], 0, 0, w->shape.dim[3]}};
    for (int i = 0; i < 2; i++) {
        s.dim[1 + i] = window_places(&at.window, i, x->shape.dim[1 + i]);
        if (s.dim[1 + i] < 1) return wrong("conv", x, w, "the window is larger than the padded image");
    }
    return tape_add(x->g, OP_conv, F32, s, (node *[]){x, w}, 2, at);
}

node *g_conv_transpose(node *x, node *w, conv_geometry a)
{
    attributes at = {0};
    node *mistake;
    if (!check_conv("conv_transpose", x, w, &a, &at.window, &mistake)) return mistake;
    if (w->shape.dim[3] != x->shape.dim[3])
        return wrong("conv_transpose", x, w, "the weights' last size must be the image's channels");
    shape s = {.rank = 4, .dim = {x->shape.dim[0], 0, 0, w->shape.dim[2] * (a.groups ? a.groups : 1)}};
    for (int i = 0; i < 2; i++) {
        const window *o = &at.window;
        if (a.output_padding[i] < 0 || a.output_padding[i] >= o->stride[i])
            return wrong("conv_transpose", x, w, "output_padding must be at least 0 and less than stride");
        s.dim[1 + i] = (x->shape.dim[1 + i] - 1) * o->stride[i] - 2 * (int64_t)o->padding[i] + reach(o, i) + 1 +
                       a.output_padding[i];
        if (s.dim[1 + i] < 1) return wrong("conv_transpose", x, w, "nothing is left of the image: padding is too large");
    }
    return tape_add(x->g, OP_conv_dx, F32, s, (node *[]){x, w}, 2, at);
}

/* ---- Pooling ---- */

node *g_windows(node *x, window a, double outside)
{
    if (g_broken(x)) return x;
    for (int i = 0; i < 2; i++) {
        if (a.stride[i] == 0) a.stride[i] = a.size[i];
        if (a.dilation[i] == 0) a.dilation[i] = 1;
    }
    if (!is_image(x) || !is_window(&a))
        return g_fail(x->g, "windows of %s: an image [B,H,W,C] and positive sizes are needed", TEXT(x->shape));
    shape s = {.rank = 5, .dim = {x->shape.dim[0], 0, 0, x->shape.dim[3], (int64_t)a.size[0] * a.size[1]}};
    for (int i = 0; i < 2; i++) {
        s.dim[1 + i] = window_places(&a, i, x->shape.dim[1 + i]);
        if (s.dim[1 + i] < 1 || 2 * a.padding[i] > a.size[i])
            return g_fail(x->g, "windows of %s: %d places of size %d, padding %d; the padded image must hold one, and padding "
                          "be at most half the size", TEXT(x->shape), (int)s.dim[1 + i], a.size[i], a.padding[i]);
    }
    return tape_add(x->g, OP_windows, F32, s, &x, 1, (attributes){.value = outside, .window = a});
}

node *g_pool_average(node *x, window a)
{
    node *w = g_windows(x, a, 0);
    return g_broken(w) ? w : g_scale(g_sum_last(w), 1.0 / (double)shape_last(w->shape));
}

node *g_pool_max(node *x, window a)
{
    node *w = g_windows(x, a, -INFINITY);
    return g_broken(w) ? w : g_amax(w, 1u << 4);
}

/* ---- Resizing ---- */

static node *resize(node *x, resize_kind kind, int64_t h, int64_t w)
{
    if (g_broken(x)) return x;
    if (!is_image(x) || h < 1 || w < 1 || h > LARGEST || w > LARGEST)
        return g_fail(x->g, "resize of %s to %lld x %lld: an image [B,H,W,C] and positive sizes are needed", TEXT(x->shape),
                      (long long)h, (long long)w);
    if (x->shape.dim[1] == h && x->shape.dim[2] == w) return x;
    shape s = x->shape;
    s.dim[1] = h;
    s.dim[2] = w;
    return tape_add(x->g, OP_resize, F32, s, &x, 1, (attributes){.flag = (int32_t)kind});
}

node *g_resize_nearest(node *x, int64_t h, int64_t w)
{
    return resize(x, RESIZE_NEAREST, h, w);
}

node *g_resize_bilinear(node *x, int64_t h, int64_t w)
{
    return resize(x, RESIZE_BILINEAR, h, w);
}
