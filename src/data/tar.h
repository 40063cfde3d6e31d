/* tar.h - tar archives: what lies where. Formats: ustar and pax (POSIX.1-2008, pax), and what GNU tar adds for long
 * names and large sizes. */
#ifndef ELBO_DATA_TAR_H
#define ELBO_DATA_TAR_H

#include "gallery.h"

/* *tar: whether a file, plain or gzipped, begins with the header of a tar archive. Errors: IO, NO_MEMORY. */
elbo_status tar_begins(const char *path, bool *tar, elbo_error *error);

/* Adds the regular files of an archive to g. Every size is checked against what the archive still has. Errors: IO,
 * BAD_FILE, NO_MEMORY. */
elbo_status tar_list(gallery *g, seek_file *archive, elbo_error *error);

#endif
