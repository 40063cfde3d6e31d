/* convolve.c - convolution and its adjoints as products of patches (patches.h) and weights, some places at a time:
 *
 *   conv     y = patches(x) w            conv_dx  patches(x) += y w'            conv_dw  w = patches(x)' y
 *
 * Weights [KH,KW,C/groups,F] are the product's right side as they lie. How a whole step is cut depends on shapes only, and sums
 * over parts are taken in order. Where oneDNN has a convolution (convolve_onednn.h) conv and conv_dx go there, and gradients of
 * small weights; conv to a few channels, and its weights' gradient, go to convolve_few.h. Without oneDNN weights are packed once
 * for all products of a step, and so they are in bf16 (product_bf16.h), where the library is not asked. */
#include "convolve_few.h"
#include "convolve_onednn.h"
#include "fast.h"
#include "patches.h"
#include "product.h"
#include "product_bf16.h"

#include <string.h>

enum {
    PATCH_NUMBERS = 1 << 18, /* of a chunk of patches: 1 MB, half a second-level cache */
    LEAST_PLACES = 128,      /* of a chunk: weights are read once for each */
    MOST_PLACES = 1024,
    PACKED_PLACES = 512,     /* of a step, below which laying its weights out for the library costs more than it gains */
    PACKED_CALLS = 4,        /* of a product, from which on its weights are packed ahead */
    FEW_CHANNELS = 8,        /* of what is computed, for which products of patches are faster than the library */
    MAX_PARTS = 64,
    PART_FLOPS = 3000000,
    PART_ROWS = 32,          /* rows of w' a part of conv_dw has at least: fewer keep the processor's adders waiting */
    PART_COLUMNS = 64,
    SMALL_WEIGHTS = 1 << 17, /* weights whose gradient's parts are sums over images of their own */
    MAX_SUMS = 16,
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t ratio_up(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

static conv_sizes sizes_of_node(const node *n)
{
    return conv_sizes_of(n->op, &n->at, n->in[0]->shape, n->in[1]->shape, n->shape);
}

static bool is_bf16(const node *n)
{
    return n->at.flag & IN_BF16;
}

static int64_t taps_of(const conv_sizes *s)
{
    return (int64_t)s->at.size[0] * s->at.size[1];
}

static int64_t places_of(const conv_sizes *s)
{
    return s->batch * s->out[0] * s->out[1];
}

static int64_t weights_of(const conv_sizes *s)
{
    return taps_of(s) * s->group_c * s->results;
}

/* Places of a chunk at most when patches have so many columns. */
static int64_t most_places(int64_t places, int64_t columns)
{
    int64_t n = PATCH_NUMBERS / columns;
    n = n < LEAST_PLACES ? LEAST_PLACES : n > MOST_PLACES ? MOST_PLACES : n;
    return least(n, places);
}

/* Chunks are about equal. */
static int64_t chunk_of(int64_t places, int64_t columns)
{
    return ratio_up(places, ratio_up(places, most_places(places, columns)));
}

static size_t bytes_of(int64_t numbers)
{
    return (size_t)ratio_up(numbers, 16) * 64;
}

/* ---- The mirror image ----
 *
 * With stride 1, conv from C to F channels is conv_dx from C to F with the window turned round. So patches can be made of
 * whichever side has fewer channels: a picture of 3 channels, say, instead of 32 features. */

/* False where there is none, or nothing is gained: then m is s. */
static bool mirror(const conv_sizes *s, conv_sizes *m)
{
    int64_t reach[2];
    *m = *s;
    if (s->groups != 1 || s->results >= s->channels || weights_of(s) > SMALL_WEIGHTS) return false;
    for (int i = 0; i < 2; i++) {
        reach[i] = (int64_t)(s->at.size[i] - 1) * s->at.dilation[i];
        if (s->at.stride[i] != 1 || s->at.padding[i] > reach[i]) return false;
    }
    for (int i = 0; i < 2; i++) {
        m->at.padding[i] = (int32_t)(reach[i] - s->at.padding[i]);
        m->in[i] = s->out[i];
        m->out[i] = s->in[i];
    }
    m->channels = m->group_c = s->results;
    m->results = m->group_f = s->channels;
    return true;
}

/* to [taps,F,C] = the weights [taps,C,F] of s, taps in the opposite order. */
static void turn_weights(const conv_sizes *s, const float *w, float *to)
{
    for (int64_t t = taps_of(s); t-- > 0;)
        for (int64_t f = 0; f < s->results; f++)
            for (int64_t c = 0; c < s->group_c; c++) *to++ = w[(t * s->group_c + c) * s->results + f];
}

/* ---- conv and conv_dx: by images ---- */

/* As many parts as have so many images each, but for the last, which may have fewer. */
static int image_parts(const node *n)
{
    conv_sizes s = sizes_of_node(n);
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

/* The library's convolutions of as many images as a call has, and as the last call has where that is fewer. */
typedef struct made_convs {
    memory m;
    int64_t images[2];
    onednn_conv *conv[2]; /* NULL: by products */
} made_convs;

static void release_convs(void *made)
{
    made_convs *c = made;
    for (int i = 0; i < 2; i++) onednn_conv_close(c->conv[i]);
    mem_free(c->m, c);
}

static void pack_weights(const kernel_args *k)
{
    const made_convs *c = k->made;
    onednn_conv_pack(c->conv[0], k->in[1].data, k->shared);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* For calls of so many images, and of the rest. */
static bool make_convs(const preparing *q, conv_sizes s, int64_t images, preparation *p)
{
    made_convs *c = mem_new(q->m, 1, sizeof *c);
    if (!c) return false;
    *c = (made_convs){.m = q->m, .images = {images, s.batch % images}};
    p->made = c;
    p->release = release_convs;
    for (int i = 0; i < 2 && c->images[i] > 0; i++) {
        s.batch = c->images[i];
        c->conv[i] = onednn_conv_open(product_onednn(q->library), q->m, q->n->op, &s, q->workers, c->conv[0]);
        if (!c->conv[i]) break;
        p->scratch = larger(p->scratch, bytes_of((int64_t)(onednn_conv_scratch(c->conv[i]) / 4 + 1)));
    }
    return true;
}

static bool make_image_convs(const preparing *q, conv_sizes s, preparation *p)
{
    if (!make_convs(q, s, ratio_up(q->rows, q->parts), p)) return false;
    const made_convs *c = p->made;
    if (!c->conv[0]) return true;
    p->shared = bytes_of((int64_t)(onednn_conv_packed(c->conv[0]) / 4));
    p->before = pack_weights;
    return true;
}

/* Whether the library is worth asking. */
static bool suits_library(op_code op, const conv_sizes *s)
{
    conv_sizes m;
    bool few = op == OP_conv ? s->results <= FEW_CHANNELS && mirror(s, &m) : s->channels <= FEW_CHANNELS;
    return places_of(s) >= PACKED_PLACES && !few;
}

/* Packs the right side of the products: w [taps C,F], or its transpose for conv_dx. */
static void pack_for_products(const kernel_args *k)
{
    conv_sizes s = sizes_of_node(k->n);
    bool back = k->n->op == OP_conv_dx;
    int64_t columns = taps_of(&s) * s.channels;
    product_pack(product_level(k->library), back, back ? columns : s.results, back ? s.results : columns, k->in[1].data,
                 s.results, k->shared, k->part, k->n_parts);
}

static int layout_parts(const conv_sizes *s)
{
    enum { ENOUGH = 1 << 15, MOST = 8 };
    return (int)least(ratio_up(weights_of(s), ENOUGH), MOST);
}

static void prepare_products(const preparing *q, const conv_sizes *s, int64_t images, preparation *p)
{
    int64_t columns = taps_of(s) * s->group_c, places = images * s->out[0] * s->out[1];
    bool back = q->n->op == OP_conv_dx;
    if (s->groups != 1 || ratio_up(s->batch, images) * ratio_up(places, most_places(places, columns)) < PACKED_CALLS) return;
    p->shared = bytes_of(product_packed(product_level(q->library), back ? columns : s->results, back ? s->results : columns));
    p->before = pack_for_products;
    p->before_parts = layout_parts(s);
}

static void pack_bf16(const kernel_args *k)
{
    conv_sizes s = sizes_of_node(k->n);
    bool back = k->n->op == OP_conv_dx;
    int64_t columns = taps_of(&s) * s.channels;
    bf16_pack(k->made, back, back ? columns : s.results, back ? s.results : columns, k->in[1].data, s.results, k->shared, k->part,
              k->n_parts);
}

/* The room for a call's products comes first in the scratch. */
static size_t bf16_room_of(const node *n, const conv_sizes *s)
{
    return bf16_room(n->op == OP_conv_dx ? s->results : taps_of(s) * s->channels);
}

static void prepare_bf16(const preparing *q, conv_sizes s, preparation *p)
{
    int64_t columns = taps_of(&s) * s.channels;
    bool back = q->n->op == OP_conv_dx;
    s.batch = ratio_up(q->rows, q->parts);
    p->made = (void *)(uintptr_t)bf16_best();
    p->scratch = bf16_room_of(q->n, &s) + bytes_of(most_places(places_of(&s), columns) * columns);
    p->shared = bf16_packed(back ? columns : s.results, back ? s.results : columns);
    p->before = pack_bf16;
    p->before_parts = layout_parts(&s);
}

static bool prepare_images(const preparing *q, preparation *p)
{
    conv_sizes s = sizes_of_node(q->n), m;
    if (is_bf16(q->n)) {
        prepare_bf16(q, s, p);
        return true;
    }
    bool mirrored = mirror(&s, &m);
    int64_t columns = taps_of(&m) * m.group_c;
    if (q->n->op == OP_conv && few_suits(&s)) {
        p->scratch = bytes_of(weights_of(&s));
        return true;
    }
    m.batch = ratio_up(q->rows, q->parts);
    if (!mirrored && !product_onednn(q->library)) prepare_products(q, &s, m.batch, p);
    if (!patches_are_image(&m)) p->scratch = bytes_of(most_places(places_of(&m), columns) * columns);
    if (mirrored) p->scratch += bytes_of(weights_of(&s));
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

/* Narrows a call to the images of its part: how many, and the first. */
static int64_t narrow(conv_sizes *s, const kernel_args *k)
{
    int64_t each = ratio_up(s->batch, k->n_parts), first = k->part * each;
    s->batch = least(each, s->batch - first);
    return first;
}

/* NULL: by products. */
static const onednn_conv *library_conv(const kernel_args *k, int64_t images)
{
    const made_convs *c = k->made;
    for (int i = 0; c && i < 2; i++)
        if (c->images[i] == images) return c->conv[i];
    return NULL;
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
    if (is_bf16(k->n))
        bf16_by_packed(k->made, false, m, n, inner, a, lda, k->shared, c, ldc, false, k->scratch);
    else if (k->shared && !product_onednn(k->library))
        product_by_packed(product_level(k->library), false, m, n, inner, a, lda, k->shared, c, ldc);
    else
        product(k->library, false, tb, m, n, inner, a, lda, b, ldb, c, ldc);
}

/* y from x by products of patches, for which there is room. */
static void conv_by_products(const kernel_args *k, const conv_sizes *s, const float *x, const float *w, float *y, float *room)
{
    int64_t columns = taps_of(s) * s->group_c, end = places_of(s), chunk = chunk_of(end, columns);
    bool plain = patches_are_image(s);
    for (int64_t at = 0, n; at < end; at += n) {
        n = least(chunk, end - at);
        for (int64_t g = 0; g < s->groups; g++) {
            const float *rows = plain ? x + at * s->channels + g * s->group_c : room;
            if (!plain) patches_gather(s, (patches){at, n, 0, taps_of(s), g * s->group_c}, x, room);
            multiply(k, false, n, s->group_f, columns, rows, plain ? s->channels : columns, w + g * s->group_f, s->results,
                     y + at * s->results + g * s->group_f, s->results);
        }
    }
}

static void conv_dx_by_products(const kernel_args *k, const conv_sizes *s, const float *y, const float *w, float *x,
                                float *room)
{
    int64_t columns = taps_of(s) * s->group_c, end = places_of(s), chunk = chunk_of(end, columns);
    bool plain = patches_are_image(s);
    if (!plain) memset(x, 0, (size_t)(s->batch * s->in[0] * s->in[1] * s->channels) * sizeof *x);
    for (int64_t at = 0, n; at < end; at += n) {
        n = least(chunk, end - at);
        for (int64_t g = 0; g < s->groups; g++) {
            float *rows = plain ? x + at * s->channels + g * s->group_c : room;
            multiply(k, true, n, columns, s->group_f, y + at * s->results + g * s->group_f, s->results, w + g * s->group_f,
                     s->results, rows, plain ? s->channels : columns);
            if (!plain) patches_scatter(s, (patches){at, n, 0, taps_of(s), g * s->group_c}, rows, x);
        }
    }
}

/* By products, with the mirror image where there is one: its weights lie ahead of the patches in the scratch. */
static void by_products(const kernel_args *k, bool backward, const conv_sizes *s, const float *from, float *to)
{
    conv_sizes m;
    const float *w = k->in[1].data;
    float *room = k->scratch;
    if (is_bf16(k->n)) {
        m = *s;
        room += bf16_room_of(k->n, s) / sizeof *room;
    } else if (mirror(s, &m)) {
        turn_weights(s, w, room);
        w = room;
        room += bytes_of(weights_of(s)) / sizeof *room;
        backward = !backward;
    }
    if (backward) conv_dx_by_products(k, &m, from, w, to, room);
    else conv_by_products(k, &m, from, w, to, room);
}

void cpu_conv(const kernel_args *k)
{
    conv_sizes s = conv_sizes_of(OP_conv, &k->n->at, k->in[0].shape, k->in[1].shape, k->out.shape);
    int64_t first = narrow(&s, k);
    const float *x = (const float *)k->in[0].data + first * s.in[0] * s.in[1] * s.channels;
    float *y = (float *)k->out.data + first * s.out[0] * s.out[1] * s.results;
    if (!is_bf16(k->n) && few_suits(&s)) few_conv(product_level(k->library), &s, x, k->in[1].data, y, k->scratch);
    else if (is_bf16(k->n) || !by_library(k, s.batch, x, y)) by_products(k, false, &s, x, y);
}

void cpu_conv_dx(const kernel_args *k)
{
    conv_sizes s = conv_sizes_of(OP_conv_dx, &k->n->at, k->in[0].shape, k->in[1].shape, k->out.shape);
    int64_t first = narrow(&s, k);
    const float *y = (const float *)k->in[0].data + first * s.out[0] * s.out[1] * s.results;
    float *x = (float *)k->out.data + first * s.in[0] * s.in[1] * s.channels;
    if (is_bf16(k->n) || !by_library(k, s.batch, x, y)) by_products(k, true, &s, y, x);
}

/* ---- conv_dw ---- */

/* Small weights: every part sums over images of its own, and in the end the parts' sums are added in order. Large ones come
 * from small images that are cheap to read again: the weights themselves are cut, by taps and results of each group. */
typedef struct weight_cut {
    int64_t images;                             /* of a part; 0: the weights are cut */
    int64_t taps, n_taps, columns, n_columns;   /* taps and results of a block of weights, and how many such there are */
} weight_cut;

static weight_cut weight_cut_of(const conv_sizes *s)
{
    int64_t all = taps_of(s), taps = ratio_up(PART_ROWS, s->group_c);
    if (weights_of(s) <= SMALL_WEIGHTS) {
        int64_t parts = least(MAX_SUMS, 1 + (int64_t)(conv_flops(s) / PART_FLOPS));
        return (weight_cut){ratio_up(s->batch, parts), all, 1, s->group_f, 1};
    }
    double flops_of_tap = conv_flops(s) / (double)(all * s->groups);
    if ((double)taps * flops_of_tap < PART_FLOPS) taps = 1 + (int64_t)(PART_FLOPS / flops_of_tap);
    taps = least(taps, all);
    weight_cut c = {0, taps, ratio_up(all, taps), s->group_f, 1};
    int64_t wanted = ratio_up(16, c.n_taps * s->groups), bands = least(s->group_f / PART_COLUMNS, wanted);
    if (bands > 1) c.columns = ratio_up(ratio_up(s->group_f, bands), 16) * 16;
    c.n_columns = ratio_up(s->group_f, c.columns);
    return c;
}

static int64_t weight_blocks(const conv_sizes *s, const weight_cut *c)
{
    return s->groups * c->n_taps * c->n_columns;
}

int cpu_conv_dw_parts(const node *n)
{
    conv_sizes own = sizes_of_node(n), s;
    mirror(&own, &s);
    weight_cut c = weight_cut_of(&s);
    return (int)(c.images ? ratio_up(s.batch, c.images) : least(weight_blocks(&s, &c), MAX_PARTS));
}

/* The weights' gradient is the sum of the parts' in shared. */
static void add_parts(const kernel_args *k)
{
    int64_t n = shape_count(k->out.shape);
    float *sum = k->out.data;
    const float *part = k->shared;
    memcpy(sum, part, (size_t)n * sizeof *sum);
    for (int i = 1; i < k->n_parts; i++) {
        part += n;
        for (int64_t j = 0; j < n; j++) sum[j] += part[j];
    }
}

/* Bytes for what is computed aside of a block of weights: the sum of a chunk, or what a product in bf16 takes. */
static size_t aside_of(const node *n, const conv_sizes *s, int64_t rows, int64_t columns)
{
    int64_t chunk = most_places(places_of(s), rows);
    return is_bf16(n) ? bf16_packed(columns, chunk) + bf16_room(chunk) : bytes_of(rows * columns);
}

/* sum += left' y, over n places; or = where it is the first. */
static void add_bf16(const kernel_args *k, int64_t rows, int64_t columns, int64_t n, const float *left, int64_t left_row,
                     const float *y, float *sum, int64_t results, bool first, void *aside)
{
    char *room = (char *)aside + bf16_packed(columns, n);
    bf16_pack(k->made, false, columns, n, y, results, aside, 0, 1);
    bf16_by_packed(k->made, true, rows, columns, n, left, left_row, aside, sum, results, !first, room);
}

/* Whether the library is worth asking: where there is so little arithmetic that gathering patches takes longer. */
static bool weights_suit_library(const preparing *q, const conv_sizes *s, bool mirrored)
{
    enum { MOST = 1 << 14 };
    bool small = s->groups == 1 && weights_of(s) <= MOST;
    return small && !mirrored && !is_bf16(q->n) && s->results > FEW_CHANNELS && product_onednn(q->library);
}

/* The gradient as the library lays it out comes first in the scratch. */
static bool make_weight_convs(const preparing *q, conv_sizes s, int64_t images, preparation *p)
{
    if (!make_convs(q, s, images, p)) return false;
    const made_convs *c = p->made;
    if (c->conv[0]) p->scratch += bytes_of((int64_t)(onednn_conv_packed(c->conv[0]) / 4));
    return true;
}

bool cpu_conv_dw_prepare(const preparing *q, preparation *p)
{
    conv_sizes own = sizes_of_node(q->n), s;
    bool mirrored = mirror(&own, &s);
    weight_cut c = weight_cut_of(&s);
    int64_t rows = c.taps * s.group_c, images = q->in_blocks ? q->rows : ratio_up(s.batch, q->parts);
    if (c.images) s.batch = images;
    p->scratch = aside_of(q->n, &s, rows, c.columns) + bytes_of(most_places(places_of(&s), rows) * rows);
    if (is_bf16(q->n)) p->made = (void *)(uintptr_t)bf16_best();
    if (mirrored) p->scratch += bytes_of(weights_of(&s));
    if (c.images && q->parts > 1) {
        p->shared = bytes_of(weights_of(&s) * q->parts);
        p->after = add_parts;
    }
    return !weights_suit_library(q, &own, mirrored) || make_weight_convs(q, own, images, p);
}

static bool weights_by_library(const kernel_args *k, int64_t images, const float *x, const float *y, float *w)
{
    const onednn_conv *c = is_bf16(k->n) ? NULL : library_conv(k, images);
    char *packed = k->scratch;
    if (!c) return false;
    char *scratch = packed + bytes_of((int64_t)(onednn_conv_packed(c) / 4));
    if (!onednn_conv_run(c, k->worker, packed, x, y, scratch)) return false;
    onednn_conv_unpack(c, packed, w);
    return true;
}

/* The gradient of a block of w, at to in rows of s->results, from all places of s. */
static void weight_block(const kernel_args *k, const conv_sizes *s, const float *x, const float *y, patches p, int64_t columns,
                         float *to, float *room)
{
    int64_t rows = p.n_taps * s->group_c, places = places_of(s), chunk = chunk_of(places, rows);
    bool plain = patches_are_image(s);
    float *some = room, *gathered = some + aside_of(k->n, s, rows, columns) / sizeof *some;
    for (p.first = 0; p.first < places; p.first += p.n) {
        p.n = least(chunk, places - p.first);
        const float *left = plain ? x + p.first * s->channels + p.channel : gathered;
        if (!plain) patches_gather(s, p, x, gathered);
        bool first = p.first == 0;
        if (is_bf16(k->n)) {
            add_bf16(k, rows, columns, p.n, left, plain ? s->channels : rows, y + p.first * s->results, to, s->results, first,
                     some);
            continue;
        }
        product(k->library, true, false, rows, columns, p.n, left, plain ? s->channels : rows, y + p.first * s->results,
                s->results, first ? to : some, first ? s->results : columns);
        for (int64_t r = 0; !first && r < rows; r++)
            for (int64_t j = 0; j < columns; j++) to[r * s->results + j] += some[r * columns + j];
    }
}

/* Blocks [begin, end) of the gradient of w at to, from the images of s. */
static void weight_gradient(const kernel_args *k, const conv_sizes *s, const weight_cut *c, const float *x, const float *y,
                            int64_t begin, int64_t end, float *to, float *room)
{
    for (int64_t block = begin; block < end; block++) {
        int64_t band = block % c->n_columns, rest = block / c->n_columns, g = rest / c->n_taps, t = rest % c->n_taps * c->taps;
        int64_t j = band * c->columns, f = g * s->group_f + j;
        patches p = {.tap = t, .n_taps = least(c->taps, taps_of(s) - t), .channel = g * s->group_c};
        weight_block(k, s, x, y + f, p, least(c->columns, s->group_f - j), to + t * s->group_c * s->results + f, room);
    }
}

/* A mirrored gradient lies ahead of the patches in the scratch, and is turned back. */
void cpu_conv_dw(const kernel_args *k)
{
    conv_sizes own = conv_sizes_of(OP_conv_dw, &k->n->at, k->in[0].shape, k->in[1].shape, k->out.shape), s;
    bool mirrored = mirror(&own, &s);
    weight_cut c = weight_cut_of(&s);
    int64_t blocks = weight_blocks(&s, &c);
    const float *x = k->in[mirrored].data, *y = k->in[!mirrored].data;
    float *to = k->out.data, *room = k->scratch;
    if (c.images == 0) {
        weight_gradient(k, &s, &c, x, y, blocks * k->part / k->n_parts, blocks * (k->part + 1) / k->n_parts, to, room);
        return;
    }
    int64_t first = narrow(&s, k);
    if (k->shared) to = (float *)k->shared + k->part * weights_of(&s);
    x += first * s.in[0] * s.in[1] * s.channels;
    y += first * s.out[0] * s.out[1] * s.results;
    if (few_suits(&own)) {
        own.batch = s.batch;
        few_conv_dw(product_level(k->library), &own, mirrored ? y : x, mirrored ? x : y, to, room);
        return;
    }
    if (weights_by_library(k, s.batch, x, y, to)) return;
    if (mirrored) room += bytes_of(weights_of(&s)) / sizeof *room;
    weight_gradient(k, &s, &c, x, y, 0, blocks, mirrored ? k->scratch : to, room);
    if (mirrored) turn_weights(&s, k->scratch, to);
}
