/* squared_error.c - how far reconstructions are from their originals, beside how far the mean example is:
 *
 *     mean_i |x_i - y_i|^2,   mean_i |x_i - m|^2 = sum_d (mean_i x_id^2 - m_d^2),   m_d = mean_i x_id
 */
#include "../data/data.h"
#include "../base/mode.h"
#include "evaluate.h"

enum { READ = 512 };

typedef struct comparing {
    float *x, *y;         /* [READ,D] originals and reconstructions */
    double *sum, *square; /* [D] of the originals */
    double error;
} comparing;

static void add_examples(comparing *c, int64_t n, int64_t d)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < d; k++) {
            double x = (double)c->x[i * d + k], off = x - (double)c->y[i * d + k];
            c->sum[k] += x;
            c->square[k] += x * x;
            c->error += off * off;
        }
}

static elbo_status compare_all(elbo_model *m, elbo_data *data, comparing *c, elbo_error *error)
{
    int64_t index[READ], count = data->info.count;
    elbo_status status = ELBO_OK;
    for (int64_t first = 0, n; first < count && status == ELBO_OK; first += n) {
        n = count - first < READ ? count - first : READ;
        for (int64_t i = 0; i < n; i++) index[i] = first + i;
        status = elbo_data_read(data, index, n, c->x, NULL, error);
        if (status == ELBO_OK) status = elbo_model_reconstruct(m, c->x, n, c->y, error);
        if (status == ELBO_OK) add_examples(c, n, model_numbers(m));
    }
    return status;
}

static double variance_of(const comparing *c, int64_t d, double n)
{
    double sum = 0;
    for (int64_t k = 0; k < d; k++) sum += c->square[k] / n - c->sum[k] / n * (c->sum[k] / n);
    return sum;
}

elbo_status elbo_model_squared_error(elbo_model *m, elbo_data *data, double *error_of_model, double *of_mean, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (evaluate_check(m, &data->info, error) != ELBO_OK) return ELBO_USAGE;
    size_t d = (size_t)model_numbers(m);
    double n = (double)data->info.count;
    comparing c = {mem_new(m->m, READ * d, sizeof *c.x), mem_new(m->m, READ * d, sizeof *c.y), mem_new(m->m, d, sizeof *c.sum),
                   mem_new(m->m, d, sizeof *c.square), 0};
    bool ok = c.x && c.y && c.sum && c.square;
    elbo_status status = ok ? compare_all(m, data, &c, error) : err_memory(error, "reconstructions to compare");
    if (status == ELBO_OK) {
        *error_of_model = c.error / n;
        *of_mean = variance_of(&c, (int64_t)d, n);
    }
    mem_free(m->m, c.x);
    mem_free(m->m, c.y);
    mem_free(m->m, c.sum);
    mem_free(m->m, c.square);
    return status;
}
