/* checkpoint_json.h - the two JSON texts in a model file's metadata (checkpoint.h). */
#ifndef ELBO_TRAIN_CHECKPOINT_JSON_H
#define ELBO_TRAIN_CHECKPOINT_JSON_H

#include "checkpoint.h"

enum { MODEL_FORMAT = 1 };

/* What "elbo.model" says. */
typedef struct model_header {
    elbo_config config;
    model_data data;
    column_list *columns; /* what data.columns is; freed with columns_free */
    int64_t step, epoch;
} model_header;

/* Texts to be freed with mem_free; NULL out of memory. */
char *header_write(const elbo_model *m);
char *run_write(memory m, const run_state *r);

/* Errors: BAD_FILE with what was got and expected, NO_MEMORY. The columns are to be freed also after an error. */
elbo_status header_read(memory m, const char *json, model_header *out, elbo_error *error);
elbo_status run_read(const char *json, run_state *out, elbo_error *error);

#endif
