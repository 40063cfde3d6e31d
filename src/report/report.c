/* report.c - see report.h */
#include "report.h"
#include "../base/file.h"
#include "../base/json.h"
#include "../base/mode.h"
#include "../train/evaluate.h"
#include "../view/html.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static elbo_status (*const sections[])(report *r, elbo_error *error) = {
    report_heading,  report_curves, report_samples, report_reconstructions, report_latent, report_findings, report_layers,
    report_options,
};

bool report_shows_pictures(const report *r)
{
    const int64_t *s = r->model->info.shape;
    return s[0] > 1 && s[1] > 1 && (s[2] == 1 || s[2] == 3 || s[2] == 4);
}

bool report_has_kl(const report *r)
{
    return r->model->family->has_prior;
}

const epoch_figures *report_best(const report *r)
{
    const history *h = &r->history;
    const epoch_figures *best = h->n ? &h->at[h->n - 1] : NULL;
    for (size_t i = h->n; i-- > 0;)
        if (h->at[i].valid.count && h->at[i].valid.total <= best->valid.total) best = &h->at[i];
    return best;
}

/* ---- Words ---- */

void report_number(double value, char out[REPORT_WORDS])
{
    double size = fabs(value);
    snprintf(out, REPORT_WORDS, size >= 1000 ? "%.1f" : size >= 10 ? "%.2f" : "%.3f", value);
}

