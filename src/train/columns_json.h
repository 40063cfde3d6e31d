/* columns_json.h - the columns of a table in a model file, a part of the JSON of "elbo.model". */
#ifndef ELBO_TRAIN_COLUMNS_JSON_H
#define ELBO_TRAIN_COLUMNS_JSON_H

#include "../base/columns.h"

#include <jansson.h>

/* {"columns": [{"name": ..., "kind": ..., "levels": [...]}, ...], "label": ..., "classes": [...]}; NULL for no table. */
json_t *columns_write(const column_list *c);

/* Reads that, for examples of n numbers. *out is to be freed also after an error. Errors: BAD_FILE, NO_MEMORY. */
elbo_status columns_read(memory m, const json_t *j, int64_t n, column_list **out, elbo_error *error);

#endif
