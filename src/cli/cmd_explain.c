/* cmd_explain.c - elbo explain RUN_OR_MODEL [DATA]: why a model is bad, and what to do. */
#include "cli.h"

static const elbo_option_info flags[] = {
    FLAG_PART("all"),
    FLAG_END,
};

static const example examples[] = {
    {"elbo explain runs/toy-vae", "what its options and its metrics tell"},
    {"elbo explain runs/toy-vae toy", "and what it does with the data: the whole diagnosis"},
    {"elbo explain runs/toy-vae toy --json", "for a program to read"},
    {"elbo explain runs/toy-vae/config.toml toy", "whether a configuration makes a model of these data"},
    {0},
};

static void print_part(const char *label, const char *text)
{
    enum { INDENT = 12 };
    printf("  %-9s ", label);
    print_wrapped(stdout, INDENT, INDENT, text);
}

/* A remedy is one line, to be copied. */
static elbo_status print_text(const elbo_explanation *x)
{
    const elbo_finding *f;
    for (size_t i = 0; (f = elbo_finding_at(x, i)) != NULL; i++) {
        printf("%s%zu. %s (%s)\n", i ? "\n" : "", i + 1, f->title, f->name);
        print_part("evidence", f->evidence);
        print_part("why", f->why);
        printf("  %-9s %s\n", "remedy", f->remedy);
    }
    if (!elbo_finding_at(x, 0)) puts("nothing found");
    return ELBO_OK;
}

static elbo_status print_list(cli *c, const elbo_explanation *x)
{
    json_t *list = json_array();
    const elbo_finding *f;
    for (size_t i = 0; (f = elbo_finding_at(x, i)) != NULL; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", f->name, "title", f->title,
                                              "evidence", f->evidence, "why", f->why, "remedy", f->remedy));
    return print_json(c, json_pack("{s:o}", "findings", list));
}

/* The data are read as the model reads them. */
static elbo_status open_given(cli *c)
{
    elbo_status status = open_engine(c);
    if (status != ELBO_OK || !c->word[1]) return status;
    if (!ends_with(c->word[0], ".toml")) status = open_model(c, c->word[0]);
    if (status == ELBO_OK) status = open_data(c, c->word[1], flag_text(c, "part"));
    return status == ELBO_OK ? take_classes(c) : status;
}

static elbo_status run(cli *c)
{
    elbo_status status = open_given(c);
    if (status != ELBO_OK) return status;
    elbo_explanation *x = elbo_explain(c->engine, c->word[0], c->data, &c->error);
    if (!x) return c->error.code;
    if (!c->word[1] && !flag_bool(c, "json")) say(c, "without DATA only options and metrics are looked at");
    status = flag_bool(c, "json") ? print_list(c, x) : print_text(x);
    elbo_explanation_free(x);
    return status;
}

const command command_explain = {
    .name = "explain",
    .summary = "Find out why a model is bad, and what to do",
    .words = {"MODEL", "[DATA]"},
    .about =
        "Looks for the usual reasons why a VAE is bad and prints each with its evidence, why it matters and a remedy. MODEL is a "
        "run directory (best, as its metrics are read too), a model file or a configuration.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
