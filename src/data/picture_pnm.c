/* picture_pnm.c - PBM, PGM and PPM files, plain and raw: P1 to P6 (the manual pages pbm(5), pgm(5), ppm(5) of netpbm).
 *
 * Only the first picture of a file is read. In a bitmap 1 is black; other values are scaled from [0, maxval] to [0,
 * 255]. */
#include "picture.h"

typedef struct pnm {
    stream *s;
    int kind;           /* 1 to 6 */
    int channels, most; /* most: the value that is white */
} pnm;

static bool is_space(int c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The next byte that is neither space nor comment, -1 at the end. */
static int next_mark(stream *s)
{
    int c = stream_byte(s);
    for (; is_space(c) || c == '#'; c = stream_byte(s))
        while (c == '#' && (c = stream_byte(s)) != '\n' && c != '\r' && c >= 0) c = '#';
    return c;
}

/* A number of at most `most` and the one space after it; -1: there is none. */
static int64_t next_number(stream *s, int64_t most)
{
    int c = next_mark(s);
    int64_t value = 0;
    if (c < '0' || c > '9') return -1;
    for (; c >= '0' && c <= '9'; c = stream_byte(s)) {
        value = 10 * value + (c - '0');
        if (value > most) return -1;
    }
    return c < 0 || is_space(c) ? value : -1;
}

static unsigned char scaled(const pnm *p, int64_t value)
{
    return (unsigned char)((value * 255 + p->most / 2) / p->most);
}

/* A row of a raw bitmap: eight pixels a byte, the first highest. */
static bool read_bits(const pnm *p, unsigned char *row, int n)
{
    int byte = 0;
    for (int i = 0; i < n; i++) {
        if (i % 8 == 0 && (byte = stream_byte(p->s)) < 0) return false;
        row[i] = byte >> (7 - i % 8) & 1 ? 0 : 255;
    }
    return true;
}

static int64_t next_value(const pnm *p)
{
    if (p->kind == 1) {
        int c = next_mark(p->s);
        return c == '0' || c == '1' ? '1' - c : -1;
    }
    if (p->kind < 4) return next_number(p->s, p->most);
    int high = p->most > 255 ? stream_byte(p->s) : 0, low = stream_byte(p->s);
    return high < 0 || low < 0 ? -1 : (int64_t)high << 8 | low;
}

static bool read_row(const pnm *p, unsigned char *row, int n)
{
    if (p->kind == 4) return read_bits(p, row, n);
    if (p->kind > 4 && p->most == 255) return stream_read(p->s, row, (size_t)n);
    for (int i = 0; i < n; i++) {
        int64_t value = next_value(p);
        if (value < 0 || value > p->most) return false;
        row[i] = scaled(p, value);
    }
    return true;
}

elbo_status pnm_decode(stream *s, fit *f, elbo_error *error)
{
    stream_byte(s);
    pnm p = {.s = s, .kind = stream_byte(s) - '0', .most = 1};
    int64_t width = next_number(s, INT32_MAX), height = next_number(s, INT32_MAX);
    int64_t most = p.kind == 1 || p.kind == 4 ? 1 : next_number(s, 65535);
    if (s->status != ELBO_OK) return s->status;
    if (width < 0 || height < 0 || most < 1)
        return err_set(error, ELBO_BAD_FILE,
                       "the PNM header is cut short, or width, height or the largest value (1 to "
                       "65535) is no such number");
    p.channels = p.kind == 3 || p.kind == 6 ? 3 : 1;
    p.most = (int)most;
    elbo_status status = fit_begin(f, width, height, p.channels, s->size, error);
    if (status != ELBO_OK || f->measure) return status;
    for (int y = 0; y < f->height; y++) {
        if (!read_row(&p, f->row, f->width * p.channels)) {
            if (s->status != ELBO_OK) return s->status;
            return err_set(error, ELBO_BAD_FILE, "row %d of the PNM picture is cut short, or has a value above %d", y,
                           p.most);
        }
        fit_row(f, f->row);
    }
    return ELBO_OK;
}
