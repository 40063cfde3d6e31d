/* cmd_traverse.c - elbo traverse MODEL [DATA]: what each number of a code does. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_INT("example", "data", "", 0, 1e15, "Around the code of this example of DATA, counted from 0; else around the "
                                             "prior's mean, or the mean of the codes where they are points."),
    FLAG_REAL("range", "numbers", "3", 0, 1e6,
              "A number goes from minus this to this; for codes that are points, in standard deviations around its mean "
              "over DATA."),
    FLAG_INT("steps", "numbers", "11", 2, 1000, "Pictures in a row."),
    FLAG_INT("n", "numbers", "0", 0, 1e6, "Only so many rows, the most used numbers first; 0 shows all."),
    FLAG_TEXT("out", "output", "FILE", "traversals.png",
              "The file to write: .png for a row a number, .npy for the same cells as an array."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo traverse runs/toy-vae toy", "each number of the code from -3 to 3, that of the largest KL over DATA first"},
    {"elbo traverse runs/toy-vae toy --example 4 --n 6 --range 2 --steps 7 --out six.png", "the first six, around an example"},
    {"elbo traverse runs/toy-vae --json", "without data, in the order of the code"},
    {0},
};

typedef struct traversal {
    int64_t rows, steps, width, size; /* numbers of a code and of an example */
    const code_use *use;              /* [width], in the order of the rows */
    float *code;                      /* [rows,steps,width] */
    float *x;                         /* [rows,steps,H,W,C] */
} traversal;

/* ---- Codes ---- */

static elbo_status encode_example(cli *c, int64_t i, float *z)
{
    int64_t count = c->data ? elbo_data_describe(c->data)->count : 0;
    if (!c->data) return fail(c, ELBO_USAGE, "--example needs DATA");
    if (i >= count)
        return fail(c, ELBO_USAGE, "--example %" PRId64 ": %s has %" PRId64 " examples in this part, counted from 0", i,
                    c->word[1], count);
    float *x = new_floats(c, 1, shape_size(elbo_model_describe(c->model)->shape));
    if (!x) return c->error.code;
    elbo_status status = read_examples(c, i, 1, x, NULL);
    return status == ELBO_OK ? elbo_model_encode(c->model, x, 1, z, NULL, &c->error) : status;
}

/* The code that the rows begin from, into z [Z]: an example's, or where the prior or the points have their middle. */
static elbo_status find_base(cli *c, const traversal *t, float *z)
{
    if (flag_text(c, "example")[0]) return encode_example(c, flag_int(c, "example"), z);
    middle_code(c, t->use, z);
    return ELBO_OK;
}

/* The value of a row's number in column k: between -range and range. */
static float value_at(const cli *c, const traversal *t, const code_use *row, int64_t k)
{
    return code_value(c, row, flag_real(c, "range") * (2 * (double)k / (double)(t->steps - 1) - 1));
}

static void fill_codes(const cli *c, const traversal *t, const float *base)
{
    for (int64_t i = 0; i < t->rows; i++)
        for (int64_t k = 0; k < t->steps; k++) {
            float *z = t->code + (i * t->steps + k) * t->width;
            memcpy(z, base, (size_t)t->width * sizeof *z);
            z[t->use[i].number] = value_at(c, t, &t->use[i], k);
        }
}

/* ---- Words ---- */

enum { LABEL = CODE_NAME + 32 };

/* "z.3  KL 1.84", "z.3  sd 0.52" for points, or the name alone where nothing is known. */
static void label_of(const cli *c, const code_use *row, char out[LABEL])
{
    char name[CODE_NAME];
    code_name(c->model, row->number, name);
    if (!c->data)
        snprintf(out, LABEL, "%s", name);
    else if (isfinite(row->use.kl))
        snprintf(out, LABEL, "%s  KL %.2f", name, row->use.kl);
    else
        snprintf(out, LABEL, "%s  sd %.2f", name, sqrt(row->use.variance));
}

static json_t *rows_json(const cli *c, const traversal *t)
{
    json_t *list = json_array();
    char name[CODE_NAME];
    for (int64_t i = 0; i < t->rows; i++) {
        const code_use *u = &t->use[i];
        json_array_append_new(list, json_pack("{s:s, s:o, s:o, s:o}", "name", code_name(c->model, u->number, name), "kl",
                                              c->data ? json_number(u->use.kl) : json_null(), "from",
                                              json_number((double)value_at(c, t, u, 0)), "to",
                                              json_number((double)value_at(c, t, u, t->steps - 1))));
    }
    return json_pack("{s:o}", "rows", list);
}

/* The words above the columns and beside the rows, as a grid takes them. */
static elbo_status add_words(cli *c, const traversal *t, elbo_grid *g)
{
    char(*words)[LABEL] = new_block(c, t->rows + t->steps, sizeof *words);
    const char **at = words ? new_block(c, t->rows + t->steps, sizeof *at) : NULL;
    if (!at) return c->error.code;
    for (int64_t i = 0; i < t->rows + t->steps; i++) at[i] = words[i];
    for (int64_t i = 0; i < t->rows; i++) label_of(c, &t->use[i], words[i]);
    for (int64_t k = 0; k < t->steps; k++)
        snprintf(words[t->rows + k], LABEL, "%.3g", flag_real(c, "range") * (2 * (double)k / (double)(t->steps - 1) - 1));
    g->rows = at;
    g->columns = at + t->rows;
    return ELBO_OK;
}

/* ---- The command ---- */

static elbo_status write_traversal(cli *c, const traversal *t)
{
    const elbo_model_info *info = elbo_model_describe(c->model);
    elbo_grid g = {.part = {t->x}, .n_parts = 1, .n = t->rows * t->steps, .per_row = t->steps, .min = info->min,
                   .max = info->max};
    memcpy(g.shape, info->shape, sizeof g.shape);
    elbo_status status = add_words(c, t, &g);
    return status == ELBO_OK ? write_cells(c, flag_text(c, "out"), &g, rows_json(c, t)) : status;
}

static elbo_status run(cli *c)
{
    elbo_metrics metrics;
    elbo_status status = check_output(c, flag_text(c, "out"), true);
    if (status == ELBO_OK) status = open_model_and_data(c);
    if (status == ELBO_OK && c->data) status = elbo_model_evaluate(c->model, c->data, &metrics, &c->error);
    if (status != ELBO_OK) return status;
    const elbo_model_info *info = elbo_model_describe(c->model);
    traversal t = {.rows = count_wanted(c, info->latent_size), .steps = flag_int(c, "steps"), .width = info->latent_size,
                   .size = shape_size(info->shape), .use = sorted_use(c)};
    float *base = t.use ? new_floats(c, 1, t.width) : NULL;
    t.code = base ? new_floats(c, t.rows * t.steps, t.width) : NULL;
    t.x = t.code ? new_floats(c, t.rows * t.steps, t.size) : NULL;
    if (!t.x) return c->error.code;
    status = find_base(c, &t, base);
    if (status != ELBO_OK) return status;
    fill_codes(c, &t, base);
    status = elbo_model_decode(c->model, t.code, t.rows * t.steps, t.x, &c->error);
    return status == ELBO_OK ? write_traversal(c, &t) : status;
}

const command command_traverse = {
    .name = "traverse",
    .summary = "Show what each number of a code does",
    .words = {"MODEL", "[DATA]"},
    .about = "Changes one number of a code at a time and decodes: a row for each number, from -3 to 3, while the others stay "
             "where they are. With DATA the rows are sorted by the number's KL over it, which is what the number tells about "
             "an example, in nats.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
