/* likeness.c - how alike two pictures are: mean squared error, peak signal to noise ratio, and structural similarity (Wang et
 * al. 2004, "Image quality assessment: from error visibility to structural similarity").
 *
 *     SSIM = (2 mx my + C1) (2 sxy + C2) / ((mx^2 + my^2 + C1) (sx^2 + sy^2 + C2)),    C1 = (.01 L)^2, C2 = (.03 L)^2
 *
 * with the means, variances and covariance under a Gaussian window of 11 x 11 and sigma 1.5, averaged over the places where
 * the window lies within the picture, and over channels. L is the range of the values. */
#include "../base/engine.h"
#include "../base/error.h"
#include "../base/mode.h"

#include <math.h>

enum { WINDOW = 11 };

/* What is averaged under the window. */
enum { X, Y, XX, YY, XY, N_MAPS };

typedef struct comparison {
    int64_t h, w, channels;
    double range;
    double window[WINDOW];
    double *across[N_MAPS]; /* [H, W - WINDOW + 1] the maps after the window was moved along rows */
} comparison;

static void fill_window(double window[WINDOW])
{
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) {
        int place = i - WINDOW / 2;
        double off = place / 1.5;
        window[i] = exp(-0.5 * off * off);
        sum += window[i];
    }
    for (int i = 0; i < WINDOW; i++) window[i] /= sum;
}

/* The five maps of a channel, averaged along rows. */
static void average_rows(const comparison *c, const float *x, const float *y, int64_t channel)
{
    int64_t wide = c->w - WINDOW + 1;
    for (int64_t row = 0; row < c->h; row++)
        for (int64_t column = 0; column < wide; column++) {
            double sum[N_MAPS] = {0};
            for (int k = 0; k < WINDOW; k++) {
                int64_t at = ((row * c->w) + column + k) * c->channels + channel;
                double a = (double)x[at], b = (double)y[at], g = c->window[k];
                sum[X] += g * a, sum[Y] += g * b;
                sum[XX] += g * a * a, sum[YY] += g * b * b, sum[XY] += g * a * b;
            }
            for (int k = 0; k < N_MAPS; k++) c->across[k][row * wide + column] = sum[k];
        }
}

static double similarity(const double m[N_MAPS], double range)
{
    double c1 = 0.01 * range * 0.01 * range, c2 = 0.03 * range * 0.03 * range;
    double vx = m[XX] - m[X] * m[X], vy = m[YY] - m[Y] * m[Y], vxy = m[XY] - m[X] * m[Y];
    return (2 * m[X] * m[Y] + c1) * (2 * vxy + c2) / ((m[X] * m[X] + m[Y] * m[Y] + c1) * (vx + vy + c2));
}

static double ssim(const comparison *c, const float *x, const float *y)
{
    int64_t wide = c->w - WINDOW + 1, high = c->h - WINDOW + 1;
    double sum = 0;
    for (int64_t channel = 0; channel < c->channels; channel++) {
        average_rows(c, x, y, channel);
        for (int64_t i = 0; i < high * wide; i++) {
            double m[N_MAPS] = {0};
            for (int k = 0; k < N_MAPS; k++)
                for (int r = 0; r < WINDOW; r++) m[k] += c->window[r] * c->across[k][i + r * wide];
            sum += similarity(m, c->range);
        }
    }
    return sum / (double)(high * wide * c->channels);
}

static double squared_error(const float *x, const float *y, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double off = (double)x[i] - (double)y[i];
        sum += off * off;
    }
    return sum / (double)n;
}

elbo_status elbo_compare(elbo_engine *engine, const float *x, const float *y, int64_t n, const int64_t shape[3], double range,
                         elbo_likeness *likeness, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    int64_t size = shape[0] * shape[1] * shape[2], wide = shape[1] - WINDOW + 1;
    if (n < 0 || shape[0] < 1 || shape[1] < 1 || shape[2] < 1 || !(range > 0))
        return err_set(error, ELBO_USAGE, "can't compare %lld pictures of %lldx%lldx%lld with values in a range of %g",
                       (long long)n, (long long)shape[0], (long long)shape[1], (long long)shape[2], range);
    comparison c = {.h = shape[0], .w = shape[1], .channels = shape[2], .range = range};
    bool windowed = shape[0] >= WINDOW && wide >= 1;
    double *maps = mem_new(engine->m, windowed ? (size_t)(N_MAPS * shape[0] * wide) : 0, sizeof *maps);
    if (!maps) return err_memory(error, "pictures to compare");
    fill_window(c.window);
    for (int k = 0; k < N_MAPS && windowed; k++) c.across[k] = maps + k * shape[0] * wide;
    for (int64_t i = 0; i < n; i++) {
        double mse = squared_error(x + i * size, y + i * size, size);
        likeness[i] = (elbo_likeness){.mse = mse, .psnr = 10 * log10(range * range / mse), .ssim = (double)NAN};
        if (windowed) likeness[i].ssim = ssim(&c, x + i * size, y + i * size);
    }
    mem_free(engine->m, maps);
    return ELBO_OK;
}
