/* cmd_encode.c - elbo encode MODEL DATA: the codes of examples.
 *
 * Codes are made a block of examples at a time. On stdout each block is printed as it comes, so any number streams
 * through a pipe; for files the codes (few numbers each) are collected. */
#include "cli.h"

#include <inttypes.h>

enum { BLOCK = 512 };

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_INT("n", "data", "0", 0, 1e9, "How many examples, from the first on; 0 takes all."),
    FLAG_TEXT("out", "output", "FILE", "", "Write the means as an array [N,Z] to a .npy file instead of stdout."),
    FLAG_TEXT("std", "output", "FILE", "", "With --out: write the standard deviations to a second .npy file."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo encode runs/toy-vae toy --n 4", "four codes as CSV: index, label, then the means"},
    {"elbo encode runs/toy-vae toy --n 4 --json", "a JSON object a line, with means and standard deviations"},
    {"elbo encode runs/toy-vae toy --out codes.npy --std widths.npy", "all of the test part, as arrays"},
    {0},
};

/* Codes [n,Z] on their way out. */
typedef struct codes {
    int64_t n, size;
    float *mean, *std;
} codes;

/* ---- Lines on stdout ---- */

static void print_header(const cli *c)
{
    char name[CODE_NAME];
    printf("index,label");
    for (int64_t j = 0; j < elbo_model_describe(c->model)->latent_size; j++) printf(",%s", code_name(c->model, j, name));
    printf("\n");
}

static void print_csv(const codes *z, int64_t row, int64_t index, int32_t label)
{
    printf("%" PRId64 ",%" PRId32, index, label);
    for (int64_t j = 0; j < z->size; j++) printf(",%.9g", (double)z->mean[row * z->size + j]);
    printf("\n");
}

static json_t *floats_json(const float *values, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) json_array_append_new(list, json_number((double)values[i]));
    return list;
}

static elbo_status print_line(cli *c, const codes *z, int64_t row, int64_t index, int32_t label)
{
    if (!flag_bool(c, "json")) {
        print_csv(z, row, index, label);
        return ELBO_OK;
    }
    return print_json(c, json_pack("{s:I, s:i, s:o, s:o}", "index", (json_int_t)index, "label", (int)label, "mean",
                                   floats_json(z->mean + row * z->size, z->size), "std",
                                   floats_json(z->std + row * z->size, z->size)));
}

/* ---- Blocks ---- */

/* Encodes n examples from first on into rows row... of z; labels may be NULL. x is scratch for BLOCK examples. */
static elbo_status encode_block(cli *c, int64_t first, int64_t n, float *x, int32_t *labels, const codes *z,
                                int64_t row)
{
    elbo_status status = read_examples(c, first, n, x, labels);
    if (status != ELBO_OK) return status;
    return elbo_model_encode(c->model, x, n, z->mean + row * z->size, z->std + row * z->size, &c->error);
}

static elbo_status print_codes(cli *c, int64_t n, float *x, const codes *z)
{
    int32_t labels[BLOCK];
    elbo_status status = ELBO_OK;
    if (!flag_bool(c, "json")) print_header(c);
    for (int64_t first = 0; first < n && status == ELBO_OK; first += BLOCK) {
        int64_t rows = n - first < BLOCK ? n - first : BLOCK;
        status = encode_block(c, first, rows, x, labels, z, 0);
        for (int64_t i = 0; i < rows && status == ELBO_OK; i++) status = print_line(c, z, i, first + i, labels[i]);
    }
    return status;
}

static elbo_status write_codes(cli *c, int64_t n, float *x, const codes *z)
{
    const char *out = flag_text(c, "out"), *std = flag_text(c, "std");
    const int64_t shape[3] = {1, 1, z->size};
    elbo_status status = ELBO_OK;
    for (int64_t first = 0; first < n && status == ELBO_OK; first += BLOCK)
        status = encode_block(c, first, n - first < BLOCK ? n - first : BLOCK, x, NULL, z, first);
    if (status == ELBO_OK && std[0]) status = write_array(c, std, z->std, n, shape);
    return status == ELBO_OK ? write_result(c, out, z->mean, NULL, n, shape, 0, 1) : status;
}

static elbo_status check_files(cli *c)
{
    const char *out = flag_text(c, "out"), *std = flag_text(c, "std");
    if (!out[0] && std[0]) return fail(c, ELBO_USAGE, "--std needs --out");
    elbo_status status = out[0] ? check_output(c, out, false) : ELBO_OK;
    return status == ELBO_OK && std[0] ? check_output(c, std, false) : status;
}

static elbo_status run(cli *c)
{
    elbo_status status = check_files(c);
    if (status == ELBO_OK) status = open_model_and_data(c);
    if (status != ELBO_OK) return status;
    const elbo_data_info *info = elbo_data_describe(c->data);
    bool to_file = flag_text(c, "out")[0] != '\0';
    int64_t n = count_wanted(c, info->count);
    codes z = {.n = to_file ? n : BLOCK, .size = elbo_model_describe(c->model)->latent_size};
    float *x = new_floats(c, BLOCK, shape_size(info->shape)); /* [BLOCK,H,W,C] */
    z.mean = x ? new_floats(c, z.n, z.size) : NULL;
    z.std = z.mean ? new_floats(c, z.n, z.size) : NULL;
    if (!z.std) return c->error.code;
    return to_file ? write_codes(c, n, x, &z) : print_codes(c, n, x, &z);
}

const command command_encode = {
    .name = "encode",
    .summary = "Turn examples into codes",
    .words = {"MODEL", "DATA"},
    .about = "Prints the posterior mean of every example of DATA, a line each, or writes the means and the standard "
             "deviations as arrays. The label is -1 where there is none.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
