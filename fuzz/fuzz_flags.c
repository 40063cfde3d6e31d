/* fuzz_flags.c - any text as a command line, a word a line, the first being the subcommand: flags are sorted and checked. */
#include "harness.h"

#include "cli/cli.h"

enum { MAX_WORDS = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = fuzz_text(bytes, size), *words[MAX_WORDS];
    int n = 0;
    for (char *word = text, *next; word && n < MAX_WORDS; word = next) {
        next = strchr(word, '\n');
        if (next) *next++ = 0;
        words[n++] = word;
    }
    const command *cmd = command_find(words[0]);
    if (!cmd) cmd = command_at(size % 4);
    cli c = {.command = cmd};
    if (flags_parse(&c, n - 1, words + 1) != ELBO_OK) require(c.error.code == ELBO_USAGE && c.error.message[0]);
    else
        for (const elbo_option_info *row = cmd->flags; row->key; row++) require(flag_text(&c, row->key) != NULL);
    cli_close(&c);
    free(text);
    return 0;
}
