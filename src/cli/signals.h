/* signals.h - stopping a training run with Ctrl-C.
 *
 * After signals_catch the first SIGINT or SIGTERM is only remembered, for the run to finish its step and save; the
 * second leaves at once. A signal that was ignored when elbo began (nohup, a background job) stays ignored. SIGPIPE
 * no longer ends the process, so a run outlives the program that reads its progress. */
#ifndef ELBO_CLI_SIGNALS_H
#define ELBO_CLI_SIGNALS_H

#include <stdbool.h>

/* talk: whether the first signal says on stderr that it was seen. */
void signals_catch(bool talk);

/* The signal that was caught, or 0. */
int signals_caught(void);

#endif
