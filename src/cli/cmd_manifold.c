/* cmd_manifold.c - elbo manifold MODEL [DATA]: the plane of two numbers of a code, as pictures.
 *
 * The points of the grid are evenly spaced on the unit square and taken through the inverse of the normal distribution
 * function, so that each stands for the same share of the prior (Kingma and Welling 2014, figure 4). */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_TEXT("latents", "plane", "I,J", "",
              "The two numbers of the code, counted from 0, to the right and up; else those of the largest KL over DATA."),
    FLAG_INT("side", "plane", "20", 2, 500, "Pictures on a side of the grid."),
    FLAG_TEXT("out", "output", "FILE", "manifold.png", "The file to write: .png for a grid, .npy for an array."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo train toy --latent 2 --epochs 20 --quiet --out runs/flat", "a code of two numbers"},
    {"elbo manifold runs/flat", "all of it"},
    {"elbo manifold runs/toy-vae toy --side 10 --out used.png", "the two most used of more"},
    {"elbo manifold runs/toy-vae --latents 3,0 --out chosen.png", "or two of your choice; the others are at their mean"},
    {0},
};

/* Phi(x) = p, 0 < p < 1, by halving. */
static double normal_quantile(double p)
{
    double lo = -40, hi = 40;
    for (int i = 0; i < 80; i++) {
        double x = 0.5 * (lo + hi);
        *(0.5 * erfc(-x / sqrt(2)) < p ? &lo : &hi) = x;
    }
    return 0.5 * (lo + hi);
}

static double point_at(int64_t k, int64_t side)
{
    return normal_quantile(((double)k + 0.5) / (double)side);
}

/* ---- Which plane ---- */

static const code_use *use_of(const code_use *use, int64_t size, int64_t number)
{
    for (int64_t i = 0; i < size; i++)
        if (use[i].number == number) return &use[i];
    return NULL;
}

/* The numbers typed, or those of a code of two, or the two most used. */
static elbo_status choose_numbers(cli *c, const code_use *use, int64_t size, int64_t number[2])
{
    bool typed = flag_text(c, "latents")[0] != '\0';
    number[0] = size == 2 ? 0 : use[0].number;
    number[1] = size == 2 ? 1 : use[size > 1].number;
    if (typed) return parse_latents(c, "latents", number);
    if (size == 2 || c->data) return ELBO_OK;
    return fail(c, ELBO_USAGE, "codes of %s have %" PRId64 " numbers: choose two with --latents, or give DATA to take the two "
                               "most used", c->word[0], size);
}

static elbo_status choose(cli *c, const code_use *use, int64_t size, const code_use *axis[2])
{
    int64_t number[2];
    elbo_status status = choose_numbers(c, use, size, number);
    if (status != ELBO_OK) return status;
    for (int k = 0; k < 2; k++) axis[k] = use_of(use, size, number[k]);
    if (axis[0] && axis[1] && axis[0] != axis[1]) return ELBO_OK;
    return fail(c, ELBO_USAGE, "there is no plane of %" PRId64 " and %" PRId64 ": it takes two different numbers of 0 to "
                               "%" PRId64, number[0], number[1], size - 1);
}

/* ---- The grid ---- */

/* Codes [side,side,Z], the upmost row first. */
static void fill_codes(const cli *c, const code_use *const axis[2], int64_t side, const float *middle, int64_t width, float *z)
{
    for (int64_t row = 0; row < side; row++)
        for (int64_t column = 0; column < side; column++, z += width) {
            memcpy(z, middle, (size_t)width * sizeof *z);
            z[axis[0]->number] = code_value(c, axis[0], point_at(column, side));
            z[axis[1]->number] = code_value(c, axis[1], point_at(side - 1 - row, side));
        }
}

/* The values of both numbers, at the margins, and what they are. */
static elbo_status add_words(cli *c, const code_use *const axis[2], int64_t side, elbo_grid *g)
{
    enum { WORD = 32, TITLE = 3 * CODE_NAME };
    char(*words)[WORD] = new_block(c, 2 * side, sizeof *words), *title = words ? new_block(c, 1, TITLE) : NULL;
    const char **at = title ? new_block(c, 2 * side, sizeof *at) : NULL;
    if (!at) return c->error.code;
    for (int64_t k = 0; k < side; k++) {
        snprintf(words[k], WORD, "%.2f", (double)code_value(c, axis[0], point_at(k, side)));
        snprintf(words[2 * side - 1 - k], WORD, "%.2f", (double)code_value(c, axis[1], point_at(k, side)));
    }
    for (int64_t k = 0; k < 2 * side; k++) at[k] = words[k];
    char right[CODE_NAME], up[CODE_NAME];
    snprintf(title, TITLE, "%s to the right, %s up", code_name(c->model, axis[0]->number, right),
             code_name(c->model, axis[1]->number, up));
    g->title = title;
    g->columns = at;
    g->rows = at + side;
    return ELBO_OK;
}

static json_t *axes_json(const cli *c, const code_use *const axis[2])
{
    char right[CODE_NAME], up[CODE_NAME];
    return json_pack("{s:[s,s]}", "latents", code_name(c->model, axis[0]->number, right),
                     code_name(c->model, axis[1]->number, up));
}

static elbo_status draw(cli *c, const code_use *use, const code_use *const axis[2])
{
    const elbo_model_info *info = elbo_model_describe(c->model);
    int64_t side = flag_int(c, "side"), n = side * side, width = info->latent_size;
    float *middle = new_floats(c, 1, width), *z = middle ? new_floats(c, n, width) : NULL; /* [Z], [side,side,Z] */
    float *x = z ? new_floats(c, n, shape_size(info->shape)) : NULL;                      /* [side,side,H,W,C] */
    if (!x) return c->error.code;
    middle_code(c, use, middle);
    fill_codes(c, axis, side, middle, width, z);
    elbo_grid g = {.part = {x}, .n_parts = 1, .n = n, .per_row = side, .min = info->min, .max = info->max};
    memcpy(g.shape, info->shape, sizeof g.shape);
    elbo_status status = elbo_model_decode(c->model, z, n, x, &c->error);
    if (status == ELBO_OK) status = add_words(c, axis, side, &g);
    return status == ELBO_OK ? write_cells(c, flag_text(c, "out"), &g, axes_json(c, axis)) : status;
}

static elbo_status run(cli *c)
{
    elbo_metrics metrics;
    const code_use *axis[2] = {NULL, NULL};
    elbo_status status = check_output(c, flag_text(c, "out"), true);
    if (status == ELBO_OK) status = open_model_and_data(c);
    if (status == ELBO_OK && c->data) status = elbo_model_evaluate(c->model, c->data, &metrics, &c->error);
    if (status != ELBO_OK) return status;
    code_use *use = sorted_use(c);
    if (!use) return c->error.code;
    status = choose(c, use, elbo_model_describe(c->model)->latent_size, axis);
    return status == ELBO_OK ? draw(c, use, axis) : status;
}

const command command_manifold = {
    .name = "manifold",
    .summary = "Show the plane of two numbers of a code",
    .words = {"MODEL", "[DATA]"},
    .about = "Decodes a grid of codes in which two numbers vary, each point standing for the same share of the prior, and the "
             "others are at their mean. Codes that are points have no prior: give DATA, and the grid covers where they lie.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