void report_count(int64_t n, char out[REPORT_WORDS])
{
    char digits[REPORT_WORDS];
    int length = snprintf(digits, sizeof digits, "%lld", (long long)n), at = 0;
    for (int i = 0; i < length && at + 2 < REPORT_WORDS; i++) {
        if (i > 0 && (length - i) % 3 == 0 && digits[i - 1] != '-') out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

/* ---- Gathering ---- */

/* The path of a file of the run; NULL out of memory. */
static char *path_of(const report *r, const char *name)
{
    return file_join(r->m, r->directory, name);
}

static elbo_status check_run(report *r, const char *path, elbo_error *error)
{
    if (file_exists(path)) return ELBO_OK;
    return err_set(error, ELBO_USAGE, "%s is no run to report on: it has no config.toml", r->directory);
}

/* A run without an epoch has none. */
static elbo_status read_metrics(report *r, const char *path, elbo_error *error)
{
    return file_exists(path) ? history_read(&r->history, path, error) : ELBO_OK;
}

/* Adds up the seconds; an epoch that was done twice counts by its newest line. */
static elbo_status add_times(report *r, const char *lines, elbo_error *error)
{
    double last_seconds = 0;
    int64_t last = 0;
    for (const char *line = lines, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        bool no_memory;
        json_t *j = json_read(line, (size_t)(end - line), NULL, &no_memory);
        if (no_memory) return err_memory(error, "the times of a run");
        int64_t epoch = json_integer_value(json_object_get(j, "epoch"));
        double seconds = json_number_value(json_object_get(j, "seconds"));
        if (epoch == last) r->seconds -= last_seconds;
        r->seconds += seconds;
        last = epoch;
        last_seconds = seconds;
        json_decref(j);
    }
    return ELBO_OK;
}

static elbo_status read_times(report *r, const char *path, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    if (!file_exists(path)) return ELBO_OK;
    elbo_status status = file_read(r->m, path, (size_t)1 << 30, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    status = add_times(r, (char *)bytes, error);
    mem_free(r->m, bytes);
    return status;
}

static elbo_status read_origin(report *r, const char *path, elbo_error *error)
{
    return origin_read(r->m, path, &r->origin, error);
}

static elbo_status read_with(report *r, const char *name, elbo_status (*read)(report *, const char *, elbo_error *),
                             elbo_error *error)
{
    char *path = path_of(r, name);
    elbo_status status = path ? read(r, path, error) : err_memory(error, "a path");
    mem_free(r->m, path);
    return status;
}

/* ---- Data ---- */

static bool same_shape(const report *r, const elbo_data *d)
{
    return memcmp(r->model->info.shape, d->info.shape, sizeof d->info.shape) == 0;
}

/* The data that the run was validated on, else those it was trained on; none where they are not to be found by name, or
 * are others now. */
static elbo_status find_data(report *r, elbo_error *error)
{
    bool apart = r->origin.validation[0] != '\0';
    elbo_data_options how = elbo_config_data_options(&r->model->config);
    elbo_error why = {0};
    uint64_t fingerprint = 0;
    if (!r->origin.data[0]) return ELBO_OK;
    r->own_data = elbo_data_open_with(r->engine, apart ? r->origin.validation : r->origin.data,
                                      apart ? r->origin.validation_part : "train", &how, &why);
    if (!r->own_data) return why.code == ELBO_NO_MEMORY ? err_set(error, why.code, "%s", why.message) : ELBO_OK;
    bool mine = same_shape(r, r->own_data);
    if (mine && !apart) {
        elbo_status status = data_fingerprint(r->own_data, &fingerprint, error);
        if (status != ELBO_OK) return status;
        mine = fingerprint == r->origin.fingerprint && r->own_data->info.count == r->origin.examples;
    }
    r->data = mine ? r->own_data : NULL;
    return ELBO_OK;
}

/* Held-out examples first, where the data are those the run was trained on. */
static elbo_status find_order(report *r, elbo_error *error)
{
    const epoch_figures *last = r->history.n ? &r->history.at[r->history.n - 1] : NULL;
    uint64_t fingerprint = 0;
    if (r->data->info.count != r->origin.examples) return ELBO_OK;
    elbo_status status = data_fingerprint(r->data, &fingerprint, error);
    if (status != ELBO_OK || fingerprint != r->origin.fingerprint) return status;
    bool kept = last && last->valid.count && !r->origin.validation[0];
    const elbo_config *c = &r->model->config;
    return feed_open(&r->order, r->data, (uint64_t)c->seed, kept ? c->validation : 0, 1, error);
}

static elbo_status look(report *r, elbo_error *error)
{
    looked_at *s = &r->seen;
    int64_t count = r->data->info.count, z = r->model->info.latent_size, index[REPORT_EXAMPLES];
    s->n = count < REPORT_EXAMPLES ? count : REPORT_EXAMPLES;
    s->x = mem_new(r->m, (size_t)s->n, (size_t)model_numbers(r->model) * sizeof *s->x);
    s->label = mem_new(r->m, (size_t)s->n, sizeof *s->label);
    s->mean = mem_new(r->m, (size_t)s->n, (size_t)z * sizeof *s->mean);
    s->std = mem_new(r->m, (size_t)s->n, (size_t)z * sizeof *s->std);
    if (!s->x || !s->label || !s->mean || !s->std) return err_memory(error, "examples for a report");
    for (int64_t i = 0; i < s->n; i++) index[i] = r->order.data ? feed_example(&r->order, i) : i;
    elbo_status status = elbo_data_read(r->data, index, s->n, s->x, s->label, error);
    return status == ELBO_OK ? elbo_model_encode(r->model, s->x, s->n, s->mean, s->std, error) : status;
}

static elbo_status gather_data(report *r, elbo_error *error)
{
    elbo_status status = r->data ? evaluate_check(r->model, &r->data->info, error) : find_data(r, error);
    if (status != ELBO_OK || !r->data) return status;
    status = find_order(r, error);
    return status == ELBO_OK ? look(r, error) : status;
}

/* ---- Numbers of the code ---- */

/* KL(q || N(0,1)) = 1/2 (mu^2 + sigma^2 - 1) - log sigma, averaged over the examples. */
static void measure_kl(report *r)
{
    const looked_at *s = &r->seen;
    int64_t z = r->model->info.latent_size;
    for (int64_t i = 0; i < s->n * z; i++) {
        double mu = (double)s->mean[i], sigma = (double)s->std[i];
        r->kl[i % z] += (0.5 * (mu * mu + sigma * sigma - 1) - log(sigma)) / (double)s->n;
    }
}

/* Where codes are points: by the variance of each number. */
static void measure_variance(const report *r, double *weight)
{
    const looked_at *s = &r->seen;
    int64_t z = r->model->info.latent_size;
    for (int64_t j = 0; j < z && s->n; j++) {
        double sum = 0, square = 0;
        for (int64_t i = j; i < s->n * z; i += z) {
            sum += (double)s->mean[i];
            square += (double)s->mean[i] * (double)s->mean[i];
        }
        weight[j] = square / (double)s->n - (sum / (double)s->n) * (sum / (double)s->n);
    }
}

/* Insertion sort: equal weights stay in order, and codes are short. */
static void sort_by(const double *weight, int64_t *order, int64_t z)
{
    for (int64_t j = 0; j < z; j++) {
        int64_t k = j;
        for (; k > 0 && weight[order[k - 1]] < weight[j]; k--) order[k] = order[k - 1];
        order[k] = j;
    }
}

static elbo_status weigh_code(report *r, elbo_error *error)
{
    int64_t z = r->model->info.latent_size;
    double *weight = mem_new(r->m, (size_t)z, sizeof *weight);
    r->by_weight = mem_new(r->m, (size_t)z, sizeof *r->by_weight);
    if (!weight || !r->by_weight) {
        mem_free(r->m, weight);
        return err_memory(error, "a report");
    }
    bool known = r->history.n_latent == (size_t)z, measured = r->seen.n && r->model->latents[0].kind == LATENT_GAUSSIAN;
    if (known || measured) r->kl = weight;
    if (measured) measure_kl(r);
    else if (known) memcpy(weight, r->history.latent_kl, (size_t)z * sizeof *weight);
    else measure_variance(r, weight);
    sort_by(weight, r->by_weight, z);
    if (!r->kl) mem_free(r->m, weight);
    return ELBO_OK;
}

/* ---- The page ---- */

static elbo_status gather(report *r, elbo_error *error)
{
    elbo_status status = read_with(r, "config.toml", check_run, error);
    if (status == ELBO_OK) status = read_with(r, "metrics.jsonl", read_metrics, error);
    if (status == ELBO_OK) status = read_with(r, "times.jsonl", read_times, error);
    if (status == ELBO_OK) status = read_with(r, "run.json", read_origin, error);
    if (status != ELBO_OK) return status;
    r->model = elbo_model_load(r->engine, r->directory, error);
    if (!r->model) return error->code;
    status = gather_data(r, error);
    return status == ELBO_OK ? weigh_code(r, error) : status;
}

static elbo_status write_page(report *r, const char *path, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    html_begin(&r->out, r->origin.data[0] ? r->origin.data : "elbo");
    for (size_t i = 0; i < sizeof sections / sizeof *sections && status == ELBO_OK; i++) status = sections[i](r, error);
    html_leaf(&r->out, "footer", NULL, "Made by elbo %s from the files of the run.", elbo_version());
    html_end(&r->out);
    if (status == ELBO_OK && r->out.failed) status = err_memory(error, "a report");
    return status == ELBO_OK ? file_write_result(r->m, path, &(file_part){r->out.bytes, r->out.length}, 1, error) : status;
}

static void close_report(report *r)
{
    looked_at *s = &r->seen;
    void *const blocks[] = {s->x, s->label, s->mean, s->std, r->kl, r->by_weight};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) mem_free(r->m, blocks[i]);
    if (r->order.data) feed_close(&r->order, r->m);
    history_close(&r->history);
    elbo_data_free(r->own_data);
    elbo_model_free(r->model);
    text_close(&r->out);
}

elbo_status elbo_report_write(elbo_engine *engine, const char *directory, elbo_data *data, const char *path, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    elbo_error mine = {0};
    report r = {.engine = engine, .m = engine->m, .directory = directory, .data = data, .history = {.m = engine->m}};
    text_open(&r.out, r.m);
    elbo_status status = gather(&r, &mine);
    char *usual = path ? NULL : path_of(&r, "report.html");
    if (status == ELBO_OK && !path && !usual) status = err_memory(&mine, "a path");
    if (status == ELBO_OK) status = write_page(&r, path ? path : usual, &mine);
    mem_free(r.m, usual);
    close_report(&r);
    return status == ELBO_OK ? ELBO_OK : err_set(error, status, "%s", mine.message);
}
