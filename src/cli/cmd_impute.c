/* cmd_impute.c - elbo impute MODEL DATA: parts of examples that are hidden, or missing, filled in by the model. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_INT("n", "data", "16", 0, 1e9, "How many examples, from the first on; 0 takes all."),
    FLAG_TEXT("mask", "hidden", "WHAT", "bottom",
              "What is hidden: left, right, top or bottom (half of the picture), center (a square in the middle, half as "
              "wide), random:P (each pixel by that chance), missing (nothing: what the data lack, nan), or a picture or .npy "
              "file of one example's shape, above 1/2 where hidden."),
    FLAG_INT("rounds", "filling", "100", 1, 1000000,
             "Rounds of encoding and decoding; the second half of them is averaged."),
    FLAG_INT("seed", "filling", "1", 0, 9007199254740992.0, "Of the draws, and of a random mask."),
    FLAG_TEXT("out", "output", "FILE", "imputed.png",
              "The file to write: .png for a grid of [hidden | filled in | original], .npy for the filled in alone."),
    FLAG_PER_ROW,
    FLAG_END,
};

static const example examples[] = {
    {"elbo impute runs/toy-vae toy --mask right", "the last numbers of 16 rows from the first"},
    {"elbo impute runs/toy-vae toy --n 0 --mask random:0.3 --rounds 20 --json", "how far off it is, when any may be hidden"},
    {"elbo impute runs/toy-vae toy --n 4 --mask left --out filled.npy", "as an array"},
    {0},
};

/* Examples [n,H,W,C] and what becomes of them. */
typedef struct puzzle {
    int64_t n, size, shape[3];
    float *original, *filled, *shown; /* shown: grey where something is hidden */
    unsigned char *hidden;
    int64_t n_hidden;
    double error, of_mean; /* mean squared error over what is hidden, and that of the mean example; NAN: unknown */
} puzzle;

/* ---- Masks ---- */

/* A number in [0,1) for a pixel: splitmix64 of all that it depends on. */
static double chance(uint64_t seed, uint64_t i, uint64_t pixel)
{
    uint64_t z = seed * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u + pixel * 0x94d049bb133111ebu;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static bool in_middle(int64_t at, int64_t size)
{
    return at >= size / 4 && at < size - size / 4;
}

/* Whether a named mask hides a pixel; *known is false for any other name. */
static bool hides(const char *mask, const int64_t shape[3], int64_t y, int64_t x, bool *known)
{
    const struct {
        const char *name;
        bool hidden;
    } rows[] = {{"left", x < shape[1] / 2},
                {"right", x >= shape[1] - shape[1] / 2},
                {"top", y < shape[0] / 2},
                {"bottom", y >= shape[0] - shape[0] / 2},
                {"center", in_middle(y, shape[0]) && in_middle(x, shape[1])},
                {"missing", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, mask) == 0) return rows[i].hidden;
    *known = false;
    return false;
}

/* Hides pixels by name or by chance. *known: whether the mask is one of these. */
static elbo_status hide_pixels(cli *c, puzzle *p, const char *mask, bool *known)
{
    int64_t s[3], channels;
    picture_shape(p->shape, s);
    channels = s[2];
    char *end = NULL;
    bool random = strncmp(mask, "random:", 7) == 0;
    double share = random ? strtod(mask + 7, &end) : 0;
    uint64_t seed = (uint64_t)flag_int(c, "seed");
    if (random && (end == mask + 7 || *end || !(share >= 0 && share <= 1)))
        return fail(c, ELBO_USAGE, "--mask %s: must be random: and a chance of 0 to 1, as in random:0.5", mask);
    for (int64_t i = 0; i < p->n * s[0] * s[1]; i++) {
        int64_t pixel = i % (s[0] * s[1]), which = i / (s[0] * s[1]);
        bool hidden = random ? chance(seed, (uint64_t)which, (uint64_t)pixel) < share
                             : hides(mask, s, pixel / s[1], pixel % s[1], known);
        memset(p->hidden + i * channels, hidden, (size_t)channels);
    }
    return ELBO_OK;
}

/* Hides what a file says, the same of every example. It has a number for each pixel, or for each number of one. */
static elbo_status hide_by_file(cli *c, puzzle *p, const char *path)
{
    elbo_data *mask = elbo_data_open(c->engine, path, "all", &c->error);
    if (!mask) return c->error.code;
    const elbo_data_info *info = elbo_data_describe(mask);
    int64_t size = shape_size(info->shape), have = info->count * size, share = have > 0 ? p->size / have : 0;
    float *x = new_floats(c, info->count, size);
    elbo_status status = x ? ELBO_OK : ELBO_NO_MEMORY;
    if (status == ELBO_OK && (share * have != p->size || (share != 1 && share != p->shape[2])))
        status = fail(c, ELBO_MISMATCH, "--mask %s has %" PRId64 " numbers, but an example has %" PRId64, path, have, p->size);
    for (int64_t i = 0; i < info->count && status == ELBO_OK; i++)
        status = elbo_data_read(mask, &i, 1, x + i * size, NULL, &c->error);
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): it is not 0, or the sizes did not fit */
    for (int64_t i = 0; i < p->n * p->size && status == ELBO_OK; i++) p->hidden[i] = x[i % p->size / share] > 0.5f;
    elbo_data_free(mask);
    return status;
}

