/* convolve_weights.c - the gradient of a convolution's weights, w = patches(x)' y, summed over all places. How a whole step is
 * cut depends on shapes only, and sums over parts are taken in order. That of small weights is made by oneDNN
 * (convolve_onednn.h), that of a convolution to few channels by convolve_few.h. */
#include "convolve.h"
#include "convolve_few.h"
#include "fast.h"
#include "patches.h"
#include "product.h"
#include "product_bf16.h"
#include "../../base/integer.h"

#include <string.h>

enum {
    PART_ROWS = 32, /* rows of w' a part has at least: fewer keep the processor's adders waiting */
    PART_COLUMNS = 64,
    MAX_SUMS = 16,
};

/* Small weights: every part sums over images of its own, and in the end the parts' sums are added in order. Large ones come
 * from small images that are cheap to read again: the weights themselves are cut, by taps and results of each group. */
typedef struct weight_cut {
    int64_t images;                             /* of a part; 0: the weights are cut */
    int64_t taps, n_taps, columns, n_columns;   /* taps and results of a block of weights, and how many such there are */
} weight_cut;

static weight_cut weight_cut_of(const conv_sizes *s)
{
    int64_t all = conv_taps(s), taps = ratio_up(PART_ROWS, s->group_c);
    if (conv_weights(s) <= SMALL_WEIGHTS) {
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
    conv_sizes own = conv_sizes_of_node(n), s;
    conv_mirror(&own, &s);
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
    int64_t chunk = conv_most_places(conv_places(s), rows);
    return conv_in_bf16(n) ? bf16_packed(columns, chunk) + bf16_room(chunk) : conv_bytes(rows * columns);
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
    bool small = s->groups == 1 && conv_weights(s) <= MOST;
    return small && !mirrored && !conv_in_bf16(q->n) && s->results > FEW_CHANNELS && product_onednn(q->library);
}

/* The gradient as the library lays it out comes first in the scratch. */
static bool make_weight_convs(const preparing *q, conv_sizes s, int64_t images, preparation *p)
{
    if (!library_convs_make(q, s, images, p)) return false;
    const library_convs *c = p->made;
    if (c->conv[0]) p->scratch += conv_bytes((int64_t)(onednn_conv_packed(c->conv[0]) / 4));
    return true;
}

bool cpu_conv_dw_prepare(const preparing *q, preparation *p)
{
    conv_sizes own = conv_sizes_of_node(q->n), s;
    bool mirrored = conv_mirror(&own, &s);
    weight_cut c = weight_cut_of(&s);
    int64_t rows = c.taps * s.group_c, images = q->in_blocks ? q->rows : ratio_up(s.batch, q->parts);
    if (c.images) s.batch = images;
    p->scratch = aside_of(q->n, &s, rows, c.columns) + conv_bytes(conv_most_places(conv_places(&s), rows) * rows);
    if (conv_in_bf16(q->n)) p->made = (void *)(uintptr_t)bf16_best();
    if (mirrored) p->scratch += conv_bytes(conv_weights(&s));
    if (c.images && q->parts > 1) {
        p->shared = conv_bytes(conv_weights(&s) * q->parts);
        p->after = add_parts;
    }
    return !weights_suit_library(q, &own, mirrored) || make_weight_convs(q, own, images, p);
}

static bool weights_by_library(const kernel_args *k, int64_t images, const float *x, const float *y, float *w)
{
    const onednn_conv *c = library_conv(k, images);
    char *packed = k->scratch;
    if (!c) return false;
    char *scratch = packed + conv_bytes((int64_t)(onednn_conv_packed(c) / 4));
    if (!onednn_conv_run(c, k->worker, packed, x, y, scratch)) return false;
    onednn_conv_unpack(c, packed, w);
    return true;
}

/* The gradient of a block of w, at to in rows of s->results, from all places of s. */
static void weight_block(const kernel_args *k, const conv_sizes *s, const float *x, const float *y, patches p, int64_t columns,
                         float *to, float *room)
{
    int64_t rows = p.n_taps * s->group_c, places = conv_places(s), chunk = conv_chunk(places, rows);
    bool plain = patches_are_image(s);
    float *some = room, *gathered = some + aside_of(k->n, s, rows, columns) / sizeof *some;
    for (p.first = 0; p.first < places; p.first += p.n) {
        p.n = least(chunk, places - p.first);
        const float *left = plain ? x + p.first * s->channels + p.channel : gathered;
        if (!plain) patches_gather(s, p, x, gathered);
        bool first = p.first == 0;
        if (conv_in_bf16(k->n)) {
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
        patches p = {.tap = t, .n_taps = least(c->taps, conv_taps(s) - t), .channel = g * s->group_c};
        weight_block(k, s, x, y + f, p, least(c->columns, s->group_f - j), to + t * s->group_c * s->results + f, room);
    }
}

/* A mirrored gradient lies ahead of the patches in the scratch, and is turned back. */
void cpu_conv_dw(const kernel_args *k)
{
    conv_sizes own = conv_sizes_of(OP_conv_dw, &k->n->at, k->in[0].shape, k->in[1].shape, k->out.shape), s;
    bool mirrored = conv_mirror(&own, &s);
    weight_cut c = weight_cut_of(&s);
    int64_t blocks = weight_blocks(&s, &c);
    const float *x = k->in[mirrored].data, *y = k->in[!mirrored].data;
    float *to = k->out.data, *room = k->scratch;
    if (c.images == 0) {
        weight_gradient(k, &s, &c, x, y, blocks * k->part / k->n_parts, blocks * (k->part + 1) / k->n_parts, to, room);
        return;
    }
    int64_t first = conv_narrow(&s, k);
    if (k->shared) to = (float *)k->shared + k->part * conv_weights(&s);
    x += first * s.in[0] * s.in[1] * s.channels;
    y += first * s.out[0] * s.out[1] * s.results;
    if (few_suits(&own)) {
        own.batch = s.batch;
        few_conv_dw(product_level(k->library), &own, mirrored ? y : x, mirrored ? x : y, to, room);
        return;
    }
    if (weights_by_library(k, s.batch, x, y, to)) return;
    if (mirrored) room += conv_bytes(conv_weights(&s)) / sizeof *room;
    weight_gradient(k, &s, &c, x, y, 0, blocks, mirrored ? k->scratch : to, room);
    if (mirrored) conv_turn_weights(&s, k->scratch, to);
}
