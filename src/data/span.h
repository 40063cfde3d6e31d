/* span.h - examples that stay where they lie, in a file, and are read by position. A file that another process cuts short is an
 * error then, where a map of it would end the program. */
#ifndef ELBO_DATA_SPAN_H
#define ELBO_DATA_SPAN_H

#include "../base/error.h"
#include "layout.h"

typedef struct span {
    memory m;
    int64_t count;
    void *held;     /* the examples as they are kept, where they are in memory after all; else NULL, and: */
    int file;       /* -1: none */
    char *path;
    uint64_t offset; /* of the first one */
    layout l;
    unsigned char *room; /* for an example as it lies; NULL: it is read as it is kept */
    bool masks;          /* ones are read as 255 */
} span;

/* Of a file that lies open; what the span has is its own. l must be layout_by_example. Errors: IO, NO_MEMORY. */
elbo_status span_open(span *s, memory m, int file, const char *path, uint64_t offset, const layout *l, elbo_error *error);
void span_close(span *s);

/* Reads example i. Errors: IO, BAD_FILE (the file is shorter now). */
elbo_status span_read(const span *s, int64_t i, void *out, elbo_error *error);
/* Says that it will be read soon. */
void span_will_read(const span *s, int64_t i);

#endif
