/* output.c - results: JSON on stdout, pictures and arrays in files. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- JSON ---- */

/* jansson leaves out what it has no room for; that this happened anywhere is remembered here, once for all. */
static bool json_is_short;

static void *json_memory(size_t n)
{
    void *block = malloc(n);
    json_is_short = json_is_short || !block;
    return block;
}

void json_begin(void)
{
    json_set_alloc_funcs(json_memory, free);
}

elbo_status print_json(cli *c, json_t *json)
{
    char *line = json ? json_dumps(json, JSON_REAL_PRECISION(10)) : NULL;
    json_decref(json);
    if (!line || json_is_short) {
        free(line);
        return fail(c, ELBO_NO_MEMORY, "out of memory: a result as JSON");
    }
    puts(line);
    free(line);
    return ELBO_OK;
}

json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *json_shape(const int64_t shape[3])
{
    return json_pack("[I,I,I]", (json_int_t)shape[0], (json_int_t)shape[1], (json_int_t)shape[2]);
}

json_t *json_metrics(const elbo_metrics *m)
{
    json_t *j = json_pack("{s:o, s:o, s:o, s:I, s:I}", "rec", json_number(m->rec), "kl", json_number(m->kl), "total",
                          json_number(m->total), "active", (json_int_t)m->active, "count", (json_int_t)m->count);
    for (int64_t i = 0; i < m->n_other; i++) json_object_set_new(j, m->other[i].name, json_number(m->other[i].value));
    return j;
}

/* ---- Pictures and arrays ---- */

bool ends_with(const char *path, const char *ending)
{
    size_t n = strlen(path), m = strlen(ending);
    return n > m && strcasecmp(path + n - m, ending) == 0;
}

bool is_picture(const char *path)
{
    return ends_with(path, ".png");
}

static bool is_table(const char *path)
{
    return ends_with(path, ".csv");
}

elbo_status check_output(cli *c, const char *path, bool examples)
{
    if (ends_with(path, ".npy") || (examples && (is_picture(path) || is_table(path)))) return ELBO_OK;
    return fail(c, ELBO_USAGE, "can't write %s: its name must end in %s.npy (an array)%s", path,
                examples ? ".png (a picture) or " : "", examples ? " or .csv (rows of a table)" : "");
}

static elbo_status write_table(cli *c, const char *path, const float *x, int64_t n)
{
    if (!c->model) return fail(c, ELBO_USAGE, "can't write %s: only a model of a table knows its columns", path);
    return elbo_model_write_csv(c->model, path, x, n, &c->error);
}

const char *output_name(const cli *c, char room[MAX_OUTPUT])
{
    const char *out = flag_text(c, "out");
    for (size_t i = 0; i < c->n_given; i++)
        if (strcmp(c->given[i].row->key, "out") == 0) return out;
    if (!is_picture(out) || !elbo_model_column_at(c->model, 0)) return out;
    snprintf(room, MAX_OUTPUT, "%.*s.csv", (int)strlen(out) - 4, out);
    return room;
}

elbo_status check_picture(cli *c, const char *path)
{
    if (is_picture(path)) return ELBO_OK;
    return fail(c, ELBO_USAGE, "can't write %s: its name must end in .png (a picture)", path);
}

elbo_status check_chart(cli *c, const char *path)
{
    if (is_picture(path) || ends_with(path, ".svg")) return ELBO_OK;
    return fail(c, ELBO_USAGE, "can't write %s: its name must end in .png or .svg (a chart)", path);
}

static bool is_row(const int64_t shape[3])
{
    return shape[0] == 1 && shape[1] == 1;
}

void picture_shape(const int64_t shape[3], int64_t out[3])
{
    bool row = is_row(shape);
    out[0] = shape[0];
    out[1] = row ? shape[2] : shape[1];
    out[2] = row ? 1 : shape[2];
}

elbo_status write_array(cli *c, const char *path, const float *x, int64_t n, const int64_t shape[3])
{
    const int64_t row[2] = {n, shape[2]}, picture[4] = {n, shape[0], shape[1], shape[2]};
    return is_row(shape) ? elbo_npy_write(c->engine, path, x, row, 2, &c->error)
                         : elbo_npy_write(c->engine, path, x, picture, 4, &c->error);
}

/* --per-row, or so many cells of a row that n of them make about a square. */
static int64_t grid_width(const cli *c, int64_t n, const int64_t cell[2])
{
    int64_t per_row = flag_int(c, "per-row");
    if (per_row == 0) per_row = (int64_t)ceil(sqrt((double)n * (double)cell[0] / (double)cell[1]));
    return per_row < n ? per_row : n;
}

static elbo_status write_picture(cli *c, const char *path, const float *x, const float *beside, int64_t n,
                                 const int64_t shape[3], double min, double max)
{
    int64_t s[3];
    picture_shape(shape, s);
    int64_t per_row = grid_width(c, n, (const int64_t[]){s[0], beside ? 2 * s[1] : s[1]});
    if (!beside) return elbo_png_write_grid(c->engine, path, x, n, s, per_row, min, max, &c->error);
    return elbo_png_write_pairs(c->engine, path, x, beside, n, s, per_row, min, max, &c->error);
}

static void say_written(const cli *c, const char *path, int64_t n)
{
    char number[32];
    say(c, "wrote %s: %s %s", path, count_text(n, number), n == 1 ? "example" : "examples");
}

/* With --json, says on stdout what was written, and more (taken over; NULL: nothing). */
static elbo_status print_written(cli *c, const char *path, int64_t n, const int64_t shape[3], json_t *more)
{
    json_t *j = NULL;
    if (flag_bool(c, "json"))
        j = json_pack("{s:s, s:I, s:o}", "out", path, "count", (json_int_t)n, "shape", json_shape(shape));
    if (j && more) json_object_update(j, more);
    json_decref(more);
    return flag_bool(c, "json") ? print_json(c, j) : ELBO_OK;
}

elbo_status write_examples(cli *c, const char *path, const float *x, const float *beside, int64_t n,
                           const int64_t shape[3], double min, double max)
{
    elbo_status status = is_picture(path) ? write_picture(c, path, x, beside, n, shape, min, max)
                         : is_table(path) ? write_table(c, path, x, n)
                                          : write_array(c, path, x, n, shape);
    if (status == ELBO_OK) say_written(c, path, n);
    return status;
}

elbo_status write_result(cli *c, const char *path, const float *x, const float *beside, int64_t n,
                         const int64_t shape[3], double min, double max)
{
    elbo_status status = write_examples(c, path, x, beside, n, shape, min, max);
    return status == ELBO_OK ? print_written(c, path, n, shape, NULL) : status;
}

elbo_status write_cells(cli *c, const char *path, const elbo_grid *g, json_t *more)
{
    elbo_grid picture = *g;
    picture_shape(g->shape, picture.shape);
    elbo_status status = is_picture(path) ? elbo_png_write_labelled(c->engine, path, &picture, &c->error)
                         : is_table(path) ? write_table(c, path, g->part[0], g->n)
                                          : write_array(c, path, g->part[0], g->n, g->shape);
    if (status == ELBO_OK) say_written(c, path, g->n);
    if (status == ELBO_OK) return print_written(c, path, g->n, g->shape, more);
    json_decref(more);
    return status;
}
