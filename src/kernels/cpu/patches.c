/* patches.c - see patches.h. A patch is made of segments: the taps of one row of the window lie side by side in the image where
 * dilation and groups are 1, else every tap is a segment of its own. All places of a row of y are done for one segment before
 * the next, so that what they share is worked out once. */
#include "patches.h"
#include "../../base/cpu.h"

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

/* A stretch's places [*begin, *end) whose segment is whole, inside the image. */
static void whole_places(const conv_sizes *s, const segment *g, const stretch *o, int64_t *begin, int64_t *end)
{
    int64_t step = s->at.stride[1], first = o->j * step + g->j, last = s->in[1] - g->taps;
    *begin = first < 0 ? (-first + step - 1) / step : 0;
    *end = last < first ? 0 : (last - first) / step + 1;
    if (g->row < 0 || *end < *begin) *end = *begin;
    if (*begin > o->n) *begin = o->n;
    if (*end > o->n) *end = o->n;
}

/* By so many, the last of them again where they do not come out even. */
#define COPY_BY(n, by)                                                                                                 \
    for (; i + (by) <= (n); i += (by)) memcpy(to + i, from + i, (by) * sizeof *to);                                    \
    if (i < (n) && (n) >= (by)) memcpy(to + (n) - (by), from + (n) - (by), (by) * sizeof *to), i = (n);

/* n lines of so many numbers. */
CLONES static void copy_lines(int64_t n, int64_t width, const float *from, int64_t from_step, float *to, int64_t to_step)
{
    for (int64_t k = 0; k < n; k++, from += from_step, to += to_step) {
        int64_t i = 0;
        COPY_BY(width, 16)
        COPY_BY(width, 4)
        for (; i < width; i++) to[i] = from[i];
    }
}

CLONES static void add_lines(int64_t n, int64_t width, const float *from, int64_t from_step, float *to, int64_t to_step)
{
    for (int64_t k = 0; k < n; k++, from += from_step, to += to_step)
        for (int64_t i = 0; i < width; i++) to[i] += from[i];
}

/* A segment at the image's edge or outside: zeros, and what there is. */
static void gather_edge(const conv_sizes *s, const segment *g, int64_t j, const float *x, float *to)
{
    int64_t begin, end;
    memset(to, 0, (size_t)g->width * sizeof *to);
    if (g->row >= 0 && taps_inside(s, g, j, &begin, &end))
        memcpy(to + begin * s->group_c, x + g->row + j * s->channels + begin * s->group_c,
               (size_t)((end - begin) * s->group_c) * sizeof *to);
}

static void gather_segment(const conv_sizes *s, const segment *g, const stretch *o, int64_t columns, const float *x, float *to)
{
    int64_t step = s->at.stride[1], j = o->j * step + g->j, begin, end;
    whole_places(s, g, o, &begin, &end);
    for (int64_t k = 0; k < begin; k++) gather_edge(s, g, j + k * step, x, to + k * columns);
    copy_lines(end - begin, g->width, x + g->row + (j + begin * step) * s->channels, step * s->channels,
               to + begin * columns, columns);
    for (int64_t k = end; k < o->n; k++) gather_edge(s, g, j + k * step, x, to + k * columns);
}

static void scatter_edge(const conv_sizes *s, const segment *g, int64_t j, const float *from, float *x)
{
    int64_t begin, end;
    if (!taps_inside(s, g, j, &begin, &end)) return;
    add_lines(1, (end - begin) * s->group_c, from + begin * s->group_c, 0,
              x + g->row + j * s->channels + begin * s->group_c, 0);
}

static void scatter_segment(const conv_sizes *s, const segment *g, const stretch *o, int64_t columns, const float *from,
                            float *x)
{
    if (g->row < 0) return;
    int64_t step = s->at.stride[1], j = o->j * step + g->j, begin, end;
    whole_places(s, g, o, &begin, &end);
    for (int64_t k = 0; k < begin; k++) scatter_edge(s, g, j + k * step, from + k * columns, x);
    add_lines(end - begin, g->width, from + begin * columns, columns,
              x + g->row + (j + begin * step) * s->channels, step * s->channels);
    for (int64_t k = end; k < o->n; k++) scatter_edge(s, g, j + k * step, from + k * columns, x);
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
