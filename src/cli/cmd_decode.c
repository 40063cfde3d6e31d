/* cmd_decode.c - elbo decode MODEL CODES.npy: the examples that codes stand for. */
#include "cli.h"

#include <inttypes.h>

static const elbo_option_info flags[] = {
    FLAG_INT("n", "data", "0", 0, 1e9, "How many codes, from the first on; 0 takes all."),
    FLAG_TEXT("out", "output", "FILE", "decoded.png",
              "The file to write: .png for a grid, .npy for an array, .csv for rows of a table (decoded.csv without)."),
    FLAG_PER_ROW,
    FLAG_END,
};

static const example examples[] = {
    {"elbo encode runs/toy-vae toy --n 16 --out codes.npy", "makes 16 codes to play with"},
    {"elbo decode runs/toy-vae codes.npy", "and turns them into pictures, decoded.png"},
    {"elbo decode runs/toy-vae codes.npy --n 4 --out decoded.npy", "the first four, as an array"},
    {0},
};

static elbo_status check_codes(cli *c)
{
    int64_t have = shape_size(elbo_data_describe(c->data)->shape), want = elbo_model_describe(c->model)->latent_size;
    if (have == want) return ELBO_OK;
    return fail(c, ELBO_MISMATCH, "%s holds codes of %" PRId64 " numbers, but those of %s have %" PRId64, c->word[1],
                have, c->word[0], want);
}

static elbo_status run(cli *c)
{
    const char *out = flag_text(c, "out");
    elbo_status status = check_output(c, out, true);
    if (status == ELBO_OK) status = open_engine(c);
    if (status == ELBO_OK) status = open_model(c, c->word[0]);
    if (status == ELBO_OK) status = open_data(c, c->word[1], "all");
    if (status == ELBO_OK) status = check_codes(c);
    if (status != ELBO_OK) return status;
    const elbo_model_info *info = elbo_model_describe(c->model);
    int64_t n = count_wanted(c, elbo_data_describe(c->data)->count);
    float *z = new_floats(c, n, info->latent_size);                  /* [n,Z] */
    float *x = z ? new_floats(c, n, shape_size(info->shape)) : NULL; /* [n,H,W,C] */
    if (!x) return c->error.code;
    status = read_examples(c, 0, n, z, NULL);
    if (status == ELBO_OK) status = elbo_model_decode(c->model, z, n, x, &c->error);
    if (status != ELBO_OK) return status;
    char room[MAX_OUTPUT];
    return write_result(c, output_name(c, room), x, NULL, n, info->shape, info->min, info->max);
}

const command command_decode = {
    .name = "decode",
    .summary = "Turn codes back into examples",
    .words = {"MODEL", "CODES.npy"},
    .about = "Decodes the rows of an array [N,Z], as elbo encode --out writes it, to the mean of p(x|z).",
    .flags = flags,
    .examples = examples,
    .run = run,
};
