/* seek.h - the bytes of a large file by offset, unpacked where it is gzipped, without holding them.
 *
 * A plain file is read where the bytes lie. A gzipped one (RFC 1952) is unpacked once when it is opened, and about
 * every SEEK_SPAN bytes the state of the unpacking is kept: where in the file it was, and the 32 KiB before it,
 * which is all that deflate looks back to. Reading goes on from the nearest state before the offset, so it costs
 * half a span on average and 3 % of the unpacked size in memory. After opening a seek_file is only read: any number
 * of threads may share it, each with a cursor of its own. */
#ifndef ELBO_DATA_SEEK_H
#define ELBO_DATA_SEEK_H

#include "../base/error.h"
#include "../base/mem.h"

enum { SEEK_SPAN = 1 << 20 };

typedef struct seek_file seek_file;
typedef struct seek_cursor seek_cursor;

/* path must stay valid. Errors: IO, BAD_FILE (gzip data are broken or cut short), NO_MEMORY. */
elbo_status seek_open(seek_file **out, memory m, const char *path, elbo_error *error);
void seek_close(seek_file *f);
uint64_t seek_size(const seek_file *f); /* unpacked */
const char *seek_path(const seek_file *f);

elbo_status seek_cursor_open(seek_cursor **out, const seek_file *f, elbo_error *error);
void seek_cursor_close(seek_cursor *c);

/* Reads exactly size bytes at offset. Errors: IO, BAD_FILE (the file has fewer, or has changed). */
elbo_status seek_read(seek_cursor *c, uint64_t offset, void *bytes, size_t size, elbo_error *error);

#endif
