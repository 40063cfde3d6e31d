/* gz.h - the bytes of a file in their order, unpacked where the file is gzipped. */
#ifndef ELBO_DATA_GZ_H
#define ELBO_DATA_GZ_H

#include "../base/error.h"
#include "../base/mem.h"

typedef struct gz gz;

enum { GZ_HEAD = 8 };

/* Opens a file; path must stay valid. Errors: IO, BAD_FILE (gzip data that is broken at its beginning), NO_MEMORY. */
elbo_status gz_open(gz **out, memory m, const char *path, elbo_error *error);
/* The same for bytes in memory, which must outlive it; deflated: they are deflate data without any header. */
elbo_status gz_open_bytes(gz **out, memory m, const char *path, const unsigned char *bytes, size_t size, bool deflated,
                          elbo_error *error);
void gz_close(gz *g);
/* All bytes of the file as they lie; false where it is gzipped. */
bool gz_bytes(const gz *g, const unsigned char **bytes, size_t *size);

const char *gz_path(const gz *g);
memory gz_memory(const gz *g);
/* How many bytes have been read: the offset of the next one in the unpacked data. */
uint64_t gz_position(const gz *g);
/* The first bytes, followed by zeros where the data are shorter; reading does not change them. */
const unsigned char *gz_head(const gz *g);

/* Reads exactly n bytes of what. Errors: BAD_FILE (fewer are left, broken gzip data), NO_MEMORY. */
elbo_status gz_read(gz *g, void *out, size_t n, const char *what, elbo_error *error);

/* Reads the last n bytes of the data into a new block. Nothing is allocated for a size the file can't hold, and no more
 * than n + 1 bytes are ever unpacked. Errors: BAD_FILE (fewer or more are left, broken gzip data), NO_MEMORY. */
elbo_status gz_read_rest(gz *g, size_t n, const char *what, unsigned char **out, elbo_error *error);

/* Reads all that is left into a new block. Errors: BAD_FILE (more than most bytes are left, broken gzip data), NO_MEMORY. */
elbo_status gz_read_all(gz *g, size_t most, unsigned char **out, size_t *n, elbo_error *error);

#endif
