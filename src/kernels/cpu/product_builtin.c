/* product_builtin.c - the matrix product without a library.
 *
 * C = P Q is computed in panels of Q's columns, as wide as a tile (three vectors), and along a panel in tiles of a few
 * rows (product_tile.inc). A piece of a panel that stays in the first cache is copied to the stack, where every tile
 * of rows reads it in order, padded to whole vectors, and turned if Q's columns lie in memory. P is read in place
 * whatever its strides are, because a tile takes one number of it at a time. Transposing is a choice of strides; and
 * as C' = Q' P', a product can be computed in two ways, of which the cheaper is taken: turning a small P beats turning
 * a large Q. Where many products share Q, all of it may be packed ahead of them.
 *
 * Goto and van de Geijn 2008, "Anatomy of high-performance matrix multiplication", without the packing of P. */
#include "product.h"
#include "product_tiles.h"
#include "transpose.h"
#include "../../base/integer.h"

#include <string.h>

enum {
    VECTORS = 3,                        /* of a tile */
    WIDE_VECTORS = 6,                   /* of a tile of one or two rows */
    MAX_ROWS = 8,                       /* of any processor's tiles */
    MAX_COLUMNS = WIDE_VECTORS * 16,    /* likewise */
    PANEL = 9216,                       /* numbers of a packed piece: 36 KB */
    LEFT = 1 << 17,                     /* numbers of P that meet every panel of Q before the next come: 512 KB */
};

typedef struct task {
    const product_tiles *tiles;
    int64_t m, n, k;
    const float *p; /* P[i][l] at i pr + l pk */
    int64_t pr, pk;
    const float *q; /* Q[l][j] at l qk + j qc, one of the strides 1 */
    int64_t qk, qc;
    float *c; /* C[i][j] at i cr + j cc, one of the strides 1 */
    int64_t cr, cc;
    const float *packed; /* all panels of Q, one after another; NULL: they are packed as they come */
} task;

/* Rows i ..+ m and columns j ..+ n of C, from l ..+ k of the inner size. n fits into so many vectors. */
typedef struct block {
    int64_t i, m, j, n, l, k;
    int vectors;
} block;

/* C' = Q' P' */
static task turned(const task *t)
{
    return (task){t->tiles, t->n, t->m, t->k, t->q, t->qc, t->qk, t->p, t->pk, t->pr, t->c, t->cc, t->cr, NULL};
}

/* Time in vector multiply-adds, about. */
static double cost(const task *t)
{
    double m = (double)t->m, n = (double)t->n, k = (double)t->k;
    double vectors = (double)ratio_up(t->n, t->tiles->width);
    return m * vectors * k + (t->qc != 1 ? 2 * n * k : 0) + (t->cc != 1 ? 2 * m * n : 0);
}

/* ---- A tile ---- */

/* to[i][j] = from[i][j] for i < m, j < n, where the numbers of a row lie apart on one side. */
static void copy_tile(int64_t m, int64_t n, const float *from, int64_t fr, int64_t fc, float *to, int64_t tr,
                      int64_t tc)
{
    if (fc != 1) {
        transpose(n, m, from, fc, to, tr);
    } else if (tc != 1) {
        transpose(m, n, from, fr, to, tc);
    } else {
        for (int64_t i = 0; i < m; i++) memcpy(to + i * tr, from + i * fr, (size_t)n * sizeof *to);
    }
}

/* A tile whose place in C is not rows of whole vectors is computed aside. */
static void tile_aside(tile_fn fn, tile_args *a, const task *t, int64_t rows, int64_t n, int64_t columns)
{
    float aside[MAX_ROWS * MAX_COLUMNS], *c = a->c;
    a->c = aside;
    a->cr = columns;
    if (a->add) copy_tile(rows, n, c, t->cr, t->cc, aside, columns, 1);
    fn(a);
    copy_tile(rows, n, aside, columns, 1, c, t->cr, t->cc);
}

/* A block of C (+)= P Q, Q's piece at q with rows qk apart. */
static void multiply(const task *t, const block *b, const float *q, int64_t qk)
{
    int64_t columns = b->vectors * t->tiles->width;
    bool whole = b->n == columns && t->cc == 1;
    for (int64_t i = b->i; i < b->i + b->m; i += t->tiles->rows) {
        int64_t rows = least(t->tiles->rows, b->i + b->m - i);
        bool wide = b->vectors == WIDE_VECTORS;
        tile_fn fn = wide ? t->tiles->wide[rows - 1] : t->tiles->tile[rows - 1][b->vectors - 1];
        const float *p = t->p + i * t->pr + b->l * t->pk;
        float *c = t->c + i * t->cr + b->j * t->cc;
        tile_args a = {b->k, p, t->pr, t->pk, q, qk, c, t->cr, b->l > 0};
        if (whole) fn(&a);
        else tile_aside(fn, &a, t, rows, b->n, columns);
    }
}

