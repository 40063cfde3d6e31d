/* stream.h - the bytes of one picture in their order, through a buffer of fixed size: a file of its own, or a
 * stretch of an archive. */
#ifndef ELBO_DATA_STREAM_H
#define ELBO_DATA_STREAM_H

#include "seek.h"

enum { STREAM_BUFFER = 16384 };

typedef struct stream {
    seek_cursor *archive; /* NULL: a file of its own */
    int file;
    const char *path;
    uint64_t at, left, size; /* what of the source is not in the buffer yet; size: of all */
    const unsigned char *next, *end;
    elbo_status status; /* of the last refill */
    elbo_error *error;
    unsigned char buffer[STREAM_BUFFER];
} stream;

/* Opens a file; path must stay valid. Errors: IO. */
elbo_status stream_open_file(stream *s, const char *path, elbo_error *error);
/* Opens size bytes of an archive. Bytes that are not there are an error of the reading. */
void stream_open_part(stream *s, seek_cursor *archive, uint64_t offset, uint64_t size, elbo_error *error);
void stream_close(stream *s);

/* Fills the empty buffer. False at the end, and where reading failed: status tells. */
bool stream_refill(stream *s);
/* Reads exactly n bytes; false: there are fewer, or status is an error. */
bool stream_read(stream *s, void *bytes, size_t n);
/* Passes over n bytes; false: there are fewer. */
bool stream_skip(stream *s, uint64_t n);
/* The next byte, -1 at the end. */
static inline int stream_byte(stream *s)
{
    return s->next < s->end || stream_refill(s) ? *s->next++ : -1;
}

#endif
