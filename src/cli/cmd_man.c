/* cmd_man.c - elbo man: the manual pages, made from the rows of commands and flags, for groff and mandoc. */
#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const elbo_option_info flags[] = {
    FLAG_TEXT("out", "output", "DIR", "", "Write all pages into this directory, as elbo.1, elbo-train.1 and so on."),
    FLAG_END,
};

static const example examples[] = {
    {"elbo man", "the page elbo(1); man -l - reads it"},
    {"elbo man train", "the page of a command"},
    {"elbo man --out .", "all pages, as files"},
    {0},
};

/* ---- Words ---- */

/* Words of a page: what means something to roff is written so that it does not, and dashes can be copied. */
static void say_man(FILE *f, const char *words)
{
    bool line_begins = true;
    for (; *words; words++) {
        if (line_begins && (*words == '.' || *words == '\'')) fputs("\\&", f);
        line_begins = *words == '\n';
        if (*words == '\\') fputs("\\e", f);
        else if (*words == '-') fputs("\\-", f);
        else fputc(*words, f);
    }
}

static void say_line(FILE *f, const char *words)
{
    say_man(f, words);
    fputc('\n', f);
}

static void say_upper(FILE *f, const char *words)
{
    for (; *words; words++) fputc(toupper((unsigned char)*words), f);
}

/* An entry of a list: a bold word, perhaps a value in italics, and what it is. */
static void say_entry(FILE *f, const char *bold, const char *value, const char *words)
{
    fputs(".TP\n\\fB", f);
    say_man(f, bold);
    fputs("\\fR", f);
    if (value[0]) fprintf(f, " \\fI%s\\fR", value);
    fputc('\n', f);
    say_line(f, words);
}

static void begin_page(FILE *f, const char *command_name, const char *what)
{
    fputs(".TH ELBO", f);
    if (command_name) fputc('-', f), say_upper(f, command_name);
    fprintf(f, " 1 \"\" \"elbo %s\" \"elbo\"\n.ad l\n.nh\n.SH NAME\nelbo%s%s \\- ", elbo_version(), command_name ? "\\-" : "",
            command_name ? command_name : "");
    say_line(f, what);
}

/* ---- Sections ---- */

static void say_flags(FILE *f, const command *cmd)
{
    const elbo_option_info *row;
    fputs(".SH OPTIONS\n", f);
    for (size_t i = 0; flag_at(cmd, i); i++) {
        if (!help_opens_section(cmd, i)) continue;
        const char *section = flag_at(cmd, i)->section;
        fprintf(f, ".SS %c%s\n", toupper((unsigned char)section[0]), section + 1);
        for (size_t j = i; (row = flag_at(cmd, j)) != NULL; j++) {
            if (strcmp(row->section, section) != 0) continue;
            char name[64], words[2048];
            snprintf(name, sizeof name, "--%s%s", help_is_on(row) ? "[no-]" : "", row->key);
            help_flag_words(row, words, sizeof words);
            say_entry(f, name, help_value_name(row), words);
        }
    }
}

static void say_examples(FILE *f, const command *cmd)
{
    fputs(".SH EXAMPLES\n", f);
    for (const example *e = cmd->examples; e->line; e++) say_entry(f, e->line, "", e->what);
}

static void say_exits(FILE *f)
{
    char number[16];
    fputs(".SH EXIT STATUS\n", f);
    for (int i = 0; i <= ELBO_NO_BACKEND; i++) {
        snprintf(number, sizeof number, "%d", i);
        say_entry(f, number, "", elbo_status_text((elbo_status)i));
    }
    say_entry(f, "130, 143", "", "stopped by SIGINT or SIGTERM");
}

static void say_families(FILE *f)
{
    const elbo_family_info *family;
    fputs(".SH FAMILIES\n", f);
    for (size_t i = 0; (family = elbo_family_at(i)) != NULL; i++) say_entry(f, family->name, "", family->summary);
}

