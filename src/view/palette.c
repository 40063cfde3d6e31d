/* palette.c - the colours of palette.def, for canvases and for style sheets. */
#include "pen.h"

#include <ctype.h>
#include <stdio.h>

typedef struct tone {
    const char *name; /* NULL: a series */
    unsigned light, dark;
} tone;

static const tone tones[] = {
#define TONE(name, light, dark) {#name, light, dark},
#define SERIES(light, dark)     {NULL, light, dark},
#include "palette.def"
#undef TONE
#undef SERIES
};

enum { N_INKS = sizeof tones / sizeof *tones };
_Static_assert(N_INKS == N_TONES + N_SERIES, "N_SERIES is the number of series in palette.def");

ink ink_series(int k)
{
    return (ink)(N_TONES + k % N_SERIES);
}

colour ink_colour(ink i)
{
    unsigned v = tones[i].light;
    return (colour){(unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v, 255};
}

void ink_name(ink i, char out[INK_NAME])
{
    if (tones[i].name) snprintf(out, INK_NAME, "%s", tones[i].name);
    else snprintf(out, INK_NAME, "s%d", (int)i - (int)N_TONES);
    for (char *at = out; *at; at++) *at = (char)tolower((unsigned char)*at);
}

void ink_variables(text *to, bool dark)
{
    char name[INK_NAME];
    for (int i = 0; i < N_INKS; i++) {
        ink_name((ink)i, name);
        text_add(to, "--%s:#%06x;", name, dark ? tones[i].dark : tones[i].light);
    }
}

void ink_classes(text *to)
{
    char name[INK_NAME];
    for (int i = 0; i < N_INKS; i++) {
        ink_name((ink)i, name);
        text_add(to, ".f-%s{fill:var(--%s)}.l-%s{stroke:var(--%s)}", name, name, name, name);
    }
}
