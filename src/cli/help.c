/* help.c - what --help prints, and the words that manual pages and completions share with it: all of it from the rows of
 * commands and flags. */
#include "cli.h"

#include <ctype.h>
#include <string.h>

enum { WIDTH = 100, LEFT = 28 };

void print_wrapped(FILE *f, size_t column, size_t indent, const char *text)
{
    bool first = true;
    while (*text) {
        size_t n = strcspn(text, " ");
        if (!first && column + 1 + n > WIDTH) {
            fprintf(f, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', f);
            column++;
        }
        fprintf(f, "%.*s", (int)n, text);
        first = false;
        column += n;
        text += n;
        text += strspn(text, " ");
    }
    fputc('\n', f);
}

/* ---- Flags ---- */

static void number_text(const elbo_option_info *row, double value, char out[32])
{
    snprintf(out, 32, row->type == ELBO_OPTION_INT ? "%.0f" : "%g", value);
}

/* What may be given: "1 to 256", "at least 0", "one of a, b"; "" for what needs no telling. */
static void bounds_text(const elbo_option_info *row, char *out, size_t size)
{
    const double far = 1e15;
    char low[32], high[32];
    out[0] = '\0';
    if (row->type == ELBO_OPTION_CHOICE) {
        size_t n = (size_t)snprintf(out, size, "one of ");
        for (const char *at = row->choices; *at && n + 3 < size; at++)
            n += (size_t)snprintf(out + n, size - n, *at == '|' ? ", " : "%c", *at);
    } else if (row->type == ELBO_OPTION_INT || row->type == ELBO_OPTION_REAL) {
        number_text(row, row->min, low);
        number_text(row, row->max, high);
        if (row->max < far)
            snprintf(out, size, "%s to %s", low, high);
        else if (row->min > -far)
            snprintf(out, size, "at least %s", low);
    }
}

bool help_is_on(const elbo_option_info *row)
{
    return row->type == ELBO_OPTION_BOOL && strcmp(row->default_value, "true") == 0;
}

const char *help_value_name(const elbo_option_info *row)
{
    static const char *const names[] = {
        [ELBO_OPTION_INT] = "N",     [ELBO_OPTION_REAL] = "X",      [ELBO_OPTION_BOOL] = "",
        [ELBO_OPTION_TEXT] = "TEXT", [ELBO_OPTION_CHOICE] = "WORD",
    };
    return row->type == ELBO_OPTION_TEXT && row->choices[0] ? row->choices : names[row->type];
}

void help_flag_words(const elbo_option_info *row, char *out, size_t size)
{
    char bounds[600];
    bounds_text(row, bounds, sizeof bounds);
    bool has_default = row->default_value[0] && (row->type != ELBO_OPTION_BOOL || help_is_on(row));
    bool any = bounds[0] || has_default;
    snprintf(out, size, "%s%s%s%s%s%s%s", row->help, any ? " (" : "", bounds, bounds[0] && has_default ? "; " : "",
             has_default ? "default " : "", has_default ? row->default_value : "", any ? ")" : "");
}

static void print_flag(FILE *f, const elbo_option_info *row)
{
    char words[2048];
    int n = fprintf(f, "  --%s%s %s", help_is_on(row) ? "[no-]" : "", row->key, help_value_name(row));
    if (n >= LEFT) n = fprintf(f, "\n") - 1;
    fprintf(f, "%*s", LEFT - n, "");
    help_flag_words(row, words, sizeof words);
    print_wrapped(f, LEFT, LEFT, words);
}

bool help_opens_section(const command *cmd, size_t i)
{
    const char *section = flag_at(cmd, i)->section;
    for (size_t j = 0; j < i; j++)
        if (strcmp(flag_at(cmd, j)->section, section) == 0) return false;
    return true;
}

/* The flags of the section that the i-th flag opens. */
static void print_section(FILE *f, const command *cmd, size_t i)
{
    const elbo_option_info *row;
    const char *section = flag_at(cmd, i)->section;
    if (!help_opens_section(cmd, i)) return;
    fprintf(f, "\n%c%s\n", toupper((unsigned char)section[0]), section + 1);
    for (; (row = flag_at(cmd, i)) != NULL; i++)
        if (strcmp(row->section, section) == 0) print_flag(f, row);
}

static void print_families(FILE *f)
{
    const elbo_family_info *family;
    fprintf(f, "\nFamilies\n");
    for (size_t i = 0; (family = elbo_family_at(i)) != NULL; i++) {
        int n = fprintf(f, "  %s ", family->name);
        fprintf(f, "%*s", n < LEFT ? LEFT - n : 0, "");
        print_wrapped(f, LEFT, LEFT, family->summary);
    }
}

/* ---- Pages ---- */

void help_usage(FILE *f, const command *cmd)
{
    fprintf(f, "usage: elbo %s", cmd->name);
    for (size_t i = 0; cmd->words[i]; i++) fprintf(f, " %s", cmd->words[i]);
    fprintf(f, " [--FLAG VALUE ...]\n");
}

void help_command(FILE *f, const command *cmd)
{
    help_usage(f, cmd);
    fputc('\n', f);
    print_wrapped(f, 0, 0, cmd->about);
    for (size_t i = 0; flag_at(cmd, i); i++) print_section(f, cmd, i);
    if (cmd->takes_options) print_families(f);
    fprintf(f, "\nExamples\n");
    for (const example *e = cmd->examples; e->line; e++) fprintf(f, "  %s\n      %s\n", e->line, e->what);
}

const help_term *help_term_at(size_t i)
{
    static const help_term terms[] = {
        {"DATA", "a name (elbo data lists them), a file or a folder of examples"},
        {"RUN", "a run directory, as elbo train leaves it"},
        {"MODEL", "a .safetensors file, or a run directory, which stands for its best checkpoint"},
    };
    return i < sizeof terms / sizeof *terms ? &terms[i] : NULL;
}

void help_all(FILE *f)
{
    const command *cmd;
    const help_term *t;
    fprintf(f, "elbo %s.\n\nusage: elbo COMMAND [WORDS] [--FLAG VALUE ...]\n\nCommands\n", HELP_ELBO);
    for (size_t i = 0; (cmd = command_at(i)) != NULL; i++) fprintf(f, "  %-14s%s\n", cmd->name, cmd->summary);
    fprintf(f, "\nWords\n");
    for (size_t i = 0; (t = help_term_at(i)) != NULL; i++) fprintf(f, "  %-14s%s\n", t->name, t->meaning);
    fprintf(f, "\n"
               "Start with\n"
               "  elbo train fashion-mnist         leaves runs/fashion-mnist-vae\n"
               "  elbo sample runs/fashion-mnist-vae\n\n"
               "elbo help COMMAND has flags and examples; elbo --version tells the version.\n\nExit codes\n");
    for (int i = 0; i <= ELBO_NO_BACKEND; i++) fprintf(f, "  %d  %s\n", i, elbo_status_text((elbo_status)i));
    fprintf(f, "  130, 143  stopped by SIGINT or SIGTERM\n");
}
