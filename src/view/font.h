/* font.h - one small bitmap font: printable ASCII, capitals 9 pixels tall, proportional. */
#ifndef ELBO_VIEW_FONT_H
#define ELBO_VIEW_FONT_H

#include <stdbool.h>

enum {
    FONT_ROWS = 12,   /* of a glyph, descenders included */
    FONT_CAPITAL = 9, /* rows of a capital or digit; the last one stands on the baseline */
    FONT_WIDEST = 8,  /* columns of a glyph at most */
    FONT_SPACING = 2, /* empty columns between glyphs */
};

/* Columns of the character's glyph, without spacing. What is not printable ASCII shows as a question mark. */
int font_width(char character);
/* True where the glyph has ink. row in [0, FONT_ROWS), column in [0, font_width). */
bool font_ink(char character, int row, int column);

#endif
