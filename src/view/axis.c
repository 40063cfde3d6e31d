/* axis.c - see axis.h */
#include "axis.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const double largest = 1e100;
static const double smallest = 1e-90; /* shorter ranges are nothing to look at, and near where doubles end */

/* An axis of steps below 10^-5 or of numbers from 10^7 on is written with exponents. */
enum { MOST_DECIMALS = 5, MOST_DIGITS = 7 };

/* ---- Ranges ---- */

bool axis_countable(double value)
{
    return fabs(value) <= largest;
}

/* A range that is empty, or too short for its distance from 0, gets room on both sides. */
static interval opened(interval r)
{
    double size = fmax(fabs(r.lo), fabs(r.hi));
    if (r.hi - r.lo > fmax(1e-9 * size, smallest)) return r;
    double room = size > smallest ? 0.1 * size : 1;
    return (interval){r.lo - room, r.hi + room};
}

interval axis_range(const double *values, size_t n)
{
    interval r = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        if (!axis_countable(values[i])) continue;
        r.lo = fmin(r.lo, values[i]);
        r.hi = fmax(r.hi, values[i]);
    }
    return r.lo > r.hi ? (interval){0, 1} : opened(r);
}

interval axis_robust_range(const double *sorted, size_t n)
{
    interval all = axis_range(sorted, n);
    if (n < 10) return all;
    interval core = {sorted[n / 10], sorted[n - 1 - n / 10]};
    double span = core.hi - core.lo;
    if (span <= 0 || span >= 0.25 * (all.hi - all.lo)) return all;
    return opened((interval){fmax(all.lo, core.lo - span), fmin(all.hi, core.hi + span)});
}

interval axis_padded(interval range, double share)
{
    double room = share * (range.hi - range.lo);
    return (interval){range.lo - room, range.hi + room};
}

/* ---- Ticks ---- */

/* mantissa x 10^exponent, rounded once. */
static double decimal(int64_t mantissa, int exponent)
{
    return exponent < 0 ? (double)mantissa / pow(10, -exponent) : (double)mantissa * pow(10, exponent);
}

/* The smallest step of the form 1, 2, 5 x 10^e that is not below wanted. */
static ticks step_for(double wanted)
{
    static const int factor[] = {1, 2, 5};
    int exponent = (int)floor(log10(wanted));
    for (int i = 0; i < 3; i++)
        if (decimal(factor[i], exponent) >= wanted * (1 - 1e-9))
            return (ticks){.factor = factor[i], .exponent = exponent};
    return (ticks){.factor = 1, .exponent = exponent + 1};
}

ticks axis_ticks(interval range, int most, bool whole)
{
    ticks t = step_for((range.hi - range.lo) / (most > 2 ? most : 2));
    if (whole && t.exponent < 0) t = (ticks){.factor = 1};
    double step = decimal(t.factor, t.exponent);
    t.first = (int64_t)ceil(range.lo / step - 1e-9);
    t.count = (int)((int64_t)floor(range.hi / step + 1e-9) - t.first + 1);
    return t;
}

double axis_tick_value(ticks t, int i)
{
    return decimal((t.first + i) * t.factor, t.exponent);
}

/* For numbers below 10^MOST_DIGITS with at most MOST_DECIMALS decimals. */
static void fixed_label(int64_t mantissa, int exponent, char out[TICK_LABEL])
{
    const char *sign = mantissa < 0 ? "-" : "";
    int64_t size = mantissa < 0 ? -mantissa : mantissa, unit = 1;
    for (int e = exponent; e > 0; e--) size *= 10;
    for (int e = exponent; e < 0; e++) unit *= 10;
    if (exponent >= 0)
        snprintf(out, TICK_LABEL, "%s%" PRId64, sign, size);
    else
        snprintf(out, TICK_LABEL, "%s%" PRId64 ".%0*" PRId64, sign, size / unit, -exponent, size % unit);
}

/* d.ddde-7: the digits of the mantissa without trailing zeros, a point after the first. */
static void exponent_label(int64_t mantissa, int exponent, char out[TICK_LABEL])
{
    char digits[24];
    for (; mantissa % 10 == 0; exponent++) mantissa /= 10;
    snprintf(digits, sizeof digits, "%" PRId64, mantissa < 0 ? -mantissa : mantissa);
    exponent += (int)strlen(digits) - 1;
    snprintf(out, TICK_LABEL, "%s%c%s%se%d", mantissa < 0 ? "-" : "", digits[0], digits[1] ? "." : "", digits + 1,
             exponent);
}

static bool is_fixed(ticks t)
{
    double size = fmax(fabs(axis_tick_value(t, 0)), fabs(axis_tick_value(t, t.count - 1)));
    return t.exponent >= -MOST_DECIMALS && size < pow(10, MOST_DIGITS);
}

void axis_tick_label(ticks t, int i, char out[TICK_LABEL])
{
    int64_t mantissa = (t.first + i) * t.factor;
    if (mantissa == 0)
        snprintf(out, TICK_LABEL, "0");
    else if (is_fixed(t))
        fixed_label(mantissa, t.exponent, out);
    else
        exponent_label(mantissa, t.exponent, out);
}

void axis_number(double value, char out[TICK_LABEL])
{
    ticks t = {.count = 1, .factor = 1};
    if (fabs(value) > smallest) {
        t.exponent = (int)floor(log10(fabs(value))) - 3;
        t.first = llround(t.exponent < 0 ? value * pow(10, -t.exponent) : value / pow(10, t.exponent));
    }
    for (; t.first % 10 == 0 && t.exponent < 0; t.exponent++) t.first /= 10;
    axis_tick_label(t, 0, out);
}
