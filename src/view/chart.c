/* chart.c - see chart.h
 *
 * From the outside in: the title and the legend take the top, the panels share the rest, and each panel is a plot box
 * between its label above and its tick labels beside and below. Line charts share one x axis, so their tick labels
 * stand under the last panel only; all plot boxes begin at the same x. A learning curve's first epochs may lie far
 * above the rest: the y axis then shows the rest (axis_robust_range), and marks at the edge say where the line leaves
 * and how far it goes. */
#include "chart.h"

#include "../base/file.h"
#include "font.h"
#include "plot.h"
#include "png.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
};

typedef struct drawing {
    const chart *c;
    memory m;
    pen *to;
    int wide, high; /* the whole */
    plot plot[CHART_PANELS];
    legend key;
    int left, width; /* of the plot boxes */
} drawing;

static bool is_scatter(const chart_panel *p)
{
    return p->points != NULL;
}

static bool has_lines(const chart_panel *p)
{
    return !p->points && !p->bars;
}

static bool all_lines(const chart *c)
{
    for (int i = 0; i < c->n_panels; i++)
        if (!has_lines(&c->panel[i])) return false;
    return true;
}

static bool has_points(const chart *c)
{
    for (int i = 0; i < c->n_panels; i++)
        if (is_scatter(&c->panel[i])) return true;
    return false;
}

/* The upper of two line charts gets more of the height. */
static double share_of(const chart *c, int panel)
{
    if (c->n_panels == 1) return 1;
    return !all_lines(c) ? 0.5 : panel == 0 ? 0.6 : 0.4;
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
        if (!plot_shows((double)xy[0], (double)xy[1])) continue;
        if (out) out[n] = (double)xy[of_y];
        n++;
    }
    for (size_t i = 0; p->bars && i < p->bars->n; i++) {
        if (!plot_shows(0, p->bars->values[i])) continue;
        if (out) out[n] = of_y ? p->bars->values[i] : (double)i;
        n++;
    }
    for (int s = 0; has_lines(p) && s < p->n_series; s++) {
        const chart_series *line = &p->series[s];
        for (size_t i = 0; i < line->n; i++) {
            if (!plot_shows(line->x[i], line->y[i])) continue;
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
    p->y = has_lines(p->panel) ? axis_robust_range(values, n) : axis_range(values, n);
    p->y_least = n > 0 ? values[0] : p->y.lo;
    p->y_most = n > 0 ? values[n - 1] : p->y.hi;
    mem_free(m, values);
    if (!p->panel->bars) return ELBO_OK;
    p->x = (interval){-0.5, (double)p->panel->bars->n - 0.5};
    p->y = (interval){fmin(0, p->y_least), p->y_most > 0 ? p->y_most : p->y_least < 0 ? 0 : 1};
    return ELBO_OK;
}

/* True where all x are whole numbers, such as epochs. */
static bool has_whole_x(const chart_panel *p)
{
    for (int s = 0; s < p->n_series; s++)
        for (size_t i = 0; i < p->series[s].n; i++)
            if (p->series[s].x[i] != floor(p->series[s].x[i])) return false;
    return has_lines(p);
}

static void share_x(plot *a, plot *b)
{
    a->x = b->x = (interval){fmin(a->x.lo, b->x.lo), fmax(a->x.hi, b->x.hi)};
}

/* Bars stand on 0, and fill the width. */
static void pad(plot *p)
{
    interval bare = p->y;
    if (!p->panel->bars) p->x = axis_padded(p->x, is_scatter(p->panel) ? 0.04 : 0.015);
    p->y = axis_padded(p->y, is_scatter(p->panel) ? 0.04 : 0.06);
    if (p->panel->bars && bare.lo == 0) p->y.lo = 0;
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
        pad(p);
        p->xt = axis_ticks(p->x, d->wide / X_TICK_EVERY, has_whole_x(p->panel));
        p->yt = axis_ticks(p->y, (int)((d->high - FRAME) * share_of(c, i)) / Y_TICK_EVERY, false);
    }
    return ELBO_OK;
}

/* ---- Layout ---- */

