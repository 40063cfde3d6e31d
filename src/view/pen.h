/* pen.h - what charts are drawn with: one description of a chart, two back ends. pen_canvas draws pixels, pen_svg writes
 * SVG. Positions are those of a canvas: the origin is the top left corner. */
#ifndef ELBO_VIEW_PEN_H
#define ELBO_VIEW_PEN_H

#include "../base/text.h"
#include "canvas.h"

/* A colour by what it is for (palette.def): a tone, or that of a series, which is ink_series(k). */
typedef enum ink {
#define TONE(name, light, dark) INK_##name,
#define SERIES(light, dark)
#include "palette.def"
#undef TONE
#undef SERIES
    N_TONES
} ink;

enum { N_SERIES = 10, INK_NAME = 8 };

ink ink_series(int k); /* they begin again after N_SERIES */
colour ink_colour(ink i);
void ink_name(ink i, char out[INK_NAME]); /* "quiet", "s0" */

/* Adds the palette as variables of a style sheet: "--ink:#262626;--s0:#0072b2;..." */
void ink_variables(text *to, bool dark);
/* Adds the classes that pen_svg gives to what it draws, in terms of these variables. */
void ink_classes(text *to);

typedef enum anchor { AT_START, AT_MIDDLE, AT_END } anchor;

/* A point of class k, of which there are twice N_SERIES: the second half are rings; -1: of none. */
typedef struct dot {
    point at;
    int k;
} dot;

/* What a place tells when it is pointed at: a name, and values that belong to it. */
enum { TIP_ROWS = 10 };

typedef struct tip {
    box area, plot; /* the place, and that in which the values may be shown */
    const char *title;
    int n;
    struct tip_row {
        const char *name;
        double value;
        ink what;
        point at; /* of the mark */
    } row[TIP_ROWS];
} tip;

typedef struct pen pen;
struct pen {
    void (*box)(pen *p, box area, ink what);
    void (*line)(pen *p, const point *points, size_t n, double width, ink what);
    /* names: of the classes, NULL: their numbers */
    void (*dots)(pen *p, const dot *dots, size_t n, double radius, double opacity, const char *const *names);
    void (*mark)(pen *p, point end, int down, ink what); /* a small triangle whose tip points down (1) or up (-1) */
    void (*words)(pen *p, anchor where, int x, int y, const char *words, ink what, bool bold); /* y: top of the capitals */
    void (*clip)(pen *p, box area); /* until unclip; not one inside another */
    void (*unclip)(pen *p);
    void (*tell)(pen *p, const tip *t); /* NULL: the back end can't */
    elbo_status status;                 /* the first failure; nothing is drawn after it */
    elbo_error error;
    void *to; /* the canvas or the text */
};

enum { PEN_MARK = 5 }; /* rows of a mark */

pen pen_canvas(canvas *to);
pen pen_svg(text *to);

/* What stands around the SVG of a chart. label: what it shows, for those who can't see it; alone: it is a file of its own,
 * not a part of a page. */
void svg_begin(text *to, int width, int height, const char *label, bool alone);
void svg_end(text *to);

/* Adds text with the characters that mean something in XML and HTML replaced. */
void xml_escape(text *to, const char *words);

#endif
