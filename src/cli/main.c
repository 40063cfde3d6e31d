/* main.c - the command elbo: finds the subcommand, reads its flags, runs it, and turns its status into the exit
 * code. */
#include "cli.h"
#include "signals.h"

#include <errno.h>
#include <string.h>

static const char *command_name(const void *context, size_t i)
{
    static const char *const others[] = {"help", "--help", "--version", NULL};
    size_t n = 0;
    (void)context;
    while (command_at(n)) n++;
    return i < n ? command_at(i)->name : others[i - n];
}

static int unknown_word(const char *word)
{
    const char *near = nearest(word, command_name, NULL);
    fprintf(stderr, "elbo: unknown word %s", word);
    if (near) fprintf(stderr, "; did you mean %s?", near);
    fprintf(stderr, "\nelbo --help lists the commands.\n");
    return ELBO_USAGE;
}

/* Turns code into a failure where stdout did not take everything, as on a full disk. */
static int finish_output(int code)
{
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) == 0 && !failed) return code;
    fprintf(stderr, "elbo: writing to stdout failed%s%s\n", errno ? ": " : "", errno ? strerror(errno) : "");
    return code == ELBO_OK ? ELBO_IO : code;
}

static int help(int argc, char **argv)
{
    if (argc == 0) {
        help_all(stdout);
        return finish_output(ELBO_OK);
    }
    const command *cmd = command_find(argv[0]);
    if (!cmd) return unknown_word(argv[0]);
    help_command(stdout, cmd);
    return finish_output(ELBO_OK);
}

static bool asks_help(int argc, char **argv)
{
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

static int run(const command *cmd, int argc, char **argv)
{
    cli c = {.command = cmd};
    elbo_status status = flags_parse(&c, argc, argv);
    bool typed_wrong = status != ELBO_OK;
    if (!typed_wrong) status = cmd->run(&c);
    if (status != ELBO_OK && status != ELBO_CANCELLED) fprintf(stderr, "elbo %s: %s\n", cmd->name, c.error.message);
    if (typed_wrong && status == ELBO_USAGE) {
        help_usage(stderr, cmd);
        fprintf(stderr, "elbo help %s tells more.\n", cmd->name);
    }
    cli_close(&c);
    return finish_output(status == ELBO_CANCELLED ? 128 + signals_caught() : (int)status);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        help_all(stderr);
        return ELBO_USAGE;
    }
    const char *word = argv[1];
    json_begin();
    if (strcmp(word, "--version") == 0) {
        printf("elbo %s\n", elbo_version());
        return finish_output(ELBO_OK);
    }
    if (strcmp(word, "help") == 0) return help(argc - 2, argv + 2);
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) return help(0, NULL);
    const command *cmd = command_find(word);
    if (!cmd) return unknown_word(word);
    return asks_help(argc - 2, argv + 2) ? help(1, argv + 1) : run(cmd, argc - 2, argv + 2);
}
