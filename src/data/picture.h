/* picture.h - one picture file: the formats, and decoding into the shape of the examples.
 *
 * A file is known by its beginning, not by its name. It is checked before and while it is decoded: sizes (fit.h), at
 * most 100 scans in a JPEG, and where the format needs the whole picture at once (interlaced PNG, progressive JPEG) at
 * most 2^26 pixels. Whatever is not as the format says, a file cut short among it, makes the picture broken: nothing is
 * guessed.
 *
 * Alpha is laid over white; 16 bits become 8; palettes become colours; CMYK becomes RGB. Colour profiles, gamma and
 * the orientation in EXIF data are not applied. */
#ifndef ELBO_DATA_PICTURE_H
#define ELBO_DATA_PICTURE_H

#include "fit.h"
#include "stream.h"

enum { PICTURE_WHOLE = 1 << 26, PICTURE_SCANS = 100, PICTURE_HEAD = 8 };

/* Whether a name ends as that of a picture does, and whether a file begins as one. */
bool picture_has_name(const char *name);
bool picture_begins(const unsigned char head[PICTURE_HEAD], size_t n);

/* Decodes s into out [H,W,C], or with f->measure only its header. May run in any thread: of memory it takes only
 * what libjpeg and libpng take for themselves. Errors: BAD_FILE (broken), MISMATCH (sound, but it does not fit the
 * shape), IO, NO_BACKEND (built without the format). */
elbo_status picture_decode(stream *s, fit *f, unsigned char *out, elbo_error *error);

/* ---- The formats ---- */

/* Each reads s, whose first bytes are in its buffer, and gives f what it finds. */
elbo_status jpeg_decode(stream *s, fit *f, elbo_error *error);
elbo_status png_decode(stream *s, fit *f, elbo_error *error);
elbo_status pnm_decode(stream *s, fit *f, elbo_error *error);

/* Why a stream ended where more was expected. */
elbo_status picture_cut(const stream *s, elbo_error *error);

#endif
