/* serve.c - using a model: encode, decode, sample, reconstruct. Plans are compiled for a few numbers of rows only, and of one
 * that is larger than what is asked so many rows are computed. */
#include "model.h"
#include "../base/philox.h"

#include <string.h>

int64_t model_bucket(int64_t n)
{
    static const int64_t sizes[] = {1, 8, 64, 512};
    for (size_t i = 0; i < 4; i++)
        if (n <= sizes[i]) return sizes[i];
    return 512;
}

/* Runs rows of a bucket's plan; x: where DECODE and DRAW put theirs. NULL: see error. */
static compiled *serve(elbo_model *m, purpose why, const float *in, int64_t rows, float *x, elbo_error *error)
{
    plan_key key = {.purpose = why, .examples = model_bucket(rows), .dtype = ELBO_F32, .backend = BACKEND_CPU_OWN};
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
    int64_t d = model_numbers(m), z = m->info.latent_size;
    if (n < 0) return refuse_count(n, error);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = n - i < 512 ? n - i : 512;
        compiled *c = serve(m, ENCODE, x + i * d, rows, NULL, error);
        if (!c) return ELBO_NO_MEMORY;
        take(m, c, c->code, rows, z, mean + i * z);
        if (std) take(m, c, c->std, rows, z, std + i * z);
    }
    return ELBO_OK;
}

/* DECODE or DRAW */
static elbo_status decode_as(elbo_model *m, purpose why, const float *z, int64_t n, float *x, elbo_error *error)
{
    int64_t d = model_numbers(m), width = m->info.latent_size;
    if (n < 0) return refuse_count(n, error);
    for (int64_t i = 0, rows; i < n; i += rows) {
        rows = n - i < 512 ? n - i : 512;
        if (!serve(m, why, z + i * width, rows, x + i * d, error)) return ELBO_NO_MEMORY;
    }
    return ELBO_OK;
}

elbo_status elbo_model_decode(elbo_model *m, const float *z, int64_t n, float *x, elbo_error *error)
{
    return decode_as(m, DECODE, z, n, x, error);
}

elbo_status elbo_model_sample(elbo_model *m, int64_t n, uint64_t seed, float *x, elbo_error *error)
{
    int64_t width = m->info.latent_size, d = model_numbers(m);
    if (n < 0) return refuse_count(n, error);
    if (!family_samples(m->family))
        return err_set(error, ELBO_USAGE,
                       "family %s has no prior to sample from: nothing said where its codes lie; train --family "
                       "vae, or reconstruct instead",
                       m->info.family);
    int64_t chunk = n < 512 ? n : 512;
    float *z = mem_new(m->m, (size_t)(chunk * width), sizeof *z);
    if (!z) return err_memory(error, "codes to decode");
    philox_key key = {.seed = seed, .stream = philox_stream("sample/z")};
    elbo_status status = ELBO_OK;
    for (int64_t i = 0; i < n && status == ELBO_OK; i += chunk) {
        int64_t rows = n - i < chunk ? n - i : chunk;
        philox_normal(key, (uint64_t)(i * width), (size_t)(rows * width), z);
        status = decode_as(m, m->family->draw ? DRAW : DECODE, z, rows, x + i * d, error);
    }
    mem_free(m->m, z);
    return status;
}

elbo_status elbo_model_reconstruct(elbo_model *m, const float *x, int64_t n, float *out, elbo_error *error)
{
    int64_t d = model_numbers(m), width = m->info.latent_size, chunk = n < 512 ? n : 512;
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
