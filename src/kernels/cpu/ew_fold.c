/* ew_fold.c - sums and maxima of consecutive numbers, fed in pieces of any size.
 *
 * Number i of a period goes to lane i modulo EW_LANES, lanes take in numbers in the order of i, and at the end the
 * upper half of the lanes is folded onto the lower until one is left. So the order of additions depends on the period
 * only. The error grows with period / EW_LANES instead of period. */
#include "ew_loops.h"

#include <math.h>

/* A period shorter than the lanes uses the next power of two of them. */
static int64_t width(const ew_fold *f)
{
    int64_t w = 1;
    while (w < f->period && w < EW_LANES) w *= 2;
    return w;
}

static float fold(op_code op, float a, float b)
{
    if (op == OP_sum) return a + b;
    return b > a || b != b ? b : a;
}

static void clear(ew_fold *f)
{
    float first = f->op == OP_sum ? 0.0f : -INFINITY;
    f->done = 0;
    for (int64_t j = 0; j < f->width; j++) f->lanes[j] = first;
}

void ew_fold_begin(ew_fold *f, op_code op, int64_t period)
{
    f->op = op;
    f->period = period;
    f->width = width(f);
    clear(f);
}

static void take_one_by_one(ew_fold *f, int64_t n, const float *x)
{
    float *lanes = f->lanes + f->done % EW_LANES;
    if (f->op == OP_sum)
        for (int64_t i = 0; i < n; i++) lanes[i] += x[i];
    else
        for (int64_t i = 0; i < n; i++) lanes[i] = fold(f->op, lanes[i], x[i]);
    f->done += n;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* n numbers of the same period: up to the first lane, whole rounds over the lanes, and what is left. */
static void take(ew_fold *f, const ew_level *level, int64_t n, const float *x)
{
    int64_t head = smaller(n, (EW_LANES - f->done % EW_LANES) % EW_LANES);
    if (head) take_one_by_one(f, head, x);
    int64_t rounds = (n - head) / EW_LANES * EW_LANES;
    if (rounds) (f->op == OP_sum ? level->add_lanes : level->max_lanes)((size_t)rounds, f->lanes, x + head);
    f->done += rounds;
    if (head + rounds < n) take_one_by_one(f, n - head - rounds, x + head + rounds);
}

static float finish(ew_fold *f)
{
    for (int64_t w = f->width / 2; w >= 1; w /= 2)
        for (int64_t j = 0; j < w; j++) f->lanes[j] = fold(f->op, f->lanes[j], f->lanes[j + w]);
    float y = f->lanes[0];
    clear(f);
    return y;
}

int64_t ew_fold_feed(ew_fold *f, const ew_level *level, int64_t n, const float *x, float *y)
{
    int64_t results = 0;
    while (n > 0) {
        int64_t some = smaller(n, f->period - f->done);
        take(f, level, some, x);
        x += some;
        n -= some;
        if (f->done == f->period) y[results++] = finish(f);
    }
    return results;
}
