/* convolve.c - convolution and its adjoint as products of patches (patches.h) and weights, some places at a time:
 *
 *   conv     y = patches(x) w            conv_dx  patches(x) += y w'
 *
 * Weights [KH,KW,C/groups,F] are the product's right side as they lie. How a whole step is cut depends on shapes only. Where
 * oneDNN has a convolution (convolve_onednn.h) both go there, and conv to a few channels to convolve_few.h. Without oneDNN
 * weights are packed once for all products of a step, and so they are in bf16 (product_bf16.h), without the library. */
#include "convolve.h"
#include "convolve_few.h"
#include "fast.h"
#include "patches.h"
#include "product.h"
#include "product_bf16.h"
#include "../../base/integer.h"

#include <string.h>

enum {
    PACKED_PLACES = 512, /* of a step, below which laying its weights out for the library costs more than it gains */
    PACKED_CALLS = 4,    /* of a product, from which on its weights are packed ahead */
};

/* As many parts as have so many images each, but for the last, which may have fewer. */
static int image_parts(const node *n)
{
    conv_sizes s = conv_sizes_of_node(n);
    double parts = conv_flops(&s) / PART_FLOPS;
    int64_t most = least(s.batch, MAX_PARTS), wanted = parts < 1 ? 1 : parts > (double)most ? most : (int64_t)parts;
    return (int)ratio_up(s.batch, ratio_up(s.batch, wanted));
}

int cpu_conv_parts(const node *n)
{
    return image_parts(n);
}

int cpu_conv_dx_parts(const node *n)
{
    return image_parts(n);
}

static void pack_weights(const kernel_args *k)
{
    const library_convs *c = k->made;
    onednn_conv_pack(c->conv[0], k->in[1].data, k->shared);
}

static bool make_image_convs(const preparing *q, conv_sizes s, preparation *p)
{
    if (!library_convs_make(q, s, ratio_up(q->rows, q->parts), p)) return false;
    const library_convs *c = p->made;
    if (!c->conv[0]) return true;
    p->shared = conv_bytes((int64_t)(onednn_conv_packed(c->conv[0]) / 4));
    p->before = pack_weights;
    return true;
}

/* Whether the library is worth asking. */
static bool suits_library(op_code op, const conv_sizes *s)
{
    conv_sizes m;
    bool few = op == OP_conv ? s->results <= FEW_CHANNELS && conv_mirror(s, &m) : s->channels <= FEW_CHANNELS;
    return conv_places(s) >= PACKED_PLACES && !few;
}

/* The right side of the products [k,n]: w [taps C,F], or its transpose for conv_dx. */
typedef struct right_side {
    bool turned;
    int64_t n, k;
} right_side;

static right_side right_side_of(op_code op, const conv_sizes *s)
{
    int64_t columns = conv_taps(s) * s->channels;
    return op == OP_conv_dx ? (right_side){true, columns, s->results} : (right_side){false, s->results, columns};
}

static void pack_for_products(const kernel_args *k)
{
    conv_sizes s = conv_sizes_of_node(k->n);
    right_side r = right_side_of(k->n->op, &s);
    product_pack(product_level(k->library), r.turned, r.n, r.k, k->in[1].data, s.results, k->shared, k->part, k->n_parts);
}

static int layout_parts(const conv_sizes *s)
{
    enum { ENOUGH = 1 << 15, MOST = 8 };
    return (int)least(ratio_up(conv_weights(s), ENOUGH), MOST);
}

static void prepare_products(const preparing *q, const conv_sizes *s, int64_t images, preparation *p)
{
    int64_t columns = conv_taps(s) * s->group_c, places = images * s->out[0] * s->out[1];
    right_side r = right_side_of(q->n->op, s);
    if (s->groups != 1 || ratio_up(s->batch, images) * ratio_up(places, conv_most_places(places, columns)) < PACKED_CALLS) return;
    p->shared = conv_bytes(product_packed(product_level(q->library), r.n, r.k));
    p->before = pack_for_products;
    p->before_parts = layout_parts(s);
}

static void pack_bf16(const kernel_args *k)
{
    conv_sizes s = conv_sizes_of_node(k->n);
    right_side r = right_side_of(k->n->op, &s);
    bf16_pack(k->made, r.turned, r.n, r.k, k->in[1].data, s.results, k->shared, k->part, k->n_parts);
}

/* The room for a call's products comes first in the scratch. */
static void prepare_bf16(const preparing *q, conv_sizes s, preparation *p)
{
    int64_t columns = conv_taps(&s) * s.channels;
    right_side r = right_side_of(q->n->op, &s);
    s.batch = ratio_up(q->rows, q->parts);
    p->made = (void *)(uintptr_t)bf16_best();
    p->scratch = bf16_room(r.k) + conv_bytes(conv_most_places(conv_places(&s), columns) * columns);
    p->shared = bf16_packed(r.n, r.k);
    p->before = pack_bf16;
    p->before_parts = layout_parts(&s);
}

static bool prepare_images(const preparing *q, preparation *p)
{
    conv_sizes s = conv_sizes_of_node(q->n), m;
    if (conv_in_bf16(q->n)) {
        prepare_bf16(q, s, p);
        return true;
    }
    bool mirrored = conv_mirror(&s, &m);
    int64_t columns = conv_taps(&m) * m.group_c;
    if (q->n->op == OP_conv && few_suits(&s)) {
        p->scratch = conv_bytes(conv_weights(&s));
        return true;
    }
    m.batch = ratio_up(q->rows, q->parts);
    if (!mirrored && !product_onednn(q->library)) prepare_products(q, &s, m.batch, p);
    if (!patches_are_image(&m)) p->scratch = conv_bytes(conv_most_places(conv_places(&m), columns) * columns);
    if (mirrored) p->scratch += conv_bytes(conv_weights(&s));
    return !product_onednn(q->library) || !suits_library(q->n->op, &s) || make_image_convs(q, s, p);
}

