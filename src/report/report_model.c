/* report_model.c - the model: layers, options, and the command that makes it again. */
#include "../view/html.h"
#include "report.h"

#include <stdio.h>
#include <string.h>

/* ---- Layers ---- */

static void begin_table(text *to, const char *const *heads, size_t n, size_t first_number)
{
    html_open(to, "div", "scroll");
    html_open(to, "table", NULL);
    html_open(to, "tr", NULL);
    for (size_t i = 0; i < n; i++) html_leaf(to, "th", i < first_number ? NULL : "n", "%s", heads[i]);
    html_close(to, "tr");
}

static void end_table(text *to)
{
    html_close(to, "table");
    html_close(to, "div");
}

static void add_layer(text *to, const model_layer *l)
{
    char parameters[REPORT_WORDS], flop[REPORT_WORDS];
    report_count(l->parameters, parameters);
    report_count(l->flop, flop);
    html_open(to, "tr", NULL);
    html_leaf(to, "td", "name", "%s %s", l->part, l->name);
    html_leaf(to, "td", "layer", "%s", l->words);
    html_leaf(to, "td", "n", "%s", l->result);
    html_leaf(to, "td", "n", "%s", parameters);
    html_leaf(to, "td", "n", "%s", flop);
    html_close(to, "tr");
}

static void add_parameters(text *to, const report *r)
{
    static const char *const heads[] = {"parameter", "shape", "numbers"};
    char words[96], count[REPORT_WORDS];
    html_open(to, "details", NULL);
    report_count(r->model->info.n_parameters, count);
    html_leaf(to, "summary", NULL, "All %d tensors of its %s parameters", r->model->store.params.n, count);
    begin_table(to, heads, 3, 1);
    for (int i = 0; i < r->model->store.params.n; i++) {
        const entry *e = &r->model->store.params.at[i];
        shape_text(e->layout.exported, words);
        report_count(e->count, count);
        html_open(to, "tr", NULL);
        html_leaf(to, "td", "layer", "%s", e->name);
        html_leaf(to, "td", "n", "%s", words);
        html_leaf(to, "td", "n", "%s", count);
        html_close(to, "tr");
    }
    end_table(to);
    html_close(to, "details");
}

elbo_status report_layers(report *r, elbo_error *error)
{
    static const char *const heads[] = {"", "layer", "result", "parameters", "flop for one example"};
    model_layer l;
    (void)error;
    html_leaf(&r->out, "h2", NULL, "The model");
    begin_table(&r->out, heads, 5, 2);
    for (const char *at = r->model->layers; model_next_layer(&at, &l);) add_layer(&r->out, &l);
    end_table(&r->out);
    add_parameters(&r->out, r);
    return ELBO_OK;
}

/* ---- Options ---- */

/* Calls visit for each option that differs from the base. */
typedef void (*option_visit)(report *r, const elbo_option_info *o, const char *value);

static void each_difference(report *r, elbo_config *base, option_visit visit)
{
    const elbo_option_info *o;
    char value[CONFIG_TEXT], usual[CONFIG_TEXT];
    for (size_t i = 0; (o = elbo_option_at(i)) != NULL; i++) {
        config_show(&r->model->config, o, value);
        config_show(base, o, usual);
        if (strcmp(value, usual) != 0) visit(r, o, value);
    }
}

static void add_option(report *r, const elbo_option_info *o, const char *value)
{
    html_open(&r->out, "tr", NULL);
    html_leaf(&r->out, "td", "key", "%s", o->key);
    html_leaf(&r->out, "td", "layer", "%s", value);
    html_leaf(&r->out, "td", "layer", "%s", o->default_value);
    html_leaf(&r->out, "td", NULL, "%s", o->help);
    html_close(&r->out, "tr");
}

static void add_options(report *r, elbo_config *defaults)
{
    static const char *const heads[] = {"option", "value", "default", ""};
    if (!config_difference(&r->model->config, defaults, NULL)) {
        html_leaf(&r->out, "p", NULL, "Every option has its default.");
        return;
    }
    begin_table(&r->out, heads, 4, 4);
    each_difference(r, defaults, add_option);
    end_table(&r->out);
}

/* ---- The command ---- */

/* A word as a shell takes it: in single quotes where it must be, a single quote itself as '\''. */
static void say_word(text *to, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+,:=@";
    if (word[0] && word[strspn(word, plain)] == '\0') {
        html_say(to, " %s", word);
        return;
    }
    html_say(to, " '");
    for (; *word; word++) html_say(to, *word == '\'' ? "'\\''" : "%c", *word);
    html_say(to, "'");
}

static void say_flag(report *r, const elbo_option_info *o, const char *value)
{
    bool is_bool = o->type == ELBO_OPTION_BOOL, off = is_bool && strcmp(value, "false") == 0;
    html_say(&r->out, " --%s%s", off ? "no-" : "", o->key);
    if (!is_bool) say_word(&r->out, value);
}

static void add_command(report *r, elbo_config *base)
{
    const origin *o = &r->origin;
    const epoch_figures *best = report_best(r);
    bool unvalidated = best && best->valid.count == 0 && r->model->config.validation > 0;
    html_leaf(&r->out, "p", NULL, "This command makes the run again:");
    html_open(&r->out, "pre", NULL);
    html_say(&r->out, "elbo train");
    say_word(&r->out, o->data[0] ? o->data : "DATA");
    if (o->preset[0]) html_say(&r->out, " --preset %s", o->preset);
    each_difference(r, base, say_flag);
    if (o->validation_part[0]) html_say(&r->out, " --validate-on %s", o->validation_part);
    if (unvalidated) html_say(&r->out, " --no-validation");
    html_close(&r->out, "pre");
}

elbo_status report_options(report *r, elbo_error *error)
{
    elbo_config *base = elbo_config_new(r->engine, error);
    if (!base) return error->code;
    html_leaf(&r->out, "h2", NULL, "Options");
    add_options(r, base);
    elbo_status status = r->origin.preset[0] ? elbo_config_preset(base, r->origin.preset, error) : ELBO_OK;
    if (status == ELBO_USAGE) { /* the preset of another version */
        r->origin.preset[0] = '\0';
        status = ELBO_OK;
    }
    if (status == ELBO_OK) add_command(r, base);
    elbo_config_free(base);
    return status;
}
