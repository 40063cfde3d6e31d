/* sum.c - unfused sums over neighbouring axes: [A,R,F] to [A,F].
 *
 * Idea: with F = 1 each row of R numbers is folded (ew_fold.c). Else rows are added to rows, in stretches of STRETCH
 * so that the error grows with STRETCH + R / STRETCH instead of R; where F is small, several rows lie side by side as
 * one.
 * Invariant: the order of additions depends on R and F only. */
#include "../ref/ref.h"
#include "ew_loops.h"
#include "fast.h"

#include <string.h>

enum { STRETCH = 256, COLUMNS = 1024, NARROW = 64, PART_WORK = 1 << 15, MAX_PARTS = 64 };

typedef struct sum_view {
    int64_t a, r, f;
} sum_view;

/* False where axes that stay lie between axes that go. */
static bool view(shape s, uint32_t axes, sum_view *v)
{
    *v = (sum_view){1, 1, 1};
    for (int i = 0; i < s.rank; i++) {
        if (s.dim[i] == 1) continue;
        bool goes = axes >> i & 1u;
        if (goes && v->f > 1) return false;
        if (goes) v->r *= s.dim[i];
        else if (v->r > 1) v->f *= s.dim[i];
        else v->a *= s.dim[i];
    }
    return true;
}

/* y [n] = the sums of n columns of x [rows,stride] */
static void sum_columns(const ew_level *level, int64_t rows, int64_t stride, int64_t n, const float *x, float *y)
{
    float some[COLUMNS];
    memset(y, 0, (size_t)n * sizeof *y);
    for (int64_t c = 0; c < n; c += COLUMNS) {
        size_t columns = (size_t)(n - c < COLUMNS ? n - c : COLUMNS);
        for (int64_t r = 0; r < rows; r += STRETCH) {
            memset(some, 0, columns * sizeof *some);
            size_t stretch = (size_t)(rows - r < STRETCH ? rows - r : STRETCH);
            level->add_rows(columns, stretch, (size_t)stride, some, x + r * stride + c);
            level->add_rows(columns, 1, columns, y + c, some);
        }
    }
}

/* The same for few columns: beside rows at a time count as one row. */
static void sum_narrow(const ew_level *level, int64_t rows, int64_t f, const float *x, float *y)
{
    int64_t beside = NARROW / f, whole = rows / beside;
    float wide[NARROW];
    sum_columns(level, whole, beside * f, beside * f, x, wide);
    sum_columns(level, rows - whole * beside, f, f, x + whole * beside * f, y);
    level->add_rows((size_t)f, (size_t)beside, (size_t)f, y, wide);
}

static int64_t units(sum_view v)
{
    return v.f < NARROW ? v.a : v.a * (v.f / EW_GROUP);
}

int cpu_sum_parts(const node *n)
{
    sum_view v;
    if (!view(n->in[0]->shape, n->at.axes, &v)) return 1;
    int64_t parts = v.a * v.r * v.f / PART_WORK;
    if (parts > units(v)) parts = units(v);
    return parts < 1 ? 1 : parts > MAX_PARTS ? MAX_PARTS : (int)parts;
}

/* Columns [begin, end) of the results of all of A, laid end to end */
static void sum_wide(const ew_level *level, sum_view v, int64_t begin, int64_t end, const float *x, float *y)
{
    for (int64_t at = begin, n; at < end; at += n) {
        int64_t a = at / v.f, column = at % v.f;
        n = v.f - column < end - at ? v.f - column : end - at;
        sum_columns(level, v.r, v.f, n, x + a * v.r * v.f + column, y + at);
    }
}

void cpu_sum(const kernel_args *k)
{
    sum_view v;
    bool plain = k->in->type == F32 && k->out.type == F32;
    if (!plain || !view(k->in->shape, k->n->at.axes, &v)) {
        if (k->part == 0) ref_sum(k);
        return;
    }
    const ew_level *level = ew_best();
    const float *x = k->in->data;
    float *y = k->out.data;
    int64_t begin = v.a * k->part / k->n_parts, end = v.a * (k->part + 1) / k->n_parts;
    if (v.f == 1) {
        ew_fold fold;
        ew_fold_begin(&fold, OP_sum, v.r);
        ew_fold_feed(&fold, level, (end - begin) * v.r, x + begin * v.r, y + begin);
    } else if (v.f < NARROW) {
        for (int64_t a = begin; a < end; a++) sum_narrow(level, v.r, v.f, x + a * v.r * v.f, y + a * v.f);
    } else {
        cpu_flat_range(k, &begin, &end);
        sum_wide(level, v, begin, end, x, y);
    }
}
