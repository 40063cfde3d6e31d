/* gaussian.c - a Gaussian fitted to data: the plain rival of a model that scores examples.
 *
 * Its covariance is the data's, S, drawn towards a multiple of the identity as Ledoit and Wolf (2004, "A well-conditioned
 * estimator for large-dimensional covariance matrices") find best: (1 - r) S + r m I with m the mean of the variances, so it
 * can be inverted also where numbers never vary or examples are few. That takes all numbers to be of one unit, as pixels are;
 * the columns of a table are not, so they are divided by their standard deviations first. Without it the widest column alone
 * would say what m is. -log density orders examples as the Mahalanobis distance does.
 *
 * Threads share the rows of the covariance, and the examples that are scored. Every number is added up in the order of the
 * examples or of the numbers, whoever does it, so its bits do not depend on them. */
#include "../base/error.h"
#include "../base/mode.h"
#include "../data/data.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 64, TOGETHER = 4, MOST_PARTS = 64 };

struct elbo_gaussian {
    memory m;
    pool *threads;
    int64_t d;
    double *mean;       /* [d] */
    double *scale;      /* [d] what a number is divided by: the standard deviation of a table's column that varies, else 1 */
    double *factor;     /* [d,d] the lower triangle is L: the covariance is L L' */
    double log_density; /* at the mean */
    double *x;          /* [BLOCK,d] (example - mean) / scale */
    float *read;        /* the same as they are read */
};

void elbo_gaussian_free(elbo_gaussian *g)
{
    if (!g) return;
    mem_free(g->m, g->mean);
    mem_free(g->m, g->scale);
    mem_free(g->m, g->factor);
    mem_free(g->m, g->x);
    mem_free(g->m, g->read);
    mem_free(g->m, g);
}

/* Reads n examples from first on, in the Gaussian's own units. */
static elbo_status read_block(elbo_gaussian *g, elbo_data *data, int64_t first, int64_t n, elbo_error *error)
{
    int64_t index[BLOCK];
    for (int64_t i = 0; i < n; i++) index[i] = first + i;
    elbo_status status = elbo_data_read(data, index, n, g->read, NULL, error);
    for (int64_t i = 0; i < n && status == ELBO_OK; i++)
        for (int64_t j = 0; j < g->d; j++)
            g->x[i * g->d + j] = ((double)g->read[i * g->d + j] - g->mean[j]) / g->scale[j];
    return status;
}

static int64_t block_of(int64_t left)
{
    return left < BLOCK ? left : BLOCK;
}

/* ---- Fitting ---- */

static elbo_status find_mean(elbo_gaussian *g, elbo_data *data, double *sum, elbo_error *error)
{
    int64_t count = data->info.count;
    elbo_status status = ELBO_OK;
    for (int64_t first = 0, n; first < count && status == ELBO_OK; first += n) {
        n = block_of(count - first);
        status = read_block(g, data, first, n, error);
        for (int64_t i = 0; i < n && status == ELBO_OK; i++)
            for (int64_t j = 0; j < g->d; j++) sum[j] += g->x[i * g->d + j];
    }
    for (int64_t j = 0; j < g->d; j++) g->mean[j] = sum[j] / (double)count;
    return status;
}

/* Of a table whose mean is known; sum is scratch. */
static elbo_status find_scale(elbo_gaussian *g, elbo_data *data, double *sum, elbo_error *error)
{
    int64_t count = data->info.count;
    elbo_status status = ELBO_OK;
    if (data->info.shape[0] != 1 || data->info.shape[1] != 1) return ELBO_OK;
    for (int64_t j = 0; j < g->d; j++) sum[j] = 0;
    for (int64_t first = 0, n; first < count && status == ELBO_OK; first += n) {
        n = block_of(count - first);
        status = read_block(g, data, first, n, error);
        for (int64_t i = 0; i < n && status == ELBO_OK; i++)
            for (int64_t j = 0; j < g->d; j++) sum[j] += g->x[i * g->d + j] * g->x[i * g->d + j];
    }
    for (int64_t j = 0; j < g->d; j++)
        if (sum[j] > 0) g->scale[j] = sqrt(sum[j] / (double)count);
    return status;
}

/* What threads do with a block of n examples: a part is every parts-th row, or every parts-th few examples. */
typedef struct shared_block {
    elbo_gaussian *g;
    int64_t n;
    int parts;
    double *nll; /* [n] */
} shared_block;