bool cpu_conv_prepare(const preparing *q, preparation *p)
{
    return prepare_images(q, p);
}

bool cpu_conv_dx_prepare(const preparing *q, preparation *p)
{
    return prepare_images(q, p);
}

static bool by_library(const kernel_args *k, int64_t images, const float *x, const float *y)
{
    const onednn_conv *c = library_conv(k, images);
    return c && onednn_conv_run(c, k->worker, k->shared, x, y, k->scratch);
}

/* C = A B or A B', by packed weights if there are any. */
static void multiply(const kernel_args *k, bool tb, int64_t m, int64_t n, int64_t inner, const float *a, int64_t lda,
                     const float *b, int64_t ldb, float *c, int64_t ldc)
{
    if (conv_in_bf16(k->n))
        bf16_by_packed(k->made, false, m, n, inner, a, lda, k->shared, c, ldc, false, k->scratch);
    else if (k->shared && !product_onednn(k->library))
        product_by_packed(product_level(k->library), false, m, n, inner, a, lda, k->shared, c, ldc);
    else
        product(k->library, false, tb, m, n, inner, a, lda, b, ldb, c, ldc);
}

/* y from x by products of patches, for which there is room. */
static void conv_by_products(const kernel_args *k, const conv_sizes *s, const float *x, const float *w, float *y, float *room)
{
    int64_t columns = conv_taps(s) * s->group_c, end = conv_places(s), chunk = conv_chunk(end, columns);
    bool plain = patches_are_image(s);
    for (int64_t at = 0, n; at < end; at += n) {
        n = least(chunk, end - at);
        for (int64_t g = 0; g < s->groups; g++) {
            const float *rows = plain ? x + at * s->channels + g * s->group_c : room;
            if (!plain) patches_gather(s, (patches){at, n, 0, conv_taps(s), g * s->group_c}, x, room);
            multiply(k, false, n, s->group_f, columns, rows, plain ? s->channels : columns, w + g * s->group_f, s->results,
                     y + at * s->results + g * s->group_f, s->results);
        }
    }
}

static void conv_dx_by_products(const kernel_args *k, const conv_sizes *s, const float *y, const float *w, float *x,
                                float *room)
{
    int64_t columns = conv_taps(s) * s->group_c, end = conv_places(s), chunk = conv_chunk(end, columns);
    bool plain = patches_are_image(s);
    if (!plain) memset(x, 0, (size_t)(s->batch * s->in[0] * s->in[1] * s->channels) * sizeof *x);
    for (int64_t at = 0, n; at < end; at += n) {
        n = least(chunk, end - at);
        for (int64_t g = 0; g < s->groups; g++) {
            float *rows = plain ? x + at * s->channels + g * s->group_c : room;
            multiply(k, true, n, columns, s->group_f, y + at * s->results + g * s->group_f, s->results, w + g * s->group_f,
                     s->results, rows, plain ? s->channels : columns);
            if (!plain) patches_scatter(s, (patches){at, n, 0, conv_taps(s), g * s->group_c}, rows, x);
        }
    }
}

/* By products, with the mirror image where there is one: its weights lie ahead of the patches in the scratch. */
static void by_products(const kernel_args *k, bool backward, const conv_sizes *s, const float *from, float *to)
{
    conv_sizes m;
    const float *w = k->in[1].data;
    float *room = k->scratch;
    if (conv_in_bf16(k->n)) {
        m = *s;
        room += bf16_room(right_side_of(k->n->op, s).k) / sizeof *room;
    } else if (conv_mirror(s, &m)) {
        conv_turn_weights(s, w, room);
        w = room;
        room += conv_bytes(conv_weights(s)) / sizeof *room;
        backward = !backward;
    }
    if (backward) conv_dx_by_products(k, &m, from, w, to, room);
    else conv_by_products(k, &m, from, w, to, room);
}

void cpu_conv(const kernel_args *k)
{
    conv_sizes s = conv_sizes_of(OP_conv, &k->n->at, k->in[0].shape, k->in[1].shape, k->out.shape);
    int64_t first = conv_narrow(&s, k);
    const float *x = (const float *)k->in[0].data + first * s.in[0] * s.in[1] * s.channels;
    float *y = (float *)k->out.data + first * s.out[0] * s.out[1] * s.results;
    if (!conv_in_bf16(k->n) && few_suits(&s)) few_conv(product_level(k->library), &s, x, k->in[1].data, y, k->scratch);
    else if (!by_library(k, s.batch, x, y)) by_products(k, false, &s, x, y);
}

void cpu_conv_dx(const kernel_args *k)
{
    conv_sizes s = conv_sizes_of(OP_conv_dx, &k->n->at, k->in[0].shape, k->in[1].shape, k->out.shape);
    int64_t first = conv_narrow(&s, k);
    const float *y = (const float *)k->in[0].data + first * s.out[0] * s.out[1] * s.results;
    float *x = (float *)k->out.data + first * s.in[0] * s.in[1] * s.channels;
    if (!by_library(k, s.batch, x, y)) by_products(k, true, &s, y, x);
}
