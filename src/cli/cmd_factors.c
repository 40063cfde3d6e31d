/* cmd_factors.c - elbo factors MODEL DATA: which number of the code tells of which factor behind the data. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>

enum { MOST_FACTORS = 100, NAME = 32 };

static const elbo_option_info flags[] = {
    FLAG_PART("all"),
    FLAG_INT("n", "data", "10000", 1, 1e9, "How many examples, drawn by --seed."),
    FLAG_INT("seed", "data", "1", 0, 1e15, "Which examples are drawn."),
    FLAG_INT("bins", "measure", "20", 1, 65536, "Bins of equal width that each number of the code is cut into."),
    FLAG_TEXT("out", "output", "FILE", "factors.png",
              "The picture to write, .png: a row for each number, a column for each factor."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo train sprites --epochs 0 --out runs/sprites --no-pictures", "a model that has learned nothing yet"},
    {"elbo factors runs/sprites sprites --n 2000", "what its code tells of shape, scale, rotation, x and y"},
    {"elbo factors runs/sprites sprites --n 2000 --json --out heat.png", "the numbers for a program, in nats"},
    {0},
};

/* What was found, and the words for it. */
typedef struct table {
    int64_t rows, columns, used; /* Z, F, examples */
    elbo_factor_scores scores;
    double *share; /* [Z,F] information over the factor's entropy; then an empty row, and the gaps */
    const char **row_name, *column_name[MOST_FACTORS];
} table;

/* MIG: the mean gap, over the factors that vary. */
static double mean_gap(const table *t)
{
    double sum = 0;
    int64_t n = 0;
    for (int64_t k = 0; k < t->columns; k++) {
        if (isnan(t->scores.gap[k])) continue;
        sum += t->scores.gap[k];
        n++;
    }
    return sum / (double)n;
}

/* ---- Output ---- */

static json_t *json_numbers(const double *x, int64_t n)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < n; i++) json_array_append_new(list, json_number(x[i]));
    return list;
}

static elbo_status print_numbers(cli *c, const table *t)
{
    json_t *factors = json_array(), *information = json_object();
    for (int64_t k = 0; k < t->columns; k++)
        json_array_append_new(factors, json_pack("{s:s, s:I, s:o, s:o}", "name", t->column_name[k], "size",
                                                 (json_int_t)elbo_data_factor_at(c->data, (size_t)k)->size, "entropy",
                                                 json_number(t->scores.entropy[k]), "gap", json_number(t->scores.gap[k])));
    for (int64_t j = 0; j < t->rows; j++)
        json_object_set_new(information, t->row_name[j], json_numbers(t->scores.information + j * t->columns, t->columns));
    return print_json(c, json_pack("{s:o, s:o, s:o, s:I, s:I, s:s}", "mig", json_number(mean_gap(t)), "factors", factors,
                                   "information", information, "bins", (json_int_t)flag_int(c, "bins"), "count",
                                   (json_int_t)t->used, "out", flag_text(c, "out")));
}

static void print_table(const table *t)
{
    printf("%-8s", "share");
    for (int64_t k = 0; k < t->columns; k++) printf(" %9s", t->column_name[k]);
    for (int64_t j = 0; j < t->rows + 2; j++) {
        printf("\n%-8s", t->row_name[j]);
        for (int64_t k = 0; k < t->columns && t->row_name[j][0]; k++) printf(" %9.3f", t->share[j * t->columns + k]);
    }
    printf("\n%-8s %9.3f\n", "mig", mean_gap(t));
}

static elbo_status draw(cli *c, const table *t)
{
    char title[80];
    snprintf(title, sizeof title, "Share of a factor's entropy; MIG %.3f", mean_gap(t));
    elbo_heat_map map = {.values = t->share, .rows = t->rows + 2, .columns = t->columns, .max = 1, .row_names = t->row_name,
                         .column_names = t->column_name, .title = title};
    elbo_status status = elbo_png_write_heat_map(c->engine, flag_text(c, "out"), &map, &c->error);
    if (status == ELBO_OK) say(c, "wrote %s", flag_text(c, "out"));
    return status;
}

/* ---- The table ---- */

/* "z.0", "z.1", ...: the numbers of the code as elbo encode names them. */
static void name_rows(cli *c, table *t, char (*words)[NAME])
{
    const elbo_latent_info *latent;
    int64_t j = 0;
    for (size_t i = 0; (latent = elbo_model_latent_at(c->model, i)) != NULL; i++)
        for (int64_t k = 0; k < latent->size; k++, j++) {
            snprintf(words[j], NAME, "%.10s.%" PRId64, latent->name, k);
            t->row_name[j] = words[j];
        }
    t->row_name[j] = "";
    t->row_name[j + 1] = "gap";
}

static elbo_status make_room(cli *c, table *t)
{
    const elbo_factor_info *factor;
    while (t->columns < MOST_FACTORS && (factor = elbo_data_factor_at(c->data, (size_t)t->columns)) != NULL)
        t->column_name[t->columns++] = factor->name;
    if (t->columns == 0) return fail(c, ELBO_USAGE, "%s has neither factors nor labels; sprites has factors", c->word[1]);
    t->rows = elbo_model_describe(c->model)->latent_size;
    double *numbers = new_block(c, (2 * t->rows + 4) * t->columns, sizeof *numbers);
    t->row_name = new_block(c, t->rows + 2, sizeof *t->row_name);
    char(*words)[NAME] = new_block(c, t->rows, NAME);
    if (!numbers || !t->row_name || !words) return c->error.code;
    t->share = numbers;
    t->scores.information = numbers + (t->rows + 2) * t->columns;
    t->scores.entropy = t->scores.information + t->rows * t->columns;
    t->scores.gap = t->scores.entropy + t->columns;
    name_rows(c, t, words);
    return ELBO_OK;
}

static void fill_shares(table *t)
{
    double *empty = t->share + t->rows * t->columns, *gap = empty + t->columns;
    for (int64_t i = 0; i < t->rows * t->columns; i++)
        t->share[i] = t->scores.information[i] / t->scores.entropy[i % t->columns];
    for (int64_t k = 0; k < t->columns; k++) {
        empty[k] = (double)NAN;
        gap[k] = t->scores.gap[k];
    }
}

static elbo_status run(cli *c)
{
    table t = {.rows = 0};
    elbo_status status = check_picture(c, flag_text(c, "out"));
    if (status == ELBO_OK) status = open_model_and_data(c);
    if (status == ELBO_OK) status = make_room(c, &t);
    if (status == ELBO_OK)
        status = elbo_model_factors(c->model, c->data, flag_int(c, "n"), (uint64_t)flag_int(c, "seed"), flag_int(c, "bins"),
                                    &t.scores, &t.used, &c->error);
    if (status != ELBO_OK) return status;
    fill_shares(&t);
    status = draw(c, &t);
    if (status != ELBO_OK || flag_bool(c, "json")) return status == ELBO_OK ? print_numbers(c, &t) : status;
    print_table(&t);
    return ELBO_OK;
}

const command command_factors = {
    .name = "factors",
    .summary = "Measure which number of the code tells of which factor",
    .words = {"MODEL", "DATA"},
    .about = "For data whose factors are known (sprites; else labels are one factor): how much each number of the posterior "
             "mean tells of each factor, as a share of the factor's entropy, and the mutual information gap (MIG, Chen et al. "
             "2018), which is 1 where for every factor one number alone tells all of it. Draws both as a heat map.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
