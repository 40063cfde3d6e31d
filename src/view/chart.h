/* chart.h - line charts for learning curves, scatter plots and bars, as pictures and as SVG.
 *
 * A chart is one or two panels above each other, each a line chart, a scatter plot or bars. Series of the same name share
 * their colour across panels, and the legend names each once. The colours can be told apart by colour-blind eyes. In SVG
 * a place that is pointed at tells its numbers. */
#ifndef ELBO_VIEW_CHART_H
#define ELBO_VIEW_CHART_H

#include "../base/text.h"
#include "canvas.h"

enum { CHART_PANELS = 2 };

/* A line through (x[i], y[i]) in order. A y that is not finite interrupts it. */
typedef struct chart_series {
    const char *name;
    const double *x, *y;
    size_t n;
} chart_series;

/* Points xy [n,2]. class_of [n] colours them; NULL: one colour for the panel; a class out of [0, n_classes) shows as
 * grey. Points that are not finite are left out. */
typedef struct chart_points {
    const float *xy;
    const int32_t *class_of;
    size_t n;
} chart_points;

/* A bar from 0 to values[i] for each of n; names: their names, NULL: their numbers. */
typedef struct chart_bars {
    const double *values;
    const char *const *names;
    size_t n;
} chart_bars;

typedef struct chart_panel {
    const char *label;          /* what the numbers of the panel are; NULL: none                                      */
    const char *x_label;        /* below its own x axis; NULL: none                                                   */
    const chart_series *series; /* a line chart ...                                                                   */
    int n_series;
    const chart_points *points; /* ... or, where this is not NULL, a scatter plot                                     */
    const chart_bars *bars;     /* ... or, where this is not NULL, bars                                               */
} chart_panel;

typedef struct chart {
    const char *title;   /* NULL: none                                                                                */
    const char *x_label; /* below all; NULL: none                                                                     */
    chart_panel panel[CHART_PANELS];
    int n_panels;
    const char *const *class_names; /* [n_classes]; NULL: their numbers                                            */
    int n_classes;                  /* of scatter plots; 0: without classes                                           */
    int width, height;              /* pixels; 0: 900 x 600, 1000 high for two scatter plots                          */
} chart;

/* Opens *out and draws the chart; on failure *out is empty. Errors: USAGE (no panel, more than LEGEND_LINES names of
 * series, a size below 320 x 240 or too large), NO_MEMORY. */
elbo_status chart_draw(memory m, const chart *c, canvas *out, elbo_error *error);

/* Adds the chart as an element <svg> of a page. Errors: as chart_draw. */
elbo_status chart_svg(memory m, const chart *c, text *to, elbo_error *error);

/* Draws and writes a PNG, or SVG where the path ends in .svg. Errors: as chart_draw, IO. */
elbo_status chart_write(memory m, const char *path, const chart *c, elbo_error *error);

#endif
