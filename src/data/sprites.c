/* sprites.c - binary pictures of one shape with known factors, in the manner of dSprites (Matthey et al. 2017): shape,
 * scale, rotation, x and y, 3 x 6 x 40 x 32 x 32 = 737,280 pictures of 64 x 64, drawn when they are read.
 *
 * A pixel is white when its centre lies in the shape. The shape's centre is always the centre of a pixel, so pictures
 * that differ in x and y are the same one moved by whole pixels. All arithmetic is on whole numbers, so every machine
 * draws the same pictures. Unlike dSprites no two rotations are a full turn apart. */
#include "data.h"

#include <string.h>

enum { SIDE = 64, FIRST_CENTRE = 16, COS_ONE = 1 << 14, ONE = 1 << 9 };

const elbo_factor_info sprites_info[SPRITES_FACTORS] = {{"shape", 3}, {"scale", 6}, {"rotation", 40}, {"x", 32}, {"y", 32}};

int64_t sprites_index(const int factors[SPRITES_FACTORS])
{
    int64_t index = 0;
    for (int f = 0; f < SPRITES_FACTORS; f++) index = index * sprites_info[f].size + factors[f];
    return index;
}

void sprites_factors(int64_t index, int factors[SPRITES_FACTORS])
{
    for (int f = SPRITES_FACTORS - 1; f >= 0; f--) {
        factors[f] = (int)(index % sprites_info[f].size);
        index /= sprites_info[f].size;
    }
}

/* ---- Shapes: x to the right and y upward, ONE is half the square's side ---- */

static bool in_square(int64_t x, int64_t y)
{
    return x <= ONE && x >= -ONE && y <= ONE && y >= -ONE;
}

/* Half axes of 29/21 and 17/21. */
static bool in_ellipse(int64_t x, int64_t y)
{
    return 441 * (289 * x * x + 841 * y * y) <= (int64_t)841 * 289 * ONE * ONE;
}

/* (x^2 + y^2 - 1)^3 <= x^2 y^3. |x| and |y| stay below 3 ONE, so every product fits 64 bits. */
static bool in_heart(int64_t x, int64_t y)
{
    int64_t r = x * x + y * y - ONE * ONE;
    return r * r * r <= x * x * y * y * y * ONE;
}

static bool (*const shapes[])(int64_t x, int64_t y) = {in_square, in_ellipse, in_heart};

/* The cosine of k x 9 degrees, COS_ONE for 1. */
static int64_t cosine(int k)
{
    static const int quarter[] = {16384, 16182, 15582, 14598, 13255, 11585, 9630, 7438, 5063, 2563, 0};
    k = (k % 40 + 40) % 40;
    if (k > 20) k = 40 - k;
    return k <= 10 ? quarter[k] : -quarter[20 - k];
}

void sprites_draw(int64_t index, unsigned char out[SIDE * SIDE])
{
    int f[SPRITES_FACTORS];
    sprites_factors(index, f);
    int size = 5 + f[SPRITES_SCALE],
        reach = (3 * size + 1) / 2; /* scale x 10; no shape reaches farther than 1.5 size */
    int column = FIRST_CENTRE + f[SPRITES_X], row = FIRST_CENTRE + f[SPRITES_Y];
    /* One pixel along the shape's own axes, in units of ONE / COS_ONE: half the square's side is 1.05 size pixels. */
    int64_t c = cosine(f[SPRITES_ROTATION]) * ONE * 20 / (21 * size);
    int64_t s = cosine(f[SPRITES_ROTATION] - 10) * ONE * 20 / (21 * size);
    memset(out, 0, SIDE * SIDE);
    for (int i = -reach; i <= reach; i++) {
        unsigned char *line = out + (row - i) * SIDE + column;
        for (int j = -reach; j <= reach; j++)
            if (shapes[f[SPRITES_SHAPE]]((c * j + s * i) / COS_ONE, (c * i - s * j) / COS_ONE)) line[j] = 255;
    }
}

static elbo_status draw_all(elbo_data *d, const int64_t *index, int64_t n, void *out, int32_t *labels,
                            elbo_error *error)
{
    (void)d;
    (void)error;
    for (int64_t i = 0; i < n; i++) {
        int f[SPRITES_FACTORS];
        sprites_factors(index[i], f);
        sprites_draw(index[i], (unsigned char *)out + i * SIDE * SIDE);
        if (labels) labels[i] = f[SPRITES_SHAPE];
    }
    return ELBO_OK;
}

static elbo_status tell_factors(elbo_data *d, const int64_t *index, int64_t n, int32_t *values, elbo_error *error)
{
    (void)d;
    (void)error;
    for (int64_t i = 0; i < n; i++) {
        int f[SPRITES_FACTORS];
        sprites_factors(index[i], f);
        for (int k = 0; k < SPRITES_FACTORS; k++) values[i * SPRITES_FACTORS + k] = f[k];
    }
    return ELBO_OK;
}

elbo_status sprites_open(elbo_data *d, elbo_error *error)
{
    d->info.count = 1;
    for (int f = 0; f < SPRITES_FACTORS; f++) d->info.count *= sprites_info[f].size;
    d->info.shape[0] = d->info.shape[1] = SIDE;
    d->info.shape[2] = 1;
    d->info.dtype = ELBO_U8;
    d->info.n_classes = sprites_info[SPRITES_SHAPE].size;
    d->read = draw_all;
    d->factors = sprites_info;
    d->n_factors = SPRITES_FACTORS;
    d->read_factors = tell_factors;
    return data_measure(d, error);
}
