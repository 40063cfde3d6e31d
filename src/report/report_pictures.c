/* report_pictures.c - mosaics of pictures: samples, samples over epochs, reconstructions. */
#include "../base/file.h"
#include "../view/grid.h"
#include "../view/html.h"
#include "../view/png.h"
#include "report.h"

#include <math.h>
#include <stdio.h>

enum { COLUMNS = 10, SAMPLE_ROWS = 4, PAIR_ROWS = 2, STOPS = 8, GAP = 1, WIDE = 640, CELL = 96, PATH = 4096 };

/* ---- Mosaics ---- */

static int ceil_div(int64_t a, int b)
{
    return (int)((a + b - 1) / b);
}

/* The width (1) or height (0) of a cell and the gap after it. */
static int pitch(const mosaic *m, int axis)
{
    return ceil_div(m->r->model->info.shape[axis], m->step) + GAP;
}

elbo_status mosaic_open(mosaic *m, const report *r, int columns, int rows, elbo_error *error)
{
    const int64_t *s = r->model->info.shape;
    *m = (mosaic){.c = {.m = r->m}, .one = {.m = r->m}, .r = r, .step = ceil_div(s[0] > s[1] ? s[0] : s[1], CELL)};
    elbo_status status = canvas_open(&m->c, r->m, rows * pitch(m, 0) - GAP, columns * pitch(m, 1) - GAP, 4, error);
    return status == ELBO_OK ? canvas_open(&m->one, r->m, s[0], s[1], 4, error) : status;
}

void mosaic_close(mosaic *m)
{
    canvas_close(&m->c);
    canvas_close(&m->one);
}

void mosaic_put(mosaic *m, int column, int row, const float *x)
{
    const elbo_model_info *i = &m->r->model->info;
    canvas_picture(&m->one, 0, 0, x, i->shape, 1, (value_range){i->min, i->max});
    canvas_copy(&m->c, column * pitch(m, 1), row * pitch(m, 0), &m->one, m->one.clip, m->step);
}

void mosaic_take(mosaic *m, int column, const canvas *from, box part, int scale)
{
    canvas_copy(&m->c, column * pitch(m, 1), 0, from, part, m->step * scale);
}

/* Small pictures are shown enlarged, all of a page by the same factor. */
elbo_status mosaic_show(const mosaic *m, text *to, const char *alt, elbo_error *error)
{
    int width = COLUMNS * pitch(m, 1), scale = (WIDE + width / 2) / width; /* to nearest */
    return html_picture(to, &m->c, scale < 1 ? 1 : scale, alt, error);
}

/* ---- Samples ---- */

static elbo_status add_samples(report *r, elbo_error *error)
{
    enum { N = COLUMNS * SAMPLE_ROWS };
    size_t size = (size_t)model_numbers(r->model);
    float *x = mem_new(r->m, N, size * sizeof *x);
    mosaic m = {.step = 1};
    elbo_status status = x ? elbo_model_sample(r->model, N, (uint64_t)r->model->config.seed, x, error)
                           : err_memory(error, "samples");
    if (status == ELBO_OK) status = mosaic_open(&m, r, COLUMNS, SAMPLE_ROWS, error);
    for (int i = 0; i < N && status == ELBO_OK; i++) mosaic_put(&m, i % COLUMNS, i / COLUMNS, x + (size_t)i * size);
    html_open(&r->out, "figure", NULL);
    if (status == ELBO_OK) status = mosaic_show(&m, &r->out, "samples from the prior", error);
    html_leaf(&r->out, "figcaption", NULL, "Draws from the prior of the best model, decoded.");
    html_close(&r->out, "figure");
    mosaic_close(&m);
    mem_free(r->m, x);
    return status;
}

/* The path of an epoch's samples; NULL out of memory. */
/* Without memory of the heap, for want of which samples would be taken for missing. A path that is too long is none of a file. */
static void epoch_path(const report *r, int64_t epoch, char path[PATH])
{
    snprintf(path, PATH, "%s/pictures/epoch-%04lld-samples.png", r->directory, (long long)epoch);
}

static bool has_samples(const report *r, int64_t epoch)
{
    char path[PATH];
    epoch_path(r, epoch, path);
    return file_exists(path);
}

/* At most STOPS epochs that have samples, the first and the last among them; the steps grow, as training slows down. */
static int choose_stops(const report *r, int64_t stop[STOPS])
{
    int n = 0;
    int64_t last = r->history.n ? r->history.at[r->history.n - 1].epoch : 0, first = 1;
    while (last > 0 && !has_samples(r, last)) last--;
    while (first < last && !has_samples(r, first)) first++;
    for (int k = 0; k < STOPS && last > 0; k++) {
        int64_t epoch = llround((double)first * pow((double)last / (double)first, (double)k / (STOPS - 1)));
        while (epoch < last && !has_samples(r, epoch)) epoch++;
        if (n == 0 || epoch > stop[n - 1]) stop[n++] = epoch;
    }
    return n;
}

