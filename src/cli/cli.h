/* cli.h - the command elbo: what its subcommands are made of.
 *
 * The command sees elbo.h and nothing else, so whatever it can do, a C program can do. A subcommand is one file with
 * one row (command) and one line in commands.c; usage, help, parsing, suggestions and the test of the examples come
 * from the row. A flag is a row of the library's own shape (elbo_option_info), so that the options of the library
 * and the flags of the command are parsed, checked and explained by the same code.
 *
 * Results go to stdout, talk to stderr. A subcommand returns the library's status, which becomes the exit code; what
 * it opened or allocated through its cli is closed for it. */
#ifndef ELBO_CLI_H
#define ELBO_CLI_H

#include <elbo.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#if defined __GNUC__
#define CLI_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CLI_PRINTF(f, a)
#endif

typedef struct cli cli;

/* A command line that works in an empty folder after the examples before it, and what it is for. */
typedef struct example {
    const char *line, *what;
} example;

typedef struct command {
    const char *name, *summary;
    const char *words[4];          /* what follows the name: "DATA"; "[NAME]" may be missing; ended by NULL           */
    const char *about;             /* a paragraph under the usage line                                                */
    const elbo_option_info *flags; /* its own flags, ended by a NULL key                                              */
    bool takes_options;            /* every option of the library is a flag too                                       */
    const example *examples;       /* ended by a NULL line                                                            */
    elbo_status (*run)(cli *c);
} command;

/* Rows of flags. The choices of a TEXT row name its value in the help: DIR, FILE. */
#define FLAG_INT(key, section, value, min, max, help) {key, section, ELBO_OPTION_INT, value, "", min, max, help}
#define FLAG_REAL(key, section, value, min, max, help) {key, section, ELBO_OPTION_REAL, value, "", min, max, help}
#define FLAG_TEXT(key, section, name, value, help)    {key, section, ELBO_OPTION_TEXT, value, name, 0, 0, help}
#define FLAG_BOOL(key, section, value, help)          {key, section, ELBO_OPTION_BOOL, value, "", 0, 0, help}
#define FLAG_CHOICE(key, section, value, words, help) {key, section, ELBO_OPTION_CHOICE, value, words, 0, 0, help}
#define FLAG_PER_ROW                                                                                                   \
    FLAG_INT("per-row", "output", "0", 0, 4096, "Pictures in a row of the grid; 0 makes it about square.")
#define FLAG_PART(value)                                                                                               \
    FLAG_CHOICE("part", "data", value, "train|test|all",                                                               \
                "Which part of the data; test is every tenth example where there is no other."),                      \
        FLAG_TEXT("classes", "data", "K,K,...", "",                                                                   \
                  "Only these classes, by name where they have names, else by number; 'not 3' is all but class 3.")
#define FLAG_END {0}

typedef struct given {
    const elbo_option_info *row;
    const char *value;
} given;

enum { MAX_BLOCKS = 32 };

/* One run of a subcommand: its words and flags, and everything it opened. */
struct cli {
    const command *command;
    const char *word[3];
    size_t n_words;
    given *given; /* the flags in the order they were typed */
    size_t n_given;
    elbo_engine *engine;
    elbo_config *config;
    elbo_data *data;
    elbo_model *model;
    void *block[MAX_BLOCKS];
    size_t n_blocks;
    elbo_error error;
};

/* ---- commands.c ---- */

/* The subcommands in the order of the help; NULL past the last. */
const command *command_at(size_t i);
const command *command_find(const char *name);

/* ---- flags.c ---- */

/* The i-th flag of a command: its own, the library's, those all have; NULL past the last. */
const elbo_option_info *flag_at(const command *cmd, size_t i);

/* Whether a row is the library's. */
bool is_option(const elbo_option_info *row);

/* Sorts arguments into words and checked flags. Errors: USAGE with the nearest flag or choice, or the bounds. */
elbo_status flags_parse(cli *c, int argc, char **argv);

/* The value typed last, else the default. key is one of the command's own flags. */
const char *flag_text(const cli *c, const char *key);
int64_t flag_int(const cli *c, const char *key);
double flag_real(const cli *c, const char *key);
bool flag_bool(const cli *c, const char *key);

/* The candidate nearest to a mistyped word, or NULL; candidate(context, i) gives the i-th, NULL past the last. */
const char *nearest(const char *word, const char *(*candidate)(const void *context, size_t i), const void *context);

/* ---- help.c ---- */

#define HELP_ELBO "trains variational autoencoders, judges them and puts them to use"

/* Prints text from column on, broken at spaces before column 100, each line but the first indented by indent. */
void print_wrapped(FILE *f, size_t column, size_t indent, const char *text);
void help_usage(FILE *f, const command *cmd);
void help_command(FILE *f, const command *cmd);
void help_all(FILE *f);

/* What the words are that commands take: "DATA", and what it stands for. NULL past the last. */
typedef struct help_term {
    const char *name, *meaning;
} help_term;
const help_term *help_term_at(size_t i);

bool help_is_on(const elbo_option_info *row);             /* a yes-or-no flag that is on without --no-KEY */
const char *help_value_name(const elbo_option_info *row); /* "N", "DIR"; "" for a yes-or-no flag */
/* What a flag does, its bounds and its default. */
void help_flag_words(const elbo_option_info *row, char *out, size_t size);
/* Whether the i-th flag of a command is the first of its section. */
bool help_opens_section(const command *cmd, size_t i);

