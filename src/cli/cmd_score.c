/* cmd_score.c - elbo score MODEL DATA: which examples are unlike what the model was trained on.
 *
 * An example's score is its loss, -ELBO in nats; beside the model, a Gaussian may score it too. A reference tells what
 * scores of normal examples are, and labels or other data how well scores find anomalies. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_TEXT("normal", "anomalies", "K,K,...", "",
              "The normal classes, by name where they have names: the others are anomalies."),
    FLAG_TEXT("anomaly", "anomalies", "K,K,...", "",
              "The classes that are anomalies, by name likewise: the others are normal."),
    FLAG_TEXT("against", "anomalies", "DATA", "", "Other data, all of them anomalies, while DATA is normal; the same part."),
    FLAG_INT("samples", "score", "1", 1, 1e6, "Draws of the posterior for each example, averaged."),
    FLAG_CHOICE("by", "score", "total", "total|rec|kl", "The term that examples are flagged and ranked by."),
    FLAG_REAL("threshold-quantile", "score", "", 0, 1,
              "Flag examples that score above this share of the reference, as 0.99."),
    FLAG_TEXT("reference", "score", "DATA", "",
              "What is normal; DATA itself where it is not given, of the classes the model was trained on."),
    FLAG_CHOICE("reference-part", "score", "train", "train|test|all", "The part of the reference."),
    FLAG_BOOL("gaussian", "score", "false", "Also score by a Gaussian fitted to the reference: Mahalanobis distance."),
    FLAG_TEXT("csv", "output", "FILE", "", "Write the lines to a file; else they are printed, unless --json is given."),
    FLAG_TEXT("histogram", "output", "FILE", "", "Also a chart of how scores are distributed: .png or .svg."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo score runs/toy-vae toy --samples 50", "a line for each example: index, score, rec, kl, label"},
    {"elbo score runs/toy-vae toy --threshold-quantile 0.95 --json", "how many score above 95 % of the training part"},
    {"elbo score runs/toy-vae toy --gaussian --histogram scores.png --csv scores.csv", "beside a plain Gaussian"},
    {"elbo sample runs/toy-vae --n 50 --out drawn.npy", "something else of the same shape: its own draws ..."},
    {"elbo score runs/toy-vae toy --against drawn.npy --part all --json", "... which it should not be able to tell from data"},
    {0},
};

/* Who scores. */
enum { MODEL, GAUSSIAN, N_JUDGES };

/* The scores of one data set. */
typedef struct set {
    int64_t n;
    elbo_score *each;     /* [n] */
    double *by[N_JUDGES]; /* [n] what counts: INFINITY where it is not a number; NULL: not scored so */
    int32_t *label;       /* [n] -1 where there is none */
} set;

typedef struct findings {
    set data, against, reference; /* n 0: none */
    elbo_gaussian *gaussian;
    double threshold[N_JUDGES]; /* NAN: none */
    int64_t flagged[N_JUDGES];
    elbo_ranking ranking[N_JUDGES];
    bool ranked;
} findings;

/* ---- Scoring ---- */

static double counted(double v)
{
    return isnan(v) ? (double)INFINITY : v;
}

static double term_of(const elbo_score *s, const char *by)
{
    return strcmp(by, "rec") == 0 ? s->rec : strcmp(by, "kl") == 0 ? s->kl : s->total;
}

static elbo_status read_labels(cli *c, set *s)
{
    enum { BLOCK = 1024 };
    float *x = new_floats(c, BLOCK, shape_size(elbo_data_describe(c->data)->shape));
    elbo_status status = x ? ELBO_OK : c->error.code;
    for (int64_t i = 0, rows; i < s->n && status == ELBO_OK; i += rows) {
        rows = s->n - i < BLOCK ? s->n - i : BLOCK;
        status = read_examples(c, i, rows, x, s->label + i);
    }
    return status;
}

