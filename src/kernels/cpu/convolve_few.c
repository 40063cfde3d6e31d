/* convolve_few.c - see convolve_few.h
 *
 * Idea: a row of the window sees numbers that lie side by side in x, all channels of neighbouring pixels. So a number of y is a
 * sum along memory, a run for each row of the window, and nothing is gathered. A product of patches would have rows as short as y
 * has channels, and most of a vector empty.
 * Likewise a tap's gradient: along a row of y the numbers of a result, times the channels that the tap sees, are a tile of a
 * product that reads both where they lie.
 * Invariant: a number's bits do not depend on the place it is computed at. */
#include "convolve_few.h"
#include "product_tiles.h"

#include <string.h>

bool few_suits(const conv_sizes *s)
{
    return s->groups == 1 && s->results <= MOST_DOTS && s->channels % DOTS_STEP == 0 && s->at.dilation[1] == 1;
}

/* to [F,KH,KW,C] = w [KH,KW,C,F] */
static void turn(const conv_sizes *s, const float *w, float *to)
{
    int64_t n = s->at.size[0] * s->at.size[1] * s->channels;
    for (int64_t f = 0; f < s->results; f++)
        for (int64_t i = 0; i < n; i++) *to++ = w[i * s->results + f];
}

/* Numbers [begin, end) of those below n that lie inside an axis of the image, from first on by a step. */
typedef struct inside {
    int64_t begin, end;
} inside;

static inside inside_of(int64_t first, int64_t step, int64_t n, int64_t size)
{
    inside t = {0, n};
    while (t.begin < t.end && first + t.begin * step < 0) t.begin++;
    while (t.end > t.begin && first + (t.end - 1) * step >= size) t.end--;
    return t;
}

/* The taps that a place on an axis sees. */
static inside taps_of_place(const conv_sizes *s, int axis, int64_t place)
{
    const window *at = &s->at;
    return inside_of(place * at->stride[axis] - at->padding[axis], at->dilation[axis], at->size[axis], s->in[axis]);
}

/* Places [first, first + n) of a row of y, which see the same taps. */
/* NOLINTNEXTLINE(readability-non-const-parameter): y is written, by way of the arguments */
static void stretch(const product_tiles *tiles, const conv_sizes *s, const float *x, const float *w, float *y, int64_t row,
                    inside rows, int64_t first, int64_t n)
{
    const window *at = &s->at;
    inside columns = taps_of_place(s, 1, first);
    int64_t c = s->channels, line = s->in[1] * c, width = at->size[1] * c;
    dots_args t = {.m = n, .runs = rows.end - rows.begin, .k = (columns.end - columns.begin) * c, .p = x, .q = w,
                   .pr = at->stride[1] * c, .p_run = at->dilation[0] * line, .qr = at->size[0] * width, .q_run = width,
                   .c = y + first * s->results, .cr = s->results};
    if (t.runs > 0 && t.k > 0) { /* else a sum of nothing */
        t.p += (row * at->stride[0] - at->padding[0] + rows.begin * at->dilation[0]) * line +
               (first * at->stride[1] - at->padding[1] + columns.begin) * c;
        t.q += rows.begin * width + columns.begin * c;
    }
    tiles->dots[s->results - 1](&t);
}

static bool is_whole(const conv_sizes *s, int64_t column)
{
    inside t = taps_of_place(s, 1, column);
    return t.begin == 0 && t.end == s->at.size[1];
}

void few_conv(cpu_level level, const conv_sizes *s, const float *x, const float *w, float *y, float *turned)
{
    const product_tiles *tiles = product_tiles_of(level);
    int64_t begin = 0, end = s->out[1]; /* of the columns that see the whole window */
    while (begin < end && !is_whole(s, begin)) begin++;
    while (end > begin && !is_whole(s, end - 1)) end--;
    turn(s, w, turned);
    for (int64_t i = 0; i < s->batch * s->out[0]; i++, y += s->out[1] * s->results) {
        const float *image = x + i / s->out[0] * s->in[0] * s->in[1] * s->channels;
        int64_t row = i % s->out[0];
        inside rows = taps_of_place(s, 0, row);
        for (int64_t j = 0; j < begin; j++) stretch(tiles, s, image, turned, y, row, rows, j, 1);
        if (begin < end) stretch(tiles, s, image, turned, y, row, rows, begin, end - begin);
        for (int64_t j = end; j < s->out[1]; j++) stretch(tiles, s, image, turned, y, row, rows, j, 1);
    }
}

/* ---- The gradient of the weights ---- */

/* The places of a row of y that see a column of taps. */
static inside places_of_tap(const conv_sizes *s, int64_t tap)
{
    const window *at = &s->at;
    return inside_of(tap * at->dilation[1] - at->padding[1], at->stride[1], s->out[1], s->in[1]);
}

/* sum [F,C] += the gradient of a tap from a row of y, of which it sees n places, and what it sees, beginning at x. */
/* NOLINTNEXTLINE(readability-non-const-parameter): sum is written, by way of the arguments */
static void add_row(const product_tiles *tiles, const conv_sizes *s, int64_t n, const float *x, const float *y, float *sum)
{
    enum { VECTORS = 3 };
    int64_t left = s->channels / tiles->width;
    tile_args t = {.k = n, .p = y, .pr = 1, .pk = s->results, .q = x, .qk = s->at.stride[1] * s->channels, .c = sum,
                   .cr = s->channels, .add = true};
    while (left > 0) {
        int64_t vectors = left < VECTORS ? left : VECTORS;
        tiles->tile[s->results - 1][vectors - 1](&t);
        t.q += vectors * tiles->width;
        t.c += vectors * tiles->width;
        left -= vectors;
    }
}

/* w [KH,KW,C,F] = from [KH,KW,F,C] */
static void turn_back(const conv_sizes *s, const float *from, float *w)
{
    for (int64_t tap = s->at.size[0] * s->at.size[1]; tap > 0; tap--, from += s->results * s->channels)
        for (int64_t c = 0; c < s->channels; c++)
            for (int64_t f = 0; f < s->results; f++) *w++ = from[f * s->channels + c];
}

/* sum [KH,KW,F,C] += what row number row of y, at y, gives. */
static void add_taps(const product_tiles *tiles, const conv_sizes *s, const float *image, const float *y, int64_t row, float *sum)
{
    const window *at = &s->at;
    inside rows = taps_of_place(s, 0, row);
    for (int64_t kj = 0; kj < at->size[1]; kj++) {
        inside places = places_of_tap(s, kj);
        int64_t n = places.end - places.begin, j = places.begin * at->stride[1] - at->padding[1] + kj * at->dilation[1];
        for (int64_t ki = rows.begin; n > 0 && ki < rows.end; ki++) {
            int64_t i = row * at->stride[0] - at->padding[0] + ki * at->dilation[0];
            add_row(tiles, s, n, image + (i * s->in[1] + j) * s->channels, y + places.begin * s->results,
                    sum + (ki * at->size[1] + kj) * s->results * s->channels);
        }
    }
}

void few_conv_dw(cpu_level level, const conv_sizes *s, const float *x, const float *y, float *w, float *turned)
{
    const product_tiles *tiles = product_tiles_of(level);
    memset(turned, 0, (size_t)(s->at.size[0] * s->at.size[1] * s->results * s->channels) * sizeof *turned);
    for (int64_t i = 0; i < s->batch * s->out[0]; i++, y += s->out[1] * s->results)
        add_taps(tiles, s, x + i / s->out[0] * s->in[0] * s->in[1] * s->channels, y, i % s->out[0], turned);
    turn_back(s, turned, w);
}
