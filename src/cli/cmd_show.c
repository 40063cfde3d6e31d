/* cmd_show.c - elbo show WHAT: a picture, or what a model draws, in the terminal. */
#include "rundir.h"
#include "term.h"

#include <sys/stat.h>
#include <unistd.h>

static const elbo_option_info flags[] = {
    FLAG_INT("seed", "sampling", "1", 0, 9007199254740992.0, "Which examples a model draws."),
    FLAG_INT("columns", "output", "0", 0, 400, "Characters of a line at most; 0 takes those of the terminal, or 80."),
    FLAG_CHOICE("colours", "output", "auto", "auto|none|256|true",
                "Colours to use; auto asks the terminal, heeds NO_COLOR, and uses none where stdout is no terminal."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo data sprites --picture sprites.png", "a picture to show"},
    {"elbo show sprites.png", "the picture, as wide as the terminal"},
    {"elbo show sprites.png --colours true --columns 60", "in colours even where less -R reads it"},
    {"elbo show runs/toy-vae", "how a run went, and what its best model draws where it draws pictures"},
    {0},
};

/* ---- A picture ---- */

static float channel_of(const float *pixel, int64_t channels, int channel)
{
    return pixel[channels >= 3 ? channel : 0];
}

/* Opens a picture no wider than the terminal. */
static elbo_status open_picture(cli *c, const char *path, int columns)
{
    elbo_data_options o = {.width = 0};
    c->data = elbo_data_open_with(c->engine, path, "all", &o, &c->error);
    if (!c->data) return c->error.code;
    const int64_t *s = elbo_data_describe(c->data)->shape;
    if (s[1] <= columns) return ELBO_OK;
    o.width = columns;
    o.height = (s[0] * columns + s[1] / 2) / s[1];
    if (o.height < 1) o.height = 1;
    elbo_data_free(c->data);
    c->data = elbo_data_open_with(c->engine, path, "all", &o, &c->error);
    return c->data ? ELBO_OK : c->error.code;
}

static elbo_status show_picture(cli *c, const term *t, const char *path)
{
    elbo_status status = open_picture(c, path, t->columns);
    if (status != ELBO_OK) return status;
    const elbo_data_info *info = elbo_data_describe(c->data);
    if (info->path[0] == '\0' || info->count != 1)
        return fail(c, ELBO_USAGE, "%s is no picture; elbo data %s --picture FILE.png makes one of its examples", path, path);
    const int64_t *s = info->shape;
    float *x = new_floats(c, 1, shape_size(s)), *rgb = x ? new_floats(c, s[0] * s[1], 3) : NULL;
    if (!rgb) return c->error.code;
    status = read_examples(c, 0, 1, x, NULL);
    if (status != ELBO_OK) return status;
    for (int64_t i = 0; i < s[0] * s[1]; i++)
        for (int k = 0; k < 3; k++) rgb[3 * i + k] = channel_of(x + i * s[2], s[2], k);
    term_print(t, &(sheet){(int)s[1], (int)s[0], rgb});
    return ELBO_OK;
}

/* ---- A run ---- */

/* The losses of a run's epochs: over the validation part where there is one. */
typedef struct losses {
    double *at;
    size_t n, room;
} losses;

static bool add_loss(losses *l, double loss)
{
    if (l->n == l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        double *grown = realloc(l->at, room * sizeof *grown);
        if (!grown) return false;
        l->at = grown;
        l->room = room;
    }
    l->at[l->n++] = loss;
    return true;
}

static void read_losses(const char *path, losses *l)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    while (f && getline(&line, &room, f) > 0) {
        json_t *j = json_loads(line, 0, NULL), *valid = json_object_get(j, "valid"), *train = json_object_get(j, "train");
        json_t *total = json_object_get(valid ? valid : train, "total");
        if (total) add_loss(l, json_number_value(total));
        json_decref(j);
    }
    free(line);
    if (f) fclose(f);
}

/* The losses in one line, each column the last of its share of the epochs, as bars of eight heights. */
static void print_spark(const term *t, const losses *l, int columns)
{
    static const char *const bars[] = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const plain[] = {"_", "_", ".", "-", "-", "=", "^", "^"};
    size_t n = l->n < (size_t)columns ? l->n : (size_t)columns;
    double low = l->at[l->n - 1], high = low;
    for (size_t i = 0; i < l->n; i++) {
        if (l->at[i] < low) low = l->at[i];
        if (l->at[i] > high) high = l->at[i];
    }
    for (size_t i = 0; i < n; i++) {
        double v = l->at[(i + 1) * l->n / n - 1], part = high > low ? (v - low) / (high - low) : 0;
        int height = (int)(7.999 * part);
        fputs((t->blocks ? bars : plain)[height < 0 ? 0 : height > 7 ? 7 : height], t->file);
    }
}

static void print_course(const term *t, const losses *l)
{
    enum { SPARK = 40 };
    if (l->n == 0) return;
    fprintf(t->file, "loss ");
    print_spark(t, l, t->columns / 2 < SPARK ? t->columns / 2 : SPARK);
    fprintf(t->file, " %.2f to %.2f in %zu epoch%s\n", l->at[0], l->at[l->n - 1], l->n, l->n == 1 ? "" : "s");
}

/* A family without a prior shows the reconstructions that its run left, where it left some. */
static elbo_status show_pairs(cli *c, const term *t, const char *directory)
{
    char path[MAX_PATH];
    int n = snprintf(path, sizeof path, "%s/pairs.png", directory);
    return n < MAX_PATH && access(path, R_OK) == 0 ? show_picture(c, t, path) : ELBO_OK;
}

static elbo_status show_model(cli *c, const term *t, const char *path)
{
    elbo_status status = open_model(c, path);
    if (status == ELBO_OK) status = show_samples(c, t, (uint64_t)flag_int(c, "seed"));
    return status == ELBO_USAGE ? show_pairs(c, t, path) : status;
}

static elbo_status show_run(cli *c, const term *t, const char *path)
{
    char metrics[MAX_PATH];
    losses l = {.n = 0};
    if (snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", path) < MAX_PATH) read_losses(metrics, &l);
    print_course(t, &l);
    free(l.at);
    return show_model(c, t, path);
}

/* ---- The command ---- */

static elbo_status run(cli *c)
{
    const char *what = c->word[0];
    struct stat st;
    elbo_status status = open_engine(c);
    if (status != ELBO_OK) return status;
    term t = term_of(stdout, flag_text(c, "colours"), (int)flag_int(c, "columns"));
    if (stat(what, &st) == 0 && S_ISDIR(st.st_mode)) return show_run(c, &t, what);
    return ends_with(what, ".safetensors") ? show_model(c, &t, what) : show_picture(c, &t, what);
}

const command command_show = {
    .name = "show",
    .summary = "Show a picture or a run in the terminal",
    .words = {"WHAT"},
    .about = "Shows a picture file in the terminal, or of a run how its loss went and what its best model draws, or what a model "
             "file draws. Without colours, pictures are made of characters.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
