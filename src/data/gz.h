/* gz.h - the bytes of a file, or of a stretch of one, in their order, unpacked where they are packed. They are read as they are
 * asked for, through a buffer of fixed size. */
#ifndef ELBO_DATA_GZ_H
#define ELBO_DATA_GZ_H

#include "../base/error.h"
#include "../base/mem.h"

typedef struct gz gz;

enum { GZ_HEAD = 8 };

/* Opens a file; path must stay valid. Errors: IO, BAD_FILE (gzip data that is broken at its beginning), NO_MEMORY. */
elbo_status gz_open(gz **out, memory m, const char *path, elbo_error *error);

/* A stretch of a file: deflated are deflate data without any header. */
typedef struct gz_part {
    uint64_t offset, size;
    bool deflated;
    uint64_t unpacked; /* bytes, and their CRC-32 */
    uint32_t checksum;
} gz_part;

/* The same for a stretch of the file of whole, which must outlive it. */
elbo_status gz_open_part(gz **out, const gz *whole, const gz_part *part, elbo_error *error);
void gz_close(gz *g);

const char *gz_path(const gz *g);
memory gz_memory(const gz *g);
/* Whether the bytes are packed; where not, the next one lies at gz_offset of
 * gz_file, which is closed with g. */
bool gz_packed(const gz *g);
int gz_file(const gz *g);
uint64_t gz_offset(const gz *g);
uint64_t gz_end(const gz *g); /* where the last one ends */
/* How many bytes have been read: the offset of the next one in the unpacked data. */
uint64_t gz_position(const gz *g);
/* The first bytes, followed by zeros where the data are shorter; reading does not change them. */
const unsigned char *gz_head(const gz *g);

/* Reads exactly n bytes of what. Errors: IO, BAD_FILE (fewer are left, broken gzip data), NO_MEMORY. */
elbo_status gz_read(gz *g, void *out, size_t n, const char *what, elbo_error *error);

/* Whether n bytes of what may be left, as far as the file's size tells. Errors: BAD_FILE. */
elbo_status gz_check_room(const gz *g, size_t n, const char *what, elbo_error *error);

/* Reads the last n bytes of the data, for which there is room, into a new block. No more than n + 1 bytes are ever unpacked.
 * Errors: IO, BAD_FILE (fewer or more are left, broken data, another checksum), NO_MEMORY. */
elbo_status gz_read_rest(gz *g, size_t n, const char *what, unsigned char **out, elbo_error *error);

/* The same, handed over piece by piece instead of kept (take NULL: not at all). Errors: also those of take. */
typedef elbo_status (*gz_take)(void *user, const void *bytes, size_t n, elbo_error *error);
elbo_status gz_pass_rest(gz *g, size_t n, const char *what, gz_take take, void *user, elbo_error *error);

/* Checks the checksum of a stretch, whose last n bytes are passed over; a file has none. */
elbo_status gz_check_rest(gz *g, size_t n, const char *what, elbo_error *error);

/* Reads all that is left into a new block. Errors: IO, BAD_FILE (more than most bytes are left, broken gzip data), NO_MEMORY. */
elbo_status gz_read_all(gz *g, size_t most, unsigned char **out, size_t *n, elbo_error *error);

#endif
