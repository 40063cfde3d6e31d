/* serve.c - using a model: encode, decode, sample, reconstruct. Plans are compiled for a few numbers of rows only, and of one
 * that is larger than what is asked so many rows are computed. */
#include "../base/mode.h"
#include "../base/philox.h"
#include "model.h"
#include "units.h"

#include <string.h>

int64_t model_bucket(int64_t n)
{
    static const int64_t sizes[] = {1, 8, 64, MOST_SERVED};
    for (size_t i = 0; i < 4; i++)
        if (n <= sizes[i]) return sizes[i];
    return MOST_SERVED;
}

/* Runs rows of a bucket's plan; x: where DECODE and DRAW put theirs. NULL: see error. */
static compiled *serve(elbo_model *m, plan_key key, const float *in, int64_t rows, float *x, elbo_error *error)
{
    key.examples = model_bucket(rows);
    key.dtype = ELBO_F32;
    key.backend = BACKEND_CPU_OWN;
    compiled *c = model_plan(m, key, error);
    if (c && rows < key.examples && !plan_takes_fewer(c->plan)) {
        key.examples = rows;
        c = model_plan(m, key, error);
    }
    if (c) model_run_to(m, c, in, (run_env){.seed = (uint64_t)m->config.seed, .examples = rows}, x);
    return c;
}

/* Copies an output of width numbers a row to out, or zeros where the plan has none. */
static void take(elbo_model *m, compiled *c, int output, int64_t rows, int64_t width, float *out)
{
    size_t bytes = (size_t)(rows * width) * sizeof *out;
    if (output >= 0) memcpy(out, model_result(m, c, output), bytes);
    else memset(out, 0, bytes);
}

static elbo_status refuse_count(int64_t n, elbo_error *error)
{
    return err_set(error, ELBO_USAGE, "got %lld examples, expected 0 or more", (long long)n);
}

elbo_status elbo_model_encode(elbo_model *m, const float *x, int64_t n, float *mean, float *std, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    int64_t d = model_numbers(m), z = m->info.latent_size;
    if (n < 0) return refuse_count(n, error);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = n - i < MOST_SERVED ? n - i : MOST_SERVED;
        compiled *c = serve(m, (plan_key){.purpose = ENCODE}, x + i * d, rows, NULL, error);
        if (!c) return ELBO_NO_MEMORY;
        take(m, c, c->code, rows, z, mean + i * z);
        if (std) take(m, c, c->std, rows, z, std + i * z);
    }
    return ELBO_OK;
}

elbo_status elbo_model_decode(elbo_model *m, const float *z, int64_t n, float *x, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    int64_t d = model_numbers(m), width = m->info.latent_size;
    if (n < 0) return refuse_count(n, error);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = n - i < MOST_SERVED ? n - i : MOST_SERVED;
        if (!serve(m, (plan_key){.purpose = DECODE}, z + i * width, rows, x + i * d, error)) return ELBO_NO_MEMORY;
    }
    return ELBO_OK;
}

/* ---- Sampling ---- */

/* Drawn values x [rows,D] from the units of p(x|z) to the data's. */
static void to_data_units(const elbo_model *m, int64_t rows, float *x)
{
    const entry *mean = store_find(&m->store.states, "data.mean"), *scale = store_find(&m->store.states, "data.scale");
    int64_t d = model_numbers(m), at = 0;
    for (column_run r = {0}; mean && units_next_run(&m->config, m->columns, d, &r); at += units_run_features(r)) {
        bool standard = scale && units_read_standard(&m->config, m->columns, r);
        if (!standard && r.kind != ELBO_COLUMN_CONSTANT) continue;
        const float *add = m->store.state + mean->offset + at, *times = standard ? m->store.state + scale->offset + at : NULL;
        for (int64_t i = 0; i < rows; i++)
            for (int64_t j = 0; j < r.n; j++) {
                float *v = &x[i * d + r.first + j];
                /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): where a state has a name, there are states */
                *v = (times ? *v * times[j] : *v) + add[j];
            }
    }
    for (int64_t i = 0; m->config.range && i < rows * d; i++) x[i] = (x[i] + 1) / 2;
}

