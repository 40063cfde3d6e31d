/* rate.h - what changes from step to step by a schedule: learning rates, and weights that are warmed up. */
#ifndef ELBO_NN_RATE_H
#define ELBO_NN_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* The rows of rate.def. */
enum {
#define SCHEDULE(name, factor) SCHEDULE_##name,
#include "rate.def"
#undef SCHEDULE
};

/* What the schedules read. */
typedef struct rate_settings {
    int schedule;
    double decay;   /* exponential */
    double drop;    /* step, multistep, plateau: factor at each drop */
    int64_t every;  /* step: epochs from drop to drop */
    const char *at; /* multistep: epochs after which it drops, "30, 60" */
    int64_t length; /* cosine: epochs */
    double end;     /* cosine, plateau: the lowest factor */
    int64_t drops;  /* plateau: how many there were */
} rate_settings;

/* The factor of the rate in an epoch, counted from 0. */
double rate_factor(const rate_settings *s, int64_t epoch);

/* Whether a text is a list of whole numbers above 0 that rise, or empty. */
bool rate_is_list(const char *at);

/* A ramp from step 0: (step + ahead) / length up to 1, begun again every cycle steps (0: never); 1 where length is 0. */
double ramp(int64_t step, int ahead, double length, double cycle);

/* Whether a total has stopped falling: a drop follows patience epochs in a row, and one more, that are no better than the best
 * by 1e-4 of its size (PyTorch's ReduceLROnPlateau, which for totals below 0 would move the bar the wrong way). */
typedef struct plateau {
    double best;
    int64_t epochs, bad, drops; /* epochs: seen at all */
} plateau;

void plateau_epoch(plateau *p, double total, int64_t patience);

#endif
