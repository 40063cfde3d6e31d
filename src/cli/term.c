/* term.c - see term.h */
#include "term.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { USUAL_COLUMNS = 80, MOST_COLUMNS = 400, LEAST_PER_ROW = 4, CELL = 28, LEAST_CELL = 8 };

/* ---- What a terminal can do ---- */

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value ? value : "";
}

static bool is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *value = variable(names[i]), *dot = strchr(value, '.');
        if (value[0]) return dot && (strncasecmp(dot, ".utf-8", 6) == 0 || strncasecmp(dot, ".utf8", 5) == 0);
    }
    return false;
}

static term_colours colours_of(const char *asked, bool is_terminal)
{
    if (strcmp(asked, "true") == 0) return TERM_TRUE;
    if (strcmp(asked, "256") == 0) return TERM_256;
    if (strcmp(asked, "none") == 0 || variable("NO_COLOR")[0] || !is_terminal) return TERM_NONE;
    const char *more = variable("COLORTERM");
    if (strcmp(more, "truecolor") == 0 || strcmp(more, "24bit") == 0) return TERM_TRUE;
    return strstr(variable("TERM"), "256color") ? TERM_256 : TERM_NONE;
}

static int columns_of(FILE *file)
{
    struct winsize size;
    bool known = ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : USUAL_COLUMNS;
}

term term_of(FILE *file, const char *colours, int columns)
{
    term t = {.file = file, .answers = isatty(fileno(file)) != 0, .blocks = is_utf8()};
    t.colours = colours_of(colours, t.answers);
    t.columns = columns ? columns : columns_of(file);
    if (t.columns > MOST_COLUMNS) t.columns = MOST_COLUMNS;
    return t;
}

bool shows(const cli *c)
{
    if (!flag_bool(c, "show")) return false;
    for (size_t i = 0; i < c->n_given; i++)
        if (strcmp(c->given[i].row->key, "show") == 0) return true;
    return !flag_bool(c, "quiet") && term_of(stderr, "auto", 0).colours != TERM_NONE;
}

/* ---- Printing ---- */

/* A colour as a terminal takes it: 24 bits, or a number of the 256; -1: nothing, -2: not known. */
enum { NOTHING = -1, UNKNOWN = -2 };

static int byte_of(float v)
{
    return v <= 0 ? 0 : v >= 1 ? 255 : (int)(255 * v + 0.5F);
}

/* The nearest of the cube of 6 x 6 x 6 colours and the 24 greys; the cube's steps are 0, 95, 135, ..., 255. */
static int of_256(int r, int g, int b)
{
    const int rgb[3] = {r, g, b};
    int step[3], error = 0, grey = (r + g + b) / 3, shade = (grey - 3) / 10, off = 0;
    if (shade > 23) shade = 23;
    for (int i = 0; i < 3; i++) {
        step[i] = rgb[i] < 48 ? 0 : rgb[i] < 115 ? 1 : (rgb[i] - 35) / 40;
        int level = step[i] ? 55 + 40 * step[i] : 0;
        error += abs(level - rgb[i]);
        off += abs(8 + 10 * shade - rgb[i]);
    }
    return off < error ? 232 + shade : 16 + 36 * step[0] + 6 * step[1] + step[2];
}

static int colour_at(const term *t, const sheet *s, int x, int y)
{
    const float *p = s->rgb + 3 * (y * s->width + x);
    if (y >= s->height || p[0] < 0) return NOTHING;
    int r = byte_of(p[0]), g = byte_of(p[1]), b = byte_of(p[2]);
    return t->colours == TERM_TRUE ? r << 16 | g << 8 | b : of_256(r, g, b);
}

/* Sets the ink (38) or the ground (48) where it is another now. */
static void set_colour(const term *t, int which, int colour, int *now)
{
    if (colour == *now) return;
    *now = colour;
    if (colour == NOTHING) fprintf(t->file, "\033[%dm", which + 1);
    else if (t->colours == TERM_256) fprintf(t->file, "\033[%d;5;%dm", which, colour);
    else fprintf(t->file, "\033[%d;2;%d;%d;%dm", which, colour >> 16, colour >> 8 & 255, colour & 255);
}

static void print_coloured_line(const term *t, const sheet *s, int y)
{
    int ink = UNKNOWN, ground = UNKNOWN;
    for (int x = 0; x < s->width; x++) {
        int upper = colour_at(t, s, x, y), lower = colour_at(t, s, x, y + 1);
        bool blank = upper == lower || !t->blocks, above = upper != NOTHING;
        set_colour(t, 48, blank ? upper : above ? lower : NOTHING, &ground);
        if (!blank) set_colour(t, 38, above ? upper : lower, &ink);
        fputs(blank ? " " : above ? "\u2580" : "\u2584", t->file);
    }
    fputs("\033[0m\n", t->file);
}

