/* flags.c - command lines: words, flags, their checks, and the nearest word for a mistyped one.
 *
 * --flag value and --flag=value are the same; a yes-or-no flag is --flag or --no-flag (or --flag=false); -- ends the
 * flags. Where a flag is typed twice, the last counts. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const elbo_option_info common_flags[] = {
    FLAG_INT("threads", "general", "0", 0, 256,
             "Threads to use; 0 is one per processor. The results do not depend on it."),
    FLAG_BOOL("json", "general", "false", "Print the result as JSON."),
    FLAG_BOOL("quiet", "general", "false", "Say nothing on stderr but errors."),
    FLAG_BOOL("help", "general", "false", "Print this help."),
};

const elbo_option_info *flag_at(const command *cmd, size_t i)
{
    for (const elbo_option_info *row = cmd->flags; row->key; row++)
        if (i-- == 0) return row;
    size_t n_options = cmd->takes_options ? elbo_option_count() : 0;
    if (i < n_options) return elbo_option_at(i);
    i -= n_options;
    return i < sizeof common_flags / sizeof *common_flags ? &common_flags[i] : NULL;
}

bool is_option(const elbo_option_info *row)
{
    for (size_t i = 0; elbo_option_at(i); i++)
        if (elbo_option_at(i) == row) return true;
    return false;
}

/* ---- The nearest word ---- */

enum { MAX_WORD = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours that make b of a; MAX_WORD where a word is too long to
 * tell. */
static size_t distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), d[3][MAX_WORD + 1];
    if (n >= MAX_WORD || m >= MAX_WORD) return MAX_WORD;
    for (size_t j = 0; j <= m; j++) d[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = d[i % 3], *before = d[(i + 2) % 3], *earlier = d[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = least(before[j - 1] + (a[i - 1] != b[j - 1]), least(before[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least(now[j], earlier[j - 2] + 1);
        }
    }
    return d[n % 3][m];
}

const char *nearest(const char *word, const char *(*candidate)(const void *context, size_t i), const void *context)
{
    const char *best = NULL, *name;
    size_t limit = strlen(word) / 3, closest = (limit ? limit : 1) + 1;
    for (size_t i = 0; (name = candidate(context, i)) != NULL; i++) {
        size_t d = distance(word, name);
        if (d < closest) {
            closest = d;
            best = name;
        }
    }
    return best;
}

/* ---- Finding a flag ---- */

/* The row of a flag as typed without its dashes; *negated where it was no-KEY. */
static const elbo_option_info *find(const command *cmd, const char *name, bool *negated)
{
    const elbo_option_info *row;
    *negated = false;
    for (size_t i = 0; (row = flag_at(cmd, i)) != NULL; i++)
        if (strcmp(row->key, name) == 0) return row;
    if (strncmp(name, "no-", 3) != 0) return NULL;
    *negated = true;
    for (size_t i = 0; (row = flag_at(cmd, i)) != NULL; i++)
        if (row->type == ELBO_OPTION_BOOL && strcmp(row->key, name + 3) == 0) return row;
    return NULL;
}

static const char *flag_name(const void *cmd, size_t i)
{
    const elbo_option_info *row = flag_at(cmd, i);
    return row ? row->key : NULL;
}

static elbo_status unknown_flag(cli *c, const char *typed, const char *name)
{
    bool no = strncmp(name, "no-", 3) == 0;
    const char *near = nearest(no ? name + 3 : name, flag_name, c->command);
    if (near) return fail(c, ELBO_USAGE, "unknown flag %s; did you mean --%s%s?", typed, no ? "no-" : "", near);
    return fail(c, ELBO_USAGE, "unknown flag %s", typed);
}

/* ---- Checking a value ---- */

/* "one|two|three" in pieces. */
typedef struct choices {
    char text[512];
    const char *word[32];
    size_t n;
} choices;

static void split(choices *c, const char *words)
{
    *c = (choices){.n = 0};
    snprintf(c->text, sizeof c->text, "%s", words);
    for (char *s = c->text; s && c->n < sizeof c->word / sizeof *c->word; c->n++) {
        c->word[c->n] = s;
        s = strchr(s, '|');
        if (s) *s++ = '\0';
    }
}

static const char *choice_at(const void *context, size_t i)
{
    const choices *c = context;
    return i < c->n ? c->word[i] : NULL;
}

/* A word that is no choice of an option, and not like one, is left to the library, which may know why it can't be. */
static elbo_status check_choice(cli *c, const elbo_option_info *row, const char *value)
{
    choices words;
    split(&words, row->choices);
    for (size_t i = 0; i < words.n; i++)
        if (strcmp(words.word[i], value) == 0) return ELBO_OK;
    const char *near = nearest(value, choice_at, &words);
    if (near) return fail(c, ELBO_USAGE, "--%s %s: did you mean %s? (one of %s)", row->key, value, near, row->choices);
    if (is_option(row)) return ELBO_OK;
    return fail(c, ELBO_USAGE, "--%s %s: must be one of %s", row->key, value, row->choices);
}

static elbo_status check_int(cli *c, const elbo_option_info *row, const char *value)
{
    char *end;
    errno = 0;
    long long v = strtoll(value, &end, 10);
    if (end == value || *end || errno == EINVAL) {
        return fail(c, ELBO_USAGE, "--%s %s: must be a whole number", row->key, value);
    }
    if (errno == ERANGE || (double)v < row->min || (double)v > row->max) {
        return fail(c, ELBO_USAGE, "--%s %s: must be %.0f to %.0f", row->key, value, row->min, row->max);
    }
    return ELBO_OK;
}

static elbo_status check_real(cli *c, const elbo_option_info *row, const char *value)
{
    char *end;
    double v = strtod(value, &end);
    if (end == value || *end || v != v) return fail(c, ELBO_USAGE, "--%s %s: must be a number", row->key, value);
    if (v < row->min || v > row->max) {
        return fail(c, ELBO_USAGE, "--%s %s: must be %g to %g", row->key, value, row->min, row->max);
    }
    return ELBO_OK;
}

static elbo_status check_value(cli *c, const elbo_option_info *row, const char *value)
{
    switch (row->type) {
    case ELBO_OPTION_INT: return check_int(c, row, value);
    case ELBO_OPTION_REAL: return check_real(c, row, value);
    case ELBO_OPTION_CHOICE: return check_choice(c, row, value);
    case ELBO_OPTION_TEXT: return ELBO_OK;
    case ELBO_OPTION_BOOL: break;
    }
    if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0) return ELBO_OK;
    return fail(c, ELBO_USAGE, "--%s=%s: must be true or false", row->key, value);
}

/* ---- Parsing ---- */

/* Reads the flag at argv[*i] and, where it takes one, its value; leaves *i at the last argument read. */
static elbo_status parse_flag(cli *c, int argc, char **argv, int *i)
{
    const char *typed = argv[*i], *equals = strchr(typed, '=');
    char name[MAX_WORD];
    snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - typed) - 2 : (int)strlen(typed) - 2, typed + 2);
    bool negated;
    const elbo_option_info *row = find(c->command, name, &negated);
    if (!row) return unknown_flag(c, typed, name);
    const char *value = equals ? equals + 1 : NULL;
    if (row->type == ELBO_OPTION_BOOL) {
        if (negated && value) return fail(c, ELBO_USAGE, "--%s takes no value", name);
        if (!value) value = negated ? "false" : "true";
    } else if (!value) {
        bool next_is_flag = *i + 1 < argc && strncmp(argv[*i + 1], "--", 2) == 0;
        if (*i + 1 >= argc || next_is_flag) return fail(c, ELBO_USAGE, "--%s needs a value", name);
        value = argv[++*i];
    }
    elbo_status status = check_value(c, row, value);
    c->given[c->n_given++] = (given){row, value};
    return status;
}

