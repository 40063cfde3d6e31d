/* report_latent.c - the code: the KL of its numbers, where examples lie in it, what each number does. */
#include "../view/chart.h"
#include "../view/html.h"
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_BARS = 64, TRAVERSED = 8, STEPS = 9, NAME = 24 };

static const double reach = 3; /* a traversal goes so many standard deviations each way */

/* ---- KL ---- */

static elbo_status add_bars(report *r, elbo_error *error)
{
    int64_t z = r->model->info.latent_size, n = z < MOST_BARS ? z : MOST_BARS;
    double values[MOST_BARS];
    char words[MOST_BARS][NAME], title[64];
    const char *names[MOST_BARS];
    for (int64_t i = 0; i < n; i++) {
        values[i] = r->kl[r->by_weight[i]];
        snprintf(words[i], NAME, "%lld", (long long)r->by_weight[i]);
        names[i] = words[i];
    }
    chart_bars bars = {values, names, (size_t)n};
    snprintf(title, sizeof title, n < z ? "KL of the %lld largest numbers" : "KL of each number, nats", (long long)n);
    chart c = {.title = title, .x_label = "number", .n_panels = 1, .panel = {{.bars = &bars}}, .width = 460, .height = 420};
    return chart_svg(r->m, &c, &r->out, error);
}

/* ---- Where examples lie ---- */

/* Where codes [n,Z] lie in a plane xy [n,2]: the two numbers there are, of more the plane in which they vary most. */
static elbo_status place(const report *r, float *xy, char *title, size_t size, elbo_error *error)
{
    const looked_at *s = &r->seen;
    double share[2] = {0};
    elbo_status status = ELBO_OK;
    if (r->model->info.latent_size == 2) {
        memcpy(xy, s->mean, 2 * (size_t)s->n * sizeof *xy);
        snprintf(title, size, "Codes: number 0 across, 1 up");
    } else {
        status = elbo_principal_plane(r->engine, s->mean, s->n, r->model->info.latent_size, xy, share, error);
        snprintf(title, size, "Codes: principal plane, %.0f %% of the variance", 100 * (share[0] + share[1]));
    }
    return status;
}

static elbo_status add_scatter(report *r, elbo_error *error)
{
    const looked_at *s = &r->seen;
    bool labelled = s->label[0] >= 0;
    char title[64];
    float *xy = mem_new(r->m, 2 * (size_t)s->n, sizeof *xy);
    if (!xy) return err_memory(error, "a scatter plot");
    chart_points points = {xy, labelled ? s->label : NULL, (size_t)s->n};
    chart c = {.title = title, .n_panels = 1, .panel = {{.points = &points}},
               .n_classes = labelled ? (int)r->data->info.n_classes : 0, .width = 460, .height = 420};
    elbo_status status = place(r, xy, title, sizeof title, error);
    if (status == ELBO_OK) status = chart_svg(r->m, &c, &r->out, error);
    mem_free(r->m, xy);
    return status;
}

/* ---- Traversals ---- */

/* The mean and the deviation of a number over the examples; those of the prior without examples, or where codes have it. */
static void spread_of(const report *r, int64_t number, double *mean, double *deviation)
{
    const looked_at *s = &r->seen;
    int64_t z = r->model->info.latent_size;
    double sum = 0, square = 0;
    *mean = 0;
    *deviation = 1;
    if (r->model->latents[0].kind == LATENT_GAUSSIAN || !s->n) return;
    for (int64_t i = number; i < s->n * z; i += z) {
        sum += (double)s->mean[i];
        square += (double)s->mean[i] * (double)s->mean[i];
    }
    *mean = sum / (double)s->n;
    *deviation = sqrt(fmax(0, square / (double)s->n - *mean * *mean));
}

/* Codes [STEPS,Z] that are the base but for one number, which runs from one end of its reach to the other. */
static void fill_codes(const report *r, const float *base, int64_t number, float *code)
{
    int64_t z = r->model->info.latent_size;
    double mean, deviation;
    spread_of(r, number, &mean, &deviation);
    for (int k = 0; k < STEPS; k++) {
        memcpy(code + k * z, base, (size_t)z * sizeof *code);
        code[k * z + number] = (float)(mean + deviation * reach * (2.0 * k / (STEPS - 1) - 1));
    }
}

