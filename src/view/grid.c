/* grid.c - see grid.h
 *
 * The plan is made in 64-bit numbers from sizes that have been bounded one by one, so nothing in it can overflow;
 * drawing then works with plain ints. */
#include "grid.h"

#include "../base/engine.h"
#include "../base/file.h"
#include "../base/mode.h"
#include "animation.h"
#include "font.h"
#include "png.h"

#include <math.h>
#include <string.h>

enum {
    WIDE = 900,  /* a scale is chosen so that the whole is about as wide as this, */
    TALL = 2000, /* and not taller than this */
    SCALE_MOST = 16,
    GAP = 2, /* around cells; 1 where pictures are not enlarged */
    LINE = FONT_ROWS + 6,
    MARGIN = 6, /* beside the title and the labels */
    LABEL_MOST = 1024,
};

static const colour paper = {255, 255, 255, 255}, ink = {45, 45, 45, 255};

/* ---- The plan ---- */

static elbo_status check(const grid *g, elbo_error *error)
{
    if (g->n < 1) return err_set(error, ELBO_USAGE, "a grid needs at least 1 picture, got %lld", (long long)g->n);
    if (g->n_parts < 1 || g->n_parts > GRID_PARTS)
        return err_set(error, ELBO_USAGE, "a cell of a grid shows 1 to %d pictures, not %d", GRID_PARTS, g->n_parts);
    if (g->per_row < 0 || g->scale < 0 || g->scale > CANVAS_SIDE)
        return err_set(error, ELBO_USAGE, "a grid of %lld pictures in a row at scale %lld can't be drawn",
                       (long long)g->per_row, (long long)g->scale);
    for (int i = 0; i < g->n_parts; i++)
        if (!g->part[i]) return err_set(error, ELBO_USAGE, "the values of a grid are NULL");
    for (int i = 0; i < 3; i++)
        if (g->shape[i] < 1 || g->shape[i] > CANVAS_SIDE)
            return err_set(error, ELBO_USAGE, "pictures of shape %lldx%lldx%lld can't be drawn: a side is 1 to %d",
                           (long long)g->shape[0], (long long)g->shape[1], (long long)g->shape[2], CANVAS_SIDE);
    if (g->shape[2] != 1 && g->shape[2] != 3 && g->shape[2] != 4)
        return err_set(error, ELBO_USAGE, "pictures have 1, 3 or 4 channels, got %lld", (long long)g->shape[2]);
    return ELBO_OK;
}

/* Columns: what was asked for, or what makes the whole about square. */
static int64_t columns_of(const grid *g)
{
    if (g->per_row > 0) return g->per_row < g->n ? g->per_row : g->n;
    double aspect = (double)g->shape[0] / (double)(g->shape[1] * g->n_parts);
    double columns = ceil(sqrt((double)g->n * aspect));
    return columns < 1 ? 1 : columns > (double)g->n ? g->n : (int64_t)columns;
}

static int64_t span(int64_t cells, int64_t cell, int64_t gap)
{
    return gap + cells * (cell + gap);
}

/* The scale for w x h pixels of pictures: WIDE / w to nearest, so that small ones come out 600 to 1200 wide. */
static int64_t scale_of(const grid *g, int64_t w, int64_t h)
{
    if (g->scale > 0) return g->scale;
    int64_t scale = (2 * WIDE + w) / (2 * w);
    if (scale > TALL / h) scale = TALL / h;
    return scale < 1 ? 1 : scale > SCALE_MOST ? SCALE_MOST : scale;
}

/* The width that the rows' labels take. */
static int64_t label_width(const grid *g, int64_t rows)
{
    int widest = 0;
    for (int64_t i = 0; g->labels && i < rows; i++) {
        int width = g->labels[i] ? canvas_text_width(g->labels[i]) : 0;
        if (width > widest) widest = width;
    }
    return widest == 0 ? 0 : 2 * MARGIN + (widest < LABEL_MOST ? widest : LABEL_MOST);
}

