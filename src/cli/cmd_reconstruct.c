/* cmd_reconstruct.c - elbo reconstruct MODEL DATA: examples through the model and back. */
#include "term.h"

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_INT("n", "data", "32", 0, 1e9, "How many examples, from the first on; 0 takes all."),
    FLAG_TEXT(
        "out", "output", "FILE", "reconstructions.png",
        "The file to write: .png for a grid of pairs [reconstruction | original], .npy for the reconstructions alone, .csv for "
        "those of a table (reconstructions.csv without)."),
    FLAG_INT("per-row", "output", "0", 0, 4096, "Pairs in a row of the grid; 0 makes it about square."),
    FLAG_SHOW,
    FLAG_END,
};

static const example examples[] = {
    {"elbo reconstruct runs/toy-vae toy", "the first 32 of the test part, beside their originals"},
    {"elbo reconstruct runs/toy-vae toy --part train --n 8 --per-row 2 --out pairs.png", "8 that it was trained on"},
    {"elbo reconstruct runs/toy-vae toy --n 0 --out reconstructions.npy", "all of the test part, as an array"},
    {0},
};

static elbo_status run(cli *c)
{
    const char *out = flag_text(c, "out");
    elbo_status status = check_output(c, out, true);
    if (status == ELBO_OK) status = open_model_and_data(c);
    if (status != ELBO_OK) return status;
    const elbo_data_info *info = elbo_data_describe(c->data);
    int64_t n = count_wanted(c, info->count), size = shape_size(info->shape);
    float *x = new_floats(c, n, size), *y = x ? new_floats(c, n, size) : NULL; /* [n,H,W,C] */
    if (!y) return c->error.code;
    status = read_examples(c, 0, n, x, NULL);
    if (status == ELBO_OK) status = elbo_model_reconstruct(c->model, x, n, y, &c->error);
    if (status != ELBO_OK) return status;
    char room[MAX_OUTPUT];
    status = write_result(c, output_name(c, room), y, x, n, info->shape, info->min, info->max);
    if (status != ELBO_OK || !shows(c)) return status;
    term t = term_of(stderr, "auto", 0);
    return show_examples(c, &t, (const float *const[SHOW_ROWS]){x, y}, n, info->shape, info->min, info->max);
}

const command command_reconstruct = {
    .name = "reconstruct",
    .summary = "Show what a model makes of examples",
    .words = {"MODEL", "DATA"},
    .about = "Encodes examples of DATA, decodes the mean of their codes, and writes what comes back.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
