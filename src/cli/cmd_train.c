/* cmd_train.c - elbo train DATA: from data to a run directory.
 *
 * The configuration is, in this order: the defaults, the preset, the file of --config (or the configuration of the run to
 * resume), the flags. What is talked about while training is progress.c's; stopping is signals.c's. */
#include "cli.h"
#include "progress.h"
#include "rundir.h"
#include "signals.h"
#include "term.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const elbo_option_info flags[] = {
    FLAG_TEXT("out", "run", "DIR", "", "The run directory to make; without it runs/<data>-<family>, -2, -3 and so on."),
    FLAG_BOOL("overwrite", "run", "false", "Replace the run that is in --out; what is not a run is never replaced."),
    FLAG_TEXT("resume", "run", "DIR", "", "Go on with the run in DIR, with its options; --epochs and --patience may grow."),
    FLAG_TEXT("preset", "run", "NAME", "", "Begin with the options of a program elbo reproduces (elbo presets)."),
    FLAG_BOOL("dry-run", "run", "false", "Write nothing: print layers, parameters, and a forecast of time and memory."),
    FLAG_TEXT("config", "run", "FILE", "", "Read options from lines of key = value; flags rule over them."),
    FLAG_BOOL("no-pictures", "run", "false", "Leave no pictures and no report in the run directory."),
    FLAG_SHOW,
    FLAG_BOOL("tensorboard", "run", "false", "Also leave the metrics as TensorBoard reads them, in tensorboard/."),
    FLAG_BOOL("no-validation", "run", "false", "Train on everything; keep no part for validation."),
    FLAG_TEXT("validate-on", "run", "PART", "", "Validate on this part of DATA (test), and train on all of the training part."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo train toy --epochs 20", "a first model in a second; leaves runs/toy-vae"},
    {"elbo train toy --resume runs/toy-vae --epochs 30", "ten more epochs of the same run"},
    {"elbo train toy --epochs 5 --seed 7 --threads 1 --out runs/seven --no-pictures", "another seed, another place"},
    {"elbo train toy --from runs/toy-vae --rate 1e-4 --out runs/tuned", "go on from another run's model, at a lower rate"},
    {"elbo train toy --epochs 5 --tensorboard --out runs/watched", "curves for tensorboard --logdir runs/watched/tensorboard"},
    {"elbo train toy --dry-run", "what the run would take: layers, time, memory"},
    {"elbo train fashion-mnist --epochs 1", "60,000 pictures of clothes"},
    {0},
};

/* What the events of a run need. */
typedef struct watch {
    progress progress;
    int64_t epoch;
    elbo_event last; /* of the last epoch that ended */
    bool early;
} watch;

static int on_event(void *user, const elbo_event *event)
{
    watch *w = user;
    progress_event(&w->progress, event);
    if (event->kind != ELBO_EVENT_NOTE) w->epoch = event->epoch;
    if (event->kind == ELBO_EVENT_EPOCH) w->last = *event;
    if (event->kind == ELBO_EVENT_EARLY) w->early = true;
    return signals_caught() != 0;
}

/* ---- The configuration ---- */

static elbo_status read_config(cli *c, const char *resume, const char *file)
{
    char path[MAX_PATH];
    if (!resume[0]) return file[0] ? elbo_config_read(c->config, file, &c->error) : ELBO_OK;
    int n = snprintf(path, sizeof path, "%s/" RUN_CONFIG, resume);
    if (n >= MAX_PATH) return fail(c, ELBO_USAGE, "--resume %s: the path is too long", resume);
    if (access(path, R_OK) == 0) return elbo_config_read(c->config, path, &c->error);
    return fail(c, ELBO_USAGE, "%s is no run to resume: it has no " RUN_CONFIG, resume);
}

static elbo_status make_config(cli *c)
{
    c->config = elbo_config_new(c->engine, &c->error);
    if (!c->config) return c->error.code;
    const char *preset = flag_text(c, "preset");
    elbo_status status = preset[0] ? elbo_config_preset(c->config, preset, &c->error) : ELBO_OK;
    if (status == ELBO_OK) status = read_config(c, flag_text(c, "resume"), flag_text(c, "config"));
    for (size_t i = 0; i < c->n_given && status == ELBO_OK; i++) {
        const given *g = &c->given[i];
        if (is_option(g->row)) status = elbo_config_set(c->config, g->row->key, g->value, &c->error);
    }
    /* the configuration remembers it, so that a resumed run has no validation either */
    if (status == ELBO_OK && flag_bool(c, "no-validation")) {
        status = elbo_config_set(c->config, "validation", "0", &c->error);
    }
    return status;
}