/* NOLINTNEXTLINE(readability-non-const-parameter): nll is written, by way of the block */
static void share(elbo_gaussian *g, int64_t n, double *nll, pool_fn fn)
{
    int64_t pieces = nll ? (n + TOGETHER - 1) / TOGETHER : g->d;
    shared_block b = {g, n, (int)(pieces < MOST_PARTS ? pieces : MOST_PARTS), nll};
    pool_run(g->threads, b.parts, fn, &b);
}

/* Adds x_j x' of n examples to row j, as if one after another: a few at a time, so that the row is written less often. */
static void add_to_row(const elbo_gaussian *g, int64_t n, int64_t j)
{
    double *restrict row = g->factor + j * g->d;
    int64_t i = 0, d = g->d;
    for (; i + TOGETHER <= n; i += TOGETHER) {
        const double *a = g->x + i * d, *b = a + d, *c = b + d, *e = c + d, aj = a[j], bj = b[j], cj = c[j], ej = e[j];
        for (int64_t k = 0; k <= j; k++) row[k] = row[k] + aj * a[k] + bj * b[k] + cj * c[k] + ej * e[k];
    }
    for (; i < n; i++)
        for (int64_t k = 0; k <= j; k++) row[k] += g->x[i * d + j] * g->x[i * d + k];
}

static void add_rows(void *arg, int part, int worker)
{
    const shared_block *b = arg;
    (void)worker;
    for (int64_t j = part; j < b->g->d; j += b->parts) add_to_row(b->g, b->n, j);
}

/* Adds x x' of a block, below the diagonal and on it. *fourth: the sum of |x|^4. */
static void add_block(elbo_gaussian *g, int64_t n, double *fourth)
{
    share(g, n, NULL, add_rows);
    for (int64_t i = 0; i < n; i++) {
        double square = 0;
        for (int64_t j = 0; j < g->d; j++) square += g->x[i * g->d + j] * g->x[i * g->d + j];
        *fourth += square * square;
    }
}

static elbo_status find_covariance(elbo_gaussian *g, elbo_data *data, double *fourth, elbo_error *error)
{
    int64_t count = data->info.count;
    elbo_status status = ELBO_OK;
    for (int64_t first = 0, n; first < count && status == ELBO_OK; first += n) {
        n = block_of(count - first);
        status = read_block(g, data, first, n, error);
        if (status == ELBO_OK) add_block(g, n, fourth);
    }
    for (int64_t i = 0; i < g->d * g->d; i++) g->factor[i] /= (double)count;
    *fourth /= (double)count;
    return status;
}

/* Ledoit and Wolf's shrinkage r; fourth: the mean of |x|^4. */
static double shrinkage(const elbo_gaussian *g, int64_t n, double mean_variance, double fourth)
{
    double d = (double)g->d, squares = 0;
    for (int64_t j = 0; j < g->d; j++)
        for (int64_t k = 0; k <= j; k++) squares += (j == k ? 1 : 2) * g->factor[j * g->d + k] * g->factor[j * g->d + k];
    double distance = (squares - d * mean_variance * mean_variance) / d; /* of S from m I */
    double error = (fourth - squares) / d / (double)n;                   /* of S */
    return error <= 0 ? 0 : error < distance ? error / distance : 1;
}

static void shrink(elbo_gaussian *g, int64_t n, double fourth)
{
    double mean_variance = 0;
    for (int64_t j = 0; j < g->d; j++) mean_variance += g->factor[j * g->d + j] / (double)g->d;
    double r = shrinkage(g, n, mean_variance, fourth);
    for (int64_t j = 0; j < g->d; j++) {
        for (int64_t k = 0; k <= j; k++) g->factor[j * g->d + k] *= 1 - r;
        g->factor[j * g->d + j] += r * mean_variance;
    }
}

/* The covariance to its Cholesky factor, in place. False where it is not positive definite. */
static bool factorise(elbo_gaussian *g)
{
    const double log_2pi = 1.8378770664093453;
    g->log_density = -0.5 * log_2pi * (double)g->d;
    for (int64_t j = 0; j < g->d; j++) g->log_density -= log(g->scale[j]);
    for (int64_t j = 0; j < g->d; j++) {
        double *row = g->factor + j * g->d;
        for (int64_t k = 0; k <= j; k++) {
            const double *other = g->factor + k * g->d;
            double sum = row[k];
            for (int64_t i = 0; i < k; i++) sum -= row[i] * other[i];
            if (k < j)
                row[k] = sum / other[k];
            else if (!(sum > 0))
                return false;
            else
                row[j] = sqrt(sum);
        }
        g->log_density -= log(row[j]);
    }
    return true;
}