static elbo_status make_legend(drawing *d, elbo_error *error)
{
    const chart *c = d->c;
    for (int i = 0; i < c->n_panels; i++)
        for (int s = 0; has_lines(&c->panel[i]) && s < c->panel[i].n_series; s++)
            if (legend_line(&d->key, c->panel[i].series[s].name) < 0)
                return err_set(error, ELBO_USAGE, "a chart has %d different lines at most", LEGEND_LINES);
    for (int k = 0; has_points(c) && k < c->n_classes; k++)
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
    if (title) d->to->words(d->to, AT_START, d->left, y, d->c->title, INK_INK, true);
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

static int room_below(const plot *p)
{
    return TICK_ROOM * p->own_x + (p->panel->x_label ? X_LABEL_ROOM : 0);
}

/* Shares the height from top down among the plot boxes. */
static void place_panels(drawing *d, int top)
{
    int n = d->c->n_panels, bottom = d->high - MARGIN - (d->c->x_label ? X_LABEL_ROOM : 0);
    int spare = bottom - top - PANEL_GAP * (n - 1);
    for (int i = 0; i < n; i++) spare -= room_above(&d->plot[i]) + room_below(&d->plot[i]);
    for (int i = 0; i < n; i++) {
        plot *p = &d->plot[i];
        p->area = (box){d->left, top + room_above(p), d->width, (int)(spare * share_of(d->c, i))};
        top = p->area.y + p->area.h + room_below(p) + PANEL_GAP;
    }
}

/* ---- Drawing ---- */

static void draw_y_ticks(pen *to, const plot *p)
{
    for (int i = 0; i < p->yt.count; i++) {
        char label[TICK_LABEL];
        axis_tick_label(p->yt, i, label);
        int y = (int)plot_position(p, 0, axis_tick_value(p->yt, i)).y;
        to->box(to, (box){p->area.x, y, p->area.w, 1}, INK_GRID);
        to->words(to, AT_END, p->area.x - TICK_PAD, y - FONT_CAPITAL / 2, label, INK_QUIET, false);
    }
}

static void draw_x_label(pen *to, const plot *p, int x, const char *label)
{
    to->words(to, AT_MIDDLE, x, p->area.y + p->area.h + TICK_PAD, label, INK_QUIET, false);
}

/* The names of bars, as many as there is room for. */
static void draw_bar_names(pen *to, const plot *p)
{
    const chart_bars *b = p->panel->bars;
    char label[TICK_LABEL];
    int widest = 1;
    for (size_t i = 0; i < b->n; i++) {
        plot_bar_name(b, i, label);
        int width = canvas_text_width(label) + WORD_GAP;
        if (width > widest) widest = width;
    }
    size_t every = 1 + b->n * (size_t)widest / (size_t)(p->area.w + 1);
    for (size_t i = 0; i < b->n; i += every) {
        plot_bar_name(b, i, label);
        draw_x_label(to, p, (int)plot_bar_middle(p, i), label);
    }
}

static void draw_x_ticks(pen *to, const plot *p)
{
    if (p->panel->bars) {
        draw_bar_names(to, p);
        return;
    }
    for (int i = 0; i < p->xt.count; i++) {
        int x = (int)plot_position(p, axis_tick_value(p->xt, i), 0).x;
        to->box(to, (box){x, p->area.y, 1, p->area.h}, INK_GRID);
        if (!p->own_x) continue;
        char label[TICK_LABEL];
        axis_tick_label(p->xt, i, label);
        draw_x_label(to, p, x, label);
    }
}

/* A mark and "up to 540", right-aligned above the plot box; returns the x where it begins. */
static int draw_note(pen *to, int right, int y, const char *words, double extreme, int down)
{
    char number[TICK_LABEL];
    axis_number(extreme, number);
    to->words(to, AT_END, right, y, number, INK_QUIET, false);
    int x = right - canvas_text_width(number) - WORD_GAP;
    to->words(to, AT_END, x, y, words, INK_QUIET, false);
    x -= canvas_text_width(words) + 2 * PEN_MARK;
    to->mark(to, (point){x, y + 2 + (down > 0 ? PEN_MARK : 0)}, down, INK_QUIET);
    return x - PEN_MARK;
}

/* What the panel shows, and how far it goes beyond the y axis. */
static void draw_label(pen *to, const plot *p)
{
    int y = p->area.y - LABEL_ROOM + 8, right = p->area.x + p->area.w;
    if (p->panel->label) to->words(to, AT_START, p->area.x, y, p->panel->label, INK_QUIET, false);
    if (p->y_least < p->y.lo) right = draw_note(to, right, y, "down to", p->y_least, 1) - 2 * TICK_PAD;
    if (p->y_most > p->y.hi) draw_note(to, right, y, "up to", p->y_most, -1);
}

static elbo_status draw_panel(drawing *d, int i, elbo_error *error)
{
    const plot *p = &d->plot[i];
    draw_label(d->to, p);
    draw_x_ticks(d->to, p);
    draw_y_ticks(d->to, p);
    if (p->panel->x_label)
        d->to->words(d->to, AT_MIDDLE, d->left + d->width / 2, p->area.y + p->area.h + room_below(p) - FONT_CAPITAL + 4,
                     p->panel->x_label, INK_QUIET, false);
    d->to->box(d->to, (box){p->area.x, p->area.y + p->area.h, p->area.w, 1}, INK_AXIS);
    d->to->clip(d->to, p->area);
    elbo_status status = plot_draw(p, d->m, d->to, d->c, &d->key, i, error);
    d->to->unclip(d->to);
    return status;
}

static elbo_status draw(drawing *d, elbo_error *error)
{
    elbo_status status = make_legend(d, error);
    if (status == ELBO_OK) status = make_axes(d, error);
    if (status != ELBO_OK) return status;
    d->left = MARGIN + widest_label(d) + TICK_PAD;
    d->width = d->wide - MARGIN - d->left;
    place_panels(d, draw_heading(d));
    for (int i = 0; i < d->c->n_panels && status == ELBO_OK; i++) status = draw_panel(d, i, error);
    if (d->c->x_label)
        d->to->words(d->to, AT_MIDDLE, d->left + d->width / 2, d->high - MARGIN - FONT_CAPITAL, d->c->x_label, INK_QUIET, false);
    return status;
}

static int default_height(const chart *c)
{
    bool two_scatter = c->n_panels == 2 && is_scatter(&c->panel[0]) && is_scatter(&c->panel[1]);
    return two_scatter ? TWO_SCATTER_HEIGHT : HEIGHT;
}

/* Sets the size of the whole. */
static elbo_status plan(drawing *d, elbo_error *error)
{
    const chart *c = d->c;
    if (c->n_panels < 1 || c->n_panels > CHART_PANELS)
        return err_set(error, ELBO_USAGE, "a chart has 1 to %d panels, not %d", CHART_PANELS, c->n_panels);
    d->wide = c->width ? c->width : WIDTH;
    d->high = c->height ? c->height : default_height(c);
    if (d->wide < LEAST_WIDTH || d->high < LEAST_HEIGHT)
        return err_set(error, ELBO_USAGE, "a chart of %d x %d pixels is too small: at least %d x %d", d->wide, d->high,
                       LEAST_WIDTH, LEAST_HEIGHT);
    return ELBO_OK;
}

elbo_status chart_draw(memory m, const chart *c, canvas *out, elbo_error *error)
{
    *out = (canvas){.m = m};
    drawing d = {.c = c, .m = m};
    elbo_status status = plan(&d, error);
    if (status == ELBO_OK) status = canvas_open(out, m, d.high, d.wide, 3, error);
    if (status != ELBO_OK) return status;
    pen p = pen_canvas(out);
    d.to = &p;
    canvas_fill(out, ink_colour(INK_PAPER));
    status = draw(&d, error);
    if (status != ELBO_OK) canvas_close(out);
    return status;
}

static elbo_status draw_svg(memory m, const chart *c, bool alone, text *to, elbo_error *error)
{
    drawing d = {.c = c, .m = m};
    elbo_status status = plan(&d, error);
    if (status != ELBO_OK) return status;
    const char *label = c->title ? c->title : c->panel[0].label ? c->panel[0].label : "chart";
    pen p = pen_svg(to);
    d.to = &p;
    svg_begin(to, d.wide, d.high, label, alone);
    status = draw(&d, error);
    svg_end(to);
    return status == ELBO_OK && to->failed ? err_memory(error, "a chart") : status;
}

elbo_status chart_svg(memory m, const chart *c, text *to, elbo_error *error)
{
    return draw_svg(m, c, false, to, error);
}

static elbo_status write_svg(memory m, const char *path, const chart *c, elbo_error *error)
{
    text t;
    text_open(&t, m);
    elbo_status status = draw_svg(m, c, true, &t, error);
    if (status == ELBO_OK) status = file_write_result(m, path, &(file_part){t.bytes, t.length}, 1, error);
    text_close(&t);
    return status;
}

static elbo_status write_png(memory m, const char *path, const chart *c, elbo_error *error)
{
    canvas picture;
    elbo_status status = chart_draw(m, c, &picture, error);
    if (status == ELBO_OK) status = view_png_write(m, path, &picture, error);
    canvas_close(&picture);
    return status;
}

elbo_status chart_write(memory m, const char *path, const chart *c, elbo_error *error)
{
    size_t n = strlen(path);
    bool svg = n > 4 && strcasecmp(path + n - 4, ".svg") == 0;
    return svg ? write_svg(m, path, c, error) : write_png(m, path, c, error);
}