static void print_plain_line(const term *t, const sheet *s, int y)
{
    static const char shades[] = " .:-=+*#%@";
    for (int x = 0; x < s->width; x++) {
        double light = 0;
        for (int k = 0; k < 2; k++) {
            const float *p = s->rgb + 3 * ((y + k) * s->width + x);
            if (y + k >= s->height || p[0] < 0) continue;
            light += 0.5 * (0.299 * (double)p[0] + 0.587 * (double)p[1] + 0.114 * (double)p[2]);
        }
        fputc(shades[(int)fmax(0, fmin(9, 10 * light))], t->file);
    }
    fputc('\n', t->file);
}

void term_print(const term *t, const sheet *s)
{
    for (int y = 0; y < s->height; y += 2)
        if (t->colours == TERM_NONE) print_plain_line(t, s, y);
        else print_coloured_line(t, s, y);
    fflush(t->file);
}

/* ---- Examples on a sheet ---- */

/* The mean of a channel over [x0,x1) x [y0,y1), pixels on the edge counting by the part that is inside. */
static double mean_of(const float *x, const int64_t shape[3], int64_t channel, double y0, double y1, double x0, double x1)
{
    double sum = 0, all = 0;
    for (int64_t i = (int64_t)y0; i < shape[0] && (double)i < y1; i++)
        for (int64_t j = (int64_t)x0; j < shape[1] && (double)j < x1; j++) {
            double part = (fmin(y1, (double)i + 1) - fmax(y0, (double)i)) * (fmin(x1, (double)j + 1) - fmax(x0, (double)j));
            sum += part * (double)x[(i * shape[1] + j) * shape[2] + channel];
            all += part;
        }
    return all > 0 ? sum / all : 0;
}

typedef struct cells {
    int width, height, per_row; /* of a cell, without the gap of a pixel after it */
    double min, max;
} cells;

/* Draws an example with its corner at (left, top). */
static void draw_cell(sheet *s, const cells *k, int left, int top, const float *x, const int64_t shape[3])
{
    double down = (double)shape[0] / k->height, across = (double)shape[1] / k->width;
    for (int i = 0; i < k->height; i++)
        for (int j = 0; j < k->width; j++)
            for (int channel = 0; channel < 3; channel++) {
                int64_t from = shape[2] >= 3 ? channel : 0;
                double v = mean_of(x, shape, from, i * down, (i + 1) * down, j * across, (j + 1) * across);
                s->rgb[3 * ((top + i) * s->width + left + j) + channel] = (float)fmax(0, (v - k->min) / (k->max - k->min));
            }
}

/* Cells of about CELL columns, at least LEAST_PER_ROW in a row, none larger than the picture. */
static cells plan_cells(const term *t, const int64_t shape[3], int64_t n)
{
    cells k = {.per_row = t->columns / (CELL + 1)};
    if (k.per_row < LEAST_PER_ROW) k.per_row = LEAST_PER_ROW;
    k.width = (t->columns + 1) / k.per_row - 1;
    if (k.width > shape[1]) k.width = (int)shape[1];
    if (k.width < LEAST_CELL) k.width = LEAST_CELL;
    k.per_row = (t->columns + 1) / (k.width + 1);
    if (k.per_row > n) k.per_row = (int)n;
    k.height = (int)lround((double)shape[0] * k.width / (double)shape[1]);
    if (k.height < 1) k.height = 1;
    return k;
}

static bool are_pictures(const int64_t shape[3])
{
    return shape[0] > 1 && shape[1] > 1 && (shape[2] == 1 || shape[2] >= 3);
}

elbo_status show_examples(cli *c, const term *t, const float *const row[SHOW_ROWS], int64_t n, const int64_t shape[3],
                          double min, double max)
{
    if (!are_pictures(shape) || n < 1) return ELBO_OK;
    cells k = plan_cells(t, shape, n);
    k.min = min;
    k.max = max;
    int rows = row[1] || n >= 2 * k.per_row ? 2 : 1;
    size_t size = (size_t)shape_size(shape);
    sheet s = {k.per_row * (k.width + 1) - 1, rows * (k.height + 1) - 1, NULL};
    s.rgb = new_floats(c, s.height, 3 * (int64_t)s.width);
    if (!s.rgb) return c->error.code;
    for (int i = 0; i < 3 * s.width * s.height; i++) s.rgb[i] = -1;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < k.per_row; j++) {
            const float *x = row[1] ? row[i] + (size_t)j * size : row[0] + (size_t)(i * k.per_row + j) * size;
            draw_cell(&s, &k, j * (k.width + 1), i * (k.height + 1), x, shape);
        }
    term_print(t, &s);
    return ELBO_OK;
}

elbo_status show_samples(cli *c, const term *t, uint64_t seed)
{
    const elbo_model_info *info = elbo_model_describe(c->model);
    if (!are_pictures(info->shape)) return ELBO_OK;
    int64_t n = SHOW_ROWS * plan_cells(t, info->shape, MOST_COLUMNS).per_row;
    float *x = new_floats(c, n, shape_size(info->shape));
    if (!x) return c->error.code;
    elbo_status status = elbo_model_sample(c->model, n, seed, x, &c->error);
    if (status != ELBO_OK) return status;
    return show_examples(c, t, (const float *const[SHOW_ROWS]){x}, n, info->shape, info->min, info->max);
}
