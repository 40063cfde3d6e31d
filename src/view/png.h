/* png.h - a canvas as a PNG file. Equal pixels give equal bytes: no time, no text, fixed filter and compression. */
#ifndef ELBO_VIEW_PNG_H
#define ELBO_VIEW_PNG_H

#include "canvas.h"

/* *bytes is freed with mem_free. Errors: NO_MEMORY, FAILED (libpng's reason). */
elbo_status view_png_encode(memory m, const canvas *c, unsigned char **bytes, size_t *size, elbo_error *error);

/* Opens *out with the picture that a PNG holds, with 8 bits a channel; of an animation, the first frame. Errors: BAD_FILE
 * (libpng's reason, or a picture too large), NO_MEMORY. */
elbo_status view_png_decode(memory m, const unsigned char *bytes, size_t size, canvas *out, elbo_error *error);

/* Encodes in memory, then replaces path atomically. Errors: NO_MEMORY, IO, FAILED. */
elbo_status view_png_write(memory m, const char *path, const canvas *c, elbo_error *error);

#endif
