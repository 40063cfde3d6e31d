/* grid.h - many pictures as one: rows of cells with a thin gap around each.
 *
 * A cell shows one picture, or several side by side without a gap: [reconstruction | original] is a cell of two parts.
 * With W and H the size of a part, s the scale, p parts and g the gap, cell (row, column) has its top left corner at
 *   x = left + g + column (p s W + g),   y = top + g + row (s H + g)
 * where top is the height of the title and the captions, and left the width of the labels; 0 without them. */
#ifndef ELBO_VIEW_GRID_H
#define ELBO_VIEW_GRID_H

#include "canvas.h"

enum { GRID_PARTS = 4 };

typedef struct grid {
    const float *part[GRID_PARTS]; /* each [n,H,W,C]; the i-th cell shows part[0][i], part[1][i], ...                 */
    int n_parts;
    int64_t n;
    int64_t shape[3]; /* H, W, C                                                                                      */
    int64_t per_row;  /* cells of a row; 0: about as many as there are rows                                           */
    int64_t scale;    /* screen pixels of a pixel; 0: small pictures are enlarged to about 600 to 1200 in all         */
    value_range range;
    const char *title;           /* a line above, cut at the width; NULL: none                                        */
    const char *const *captions; /* one above each column, cut at its width; NULL: none                               */
    const char *const *labels;   /* one left of each row; NULL: none                                                  */
} grid;

/* Where everything lies, in screen pixels. */
typedef struct grid_layout {
    int columns, rows, scale, gap;
    int cell_w, cell_h, top, left;
    int64_t width, height; /* of the whole */
} grid_layout;

/* Errors: USAGE (no pictures, channels other than 1, 3, 4, a negative number, a picture too large to draw). */
elbo_status grid_plan(const grid *g, grid_layout *out, elbo_error *error);

/* Opens *out and draws the grid; on failure *out is empty. Errors: as grid_plan, a bad range, NO_MEMORY. */
elbo_status grid_draw(memory m, const grid *g, canvas *out, elbo_error *error);

/* Draws and writes a PNG. Errors: as grid_draw, IO. */
elbo_status grid_write(memory m, const char *path, const grid *g, elbo_error *error);

#endif
