/* pen_canvas.c - the pen that draws pixels. */
#include "pen.h"

static const colour paper = {255, 255, 255, 255};

static void draw_box(pen *p, box area, ink what)
{
    canvas_box(p->to, area, ink_colour(what));
}

static void draw_line(pen *p, const point *points, size_t n, double width, ink what)
{
    if (p->status == ELBO_OK) p->status = canvas_path(p->to, points, n, width, ink_colour(what), &p->error);
}

static void draw_dots(pen *p, const dot *dots, size_t n, double radius, double opacity,
                      const char *const *names)
{
    (void)names;
    for (size_t i = 0; i < n; i++) {
        int k = dots[i].k;
        colour c = ink_colour(k < 0 ? INK_NOBODY : ink_series(k));
        if (k >= 0) c.a = (unsigned char)(255 * opacity);
        canvas_disc(p->to, dots[i].at, radius, c);
        if (k >= 0 && k / N_SERIES % 2 == 1) canvas_disc(p->to, dots[i].at, radius * 0.5, paper);
    }
}

static void draw_mark(pen *p, point end, int down, ink what)
{
    int x = (int)end.x, y = (int)end.y - (down > 0);
    for (int i = 0; i < PEN_MARK; i++) canvas_box(p->to, (box){x - i, y - down * i, 2 * i + 1, 1}, ink_colour(what));
}

static void draw_words(pen *p, anchor where, int x, int y, const char *words, ink what, bool bold)
{
    int width = canvas_text_width(words);
    x -= where == AT_END ? width : where == AT_MIDDLE ? width / 2 : 0;
    canvas_text(p->to, x, y, words, ink_colour(what), bold);
}

static void clip(pen *p, box area)
{
    canvas_clip(p->to, area);
}

static void unclip(pen *p)
{
    canvas_unclip(p->to);
}

pen pen_canvas(canvas *to)
{
    return (pen){.box = draw_box, .line = draw_line, .dots = draw_dots, .mark = draw_mark, .words = draw_words,
                 .clip = clip, .unclip = unclip, .to = to};
}
