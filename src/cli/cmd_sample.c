/* cmd_sample.c - elbo sample MODEL: new examples from the prior. */
#include "term.h"

#include <string.h>

static const elbo_option_info flags[] = {
    FLAG_INT("n", "sampling", "64", 1, 1000000, "How many to draw."),
    FLAG_INT("seed", "sampling", "1", 0, 9007199254740992.0, "Which ones: the same seed draws the same examples."),
    FLAG_CHOICE("values", "sampling", "auto", "auto|drawn|means",
                "Values drawn from what the decoder says of them, or the means of that; auto draws those of a table's rows."),
    FLAG_TEXT("out", "output", "FILE", "samples.png",
              "The file to write: .png for a grid, .npy for an array, .csv for rows of a table (samples.csv without)."),
    FLAG_PER_ROW,
    FLAG_SHOW,
    FLAG_END,
};

static const example examples[] = {
    {"elbo sample runs/toy-vae", "draws 64 examples into samples.png"},
    {"elbo sample runs/toy-vae --n 16 --seed 7 --per-row 4 --out four-by-four.png", "another 16, four in a row"},
    {"elbo sample runs/toy-vae/best.safetensors --n 1000 --out samples.npy", "1000 as an array of floats"},
    {0},
};

/* auto: of a table, unless its likelihood is a loss, from which nothing can be drawn. */
static bool draws_values(const cli *c)
{
    const char *values = flag_text(c, "values");
    bool table = elbo_model_column_at(c->model, 0) && elbo_model_describe(c->model)->measure != ELBO_LOSS;
    return strcmp(values, "drawn") == 0 || (strcmp(values, "auto") == 0 && table);
}

static elbo_status run(cli *c)
{
    const char *out = flag_text(c, "out");
    elbo_status status = check_output(c, out, true);
    if (status == ELBO_OK) status = open_engine(c);
    if (status == ELBO_OK) status = open_model(c, c->word[0]);
    if (status != ELBO_OK) return status;
    const elbo_model_info *info = elbo_model_describe(c->model);
    int64_t n = flag_int(c, "n");
    float *x = new_floats(c, n, shape_size(info->shape)); /* [n,H,W,C] */
    if (!x) return c->error.code;
    uint64_t seed = (uint64_t)flag_int(c, "seed");
    status = draws_values(c) ? elbo_model_sample_values(c->model, n, seed, x, &c->error)
                             : elbo_model_sample(c->model, n, seed, x, &c->error);
    if (status != ELBO_OK) return status;
    char room[MAX_OUTPUT];
    status = write_result(c, output_name(c, room), x, NULL, n, info->shape, info->min, info->max);
    if (status != ELBO_OK || !shows(c)) return status;
    term t = term_of(stderr, "auto", 0);
    return show_examples(c, &t, (const float *const[SHOW_ROWS]){x}, n, info->shape, info->min, info->max);
}

const command command_sample = {
    .name = "sample",
    .summary = "Draw new examples from a model's prior",
    .words = {"MODEL"},
    .about = "Draws examples from the prior of MODEL and writes them as a grid of pictures, as an array, or as "
             "rows of a table. Rows are drawn in full; pictures are the means of p(x|z), without its noise.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
