/* heat.c - a table of numbers as colours, the number written in each cell.
 *
 * The colour goes from white to a dark blue in straight lines through two blues between, so that darker is more also in
 * grey and to colour-blind eyes; the ink turns white where the ground is dark. */
#include "../base/engine.h"
#include "../base/mode.h"
#include "canvas.h"
#include "font.h"
#include "png.h"

#include <math.h>
#include <stdio.h>

enum {
    MOST_ROWS = 1000,
    MOST_COLUMNS = 100,
    CELL_W = 76,
    CELL_H = 26,
    GAP = 1,
    MARGIN = 14,
    PAD = 8,     /* between a name and its row */
    NAME_MOST = 240,
    LINE = FONT_ROWS + 10,
};

static const colour paper = {255, 255, 255, 255}, ink = {38, 38, 38, 255}, light_ink = {255, 255, 255, 255};
static const colour stops[] = {{247, 250, 253, 255}, {158, 202, 225, 255}, {49, 130, 189, 255}, {8, 48, 107, 255}};
enum { N_STOPS = sizeof stops / sizeof *stops };

static unsigned char mix(int a, int b, double share)
{
    return (unsigned char)lrint(a + (b - a) * share);
}

/* share in [0,1] */
static colour colour_of(double share)
{
    double place = share * (N_STOPS - 1);
    int i = place < N_STOPS - 1 ? (int)place : N_STOPS - 2;
    const colour *a = &stops[i], *b = &stops[i + 1];
    return (colour){mix(a->r, b->r, place - i), mix(a->g, b->g, place - i), mix(a->b, b->b, place - i), 255};
}

static const char *name_at(const char *const *names, int64_t i)
{
    return names && names[i] ? names[i] : "";
}

static void draw_cell(canvas *to, const elbo_heat_map *h, box cell, double value)
{
    char words[32];
    double share = fmax(0, fmin(1, (value - h->min) / (h->max - h->min)));
    canvas_box(to, cell, colour_of(share));
    snprintf(words, sizeof words, "%.2f", value);
    if (canvas_text_width(words) > cell.w) snprintf(words, sizeof words, "%.1g", value);
    canvas_text(to, cell.x + (cell.w - canvas_text_width(words)) / 2, cell.y + (cell.h - FONT_CAPITAL) / 2, words,
                share > 0.5 ? light_ink : ink, false);
}

static void draw_row(canvas *to, const elbo_heat_map *h, int64_t row, int left, int y)
{
    const char *name = name_at(h->row_names, row);
    canvas_clip(to, (box){0, y, left, CELL_H});
    canvas_text(to, left - PAD - canvas_text_width(name), y + (CELL_H - FONT_CAPITAL) / 2, name, ink, false);
    canvas_unclip(to);
    for (int64_t i = 0; i < h->columns; i++) {
        double value = h->values[row * h->columns + i];
        if (isfinite(value)) draw_cell(to, h, (box){left + (int)i * (CELL_W + GAP), y, CELL_W, CELL_H}, value);
    }
}

static void draw_column_names(canvas *to, const elbo_heat_map *h, int left, int y)
{
    for (int64_t i = 0; i < h->columns; i++) {
        const char *name = name_at(h->column_names, i);
        int x = left + (int)i * (CELL_W + GAP), spare = CELL_W - canvas_text_width(name);
        canvas_clip(to, (box){x, y, CELL_W, LINE});
        canvas_text(to, x + (spare > 0 ? spare / 2 : 0), y + 4, name, ink, false);
        canvas_unclip(to);
    }
}

/* The width of the widest name of a row. */
static int widest_name(const elbo_heat_map *h)
{
    int widest = 0;
    for (int64_t i = 0; i < h->rows; i++) {
        int width = canvas_text_width(name_at(h->row_names, i));
        if (width > widest) widest = width;
    }
    return widest < NAME_MOST ? widest : NAME_MOST;
}

static elbo_status draw(memory m, const elbo_heat_map *h, canvas *out, elbo_error *error)
{
    int left = MARGIN + widest_name(h) + PAD, top = MARGIN + LINE * ((h->title != NULL) + (h->column_names != NULL));
    int64_t width = left + h->columns * (CELL_W + GAP) + MARGIN, height = top + h->rows * (CELL_H + GAP) + MARGIN;
    if (h->title && width < 2 * MARGIN + canvas_text_width(h->title)) width = 2 * MARGIN + canvas_text_width(h->title);
    elbo_status status = canvas_open(out, m, height, width, 3, error);
    if (status != ELBO_OK) return status;
    canvas_fill(out, paper);
    if (h->title) canvas_text(out, MARGIN, MARGIN, h->title, ink, true);
    if (h->column_names) draw_column_names(out, h, left, top - LINE);
    for (int64_t i = 0; i < h->rows; i++) draw_row(out, h, i, left, top + (int)i * (CELL_H + GAP));
    return ELBO_OK;
}

elbo_status elbo_png_write_heat_map(elbo_engine *engine, const char *path, const elbo_heat_map *map, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (!map->values || map->rows < 1 || map->rows > MOST_ROWS || map->columns < 1 || map->columns > MOST_COLUMNS)
        return err_set(error, ELBO_USAGE, "a heat map has 1 to %d rows and 1 to %d columns, not %lld and %lld", MOST_ROWS,
                       MOST_COLUMNS, (long long)map->rows, (long long)map->columns);
    elbo_status status = value_range_check((value_range){map->min, map->max}, error);
    if (status != ELBO_OK) return status;
    canvas c = {.m = engine->m};
    status = draw(engine->m, map, &c, error);
    if (status == ELBO_OK) status = view_png_write(engine->m, path, &c, error);
    canvas_close(&c);
    return status;
}
