/* term.h - pictures in a terminal: a character is two pixels, one above the other, as the upper half block in one colour
 * on the lower's. Without colours a character is one of ten shades, without UTF-8 a coloured blank. */
#ifndef ELBO_CLI_TERM_H
#define ELBO_CLI_TERM_H

#include "cli.h"

typedef enum term_colours { TERM_NONE, TERM_256, TERM_TRUE } term_colours;

typedef struct term {
    FILE *file;
    int columns;
    term_colours colours;
    bool blocks;  /* characters of UTF-8 */
    bool answers; /* it is a terminal */
} term;

/* What a file can show. colours: auto, which heeds NO_COLOR, COLORTERM and TERM, or none, 256 or true. columns 0: those of
 * the terminal, 80 elsewhere. */
term term_of(FILE *file, const char *colours, int columns);

/* Pixels to be shown: [height,width,3] in [0,1]; where the first is negative there is nothing. */
typedef struct sheet {
    int width, height;
    float *rgb;
} sheet;

void term_print(const term *t, const sheet *s);

/* The flag of commands that also show what they write, and whether they should: --show, or by itself where stderr is a
 * terminal with colours, unless --no-show. */
#define FLAG_SHOW                                                                                                      \
    FLAG_BOOL("show", "output", "true",                                                                                \
              "Show some of it on stderr too, where that is a terminal with colours; typed as --show anywhere.")
bool shows(const cli *c);

/* Shows pictures on t, as many as there is room for: rows of n examples each, row[k] [n,H,W,C] below the one before, or one
 * row that is broken in two. Data that are no pictures show nothing. Errors: NO_MEMORY. */
enum { SHOW_ROWS = 2 };
elbo_status show_examples(cli *c, const term *t, const float *const row[SHOW_ROWS], int64_t n, const int64_t shape[3],
                          double min, double max);
/* The same of examples that the model draws. Errors: USAGE (it draws none), NO_MEMORY. */
elbo_status show_samples(cli *c, const term *t, uint64_t seed);

#endif
