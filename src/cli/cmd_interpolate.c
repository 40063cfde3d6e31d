/* cmd_interpolate.c - elbo interpolate MODEL DATA: from one example to another through the space of codes. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_INT("n", "data", "8", 1, 1e6, "How many pairs: the first and second example, the third and fourth, ..."),
    FLAG_INT("from", "data", "", 0, 1e15, "With --to: from this example, counted from 0, to that one, and no other pair."),
    FLAG_INT("to", "data", "", 0, 1e15, "See --from."),
    FLAG_INT("steps", "path", "10", 2, 1000, "Codes on the way, those of both examples included."),
    FLAG_BOOL("spherical", "path", "false",
              "Along the great circle between the codes (White 2016), which keeps the length that codes of many numbers "
              "have under the prior; else along the straight line."),
    FLAG_TEXT("out", "output", "FILE", "interpolations.png",
              "The file to write: .png for a row a pair, .npy for the same cells as an array."),
    FLAG_TEXT("animation", "output", "FILE", "", "Also an animated PNG in which all pairs move at once."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo interpolate runs/toy-vae toy", "eight rows of ten steps, with the examples themselves at the ends"},
    {"elbo interpolate runs/toy-vae toy --from 2 --to 7 --steps 20 --spherical --out circle.png", "one pair, in more steps"},
    {"elbo interpolate runs/toy-vae toy --n 3 --animation moving.png", "the same as something that moves"},
    {0},
};

/* Pairs of examples, and what lies between them: a row of steps + 2 cells each. */
typedef struct paths {
    int64_t n, steps, width, size; /* pairs; numbers of a code and of an example */
    int64_t from, to;              /* the only pair; -1: the first n */
    float *code;                   /* [n,steps,Z] */
    float *cell;                   /* [n,steps + 2,H,W,C] */
} paths;

/* ---- The way from a to b ---- */

static double dot(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t j = 0; j < n; j++) sum += (double)a[j] * (double)b[j];
    return sum;
}

/* The weights of a and b at t in [0,1]: sin((1-t) w) / sin w and sin(t w) / sin w with w the angle between them; 1 - t and
 * t for the straight line, and where a and b have one direction, opposite ones or none. */
static void weights_at(double t, double angle, double weight[2])
{
    bool straight = !(sin(angle) > 1e-6);
    weight[0] = straight ? 1 - t : sin((1 - t) * angle) / sin(angle);
    weight[1] = straight ? t : sin(t * angle) / sin(angle);
}

/* Fills a row of codes between its first and its last. */
static void fill_between(const paths *p, float *row, bool spherical)
{
    const float *a = row, *b = row + (p->steps - 1) * p->width;
    double lengths = sqrt(dot(a, a, p->width) * dot(b, b, p->width)), weight[2];
    double cosine = lengths > 0 ? dot(a, b, p->width) / lengths : 1;
    double angle = spherical ? acos(fmax(-1, fmin(1, cosine))) : 0;
    for (int64_t k = 1; k < p->steps - 1; k++) {
        weights_at((double)k / (double)(p->steps - 1), angle, weight);
        for (int64_t j = 0; j < p->width; j++)
            row[k * p->width + j] = (float)(weight[0] * (double)a[j] + weight[1] * (double)b[j]);
    }
}

/* ---- Filling the rows ---- */

static float *cell_at(const paths *p, int64_t pair, int64_t column)
{
    return p->cell + (pair * (p->steps + 2) + column) * p->size;
}

/* Reads an example into a cell and encodes it into a place of the row's codes. */
static elbo_status take_end(cli *c, const paths *p, int64_t pair, int64_t index, int64_t column, int64_t step)
{
    float *x = cell_at(p, pair, column);
    elbo_status status = read_examples(c, index, 1, x, NULL);
    if (status != ELBO_OK) return status;
    return elbo_model_encode(c->model, x, 1, p->code + (pair * p->steps + step) * p->width, NULL, &c->error);
}

