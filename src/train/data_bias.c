/* data_bias.c - a model that begins at the mean of its data: before training its last layer's bias is the logit of each number's
 * mean, within [0.001, 0.999] (Burda et al. 2016), so that training begins with what varies. */
#include "data_bias.h"

#include <math.h>

enum { ENOUGH = 100000 };

static void add_batch(const feed *f, int64_t n, size_t d, double *sum)
{
    bool bytes = f->data->info.dtype == ELBO_U8;
    for (size_t i = 0; i < (size_t)n * d; i++)
        sum[i % d] += bytes ? ((const unsigned char *)f->x)[i] / 255.0 : (double)((const float *)f->x)[i];
}

static elbo_status sum_examples(feed *f, size_t d, double *sum, int64_t *seen, elbo_error *error)
{
    *seen = 0;
    for (int64_t step = 0; step < feed_steps(f) && *seen < ENOUGH; step++) {
        int64_t n;
        elbo_status status = feed_train(f, 0, step, &n, error);
        if (status != ELBO_OK) return status;
        add_batch(f, n, d, sum);
        *seen += n;
    }
    return ELBO_OK;
}

elbo_status data_bias_set(elbo_model *m, feed *f, elbo_error *error)
{
    const entry *e = store_find(&m->store.params, "decoder.out.bias");
    size_t d = (size_t)model_numbers(m);
    if (!e || e->count != (int64_t)d)
        return err_set(error, ELBO_USAGE, "data-bias needs a decoder whose last layer has a bias for each number of an example");
    double *sum = mem_new(m->m, d, sizeof *sum);
    if (!sum) return err_memory(error, "the mean of the data");
    int64_t seen;
    elbo_status status = sum_examples(f, d, sum, &seen, error);
    for (size_t i = 0; i < d && status == ELBO_OK; i++) {
        double mean = fmin(fmax(sum[i] / (double)seen, 0.001), 0.999);
        m->store.value[e->offset + (int64_t)i] = (float)log(mean / (1 - mean));
    }
    mem_free(m->m, sum);
    return status;
}
