/* fit.c - see fit.h */
#include "fit.h"

#include <math.h>
#include <string.h>

enum { DENSEST = 8256 };

/* ---- Life ---- */

static bool axis_open(fit_axis *a, memory m, int n_out)
{
    size_t n = (size_t)n_out;
    a->n_out = n_out;
    a->weight = mem_new(m, 2 * PICTURE_SIDE + 5 * n, sizeof *a->weight);
    a->first = mem_new(m, n, sizeof *a->first);
    a->offset = mem_new(m, n + 1, sizeof *a->offset);
    return a->weight && a->first && a->offset;
}

static void axis_close(fit_axis *a, memory m)
{
    mem_free(m, a->weight);
    mem_free(m, a->first);
    mem_free(m, a->offset);
}

elbo_status fit_open(fit *f, memory m, fit_shape shape, elbo_error *error)
{
    *f = (fit){.m = m, .shape = shape};
    bool x = axis_open(&f->x, m, shape.width), y = axis_open(&f->y, m, shape.height);
    f->across = mem_new(m, (size_t)shape.width * 3, sizeof *f->across);
    f->sums = mem_new(m, (size_t)shape.height, 3 * (size_t)shape.width * sizeof *f->sums);
    f->row = mem_new(m, PICTURE_SIDE, 4);
    return x && y && f->across && f->sums && f->row ? ELBO_OK : err_memory(error, "room for pictures");
}

void fit_close(fit *f)
{
    if (!f->m) return;
    axis_close(&f->x, f->m);
    axis_close(&f->y, f->m);
    mem_free(f->m, f->across);
    mem_free(f->m, f->sums);
    mem_free(f->m, f->row);
}

/* ---- Geometry ---- */

void fit_cropped(const fit *f, int *height, int *width)
{
    *height = f->height;
    *width = f->width;
    double crop = f->shape.crop;
    if (crop <= 0) return;
    double wanted = floor((crop > 1 ? crop : crop * f->width) + 0.5);
    int most = f->width < f->height ? f->width : f->height;
    *height = *width = wanted < 1 ? 1 : wanted > most ? most : (int)wanted;
}

/* The weights of one place: a triangle of half-width `reach` around its centre. */
static int axis_place(const fit_axis *a, int place, double scale, double reach, float *weight, int *first)
{
    double centre = (place + 0.5) * scale, sum = 0;
    int low = (int)floor(centre - reach), high = (int)ceil(centre + reach);
    if (low < 0) low = 0;
    if (high > a->n) high = a->n;
    int n = 0;
    *first = low;
    for (int i = low; i < high; i++) {
        double w = 1 - fabs(i + 0.5 - centre) / reach;
        if (w <= 0 && n == 0) *first = i + 1;
        if (w <= 0) continue;
        weight[n++] = (float)w;
        sum += w;
    }
    for (int i = 0; i < n; i++) weight[i] = (float)((double)weight[i] / sum);
    return n;
}

static void axis_lay(fit_axis *a, int side, int used)
{
    int from = (side - used) / 2;
    if (a->n == used && a->from == from && a->offset[a->n_out] > 0) return; /* as for the picture before */
    a->from = from;
    a->n = used;
    double scale = (double)used / a->n_out, reach = scale > 1 ? scale : 1;
    for (int i = 0; i < a->n_out; i++)
        a->offset[i + 1] = a->offset[i] + axis_place(a, i, scale, reach, a->weight + a->offset[i], &a->first[i]);
}

/* ---- Pictures ---- */

static elbo_status check_bounds(int64_t width, int64_t height, uint64_t file_size, elbo_error *error)
{
    if (width < 1 || height < 1 || width > PICTURE_SIDE || height > PICTURE_SIDE || width * height > PICTURE_PIXELS)
        return err_set(error, ELBO_BAD_FILE, "%lld x %lld pixels, expected 1 to %d a side and at most %d in all",
                       (long long)width, (long long)height, PICTURE_SIDE, PICTURE_PIXELS);
    /* No format packs more than one bit a pixel 1032 times. */
    if ((uint64_t)(width * height) / DENSEST > file_size)
        return err_set(error, ELBO_BAD_FILE, "%lld x %lld pixels cannot be in %llu bytes", (long long)width,
                       (long long)height, (unsigned long long)file_size);
    return ELBO_OK;
}