static elbo_status fill_row(cli *c, const paths *p, int64_t pair)
{
    int64_t from = p->from < 0 ? 2 * pair : p->from, to = p->from < 0 ? 2 * pair + 1 : p->to;
    float *row = p->code + pair * p->steps * p->width;
    elbo_status status = take_end(c, p, pair, from, 0, 0);
    if (status == ELBO_OK) status = take_end(c, p, pair, to, p->steps + 1, p->steps - 1);
    if (status != ELBO_OK) return status;
    fill_between(p, row, flag_bool(c, "spherical"));
    return elbo_model_decode(c->model, row, p->steps, cell_at(p, pair, 1), &c->error);
}

/* ---- Output ---- */

static elbo_status write_animation(cli *c, const paths *p, const char *path, const elbo_model_info *info)
{
    enum { PER_SECOND = 10 };
    float *frame = new_floats(c, p->steps * p->n, p->size); /* [steps,n,H,W,C] */
    if (!frame) return c->error.code;
    for (int64_t k = 0; k < p->steps; k++)
        for (int64_t i = 0; i < p->n; i++)
            memcpy(frame + (k * p->n + i) * p->size, cell_at(p, i, k + 1), (size_t)p->size * sizeof *frame);
    int64_t shape[3], per_row = (int64_t)ceil(sqrt((double)p->n));
    picture_shape(info->shape, shape);
    return elbo_png_write_animation(c->engine, path, frame, p->steps, p->n, shape, per_row, PER_SECOND, info->min,
                                    info->max, &c->error);
}

static elbo_status write_paths(cli *c, const paths *p)
{
    const elbo_model_info *info = elbo_model_describe(c->model);
    const char *animation = flag_text(c, "animation");
    elbo_grid g = {.part = {p->cell}, .n_parts = 1, .n = p->n * (p->steps + 2), .per_row = p->steps + 2, .min = info->min,
                   .max = info->max};
    memcpy(g.shape, info->shape, sizeof g.shape);
    elbo_status status = animation[0] ? write_animation(c, p, animation, info) : ELBO_OK;
    return status == ELBO_OK ? write_cells(c, flag_text(c, "out"), &g, NULL) : status;
}

/* ---- The command ---- */

static elbo_status check_flags(cli *c)
{
    const char *animation = flag_text(c, "animation");
    if (!flag_text(c, "from")[0] != !flag_text(c, "to")[0]) return fail(c, ELBO_USAGE, "--from and --to need each other");
    elbo_status status = check_output(c, flag_text(c, "out"), true);
    return status == ELBO_OK && animation[0] ? check_picture(c, animation) : status;
}

/* Which pairs there are. */
static elbo_status choose(cli *c, paths *p)
{
    int64_t count = elbo_data_describe(c->data)->count, n = flag_int(c, "n");
    bool one = flag_text(c, "from")[0] != '\0';
    p->from = one ? flag_int(c, "from") : -1;
    p->to = one ? flag_int(c, "to") : -1;
    p->n = one ? 1 : n < count / 2 ? n : count / 2;
    if (p->from < count && p->to < count && p->n > 0) return ELBO_OK;
    return fail(c, ELBO_USAGE, "%s has %" PRId64 " examples in this part, counted from 0: there is no such pair", c->word[1],
                count);
}

static elbo_status run(cli *c)
{
    elbo_status status = check_flags(c);
    if (status == ELBO_OK) status = open_model_and_data(c);
    if (status != ELBO_OK) return status;
    const elbo_model_info *info = elbo_model_describe(c->model);
    paths p = {.steps = flag_int(c, "steps"), .width = info->latent_size, .size = shape_size(info->shape)};
    status = choose(c, &p);
    if (status != ELBO_OK) return status;
    p.code = new_floats(c, p.n * p.steps, p.width);
    p.cell = p.code ? new_floats(c, p.n * (p.steps + 2), p.size) : NULL;
    if (!p.cell) return c->error.code;
    for (int64_t i = 0; i < p.n && status == ELBO_OK; i++) status = fill_row(c, &p, i);
    return status == ELBO_OK ? write_paths(c, &p) : status;
}

const command command_interpolate = {
    .name = "interpolate",
    .summary = "Show the way from one example to another",
    .words = {"MODEL", "DATA"},
    .about = "Encodes pairs of examples, takes codes between theirs, and decodes them: a row for each pair, which begins and "
             "ends with the examples themselves.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