static elbo_status hide(cli *c, puzzle *p)
{
    const char *mask = flag_text(c, "mask");
    bool known = true;
    elbo_status status = hide_pixels(c, p, mask, &known);
    if (status == ELBO_OK && !known) status = hide_by_file(c, p, mask);
    for (int64_t i = 0; i < p->n * p->size && status == ELBO_OK; i++) {
        if (isnan(p->original[i])) p->hidden[i] = 1;
        p->n_hidden += p->hidden[i];
    }
    if (status == ELBO_OK && p->n_hidden == 0) return fail(c, ELBO_USAGE, "--mask %s hides nothing of these examples", mask);
    return status;
}

/* ---- How far off ---- */

/* Mean squared errors over what is hidden and known. The mean example is that of these examples. */
static elbo_status compare(cli *c, puzzle *p)
{
    double *sum = new_block(c, p->size, 2 * sizeof *sum), *seen = sum ? sum + p->size : NULL, n = 0;
    if (!sum) return c->error.code;
    for (int64_t i = 0; i < p->n * p->size; i++) {
        if (isnan(p->original[i])) continue;
        sum[i % p->size] += (double)p->original[i];
        seen[i % p->size]++;
    }
    for (int64_t i = 0; i < p->n * p->size; i++) {
        if (!p->hidden[i] || isnan(p->original[i])) continue;
        double x = (double)p->original[i], off = x - (double)p->filled[i], from_mean = x - sum[i % p->size] / seen[i % p->size];
        p->error += off * off;
        p->of_mean += from_mean * from_mean;
        n++;
    }
    p->error /= n;
    p->of_mean /= n;
    return ELBO_OK;
}

/* ---- Output ---- */

static json_t *summary(const cli *c, const puzzle *p)
{
    return json_pack("{s:s, s:o, s:I, s:o, s:o}", "mask", flag_text(c, "mask"), "hidden",
                     json_number((double)p->n_hidden / (double)(p->n * p->size)), "rounds",
                     (json_int_t)flag_int(c, "rounds"), "mse", json_number(p->error), "mse_of_mean", json_number(p->of_mean));
}

static elbo_status write_puzzle(cli *c, const puzzle *p)
{
    const elbo_model_info *info = elbo_model_describe(c->model);
    const char *out = flag_text(c, "out");
    int64_t s[3], per_row = flag_int(c, "per-row");
    picture_shape(p->shape, s);
    if (per_row == 0) per_row = (int64_t)ceil(sqrt((double)(p->n * s[0]) / (double)(3 * s[1])));
    elbo_grid g = {.part = {p->filled}, .n_parts = 1, .n = p->n, .per_row = per_row, .min = info->min, .max = info->max};
    memcpy(g.shape, p->shape, sizeof g.shape);
    if (is_picture(out)) {
        g.part[0] = p->shown;
        g.part[1] = p->filled;
        g.part[2] = p->original;
        g.n_parts = 3;
    }
    if (!isnan(p->error)) say(c, "mean squared error %.5f of what was hidden; the mean example's is %.5f", p->error, p->of_mean);
    return write_cells(c, out, &g, summary(c, p));
}

/* ---- The command ---- */

static elbo_status open_puzzle(cli *c, puzzle *p)
{
    const elbo_data_info *info = elbo_data_describe(c->data);
    *p = (puzzle){.n = count_wanted(c, info->count), .size = shape_size(info->shape)};
    memcpy(p->shape, info->shape, sizeof p->shape);
    p->original = new_floats(c, p->n, p->size);
    p->filled = p->original ? new_floats(c, p->n, p->size) : NULL;
    p->shown = p->filled ? new_floats(c, p->n, p->size) : NULL;
    p->hidden = p->shown ? new_block(c, p->n, (size_t)p->size) : NULL;
    if (!p->hidden) return ELBO_NO_MEMORY;
    elbo_status status = read_examples(c, 0, p->n, p->original, NULL);
    return status == ELBO_OK ? hide(c, p) : status;
}

static elbo_status run(cli *c)
{
    puzzle p;
    elbo_status status = check_output(c, flag_text(c, "out"), true);
    if (status == ELBO_OK) status = open_model_and_data(c);
    if (status == ELBO_OK) status = open_puzzle(c, &p);
    if (status != ELBO_OK) return status;
    status = elbo_model_impute(c->model, p.original, p.hidden, p.n, flag_int(c, "rounds"), (uint64_t)flag_int(c, "seed"),
                               p.filled, &c->error);
    if (status == ELBO_OK) status = compare(c, &p);
    if (status != ELBO_OK) return status;
    const elbo_model_info *info = elbo_model_describe(c->model);
    for (int64_t i = 0; i < p.n * p.size; i++)
        p.shown[i] = p.hidden[i] ? (float)(0.5 * (info->min + info->max)) : p.original[i];
    return write_puzzle(c, &p);
}

const command command_impute = {
    .name = "impute",
    .summary = "Fill in what is hidden or missing",
    .words = {"MODEL", "DATA"},
    .about = "Hides parts of examples and lets MODEL fill them in from the rest: codes are drawn and decoded in turn, what is "
             "known staying as it is (pseudo-Gibbs sampling, Rezende et al. 2014).",
    .flags = flags,
    .examples = examples,
    .run = run,
};
