/* patches.c - see patches.h. A patch is made of segments: the taps of one row of the window lie side by side in the image where
 * dilation and groups are 1, else every tap is a segment of its own. All places of a row of y are done for one segment before
 * the next, so that what they share is worked out once. */
#include "patches.h"

#include <string.h>

/* One segment of the window over a row of the image. */
typedef struct segment {
    int64_t taps, width; /* numbers: taps group_c */
    int64_t column;      /* where it begins in a patch */
    int64_t row;         /* of the image's numbers, its first; -1: outside the image */
    int64_t j;           /* pixel of the first tap at place 0 of the row */
} segment;

/* Places [j, j + n) of a row of y. */
typedef struct stretch {
    int64_t b, i, j, n;
} stretch;

static stretch stretch_at(const conv_sizes *s, int64_t place, int64_t end)
{
    stretch o = {place / s->out[1] / s->out[0], place / s->out[1] % s->out[0], place % s->out[1], 0};
    int64_t left = s->out[1] - o.j;
    o.n = left < end - place ? left : end - place;
    return o;
}

static segment segment_at(const conv_sizes *s, const patches *p, const stretch *o, int64_t tap)
{
    const window *w = &s->at;
    int64_t ki = tap / w->size[1], kj = tap % w->size[1], i = o->i * w->stride[0] - w->padding[0] + ki * w->dilation[0];
    int64_t left = w->size[1] - kj, rest = p->tap + p->n_taps - tap;
    segment g = {.taps = 1, .column = (tap - p->tap) * s->group_c, .row = -1};
    if (w->dilation[1] == 1 && s->groups == 1) g.taps = left < rest ? left : rest;
    g.width = g.taps * s->group_c;
    g.j = kj * w->dilation[1] - w->padding[1];
    if (i >= 0 && i < s->in[0]) g.row = (o->b * s->in[0] + i) * s->in[1] * s->channels + p->channel;
    return g;
}

/* Which of a segment's taps are in the image when the first is at pixel j: [*begin, *end). */
static bool taps_inside(const conv_sizes *s, const segment *g, int64_t j, int64_t *begin, int64_t *end)
{
    *begin = j < 0 ? -j : 0;
    *end = s->in[1] - j < g->taps ? s->in[1] - j : g->taps;
    return *begin < *end;
}

/* By fours, the last four again where they do not come out even. */
static inline void copy(const float *from, int64_t n, float *to)
{
    int64_t i = 0;
    for (; i + 4 <= n; i += 4) memcpy(to + i, from + i, 4 * sizeof *to);
    if (i == n) return;
    if (n >= 4) memcpy(to + n - 4, from + n - 4, 4 * sizeof *to);
    else
        for (; i < n; i++) to[i] = from[i];
}

static void gather_segment(const conv_sizes *s, const segment *g, const stretch *o, int64_t columns, const float *x, float *to)
{
    for (int64_t k = 0; k < o->n; k++, to += columns) {
        int64_t j = (o->j + k) * s->at.stride[1] + g->j, begin, end;
        int64_t at = g->row + j * s->channels;
        if (g->row >= 0 && j >= 0 && j + g->taps <= s->in[1]) {
            copy(x + at, g->width, to);
            continue;
        }
        memset(to, 0, (size_t)g->width * sizeof *to);
        if (g->row >= 0 && taps_inside(s, g, j, &begin, &end))
            copy(x + at + begin * s->group_c, (end - begin) * s->group_c, to + begin * s->group_c);
    }
}

static void scatter_segment(const conv_sizes *s, const segment *g, const stretch *o, int64_t columns, const float *from,
                            float *x)
{
    if (g->row < 0) return;
    for (int64_t k = 0; k < o->n; k++, from += columns) {
        int64_t j = (o->j + k) * s->at.stride[1] + g->j, begin, end;
        if (!taps_inside(s, g, j, &begin, &end)) continue;
        int64_t n = (end - begin) * s->group_c, skip = begin * s->group_c;
        float *to = x + g->row + j * s->channels + skip;
        for (int64_t i = 0; i < n; i++) to[i] += from[skip + i];
    }
}

void patches_gather(const conv_sizes *s, patches p, const float *x, float *to)
{
    int64_t columns = p.n_taps * s->group_c;
    for (int64_t at = 0; at < p.n;) {
        stretch o = stretch_at(s, p.first + at, p.first + p.n);
        segment g;
        for (int64_t t = p.tap; t < p.tap + p.n_taps; t += g.taps) {
            g = segment_at(s, &p, &o, t);
            gather_segment(s, &g, &o, columns, x, to + at * columns + g.column);
        }
        at += o.n;
    }
}

void patches_scatter(const conv_sizes *s, patches p, const float *from, float *x)
{
    int64_t columns = p.n_taps * s->group_c;
    for (int64_t at = 0; at < p.n;) {
        stretch o = stretch_at(s, p.first + at, p.first + p.n);
        segment g;
        for (int64_t t = p.tap; t < p.tap + p.n_taps; t += g.taps) {
            g = segment_at(s, &p, &o, t);
            scatter_segment(s, &g, &o, columns, from + at * columns + g.column, x);
        }
        at += o.n;
    }
}

bool patches_are_image(const conv_sizes *s)
{
    for (int i = 0; i < 2; i++)
        if (s->at.size[i] != 1 || s->at.stride[i] != 1 || s->at.padding[i] != 0) return false;
    return true;
}
