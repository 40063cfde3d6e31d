/* animation.h - canvases of one size as an animated PNG (APNG, https://wiki.mozilla.org/APNG_Specification), played from
 * the beginning again for ever. Programs that know PNG only show the first canvas. Equal pixels give equal bytes. */
#ifndef ELBO_VIEW_ANIMATION_H
#define ELBO_VIEW_ANIMATION_H

#include "../base/text.h"
#include "canvas.h"

enum { ANIMATION_HEAD = 33 }; /* the signature and the chunk IHDR */

typedef struct animation {
    text body; /* the frames' chunks */
    unsigned char head[ANIMATION_HEAD];
    unsigned milliseconds;       /* a frame is shown for */
    int width, height, channels; /* of the first frame */
    unsigned n_frames, n_chunks; /* those that have a number: fcTL and fdAT */
} animation;

/* per_second: frames; from 1/65 to 1000. */
void animation_open(animation *a, memory m, double per_second);
void animation_close(animation *a);

/* Adds a frame. Errors: USAGE (another size than the first), NO_MEMORY, FAILED (libpng's reason). */
elbo_status animation_add(animation *a, const canvas *frame, elbo_error *error);

/* The file so far; *bytes is freed with mem_free. Errors: USAGE (no frame), NO_MEMORY. */
elbo_status animation_encode(const animation *a, unsigned char **bytes, size_t *size, elbo_error *error);

#endif
