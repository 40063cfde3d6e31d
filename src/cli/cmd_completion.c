/* cmd_completion.c - elbo completion SHELL: what a shell needs to complete command lines, made from the rows of commands
 * and flags. What may follow a flag, or stand as a word, is found once; each shell has its way to say it. */
#include "cli.h"

#include <string.h>

static const elbo_option_info flags[] = {FLAG_END};

static const example examples[] = {
    {"elbo completion bash", "for ~/.bashrc: eval \"$(elbo completion bash)\""},
    {"elbo completion zsh", "as the file _elbo in a directory of $fpath"},
    {"elbo completion fish", "as ~/.config/fish/completions/elbo.fish"},
    {0},
};

/* ---- What may stand somewhere ---- */

/* Known words, separated by spaces, and whether names of files may stand there, too, or of directories only. */
typedef struct guess {
    char words[2048];
    bool files, directories;
} guess;

static void add_word(guess *g, const char *word)
{
    size_t n = strlen(g->words);
    snprintf(g->words + n, sizeof g->words - n, "%s%s", n ? " " : "", word);
}

/* What a name in capitals stands for: that of a word, as in "elbo train DATA", or of a flag's value. */
static guess guess_name(const char *name)
{
    guess g = {.files = strncmp(name, "DATA", 4) == 0 || strncmp(name, "MODEL", 5) == 0 || strncmp(name, "CODES", 5) == 0 ||
                        strcmp(name, "WHAT") == 0};
    const elbo_data_known *known;
    const elbo_preset_info *preset;
    const command *cmd;
    g.files |= strcmp(name, "FILE") == 0;
    g.directories = strcmp(name, "DIR") == 0 || strcmp(name, "RUN") == 0;
    for (size_t i = 0; strcmp(name, "DATA") == 0 && (known = elbo_data_known_at(i)) != NULL; i++) add_word(&g, known->name);
    for (size_t i = 0; strcmp(name, "NAME") == 0 && (preset = elbo_preset_at(i)) != NULL; i++) add_word(&g, preset->name);
    for (size_t i = 0; strcmp(name, "COMMAND") == 0 && (cmd = command_at(i)) != NULL; i++) add_word(&g, cmd->name);
    if (strcmp(name, "SHELL") == 0) snprintf(g.words, sizeof g.words, "bash zsh fish");
    if (strcmp(name, "PART") == 0) snprintf(g.words, sizeof g.words, "train test all");
    return g;
}

static guess guess_value(const elbo_option_info *row)
{
    guess g = {.files = false};
    if (row->type == ELBO_OPTION_TEXT) return guess_name(row->choices);
    if (row->type != ELBO_OPTION_CHOICE) return g;
    snprintf(g.words, sizeof g.words, "%s", row->choices);
    for (char *at = g.words; (at = strchr(at, '|')) != NULL;) *at = ' ';
    return g;
}

/* The n-th word of a command: "[DATA]" as DATA. */
static guess guess_word(const command *cmd, size_t n)
{
    char name[32];
    const char *word = cmd->words[n] ? cmd->words[n] : "";
    snprintf(name, sizeof name, "%s", word + (word[0] == '['));
    name[strcspn(name, "]")] = '\0';
    return guess_name(name);
}

/* What is typed of a flag: --KEY, or --no-KEY where it is on without. */
static void flag_word(const elbo_option_info *row, char out[64])
{
    snprintf(out, 64, "--%s%s", help_is_on(row) ? "no-" : "", row->key);
}

/* ---- bash ---- */

/* Lists are divided by ends of lines, so that names of files may have blanks. */
static void bash_list(const char *words)
{
    putchar('\'');
    for (; *words; words++) putchar(*words == ' ' ? '\n' : *words);
    putchar('\'');
}

static void bash_guess(const guess *g)
{
    printf("words=");
    bash_list(g->words);
    printf(" names=%s", g->files ? "-f" : g->directories ? "-d" : "");
}

