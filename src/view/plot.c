/* plot.c - see plot.h */
#include "plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double line_width = 2, dot_radius = 3, point_opacity = 190 / 255.0;

enum { TIP_LEAST = 3 }; /* pixels of the place that tells a number, at least */

bool plot_shows(double x, double y)
{
    return axis_countable(x) && axis_countable(y);
}

/* Far outside the canvas all positions are as good; they stay where squares do not overflow. */
static double bounded(double pixels)
{
    return fmax(-1e6, fmin(1e6, pixels));
}

point plot_position(const plot *p, double x, double y)
{
    return (point){bounded(p->area.x + (x - p->x.lo) / (p->x.hi - p->x.lo) * p->area.w),
                   bounded(p->area.y + p->area.h - (y - p->y.lo) / (p->y.hi - p->y.lo) * p->area.h)};
}

/* ---- Lines ---- */

/* A run of points without a gap; a single one shows as a dot. */
static void draw_run(pen *to, const point *run, size_t n, int k)
{
    if (n == 1) to->dots(to, &(dot){run[0], k}, 1, dot_radius, 1, NULL);
    if (n > 1) to->line(to, run, n, line_width, ink_series(k));
}

static elbo_status draw_line(const plot *p, memory m, pen *to, const chart_series *line, int k, elbo_error *error)
{
    point *run = mem_new(m, line->n, sizeof *run);
    if (!run) return err_memory(error, "a chart");
    size_t n = 0;
    for (size_t i = 0; i < line->n; i++) {
        bool shown = plot_shows(line->x[i], line->y[i]);
        if (shown) run[n++] = plot_position(p, line->x[i], line->y[i]);
        if (shown && i + 1 < line->n) continue;
        draw_run(to, run, n, k);
        n = 0;
    }
    mem_free(m, run);
    return to->status == ELBO_OK ? ELBO_OK : err_set(error, to->status, "%s", to->error.message);
}

static void mark_outside(const plot *p, pen *to, const chart_series *line, int k)
{
    for (size_t i = 0; i < line->n; i++) {
        if (!plot_shows(line->x[i], line->y[i])) continue;
        if (line->y[i] > p->y.hi) to->mark(to, plot_position(p, line->x[i], p->y.hi), -1, ink_series(k));
        if (line->y[i] < p->y.lo) to->mark(to, plot_position(p, line->x[i], p->y.lo), 1, ink_series(k));
    }
}

static void add_row(tip *t, const plot *p, const chart_series *line, size_t i, int k)
{
    if (i >= line->n || !plot_shows(line->x[i], line->y[i]) || t->n == TIP_ROWS) return;
    double y = fmax(p->y.lo, fmin(p->y.hi, line->y[i]));
    t->row[t->n++] = (struct tip_row){line->name, line->y[i], ink_series(k), plot_position(p, line->x[i], y)};
}

/* The values at the i-th x of the first line, told in the strip of plot box nearest to it. */
static void tell_at(const plot *p, pen *to, const chart *c, legend *key, size_t i, double left, double right)
{
    const chart_series *first = &p->panel->series[0];
    char number[TICK_LABEL], title[2 * TICK_LABEL];
    axis_number(first->x[i], number);
    snprintf(title, sizeof title, "%s%s%s", c->x_label ? c->x_label : "", c->x_label ? " " : "", number);
    int x = (int)floor(left);
    tip t = {.area = {x, p->area.y, (int)ceil(right) - x, p->area.h}, .plot = p->area, .title = title};
    for (int s = 0; s < p->panel->n_series; s++) {
        const chart_series *line = &p->panel->series[s];
        bool same = i < line->n && line->x[i] == first->x[i];
        if (same) add_row(&t, p, line, i, legend_line(key, line->name));
    }
    if (t.n) to->tell(to, &t);
}

/* Strips that share the width: as many as there are x, but none too narrow to be pointed at. */
static void tell_lines(const plot *p, pen *to, const chart *c, legend *key)
{
    const chart_series *first = &p->panel->series[0];
    size_t most = (size_t)(p->area.w / TIP_LEAST), every = (first->n + most - 1) / most;
    for (size_t i = 0; i < first->n; i += every) {
        double x = plot_position(p, first->x[i], 0).x, left = p->area.x, right = p->area.x + p->area.w;
        if (i >= every) left = (x + plot_position(p, first->x[i - every], 0).x) / 2;
        if (i + every < first->n) right = (x + plot_position(p, first->x[i + every], 0).x) / 2;
        tell_at(p, to, c, key, i, left, right);
    }
}

