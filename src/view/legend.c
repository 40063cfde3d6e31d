/* legend.c - see legend.h */
#include "legend.h"

#include "font.h"

#include <stdio.h>
#include <string.h>

enum { SWATCH = 16, SWATCH_PAD = 7, ENTRY_GAP = 20, LINE_WIDTH = 2 };

int legend_line(legend *l, const char *name)
{
    int lines = 0;
    for (int i = 0; i < l->n; i++) {
        if (!l->entry[i].line) continue;
        if (strcmp(l->entry[i].name, name) == 0) return l->entry[i].colour;
        lines++;
    }
    if (lines == LEGEND_LINES) return -1;
    l->entry[l->n++] = (legend_entry){.name = name, .colour = lines, .line = true};
    return lines;
}

void legend_class(legend *l, int k, const char *name)
{
    if (k >= LEGEND_CLASSES) return;
    legend_entry *e = &l->entry[l->n++];
    *e = (legend_entry){.name = name, .colour = k};
    snprintf(e->number, sizeof e->number, "%d", k);
    if (!name) e->name = e->number;
}

static int swatch_width(const legend_entry *e)
{
    return e->line ? SWATCH : FONT_CAPITAL;
}

static int entry_width(const legend_entry *e)
{
    return swatch_width(e) + SWATCH_PAD + canvas_text_width(e->name);
}

int legend_width(const legend *l)
{
    int width = 0;
    for (int i = 0; i < l->n; i++) width += entry_width(&l->entry[i]) + (i > 0 ? ENTRY_GAP : 0);
    return width;
}

static void draw_entry(const legend_entry *e, pen *to, int x, int y)
{
    int middle = y + FONT_CAPITAL / 2;
    dot sample = {{x + FONT_CAPITAL / 2.0, middle + 0.5}, e->colour};
    if (e->line) to->box(to, (box){x, middle, SWATCH, LINE_WIDTH}, ink_series(e->colour));
    else to->dots(to, &sample, 1, FONT_CAPITAL / 2.0, 1, NULL);
    to->words(to, AT_START, x + swatch_width(e) + SWATCH_PAD, y, e->name, INK_INK, false);
}

/* Sets the entries in rows and returns how many; draws them unless `to` is NULL. */
static int set(const legend *l, pen *to, int x, int y, int width)
{
    int at = 0, rows = l->n > 0;
    for (int i = 0; i < l->n; i++) {
        int wanted = entry_width(&l->entry[i]);
        if (at > 0 && at + wanted > width) {
            at = 0;
            rows++;
        }
        if (to) draw_entry(&l->entry[i], to, x + at, y + (rows - 1) * LEGEND_LINE_HEIGHT);
        at += wanted + ENTRY_GAP;
    }
    return rows;
}

int legend_rows(const legend *l, int width)
{
    return set(l, NULL, 0, 0, width);
}

void legend_draw(const legend *l, pen *to, int x, int y, int width)
{
    set(l, to, x, y, width);
}