/* Copies the first cells of a grid that album.c drew. A picture of another size is no such grid. */
static void take_cells(mosaic *m, int columns, const canvas *drawn, const grid_layout *l)
{
    const int64_t *s = m->r->model->info.shape;
    if (drawn->width != l->width || drawn->height != l->height) return;
    for (int k = 0; k < columns; k++) {
        int column = k % l->columns, row = k / l->columns;
        box cell = {l->gap + column * (l->cell_w + l->gap), l->top + l->gap + row * (l->cell_h + l->gap),
                    (int)s[1] * l->scale, (int)s[0] * l->scale};
        mosaic_take(m, k, drawn, cell, l->scale);
    }
}

static elbo_status read_picture(const report *r, const char *path, canvas *out, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    elbo_status status = file_read(r->m, path, (size_t)1 << 30, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    status = view_png_decode(r->m, bytes, size, out, error);
    mem_free(r->m, bytes);
    return status;
}

static elbo_status add_stop(report *r, int64_t epoch, elbo_error *error)
{
    const elbo_config *c = &r->model->config;
    const int64_t *s = r->model->info.shape;
    grid g = {.part = {r->seen.x ? r->seen.x : (const float[]){0}}, .n_parts = 1, .n = c->grid_rows * c->grid_columns,
              .shape = {s[0], s[1], s[2]}, .per_row = c->grid_columns};
    int columns = g.n < COLUMNS ? (int)g.n : COLUMNS;
    grid_layout l;
    canvas drawn = {.m = r->m};
    mosaic m = {.step = 1};
    char path[PATH];
    epoch_path(r, epoch, path);
    elbo_status status = grid_plan(&g, &l, error);
    if (status == ELBO_OK) status = read_picture(r, path, &drawn, error);
    if (status == ELBO_OK) status = mosaic_open(&m, r, columns, 1, error);
    if (status == ELBO_OK) {
        take_cells(&m, columns, &drawn, &l);
        html_leaf(&r->out, "span", NULL, "epoch %lld", (long long)epoch);
        status = mosaic_show(&m, &r->out, "samples after an epoch", error);
    }
    mosaic_close(&m);
    canvas_close(&drawn);
    return status;
}

static elbo_status add_strip(report *r, elbo_error *error)
{
    int64_t stop[STOPS];
    int n = choose_stops(r, stop);
    elbo_status status = ELBO_OK;
    if (n < 2) return ELBO_OK;
    html_open(&r->out, "figure", NULL);
    html_open(&r->out, "div", "rows");
    for (int i = 0; i < n && status == ELBO_OK; i++) status = add_stop(r, stop[i], error);
    html_close(&r->out, "div");
    html_leaf(&r->out, "figcaption", NULL, "The same codes as training went on.");
    html_close(&r->out, "figure");
    return status;
}

elbo_status report_samples(report *r, elbo_error *error)
{
    if (!report_shows_pictures(r) || !family_samples(r->model->family)) return ELBO_OK;
    html_leaf(&r->out, "h2", NULL, "Samples");
    elbo_status status = add_samples(r, error);
    return status == ELBO_OK ? add_strip(r, error) : status;
}

/* ---- Reconstructions ---- */

elbo_status report_reconstructions(report *r, elbo_error *error)
{
    int64_t n = r->seen.n < COLUMNS * PAIR_ROWS ? r->seen.n : COLUMNS * PAIR_ROWS;
    if (!report_shows_pictures(r) || n == 0) return ELBO_OK;
    int columns = n < COLUMNS ? (int)n : COLUMNS, rows = (int)((n - 1) / COLUMNS + 1);
    size_t size = (size_t)model_numbers(r->model);
    float *y = mem_new(r->m, (size_t)n, size * sizeof *y);
    mosaic m = {.step = 1};
    elbo_status status = y ? elbo_model_reconstruct(r->model, r->seen.x, n, y, error) : err_memory(error, "reconstructions");
    if (status == ELBO_OK) status = mosaic_open(&m, r, columns, 2 * rows, error);
    for (int i = 0; i < n && status == ELBO_OK; i++) {
        mosaic_put(&m, i % COLUMNS, 2 * (i / COLUMNS), r->seen.x + (size_t)i * size);
        mosaic_put(&m, i % COLUMNS, 2 * (i / COLUMNS) + 1, y + (size_t)i * size);
    }
    html_leaf(&r->out, "h2", NULL, "Reconstructions");
    html_open(&r->out, "figure", NULL);
    if (status == ELBO_OK) status = mosaic_show(&m, &r->out, "originals above, reconstructions below", error);
    html_leaf(&r->out, "figcaption", NULL, "%s and, below each row, what the model makes of them.",
              r->order.data && r->order.n_valid ? "Held-out examples" : "Examples");
    html_close(&r->out, "figure");
    mosaic_close(&m);
    mem_free(r->m, y);
    return status;
}
