/* progress.h - what a training run shows on stderr.
 *
 * On a terminal: one line, rewritten in place as events come, and a lasting line after every epoch, both fitted to the
 * terminal's width. Elsewhere: the lasting lines, whole, and the notes. With quiet: nothing. */
#ifndef ELBO_CLI_PROGRESS_H
#define ELBO_CLI_PROGRESS_H

#include <elbo.h>
#include <stdbool.h>

typedef struct progress {
    bool quiet, live; /* live: stderr is a terminal that can rewrite a line */
    bool drawn;       /* the line stands on the screen                      */
    double rate, beta; /* of the last epoch; rate 0: there was none          */
} progress;

void progress_open(progress *p, bool quiet);
void progress_event(progress *p, const elbo_event *event);
/* Clears the line. */
void progress_close(progress *p);

#endif
