/* origin.h - what a run was trained on and where its options came from, which its configuration does not say: run.json,
 *
 *   {"data":"fashion-mnist","fingerprint":"8f..","examples":60000,"preset":"",
 *    "validation":{"data":"fashion-mnist","part":"test"}}
 *
 * Data are named without their directory; the fingerprint tells others of the same name from them. validation is there
 * where a run is validated on data of its own rather than on a part kept back. */
#ifndef ELBO_TRAIN_ORIGIN_H
#define ELBO_TRAIN_ORIGIN_H

#include "../data/data.h"
#include "../vae/config.h"

enum { ORIGIN_NAME = 256 };

typedef struct origin {
    char data[ORIGIN_NAME]; /* "": not known */
    uint64_t fingerprint;
    int64_t examples;
    char preset[CONFIG_PRESET];   /* "": none */
    char validation[ORIGIN_NAME]; /* "": a part kept back, or none */
    char validation_part[DATA_PART_NAME];
} origin;

/* Replaces path by what is known of a run. validation may be NULL. Errors: IO, NO_MEMORY. */
elbo_status origin_write(memory m, const char *path, const elbo_config *config, const elbo_data *data, uint64_t fingerprint,
                         const elbo_data *validation, elbo_error *error);

/* Reads it; a file that is missing, or none of these, leaves all empty. Errors: IO, NO_MEMORY. */
elbo_status origin_read(memory m, const char *path, origin *out, elbo_error *error);

#endif
