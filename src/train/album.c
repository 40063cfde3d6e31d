/* album.c - see album.h */
#include "album.h"
#include "../base/file.h"
#include "../view/chart.h"
#include "../view/grid.h"

#include <math.h>
#include <stdio.h>

enum { ACROSS = 10, MOST = ACROSS * ACROSS };

static bool are_pictures(const elbo_model *m)
{
    const int64_t *s = m->info.shape;
    return s[0] > 1 && s[1] > 1 && (s[2] == 1 || s[2] == 3 || s[2] == 4);
}

static elbo_status write_in(record *r, const char *name, const grid *g, elbo_error *error)
{
    char *path = file_join(r->m, r->directory, name);
    if (!path) return err_memory(error, "a path");
    elbo_status status = grid_write(r->m, path, g, error);
    mem_free(r->m, path);
    return status;
}

/* The newest under its own name, and a copy under pictures/. */
static elbo_status keep(record *r, const char *name, int64_t epoch, const grid *g, elbo_error *error)
{
    char newest[64], dated[96];
    snprintf(newest, sizeof newest, "%s.png", name);
    snprintf(dated, sizeof dated, "pictures/epoch-%04lld-%s.png", (long long)epoch, name);
    elbo_status status = write_in(r, newest, g, error);
    return status == ELBO_OK ? write_in(r, dated, g, error) : status;
}

static grid grid_of(const elbo_model *m, int64_t n)
{
    const int64_t *s = m->info.shape;
    return (grid){.n = n, .shape = {s[0], s[1], s[2]}, .per_row = ACROSS, .range = {m->info.min, m->info.max}};
}

static elbo_status draw_samples(record *r, elbo_model *m, int64_t epoch, float *x, elbo_error *error)
{
    if (!family_samples(m->family)) return ELBO_OK;
    elbo_status status = elbo_model_sample(m, MOST, (uint64_t)m->config.seed, x, error);
    if (status != ELBO_OK) return status;
    grid g = grid_of(m, MOST);
    g.part[0] = x;
    g.n_parts = 1;
    return keep(r, "samples", epoch, &g, error);
}

static elbo_status draw_pairs(record *r, elbo_model *m, feed *f, int64_t epoch, float *x, float *y, elbo_error *error)
{
    int64_t index[MOST], n = 0;
    for (; n < MOST && n < f->data->info.count; n++) index[n] = feed_example(f, n);
    elbo_status status = elbo_data_read(f->data, index, n, x, NULL, error);
    if (status == ELBO_OK) status = elbo_model_reconstruct(m, x, n, y, error);
    if (status != ELBO_OK) return status;
    grid g = grid_of(m, n);
    g.part[0] = y;
    g.part[1] = x;
    g.n_parts = 2;
    return keep(r, "pairs", epoch, &g, error);
}

/* ---- Curves ---- */

enum { N_CURVES = 6 };

static void fill_curves(const record *r, double *at[N_CURVES + 1])
{
    for (size_t i = 0; i < r->history.n; i++) {
        const epoch_figures *e = &r->history.at[i];
        const elbo_metrics *t = &e->train, *v = &e->valid;
        const double train[] = {t->total, t->rec, t->kl}, valid[] = {v->total, v->rec, v->kl};
        at[N_CURVES][i] = (double)e->epoch;
        for (int k = 0; k < 3; k++) {
            at[k][i] = train[k];
            at[3 + k][i] = v->count ? valid[k] : (double)NAN;
        }
    }
}

static elbo_status draw_curves(record *r, elbo_error *error)
{
    size_t n = r->history.n;
    double *numbers = mem_new(r->m, (N_CURVES + 1) * n, sizeof *numbers), *at[N_CURVES + 1];
    char *path = file_join(r->m, r->directory, "curves.png");
    elbo_status status = numbers && path ? ELBO_OK : err_memory(error, "curves");
    for (size_t k = 0; k <= N_CURVES && numbers; k++) at[k] = numbers + k * n;
    if (status == ELBO_OK) {
        fill_curves(r, at);
        const double *x = at[N_CURVES];
        chart_series upper[] = {{"total, training", x, at[0], n}, {"total, validation", x, at[3], n},
                                {"reconstruction, training", x, at[1], n}, {"reconstruction, validation", x, at[4], n}};
        chart_series lower[] = {{"KL, training", x, at[2], n}, {"KL, validation", x, at[5], n}};
        chart c = {.title = "Nats per example", .x_label = "epoch", .n_panels = 2,
                   .panel = {{.label = "loss", .series = upper, .n_series = 4}, {.label = "KL", .series = lower, .n_series = 2}}};
        status = chart_write(r->m, path, &c, error);
    }
    mem_free(r->m, path);
    mem_free(r->m, numbers);
    return status;
}

elbo_status album_epoch(record *r, elbo_model *m, feed *f, int64_t epoch, elbo_error *error)
{
    if (!are_pictures(m)) return draw_curves(r, error);
    size_t d = (size_t)model_numbers(m);
    float *x = mem_new(r->m, MOST * d, sizeof *x), *y = mem_new(r->m, MOST * d, sizeof *y);
    elbo_status status = x && y ? draw_samples(r, m, epoch, x, error) : err_memory(error, "pictures");
    if (status == ELBO_OK) status = draw_pairs(r, m, f, epoch, x, y, error);
    if (status == ELBO_OK) status = draw_curves(r, error);
    mem_free(r->m, x);
    mem_free(r->m, y);
    return status;
}
