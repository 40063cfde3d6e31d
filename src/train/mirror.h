/* mirror.h - the metrics of a run in the forms that other programs read, all of it made from the lines of metrics.jsonl:
 *
 *   metrics.csv                                       a line for each epoch, its columns named in the first
 *   tensorboard/train/events.out.tfevents.elbo        for TensorBoard, where they are asked for: an event for each epoch.
 *   tensorboard/valid/events.out.tfevents.elbo        Its time, which TensorBoard wants, is the epoch in seconds since 1970
 *
 * They grow with metrics.jsonl and are made anew from it when a run is resumed, so equal lines give equal bytes. */
#ifndef ELBO_TRAIN_MIRROR_H
#define ELBO_TRAIN_MIRROR_H

#include "../base/text.h"

typedef struct mirror {
    memory m;
    const char *directory; /* of the run */
    bool tensorboard;
    text columns; /* the first line of metrics.csv without its end: "epoch,step,..." */
} mirror;

/* tensorboard: asked for; the directory of a run that has them is asking, too. Errors: IO, NO_MEMORY. */
elbo_status mirror_open(mirror *r, memory m, const char *directory, bool tensorboard, elbo_error *error);
void mirror_close(mirror *r);

/* Makes all of it anew from the lines that are there. Errors: IO, NO_MEMORY. */
elbo_status mirror_again(mirror *r, elbo_error *error);

/* Follows a line that metrics.jsonl has got. Errors: IO, NO_MEMORY. */
elbo_status mirror_line(mirror *r, const char *line, size_t length, elbo_error *error);

#endif
