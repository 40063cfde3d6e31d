/* feed.c - see feed.h */
#include "feed.h"

#include <math.h>

elbo_status feed_open(feed *f, elbo_data *data, uint64_t seed, double validation, int64_t batch, elbo_error *error)
{
    int64_t n = data->info.count;
    *f = (feed){.data = data, .seed = seed, .n_valid = (int64_t)floor(validation * (double)n)};
    f->n_train = n - f->n_valid;
    f->divided = philox_order_of((philox_key){.seed = seed, .stream = philox_stream("data/divide")}, (uint64_t)n);
    if (f->n_train < 1)
        return err_set(error, ELBO_USAGE, "%s has %lld examples: none is left to train on", data->info.name, (long long)n);
    f->batch = batch < f->n_train ? batch : f->n_train;
    f->index = mem_new(data->engine->m, (size_t)f->batch, sizeof *f->index);
    f->x = mem_new(data->engine->m, (size_t)f->batch, data_example_bytes(data));
    if (data->will_read) f->ahead = mem_new(data->engine->m, (size_t)f->batch, sizeof *f->ahead);
    return f->index && f->x ? ELBO_OK : err_memory(error, "a batch of data");
}

void feed_close(feed *f, memory m)
{
    mem_free(m, f->index);
    mem_free(m, f->x);
    mem_free(m, f->ahead);
    *f = (feed){.data = NULL};
}

int64_t feed_steps(const feed *f)
{
    return (f->n_train + f->batch - 1) / f->batch;
}

int64_t feed_example(const feed *f, int64_t i)
{
    return (int64_t)philox_order_at(&f->divided, (uint64_t)i);
}

/* The indices of a step of an epoch, into index; how many. */
static int64_t step_indices(const feed *f, int64_t epoch, int64_t step, int64_t *index)
{
    philox_key key = {.seed = f->seed, .step = (uint32_t)epoch, .stream = philox_stream("data/shuffle")};
    int64_t first = step * f->batch, left = f->n_train - first, n = left < f->batch ? left : f->batch;
    philox_order order = philox_order_of(key, (uint64_t)f->n_train);
    for (int64_t i = 0; i < n; i++)
        index[i] = feed_example(f, f->n_valid + (int64_t)philox_order_at(&order, (uint64_t)(first + i)));
    return n > 0 ? n : 0;
}

elbo_status feed_train(feed *f, int64_t epoch, int64_t step, int64_t *n, elbo_error *error)
{
    *n = step_indices(f, epoch, step, f->index);
    elbo_status status = data_read_raw(f->data, f->index, *n, f->x, NULL, error);
    if (status != ELBO_OK) return status;
    data_augment(f->data, f->seed, (uint32_t)epoch, f->index, *n, f->x);
    if (f->ahead) data_will_read(f->data, f->ahead, step_indices(f, epoch, step + 1, f->ahead));
    return ELBO_OK;
}
