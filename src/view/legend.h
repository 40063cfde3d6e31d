/* legend.h - the colours of a chart and the names that go with them.
 *
 * Colours are counted from 0. There are LEGEND_COLOURS of them; for points, the next as many are rings of the same
 * colours, and then all begin again. */
#ifndef ELBO_VIEW_LEGEND_H
#define ELBO_VIEW_LEGEND_H

#include "pen.h"

enum {
    LEGEND_COLOURS = N_SERIES,
    LEGEND_LINES = LEGEND_COLOURS,       /* names of lines at most */
    LEGEND_CLASSES = 2 * LEGEND_COLOURS, /* names of classes at most */
    LEGEND_LINE_HEIGHT = 20,
};

typedef struct legend_entry {
    const char *name;
    char number[12]; /* the name of a class that has none */
    int colour;
    bool line; /* the sample is a line, else a dot */
} legend_entry;

typedef struct legend {
    legend_entry entry[LEGEND_LINES + LEGEND_CLASSES];
    int n;
} legend;

/* The colour of the line of this name, which is added unless it is there; -1: LEGEND_LINES have been added. */
int legend_line(legend *l, const char *name);
/* Adds class k; name NULL: its number. Classes from LEGEND_CLASSES on are left out. */
void legend_class(legend *l, int k, const char *name);

/* The width of all entries in one row, and the number of rows when they are broken at a width. */
int legend_width(const legend *l);
int legend_rows(const legend *l, int width);
/* Draws the entries from (x, y) on, in rows of the given width. */
void legend_draw(const legend *l, pen *to, int x, int y, int width);

#endif