static elbo_status draw_lines(const plot *p, memory m, pen *to, const chart *c, legend *key, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    for (int s = 0; s < p->panel->n_series && status == ELBO_OK; s++) {
        const chart_series *line = &p->panel->series[s];
        int k = legend_line(key, line->name);
        status = draw_line(p, m, to, line, k, error);
        mark_outside(p, to, line, k);
    }
    if (status == ELBO_OK && to->tell && p->panel->n_series) tell_lines(p, to, c, key);
    return status;
}

/* ---- Points ---- */

/* Many points are drawn small. */
static double radius_for(size_t n)
{
    return n <= 500 ? 3.5 : n <= 3000 ? 2.5 : 1.75;
}

static elbo_status draw_points(const plot *p, memory m, pen *to, const chart *c, int panel, elbo_error *error)
{
    const chart_points *points = p->panel->points;
    dot *dots = mem_new(m, points->n, sizeof *dots);
    if (!dots) return err_memory(error, "a chart");
    size_t n = 0;
    for (size_t i = 0; i < points->n; i++) {
        double x = (double)points->xy[2 * i], y = (double)points->xy[2 * i + 1];
        if (!plot_shows(x, y)) continue;
        int k = points->class_of ? points->class_of[i] : panel;
        if (points->class_of && (k < 0 || k >= c->n_classes)) k = -1;
        dots[n++] = (dot){plot_position(p, x, y), k};
    }
    to->dots(to, dots, n, radius_for(points->n), point_opacity, points->class_of ? c->class_names : NULL);
    mem_free(m, dots);
    return ELBO_OK;
}

/* ---- Bars ---- */

double plot_bar_middle(const plot *p, size_t i)
{
    return plot_position(p, (double)i, 0).x;
}

void plot_bar_name(const chart_bars *b, size_t i, char out[TICK_LABEL])
{
    if (b->names) snprintf(out, TICK_LABEL, "%s", b->names[i]);
    else snprintf(out, TICK_LABEL, "%zu", i);
}

static void draw_bar(const plot *p, pen *to, const chart *c, size_t i)
{
    const chart_bars *b = p->panel->bars;
    double wide = (double)p->area.w / (double)b->n, gap = wide > 4 ? wide / 6 : 0.5, middle = plot_bar_middle(p, i);
    int left = (int)floor(middle - wide / 2 + gap + 0.5), right = (int)floor(middle + wide / 2 - gap + 0.5);
    int zero = (int)plot_position(p, 0, 0).y, end = (int)floor(plot_position(p, 0, b->values[i]).y + 0.5);
    box bar = {left, end < zero ? end : zero, right > left ? right - left : 1, end < zero ? zero - end : end - zero};
    to->box(to, bar, ink_series(0));
    if (!to->tell) return;
    char name[TICK_LABEL], title[3 * TICK_LABEL];
    plot_bar_name(b, i, name);
    snprintf(title, sizeof title, "%s%s%s", c->x_label ? c->x_label : "", c->x_label ? " " : "", name);
    tip t = {.area = {(int)(middle - wide / 2), p->area.y, (int)ceil(wide), p->area.h}, .plot = p->area, .title = title, .n = 1};
    t.row[0] = (struct tip_row){p->panel->label ? p->panel->label : "", b->values[i], INK_INK, {middle, end}};
    to->tell(to, &t);
}

static void draw_bars(const plot *p, pen *to, const chart *c)
{
    for (size_t i = 0; i < p->panel->bars->n; i++)
        if (plot_shows(0, p->panel->bars->values[i])) draw_bar(p, to, c, i);
}

elbo_status plot_draw(const plot *p, memory m, pen *to, const chart *c, legend *key, int number, elbo_error *error)
{
    if (p->panel->points) return draw_points(p, m, to, c, number, error);
    if (!p->panel->bars) return draw_lines(p, m, to, c, key, error);
    draw_bars(p, to, c);
    return ELBO_OK;
}
