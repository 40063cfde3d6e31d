/* cmd_presets.c - elbo presets: the programs elbo reproduces. */
#include "cli.h"

#include <string.h>

static const elbo_option_info flags[] = {
    FLAG_END,
};

static const example examples[] = {
    {"elbo presets", "all of them"},
    {"elbo presets tf1-mnist", "the options, the published number and the lesson of one"},
    {"elbo presets tf1-mnist --json", "for a program to read"},
    {0},
};

static json_t *preset_json(const elbo_preset_info *p)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", p->name, "data", p->data, "options", p->options, "published",
                     p->published, "lesson", p->lesson);
}

static elbo_status list_all(cli *c)
{
    json_t *list = json_array();
    const elbo_preset_info *p;
    for (size_t i = 0; (p = elbo_preset_at(i)) != NULL; i++) json_array_append_new(list, preset_json(p));
    if (flag_bool(c, "json")) return print_json(c, list);
    json_decref(list);
    for (size_t i = 0; (p = elbo_preset_at(i)) != NULL; i++) printf("%-18s %s: %s\n", p->name, p->data, p->published);
    return ELBO_OK;
}

static const char *name_at(const void *context, size_t i)
{
    (void)context;
    const elbo_preset_info *p = elbo_preset_at(i);
    return p ? p->name : NULL;
}

static elbo_status show_one(cli *c, const char *name)
{
    const elbo_preset_info *p;
    for (size_t i = 0; (p = elbo_preset_at(i)) != NULL && strcmp(p->name, name) != 0; i++) {}
    const char *near = p ? NULL : nearest(name, name_at, NULL);
    if (!p) return fail(c, ELBO_USAGE, "there is no preset '%s'%s%s%s", name, near ? "; did you mean '" : "", near ? near : "",
                        near ? "'?" : "");
    if (flag_bool(c, "json")) return print_json(c, preset_json(p));
    printf("# %s on %s\n# published: %s\n# lesson: %s\n%s", p->name, p->data, p->published, p->lesson, p->options);
    return ELBO_OK;
}

static elbo_status run(cli *c)
{
    return c->n_words ? show_one(c, c->word[0]) : list_all(c);
}

const command command_presets = {
    .name = "presets",
    .summary = "List the programs elbo reproduces",
    .words = {"[NAME]"},
    .about =
        "Without NAME, lists the presets: programs whose behaviour elbo reproduces, what they were trained on and what was "
        "published. With NAME, prints one as a configuration file. elbo train DATA --preset NAME trains it; any option given "
        "beside it rules.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