static elbo_status fit(elbo_gaussian *g, elbo_data *data, elbo_error *error)
{
    size_t d = (size_t)g->d;
    g->mean = mem_new(g->m, d, sizeof *g->mean);
    g->scale = mem_new(g->m, d, sizeof *g->scale);
    g->factor = mem_new(g->m, d, d * sizeof *g->factor);
    g->x = mem_new(g->m, BLOCK, d * sizeof *g->x);
    g->read = mem_new(g->m, BLOCK, d * sizeof *g->read);
    double *sum = mem_new(g->m, d, sizeof *sum), fourth = 0;
    bool ok = g->mean && g->scale && g->factor && g->x && g->read && sum;
    elbo_status status = ok ? ELBO_OK : err_memory(error, "a Gaussian");
    for (size_t j = 0; j < d && ok; j++) g->scale[j] = 1;
    if (status == ELBO_OK) status = find_mean(g, data, sum, error);
    if (status == ELBO_OK) status = find_scale(g, data, sum, error);
    mem_free(g->m, sum);
    if (status == ELBO_OK) status = find_covariance(g, data, &fourth, error);
    if (status != ELBO_OK) return status;
    shrink(g, data->info.count, fourth);
    if (factorise(g)) return ELBO_OK;
    return err_set(error, ELBO_USAGE, "no Gaussian can be fitted to %s: its %lld examples do not vary", data->info.name,
                   (long long)data->info.count);
}

elbo_gaussian *elbo_gaussian_fit(elbo_engine *engine, elbo_data *data, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    elbo_gaussian *g = mem_new(engine->m, 1, sizeof *g);
    if (!g) {
        err_memory(error, "a Gaussian");
        return NULL;
    }
    g->m = engine->m;
    g->threads = engine->threads;
    g->d = (int64_t)data_example_size(data);
    if (fit(g, data, error) == ELBO_OK) return g;
    elbo_gaussian_free(g);
    return NULL;
}

/* ---- Scoring ---- */

/* -log density of examples less the mean, as many as are taken together: y = L^-1 x, in place. */
static void nll_of_few(const elbo_gaussian *g, double *x, double nll[TOGETHER])
{
    double squares[TOGETHER] = {0};
    int64_t d = g->d;
    for (int64_t j = 0; j < d; j++) {
        const double *row = g->factor + j * d;
        double y[TOGETHER];
        for (int e = 0; e < TOGETHER; e++) y[e] = x[e * d + j];
        for (int64_t k = 0; k < j; k++)
            for (int e = 0; e < TOGETHER; e++) y[e] -= row[k] * x[e * d + k];
        for (int e = 0; e < TOGETHER; e++) {
            x[e * d + j] = y[e] / row[j];
            squares[e] += x[e * d + j] * x[e * d + j];
        }
    }
    for (int e = 0; e < TOGETHER; e++) nll[e] = 0.5 * squares[e] - g->log_density;
}

/* The block has room for the last few, whatever is there. */
static void score_few(void *arg, int part, int worker)
{
    const shared_block *b = arg;
    (void)worker;
    for (int64_t i = (int64_t)part * TOGETHER; i < b->n; i += (int64_t)b->parts * TOGETHER) {
        double nll[TOGETHER];
        int64_t n = b->n - i < TOGETHER ? b->n - i : TOGETHER;
        nll_of_few(b->g, b->g->x + i * b->g->d, nll);
        memcpy(b->nll + i, nll, (size_t)n * sizeof *nll);
    }
}

elbo_status elbo_gaussian_score(elbo_gaussian *g, elbo_data *data, int64_t first, int64_t n, double *nll, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    int64_t d = (int64_t)data_example_size(data);
    if (d != g->d)
        return err_set(error, ELBO_USAGE, "%s has examples of %lld numbers, but the Gaussian was fitted to %lld", data->info.name,
                       (long long)d, (long long)g->d);
    if (first < 0 || n < 0 || first > data->info.count - n)
        return err_set(error, ELBO_USAGE, "there are no examples %lld to %lld in %s: it has %lld", (long long)first,
                       (long long)(first + n - 1), data->info.name, (long long)data->info.count);
    elbo_status status = ELBO_OK;
    for (int64_t done = 0, rows; done < n && status == ELBO_OK; done += rows) {
        rows = block_of(n - done);
        status = read_block(g, data, first + done, rows, error);
        if (status == ELBO_OK) share(g, rows, nll + done, score_few);
    }
    return status;
}
