/* history.h - a run so far, as its metrics.jsonl tells it: the figures of each epoch, and what went wrong. */
#ifndef ELBO_TRAIN_HISTORY_H
#define ELBO_TRAIN_HISTORY_H

#include "../base/engine.h"
#include "../base/error.h"
#include "../base/mem.h"

typedef struct epoch_figures {
    int64_t epoch;
    double rate, beta, capacity; /* of the last step; the last two are not read back */
    elbo_metrics train, recent, valid; /* valid.count 0: none */
} epoch_figures;

/* A number that was not finite. */
typedef struct trouble {
    int64_t step;    /* 0: there was none */
    char cause[512]; /* where it began, in words */
} trouble;

typedef struct history {
    memory m;
    epoch_figures *at;
    size_t n, room;
    double *latent_kl; /* [n_latent] of each number of the code, over the validation part of the newest epoch */
    size_t n_latent;   /* 0: not known */
    trouble last; /* the newest trouble */
    int rescues;  /* how often training went back because of one */
    bool ended;   /* the newest one ended training */
} history;

/* Adds an epoch. Errors: NO_MEMORY. */
elbo_status history_add(history *h, const epoch_figures *e, elbo_error *error);

/* Adds what the lines of a metrics file say; h->m is set. A line that is none of a run's is passed over.
 * Errors: IO, NO_MEMORY. */
elbo_status history_read(history *h, const char *path, elbo_error *error);

void history_close(history *h);

#endif
