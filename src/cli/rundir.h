/* rundir.h - the names of run directories: choosing one that is free, and making room for a new run.
 *
 * elbo never writes over a run unless told, and then removes nothing but what a run leaves behind. */
#ifndef ELBO_CLI_RUNDIR_H
#define ELBO_CLI_RUNDIR_H

#include "cli.h"

enum { MAX_PATH = 4096 };

#define RUN_CONFIG "config.toml" /* the configuration in a run directory */

/* runs/<data>-<family>, or the first of -2, -3, ... that is free. */
elbo_status rundir_choose(cli *c, const char *data, const char *family, char out[MAX_PATH]);

/* Makes sure that a run may be begun in path: nothing is there, or an empty directory, or, with overwrite, a run,
 * which is removed. Errors: USAGE (there is something else), IO. */
elbo_status rundir_clear(cli *c, const char *path, bool overwrite);

#endif
