/* pen_svg.c - the pen that writes SVG.
 *
 * Every shape has its colour as an attribute, for programs that know no style sheets, and as a class, by which a page gives
 * it another on dark ground (ink_classes). Positions have one decimal. Clipping is a nested svg element, which needs no
 * name. Points of a class are one path of lines without length and with round ends. */
#include "pen.h"

#include "axis.h"
#include "font.h"

#include <math.h>
#include <string.h>

enum { TIP_PAD = 8, TIP_LINE = 16, TRIM = 14 }; /* TRIM: of the margin, which a page has itself */

void xml_escape(text *to, const char *words)
{
    for (; *words; words++) {
        switch (*words) {
        case '&': text_add_bytes(to, "&amp;", 5); break;
        case '<': text_add_bytes(to, "&lt;", 4); break;
        case '>': text_add_bytes(to, "&gt;", 4); break;
        case '"': text_add_bytes(to, "&quot;", 6); break;
        case '\'': text_add_bytes(to, "&#39;", 5); break;
        default: text_add_bytes(to, words, 1);
        }
    }
}

/* ---- Pieces ---- */

/* A position with one decimal at most. */
static void add_position(text *to, double v)
{
    long long tenths = llround(10 * v), size = tenths < 0 ? -tenths : tenths;
    text_add(to, size % 10 ? "%s%lld.%lld" : "%s%lld", tenths < 0 ? "-" : "", size / 10, size % 10);
}

static void add_point(text *to, char command, point at)
{
    text_add_bytes(to, &command, 1);
    add_position(to, at.x);
    text_add_bytes(to, " ", 1);
    add_position(to, at.y);
}

/* class="f-s0" fill="#0072b2" */
static void add_ink(text *to, const char *attribute, ink what)
{
    char name[INK_NAME];
    colour c = ink_colour(what);
    ink_name(what, name);
    text_add(to, " class=\"%c-%s\" %s=\"#%02x%02x%02x\"", attribute[0] == 'f' ? 'f' : 'l', name, attribute, c.r, c.g, c.b);
}

