/* cmd_latent.c - elbo latent MODEL [MODEL2] DATA: where examples lie in the space of codes. */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

enum { MOST_MODELS = 2, AXIS = 2 * CODE_NAME };

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_INT("n", "data", "5000", 0, 1e9, "How many examples, from the first on; 0 takes all."),
    FLAG_TEXT("latents", "plane", "I,J", "",
              "Two numbers of the code, counted from 0, to the right and up; else codes of more than two numbers are "
              "shown in the plane of their first two principal components."),
    FLAG_TEXT("out", "output", "FILE", "latent.png", "The chart to write, as its name ends: .png or .svg."),
    FLAG_TEXT("csv", "output", "FILE", "", "Also write the points: model, index, label, x, y."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo latent runs/toy-vae toy", "a point for each example of the test part, coloured by its label where there is one"},
    {"elbo latent runs/toy-vae toy --part all --latents 0,1 --csv points.csv", "two of the code's numbers; the points as text"},
    {"elbo train toy --preset numpy-toy --quiet --out runs/numpy-vae", "two models of the same data ..."},
    {"elbo train toy --preset numpy-toy --family ae --quiet --out runs/numpy-ae", "... one of them an autoencoder ..."},
    {"elbo latent runs/numpy-ae runs/numpy-vae toy --part all --out both.png", "... one above the other"},
    {0},
};

/* The points of one model. */
typedef struct panel {
    const char *model;
    int64_t n;
    float *plane;    /* [n,2] */
    int32_t *labels; /* [n]; NULL: none */
    double share[2]; /* of the variance along each axis; 0: not of interest */
    char axis[2][AXIS];
} panel;

/* ---- Points ---- */

/* Two numbers of the codes mean [n,width]. */
static void take_numbers(const cli *c, panel *p, const float *mean, int64_t width, const int64_t number[2])
{
    char name[CODE_NAME];
    for (int k = 0; k < 2; k++) {
        bool there = number[k] < width;
        for (int64_t i = 0; i < p->n; i++) p->plane[2 * i + k] = there ? mean[i * width + number[k]] : 0;
        if (there) snprintf(p->axis[k], AXIS, "%s", code_name(c->model, number[k], name));
    }
}

static elbo_status take_principal(cli *c, panel *p, const float *mean, int64_t width)
{
    elbo_status status = elbo_principal_plane(c->engine, mean, p->n, width, p->plane, p->share, &c->error);
    for (int k = 0; k < 2; k++)
        snprintf(p->axis[k], AXIS, "principal component %d of %" PRId64 ": %.1f %% of the variance", k + 1, width,
                 100 * p->share[k]);
    return status;
}

static elbo_status take_plane(cli *c, panel *p, const float *mean)
{
    int64_t width = elbo_model_describe(c->model)->latent_size, number[2] = {0, 1};
    bool typed = flag_text(c, "latents")[0] != '\0';
    elbo_status status = typed ? parse_latents(c, "latents", number) : ELBO_OK;
    if (status != ELBO_OK) return status;
    for (int k = 0; k < 2; k++)
        if (typed && (number[k] < 0 || number[k] >= width))
            return fail(c, ELBO_USAGE, "--latents %s: the numbers of a code of %s are 0 to %" PRId64, flag_text(c, "latents"),
                        p->model, width - 1);
    if (width > 2 && !typed) return take_principal(c, p, mean, width);
    take_numbers(c, p, mean, width, number);
    return ELBO_OK;
}

/* Opens a model and its data, and fills p. */
static elbo_status look(cli *c, panel *p, const char *model, const char *data)
{
    elbo_status status = open_model(c, model);
    if (status == ELBO_OK) status = open_data_for_model(c, data, flag_text(c, "part"));
    if (status == ELBO_OK) status = take_classes(c);
    if (status != ELBO_OK) return status;
    const elbo_data_info *info = elbo_data_describe(c->data);
    *p = (panel){.model = model, .n = count_wanted(c, info->count)};
    float *mean = new_floats(c, p->n, elbo_model_describe(c->model)->latent_size); /* [n,Z] */
    p->plane = mean ? new_floats(c, p->n, 2) : NULL;
    if (!p->plane) return ELBO_NO_MEMORY;
    if (info->n_classes > 0 && !(p->labels = new_block(c, p->n, sizeof *p->labels))) return ELBO_NO_MEMORY;
    status = encode_examples(c, p->n, mean, NULL, p->labels);
    return status == ELBO_OK ? take_plane(c, p, mean) : status;
}

