/* cmd_data.c - elbo data: the known data sets, and what one holds. */
#include "cli.h"

#include <inttypes.h>

static const elbo_option_info flags[] = {
    FLAG_PART("all"),
    FLAG_TEXT("picture", "output", "FILE", "",
              "Write the first examples to a file: .png for a grid, .npy for an array."),
    FLAG_INT("n", "output", "64", 0, 1e9, "How many examples to write; 0 takes all."),
    FLAG_PER_ROW,
    FLAG_END,
};

static const example examples[] = {
    {"elbo data", "the known data sets"},
    {"elbo data toy", "what one holds"},
    {"elbo data sprites --picture sprites.png", "and a look at its first pictures"},
    {"elbo data codes.npy --json", "a file of your own, for a program to read"},
    {0},
};

/* ---- The table ---- */

static json_t *known_json(void)
{
    json_t *list = json_array();
    const elbo_data_known *known;
    for (size_t i = 0; (known = elbo_data_known_at(i)) != NULL; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", known->name, "summary", known->summary,
                                              "how_to_get", known->how_to_get));
    return list;
}

static elbo_status list_known(cli *c)
{
    const elbo_data_known *known;
    if (flag_bool(c, "json")) return print_json(c, known_json());
    for (size_t i = 0; (known = elbo_data_known_at(i)) != NULL; i++) {
        printf("%-14s %s\n", known->name, known->summary);
        printf("%-14s %s\n", "", known->how_to_get[0] ? known->how_to_get : "built in");
    }
    return ELBO_OK;
}

/* ---- One data set ---- */

static const char *stored_text(const elbo_data_info *d)
{
    if (d->binary) return "binary";
    return d->dtype == ELBO_U8 ? "bytes" : "floats";
}

/* "none, red 12, blue 3": levels and how often there is each, as many as fit. */
static void print_levels(const elbo_column *v)
{
    int width = 0;
    for (int64_t i = 0; i < v->n_levels && width < 60; i++)
        width += printf("%s%s %" PRId64, i ? ", " : "", v->levels[i], v->counts[i]);
    printf("%s\n", width < 60 ? "" : ", ...");
}

static void print_columns(const cli *c)
{
    const elbo_column *v;
    printf("%-24s %-13s %7s %10s %10s %10s %10s\n", "column", "kind", "missing", "mean", "sd", "least", "most");
    for (size_t i = 0; (v = elbo_data_column_at(c->data, i)) != NULL; i++) {
        printf("%-24.60s %-13s %7" PRId64 " ", v->name, elbo_column_kind_name(v->kind), v->missing);
        if (v->n_levels)
            print_levels(v);
        else
            printf("%10.4g %10.4g %10.4g %10.4g\n", v->mean, v->sd, v->min, v->max);
    }
}

static void print_labels(const cli *c, const elbo_data_info *d)
{
    const char *name;
    printf("labels  ");
    if (d->n_classes == 0) printf("none");
    if (d->n_classes > 0) printf("%s%s%" PRId64 " classes", d->label, *d->label ? ", " : "", d->n_classes);
    int width = 0;
    for (size_t i = 0; width < 80 && (name = elbo_data_class_at(c->data, i)) != NULL; i++)
        width += printf("%s%s", i ? ", " : ": ", name);
    printf("%s\n", width < 80 ? "" : ", ...");
    if (*d->left_out) printf("left out\n%s\n", d->left_out);
    if (d->n_columns) print_columns(c);
}

static elbo_status print_text(const cli *c, const elbo_data_info *d)
{
    char shape[64], number[32];
    printf("name    %s\n", d->name);
    printf("found   %s\n", d->path[0] ? d->path : "built in");
    printf("count   %s\n", count_text(d->count, number));
    printf("shape   %s\n", shape_text(d->shape, shape));
    printf("range   %g to %g, %s\n", d->min, d->max, stored_text(d));
    printf("mean    %.4f\n", d->mean);
    print_labels(c, d);
    return ELBO_OK;
}

static json_t *column_json(const elbo_column *v)
{
    json_t *j = json_pack("{s:s, s:s, s:I}", "name", v->name, "kind", elbo_column_kind_name(v->kind), "missing",
                          (json_int_t)v->missing);
    if (v->n_levels == 0) {
        json_object_set_new(j, "mean", json_number(v->mean));
        json_object_set_new(j, "sd", json_number(v->sd));
        json_object_set_new(j, "min", json_number(v->min));
        json_object_set_new(j, "max", json_number(v->max));
        return j;
    }
    json_t *list = json_array();
    for (int64_t i = 0; i < v->n_levels; i++)
        json_array_append_new(list, json_pack("{s:s, s:I}", "name", v->levels[i], "count", (json_int_t)v->counts[i]));
    json_object_set_new(j, "levels", list);
    return j;
}

/* What only a table has. */
static void add_table(const cli *c, const elbo_data_info *d, json_t *j)
{
    const elbo_column *v;
    const char *name;
    json_t *list = json_array(), *names = json_array();
    for (size_t i = 0; (v = elbo_data_column_at(c->data, i)) != NULL; i++) json_array_append_new(list, column_json(v));
    for (size_t i = 0; (name = elbo_data_class_at(c->data, i)) != NULL; i++) json_array_append_new(names, json_string(name));
    json_object_set_new(j, "columns", list);
    json_object_set_new(j, "label", *d->label ? json_string(d->label) : json_null());
    json_object_set_new(j, "class_names", names);
    json_object_set_new(j, "missing", json_integer((json_int_t)d->n_missing));
    json_object_set_new(j, "left_out", json_string(d->left_out));
}

static elbo_status print_object(cli *c, const elbo_data_info *d)
{
    json_t *j = json_pack("{s:s, s:s, s:I, s:o, s:o, s:o, s:b, s:o, s:I}", "name", d->name, "path", d->path, "count",
                          (json_int_t)d->count, "shape", json_shape(d->shape), "min", json_number(d->min), "max",
                          json_number(d->max), "binary", d->binary, "mean", json_number(d->mean), "classes",
                          (json_int_t)d->n_classes);
    if (j && d->n_columns) add_table(c, d, j);
    return print_json(c, j);
}

static elbo_status write_picture(cli *c, const elbo_data_info *d, const char *path)
{
    int64_t n = count_wanted(c, d->count);
    float *x = new_floats(c, n, shape_size(d->shape)); /* [n,H,W,C] */
    if (!x) return c->error.code;
    elbo_status status = read_examples(c, 0, n, x, NULL);
    return status == ELBO_OK ? write_examples(c, path, x, NULL, n, d->shape, d->min, d->max) : status;
}

static elbo_status run(cli *c)
{
    const char *picture = flag_text(c, "picture");
    if (c->n_words == 0) return list_known(c);
    elbo_status status = picture[0] ? check_output(c, picture, true) : ELBO_OK;
    if (status == ELBO_OK) status = open_engine(c);
    if (status == ELBO_OK) status = open_data(c, c->word[0], flag_text(c, "part"));
    if (status == ELBO_OK) status = take_classes(c);
    if (status != ELBO_OK) return status;
    const elbo_data_info *info = elbo_data_describe(c->data);
    status = flag_bool(c, "json") ? print_object(c, info) : print_text(c, info);
    return status == ELBO_OK && picture[0] ? write_picture(c, info, picture) : status;
}

const command command_data = {
    .name = "data",
    .summary = "List the known data sets, or describe one",
    .words = {"[DATA]"},
    .about =
        "Without DATA, lists the data sets that elbo knows by name and how to get those it does not bring along. With "
        "DATA, a name or a file, says what it holds and where it was found, or how to get it.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
