/* factors.c - what examples were made from, where it is known: factors that the data set tells, or else its labels. */
#include "data.h"

enum { CHUNK = 64 };

const elbo_factor_info *elbo_data_factor_at(elbo_data *data, size_t i)
{
    if (data->n_factors > 0) return (int64_t)i < data->n_factors ? &data->factors[i] : NULL;
    data->label = (elbo_factor_info){"label", data->info.n_classes};
    return i == 0 && data->label.size > 0 ? &data->label : NULL;
}

/* ---- Reading, at most CHUNK examples at a time ---- */

static elbo_status read_told(elbo_data *d, const int64_t *index, int64_t n, int32_t *values, elbo_error *error)
{
    int64_t whole[CHUNK];
    for (int64_t i = 0; i < n; i++) {
        if (index[i] < 0 || index[i] >= d->info.count)
            return err_set(error, ELBO_USAGE, "%s: an index is %lld, expected 0 to %lld", d->info.name, (long long)index[i],
                           (long long)d->info.count - 1);
        whole[i] = data_place(d, index[i]);
    }
    return d->read_factors(d, whole, n, values, error);
}

/* Labels come with their examples. */
static elbo_status read_labels(elbo_data *d, const int64_t *index, int64_t n, int32_t *values, elbo_error *error)
{
    void *x = mem_new(d->engine->m, CHUNK, data_example_bytes(d));
    if (!x) return err_memory(error, "labels");
    elbo_status status = data_read_raw(d, index, n, x, values, error);
    mem_free(d->engine->m, x);
    return status;
}

elbo_status elbo_data_read_factors(elbo_data *data, const int64_t *index, int64_t n, int32_t *values, elbo_error *error)
{
    if (!data || n < 0 || (n > 0 && (!index || !values)))
        return err_set(error, ELBO_USAGE, "reading factors: n is %lld, or an argument is NULL", (long long)n);
    if (!elbo_data_factor_at(data, 0))
        return err_set(error, ELBO_USAGE, "%s has neither factors nor labels", data->info.name);
    int64_t each = data->n_factors > 0 ? data->n_factors : 1;
    elbo_status status = ELBO_OK;
    for (int64_t done = 0, now; done < n && status == ELBO_OK; done += now) {
        now = n - done < CHUNK ? n - done : CHUNK;
        status = (data->n_factors > 0 ? read_told : read_labels)(data, index + done, now, values + done * each, error);
    }
    return status;
}

/* ---- From a callback ---- */

static elbo_status read_source(elbo_data *d, const int64_t *index, int64_t n, int32_t *values, elbo_error *error)
{
    const elbo_data_source *s = d->source;
    int result = s->read_factors(s->user, index, n, values);
    if (result != 0)
        return err_set(error, ELBO_IO, "the data source failed with %d when asked for the factors of %lld examples from "
                                       "index %lld on", result, (long long)n, (long long)index[0]);
    for (int64_t i = 0; i < n * s->n_factors; i++) {
        const elbo_factor_info *f = &s->factors[i % s->n_factors];
        if (values[i] < -1 || values[i] >= f->size)
            return err_set(error, ELBO_IO, "the data source gave example %lld the %s %ld, expected -1 to %lld",
                           (long long)index[i / s->n_factors], f->name, (long)values[i], (long long)f->size - 1);
    }
    return ELBO_OK;
}

void data_take_factors(elbo_data *d, const elbo_data_source *source)
{
    d->factors = source->factors;
    d->n_factors = source->n_factors;
    d->read_factors = read_source;
}
