/* presets.c - the table of presets (presets.def). */
#include "../base/text.h"
#include "config.h"

#include <stdio.h>
#include <string.h>

static const elbo_preset_info table[] = {
#define PRESET(name, data, options, published, lesson) {name, data, options, published, lesson},
#include "presets.def"
#undef PRESET
};

const elbo_preset_info *elbo_preset_at(size_t i)
{
    return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

static const char *name_at(size_t i)
{
    const elbo_preset_info *p = elbo_preset_at(i);
    return p ? p->name : NULL;
}

static const elbo_preset_info *find(const char *name)
{
    for (size_t i = 0; elbo_preset_at(i); i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

/* One "key = value" line of at most room characters, its end at *next. */
static elbo_status set_line(elbo_config *c, const char *line, size_t length, elbo_error *error)
{
    char words[CONFIG_TEXT + 64];
    snprintf(words, sizeof words, "%.*s", (int)length, line);
    char *equals = strstr(words, " = ");
    if (!equals) return err_set(error, ELBO_FAILED, "the preset's line '%s' is no 'key = value'", words);
    *equals = 0;
    return elbo_config_set(c, words, equals + 3, error);
}

elbo_status elbo_config_preset(elbo_config *c, const char *name, elbo_error *error)
{
    const elbo_preset_info *p = find(name);
    const char *near = p ? NULL : text_nearest(name, name_at);
    if (!p)
        return err_set(error, ELBO_USAGE, "there is no preset '%.64s'%s%s%s", name, near ? "; did you mean '" : "",
                       near ? near : "", near ? "'?" : "");
    elbo_status status = ELBO_OK;
    for (const char *line = p->options; *line && status == ELBO_OK; line += strcspn(line, "\n") + 1)
        status = set_line(c, line, strcspn(line, "\n"), error);
    snprintf(c->preset, sizeof c->preset, "%s", p->name);
    return status;
}
