/* report_numbers.c - the heading with the numbers that count, curves, and what is wrong. */
#include "../view/chart.h"
#include "../view/html.h"
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- The heading ---- */

/* "18 ms", "7.2 s", "4 min 12 s", "2 h 05 min" */
static void time_words(double seconds, char out[REPORT_WORDS])
{
    long long s = llround(seconds);
    if (seconds < 1) snprintf(out, REPORT_WORDS, "%.0f ms", 1000 * seconds);
    else if (seconds < 10) snprintf(out, REPORT_WORDS, "%.1f s", seconds);
    else if (s < 60) snprintf(out, REPORT_WORDS, "%lld s", s);
    else if (s < 3600) snprintf(out, REPORT_WORDS, "%lld min %02lld s", s / 60, s % 60);
    else snprintf(out, REPORT_WORDS, "%lld h %02lld min", s / 3600, s / 60 % 60);
}

/* One of the numbers on top: what it is, its value, and a word on it. */
static void add_fact(text *to, const char *what, const char *value, const char *extra)
{
    html_open(to, "div", NULL);
    html_leaf(to, "dt", NULL, "%s", what);
    html_leaf(to, "dd", NULL, "%s", value);
    if (extra[0]) html_leaf(to, "dd", "extra", "%s", extra);
    html_close(to, "div");
}

static void add_loss(text *to, const char *what, double value, const char *extra)
{
    char words[REPORT_WORDS];
    report_number(value, words);
    add_fact(to, what, words, extra);
}

/* All that a clock had a part in stands in this one line. */
static void add_time(text *to, const report *r)
{
    char all[REPORT_WORDS], each[REPORT_WORDS];
    if (!(r->seconds > 0) || !r->history.n) return;
    time_words(r->seconds, all);
    time_words(r->seconds / (double)r->history.n, each);
    text_add(to, "<div id=\"time\"><dt>Time</dt><dd>%s</dd><dd class=\"extra\">%s an epoch</dd></div>\n", all, each);
}

static void add_facts(text *to, const report *r, const epoch_figures *best)
{
    bool valid = best->valid.count > 0;
    const elbo_metrics *m = valid ? &best->valid : &best->train;
    const epoch_figures *last = &r->history.at[r->history.n - 1];
    char extra[96], number[REPORT_WORDS];
    html_open(to, "dl", "numbers");
    report_number(last->valid.total, number);
    if (best != last) snprintf(extra, sizeof extra, "nats, best epoch %lld; last %s", (long long)best->epoch, number);
    else snprintf(extra, sizeof extra, "nats, epoch %lld%s", (long long)best->epoch, valid ? ", the best" : "");
    add_loss(to, valid ? "Loss, held out" : "Loss, training", m->total, extra);
    add_loss(to, "Reconstruction", m->rec, "nats per example");
    if (report_has_kl(r)) add_loss(to, "KL", m->kl, "nats per example");
    for (int64_t i = 0; i < m->n_other; i++) add_loss(to, m->other[i].name, m->other[i].value, "");
    snprintf(number, sizeof number, "%lld", (long long)m->active);
    snprintf(extra, sizeof extra, "of %lld in the code", (long long)r->model->info.latent_size);
    add_fact(to, "Active numbers", number, extra);
    add_time(to, r);
    html_close(to, "dl");
}

/* "vae, preset pytorch-mlp: 652,824 parameters, trained on 54,000 examples of 28x28x1 for 10 epochs." */
static void add_subtitle(text *to, const report *r)
{
    const elbo_model_info *i = &r->model->info;
    char parameters[REPORT_WORDS], examples[REPORT_WORDS];
    report_count(i->n_parameters, parameters);
    html_open(to, "p", "sub");
    html_say(to, "%s%s%s: %s parameters", i->family, r->origin.preset[0] ? ", preset " : "", r->origin.preset, parameters);
    if (r->history.n) {
        const epoch_figures *last = &r->history.at[r->history.n - 1];
        report_count(last->train.count, examples);
        html_say(to, ", trained on %s examples of %lldx%lldx%lld for %lld epoch%s", examples, (long long)i->shape[0],
                 (long long)i->shape[1], (long long)i->shape[2], (long long)last->epoch, last->epoch == 1 ? "" : "s");
    }
    html_say(to, ".");
    html_close(to, "p");
}

static void add_trouble(text *to, const history *h)
{
    if (!h->last.step) return;
    html_open(to, "div", "finding");
    html_leaf(to, "p", NULL, h->ended ? "Training ended at step %lld: %s." : "Training went back at step %lld: %s.",
              (long long)h->last.step, h->last.cause);
    if (h->rescues > 0) html_leaf(to, "p", "note", "It went back %d time%s in all, each time with half the rate.", h->rescues,
                                  h->rescues == 1 ? "" : "s");
    html_close(to, "div");
}

elbo_status report_heading(report *r, elbo_error *error)
{
    const epoch_figures *best = report_best(r);
    (void)error;
    html_leaf(&r->out, "h1", NULL, "%s", r->origin.data[0] ? r->origin.data : r->model->info.family);
    add_subtitle(&r->out, r);
    if (best) add_facts(&r->out, r, best);
    add_trouble(&r->out, &r->history);
    return ELBO_OK;
}

/* ---- Curves ---- */

/* A figure of an epoch's metrics; others are those that a family has beside rec and kl. */
typedef enum figure { TOTAL, REC, KL, ACTIVE, OTHER } figure;

static double figure_of(const elbo_metrics *m, figure f, int64_t other)
{
    if (m->count == 0 || (f == OTHER && other >= m->n_other)) return (double)NAN;
    const double figures[] = {m->total, m->rec, m->kl, (double)m->active};
    return f == OTHER ? m->other[other].value : figures[f];
}