/* ---- The directory ---- */

static elbo_status check_flags(cli *c)
{
    if (!flag_text(c, "resume")[0]) return ELBO_OK;
    static const char *const others[] = {"out", "config", "preset"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (flag_text(c, others[i])[0]) return fail(c, ELBO_USAGE, "--resume and --%s exclude each other", others[i]);
    return flag_bool(c, "overwrite") ? fail(c, ELBO_USAGE, "--resume and --overwrite exclude each other") : ELBO_OK;
}

static elbo_status make_room(cli *c, char directory[MAX_PATH])
{
    const char *resume = flag_text(c, "resume"), *out = flag_text(c, "out");
    if (!resume[0] && !out[0]) return rundir_choose(c, c->word[0], elbo_config_get(c->config, "family"), directory);
    if (snprintf(directory, MAX_PATH, "%s", resume[0] ? resume : out) >= MAX_PATH) {
        return fail(c, ELBO_USAGE, "the path of the run directory is too long");
    }
    return resume[0] ? ELBO_OK : rundir_clear(c, directory, flag_bool(c, "overwrite"));
}

/* ---- The result ---- */

/* A word as a shell takes it: in single quotes where it must be, and a single quote itself as '\'' . */
static const char *quoted(const char *word, char out[MAX_PATH])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+,:=@";
    size_t n = 0;
    if (word[0] && word[strspn(word, plain)] == '\0') return word;
    out[n++] = '\'';
    for (; *word && n + 6 < MAX_PATH; word++) {
        if (*word == '\'')
            n += (size_t)snprintf(out + n, MAX_PATH - n, "'\\''");
        else
            out[n++] = *word;
    }
    memcpy(out + n, "'", 2);
    return out;
}

static elbo_status say_stopped(const cli *c, const watch *w, const char *directory)
{
    char data[MAX_PATH], run[MAX_PATH];
    say(c, "stopped in epoch %" PRId64 " and saved; go on with: elbo train %s --resume %s --epochs %s", w->epoch,
        quoted(c->word[0], data), quoted(directory, run), elbo_config_get(c->config, "epochs"));
    return ELBO_CANCELLED;
}

/* A family that draws nothing shows nothing. */
static void show_result(cli *c)
{
    term t = term_of(stderr, "auto", 0);
    if (shows(c)) show_samples(c, &t, 1);
}

static elbo_status print_result(cli *c, const watch *w, const char *directory)
{
    const elbo_model_info *info = elbo_model_describe(c->model);
    char room[MAX_PATH];
    const char *run = quoted(directory, room);
    show_result(c);
    if (flag_bool(c, "no-pictures")) say(c, "left %s; look at it with: elbo show %s", run, run);
    else say(c, "left %s; look at %s/report.html, or: elbo show %s", run, run, run);
    if (!flag_bool(c, "json")) {
        printf("%s\n", directory);
        return ELBO_OK;
    }
    bool validated = w->last.valid.count > 0;
    const char *ended = w->early ? "patience" : "epochs";
    return print_json(c, json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "run", directory, "family", info->family, "ended",
                                   ended, "epoch", (json_int_t)w->last.epoch, "step", (json_int_t)w->last.step, "seconds",
                                   json_number(w->last.seconds), "train", json_metrics(&w->last.train), "valid",
                                   validated ? json_metrics(&w->last.valid) : json_null()));
}

/* The part of DATA to validate on; NULL without --validate-on. */
static elbo_status open_validation(cli *c, elbo_data **out)
{
    const char *part = flag_text(c, "validate-on");
    elbo_data_options options = elbo_config_data_options(c->config);
    *out = part[0] ? elbo_data_open_with(c->engine, c->word[0], part, &options, &c->error) : NULL;
    return part[0] && !*out ? c->error.code : ELBO_OK;
}

