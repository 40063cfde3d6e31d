/* cmd_import.c - elbo import FILE: a model from the weights of another program. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static const elbo_option_info flags[] = {
    FLAG_TEXT("preset", "model", "NAME", "", "Begin with the options of a program elbo reproduces (elbo presets)."),
    FLAG_TEXT("shape", "model", "HxWxC", "",
              "The shape of an example; without it --height x --width x 3 where these are set, as a preset may, else 28x28x1."),
    FLAG_TEXT("out", "output", "FILE", "imported.safetensors", "The model file to write."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo import runs/toy-vae/best.safetensors --shape 1x1x5", "a file with elbo's own names"},
    {"elbo info imported.safetensors", "what came of it"},
    {0},
};

static elbo_status make_config(cli *c)
{
    c->config = elbo_config_new(c->engine, &c->error);
    if (!c->config) return c->error.code;
    const char *preset = flag_text(c, "preset");
    elbo_status status = preset[0] ? elbo_config_preset(c->config, preset, &c->error) : ELBO_OK;
    for (size_t i = 0; i < c->n_given && status == ELBO_OK; i++) {
        const given *g = &c->given[i];
        if (is_option(g->row)) status = elbo_config_set(c->config, g->row->key, g->value, &c->error);
    }
    return status;
}

/* Three numbers between 'x'. */
static bool read_shape(const char *words, int64_t shape[3])
{
    for (int i = 0; i < 3; i++) {
        char *end;
        shape[i] = strtoll(words, &end, 10);
        if (end == words || shape[i] < 1 || shape[i] > 32768 || *end != (i < 2 ? 'x' : '\0')) return false;
        words = end + 1;
    }
    return true;
}

static elbo_status choose_shape(cli *c, int64_t shape[3])
{
    const char *words = flag_text(c, "shape");
    if (words[0]) {
        return read_shape(words, shape) ? ELBO_OK
                                        : fail(c, ELBO_USAGE, "--shape: got '%s', expected three numbers as in 28x28x1", words);
    }
    const elbo_data_options p = elbo_config_data_options(c->config);
    const int64_t height = p.height ? p.height : p.width, width = p.width ? p.width : p.height;
    shape[0] = height ? height : 28;
    shape[1] = width ? width : 28;
    shape[2] = height && !p.grey ? 3 : 1;
    return ELBO_OK;
}

/* A model for examples of this shape in [0,1]: one black picture stands for the data. */
static elbo_status make_model(cli *c, const int64_t shape[3])
{
    unsigned char *black = calloc((size_t)shape_size(shape), 1);
    if (!black) return fail(c, ELBO_NO_MEMORY, "no memory for an example");
    c->data = elbo_data_from_memory(c->engine, black, ELBO_U8, 1, shape, NULL, &c->error);
    free(black);
    if (c->data) c->model = elbo_model_new(c->engine, c->config, c->data, &c->error);
    return c->model ? ELBO_OK : c->error.code;
}

static elbo_status print_result(cli *c, const int64_t shape[3], const char *out)
{
    const elbo_model_info *info = elbo_model_describe(c->model);
    char words[64], number[32];
    if (flag_bool(c, "json"))
        return print_json(c, json_pack("{s:s, s:o, s:I}", "model", out, "shape", json_shape(shape), "parameters",
                                       (json_int_t)info->n_parameters));
    say(c, "%s parameters, examples of %s", count_text(info->n_parameters, number), shape_text(shape, words));
    printf("%s\n", out);
    return ELBO_OK;
}

static elbo_status run(cli *c)
{
    int64_t shape[3];
    const char *out = flag_text(c, "out");
    elbo_status status = open_engine(c);
    if (status == ELBO_OK) status = make_config(c);
    if (status == ELBO_OK) status = choose_shape(c, shape);
    if (status == ELBO_OK) status = make_model(c, shape);
    if (status == ELBO_OK) status = elbo_model_import(c->model, c->word[0], &c->error);
    if (status == ELBO_OK) status = elbo_model_save(c->model, out, &c->error);
    return status == ELBO_OK ? print_result(c, shape, out) : status;
}

const command command_import = {
    .name = "import",
    .summary = "Make a model from another program's weights",
    .words = {"FILE"},
    .about =
        "Reads a safetensors file with the weights of a PyTorch program that a preset reproduces (pytorch-mlp, "
        "pytorch-examples, conv-64), under that program's names for its layers, or with elbo's own names, and writes a model "
        "file. Every tensor must have its place and its shape. To make such a file in Python: "
        "safetensors.torch.save_file(model.state_dict(), FILE).",
    .flags = flags,
    .takes_options = true,
    .examples = examples,
    .run = run,
};
