/* histogram.c - elbo_chart_write_histogram: how numbers are distributed, as outlines of their histograms.
 *
 * All samples share their bins, which lie between the numbers that axis_robust_range takes for no outliers. A sample is a
 * line in steps: two points at each edge between bins. */
#include "../base/engine.h"
#include "../base/mode.h"
#include "axis.h"
#include "chart.h"

#include <math.h>
#include <stdlib.h>

enum { BINS = 60, POINTS = 2 * BINS + 2, MOST_SAMPLES = 8 };

typedef struct outline {
    double x[POINTS], y[POINTS];
} outline;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The range of the bins. */
static elbo_status find_range(memory m, const elbo_sample *samples, int n_samples, interval *out, elbo_error *error)
{
    size_t n = 0, room = 1;
    for (int i = 0; i < n_samples; i++) room += (size_t)samples[i].n;
    double *all = mem_new(m, room, sizeof *all);
    if (!all) return err_memory(error, "a histogram");
    for (int i = 0; i < n_samples; i++)
        for (int64_t k = 0; k < samples[i].n; k++)
            if (axis_countable(samples[i].values[k])) all[n++] = samples[i].values[k];
    qsort(all, n, sizeof *all, ascending);
    *out = axis_robust_range(all, n);
    mem_free(m, all);
    return ELBO_OK;
}

static void count(const elbo_sample *s, interval range, double share[BINS])
{
    double seen = 0;
    for (int b = 0; b < BINS; b++) share[b] = 0;
    for (int64_t k = 0; k < s->n; k++) {
        if (!axis_countable(s->values[k])) continue;
        double at = floor((s->values[k] - range.lo) / (range.hi - range.lo) * BINS);
        share[(int)fmax(0, fmin(BINS - 1, at))]++;
        seen++;
    }
    for (int b = 0; b < BINS && seen > 0; b++) share[b] /= seen;
}

static void outline_of(const elbo_sample *s, interval range, outline *to)
{
    double share[BINS];
    count(s, range, share);
    for (int edge = 0; edge <= BINS; edge++) {
        double x = range.lo + (range.hi - range.lo) * edge / BINS;
        to->x[2 * edge] = to->x[2 * edge + 1] = x;
        to->y[2 * edge] = edge > 0 ? share[edge - 1] : 0;
        to->y[2 * edge + 1] = edge < BINS ? share[edge] : 0;
    }
}

static double highest(const outline *at, int n)
{
    double y = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < POINTS; k++) y = fmax(y, at[i].y[k]);
    return y;
}

static elbo_status check(const elbo_sample *samples, int n_samples, elbo_error *error)
{
    if (n_samples < 1 || n_samples > MOST_SAMPLES)
        return err_set(error, ELBO_USAGE, "a histogram shows 1 to %d samples, not %d", MOST_SAMPLES, n_samples);
    for (int i = 0; i < n_samples; i++)
        if (samples[i].n < 0 || !samples[i].name || (samples[i].n > 0 && !samples[i].values))
            return err_set(error, ELBO_USAGE, "sample %d of a histogram has no name or no values", i);
    return ELBO_OK;
}

elbo_status elbo_chart_write_histogram(elbo_engine *engine, const char *path, const char *title, const char *x_label,
                                       const elbo_sample *samples, int n_samples, double mark, const char *mark_name,
                                       elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (!engine || !path || !samples)
        return err_set(error, ELBO_USAGE, "a histogram needs an engine, a path and samples; one of them is NULL");
    interval range;
    outline *at = NULL;
    elbo_status status = check(samples, n_samples, error);
    if (status == ELBO_OK) status = find_range(engine->m, samples, n_samples, &range, error);
    if (status == ELBO_OK && !(at = mem_new(engine->m, MOST_SAMPLES, sizeof *at))) status = err_memory(error, "a histogram");
    if (status != ELBO_OK) return status;
    chart_series line[MOST_SAMPLES + 1];
    for (int i = 0; i < n_samples; i++) {
        outline_of(&samples[i], range, &at[i]);
        line[i] = (chart_series){samples[i].name, at[i].x, at[i].y, POINTS};
    }
    double mark_x[2] = {mark, mark}, mark_y[2] = {0, highest(at, n_samples)};
    line[n_samples] = (chart_series){mark_name, mark_x, mark_y, 2};
    chart c = {.title = title, .x_label = x_label, .n_panels = 1, .panel = {{.label = "share of the examples", .series = line}}};
    c.panel[0].n_series = n_samples + (mark_name != NULL);
    status = chart_write(engine->m, path, &c, error);
    mem_free(engine->m, at);
    return status;
}
