/* canvas.c - see canvas.h
 *
 * All drawing ends in blend() or put(), which know the pixel format; everything above them knows colours only. A line
 * is drawn by coverage: how much of a pixel it covers is estimated from the distance of the pixel's centre to the
 * line, for a whole path first and blended afterwards. */
#include "canvas.h"

#include "font.h"

#include <math.h>
#include <string.h>

static const colour nan_colour = {214, 0, 214, 255};
enum { NAN_GREY = 128 };

/* ---- The canvas and its pixels ---- */

elbo_status canvas_open(canvas *c, memory m, int64_t height, int64_t width, int64_t channels, elbo_error *error)
{
    *c = (canvas){.m = m};
    if (channels != 1 && channels != 3 && channels != 4)
        return err_set(error, ELBO_USAGE, "a picture has 1, 3 or 4 channels, not %lld", (long long)channels);
    if (height < 1 || width < 1 || height > CANVAS_SIDE || width > CANVAS_SIDE || height * width > CANVAS_AREA)
        return err_set(error, ELBO_USAGE,
                       "a picture of %lld x %lld pixels can't be drawn: a side is 1 to %d, the area %d at most",
                       (long long)width, (long long)height, CANVAS_SIDE, CANVAS_AREA);
    c->bytes = mem_new(m, (size_t)(height * width), (size_t)channels);
    if (!c->bytes) return err_memory(error, "a picture");
    c->width = (int)width;
    c->height = (int)height;
    c->channels = (int)channels;
    canvas_unclip(c);
    return ELBO_OK;
}

void canvas_close(canvas *c)
{
    mem_free(c->m, c->bytes);
    *c = (canvas){.m = c->m};
}

static int at_least(int a, int b)
{
    return a > b ? a : b;
}

static int at_most(int a, int b)
{
    return a < b ? a : b;
}

static box intersect(box a, box b)
{
    int x = at_least(a.x, b.x), y = at_least(a.y, b.y);
    int right = at_most(a.x + a.w, b.x + b.w), bottom = at_most(a.y + a.h, b.y + b.h);
    return (box){x, y, at_least(right - x, 0), at_least(bottom - y, 0)};
}

void canvas_unclip(canvas *c)
{
    c->clip = (box){0, 0, c->width, c->height};
}

void canvas_clip(canvas *c, box area)
{
    c->clip = intersect(area, (box){0, 0, c->width, c->height});
}

static unsigned char *pixel(const canvas *c, int x, int y)
{
    return c->bytes + ((size_t)y * (size_t)c->width + (size_t)x) * (size_t)c->channels;
}

/* Rec. 601 weights; a grey colour keeps its value exactly. */
static unsigned char luma(colour k)
{
    return (unsigned char)((299 * k.r + 587 * k.g + 114 * k.b + 500) / 1000);
}

static void put(const canvas *c, int x, int y, colour paint)
{
    unsigned char *p = pixel(c, x, y);
    if (c->channels == 1) {
        p[0] = luma(paint);
        return;
    }
    const unsigned char from[4] = {paint.r, paint.g, paint.b, paint.a};
    memcpy(p, from, (size_t)c->channels);
}

/* Lays ink over an opaque pixel; cover in [0,255] says how much of the pixel it fills. */
static void blend(const canvas *c, int x, int y, colour ink, int cover)
{
    int a = (cover * ink.a + 127) / 255;
    unsigned char *p = pixel(c, x, y);
    const int from[4] = {c->channels == 1 ? luma(ink) : ink.r, ink.g, ink.b, 255};
    for (int k = 0; k < c->channels; k++) p[k] = (unsigned char)((p[k] * (255 - a) + from[k] * a + 127) / 255);
}

void canvas_box(canvas *c, box area, colour paint)
{
    area = intersect(area, c->clip);
    if (area.w <= 0 || area.h <= 0) return;
    for (int x = area.x; x < area.x + area.w; x++) put(c, x, area.y, paint);
    size_t row = (size_t)c->width * (size_t)c->channels, used = (size_t)area.w * (size_t)c->channels;
    unsigned char *first = c->bytes + (size_t)area.y * row + (size_t)area.x * (size_t)c->channels;
    for (int y = 1; y < area.h; y++) memcpy(first + (size_t)y * row, first, used);
}