static elbo_status train(cli *c, const char *directory, elbo_data *validation)
{
    watch w = {.epoch = 0};
    elbo_train_options options = {
        .directory = directory,
        .resume = flag_text(c, "resume")[0] != '\0',
        .pictures = !flag_bool(c, "no-pictures"),
        .tensorboard = flag_bool(c, "tensorboard"),
        .no_validation = flag_bool(c, "no-validation"),
        .validation = validation,
        .on_event = on_event,
        .user = &w,
    };
    progress_open(&w.progress, flag_bool(c, "quiet"));
    c->model = elbo_train(c->engine, c->config, c->data, &options, &c->error);
    progress_close(&w.progress);
    if (!c->model) return c->error.code == ELBO_CANCELLED ? say_stopped(c, &w, directory) : c->error.code;
    elbo_data *shown = validation ? validation : c->data;
    elbo_status status =
        options.pictures ? elbo_report_write(c->engine, directory, shown, NULL, &c->error) : ELBO_OK;
    return status == ELBO_OK ? print_result(c, &w, directory) : status;
}

static json_t *json_forecast(const elbo_forecast *f)
{
    return json_pack("{s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "parameters", (json_int_t)f->n_parameters, "steps_per_epoch",
                     (json_int_t)f->steps_per_epoch, "flops_per_step", json_number(f->flops_per_step), "seconds_per_step",
                     json_number(f->seconds_per_step), "seconds_per_epoch", json_number(f->seconds_per_epoch), "seconds",
                     json_number(f->seconds), "memory", json_number(f->memory));
}

static elbo_status print_forecast(cli *c, const elbo_forecast *f)
{
    if (flag_bool(c, "json")) return print_json(c, json_forecast(f));
    c->model = elbo_model_new(c->engine, c->config, c->data, &c->error);
    char *layers = c->model ? elbo_model_text(c->model, "layers", &c->error) : NULL;
    if (!layers) return c->error.code;
    printf("%s\n", layers);
    elbo_text_free(c->engine, layers);
    printf("step    %10.3g Gflop in %.4g s\n", f->flops_per_step / 1e9, f->seconds_per_step);
    printf("epoch   %10" PRId64 " steps in %.3g s, with validation\n", f->steps_per_epoch, f->seconds_per_epoch);
    printf("run     %10s epochs in %.3g s\n", elbo_config_get(c->config, "epochs"), f->seconds);
    printf("memory  %10.0f MB at most\n", f->memory / 1e6);
    return ELBO_OK;
}

/* What the run would take, in place of it. */
static elbo_status forecast(cli *c, elbo_data *validation)
{
    elbo_train_options options = {.directory = "", .validation = validation,
                                  .no_validation = flag_bool(c, "no-validation")};
    elbo_forecast f;
    elbo_status status = elbo_train_forecast(c->engine, c->config, c->data, &options, &f, &c->error);
    return status == ELBO_OK ? print_forecast(c, &f) : status;
}

static elbo_status run(cli *c)
{
    char directory[MAX_PATH];
    signals_catch(!flag_bool(c, "quiet"));
    elbo_status status = check_flags(c);
    if (status == ELBO_OK) status = open_engine(c);
    if (status == ELBO_OK) status = make_config(c);
    if (status == ELBO_OK) status = open_data(c, c->word[0], "train");
    bool dry = flag_bool(c, "dry-run");
    if (status == ELBO_OK && !dry) status = make_room(c, directory);
    elbo_data *validation = NULL;
    if (status == ELBO_OK) status = open_validation(c, &validation);
    if (status == ELBO_OK) status = dry ? forecast(c, validation) : train(c, directory, validation);
    elbo_data_free(validation);
    return status;
}

const command command_train = {
    .name = "train",
    .summary = "Train a model on data",
    .words = {"DATA"},
    .about =
        "Trains a model on the training part of DATA and leaves a run directory: the configuration, metrics, "
        "checkpoints (last.safetensors, best.safetensors), pictures and a report. Prints the directory's name. Ctrl-C finishes "
        "the step, saves, and tells how to go on.",
    .flags = flags,
    .takes_options = true,
    .examples = examples,
    .run = run,
};