/* Scores the data that are open. */
static elbo_status score_open(cli *c, elbo_gaussian *gaussian, set *s)
{
    s->n = elbo_data_describe(c->data)->count;
    s->each = new_block(c, s->n, sizeof *s->each);
    s->label = s->each ? new_block(c, s->n, sizeof *s->label) : NULL;
    for (int k = 0; k < (gaussian ? N_JUDGES : GAUSSIAN); k++) s->by[k] = new_block(c, s->n, sizeof **s->by);
    if (!s->label || !s->by[MODEL] || (gaussian && !s->by[GAUSSIAN])) return c->error.code;
    elbo_status status = elbo_model_score(c->model, c->data, 0, s->n, flag_int(c, "samples"), s->each, &c->error);
    if (status == ELBO_OK) status = read_labels(c, s);
    for (int64_t i = 0; i < s->n && status == ELBO_OK; i++) s->by[MODEL][i] = counted(term_of(&s->each[i], flag_text(c, "by")));
    if (status != ELBO_OK || !gaussian) return status;
    status = elbo_gaussian_score(gaussian, c->data, 0, s->n, s->by[GAUSSIAN], &c->error);
    for (int64_t i = 0; i < s->n; i++) s->by[GAUSSIAN][i] = counted(s->by[GAUSSIAN][i]);
    return status;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts n values; the one with a share q of them below it, between neighbours where it falls between them. */
static double quantile_of(double *values, int64_t n, double q)
{
    qsort(values, (size_t)n, sizeof *values, ascending);
    double at = q * (double)(n - 1), low = floor(at), a = values[(int64_t)low], b = values[(int64_t)ceil(at)];
    return a == b ? a : a + (at - low) * (b - a);
}

/* Learns from the reference what the flags need to know. */
static elbo_status learn(cli *c, findings *f)
{
    const char *given_name = flag_text(c, "reference"), *name = given_name[0] ? given_name : c->word[1];
    bool threshold = flag_text(c, "threshold-quantile")[0] != '\0', gaussian = flag_bool(c, "gaussian");
    f->threshold[MODEL] = f->threshold[GAUSSIAN] = NAN;
    if (!threshold && !gaussian) return ELBO_OK;
    elbo_status status = open_data_for_model(c, name, flag_text(c, "reference-part"));
    if (status == ELBO_OK && !given_name[0])
        status = elbo_data_take_classes(c->data, elbo_model_option(c->model, "classes"), &c->error);
    if (status == ELBO_OK && gaussian && !(f->gaussian = elbo_gaussian_fit(c->engine, c->data, &c->error)))
        status = c->error.code;
    if (status == ELBO_OK && threshold) status = score_open(c, f->gaussian, &f->reference);
    for (int k = 0; k < N_JUDGES && status == ELBO_OK && threshold; k++)
        if (f->reference.by[k])
            f->threshold[k] = quantile_of(f->reference.by[k], f->reference.n, flag_real(c, "threshold-quantile"));
    return status;
}

/* ---- Ranking ---- */

enum { NORMAL, ANOMALY, LEFT_OUT };

/* The class that a word of n characters means: its name where the data have names, else its number; -1: none. Names rule out
 * numbers, for the class named 0 need not be the first. */
static int64_t class_of(const cli *c, const char *word, size_t n, int64_t n_classes)
{
    for (int64_t k = 0; k < n_classes; k++) {
        char number[32];
        const char *name = elbo_data_class_at(c->data, (size_t)k);
        snprintf(number, sizeof number, "%" PRId64, k);
        if (!name) name = number;
        if (strlen(name) == n && strncmp(name, word, n) == 0) return k;
    }
    return -1;
}

/* Marks the classes of "0,3" or "cat,dog" among n. */
static elbo_status read_classes(cli *c, const char *key, unsigned char *among, int64_t n)
{
    const char *words = flag_text(c, key), *first = elbo_data_class_at(c->data, 0);
    const char *last = elbo_data_class_at(c->data, (size_t)n - 1);
    for (const char *at = words;; at++) {
        size_t length = strcspn(at, ",");
        int64_t k = class_of(c, at, length, n);
        if (k < 0 && first && last)
            return fail(c, ELBO_USAGE, "--%s %s: %s has %" PRId64 " classes, \"%s\" to \"%s\", and no \"%.*s\"", key, words,
                        c->word[1], n, first, last, (int)length, at);
        if (k < 0)
            return fail(c, ELBO_USAGE, "--%s %s: the classes of %s are 0 to %" PRId64 ", with commas between", key, words,
                        c->word[1], n - 1);
        among[k] = 1;
        at += length;
        if (!*at) return ELBO_OK;
    }
}

/* What each example is, into kind [data and against]. */
static elbo_status tell_kinds(cli *c, const findings *f, int64_t n_classes, unsigned char *kind)
{
    const char *key = flag_text(c, "normal")[0] ? "normal" : flag_text(c, "anomaly")[0] ? "anomaly" : NULL;
    memset(kind, NORMAL, (size_t)f->data.n);
    memset(kind + f->data.n, ANOMALY, (size_t)f->against.n);
    if (!key) return ELBO_OK;
    if (n_classes == 0) return fail(c, ELBO_USAGE, "--%s: %s has no labels", key, c->word[1]);
    unsigned char *among = new_block(c, n_classes, 1);
    elbo_status status = among ? read_classes(c, key, among, n_classes) : ELBO_NO_MEMORY;
    bool is_normal = strcmp(key, "normal") == 0;
    for (int64_t i = 0; i < f->data.n && status == ELBO_OK; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): the labels were read, or this was not reached */
        kind[i] = f->data.label[i] < 0 ? LEFT_OUT : among[f->data.label[i]] != is_normal ? ANOMALY : NORMAL;
    return status;
}

/* Ranks what is not left out by one judge's scores. */
static elbo_status rank_by(cli *c, findings *f, int judge, const unsigned char *kind, double *score, unsigned char *positive)
{
    int64_t n = 0, total = f->data.n + f->against.n;
    for (int64_t i = 0; i < total; i++) {
        if (kind[i] == LEFT_OUT) continue;
        score[n] = i < f->data.n ? f->data.by[judge][i] : f->against.by[judge][i - f->data.n];
        positive[n++] = kind[i] == ANOMALY;
    }
    return elbo_rank(c->engine, score, positive, n, &f->ranking[judge], &c->error);
}

static elbo_status rank(cli *c, findings *f, int64_t n_classes)
{
    f->ranked = flag_text(c, "normal")[0] || flag_text(c, "anomaly")[0] || f->against.n;
    if (!f->ranked) return ELBO_OK;
    int64_t n = f->data.n + f->against.n;
    double *score = new_block(c, n, sizeof *score);
    unsigned char *kind = score ? new_block(c, n, 1) : NULL, *positive = kind ? new_block(c, n, 1) : NULL;
    if (!positive) return c->error.code;
    elbo_status status = tell_kinds(c, f, n_classes, kind);
    for (int k = 0; k < N_JUDGES && status == ELBO_OK; k++)
        if (f->data.by[k]) status = rank_by(c, f, k, kind, score, positive);
    return status;
}

/* ---- Output ---- */

static elbo_status print_lines(cli *c, const findings *f, FILE *to, const char *path)
{
    const set *s = &f->data;
    bool flags_them = !isnan(f->threshold[MODEL]), gaussian = s->by[GAUSSIAN] != NULL;
    fprintf(to, "index,score,rec,kl,label%s%s\n", gaussian ? ",gaussian" : "", flags_them ? ",flag" : "");
    for (int64_t i = 0; i < s->n; i++) {
        fprintf(to, "%" PRId64 ",%.9g,%.9g,%.9g,%" PRId32, i, term_of(&s->each[i], flag_text(c, "by")), s->each[i].rec,
                s->each[i].kl, s->label[i]);
        if (gaussian) fprintf(to, ",%.9g", s->by[GAUSSIAN][i]);
        if (flags_them) fprintf(to, ",%d", s->by[MODEL][i] > f->threshold[MODEL]);
        fputc('\n', to);
    }
    return ferror(to) ? fail(c, ELBO_IO, "can't write %s", path) : ELBO_OK;
}

static elbo_status write_lines(cli *c, const findings *f, const char *path)
{
    FILE *to = fopen(path, "w");
    if (!to) return fail(c, ELBO_IO, "can't write %s", path);
    elbo_status status = print_lines(c, f, to, path);
    return fclose(to) != 0 && status == ELBO_OK ? fail(c, ELBO_IO, "can't write all of %s", path) : status;
}

static elbo_status write_histogram(cli *c, const findings *f, const char *path)
{
    elbo_sample samples[3];
    int n = 0;
    char label[64];
    snprintf(label, sizeof label, "%s, nats", strcmp(flag_text(c, "by"), "total") == 0 ? "-ELBO" : flag_text(c, "by"));
    if (f->reference.n) samples[n++] = (elbo_sample){"reference", f->reference.by[MODEL], f->reference.n};
    samples[n++] = (elbo_sample){c->word[1], f->data.by[MODEL], f->data.n};
    if (f->against.n) samples[n++] = (elbo_sample){flag_text(c, "against"), f->against.by[MODEL], f->against.n};
    bool marked = !isnan(f->threshold[MODEL]);
    return elbo_chart_write_histogram(c->engine, path, NULL, label, samples, n, f->threshold[MODEL],
                                      marked ? "threshold" : NULL, &c->error);
}

static const char *judge_name(int judge)
{
    return judge == MODEL ? "model" : "Gaussian";
}

static void say_findings(const cli *c, const findings *f)
{
    for (int k = 0; k < N_JUDGES; k++) {
        if (!f->data.by[k]) continue;
        if (!isnan(f->threshold[k]))
            say(c, "%s: threshold %.4f; %" PRId64 " of %" PRId64 " flagged", judge_name(k), f->threshold[k], f->flagged[k],
                f->data.n);
        if (f->ranked)
            say(c, "%s: AUROC %.4f, average precision %.4f (%" PRId64 " anomalies, %" PRId64 " normal)", judge_name(k),
                f->ranking[k].auroc, f->ranking[k].average_precision, f->ranking[k].n_positive, f->ranking[k].n_negative);
    }
}

/* What is known of one judge. */
static json_t *judge_json(const findings *f, int judge)
{
    double sum = 0;
    for (int64_t i = 0; i < f->data.n; i++) sum += f->data.by[judge][i];
    json_t *j = json_pack("{s:I, s:o}", "count", (json_int_t)f->data.n, "mean", json_number(sum / (double)f->data.n));
    if (!isnan(f->threshold[judge])) {
        json_object_set_new(j, "threshold", json_number(f->threshold[judge]));
        json_object_set_new(j, "flagged", json_integer(f->flagged[judge]));
    }
    if (!f->ranked) return j;
    const elbo_ranking *r = &f->ranking[judge];
    json_object_set_new(j, "auroc", json_number(r->auroc));
    json_object_set_new(j, "average_precision", json_number(r->average_precision));
    json_object_set_new(j, "anomalies", json_integer(r->n_positive));
    json_object_set_new(j, "normal", json_integer(r->n_negative));
    return j;
}

static elbo_status print_summary(cli *c, const findings *f)
{
    json_t *j = judge_json(f, MODEL);
    json_object_set_new(j, "by", json_string(flag_text(c, "by")));
    json_object_set_new(j, "samples", json_integer(flag_int(c, "samples")));
    if (f->data.by[GAUSSIAN]) json_object_set_new(j, "gaussian", judge_json(f, GAUSSIAN));
    return print_json(c, j);
}

/* ---- The command ---- */

static elbo_status check_flags(cli *c)
{
    const char *picture = flag_text(c, "histogram");
    int ways = (flag_text(c, "normal")[0] != 0) + (flag_text(c, "anomaly")[0] != 0) + (flag_text(c, "against")[0] != 0);
    if (ways > 1) return fail(c, ELBO_USAGE, "--normal, --anomaly and --against exclude each other");
    return picture[0] ? check_chart(c, picture) : ELBO_OK;
}

static elbo_status find(cli *c, findings *f)
{
    const char *against = flag_text(c, "against"), *part = flag_text(c, "part");
    elbo_status status = learn(c, f);
    if (status == ELBO_OK && against[0]) status = open_data_for_model(c, against, part);
    if (status == ELBO_OK && against[0]) status = score_open(c, f->gaussian, &f->against);
    if (status == ELBO_OK) status = open_data_for_model(c, c->word[1], part);
    if (status == ELBO_OK) status = take_classes(c);
    if (status == ELBO_OK) status = score_open(c, f->gaussian, &f->data);
    for (int k = 0; k < N_JUDGES && status == ELBO_OK; k++)
        for (int64_t i = 0; f->data.by[k] && i < f->data.n; i++) f->flagged[k] += f->data.by[k][i] > f->threshold[k];
    return status == ELBO_OK ? rank(c, f, elbo_data_describe(c->data)->n_classes) : status;
}

static elbo_status tell(cli *c, const findings *f)
{
    const char *csv = flag_text(c, "csv"), *picture = flag_text(c, "histogram");
    bool json = flag_bool(c, "json");
    elbo_status status = csv[0] ? write_lines(c, f, csv) : json ? ELBO_OK : print_lines(c, f, stdout, "the scores");
    if (status == ELBO_OK && picture[0]) status = write_histogram(c, f, picture);
    if (status != ELBO_OK) return status;
    say_findings(c, f);
    return json ? print_summary(c, f) : ELBO_OK;
}

static elbo_status run(cli *c)
{
    findings f = {.ranked = false};
    elbo_status status = check_flags(c);
    if (status == ELBO_OK) status = open_engine(c);
    if (status == ELBO_OK) status = open_model(c, c->word[0]);
    if (status == ELBO_OK) status = find(c, &f);
    elbo_gaussian_free(f.gaussian);
    return status == ELBO_OK ? tell(c, &f) : status;
}

const command command_score = {
    .name = "score",
    .summary = "Find the examples that are unlike the training data",
    .words = {"MODEL", "DATA"},
    .about = "Prints how badly MODEL explains each example of DATA: its loss in nats, which is -ELBO where beta is 1. The "
             "higher, the less the example is like what the model was trained on.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