void canvas_fill(canvas *c, colour paint)
{
    canvas_box(c, c->clip, paint);
}

/* ---- Pictures ---- */

elbo_status value_range_check(value_range range, elbo_error *error)
{
    if (range.min < range.max && isfinite(range.max - range.min)) return ELBO_OK;
    return err_set(error, ELBO_USAGE, "the values of a picture need a finite range with min < max, got %g to %g",
                   range.min, range.max);
}

/* value is a number, not NaN. */
static unsigned char byte_of(double value, value_range range)
{
    double t = (value - range.min) / (range.max - range.min);
    return (unsigned char)(t <= 0 ? 0 : t >= 1 ? 255 : floor(255 * t + 0.5));
}

static colour colour_of(const float *values, int64_t channels, value_range range)
{
    unsigned char v[4] = {0, 0, 0, 255};
    for (int64_t k = 0; k < channels; k++) {
        if (isnan(values[k])) return channels == 1 ? (colour){NAN_GREY, NAN_GREY, NAN_GREY, 255} : nan_colour;
        v[k] = byte_of((double)values[k], range);
    }
    return channels == 1 ? (colour){v[0], v[0], v[0], 255} : (colour){v[0], v[1], v[2], v[3]};
}

void canvas_picture(canvas *c, int x, int y, const float *values, const int64_t shape[3], int scale, value_range range)
{
    for (int64_t i = 0; i < shape[0]; i++)
        for (int64_t j = 0; j < shape[1]; j++)
            canvas_box(c, (box){x + (int)j * scale, y + (int)i * scale, scale, scale},
                       colour_of(values + (i * shape[1] + j) * shape[2], shape[2], range));
}

static colour colour_at(const canvas *c, int x, int y)
{
    const unsigned char *p = pixel(c, x, y);
    if (c->channels == 1) return (colour){p[0], p[0], p[0], 255};
    return (colour){p[0], p[1], p[2], c->channels == 4 ? p[3] : 255};
}

static colour mean_colour(const canvas *c, box area)
{
    int sum[4] = {0}, n = area.w * area.h;
    for (int y = area.y; y < area.y + area.h; y++)
        for (int x = area.x; x < area.x + area.w; x++) {
            colour k = colour_at(c, x, y);
            const int values[4] = {k.r, k.g, k.b, k.a};
            for (int i = 0; i < 4; i++) sum[i] += values[i];
        }
    unsigned char mean[4];
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): no area is empty */
    for (int i = 0; i < 4; i++) mean[i] = (unsigned char)((sum[i] + n / 2) / n);
    return (colour){mean[0], mean[1], mean[2], mean[3]};
}

void canvas_copy(canvas *c, int x, int y, const canvas *from, box part, int step)
{
    part = intersect(part, (box){0, 0, from->width, from->height});
    box to = intersect((box){x, y, (part.w + step - 1) / step, (part.h + step - 1) / step}, c->clip);
    for (int j = to.y; j < to.y + to.h; j++)
        for (int i = to.x; i < to.x + to.w; i++)
            put(c, i, j, mean_colour(from, intersect((box){part.x + (i - x) * step, part.y + (j - y) * step, step, step}, part)));
}

/* ---- Lines ---- */

/* Coverage of a shape whose edge is at distance 0, seen from a pixel's centre: 255 well inside, 0 well outside. */
static int cover_at(double distance)
{
    double inside = 0.5 - distance;
    return (int)(inside <= 0 ? 0 : inside >= 1 ? 255 : 255 * inside + 0.5);
}

