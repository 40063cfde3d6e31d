/* plot.h - what stands inside a panel of a chart: lines, points, bars. chart.c decides where. */
#ifndef ELBO_VIEW_PLOT_H
#define ELBO_VIEW_PLOT_H

#include "axis.h"
#include "chart.h"
#include "legend.h"

/* One panel on its way to the pen. */
typedef struct plot {
    const chart_panel *panel;
    box area; /* the plot box */
    interval x, y;
    ticks xt, yt;
    double y_least, y_most; /* of all numbers, those included that lie outside the y axis */
    bool own_x;             /* its x axis has tick labels */
} plot;

/* Whether a number can be drawn: it is one, and not too far away. */
bool plot_shows(double x, double y);

/* The pixel of a number. */
point plot_position(const plot *p, double x, double y);

/* Draws what the panel shows: number is its place in the chart. Errors: NO_MEMORY. */
elbo_status plot_draw(const plot *p, memory m, pen *to, const chart *c, legend *key, int number, elbo_error *error);

/* Where bars stand: the middle of bar i, and the name under it. */
double plot_bar_middle(const plot *p, size_t i);
void plot_bar_name(const chart_bars *b, size_t i, char out[TICK_LABEL]);

#endif
