/* album.c - see album.h */
#include "album.h"
#include "../base/file.h"
#include "../view/chart.h"
#include "../view/grid.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- What there is to see ---- */

typedef enum subject { PRIOR, HELD_OUT, TRAINED, N_SUBJECTS } subject;

typedef struct picture {
    const char *name;
    subject of;
    bool reconstruction, original; /* what a cell shows; of the prior, draws are in the place of reconstructions */
} picture;

static const picture pictures[] = {
    {"samples", PRIOR, true, false},
    {"pairs", HELD_OUT, true, true},
    {"reconstructions", HELD_OUT, true, false},
    {"originals", HELD_OUT, false, true},
    {"train-pairs", TRAINED, true, true},
    {"train-reconstructions", TRAINED, true, false},
    {"train-originals", TRAINED, false, true},
};

enum { N_PICTURES = sizeof pictures / sizeof *pictures };

static elbo_status refuse(const char *word, size_t n, elbo_error *error)
{
    char words[256] = "";
    for (size_t i = 0, used = 0; i < N_PICTURES; i++)
        used += (size_t)snprintf(words + used, sizeof words - used, "%s%s", i ? ", " : "", pictures[i].name);
    return err_set(error, ELBO_USAGE, "option pictures: got '%.*s', expected some of %s", n < 64 ? (int)n : 64, word, words);
}

/* wanted: whether each picture is among the words, which blanks or commas divide. */
static elbo_status choose(const char *words, bool wanted[N_PICTURES], elbo_error *error)
{
    static const char between[] = " ,";
    memset(wanted, 0, N_PICTURES * sizeof *wanted);
    for (words += strspn(words, between); *words; words += strspn(words, between)) {
        size_t n = strcspn(words, between), i = 0;
        while (i < N_PICTURES && !(strncmp(pictures[i].name, words, n) == 0 && pictures[i].name[n] == '\0')) i++;
        if (i == N_PICTURES) return refuse(words, n, error);
        wanted[i] = true;
        words += n;
    }
    return ELBO_OK;
}

elbo_status album_check(const elbo_config *c, elbo_error *error)
{
    bool wanted[N_PICTURES];
    return choose(c->pictures, wanted, error);
}

/* ---- Drawing ---- */

/* The pictures of one epoch. */
typedef struct page {
    record *r;
    elbo_model *m;
    feed *f;
    int64_t epoch, room; /* room: cells of a grid */
    bool wanted[N_PICTURES];
    float *x, *y; /* [room,H,W,C] originals, and what the model makes of them */
} page;

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
static elbo_status draw(const page *p, const picture *what, int64_t n, elbo_error *error)
{
    const int64_t *s = p->m->info.shape;
    grid g = {.n = n, .shape = {s[0], s[1], s[2]}, .per_row = p->m->config.grid_columns,
              .range = {p->m->info.min, p->m->info.max}};
    char newest[64], dated[96];
    snprintf(newest, sizeof newest, "%s.png", what->name);
    snprintf(dated, sizeof dated, "pictures/epoch-%04lld-%s.png", (long long)p->epoch, what->name);
    if (what->reconstruction) g.part[g.n_parts++] = p->y;
    if (what->original) g.part[g.n_parts++] = p->x;
    elbo_status status = write_in(p->r, newest, &g, error);
    return status == ELBO_OK ? write_in(p->r, dated, &g, error) : status;
}

/* Reads the first examples held out, or the first trained on, into x; *n: how many. */
static elbo_status read_examples(const page *p, subject of, int64_t *n, elbo_error *error)
{
    const feed *f = p->f;
    bool apart = of == HELD_OUT && f->apart;
    elbo_data *data = apart ? f->apart : f->data;
    int64_t first = of == TRAINED ? f->n_valid : 0, left = data->info.count - first;
    int64_t *index = mem_new(p->r->m, (size_t)p->room, sizeof *index);
    if (!index) return err_memory(error, "pictures");
    *n = left < p->room ? left : p->room;
    for (int64_t i = 0; i < *n; i++) index[i] = apart ? i : feed_example(f, first + i);
    elbo_status status = elbo_data_read(data, index, *n, p->x, NULL, error);
    mem_free(p->r->m, index);
    return status;
}

/* Fills x and y as the subject has them; *n: how many, 0 where there is nothing to see. */
static elbo_status look_at(const page *p, subject of, int64_t *n, elbo_error *error)
{
    *n = p->room;
    if (of != PRIOR) {
        elbo_status status = read_examples(p, of, n, error);
        return status == ELBO_OK ? elbo_model_reconstruct(p->m, p->x, *n, p->y, error) : status;
    }
    if (family_samples(p->m->family)) return elbo_model_sample(p->m, *n, (uint64_t)p->m->config.seed, p->y, error);
    *n = 0;
    return ELBO_OK;
}

static elbo_status draw_subject(const page *p, subject of, elbo_error *error)
{
    int64_t n = -1; /* not looked at yet */
    elbo_status status = ELBO_OK;
    for (int i = 0; i < N_PICTURES && status == ELBO_OK; i++) {
        if (!p->wanted[i] || pictures[i].of != of) continue;
        if (n < 0) status = look_at(p, of, &n, error);
        if (status == ELBO_OK && n) status = draw(p, &pictures[i], n, error);
    }
    return status;
}

static elbo_status draw_pictures(page *p, elbo_error *error)
{
    const elbo_config *c = &p->m->config;
    elbo_status status = choose(c->pictures, p->wanted, error);
    size_t d = (size_t)model_numbers(p->m);
    p->room = c->grid_rows * c->grid_columns;
    p->x = mem_new(p->r->m, (size_t)p->room * d, sizeof *p->x);
    p->y = mem_new(p->r->m, (size_t)p->room * d, sizeof *p->y);
    if (!p->x || !p->y) status = err_memory(error, "pictures");
    for (subject of = 0; of < N_SUBJECTS && status == ELBO_OK; of++) status = draw_subject(p, of, error);
    mem_free(p->r->m, p->x);
    mem_free(p->r->m, p->y);
    return status;
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

elbo_status album_curves(record *r, elbo_error *error)
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
    page p = {.r = r, .m = m, .f = f, .epoch = epoch};
    bool due = are_pictures(m) && epoch % m->config.pictures_every == 0;
    return due ? draw_pictures(&p, error) : ELBO_OK;
}