/* What is drawn of: values, or only the prior, whose examples are shown by the means of p(x|z). */
typedef struct sampling {
    elbo_model *m;
    uint64_t seed;
    likelihood l;
    int64_t width;     /* numbers that a plan gives for an example */
    float *parameters; /* [MOST_SERVED,width]; NULL: means */
} sampling;

static elbo_status sample_rows(const sampling *s, const float *z, int64_t first, int64_t rows, float *x, elbo_error *error)
{
    elbo_model *m = s->m;
    int64_t d = model_numbers(m);
    plan_key key = {.purpose = m->family->draw ? DRAW : DECODE, .parameters = s->parameters != NULL};
    if (!serve(m, key, z, rows, s->parameters ? s->parameters : x, error)) return error ? error->code : ELBO_FAILED;
    if (!s->parameters) return ELBO_OK;
    const philox_key values = {.seed = s->seed, .stream = philox_stream("sample/x")};
    for (int64_t i = 0; i < rows; i++)
        likelihood_draw(&s->l, s->parameters + i * s->width, d, values, (uint64_t)((first + i) * d), x + i * d);
    to_data_units(m, rows, x);
    return ELBO_OK;
}

static elbo_status sample_all(const sampling *s, int64_t n, float *z, int64_t chunk, float *x, elbo_error *error)
{
    int64_t width = s->m->info.latent_size, d = model_numbers(s->m);
    philox_key key = {.seed = s->seed, .stream = philox_stream("sample/z")};
    elbo_status status = ELBO_OK;
    for (int64_t i = 0; i < n && status == ELBO_OK; i += chunk) {
        int64_t rows = n - i < chunk ? n - i : chunk;
        philox_normal(key, (uint64_t)(i * width), (size_t)(rows * width), z);
        status = sample_rows(s, z, i, rows, x + i * d, error);
    }
    return status;
}

static elbo_status sample(elbo_model *m, int64_t n, uint64_t seed, bool values, float *x, elbo_error *error)
{
    if (n < 0) return refuse_count(n, error);
    if (!family_samples(m->family))
        return err_set(error, ELBO_USAGE,
                       "family %s has no prior to sample from: nothing said where its codes lie; train --family "
                       "vae, or reconstruct instead",
                       m->info.family);
    int64_t chunk = n < MOST_SERVED ? n : MOST_SERVED;
    sampling s = {.m = m, .seed = seed, .l = model_likelihood(m)};
    s.width = likelihood_n_parameters(&s.l, model_numbers(m));
    float *z = mem_new(m->m, (size_t)(chunk * m->info.latent_size), sizeof *z);
    if (values) s.parameters = mem_new(m->m, (size_t)chunk, (size_t)s.width * sizeof *s.parameters);
    elbo_error mine = {0};
    elbo_status status = z && (s.parameters || !values) ? sample_all(&s, n, z, chunk, x, &mine)
                                                       : err_memory(&mine, "codes to decode");
    mem_free(m->m, z);
    mem_free(m->m, s.parameters);
    return status == ELBO_OK ? ELBO_OK : err_set(error, mine.code, "%s", mine.message);
}

elbo_status elbo_model_sample(elbo_model *m, int64_t n, uint64_t seed, float *x, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    return sample(m, n, seed, false, x, error);
}

elbo_status elbo_model_sample_values(elbo_model *m, int64_t n, uint64_t seed, float *x, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    return sample(m, n, seed, true, x, error);
}

elbo_status elbo_model_reconstruct(elbo_model *m, const float *x, int64_t n, float *out, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    int64_t d = model_numbers(m), width = m->info.latent_size, chunk = n < MOST_SERVED ? n : MOST_SERVED;
    if (n < 0) return refuse_count(n, error);
    float *z = mem_new(m->m, (size_t)(chunk * width), sizeof *z);
    if (!z) return err_memory(error, "codes to decode");
    elbo_status status = ELBO_OK;
    for (int64_t i = 0; i < n && status == ELBO_OK; i += chunk) {
        int64_t rows = n - i < chunk ? n - i : chunk;
        status = elbo_model_encode(m, x + i * d, rows, z, NULL, error);
        if (status == ELBO_OK) status = elbo_model_decode(m, z, rows, out + i * d, error);
    }
    mem_free(m->m, z);
    return status;
}