static double clamp(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* The pixels that a shape reaching from (x0, y0) to (x1, y1) may touch, cut to area. */
static box pixels_around(double x0, double y0, double x1, double y1, box area)
{
    int left = (int)clamp(floor(fmin(x0, x1)), area.x, area.x + area.w);
    int top = (int)clamp(floor(fmin(y0, y1)), area.y, area.y + area.h);
    int right = (int)clamp(ceil(fmax(x0, x1)), left, area.x + area.w);
    int bottom = (int)clamp(ceil(fmax(y0, y1)), top, area.y + area.h);
    return (box){left, top, right - left, bottom - top};
}

static double distance_to_segment(point p, point a, point b)
{
    double dx = b.x - a.x, dy = b.y - a.y, length2 = dx * dx + dy * dy;
    double t = length2 > 0 ? clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length2, 0, 1) : 0;
    return hypot(p.x - (a.x + t * dx), p.y - (a.y + t * dy));
}

/* Raises the coverage of area [h,w] to that of one segment. */
static void cover_segment(unsigned char *cover, box area, point a, point b, double radius)
{
    double reach = radius + 1;
    box near = pixels_around(fmin(a.x, b.x) - reach, fmin(a.y, b.y) - reach, fmax(a.x, b.x) + reach,
                             fmax(a.y, b.y) + reach, area);
    for (int y = near.y; y < near.y + near.h; y++)
        for (int x = near.x; x < near.x + near.w; x++) {
            unsigned char *at = cover + (size_t)(y - area.y) * (size_t)area.w + (size_t)(x - area.x);
            int now = cover_at(distance_to_segment((point){x + 0.5, y + 0.5}, a, b) - radius);
            if (now > *at) *at = (unsigned char)now;
        }
}

elbo_status canvas_path(canvas *c, const point *points, size_t n, double line_width, colour ink, elbo_error *error)
{
    box area = c->clip;
    if (n == 0) return ELBO_OK;
    unsigned char *cover = mem_new(c->m, (size_t)area.w, (size_t)area.h);
    if (!cover) return err_memory(error, "drawing a line");
    for (size_t i = 0; i < (n > 1 ? n - 1 : 1); i++)
        cover_segment(cover, area, points[i], points[n > 1 ? i + 1 : 0], line_width / 2);
    const unsigned char *at = cover;
    for (int y = area.y; y < area.y + area.h; y++)
        for (int x = area.x; x < area.x + area.w; x++, at++)
            if (*at) blend(c, x, y, ink, *at);
    mem_free(c->m, cover);
    return ELBO_OK;
}

void canvas_disc(canvas *c, point centre, double radius, colour ink)
{
    double reach = radius + 1;
    box area = pixels_around(centre.x - reach, centre.y - reach, centre.x + reach, centre.y + reach, c->clip);
    for (int y = area.y; y < area.y + area.h; y++)
        for (int x = area.x; x < area.x + area.w; x++)
            blend(c, x, y, ink, cover_at(hypot(x + 0.5 - centre.x, y + 0.5 - centre.y) - radius));
}

/* ---- Text ---- */

/* Bytes 0x80 to 0xBF go on with a character of UTF-8 that has already been drawn as a question mark. */
static bool continues(char byte)
{
    return ((unsigned char)byte & 0xC0) == 0x80;
}

/* Bold glyphs are one column wider and move closer by as much. */
static int advance(char character)
{
    return continues(character) ? 0 : font_width(character) + FONT_SPACING;
}

static void draw_glyph(canvas *c, int x, int y, char character, colour ink)
{
    box area = intersect((box){x, y, font_width(character), FONT_ROWS}, c->clip);
    for (int j = area.y; j < area.y + area.h; j++)
        for (int i = area.x; i < area.x + area.w; i++)
            if (font_ink(character, j - y, i - x)) blend(c, i, j, ink, 255);
}

int canvas_text(canvas *c, int x, int y, const char *text, colour ink, bool bold)
{
    for (; *text; x += advance(*text++)) {
        if (continues(*text)) continue;
        for (int smear = 0; smear < (bold ? 2 : 1); smear++) draw_glyph(c, x + smear, y, *text, ink);
    }
    return x;
}

int canvas_text_width(const char *text)
{
    int width = 0;
    for (const char *at = text; *at; at++) width += advance(*at);
    return width > 0 ? width - FONT_SPACING : 0;
}
