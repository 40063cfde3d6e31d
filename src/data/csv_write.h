/* csv_write.h - examples of a table as text, such as csv.h reads. */
#ifndef ELBO_DATA_CSV_WRITE_H
#define ELBO_DATA_CSV_WRITE_H

#include "../base/columns.h"

/* Writes a line of names and a line for each of n rows x [n,D]: the nearest level by its name, nothing for nan. Errors: IO,
 * NO_MEMORY. */
elbo_status csv_write(memory m, const char *path, const column_list *c, const float *x, int64_t n, elbo_error *error);

#endif
