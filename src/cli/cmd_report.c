/* cmd_report.c - elbo report RUN [DATA]: a page about a run. */
#include "cli.h"
#include "rundir.h"

static const elbo_option_info flags[] = {
    FLAG_PART("test"),
    FLAG_TEXT("out", "output", "FILE", "", "The page to write; without it report.html in the run's directory."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo report runs/toy-vae", "writes runs/toy-vae/report.html, as the end of training does"},
    {"elbo report runs/toy-vae toy --part test --out toy.html", "with examples of the test part, to another place"},
    {0},
};

static elbo_status run(cli *c)
{
    const char *directory = c->word[0], *out = flag_text(c, "out");
    char usual[MAX_PATH];
    elbo_status status = open_engine(c);
    if (status == ELBO_OK && c->n_words > 1) status = open_model(c, directory);
    if (status == ELBO_OK && c->n_words > 1) status = open_data(c, c->word[1], flag_text(c, "part"));
    if (status == ELBO_OK && c->n_words > 1) status = take_classes(c);
    if (status == ELBO_OK) status = elbo_report_write(c->engine, directory, c->data, out[0] ? out : NULL, &c->error);
    if (status != ELBO_OK) return status;
    snprintf(usual, sizeof usual, "%s/report.html", directory);
    if (flag_bool(c, "json")) return print_json(c, json_pack("{s:s}", "out", out[0] ? out : usual));
    printf("%s\n", out[0] ? out : usual);
    return ELBO_OK;
}

const command command_report = {
    .name = "report",
    .summary = "Write a page about a run",
    .words = {"RUN", "[DATA]"},
    .about = "Writes one file of HTML that needs no other: the numbers of a run, its curves, samples, reconstructions, what the "
             "numbers of the code do, what could be better, layers, options, and the command that makes the run again. "
             "Without DATA, examples are those held out from training, where the data can be found by their name.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