elbo_status grid_plan(const grid *g, grid_layout *out, elbo_error *error)
{
    elbo_status status = check(g, error);
    if (status != ELBO_OK) return status;
    int64_t columns = columns_of(g), rows = (g->n - 1) / columns + 1;
    if (columns > CANVAS_SIDE || rows > CANVAS_SIDE)
        return err_set(error, ELBO_USAGE, "a grid of %lld x %lld cells can't be drawn: %d at most each way",
                       (long long)columns, (long long)rows, CANVAS_SIDE);
    int64_t w = g->shape[1] * g->n_parts, scale = scale_of(g, columns * w, rows * g->shape[0]);
    int64_t gap = scale > 1 ? GAP : 1, top = LINE * ((g->title != NULL) + (g->captions != NULL));
    int64_t left = label_width(g, rows);
    int64_t width = left + span(columns, scale * w, gap), height = top + span(rows, scale * g->shape[0], gap);
    if (width > CANVAS_SIDE || height > CANVAS_SIDE || width * height > CANVAS_AREA)
        return err_set(error, ELBO_USAGE,
                       "a grid of %lld x %lld pixels is too large (a side has %d at most): show fewer pictures",
                       (long long)width, (long long)height, CANVAS_SIDE);
    *out =
        (grid_layout){(int)columns, (int)rows, (int)scale, (int)gap, .top = (int)top, .left = (int)left,
                      .width = width, .height = height};
    out->cell_w = (int)(scale * w);
    out->cell_h = (int)(scale * g->shape[0]);
    return ELBO_OK;
}

/* ---- Drawing ---- */

static void draw_cell(canvas *c, const grid *g, const grid_layout *l, int64_t i)
{
    int x = l->left + l->gap + (int)(i % l->columns) * (l->cell_w + l->gap);
    int y = l->top + l->gap + (int)(i / l->columns) * (l->cell_h + l->gap);
    size_t offset = (size_t)i * (size_t)(g->shape[0] * g->shape[1] * g->shape[2]);
    for (int k = 0; k < g->n_parts; k++, x += l->cell_w / g->n_parts)
        canvas_picture(c, x, y, g->part[k] + offset, g->shape, l->scale, g->range);
}

/* A caption is centred over its column; one that is too wide starts at the column's left edge and is cut. */
static void draw_captions(canvas *c, const grid *g, const grid_layout *l)
{
    for (int i = 0; i < l->columns; i++) {
        if (!g->captions[i]) continue;
        int x = l->left + l->gap + i * (l->cell_w + l->gap), spare = l->cell_w - canvas_text_width(g->captions[i]);
        canvas_clip(c, (box){x, 0, l->cell_w, l->top});
        canvas_text(c, x + (spare > 0 ? spare / 2 : 0), l->top - LINE + 5, g->captions[i], ink, false);
    }
    canvas_unclip(c);
}

/* A label ends beside its row, at half the row's height. */
static void draw_labels(canvas *c, const grid *g, const grid_layout *l)
{
    canvas_clip(c, (box){0, 0, l->left, c->height});
    for (int i = 0; i < l->rows; i++) {
        if (!g->labels[i]) continue;
        int y = l->top + l->gap + i * (l->cell_h + l->gap) + (l->cell_h - FONT_CAPITAL) / 2;
        canvas_text(c, l->left - MARGIN - canvas_text_width(g->labels[i]), y, g->labels[i], ink, false);
    }
    canvas_unclip(c);
}

elbo_status grid_draw(memory m, const grid *g, canvas *out, elbo_error *error)
{
    *out = (canvas){.m = m};
    grid_layout l;
    elbo_status status = grid_plan(g, &l, error);
    if (status == ELBO_OK) status = value_range_check(g->range, error);
    if (status == ELBO_OK) status = canvas_open(out, m, l.height, l.width, g->shape[2], error);
    if (status != ELBO_OK) return status;
    canvas_fill(out, paper);
    if (g->title) canvas_text(out, MARGIN, MARGIN, g->title, ink, true);
    if (g->captions) draw_captions(out, g, &l);
    if (g->labels) draw_labels(out, g, &l);
    for (int64_t i = 0; i < g->n; i++) draw_cell(out, g, &l, i);
    return ELBO_OK;
}

elbo_status grid_write(memory m, const char *path, const grid *g, elbo_error *error)
{
    canvas c;
    elbo_status status = grid_draw(m, g, &c, error);
    if (status == ELBO_OK) status = view_png_write(m, path, &c, error);
    canvas_close(&c);
    return status;
}