static void bash_values(const command *cmd)
{
    const elbo_option_info *row;
    for (size_t i = 0; (row = flag_at(cmd, i)) != NULL; i++) {
        if (row->type == ELBO_OPTION_BOOL) continue;
        guess g = guess_value(row);
        printf("    %s/--%s) ", cmd->name, row->key);
        bash_guess(&g);
        printf("; flags= ;;\n");
    }
}

static void bash_command(const command *cmd)
{
    const elbo_option_info *row;
    guess g = guess_word(cmd, 0);
    printf("    %s/*)\n        flags='", cmd->name);
    for (size_t i = 0; (row = flag_at(cmd, i)) != NULL; i++) {
        char word[64];
        flag_word(row, word);
        printf("%s%s", i ? "\n" : "", word);
    }
    printf("'\n        ");
    for (size_t i = 1; cmd->words[i]; i++) {
        guess more = guess_word(cmd, i);
        if (more.words[0]) add_word(&g, more.words);
        g.files |= more.files;
        g.directories |= more.directories;
    }
    bash_guess(&g);
    printf(" ;;\n");
}

static void say_bash(void)
{
    guess commands = guess_name("COMMAND");
    printf("# bash completion for elbo\n_elbo()\n{\n"
           "    local IFS=$'\\n' flags words names\n"
           "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    [ \"$prev\" != = ] || prev=${COMP_WORDS[COMP_CWORD-2]}\n"
           "    [ \"$cur\" != = ] || cur=\n"
           "    if [ \"$COMP_CWORD\" = 1 ]; then prev=; fi\n"
           "    case $([ \"$COMP_CWORD\" = 1 ] || echo \"${COMP_WORDS[1]}\")/$prev in\n"
           "    /*) flags='--help\n--version' words=");
    add_word(&commands, "help");
    bash_list(commands.words);
    printf(" ;;\n    help/*) words=");
    bash_list(guess_name("COMMAND").words);
    printf(" ;;\n");
    for (size_t i = 0; command_at(i); i++) bash_values(command_at(i));
    for (size_t i = 0; command_at(i); i++) bash_command(command_at(i));
    printf("    esac\n"
           "    case $cur in\n"
           "    -*) COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\")) ;;\n"
           "    *) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"; [ -z \"$names\" ] || compgen \"$names\" -- \"$cur\")) ;;\n"
           "    esac\n}\ncomplete -o filenames -F _elbo elbo\n");
}

/* ---- zsh ---- */

/* Words within single quotes, in which _arguments takes brackets and colons for its own. */
static void zsh_words(const char *words)
{
    for (; *words; words++) {
        if (*words == '\'') fputs("'\\''", stdout);
        else if (strchr("[]:\\", *words)) printf("\\%c", *words);
        else putchar(*words);
    }
}

static void zsh_guess(const guess *g)
{
    const char *names = g->files ? "_files" : g->directories ? "_files -/" : "";
    if (g->words[0] && names[0]) printf("{_alternative \"words:word:(%s)\" \"names:file:%s\"}", g->words, names);
    else if (g->words[0]) printf("(%s)", g->words);
    else printf("%s", names);
}

static void zsh_command(const command *cmd)
{
    const elbo_option_info *row;
    printf("    %s)\n        _arguments -S", cmd->name);
    for (size_t i = 0; (row = flag_at(cmd, i)) != NULL; i++) {
        char word[64];
        guess g = guess_value(row);
        bool is_bool = row->type == ELBO_OPTION_BOOL;
        flag_word(row, word);
        printf(" \\\n            '%s%s[", word, is_bool ? "" : "=");
        zsh_words(row->help);
        printf("]");
        if (!is_bool) {
            printf(":%s:", help_value_name(row));
            zsh_guess(&g);
        }
        printf("'");
    }
    for (size_t i = 0; cmd->words[i]; i++) {
        guess g = guess_word(cmd, i);
        printf(" \\\n            '%zu:%.*s:", i + 1, (int)strcspn(cmd->words[i] + (cmd->words[i][0] == '['), "]"),
               cmd->words[i] + (cmd->words[i][0] == '['));
        zsh_guess(&g);
        printf("'");
    }
    printf(" ;;\n");
}

static void say_zsh(void)
{
    const command *cmd;
    printf("#compdef elbo\n_elbo()\n{\n    local -a commands\n    commands=(\n");
    for (size_t i = 0; (cmd = command_at(i)) != NULL; i++) {
        printf("        '%s:", cmd->name);
        zsh_words(cmd->summary);
        printf("'\n");
    }
    printf("        'help:Tell about a command'\n    )\n"
           "    if ((CURRENT == 2)); then\n        _describe -t commands 'elbo command' commands\n        return\n    fi\n"
           "    local command=$words[2]\n    shift words\n    ((CURRENT--))\n    case $command in\n"
           "    help) _describe -t commands 'elbo command' commands ;;\n");
    for (size_t i = 0; (cmd = command_at(i)) != NULL; i++) zsh_command(cmd);
    printf("    esac\n}\ncompdef _elbo elbo\n");
}

/* ---- fish ---- */

static void fish_words(const char *words)
{
    putchar('\'');
    for (; *words; words++) {
        if (*words == '\'' || *words == '\\') putchar('\\');
        putchar(*words);
    }
    putchar('\'');
}

static void fish_guess(const guess *g)
{
    if (g->files) printf(" -F");
    if (g->words[0]) {
        printf(" -a ");
        fish_words(g->words);
    }
    if (g->directories) printf(" -a '(__fish_complete_directories)'");
}

static void fish_command(const command *cmd)
{
    const elbo_option_info *row;
    for (size_t i = 0; cmd->words[i]; i++) {
        guess g = guess_word(cmd, i);
        printf("complete -c elbo -n '__fish_seen_subcommand_from %s'", cmd->name);
        fish_guess(&g);
        printf("\n");
    }
    for (size_t i = 0; (row = flag_at(cmd, i)) != NULL; i++) {
        char word[64];
        guess g = guess_value(row);
        flag_word(row, word);
        printf("complete -c elbo -n '__fish_seen_subcommand_from %s' -l %s -d ", cmd->name, word + 2);
        fish_words(row->help);
        if (row->type != ELBO_OPTION_BOOL) {
            printf(g.files ? " -r" : " -x");
            fish_guess(&g);
        }
        printf("\n");
    }
}

static void say_fish(void)
{
    const command *cmd;
    printf("# fish completion for elbo\ncomplete -c elbo -f\n");
    for (size_t i = 0; (cmd = command_at(i)) != NULL; i++) {
        printf("complete -c elbo -n __fish_use_subcommand -a %s -d ", cmd->name);
        fish_words(cmd->summary);
        printf("\n");
    }
    printf("complete -c elbo -n __fish_use_subcommand -a help -d 'Tell about a command'\n"
           "complete -c elbo -n '__fish_seen_subcommand_from help' -a ");
    fish_words(guess_name("COMMAND").words);
    printf("\n");
    for (size_t i = 0; (cmd = command_at(i)) != NULL; i++) fish_command(cmd);
}

/* ---- The command ---- */

static const struct {
    const char *name;
    void (*say)(void);
} shells[] = {{"bash", say_bash}, {"zsh", say_zsh}, {"fish", say_fish}};

static elbo_status run(cli *c)
{
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        if (strcmp(shells[i].name, c->word[0]) != 0) continue;
        shells[i].say();
        return ELBO_OK;
    }
    return fail(c, ELBO_USAGE, "there is no completion for %s; there is for bash, zsh and fish", c->word[0]);
}

const command command_completion = {
    .name = "completion",
    .summary = "Print what a shell needs to complete command lines",
    .words = {"SHELL"},
    .about = "Prints a script for bash, zsh or fish that completes commands, flags, their values, data sets and files. "
             "Installing elbo installs all three.",
    .flags = flags,
    .examples = examples,
    .run = run,
};
