/* picture.c - see picture.h */
#include "picture.h"

#include <string.h>
#include <strings.h>

static bool begins_jpeg(const unsigned char *h, size_t n)
{
    return n >= 3 && h[0] == 0xff && h[1] == 0xd8 && h[2] == 0xff;
}

static bool begins_png(const unsigned char *h, size_t n)
{
    return n >= 8 && memcmp(h, "\x89PNG\r\n\x1a\n", 8) == 0;
}

static bool begins_pnm(const unsigned char *h, size_t n)
{
    return n >= 3 && h[0] == 'P' && h[1] >= '1' && h[1] <= '6' && strchr(" \t\r\n#", h[2]) && h[2];
}

static const struct {
    bool (*begins)(const unsigned char *head, size_t n);
    elbo_status (*decode)(stream *s, fit *f, elbo_error *error);
} kinds[] = {{begins_jpeg, jpeg_decode}, {begins_png, png_decode}, {begins_pnm, pnm_decode}};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

bool picture_has_name(const char *name)
{
    static const char *const endings[] = {".jpg", ".jpeg", ".png", ".pnm", ".pbm", ".pgm", ".ppm"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (strcasecmp(dot, endings[i]) == 0) return true;
    return false;
}

static size_t find_kind(const unsigned char *head, size_t n)
{
    size_t i = 0;
    while (i < N_KINDS && !kinds[i].begins(head, n)) i++;
    return i;
}

bool picture_begins(const unsigned char head[PICTURE_HEAD], size_t n)
{
    return find_kind(head, n) < N_KINDS;
}

elbo_status picture_cut(const stream *s, elbo_error *error)
{
    return s->status != ELBO_OK ? s->status : err_set(error, ELBO_BAD_FILE, "the picture has been cut short");
}

elbo_status picture_decode(stream *s, fit *f, unsigned char *out, elbo_error *error)
{
    if (!stream_refill(s)) return s->size ? picture_cut(s, error) : err_set(error, ELBO_BAD_FILE, "the file is empty");
    size_t kind = find_kind(s->next, (size_t)(s->end - s->next));
    if (kind == N_KINDS) return err_set(error, ELBO_BAD_FILE, "it does not begin as a JPEG, PNG or PNM file");
    elbo_status status = kinds[kind].decode(s, f, error);
    if (status == ELBO_OK && !f->measure) fit_end(f, out);
    return status;
}
