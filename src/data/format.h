/* format.h - what every file format supplies; the formats are listed in formats.def. */
#ifndef ELBO_DATA_FORMAT_H
#define ELBO_DATA_FORMAT_H

#include "array.h"

/* <prefix>_begins: does a file of this format begin with these GZ_HEAD bytes?
 * <prefix>_load: reads the whole file. Errors: BAD_FILE, NO_MEMORY. */
#define FORMAT(prefix, title)                                                                                          \
    bool prefix##_begins(const unsigned char *head);                                                                   \
    elbo_status prefix##_load(gz *g, array *out, elbo_error *error);
#include "formats.def"
#undef FORMAT

#endif