static elbo_status add_chart(report *r, const char *title, figure f, int64_t other, elbo_error *error)
{
    const history *h = &r->history;
    double *numbers = mem_new(r->m, 3 * h->n, sizeof *numbers);
    if (!numbers) return err_memory(error, "curves");
    double *x = numbers, *train = numbers + h->n, *valid = numbers + 2 * h->n;
    for (size_t i = 0; i < h->n; i++) {
        x[i] = (double)h->at[i].epoch;
        train[i] = figure_of(&h->at[i].train, f, other);
        valid[i] = figure_of(&h->at[i].valid, f, other);
    }
    chart_series lines[] = {{"training", x, train, h->n}, {"held out", x, valid, h->n}};
    int n_lines = report_best(r)->valid.count && (f != OTHER || isfinite(valid[h->n - 1])) ? 2 : 1;
    chart c = {.title = title, .x_label = "epoch", .n_panels = 1, .panel = {{.series = lines, .n_series = n_lines}},
               .width = 460, .height = 310};
    elbo_status status = chart_svg(r->m, &c, &r->out, error);
    mem_free(r->m, numbers);
    return status;
}

static void add_row(text *to, const report *r, const epoch_figures *e, const char *part, const elbo_metrics *m)
{
    char words[REPORT_WORDS];
    const double all[] = {m->total, m->rec, m->kl};
    html_open(to, "tr", NULL);
    html_leaf(to, "td", "name", "epoch %lld%s, %s", (long long)e->epoch, e == report_best(r) ? ", best" : "", part);
    for (int i = 0; i < 2 + report_has_kl(r); i++) {
        report_number(all[i], words);
        html_leaf(to, "td", "n", "%s", words);
    }
    for (int64_t i = 0; i < m->n_other; i++) {
        report_number(m->other[i].value, words);
        html_leaf(to, "td", "n", "%s", words);
    }
    html_leaf(to, "td", "n", "%lld", (long long)m->active);
    html_close(to, "tr");
}

static void add_epoch(text *to, const report *r, const epoch_figures *e)
{
    add_row(to, r, e, "training", &e->train);
    if (e->valid.count) add_row(to, r, e, "held out", &e->valid);
}

static void add_table(text *to, const report *r, const epoch_figures *best)
{
    const epoch_figures *last = &r->history.at[r->history.n - 1];
    html_open(to, "div", "scroll");
    html_open(to, "table", NULL);
    html_open(to, "tr", NULL);
    html_leaf(to, "th", NULL, "nats per example");
    html_leaf(to, "th", "n", "loss");
    html_leaf(to, "th", "n", "reconstruction");
    if (report_has_kl(r)) html_leaf(to, "th", "n", "KL");
    for (int64_t i = 0; i < last->train.n_other; i++) html_leaf(to, "th", "n", "%s", last->train.other[i].name);
    html_leaf(to, "th", "n", "active");
    html_close(to, "tr");
    if (best != last) add_epoch(to, r, best);
    add_epoch(to, r, last);
    html_close(to, "table");
    html_close(to, "div");
}

elbo_status report_curves(report *r, elbo_error *error)
{
    const epoch_figures *best = report_best(r);
    if (!best) return ELBO_OK;
    html_leaf(&r->out, "h2", NULL, "Learning curves");
    html_open(&r->out, "div", "charts");
    elbo_status status = add_chart(r, "Loss, nats per example", TOTAL, 0, error);
    if (status == ELBO_OK) status = add_chart(r, "Reconstruction", REC, 0, error);
    if (status == ELBO_OK && report_has_kl(r)) status = add_chart(r, "KL", KL, 0, error);
    if (status == ELBO_OK) status = add_chart(r, "Active numbers of the code", ACTIVE, 0, error);
    for (int64_t i = 0; i < best->train.n_other && status == ELBO_OK; i++)
        status = add_chart(r, best->train.other[i].name, OTHER, i, error);
    html_close(&r->out, "div");
    add_table(&r->out, r, best);
    return status;
}

/* ---- Findings ---- */

/* Says words in which the run's directory, which is not of the run, is called RUN. */
static void say_without_place(text *to, const char *words, const char *directory)
{
    size_t n = strlen(directory);
    for (const char *at; n && (at = strstr(words, directory)) != NULL; words = at + n)
        html_say(to, "%.*sRUN", (int)(at - words), words);
    html_say(to, "%s", words);
}

static void add_finding(text *to, const elbo_finding *f, const char *directory)
{
    html_open(to, "div", "finding");
    html_leaf(to, "h3", NULL, "%s", f->title);
    html_leaf(to, "p", NULL, "%s", f->evidence);
    html_leaf(to, "p", "note", "%s", f->why);
    html_open(to, "p", NULL);
    html_open(to, "code", NULL);
    say_without_place(to, f->remedy, directory);
    html_close(to, "code");
    html_close(to, "p");
    html_close(to, "div");
}

elbo_status report_findings(report *r, elbo_error *error)
{
    elbo_explanation *x = elbo_explain(r->engine, r->directory, r->data, error);
    if (!x) return error->code;
    const elbo_finding *f;
    html_leaf(&r->out, "h2", NULL, "What could be better");
    if (!elbo_finding_at(x, 0))
        html_leaf(&r->out, "p", "note", "None of the usual mistakes was found (elbo explain).");
    for (size_t i = 0; (f = elbo_finding_at(x, i)) != NULL; i++) add_finding(&r->out, f, r->directory);
    elbo_explanation_free(x);
    return ELBO_OK;
}
