/* explain.h - why a model is bad: evidence is gathered once, and each row of findings.def looks at it.
 *
 * Evidence comes from the options, from the metrics of the run, and from the model's codes and reconstructions of some data.
 * What was not given is missing, and a check that needs it finds nothing. A healthy model gives no findings. */
#ifndef ELBO_EXPLAIN_EXPLAIN_H
#define ELBO_EXPLAIN_EXPLAIN_H

#include "../train/history.h"
#include "../vae/model.h"
#include "explain_measure.h"

enum { FINDING_TEXT = 600 };

typedef struct evidence {
    const char *path;      /* what was asked about */
    bool is_run;           /* a run directory */
    const char *data_name; /* NULL: none given */
    const elbo_config *config;
    const elbo_model *model; /* NULL: it could not be made, for the reason in refusal */
    const char *refusal;
    history history;   /* n 0: no run */
    measured measured; /* count 0: no data */
} evidence;

typedef struct finding {
    char evidence[FINDING_TEXT]; /* the numbers that show it */
    char remedy[FINDING_TEXT];   /* what to do, as a command line where there is one */
} finding;

/* One function for each row: whether it is so, with its evidence and remedy. */
#define FINDING(name, kind, title, why) bool finding_##name(const evidence *e, finding *f);
#include "findings.def"
#undef FINDING

/* ---- What checks share (explain.c) ---- */

void finding_show(finding *f, const char *format, ...) PRINTF_LIKE(2, 3);
void finding_show_remedy(finding *f, const char *format, ...) PRINTF_LIKE(2, 3);
/* The remedy: to train again with these flags. */
void finding_retrain(const evidence *e, finding *f, const char *format, ...) PRINTF_LIKE(3, 4);

/* The part of the data's variance that reconstructions explain, at most 1; nan without data. */
double explained_share(const evidence *e);
/* The figures of the run's last epoch; NULL: there are none. */
const epoch_figures *last_epoch(const evidence *e);
/* Numbers of the code that are in use: from the data, else from the last epoch; -1: not known. */
int64_t active_numbers(const evidence *e);
/* Whether the code carries little: few of its numbers are in use, or reconstructions are near the mean picture. */
bool code_is_weak(const evidence *e);
/* The variance for each number that the loss takes for noise, in the network's units, with the KL term's weight counted in;
 * nan where the likelihood has none that is fixed. */
double assumed_noise(const evidence *e);

#endif
