/* text.h - growing text, numbers as text without a locale, and the nearest word for a mistyped one. */
#ifndef ELBO_BASE_TEXT_H
#define ELBO_BASE_TEXT_H

#include "error.h"
#include "mem.h"

/* A growing text. After a failed allocation later additions do nothing and failed says so; bytes is never NULL after a
 * successful addition and always ends with a zero. */
typedef struct text {
    memory m;
    char *bytes;
    size_t length, room;
    bool failed;
} text;

void text_open(text *t, memory m);
void text_add(text *t, const char *format, ...) PRINTF_LIKE(2, 3); /* numbers always with a point, never a comma */
void text_add_bytes(text *t, const void *bytes, size_t n);
void text_close(text *t);
/* Hands the bytes over to the caller (mem_free), NULL when an allocation failed. Empty text gives "". */
char *text_take(text *t);

/* Reads a whole number or a real number that fills the text entirely (spaces around it allowed). Locale-independent; no
 * octal. False on anything else, on overflow, and on nan or inf for the real one. */
bool text_to_int(const char *s, int64_t *out);
bool text_to_real(const char *s, double *out);

/* The fewest digits that read back as the same double ("0.001", "1e-05"); whole numbers below 1e15 in full ("60000").
 * out has room for 32 bytes. */
void text_from_real(double value, char out[32]);
/* The same for a float: "0.1", not the double nearest to it. */
void text_from_float(float value, char out[32]);

/* The next word up to a delimiter, without the blanks around it, cut to size - 1 bytes; *list moves behind it. False at the end,
 * and where there is no list (NULL). */
bool text_next_word(const char **list, char delimiter, char *out, size_t size);

/* Whether a control character begins at s: one of ASCII, or one of the 32 that UTF-8 writes with c2. */
bool text_is_control(const char *s);
/* Whether it can be shown: UTF-8 without control characters, but for tabs and line ends. */
bool text_is_plain(const char *s);
/* Question marks in place of control characters, so that a terminal shows the text of strangers and does not obey it. */
void text_disarm(char *s);

/* Whether it is UTF-8, with no character longer than it need be and none that is half of one in UTF-16 (RFC 3629). */
bool text_is_utf8(const char *s);

/* The candidate nearest to word, or NULL when all are further than a third of its length (at least 1) in edit distance.
 * candidate(i) gives the i-th, NULL past the last. */
const char *text_nearest(const char *word, const char *(*candidate)(size_t i));

#endif
