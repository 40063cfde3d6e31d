/* config.h - a configuration: the values of every option (options.def). */
#ifndef ELBO_VAE_CONFIG_H
#define ELBO_VAE_CONFIG_H

#include "../base/engine.h"
#include "../base/error.h"

enum { CONFIG_TEXT = 1024, CONFIG_PRESET = 64 };

/* How many options there are. */
enum {
    CONFIG_OPTIONS = 0
#define INT(...) +1
#define REAL(...) +1
#define BOOL(...) +1
#define TEXT(...) +1
#define CHOICE(...) +1
#include "options.def"
#undef INT
#undef REAL
#undef BOOL
#undef TEXT
#undef CHOICE
};

struct elbo_config {
#define INT(field, ...) int64_t field;
#define REAL(field, ...) double field;
#define BOOL(field, ...) bool field;
#define TEXT(field, ...) char field[CONFIG_TEXT];
#define CHOICE(field, ...) int field;
#include "options.def"
#undef INT
#undef REAL
#undef BOOL
#undef TEXT
#undef CHOICE
    memory m;
    char preset[CONFIG_PRESET]; /* the name of the preset that was set last; "": none */
    bool given[CONFIG_OPTIONS]; /* set by somebody, to whatever */
    char shown[CONFIG_TEXT]; /* what elbo_config_get returned last */
};

/* The words of the option binarize. */
enum { BINARIZE_NONE, BINARIZE_THRESHOLD, BINARIZE_DYNAMIC, BINARIZE_STATIC };

/* Every option at its default. */
void config_init(elbo_config *c, memory m);

/* Whether somebody set an option. */
bool config_is_given(const elbo_config *c, const char *key);

/* Sets options that nobody set to what suits the data (config_fit.c); words: which and to what, "" for none. */
void config_fit(elbo_config *c, const elbo_data_info *data, char *words, size_t room);

/* The value of an option as text. */
void config_show(const elbo_config *c, const elbo_option_info *option, char out[CONFIG_TEXT]);

/* The first option of the sections in which two configurations differ; NULL: none. sections: "model" or NULL for all. */
const elbo_option_info *config_difference(const elbo_config *a, const elbo_config *b, const char *section);

/* "key = value" lines with section headers, as elbo_config_read takes them. */
struct text;
void config_write(const elbo_config *c, struct text *out);

/* Sets what a line of such a file says; the line is changed. Errors: USAGE. */
elbo_status config_read_line(elbo_config *c, char *line, elbo_error *error);

/* The word of a choice. */
const char *config_choice(const char *choices, int i, char out[64]);

#endif