/* ---- The public functions ---- */

static elbo_status check_call(elbo_engine *engine, const char *path, const int64_t shape[3], int64_t per_row, elbo_error *error)
{
    if (!engine || !path || !shape)
        return err_set(error, ELBO_USAGE, "writing a grid needs an engine, a path and a shape; one of them is NULL");
    if (per_row < 1)
        return err_set(error, ELBO_USAGE, "a grid needs at least 1 picture in a row, got %lld", (long long)per_row);
    return ELBO_OK;
}

elbo_status elbo_png_write_labelled(elbo_engine *engine, const char *path, const elbo_grid *cells, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (!cells) return check_call(engine, path, NULL, 0, error);
    elbo_status status = check_call(engine, path, cells->shape, cells->per_row, error);
    if (status != ELBO_OK) return status;
    grid g = {.n_parts = cells->n_parts, .n = cells->n, .per_row = cells->per_row, .range = {cells->min, cells->max},
              .title = cells->title, .captions = cells->columns, .labels = cells->rows};
    memcpy(g.part, cells->part, sizeof g.part);
    memcpy(g.shape, cells->shape, sizeof g.shape);
    return grid_write(engine->m, path, &g, error);
}

/* Cells of n_parts pictures without words. */
static elbo_status write_cells(elbo_engine *engine, const char *path, const float *const *part, int n_parts, int64_t n,
                               const int64_t shape[3], int64_t per_row, value_range range, elbo_error *error)
{
    elbo_grid g = {.n_parts = n_parts, .n = n, .per_row = per_row, .min = range.min, .max = range.max};
    for (int i = 0; i < n_parts; i++) g.part[i] = part[i];
    if (shape) memcpy(g.shape, shape, sizeof g.shape);
    return elbo_png_write_labelled(engine, path, shape ? &g : NULL, error);
}

elbo_status elbo_png_write_grid(elbo_engine *engine, const char *path, const float *x, int64_t n,
                                const int64_t shape[3], int64_t per_row, double min, double max, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    return write_cells(engine, path, (const float *const[]){x}, 1, n, shape, per_row, (value_range){min, max}, error);
}

elbo_status elbo_png_write_pairs(elbo_engine *engine, const char *path, const float *left, const float *right,
                                 int64_t n, const int64_t shape[3], int64_t per_row, double min, double max,
                                 elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    const float *const part[] = {left, right};
    return write_cells(engine, path, part, 2, n, shape, per_row, (value_range){min, max}, error);
}

/* Adds frames [n_frames,n,H,W,C], the first of which g shows. */
static elbo_status add_frames(animation *a, memory m, grid *g, int64_t n_frames, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    size_t size = (size_t)(g->n * g->shape[0] * g->shape[1] * g->shape[2]);
    for (int64_t i = 0; i < n_frames && status == ELBO_OK; i++, g->part[0] += size) {
        canvas frame;
        status = grid_draw(m, g, &frame, error);
        if (status == ELBO_OK) status = animation_add(a, &frame, error);
        canvas_close(&frame);
    }
    return status;
}

elbo_status elbo_png_write_animation(elbo_engine *engine, const char *path, const float *x, int64_t n_frames, int64_t n,
                                     const int64_t shape[3], int64_t per_row, double per_second, double min, double max,
                                     elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    unsigned char *bytes = NULL;
    size_t size = 0;
    elbo_status status = check_call(engine, path, shape, per_row, error);
    if (status != ELBO_OK) return status;
    if (n_frames < 1 || !(per_second > 0))
        return err_set(error, ELBO_USAGE, "an animation needs at least 1 frame and a rate above 0, got %lld and %g",
                       (long long)n_frames, per_second);
    grid g = {.part = {x}, .n_parts = 1, .n = n, .shape = {shape[0], shape[1], shape[2]}, .per_row = per_row,
              .range = {min, max}};
    animation a;
    animation_open(&a, engine->m, per_second);
    status = add_frames(&a, engine->m, &g, n_frames, error);
    if (status == ELBO_OK) status = animation_encode(&a, &bytes, &size, error);
    animation_close(&a);
    if (status == ELBO_OK) status = file_write_result(engine->m, path, &(file_part){bytes, size}, 1, error);
    mem_free(engine->m, bytes);
    return status;
}