static void say_number(report *r, int64_t number)
{
    char words[REPORT_WORDS];
    html_open(&r->out, "span", NULL);
    html_say(&r->out, "number %lld", (long long)number);
    if (r->kl) {
        report_number(r->kl[number], words);
        html_say(&r->out, ", %s nats", words);
    }
    html_close(&r->out, "span");
}

static elbo_status add_row(report *r, const float *base, int64_t number, float *code, float *x, elbo_error *error)
{
    size_t size = (size_t)model_numbers(r->model);
    mosaic m = {.step = 1};
    fill_codes(r, base, number, code);
    elbo_status status = elbo_model_decode(r->model, code, STEPS, x, error);
    if (status == ELBO_OK) status = mosaic_open(&m, r, STEPS, 1, error);
    for (int k = 0; k < STEPS && status == ELBO_OK; k++) mosaic_put(&m, k, 0, x + (size_t)k * size);
    if (status == ELBO_OK) {
        say_number(r, number);
        status = mosaic_show(&m, &r->out, "a number of the code from low to high", error);
    }
    mosaic_close(&m);
    return status;
}

static void say_what_traversals_are(report *r)
{
    bool gaussian = r->model->latents[0].kind == LATENT_GAUSSIAN;
    html_leaf(&r->out, "figcaption", NULL,
              "One number of the code changes from left to right, by %g standard deviations of %s each way; the others are %s. "
              "The numbers that %s most come first.",
              reach, gaussian ? "the prior" : "the codes",
              r->seen.n ? "those of the first example" : "0", r->kl ? "the KL charges" : "vary");
}

static elbo_status add_traversals(report *r, elbo_error *error)
{
    int64_t z = r->model->info.latent_size, n = z < TRAVERSED ? z : TRAVERSED;
    float *base = mem_new(r->m, (size_t)z, sizeof *base), *code = mem_new(r->m, STEPS * (size_t)z, sizeof *code);
    float *x = mem_new(r->m, STEPS * (size_t)model_numbers(r->model), sizeof *x);
    elbo_status status = base && code && x ? ELBO_OK : err_memory(error, "traversals");
    if (status == ELBO_OK && r->seen.n) memcpy(base, r->seen.mean, (size_t)z * sizeof *base);
    html_leaf(&r->out, "h3", NULL, "What each number does");
    html_open(&r->out, "figure", NULL);
    html_open(&r->out, "div", "rows");
    for (int64_t i = 0; i < n && status == ELBO_OK; i++) status = add_row(r, base, r->by_weight[i], code, x, error);
    html_close(&r->out, "div");
    say_what_traversals_are(r);
    html_close(&r->out, "figure");
    mem_free(r->m, base);
    mem_free(r->m, code);
    mem_free(r->m, x);
    return status;
}

/* ---- The section ---- */

static void add_caption(report *r)
{
    char sum_words[REPORT_WORDS], examples[REPORT_WORDS];
    double sum = 0;
    for (int64_t j = 0; r->kl && j < r->model->info.latent_size; j++) sum += r->kl[j];
    report_number(sum, sum_words);
    report_count(r->seen.n, examples);
    html_open(&r->out, "p", "note");
    if (r->kl)
        html_say(&r->out, "The KL of all numbers together is %s nats; one near 0 carries nothing of the data. ", sum_words);
    if (r->seen.n)
        html_say(&r->out, "Measured on %s %sexamples, by the best model.", examples,
                 r->order.data && r->order.n_valid >= r->seen.n ? "held-out " : "");
    html_close(&r->out, "p");
}

elbo_status report_latent(report *r, elbo_error *error)
{
    bool scatter = r->seen.n > 0 && r->model->info.latent_size > 1;
    elbo_status status = ELBO_OK;
    if (!r->kl && !scatter && !report_shows_pictures(r)) return ELBO_OK;
    html_leaf(&r->out, "h2", NULL, "The code");
    html_open(&r->out, "div", "charts");
    if (r->kl) status = add_bars(r, error);
    if (status == ELBO_OK && scatter) status = add_scatter(r, error);
    html_close(&r->out, "div");
    add_caption(r);
    return status == ELBO_OK && report_shows_pictures(r) ? add_traversals(r, error) : status;
}
