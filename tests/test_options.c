/* test_options.c - docs/options.md is what the tables say: the page is rendered from the options, families, likelihoods,
 * presets, activations and networks, and compared. scripts/make-options writes it, by calling this program with the word
 * "print". */
#include "nn/architecture.h"
#include "nn/likelihoods.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 120, ROOM = 1 << 16 };

static const char head[] =
    "# Options\n"
    "\n"
    "Made by `scripts/make-options` from the tables in the source; a test compares the two.\n"
    "\n"
    "An option is a flag of `elbo train` (`--latent 8`), a line of a configuration file (`latent = 8`) and a key of\n"
    "`elbo_config_set` in C. Flags rule over the file of `--config`, that over the preset of `--preset`, and that over\n"
    "the defaults. Sections only order a file for its readers: a key means the same in any of them. The flags of\n"
    "commands that are no options are listed by `elbo help COMMAND`.\n";

/* A text broken at blanks before WIDTH, each line but the first behind indent blanks; column is where it begins. */
static void wrap(FILE *f, size_t column, int indent, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column + 1 + n > WIDTH) column = (size_t)fprintf(f, "\n%*s", indent, "") - 1;
        else if (column > (size_t)indent) column += (size_t)fprintf(f, " ");
        column += (size_t)fprintf(f, "%.*s", (int)n, text);
        text += n + strspn(text + n, " ");
    }
    fprintf(f, "\n");
}

static void item(FILE *f, const char *text)
{
    fprintf(f, "- ");
    wrap(f, 2, 2, text);
}

/* "one of `a`, `b`" from "a|b" */
static void add_choices(FILE *f, const char *words)
{
    fprintf(f, "one of");
    for (const char *word = words; *word; word += word[strcspn(word, "|")] == '|') {
        fprintf(f, "%s `%.*s`", word == words ? "" : ",", (int)strcspn(word, "|"), word);
        word += strcspn(word, "|");
    }
}

static void add_values(FILE *f, const elbo_option_info *o)
{
    switch (o->type) {
    case ELBO_OPTION_INT: fprintf(f, "whole number, %.0f to %.0f", o->min, o->max); break;
    case ELBO_OPTION_REAL: fprintf(f, "number, %.9g to %.9g", o->min, o->max); break;
    case ELBO_OPTION_BOOL: fprintf(f, "`true` or `false`"); break;
    case ELBO_OPTION_TEXT: fprintf(f, "text"); break;
    case ELBO_OPTION_CHOICE: add_choices(f, o->choices); break;
    }
}

static void add_option(FILE *f, const elbo_option_info *o)
{
    char text[4096] = "";
    FILE *line = fmemopen(text, sizeof text, "w");
    assert_non_null(line);
    fprintf(line, "**%s**: %s. *", o->key, o->help);
    add_values(line, o);
    fprintf(line, "; default* `%s`", o->default_value);
    fclose(line);
    item(f, text);
}

static void add_options(FILE *f)
{
    const char *section = "";
    for (size_t i = 0; i < elbo_option_count(); i++) {
        const elbo_option_info *o = elbo_option_at(i);
        if (strcmp(o->section, section) != 0) fprintf(f, "\n## Section %s\n\n", o->section);
        section = o->section;
        add_option(f, o);
    }
}

static void add_families(FILE *f)
{
    char text[1024];
    fprintf(f, "\n## Families\n\n");
    for (size_t i = 0; elbo_family_at(i); i++) {
        snprintf(text, sizeof text, "**%s**: %s", elbo_family_at(i)->name, elbo_family_at(i)->summary);
        item(f, text);
    }
}

static void add_likelihoods(FILE *f)
{
    static const char *const data[] = {[TAKES_UNIT] = "data in [0,1]", [TAKES_REAL] = "any data",
                                        [TAKES_COUNTS] = "whole numbers from 0 on, or bytes",
                                        [TAKES_LEVELS] = "whole numbers from 0 on, or bytes, each a level",
                                        [TAKES_COLUMNS] = "tables"};
    char text[1024];
    fprintf(f, "\n## Likelihoods\n\n");
    for (size_t i = 0; likelihood_at(i); i++) {
        const likelihood_info *l = likelihood_at(i);
        snprintf(text, sizeof text, "**%s**: %s. *For %s%s%s*", l->name, l->summary, data[l->takes],
                 l->scaled ? "; has a scale" : "", l->measure == ELBO_DENSITY ? "; a density" :
                 l->takes == TAKES_UNIT && l->measure == ELBO_MASS ? "; a probability of bits" :
                 l->measure == ELBO_MASS ? "; a probability" : "");
        item(f, text);
    }
}

static void add_presets(FILE *f)
{
    char text[4096];
    fprintf(f, "\n## Presets\n\nA preset is a name for the options of a program that elbo reproduces; `elbo presets NAME` "
               "prints them,\nand `scripts/reproduce NAME` runs one to its number.\n\n");
    for (size_t i = 0; elbo_preset_at(i); i++) {
        const elbo_preset_info *p = elbo_preset_at(i);
        snprintf(text, sizeof text, "**%s** (%s). Published: %s. %s", p->name, p->data, p->published, p->lesson);
        item(f, text);
    }
}

static void add_activations(FILE *f)
{
    char text[1024];
    int n = snprintf(text, sizeof text, "`src/nn/architecture.h` has the words of layers. Activations:");
    for (size_t i = 0; activation_at(i); i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "%s `%s`", i ? "," : "", activation_at(i));
    fprintf(f, "\n## Layers\n\n");
    wrap(f, 0, 0, text);
}

static void add_nets(FILE *f)
{
    char text[2048];
    fprintf(f, "\n## Networks\n\nNames that stand for the layers of an encoder or a decoder, for pictures of 16 x 16 or "
               "more.\n\n");
    for (size_t i = 0; net_at(i); i++) {
        snprintf(text, sizeof text, "**%s**: encoder `%s`, decoder `%s`", net_at(i)->name, net_at(i)->encoder,
                 net_at(i)->decoder);
        item(f, text);
    }
}

static void render(FILE *f)
{
    fputs(head, f);
    add_options(f);
    add_families(f);
    add_likelihoods(f);
    add_presets(f);
    add_activations(f);
    add_nets(f);
}

/* The first line in which the page differs; 0: none. */
static int difference(const char *page, const char *rendered)
{
    int line = 1;
    for (; *page && *page == *rendered; page++, rendered++) line += *page == '\n';
    return *page == *rendered ? 0 : line;
}

static void test_page_is_up_to_date(void **state)
{
    (void)state;
    static char page[ROOM], rendered[ROOM];
    FILE *f = fopen(ELBO_TEST_DIR "/../docs/options.md", "r"), *out = fmemopen(rendered, sizeof rendered, "w");
    assert_true(f && out);
    size_t n = fread(page, 1, sizeof page - 1, f);
    fclose(f);
    render(out);
    fclose(out);
    int line = difference(page, rendered);
    if (line) print_error("docs/options.md:%d: not what the tables say; run scripts/make-options\n", line);
    assert_int_equal(line, 0);
    assert_true(n > sizeof head && n < sizeof page - 1);
}

static void test_difference_is_seen(void **state)
{
    (void)state;
    assert_int_equal(difference("a\nb\n", "a\nb\n"), 0);
    assert_int_equal(difference("a\nb\n", "a\nc\n"), 2);
    assert_int_equal(difference("a\n", "a\nb\n"), 2);
    assert_int_equal(difference("a\nb\n", ""), 1);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "print") == 0) {
        render(stdout);
        return fflush(stdout) != 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_is_up_to_date),
        cmocka_unit_test(test_difference_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
