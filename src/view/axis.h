/* axis.h - from numbers to positions: the range of an axis, its ticks, and the ticks' labels.
 *
 * Tick i of an axis is (first + i) x factor x 10^exponent with factor 1, 2 or 5. Labels are made from those integers,
 * so they are exact, show the same number of decimals along an axis, and do not depend on a locale. */
#ifndef ELBO_VIEW_AXIS_H
#define ELBO_VIEW_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct interval {
    double lo, hi;
} interval;

/* The range of the finite values among n. Numbers beyond 1e100 count as not finite. Without any it is [0, 1]; a single
 * value gets some room on both sides. */
interval axis_range(const double *values, size_t n);

/* The same without outliers: where the middle 80 % of the numbers take less than a quarter of the full range, that
 * part and as much again on both sides. values must be sorted and finite. */
interval axis_robust_range(const double *sorted, size_t n);

/* The range with a share of its length added on both sides. */
interval axis_padded(interval range, double share);

typedef struct ticks {
    int64_t first;
    int count;
    int factor, exponent;
} ticks;

enum { TICK_LABEL = 48 };

/* Ticks within a range from axis_range, at most `most` steps (at least 2) apart from one end to the other. whole: no
 * fractions of 1, for counts such as epochs. */
ticks axis_ticks(interval range, int most, bool whole);
double axis_tick_value(ticks t, int i);
void axis_tick_label(ticks t, int i, char out[TICK_LABEL]);

/* A number with four significant digits at most, in the manner of tick labels: "540", "300.4", "1.5e-7". */
void axis_number(double value, char out[TICK_LABEL]);

/* True where axis_range would count the value. */
bool axis_countable(double value);

#endif
