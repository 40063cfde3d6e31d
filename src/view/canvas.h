/* canvas.h - a picture in memory to draw on: bytes [H,W,C] with C = 1 (grey), 3 (RGB) or 4 (RGBA).
 *
 * The origin is the top left corner; pixel (x, y) covers [x, x+1) x [y, y+1). Everything drawn is cut to the clip
 * box, so no caller has to care about edges. Colours are RGBA; a grey canvas takes their luma. Lines, discs and text
 * are blended over what is there; pictures replace it. */
#ifndef ELBO_VIEW_CANVAS_H
#define ELBO_VIEW_CANVAS_H

#include "../base/error.h"
#include "../base/mem.h"

enum {
    CANVAS_SIDE = 32768,   /* pixels of a side at most */
    CANVAS_AREA = 1 << 28, /* pixels of a canvas at most */
};

typedef struct colour {
    unsigned char r, g, b, a;
} colour;

typedef struct point {
    double x, y;
} point;

typedef struct box {
    int x, y, w, h;
} box;

typedef struct canvas {
    memory m;
    int width, height, channels;
    unsigned char *bytes; /* [height,width,channels] */
    box clip;             /* always within the canvas */
} canvas;

/* A canvas of zeros. On failure *c is empty and needs no closing. Errors: USAGE (channels other than 1, 3, 4, a side
 * out of [1, CANVAS_SIDE], an area above CANVAS_AREA), NO_MEMORY. */
elbo_status canvas_open(canvas *c, memory m, int64_t height, int64_t width, int64_t channels, elbo_error *error);
void canvas_close(canvas *c);

/* Cuts what is drawn from now on to area; canvas_unclip lifts it. */
void canvas_clip(canvas *c, box area);
void canvas_unclip(canvas *c);

/* Replaces pixels by a colour. */
void canvas_fill(canvas *c, colour paint);
void canvas_box(canvas *c, box area, colour paint);

/* How numbers become bytes: min to 0, max to 255, rounded to nearest, clamped outside. NaN shows as mid grey in a grey
 * picture; in a colour picture the whole pixel turns magenta. */
typedef struct value_range {
    double min, max;
} value_range;

/* Copies a picture [H,W,C], C = 1, 3 or 4, each value as a block of scale x scale pixels, its top left corner at (x,
 * y). */
void canvas_picture(canvas *c, int x, int y, const float *values, const int64_t shape[3], int scale, value_range range);

/* Copies a part of another canvas to (x, y), made smaller: a pixel is the mean of step x step. */
void canvas_copy(canvas *c, int x, int y, const canvas *from, box part, int step);

/* Errors: USAGE unless min < max and both, and their distance, are finite. */
elbo_status value_range_check(value_range range, elbo_error *error);

/* A line through n points, anti-aliased, with round ends and joints; one point gives a dot. Blended once, so a line
 * that crosses itself or has many short pieces looks even. Errors: NO_MEMORY. */
elbo_status canvas_path(canvas *c, const point *points, size_t n, double line_width, colour ink, elbo_error *error);
/* An anti-aliased disc. */
void canvas_disc(canvas *c, point centre, double radius, colour ink);

/* Text with the top of its capitals at y; returns the x after it. The font is font.h's. */
int canvas_text(canvas *c, int x, int y, const char *text, colour ink, bool bold);
int canvas_text_width(const char *text); /* bold takes the same */

#endif