/* ---- Pages ---- */

static void say_command(FILE *f, const command *cmd)
{
    begin_page(f, cmd->name, cmd->summary);
    fprintf(f, ".SH SYNOPSIS\n.B elbo %s\n", cmd->name);
    for (size_t i = 0; cmd->words[i]; i++) fprintf(f, ".I %s\n", cmd->words[i]);
    fputs("[\\fB\\-\\-\\fIFLAG VALUE\\fR ...]\n.SH DESCRIPTION\n", f);
    say_line(f, cmd->about);
    say_flags(f, cmd);
    if (cmd->takes_options) say_families(f);
    say_examples(f, cmd);
    say_exits(f);
    fputs(".SH SEE ALSO\n.BR elbo (1)\n", f);
}

static void say_all(FILE *f)
{
    const command *cmd;
    const help_term *t;
    begin_page(f, NULL, "variational autoencoders");
    fputs(".SH SYNOPSIS\n.B elbo\n.I COMMAND\n[\\fIWORDS\\fR] [\\fB\\-\\-\\fIFLAG VALUE\\fR ...]\n.SH DESCRIPTION\n", f);
    say_line(f, "elbo " HELP_ELBO ".");
    fputs(".SH COMMANDS\n", f);
    for (size_t i = 0; (cmd = command_at(i)) != NULL; i++)
        fprintf(f, ".TP\n.BR elbo\\-%s (1)\n%s\n", cmd->name, cmd->summary);
    fputs(".SH WORDS\n", f);
    for (size_t i = 0; (t = help_term_at(i)) != NULL; i++) say_entry(f, t->name, "", t->meaning);
    say_exits(f);
    fputs(".SH SEE ALSO\n", f);
    for (size_t i = 0; (cmd = command_at(i)) != NULL; i++)
        fprintf(f, ".BR elbo\\-%s (1)%s\n", cmd->name, command_at(i + 1) ? "," : "");
}

/* Writes a page into the directory; NULL: elbo(1). */
static elbo_status write_page(cli *c, const char *directory, const command *cmd)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/elbo%s%s.1", directory, cmd ? "-" : "", cmd ? cmd->name : "");
    FILE *f = fopen(path, "w");
    if (!f) return fail(c, ELBO_IO, "can't write %s: %s", path, strerror(errno));
    if (cmd) say_command(f, cmd);
    else say_all(f);
    bool failed = ferror(f) != 0;
    if (fclose(f) != 0 || failed) return fail(c, ELBO_IO, "can't write %s: %s", path, strerror(errno));
    return ELBO_OK;
}

static elbo_status write_pages(cli *c, const char *directory)
{
    elbo_status status = write_page(c, directory, NULL);
    for (size_t i = 0; command_at(i) && status == ELBO_OK; i++) status = write_page(c, directory, command_at(i));
    return status;
}

static const char *name_at(const void *context, size_t i)
{
    (void)context;
    return command_at(i) ? command_at(i)->name : NULL;
}

static elbo_status run(cli *c)
{
    const char *out = flag_text(c, "out"), *name = c->word[0];
    const command *cmd = name ? command_find(name) : NULL;
    if (out[0]) return name ? fail(c, ELBO_USAGE, "--out is for all pages: leave %s out", name) : write_pages(c, out);
    const char *near = name && !cmd ? nearest(name, name_at, NULL) : NULL;
    if (name && !cmd)
        return fail(c, ELBO_USAGE, "there is no command %s%s%s%s", name, near ? "; did you mean " : "", near ? near : "",
                    near ? "?" : "");
    if (cmd) say_command(stdout, cmd);
    else say_all(stdout);
    return ELBO_OK;
}

const command command_man = {
    .name = "man",
    .summary = "Print a manual page",
    .words = {"[COMMAND]"},
    .about = "Prints the manual page of elbo or of one of its commands, in the language of man. Installing elbo installs all of "
             "them.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