static size_t count_words(const command *cmd)
{
    size_t n = 0;
    while (cmd->words[n]) n++;
    return n;
}

/* The first needed word for which n words do not reach; NULL: none. */
static const char *missing_word(const command *cmd, size_t n)
{
    for (size_t i = 0; cmd->words[i]; i++) {
        if (cmd->words[i][0] == '[') continue;
        if (n-- == 0) return cmd->words[i];
    }
    return NULL;
}

static elbo_status add_word(cli *c, const char *word)
{
    if (c->n_words == count_words(c->command)) return fail(c, ELBO_USAGE, "unexpected word %s", word);
    c->word[c->n_words++] = word;
    return ELBO_OK;
}

elbo_status flags_parse(cli *c, int argc, char **argv)
{
    bool words_only = false;
    c->given = calloc((size_t)argc + 1, sizeof *c->given);
    if (!c->given) return fail(c, ELBO_NO_MEMORY, "out of memory");
    for (int i = 0; i < argc; i++) {
        if (!words_only && strcmp(argv[i], "--") == 0) {
            words_only = true;
            continue;
        }
        bool is_flag = !words_only && argv[i][0] == '-' && argv[i][1];
        if (is_flag && argv[i][1] != '-') return fail(c, ELBO_USAGE, "unknown flag %s; flags begin with --", argv[i]);
        elbo_status status = is_flag ? parse_flag(c, argc, argv, &i) : add_word(c, argv[i]);
        if (status != ELBO_OK) return status;
    }
    const char *missing = missing_word(c->command, c->n_words);
    if (missing) return fail(c, ELBO_USAGE, "%s is missing", missing);
    return ELBO_OK;
}

/* ---- Values ---- */

const char *flag_text(const cli *c, const char *key)
{
    for (size_t i = c->n_given; i-- > 0;)
        if (strcmp(c->given[i].row->key, key) == 0) return c->given[i].value;
    bool negated;
    const elbo_option_info *row = find(c->command, key, &negated);
    return row ? row->default_value : "";
}

int64_t flag_int(const cli *c, const char *key)
{
    return strtoll(flag_text(c, key), NULL, 10);
}

double flag_real(const cli *c, const char *key)
{
    return strtod(flag_text(c, key), NULL);
}

bool flag_bool(const cli *c, const char *key)
{
    return strcmp(flag_text(c, key), "true") == 0;
}