elbo_status fit_begin(fit *f, int64_t width, int64_t height, int channels, uint64_t file_size, elbo_error *error)
{
    elbo_status status = check_bounds(width, height, file_size, error);
    if (status != ELBO_OK) return status;
    f->width = (int)width;
    f->height = (int)height;
    f->channels = channels;
    f->next_row = f->first_out = 0;
    if (f->measure) return ELBO_OK;
    if (channels > f->shape.channels && !f->shape.grey)
        return err_set(error, ELBO_MISMATCH, "it is in colour, but grey pictures are expected");
    int used_height, used_width;
    fit_cropped(f, &used_height, &used_width);
    if (f->shape.exact && (used_height != f->shape.height || used_width != f->shape.width))
        return err_set(
            error, ELBO_MISMATCH,
            "it is %d x %d, the first one %d x %d (height x width); give a height and a width to bring all to "
            "one size",
            used_height, used_width, f->shape.height, f->shape.width);
    axis_lay(&f->x, f->width, used_width);
    axis_lay(&f->y, f->height, used_height);
    memset(f->sums, 0, (size_t)f->y.n_out * (size_t)f->x.n_out * (size_t)channels * sizeof *f->sums);
    return ELBO_OK;
}

/* across[place] = sum of weight x pixel. */
static void shrink_grey(const fit_axis *a, const unsigned char *row, float *across)
{
    for (int i = 0; i < a->n_out; i++) {
        const unsigned char *from = row + a->first[i];
        float sum = 0;
        for (int k = a->offset[i]; k < a->offset[i + 1]; k++) sum += a->weight[k] * (float)*from++;
        *across++ = sum;
    }
}

static void shrink_colour(const fit_axis *a, const unsigned char *row, float *across)
{
    for (int i = 0; i < a->n_out; i++, across += 3) {
        const unsigned char *from = row + 3 * (size_t)a->first[i];
        float red = 0, green = 0, blue = 0;
        for (int k = a->offset[i]; k < a->offset[i + 1]; k++, from += 3) {
            red += a->weight[k] * (float)from[0];
            green += a->weight[k] * (float)from[1];
            blue += a->weight[k] * (float)from[2];
        }
        across[0] = red;
        across[1] = green;
        across[2] = blue;
    }
}

static void add_row(float weight, const float *restrict row, int n, float *restrict sums)
{
    for (int i = 0; i < n; i++) sums[i] += weight * row[i];
}

void fit_row(fit *f, const unsigned char *row)
{
    const fit_axis *y = &f->y;
    int at = f->next_row++ - y->from, size = f->x.n_out * f->channels;
    if (at < 0 || at >= y->n) return;
    if (f->channels == 1)
        shrink_grey(&f->x, row + f->x.from, f->across);
    else
        shrink_colour(&f->x, row + 3 * (size_t)f->x.from, f->across);
    for (int i = f->first_out; i < y->n_out && y->first[i] <= at; i++) {
        int k = at - y->first[i];
        if (k >= y->offset[i + 1] - y->offset[i]) {
            f->first_out = i + 1; /* the places before it are complete as well */
            continue;
        }
        add_row(y->weight[y->offset[i] + k], f->across, size, f->sums + (size_t)i * (size_t)size);
    }
}

/* Weights are positive and sum to 1, so values lie in [0, 255] but for a rounding error that rounding takes away. */
static unsigned char rounded(float value)
{
    return (unsigned char)(int)(value + 0.5f);
}

void fit_end(const fit *f, unsigned char *out)
{
    size_t n = (size_t)f->y.n_out * (size_t)f->x.n_out;
    const float *s = f->sums;
    if (f->channels == f->shape.channels)
        for (size_t i = 0; i < n * (size_t)f->channels; i++) out[i] = rounded(s[i]);
    else if (f->channels == 3)
        for (size_t i = 0; i < n; i++, s += 3) out[i] = rounded(0.299f * s[0] + 0.587f * s[1] + 0.114f * s[2]);
    else
        for (size_t i = 0; i < n; i++, out += 3) out[0] = out[1] = out[2] = rounded(s[i]);
}
