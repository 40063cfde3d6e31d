/* unpacked.h - values that are packed in their file and too many to be held in memory: unpacked once, to a file of their own in a
 * cache directory.
 *
 * Its name says whose values it has: the file, by its place on the disk, its size and the time of its last change, and where in
 * it they are. It is written under a temporary name and only renamed when everything was as announced, so a name never stands for
 * half of them. What was unpacked of earlier states of the same file is removed, as is what a killed process left. */
#ifndef ELBO_DATA_UNPACKED_H
#define ELBO_DATA_UNPACKED_H

#include "gz.h"

/* Opens the file with everything left of g, which must be so many bytes; closed with file_close. Another process that unpacks
 * into the directory is waited for. Errors: IO (the disk is full, say), BAD_FILE (as of gz_read_rest), NO_MEMORY. */
elbo_status unpacked_open(gz *g, size_t bytes, const char *cache, int *file, elbo_error *error);

#endif
