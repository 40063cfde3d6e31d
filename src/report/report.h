/* report.h - a page about a run: what its files share. report.c gathers and orders; each of the others writes sections.
 *
 * Everything but the line with the time follows from the run's other files and from the data, so that equal runs have
 * equal reports. A section that has nothing to show writes nothing. */
#ifndef ELBO_REPORT_REPORT_H
#define ELBO_REPORT_REPORT_H

#include "../base/text.h"
#include "../train/feed.h"
#include "../train/history.h"
#include "../train/origin.h"
#include "../vae/model.h"
#include "../view/canvas.h"

enum { REPORT_EXAMPLES = 1000, REPORT_WORDS = 32 };

/* Examples of the data and their codes. */
typedef struct looked_at {
    int64_t n;         /* at most REPORT_EXAMPLES; 0: there are no data */
    float *x;          /* [n,H,W,C] */
    int32_t *label;    /* [n]; -1: none */
    float *mean, *std; /* [n,Z] */
} looked_at;

typedef struct report {
    elbo_engine *engine;
    memory m;
    const char *directory;
    elbo_model *model; /* the best */
    elbo_data *data, *own_data;
    feed order; /* with data: the held-out examples first, where they are those of the run; else order.data is NULL */
    history history;
    origin origin;
    double seconds; /* of all epochs, by times.jsonl; 0: not known */
    looked_at seen;
    double *kl;         /* [Z] of each number of the code; NULL: not known */
    int64_t *by_weight; /* [Z] the numbers of the code, those that matter most first */
    text out;
} report;

/* ---- Sections, in the order of the page. Errors: NO_MEMORY, those of the model's functions. ---- */

/* report_numbers.c */
elbo_status report_heading(report *r, elbo_error *error);
elbo_status report_curves(report *r, elbo_error *error);
elbo_status report_findings(report *r, elbo_error *error);
/* report_pictures.c */
elbo_status report_samples(report *r, elbo_error *error);
elbo_status report_reconstructions(report *r, elbo_error *error);
/* report_latent.c */
elbo_status report_latent(report *r, elbo_error *error);
/* report_model.c */
elbo_status report_layers(report *r, elbo_error *error);
elbo_status report_options(report *r, elbo_error *error);

/* ---- What they share ---- */

/* Whether examples are pictures that can be drawn. */
bool report_shows_pictures(const report *r);
/* The epoch with the lowest validation total, without validation the last; NULL: there is none yet. */
const epoch_figures *report_best(const report *r);
bool report_has_kl(const report *r); /* whether the loss has a KL term */

/* "243.9", "60,000" */
void report_number(double value, char out[REPORT_WORDS]);
void report_count(int64_t n, char out[REPORT_WORDS]);

/* Cells of pictures in rows, a pixel between them that shows the page. Large pictures are made smaller. */
typedef struct mosaic {
    canvas c, one; /* the whole, and a picture on its way into a cell */
    const report *r;
    int step; /* a pixel of a cell is the mean of step x step of a picture's */
} mosaic;

/* Opens a mosaic; it is closed whatever happened. Errors: USAGE (too large), NO_MEMORY. */
elbo_status mosaic_open(mosaic *m, const report *r, int columns, int rows, elbo_error *error);
void mosaic_close(mosaic *m);
/* Puts a picture [H,W,C] into a cell, or a part of a canvas on which it is scale times as large. */
void mosaic_put(mosaic *m, int column, int row, const float *x);
void mosaic_take(mosaic *m, int column, const canvas *from, box part, int scale);
/* Adds it to the page. */
elbo_status mosaic_show(const mosaic *m, text *to, const char *alt, elbo_error *error);

#endif