/* ---- A panel ---- */

/* Copies a piece of Q into rows of whole vectors. What fills up the last vector counts only in columns of a tile that
 * are thrown away: where rows are copied it is what follows in memory, which is the matrix still except after the last
 * rows. */
static void pack(const task *t, const block *b, float *to)
{
    const float *q = t->q + b->l * t->qk + b->j * t->qc;
    int64_t columns = b->vectors * t->tiles->width;
    if (t->qc != 1) {
        transpose(b->n, b->k, q, t->qc, to, columns);
        return;
    }
    int64_t safe = b->k - least(b->k, ratio_up(columns - b->n, t->qk));
    t->tiles->copy(safe, b->vectors, q, t->qk, to);
    for (int64_t l = safe; l < b->k; l++) memcpy(to + l * columns, q + l * t->qk, (size_t)b->n * sizeof *q);
}

/* A piece that serves one tile of rows only is read in place if it can be. */
static void panel(const task *t, block b)
{
    _Alignas(64) float packed[PANEL];
    int64_t columns = b.vectors * t->tiles->width;
    if (!t->packed && b.m <= t->tiles->rows && b.n == columns && t->qc == 1) {
        b.k = t->k;
        multiply(t, &b, t->q + b.j, t->qk);
        return;
    }
    int64_t step = ratio_up(t->k, ratio_up(t->k, PANEL / columns));
    for (; b.l < t->k; b.l += step) {
        b.k = least(step, t->k - b.l);
        if (!t->packed) pack(t, &b, packed);
        multiply(t, &b, t->packed ? t->packed + b.j * t->k + b.l * columns : packed, columns);
    }
}

/* How many vectors the next panel has when so many are left: the last panels share them evenly. */
static int panel_vectors(const task *t, int64_t left)
{
    if (t->m <= 2 && left >= WIDE_VECTORS && !t->packed) return WIDE_VECTORS;
    return (int)ratio_up(left, ratio_up(left, VECTORS));
}

/* Makes b the panel that begins at its column j. */
static void set_panel(const task *t, block *b)
{
    int64_t width = t->tiles->width;
    b->vectors = panel_vectors(t, ratio_up(t->n - b->j, width));
    b->n = least(b->vectors * width, t->n - b->j);
}

static void run(const task *t)
{
    int64_t rows = LEFT / t->k / MAX_ROWS * MAX_ROWS;
    if (rows < 64) rows = 64;
    for (block b = {0}; b.i < t->m; b.i += rows) {
        b.m = least(rows, t->m - b.i);
        for (b.j = 0; b.j < t->n; b.j += b.n) {
            set_panel(t, &b);
            panel(t, b);
        }
    }
}

void product_builtin(cpu_level level, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                     /* NOLINTNEXTLINE(readability-non-const-parameter): c is written, by way of the task */
                     const float *b, int64_t ldb, float *c, int64_t ldc)
{
    task t = {.tiles = product_tiles_of(level), .m = m, .n = n, .k = k, .p = a, .q = b, .c = c, .cr = ldc, .cc = 1};
    t.pr = ta ? 1 : lda, t.pk = ta ? lda : 1;
    t.qk = tb ? 1 : ldb, t.qc = tb ? ldb : 1;
    task u = turned(&t);
    run(cost(&u) < cost(&t) ? &u : &t);
}

/* ---- A right operand packed ahead ---- */

int64_t product_packed(cpu_level level, int64_t n, int64_t k)
{
    int width = product_tiles_of(level)->width;
    return ratio_up(n, width) * width * k;
}

void product_pack(cpu_level level, bool tb, int64_t n, int64_t k, const float *b, int64_t ldb, float *packed, int part,
                  int parts)
{
    task t = {.tiles = product_tiles_of(level), .n = n, .k = k, .q = b, .packed = packed};
    t.qk = tb ? 1 : ldb, t.qc = tb ? ldb : 1;
    block p = {.k = k};
    for (int number = 0; p.j < n; p.j += p.n, number++) {
        set_panel(&t, &p);
        if (number % parts == part) pack(&t, &p, packed + p.j * k);
    }
}

void product_by_packed(cpu_level level, bool ta, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                       /* NOLINTNEXTLINE(readability-non-const-parameter): as above */
                       const float *packed, float *c, int64_t ldc)
{
    task t = {.tiles = product_tiles_of(level), .m = m, .n = n, .k = k, .p = a, .c = c, .cr = ldc, .cc = 1, .packed = packed};
    t.pr = ta ? 1 : lda, t.pk = ta ? lda : 1;
    run(&t);
}
