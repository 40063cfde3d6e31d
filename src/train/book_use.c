/* book_use.c - elbo_model_book_use: how often each vector of a book is in the codes of data. */
#include "../data/data.h"
#include "../base/mode.h"
#include "evaluate.h"

#include <math.h>

enum { BATCH = 512 };

typedef struct counting {
    elbo_model *m;
    double *count; /* [K] */
    int64_t index[BATCH];
    void *x;
} counting;

static elbo_status count_all(counting *k, elbo_data *data, elbo_error *error)
{
    elbo_model *m = k->m;
    int64_t places = m->config.latent / m->config.code_size, count = data->info.count;
    plan_key key = {.purpose = ENCODE, .examples = BATCH, .dtype = data->info.dtype, .backend = BACKEND_CPU_OWN};
    for (int64_t first = 0, n; first < count; first += n) {
        n = count - first < BATCH ? count - first : BATCH;
        for (int64_t i = 0; i < n; i++) k->index[i] = first + i;
        elbo_status status = data_read_raw(data, k->index, n, k->x, NULL, error);
        if (status != ELBO_OK) return status;
        compiled *c = model_plan(m, key, error);
        if (!c) return ELBO_NO_MEMORY;
        if (c->book < 0) return err_set(error, ELBO_USAGE, "family %s has no book of vectors", m->info.family);
        model_run(m, c, k->x, (run_env){.seed = (uint64_t)m->config.seed, .index = k->index});
        const float *book = model_result(m, c, c->book); /* [B,P] */
        for (int64_t i = 0; i < n * places; i++) k->count[(int64_t)book[i]]++;
    }
    return ELBO_OK;
}

static elbo_book_use use_of(const double *count, int64_t codes)
{
    elbo_book_use use = {.codes = codes};
    double total = 0, entropy = 0;
    for (int64_t i = 0; i < codes; i++) total += count[i];
    for (int64_t i = 0; i < codes; i++) {
        if (count[i] == 0) continue;
        use.used++;
        entropy -= count[i] / total * log(count[i] / total);
    }
    use.perplexity = exp(entropy);
    return use;
}

elbo_status elbo_model_book_use(elbo_model *m, elbo_data *data, elbo_book_use *use, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (evaluate_check(m, &data->info, error) != ELBO_OK) return ELBO_USAGE;
    counting *k = mem_new(m->m, 1, sizeof *k);
    if (!k) return err_memory(error, "counts of vectors");
    k->m = m;
    k->count = mem_new(m->m, (size_t)m->config.codes, sizeof *k->count);
    k->x = mem_new(m->m, BATCH, data_example_bytes(data));
    elbo_status status = k->count && k->x ? count_all(k, data, error) : err_memory(error, "counts of vectors");
    if (status == ELBO_OK) *use = use_of(k->count, m->config.codes);
    mem_free(m->m, k->count);
    mem_free(m->m, k->x);
    mem_free(m->m, k);
    return status;
}