static void add_box(text *to, box area)
{
    text_add(to, " x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"", area.x, area.y, area.w, area.h);
}

static void draw_box(pen *p, box area, ink what)
{
    text_add(p->to, "<rect");
    add_box(p->to, area);
    add_ink(p->to, "fill", what);
    text_add(p->to, "/>\n");
}

static void begin_stroke(text *to, double width, ink what)
{
    text_add(to, "<path");
    add_ink(to, "stroke", what);
    text_add(to, " fill=\"none\" stroke-width=\"");
    add_position(to, width);
    text_add(to, "\" stroke-linecap=\"round\" stroke-linejoin=\"round\"");
}

static void draw_line(pen *p, const point *points, size_t n, double width, ink what)
{
    text *to = p->to;
    begin_stroke(to, width, what);
    text_add(to, " d=\"");
    for (size_t i = 0; i < n; i++) add_point(to, i ? 'L' : 'M', points[i]);
    text_add(to, "\"/>\n");
}

/* ---- Points ---- */

static void add_dots(text *to, const dot *dots, size_t n, int k)
{
    text_add(to, " d=\"");
    for (size_t i = 0; i < n; i++) {
        if (dots[i].k != k) continue;
        add_point(to, 'M', dots[i].at);
        text_add(to, "h0");
    }
    text_add(to, "\">");
}

static void draw_class(text *to, const dot *dots, size_t n, int k, double radius, double opacity, const char *name)
{
    begin_stroke(to, 2 * radius, k < 0 ? INK_NOBODY : ink_series(k));
    text_add(to, " stroke-opacity=\"%.2f\"", opacity);
    add_dots(to, dots, n, k);
    if (k >= 0) {
        text_add(to, "<title>");
        if (name) xml_escape(to, name);
        else text_add(to, "%d", k);
        text_add(to, "</title>");
    }
    text_add(to, "</path>\n");
    if (k < 0 || k / N_SERIES % 2 == 0) return;
    begin_stroke(to, radius, INK_PAPER);
    add_dots(to, dots, n, k);
    text_add(to, "</path>\n");
}

static void draw_dots(pen *p, const dot *dots, size_t n, double radius, double opacity, const char *const *names)
{
    int next = -1;
    for (bool more = n > 0; more;) {
        int k = next;
        more = false;
        bool any = false;
        for (size_t i = 0; i < n; i++) {
            any |= dots[i].k == k;
            if (dots[i].k > k && (!more || dots[i].k < next)) {
                next = dots[i].k;
                more = true;
            }
        }
        if (any) draw_class(p->to, dots, n, k, radius, opacity, names && k >= 0 ? names[k] : NULL);
    }
}

static void draw_mark(pen *p, point end, int down, ink what)
{
    text_add(p->to, "<path");
    add_ink(p->to, "fill", what);
    text_add(p->to, " d=\"");
    add_point(p->to, 'M', end);
    text_add(p->to, "l%d %dh%dz\"/>\n", -PEN_MARK, -down * PEN_MARK, 2 * PEN_MARK);
}

/* ---- Words ---- */

static void begin_words(text *to, anchor where, int x, int y, ink what)
{
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    text_add(to, "<text x=\"%d\" y=\"%d\"%s", x, y + FONT_CAPITAL, anchors[where]);
    add_ink(to, "fill", what);
}

static void draw_words(pen *p, anchor where, int x, int y, const char *words, ink what, bool bold)
{
    begin_words(p->to, where, x, y, what);
    text_add(p->to, "%s>", bold ? " font-weight=\"600\"" : "");
    xml_escape(p->to, words);
    text_add(p->to, "</text>\n");
}

static void clip(pen *p, box area)
{
    text_add(p->to, "<svg");
    add_box(p->to, area);
    text_add(p->to, " viewBox=\"%d %d %d %d\">\n", area.x, area.y, area.w, area.h);
}

static void unclip(pen *p)
{
    text_add(p->to, "</svg>\n");
}

/* ---- Tips ---- */

static void add_title(text *to, const tip *t)
{
    text_add(to, "<title>");
    xml_escape(to, t->title);
    for (int i = 0; i < t->n; i++) {
        char number[TICK_LABEL];
        axis_number(t->row[i].value, number);
        text_add(to, "\n");
        xml_escape(to, t->row[i].name);
        text_add(to, t->row[i].name[0] ? " %s" : "%s", number);
    }
    text_add(to, "</title>");
}

static void add_tip_line(text *to, const tip *t, int line, const char *name, const double *value, ink what)
{
    int x = t->plot.x + t->plot.w - TIP_PAD, y = t->plot.y + TIP_PAD + line * TIP_LINE;
    begin_words(to, AT_END, x, y, what);
    text_add(to, ">");
    xml_escape(to, name);
    if (value) {
        char number[TICK_LABEL];
        axis_number(*value, number);
        text_add(to, name[0] ? " %s" : "%s", number);
    }
    text_add(to, "</text>");
}

/* What a browser shows beside the pointer, and what a style sheet makes visible in the plot while it is there (or was
 * touched last). */
static void tell(pen *p, const tip *t)
{
    text *to = p->to;
    text_add(to, "<g class=\"tip\"><rect fill=\"none\" pointer-events=\"all\"");
    add_box(to, t->area);
    text_add(to, "/>");
    add_title(to, t);
    text_add(to, "<g class=\"told\" opacity=\"0\">");
    for (int i = 0; i < t->n; i++) {
        text_add(to, "<circle r=\"3.5\" cx=\"");
        add_position(to, t->row[i].at.x);
        text_add(to, "\" cy=\"");
        add_position(to, t->row[i].at.y);
        text_add(to, "\"");
        add_ink(to, "fill", t->row[i].what);
        text_add(to, "/>");
    }
    add_tip_line(to, t, 0, t->title, NULL, INK_INK);
    for (int i = 0; i < t->n; i++) add_tip_line(to, t, i + 1, t->row[i].name, &t->row[i].value, t->row[i].what);
    text_add(to, "</g></g>\n");
}

pen pen_svg(text *to)
{
    return (pen){.box = draw_box, .line = draw_line, .dots = draw_dots, .mark = draw_mark, .words = draw_words,
                 .clip = clip, .unclip = unclip, .tell = tell, .to = to};
}

/* ---- Around it ---- */

void svg_begin(text *to, int width, int height, const char *label, bool alone)
{
    int trim = alone ? 0 : TRIM;
    text_add(to, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"%d %d %d %d\"", trim, trim,
             width - 2 * trim, height - 2 * trim);
    if (alone) text_add(to, " width=\"%d\" height=\"%d\"", width, height);
    text_add(to, " font-family=\"system-ui,sans-serif\" font-size=\"13\" role=\"img\" aria-label=\"");
    xml_escape(to, label);
    text_add(to, "\">\n");
    if (!alone) return;
    text_add(to, "<style>.tip:hover .told{opacity:1}</style>\n");
    pen p = pen_svg(to);
    draw_box(&p, (box){0, 0, width, height}, INK_PAPER);
}

void svg_end(text *to)
{
    text_add(to, "</svg>\n");
}
