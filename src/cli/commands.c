/* commands.c - the table of subcommands: a new one is a file with its row, and a line here. */
#include "cli.h"

#include <string.h>

#define COMMANDS(X)                                                                                                    \
    X(train)                                                                                                           \
    X(evaluate) X(explain) X(score) X(factors)                                                                         \
    X(sample) X(reconstruct) X(interpolate) X(traverse) X(manifold) X(latent) X(impute)                                \
    X(encode) X(decode)                                                                                                \
    X(info) X(graph) X(data) X(presets) X(import) X(report) X(show) X(completion) X(man)

#define X(name) extern const command command_##name;
COMMANDS(X)
#undef X

const command *command_at(size_t i)
{
#define X(name) &command_##name,
    static const command *const commands[] = {COMMANDS(X)};
#undef X
    return i < sizeof commands / sizeof *commands ? commands[i] : NULL;
}

const command *command_find(const char *name)
{
    for (size_t i = 0; command_at(i); i++)
        if (strcmp(command_at(i)->name, name) == 0) return command_at(i);
    return NULL;
}
