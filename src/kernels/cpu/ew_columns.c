/* ew_columns.c - sums and variances over the batch: elements i, i + F, i + 2F, ... of a space make one of F columns.
 *
 * Idea: a tile is some rows of F numbers. Its sums are added to the block's; for the variance its mean and the squared
 * distances from that are worked out first, while it is in the nearest cache, and put together with the block's as Chan, Golub
 * and LeVeque 1979 do, so that nothing is lost where the mean is large. Blocks are put together in the same way.
 * Invariant: the order depends on how the space is cut into tiles and blocks, which depends on shapes only. */
#include "ew_loops.h"

#include <string.h>

enum { COLUMNS = 256, NARROW = 64 };

/* Means and squared distances of n columns of count + rows numbers, from those of the count numbers so far, and of rows. */
static void join_variance(size_t n, float count, float rows, float *mean, float *squares, const float *mean2,
                          const float *squares2)
{
    const float share = rows / (count + rows), both = count * share;
    for (size_t j = 0; j < n; j++) {
        const float d = mean2[j] - mean[j];
        squares[j] += squares2[j] + d * d * both;
        mean[j] += d * share;
    }
}

/* rows of n columns, beginning with the first of out's. */
static void take_variance(const ew_level *level, size_t n, size_t rows, size_t stride, float count, const float *x, float *mean,
                          float *squares)
{
    float mean2[COLUMNS], squares2[COLUMNS];
    for (size_t at = 0, some; at < n; at += some) {
        some = n - at < COLUMNS ? n - at : COLUMNS;
        memset(mean2, 0, some * sizeof *mean2);
        memset(squares2, 0, some * sizeof *squares2);
        level->add_rows(some, rows, stride, mean2, x + at);
        for (size_t j = 0; j < some; j++) mean2[j] /= (float)rows;
        level->add_squares(some, rows, stride, squares2, mean2, x + at);
        join_variance(some, count, (float)rows, mean + at, squares + at, mean2, squares2);
    }
}

/* Few columns: rows beside each other count as one. */
static void take_narrow_sum(const ew_level *level, size_t n, size_t rows, const float *x, float *sum)
{
    float wide[NARROW] = {0};
    size_t beside = NARROW / n, whole = rows / beside;
    level->add_rows(beside * n, whole, beside * n, wide, x);
    level->add_rows(n, rows - whole * beside, n, wide, x + whole * beside * n);
    level->add_rows(n, beside, n, sum, wide);
}

static void take_sum(const ew_level *level, size_t n, size_t rows, size_t stride, const float *x, float *sum)
{
    if (n <= NARROW / 2 && n == stride) {
        take_narrow_sum(level, n, rows, x, sum);
        return;
    }
    float some[COLUMNS];
    for (size_t at = 0, columns; at < n; at += columns) {
        columns = n - at < COLUMNS ? n - at : COLUMNS;
        memset(some, 0, columns * sizeof *some);
        level->add_rows(columns, rows, stride, some, x + at);
        level->add_rows(columns, 1, columns, sum + at, some);
    }
}

int64_t ew_share(const ew_result *r)
{
    return r->reduce == OP_variance ? 2 * r->period : r->period;
}

void ew_columns_begin(const ew_result *r, float *share)
{
    memset(share, 0, (size_t)ew_share(r) * sizeof *share);
}

void ew_columns_feed(const ew_result *r, const ew_level *level, int64_t begin, int64_t n, const float *x, float *share)
{
    const int64_t f = r->period;
    for (int64_t done = 0, some; done < n; done += some) {
        int64_t row = (begin + done) / f, column = (begin + done) % f, left = n - done;
        size_t columns = (size_t)(column == 0 && left >= f ? f : left < f - column ? left : f - column);
        size_t rows = column == 0 && left >= f ? (size_t)(left / f) : 1;
        some = (int64_t)(columns * rows);
        if (r->reduce == OP_sum) take_sum(level, columns, rows, columns, x + done, share + column);
        else
            take_variance(level, columns, rows, columns, (float)row, x + done, share + column, share + f + column);
    }
}

void cpu_fused_join(const ew_result *r, const float *shares, int64_t apart, int64_t rows_of_block, int64_t all_rows, float *out)
{
    float mean[COLUMNS];
    for (int64_t at = 0, n; at < r->period; at += n) {
        n = r->period - at < COLUMNS ? r->period - at : COLUMNS;
        const float *from = shares + at;
        memset(mean, 0, sizeof mean);
        memset(out + at, 0, (size_t)n * sizeof *out);
        for (int64_t row = 0; row < all_rows; row += rows_of_block, from += apart) {
            float rows = (float)(all_rows - row < rows_of_block ? all_rows - row : rows_of_block);
            if (r->reduce == OP_variance) join_variance((size_t)n, (float)row, rows, mean, out + at, from, from + r->period);
            else
                for (int64_t j = 0; j < n; j++) out[at + j] += from[j];
        }
        for (int64_t j = 0; r->reduce == OP_variance && j < n; j++) out[at + j] /= (float)all_rows;
    }
}