/* ---- Output ---- */

static elbo_status write_csv(cli *c, const char *path, const panel *panels, int n_panels)
{
    FILE *f = fopen(path, "w");
    if (!f) return fail(c, ELBO_IO, "can't write %s", path);
    fprintf(f, "model,index,label,x,y\n");
    for (int k = 0; k < n_panels; k++)
        for (int64_t i = 0; i < panels[k].n; i++)
            fprintf(f, "%s,%" PRId64 ",%" PRId32 ",%.9g,%.9g\n", panels[k].model, i,
                    panels[k].labels ? panels[k].labels[i] : -1, (double)panels[k].plane[2 * i],
                    (double)panels[k].plane[2 * i + 1]);
    bool failed = ferror(f) != 0;
    return fclose(f) != 0 || failed ? fail(c, ELBO_IO, "can't write all of %s", path) : ELBO_OK;
}

static elbo_status write_chart(cli *c, const char *path, const panel *panels, int n_panels)
{
    elbo_scatter plots[MOST_MODELS];
    char up[MOST_MODELS][2 * AXIS], title[256] = "";
    if (n_panels == 1) snprintf(title, sizeof title, "Codes of %s", panels[0].model);
    for (int k = 0; k < n_panels; k++) {
        const panel *p = &panels[k];
        snprintf(up[k], sizeof up[k], "%s%s%s", n_panels > 1 ? p->model : "", n_panels > 1 ? ":  " : "", p->axis[1]);
        plots[k] = (elbo_scatter){p->axis[0], up[k], p->plane, p->labels, p->n};
    }
    int64_t n = elbo_data_describe(c->data)->n_classes;
    const char **names = new_block(c, n, sizeof *names);
    if (!names) return c->error.code;
    for (int64_t k = 0; k < n; k++) names[k] = elbo_data_class_at(c->data, (size_t)k);
    return elbo_chart_write_scatter(c->engine, path, title[0] ? title : NULL, plots, n_panels, n, names, &c->error);
}

static elbo_status print_panels(cli *c, const char *path, const panel *panels, int n_panels)
{
    json_t *list = json_array();
    for (int k = 0; k < n_panels; k++) {
        const panel *p = &panels[k];
        json_array_append_new(list, json_pack("{s:s, s:I, s:[s,s], s:[o,o]}", "model", p->model, "count", (json_int_t)p->n,
                                              "axes", p->axis[0], p->axis[1], "share", json_number(p->share[0]),
                                              json_number(p->share[1])));
    }
    return print_json(c, json_pack("{s:s, s:o}", "out", path, "panels", list));
}

/* ---- The command ---- */

static elbo_status run(cli *c)
{
    const char *out = flag_text(c, "out"), *csv = flag_text(c, "csv"), *data = c->word[c->n_words - 1];
    panel panels[MOST_MODELS];
    int n = (int)c->n_words - 1;
    elbo_status status = check_chart(c, out);
    if (status == ELBO_OK) status = open_engine(c);
    for (int k = 0; k < n && status == ELBO_OK; k++) status = look(c, &panels[k], c->word[k], data);
    if (status == ELBO_OK) status = write_chart(c, out, panels, n);
    if (status == ELBO_OK && csv[0]) status = write_csv(c, csv, panels, n);
    if (status != ELBO_OK) return status;
    say(c, "wrote %s", out);
    return flag_bool(c, "json") ? print_panels(c, out, panels, n) : ELBO_OK;
}

const command command_latent = {
    .name = "latent",
    .summary = "Show where examples lie in the space of codes",
    .words = {"MODEL", "[MODEL2]", "DATA"},
    .about = "Draws the posterior mean of each example of DATA as a point, coloured by its label; with two models, a chart for "
             "each, one above the other.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
