/* chart.c - see chart.h
 *
 * From the outside in: the title and the legend take the top, the panels share the rest, and each panel is a plot box
 * between its label above and its tick labels beside and below. Line charts share one x axis, so their tick labels
 * stand under the last panel only; all plot boxes begin at the same x. A learning curve's first epochs may lie far
 * above the rest: the y axis then shows the rest (axis_robust_range), and marks at the edge say where the line leaves
 * and how far it goes. */
#include "chart.h"

#include "axis.h"
#include "font.h"
#include "legend.h"
#include "png.h"

#include <math.h>
#include <stdlib.h>

static const colour paper = {255, 255, 255, 255}, ink = {38, 38, 38, 255}, quiet_ink = {96, 96, 96, 255},
                    grid_ink = {232, 232, 232, 255}, axis_ink = {140, 140, 140, 255}, nobody = {200, 200, 200, 255};

enum {
    WIDTH = 900,
    HEIGHT = 600,
    TWO_SCATTER_HEIGHT = 1000,
    LEAST_WIDTH = 320,
    LEAST_HEIGHT = 240,
    MARGIN = 22,
    HEADING = 24,    /* the line of the title */
    LABEL_ROOM = 24, /* a panel's label above its plot box */
    TICK_ROOM = 24,  /* the labels of an x axis below its plot box */
    X_LABEL_ROOM = 16,
    PANEL_GAP = 12,
    TICK_PAD = 9,      /* between a tick label and its axis */
    X_TICK_EVERY = 80, /* pixels between ticks at least, about */
    Y_TICK_EVERY = 40,
    FRAME = 140, /* of the height, what is not plot boxes, about */
    WORD_GAP = 6,
    MARK = 5, /* rows of the mark of a line that leaves the plot box */
};
static const double line_width = 2, dot_radius = 3;

/* One panel on its way to the canvas. */
typedef struct plot {
    const chart_panel *panel;
    box area; /* the plot box */
    interval x, y;
    ticks xt, yt;
    double y_least, y_most; /* of all numbers, those included that lie outside the y axis */
    bool own_x;             /* its x axis has tick labels */
} plot;

typedef struct drawing {
    const chart *c;
    memory m;
    canvas *to;
    plot plot[CHART_PANELS];
    legend key;
    int left, width; /* of the plot boxes */
} drawing;

static bool is_scatter(const chart_panel *p)
{
    return p->points != NULL;
}

static bool all_lines(const chart *c)
{
    for (int i = 0; i < c->n_panels; i++)
        if (is_scatter(&c->panel[i])) return false;
    return true;
}

/* The upper of two line charts gets more of the height. */
static double share_of(const chart *c, int panel)
{
    if (c->n_panels == 1) return 1;
    return !all_lines(c) ? 0.5 : panel == 0 ? 0.6 : 0.4;
}

static bool can_show(double x, double y)
{
    return axis_countable(x) && axis_countable(y);
}

/* True where numbers lie outside the y axis. */
static bool is_cut(const plot *p)
{
    return p->y_least < p->y.lo || p->y_most > p->y.hi;
}

/* ---- Ranges and ticks ---- */

