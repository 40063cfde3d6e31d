/* serve.c - using a model: encode, decode, sample, reconstruct. Rows are served in buckets of a few sizes, so few plans are
 * compiled; a bucket that is not full is padded with zeros, whose results are dropped. */
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

/* rows x width numbers of input, padded to the bucket; NULL out of memory. A full bucket is read where it is. */
static const float *stage(elbo_model *m, const float *in, int64_t rows, int64_t bucket, int64_t width)
{
    size_t wanted = (size_t)(bucket * width) * sizeof(float), used = (size_t)(rows * width) * sizeof(float);
    if (rows == bucket) return in;
    if (wanted > m->staging_size) {
        mem_free(m->m, m->staging);
        m->staging = mem_new(m->m, wanted, 1);
        m->staging_size = m->staging ? wanted : 0;
        if (!m->staging) return NULL;
    }
    memcpy(m->staging, in, used);
    memset((char *)m->staging + used, 0, wanted - used);
    return m->staging;
}

/* Runs one bucket of rows; NULL: see error. */
static compiled *serve_bucket(elbo_model *m, purpose why, const float *in, int64_t rows, int64_t width, elbo_error *error)
{
    int64_t bucket = model_bucket(rows);
    plan_key key = {.purpose = why, .examples = bucket, .dtype = ELBO_F32, .backend = BACKEND_CPU_OWN};
    compiled *c = model_plan(m, key, error);
    const float *x = c ? stage(m, in, rows, bucket, width) : NULL;
    if (c && !x) err_memory(error, "a batch to serve");
    if (!x) return NULL;
    model_run(m, c, x, (run_env){.seed = (uint64_t)m->config.seed});
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
        compiled *c = serve_bucket(m, ENCODE, x + i * d, rows, d, error);
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
        compiled *c = serve_bucket(m, why, z + i * width, rows, width, error);
        if (!c) return ELBO_NO_MEMORY;
        take(m, c, c->x, rows, d, x + i * d);
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
