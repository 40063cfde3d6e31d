/* format.h - what every file format supplies; the formats are listed in formats.def. */
#ifndef ELBO_DATA_FORMAT_H
#define ELBO_DATA_FORMAT_H

#include "array.h"

/* How a file is to be read: what its opener says (NULL: nothing), and the columns of the model that it is read for. */
typedef struct reading {
    const elbo_data_options *options;
    const column_list *like; /* NULL: none */
    const char *member;      /* of an archive of arrays, the one that is meant; NULL: the usual one */
    const data_room *room;   /* NULL: all in memory */
} reading;

/* <prefix>_begins: does a file of this format begin with these GZ_HEAD bytes?
 * <prefix>_load: reads the whole file. Errors: USAGE (what it is to be read like does not fit it), BAD_FILE, NO_MEMORY. */
#define FORMAT(prefix, title)                                                                                          \
    bool prefix##_begins(const unsigned char *head);                                                                   \
    elbo_status prefix##_load(gz *g, const reading *how, array *out, elbo_error *error);
#include "formats.def"
#undef FORMAT

#endif