/* The numbers of a panel, of x or of y, at most as many as there is room for in out; NULL: only how many there are. */
static size_t numbers_of(const chart_panel *p, bool of_y, double *out)
{
    size_t n = 0;
    for (size_t i = 0; is_scatter(p) && i < p->points->n; i++) {
        const float *xy = p->points->xy + 2 * i;
        if (!can_show((double)xy[0], (double)xy[1])) continue;
        if (out) out[n] = (double)xy[of_y];
        n++;
    }
    for (int s = 0; !is_scatter(p) && s < p->n_series; s++) {
        const chart_series *line = &p->series[s];
        for (size_t i = 0; i < line->n; i++) {
            if (!can_show(line->x[i], line->y[i])) continue;
            if (out) out[n] = of_y ? line->y[i] : line->x[i];
            n++;
        }
    }
    return n;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static elbo_status find_ranges(plot *p, memory m, elbo_error *error)
{
    size_t n = numbers_of(p->panel, false, NULL);
    double *values = mem_new(m, n, sizeof *values);
    if (!values) return err_memory(error, "a chart");
    numbers_of(p->panel, false, values);
    p->x = axis_range(values, n);
    numbers_of(p->panel, true, values);
    qsort(values, n, sizeof *values, ascending);
    p->y = is_scatter(p->panel) ? axis_range(values, n) : axis_robust_range(values, n);
    p->y_least = n > 0 ? values[0] : p->y.lo;
    p->y_most = n > 0 ? values[n - 1] : p->y.hi;
    mem_free(m, values);
    return ELBO_OK;
}

/* True where all x are whole numbers, such as epochs. */
static bool has_whole_x(const chart_panel *p)
{
    for (int s = 0; s < p->n_series; s++)
        for (size_t i = 0; i < p->series[s].n; i++)
            if (p->series[s].x[i] != floor(p->series[s].x[i])) return false;
    return !is_scatter(p);
}

static void share_x(plot *a, plot *b)
{
    a->x = b->x = (interval){fmin(a->x.lo, b->x.lo), fmax(a->x.hi, b->x.hi)};
}

static elbo_status make_axes(drawing *d, elbo_error *error)
{
    const chart *c = d->c;
    bool lines = all_lines(c);
    for (int i = 0; i < c->n_panels; i++) {
        d->plot[i] = (plot){.panel = &c->panel[i], .own_x = !lines || i == c->n_panels - 1};
        elbo_status status = find_ranges(&d->plot[i], d->m, error);
        if (status != ELBO_OK) return status;
    }
    if (lines && c->n_panels == 2) share_x(&d->plot[0], &d->plot[1]);
    for (int i = 0; i < c->n_panels; i++) {
        plot *p = &d->plot[i];
        p->x = axis_padded(p->x, is_scatter(p->panel) ? 0.04 : 0.015);
        p->y = axis_padded(p->y, is_scatter(p->panel) ? 0.04 : 0.06);
        p->xt = axis_ticks(p->x, d->to->width / X_TICK_EVERY, has_whole_x(p->panel));
        p->yt = axis_ticks(p->y, (int)((d->to->height - FRAME) * share_of(c, i)) / Y_TICK_EVERY, false);
    }
    return ELBO_OK;
}

/* ---- Layout ---- */

static elbo_status make_legend(drawing *d, elbo_error *error)
{
    const chart *c = d->c;
    for (int i = 0; i < c->n_panels; i++)
        for (int s = 0; !is_scatter(&c->panel[i]) && s < c->panel[i].n_series; s++)
            if (legend_line(&d->key, c->panel[i].series[s].name) < 0)
                return err_set(error, ELBO_USAGE, "a chart has %d different lines at most", LEGEND_LINES);
    for (int k = 0; !all_lines(c) && k < c->n_classes; k++)
        legend_class(&d->key, k, c->class_names ? c->class_names[k] : NULL);
    return ELBO_OK;
}

static int widest_label(const drawing *d)
{
    int widest = 0;
    for (int i = 0; i < d->c->n_panels; i++)
        for (int k = 0; k < d->plot[i].yt.count; k++) {
            char label[TICK_LABEL];
            axis_tick_label(d->plot[i].yt, k, label);
            int width = canvas_text_width(label);
            if (width > widest) widest = width;
        }
    return widest;
}

/* Draws title and legend, the legend to the right of the title where there is room; returns the y below them. */
static int draw_heading(drawing *d)
{
    int y = MARGIN, title = d->c->title ? canvas_text_width(d->c->title) : 0, width = legend_width(&d->key);
    if (title) canvas_text(d->to, d->left, y, d->c->title, ink, true);
    if (title + 3 * MARGIN + width <= d->width) {
        legend_draw(&d->key, d->to, d->left + d->width - width, y, width);
        return title || width ? y + HEADING : y;
    }
    if (title) y += HEADING;
    legend_draw(&d->key, d->to, d->left, y, d->width);
    return y + legend_rows(&d->key, d->width) * LEGEND_LINE_HEIGHT + 2;
}

static int room_above(const plot *p)
{
    return p->panel->label || is_cut(p) ? LABEL_ROOM : 0;
}

/* Shares the height from top down among the plot boxes. */
static void place_panels(drawing *d, int top)
{
    int n = d->c->n_panels, bottom = d->to->height - MARGIN - (d->c->x_label ? X_LABEL_ROOM : 0);
    int spare = bottom - top - PANEL_GAP * (n - 1);
    for (int i = 0; i < n; i++) spare -= room_above(&d->plot[i]) + TICK_ROOM * d->plot[i].own_x;
    for (int i = 0; i < n; i++) {
        plot *p = &d->plot[i];
        p->area = (box){d->left, top + room_above(p), d->width, (int)(spare * share_of(d->c, i))};
        top = p->area.y + p->area.h + TICK_ROOM * p->own_x + PANEL_GAP;
    }
}

/* ---- Drawing ---- */

/* Far outside the canvas all positions are as good; they stay where squares do not overflow. */
static double bounded(double pixels)
{
    return fmax(-1e6, fmin(1e6, pixels));
}

static point position(const plot *p, double x, double y)
{
    return (point){bounded(p->area.x + (x - p->x.lo) / (p->x.hi - p->x.lo) * p->area.w),
                   bounded(p->area.y + p->area.h - (y - p->y.lo) / (p->y.hi - p->y.lo) * p->area.h)};
}

static void draw_y_ticks(canvas *to, const plot *p)
{
    for (int i = 0; i < p->yt.count; i++) {
        char label[TICK_LABEL];
        axis_tick_label(p->yt, i, label);
        int y = (int)position(p, 0, axis_tick_value(p->yt, i)).y;
        canvas_box(to, (box){p->area.x, y, p->area.w, 1}, grid_ink);
        canvas_text(to, p->area.x - TICK_PAD - canvas_text_width(label), y - FONT_CAPITAL / 2, label, quiet_ink, false);
    }
}

static void draw_x_ticks(canvas *to, const plot *p)
{
    int bottom = p->area.y + p->area.h;
    for (int i = 0; i < p->xt.count; i++) {
        int x = (int)position(p, axis_tick_value(p->xt, i), 0).x;
        canvas_box(to, (box){x, p->area.y, 1, p->area.h}, grid_ink);
        if (!p->own_x) continue;
        char label[TICK_LABEL];
        axis_tick_label(p->xt, i, label);
        canvas_text(to, x - canvas_text_width(label) / 2, bottom + TICK_PAD, label, quiet_ink, false);
    }
}

/* A run of points without a gap; a single one shows as a dot. */
static elbo_status draw_run(canvas *to, const point *run, size_t n, colour c, elbo_error *error)
{
    if (n == 1) canvas_disc(to, run[0], dot_radius, c);
    return n > 1 ? canvas_path(to, run, n, line_width, c, error) : ELBO_OK;
}

static elbo_status draw_line(drawing *d, const plot *p, const chart_series *line, colour c, elbo_error *error)
{
    point *run = mem_new(d->m, line->n, sizeof *run);
    if (!run) return err_memory(error, "a chart");
    elbo_status status = ELBO_OK;
    size_t n = 0;
    for (size_t i = 0; i < line->n && status == ELBO_OK; i++) {
        bool shown = can_show(line->x[i], line->y[i]);
        if (shown) run[n++] = position(p, line->x[i], line->y[i]);
        if (shown && i + 1 < line->n) continue;
        status = draw_run(d->to, run, n, c, error);
        n = 0;
    }
    mem_free(d->m, run);
    return status;
}

/* A small triangle with its tip at a point; down is 1 for one that points down, -1 for one that points up. */
static void draw_mark(canvas *to, point tip, int down, colour c)
{
    int x = (int)tip.x, y = (int)tip.y - (down > 0);
    for (int i = 0; i < MARK; i++) canvas_box(to, (box){x - i, y - down * i, 2 * i + 1, 1}, c);
}

static void mark_outside(drawing *d, const plot *p, const chart_series *line, colour c)
{
    for (size_t i = 0; i < line->n; i++) {
        if (!can_show(line->x[i], line->y[i])) continue;
        if (line->y[i] > p->y.hi) draw_mark(d->to, position(p, line->x[i], p->y.hi), -1, c);
        if (line->y[i] < p->y.lo) draw_mark(d->to, position(p, line->x[i], p->y.lo), 1, c);
    }
}

static elbo_status draw_lines(drawing *d, const plot *p, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    for (int s = 0; s < p->panel->n_series && status == ELBO_OK; s++) {
        const chart_series *line = &p->panel->series[s];
        colour c = legend_colour(legend_line(&d->key, line->name));
        status = draw_line(d, p, line, c, error);
        mark_outside(d, p, line, c);
    }
    return status;
}

/* A mark and "up to 540", right-aligned above the plot box; returns the x where it begins. */
static int draw_note(canvas *to, int right, int y, const char *words, double extreme, int down)
{
    char number[TICK_LABEL];
    axis_number(extreme, number);
    int x = right - canvas_text_width(number);
    canvas_text(to, x, y, number, quiet_ink, false);
    x -= canvas_text_width(words) + WORD_GAP;
    canvas_text(to, x, y, words, quiet_ink, false);
    x -= 2 * MARK;
    draw_mark(to, (point){x, y + 2 + (down > 0 ? MARK : 0)}, down, quiet_ink);
    return x - MARK;
}

/* What the panel shows, and how far it goes beyond the y axis. */
static void draw_label(canvas *to, const plot *p)
{
    int y = p->area.y - LABEL_ROOM + 8, right = p->area.x + p->area.w;
    if (p->panel->label) canvas_text(to, p->area.x, y, p->panel->label, quiet_ink, false);
    if (p->y_least < p->y.lo) right = draw_note(to, right, y, "down to", p->y_least, 1) - 2 * TICK_PAD;
    if (p->y_most > p->y.hi) draw_note(to, right, y, "up to", p->y_most, -1);
}

/* Many points are drawn small. */
static double radius_for(size_t n)
{
    return n <= 500 ? 3.5 : n <= 3000 ? 2.5 : 1.75;
}

static void draw_points(drawing *d, const plot *p, int panel_colour)
{
    const chart_points *points = p->panel->points;
    double radius = radius_for(points->n);
    enum { OPACITY = 190 };
    for (size_t i = 0; i < points->n; i++) {
        double x = (double)points->xy[2 * i], y = (double)points->xy[2 * i + 1];
        if (!can_show(x, y)) continue;
        int k = points->class_of ? points->class_of[i] : panel_colour;
        point at = position(p, x, y);
        if (points->class_of && (k < 0 || k >= d->c->n_classes))
            canvas_disc(d->to, at, radius, nobody);
        else
            legend_mark(d->to, at, radius, k, OPACITY);
    }
}

static elbo_status draw_panel(drawing *d, int i, elbo_error *error)
{
    const plot *p = &d->plot[i];
    elbo_status status = ELBO_OK;
    draw_label(d->to, p);
    draw_x_ticks(d->to, p);
    draw_y_ticks(d->to, p);
    canvas_box(d->to, (box){p->area.x, p->area.y + p->area.h, p->area.w, 1}, axis_ink);
    canvas_clip(d->to, p->area);
    if (is_scatter(p->panel))
        draw_points(d, p, i);
    else
        status = draw_lines(d, p, error);
    canvas_unclip(d->to);
    return status;
}

static elbo_status draw(drawing *d, elbo_error *error)
{
    canvas_fill(d->to, paper);
    elbo_status status = make_legend(d, error);
    if (status == ELBO_OK) status = make_axes(d, error);
    if (status != ELBO_OK) return status;
    d->left = MARGIN + widest_label(d) + TICK_PAD;
    d->width = d->to->width - MARGIN - d->left;
    place_panels(d, draw_heading(d));
    for (int i = 0; i < d->c->n_panels && status == ELBO_OK; i++) status = draw_panel(d, i, error);
    if (d->c->x_label)
        canvas_text(d->to, d->left + (d->width - canvas_text_width(d->c->x_label)) / 2,
                    d->to->height - MARGIN - FONT_CAPITAL, d->c->x_label, quiet_ink, false);
    return status;
}

static int default_height(const chart *c)
{
    bool two_scatter = c->n_panels == 2 && is_scatter(&c->panel[0]) && is_scatter(&c->panel[1]);
    return two_scatter ? TWO_SCATTER_HEIGHT : HEIGHT;
}

elbo_status chart_draw(memory m, const chart *c, canvas *out, elbo_error *error)
{
    *out = (canvas){.m = m};
    if (c->n_panels < 1 || c->n_panels > CHART_PANELS)
        return err_set(error, ELBO_USAGE, "a chart has 1 to %d panels, not %d", CHART_PANELS, c->n_panels);
    int width = c->width ? c->width : WIDTH, height = c->height ? c->height : default_height(c);
    if (width < LEAST_WIDTH || height < LEAST_HEIGHT)
        return err_set(error, ELBO_USAGE, "a chart of %d x %d pixels is too small: at least %d x %d", width, height,
                       LEAST_WIDTH, LEAST_HEIGHT);
    elbo_status status = canvas_open(out, m, height, width, 3, error);
    if (status != ELBO_OK) return status;
    status = draw(&(drawing){.c = c, .m = m, .to = out}, error);
    if (status != ELBO_OK) canvas_close(out);
    return status;
}

elbo_status chart_write(memory m, const char *path, const chart *c, elbo_error *error)
{
    canvas picture;
    elbo_status status = chart_draw(m, c, &picture, error);
    if (status == ELBO_OK) status = view_png_write(m, path, &picture, error);
    canvas_close(&picture);
    return status;
}