/* ---- cli.c ---- */

/* Fills the error and returns code. */
elbo_status fail(cli *c, elbo_status code, const char *format, ...) CLI_PRINTF(3, 4);
/* A line on stderr, unless --quiet. */
void say(const cli *c, const char *format, ...) CLI_PRINTF(2, 3);
/* Closes and frees all. */
void cli_close(cli *c);

elbo_status open_engine(cli *c);
/* A model, or data, in place of those that are open. part: train, test or all. */
elbo_status open_model(cli *c, const char *path);
elbo_status open_data(cli *c, const char *name, const char *part);
/* MISMATCH where the data's examples have not the model's shape. */
/* Narrows the data that are open to the flag classes, which comes with part. */
elbo_status take_classes(cli *c);
elbo_status open_data_for_model(cli *c, const char *name, const char *part);
/* The model and the data of "MODEL DATA" with the flag part. Without DATA the model alone. */
elbo_status open_model_and_data(cli *c);

/* n x size zeroed bytes, or floats, that cli_close frees; NULL with the error filled. */
void *new_block(cli *c, int64_t n, size_t size);
float *new_floats(cli *c, int64_t n, int64_t size);
/* The numbers of an example. */
int64_t shape_size(const int64_t shape[3]);
/* "28x28x1" */
const char *shape_text(const int64_t shape[3], char out[64]);
/* 60000 as "60,000" */
const char *count_text(int64_t n, char out[32]);
/* Reads n examples from first on into x [n,H,W,C], and their labels (may be NULL). */
elbo_status read_examples(cli *c, int64_t first, int64_t n, float *x, int32_t *labels);
/* The examples to use when the flag n asks for that many: all of them for 0, never more than there are. */
int64_t count_wanted(const cli *c, int64_t available);

/* ---- codes.c ---- */

enum { CODE_NAME = 64 };

/* What number j of a code is called: "z.3". */
const char *code_name(const elbo_model *model, int64_t j, char out[CODE_NAME]);

/* Encodes the first n examples of the data: means [n,Z], and where they are not NULL standard deviations [n,Z], labels [n]. */
elbo_status encode_examples(cli *c, int64_t n, float *mean, float *std, int32_t *labels);

typedef struct code_use {
    int64_t number;
    elbo_latent_use use;
} code_use;

/* The numbers of the model's code, the most used over the data evaluated last first; in their order, with zeros, where
 * there was no evaluation. NULL with the error filled. */
code_use *sorted_use(cli *c);

/* Reads two numbers of a code, "0,3". Errors: USAGE with the flag's name. */
elbo_status parse_latents(cli *c, const char *key, int64_t number[2]);

/* The value of a number that is v standard deviations from its middle: under the prior, N(0,1), or for points over the data
 * evaluated last (of which without DATA nothing is known: then v). */
float code_value(const cli *c, const code_use *u, double v);
/* A code all of whose numbers are in their middle; use as sorted_use gives it, z [Z]. */
void middle_code(const cli *c, const code_use *use, float *z);

/* ---- output.c ---- */

/* Before any JSON is made. */
void json_begin(void);
/* Prints an object or an array as one line on stdout and releases it; NULL means that making it failed. */
elbo_status print_json(cli *c, json_t *json);
/* A number, or null where it is not finite. */
json_t *json_number(double value);
json_t *json_shape(const int64_t shape[3]);
json_t *json_metrics(const elbo_metrics *m);

/* Refuses a name that does not end in .npy, or for examples in .png or .csv, before any work is done. */
elbo_status check_output(cli *c, const char *path, bool examples);
/* The flag out; of a model of a table, where nobody typed it, its default as .csv. */
enum { MAX_OUTPUT = 64 };
const char *output_name(const cli *c, char room[MAX_OUTPUT]);
/* The same where only a picture will do, or a chart, .png or .svg. */
elbo_status check_picture(cli *c, const char *path);
elbo_status check_chart(cli *c, const char *path);
/* Whether there is a name before the ending, whose letters may be of any case. */
bool ends_with(const char *path, const char *ending);
/* Whether a name ends in .png. */
bool is_picture(const char *path);
/* What an example looks like: a row of a table is a line of pixels. */
void picture_shape(const int64_t shape[3], int64_t out[3]);
/* An array [n,H,W,C], or [n,D] where an example is a row of a table. */
elbo_status write_array(cli *c, const char *path, const float *x, int64_t n, const int64_t shape[3]);
/* Writes n examples as a grid of pictures or an array, as the name ends, and says so. Rows of a table become lines of
 * pixels. In a picture each example has one of beside on its right, where that isn't NULL. */
elbo_status write_examples(cli *c, const char *path, const float *x, const float *beside, int64_t n,
                           const int64_t shape[3], double min, double max);
/* The same where it is all that the subcommand does: with --json, says on stdout what was written. */
elbo_status write_result(cli *c, const char *path, const float *x, const float *beside, int64_t n,
                         const int64_t shape[3], double min, double max);
/* The same with all that a grid can have; an array holds the first part alone. With --json, the members of more (taken over;
 * NULL: none) are told too. */
elbo_status write_cells(cli *c, const char *path, const elbo_grid *g, json_t *more);

#endif
