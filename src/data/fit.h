/* fit.h - a picture, row by row, cropped and resized to the shape of the examples.
 *
 * First the crop: the square in the middle, its side a number of pixels or a fraction of the picture's width (rounded
 * to the nearest), at most the shorter side; what is left over is halved, rounded down at the left and at the top. Then
 * the resizing, with a triangle filter whose half-width is one pixel of the larger of the two grids: interpolation
 * where the picture grows, an average over what a pixel covers (and half as much on either side) where it shrinks, and
 * the picture itself where nothing changes. Filters that reach over the edge are cut and made to sum to 1 again. Then
 * grey, where it is asked for: 0.299 R + 0.587 G + 0.114 B. All is computed in float in the order of the rows and
 * rounded once.
 *
 * A row is used up as it comes, so no picture is ever in memory as a whole. */
#ifndef ELBO_DATA_FIT_H
#define ELBO_DATA_FIT_H

#include "../base/error.h"
#include "../base/mem.h"

enum { PICTURE_SIDE = 32768, PICTURE_PIXELS = 1 << 28 };

/* What every picture becomes. */
typedef struct fit_shape {
    int height, width;
    int channels; /* 1 or 3 */
    double crop;  /* 0: none; up to 1: the side as a fraction of the width; above: in pixels */
    bool grey;    /* pictures in colour are made grey; false: with one channel, they do not fit */
    bool exact;   /* nothing is resized: a picture of another size does not fit */
} fit_shape;

/* One axis: the part of the picture's side that is used, and for every place of the outcome what it is made of. */
typedef struct fit_axis {
    int from, n, n_out;
    float *weight;       /* [PICTURE_SIDE x 2 + n_out x 5] those of place 0, then of place 1, ... */
    int *first, *offset; /* [n_out], [n_out + 1]: the first pixel of a place, and where its weights begin */
} fit_axis;

typedef struct fit {
    memory m;
    fit_shape shape;
    fit_axis x, y;
    float *across, *sums; /* [W,C], [H,W,C] */
    unsigned char *row;   /* [PICTURE_SIDE,4] for the decoder */
    /* Of the picture at hand: */
    int width, height, channels, next_row, first_out;
    bool measure; /* only the header is wanted */
} fit;

/* Scratch for pictures of a shape; all the memory fitting takes. Errors: NO_MEMORY. */
elbo_status fit_open(fit *f, memory m, fit_shape shape, elbo_error *error);
void fit_close(fit *f);

/* Begins a picture of these sizes with 1 or 3 channels in a file of size bytes. Errors: BAD_FILE (sizes out of bounds),
 * MISMATCH (it does not fit the shape). */
elbo_status fit_begin(fit *f, int64_t width, int64_t height, int channels, uint64_t file_size, elbo_error *error);
/* Takes the next row [W,C], from the top. */
void fit_row(fit *f, const unsigned char *row);
/* Gives the outcome [H,W,C]. */
void fit_end(const fit *f, unsigned char *out);

/* The size the picture at hand has when it is cropped. */
void fit_cropped(const fit *f, int *height, int *width);

#endif
