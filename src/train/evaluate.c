/* evaluate.c - see evaluate.h */
#include "evaluate.h"
#include "../base/mode.h"
#include "../data/data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { EVALUATE_BATCH = 512 };

/* How far the mean of number j of the code varies over what was seen. */
static double variance_of(const run_arrays *a, double seen, int64_t j)
{
    double mean = a->code_sum[j] / seen;
    return a->code_square[j] / seen - mean * mean;
}

static int64_t active_of(const run_arrays *a, double seen, int64_t n_latent)
{
    int64_t active = 0;
    for (int64_t j = 0; j < n_latent && seen > 0; j++) active += variance_of(a, seen, j) > ACTIVE_VARIANCE;
    return active;
}

static void set_term(elbo_metrics *out, const char *name, double mean)
{
    if (strcmp(name, "rec") == 0) out->rec = mean;
    else if (strcmp(name, "kl") == 0) out->kl = mean;
    else {
        elbo_term *t = &out->other[out->n_other++];
        t->value = mean;
        snprintf(t->name, sizeof t->name, "%s", name);
    }
}

elbo_metrics metrics_from(const elbo_model *m, int n_terms, const double *sums, double seen, const run_arrays *arrays)
{
    elbo_metrics out = {.active = arrays ? active_of(arrays, seen, m->info.latent_size) : 0, .count = (int64_t)seen};
    double mean[MAX_TERMS];
    for (int i = 0; i < n_terms; i++) {
        mean[i] = seen > 0 ? sums[i] / seen : 0;
        set_term(&out, m->terms[i].name, mean[i]);
    }
    if (seen > 0) out.total = model_total(m, mean);
    return out;
}

void code_add(const float *code, int64_t n, int64_t n_latent, const run_arrays *arrays)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n_latent; j++) {
            double v = (double)code[i * n_latent + j];
            arrays->code_sum[j] += v;
            arrays->code_square[j] += v * v;
        }
}

void evaluate_add(elbo_model *m, compiled *c, int64_t n, double *sums, const run_arrays *arrays)
{
    for (int t = 0; t < m->objectives[0].n_terms; t++) {
        const float *value = model_result(m, c, c->first_term + t);
        for (int64_t i = 0; i < n; i++) sums[t] += (double)value[i];
    }
    code_add(model_result(m, c, c->code), n, m->info.latent_size, arrays);
}

typedef struct evaluation {
    int64_t *index;
    void *x;
    run_arrays arrays;
    elbo_latent_use *use; /* [Z] kl: sums */
    double sums[MAX_TERMS];
    double seen;
} evaluation;

static elbo_status not_finite(elbo_model *m, const compiled *c, const evaluation *v, elbo_error *error)
{
    char where[400];
    run_env env = {.seed = (uint64_t)m->config.seed, .index = v->index};
    elbo_status status = model_blame(m, c, v->x, env, v->index, where, sizeof where, error);
    if (status != ELBO_OK) return status;
    return err_set(error, ELBO_DIVERGED, "the loss is %g; it began in %s", model_total(m, v->sums), where);
}

static void latent_kl_add(elbo_model *m, compiled *c, int64_t n, elbo_latent_use *use)
{
    int64_t z = m->info.latent_size;
    const float *kl = c->latent_kl < 0 ? NULL : model_result(m, c, c->latent_kl); /* [B,Z] */
    for (int64_t i = 0; kl && i < n; i++)
        for (int64_t j = 0; j < z; j++) use[j].kl += (double)kl[i * z + j];
}

/* Makes means of the sums, and hands them to the model. */
static void keep_latent_use(elbo_model *m, const compiled *c, evaluation *v)
{
    for (int64_t j = 0; j < m->info.latent_size; j++) {
        elbo_latent_use *u = &v->use[j];
        u->kl = c->latent_kl < 0 ? (double)NAN : u->kl / v->seen;
        u->mean = v->arrays.code_sum[j] / v->seen;
        u->variance = fmax(0, variance_of(&v->arrays, v->seen, j));
        u->active = u->variance > ACTIVE_VARIANCE;
    }
    mem_free(m->m, m->latent_use);
    m->latent_use = v->use;
    v->use = NULL;
}

static elbo_status evaluate_all(elbo_model *m, evaluation *v, elbo_dtype stored, next_examples next, void *user,
                                elbo_metrics *out, elbo_error *error)
{
    plan_key key = {.purpose = EVALUATE, .examples = EVALUATE_BATCH, .dtype = stored};
    compiled *c = NULL;
    for (;;) {
        elbo_error why = {0};
        int64_t n = next(user, EVALUATE_BATCH, v->x, v->index, &why);
        if (n < 0) return err_set(error, why.code, "%s", why.message);
        if (n == 0) break;
        c = model_plan(m, key, error);
        if (!c) return ELBO_NO_MEMORY;
        model_run(m, c, v->x, (run_env){.seed = (uint64_t)m->config.seed, .index = v->index, .examples = n});
        evaluate_add(m, c, n, v->sums, &v->arrays);
        latent_kl_add(m, c, n, v->use);
        if (!isfinite(model_total(m, v->sums))) return not_finite(m, c, v, error);
        v->seen += (double)n;
    }
    if (!c) return err_set(error, ELBO_USAGE, "there are no examples to evaluate");
    *out = metrics_from(m, m->objectives[0].n_terms, v->sums, v->seen, &v->arrays);
    keep_latent_use(m, c, v);
    return ELBO_OK;
}

elbo_status evaluate_run(elbo_model *m, elbo_dtype stored, next_examples next, void *user, elbo_metrics *out,
                         elbo_error *error)
{
    size_t bytes = (size_t)model_numbers(m) * (stored == ELBO_U8 ? 1 : sizeof(float));
    evaluation *v = mem_new(m->m, 1, sizeof *v);
    if (!v) return err_memory(error, "an evaluation");
    v->index = mem_new(m->m, EVALUATE_BATCH, sizeof *v->index);
    v->x = mem_new(m->m, EVALUATE_BATCH, bytes);
    v->use = mem_new(m->m, (size_t)m->info.latent_size, sizeof *v->use);
    elbo_status status = arrays_open(&v->arrays, m, error);
    if (status == ELBO_OK && !(v->index && v->x && v->use)) status = err_memory(error, "an evaluation");
    if (status == ELBO_OK) status = evaluate_all(m, v, stored, next, user, out, error);
    arrays_close(&v->arrays, m->m);
    mem_free(m->m, v->use);
    mem_free(m->m, v->index);
    mem_free(m->m, v->x);
    mem_free(m->m, v);
    return status;
}

const elbo_latent_use *elbo_model_latent_use(const elbo_model *m)
{
    return m->latent_use;
}

/* ---- Over a whole data set ---- */

typedef struct reading {
    elbo_data *data;
    int64_t next;
} reading;

static int64_t next_of_data(void *user, int64_t room, void *x, int64_t *index, elbo_error *error)
{
    reading *r = user;
    int64_t left = r->data->info.count - r->next, n = left < room ? left : room;
    for (int64_t i = 0; i < n; i++) index[i] = r->next + i;
    r->next += n;
    return n == 0 || data_read_raw(r->data, index, n, x, NULL, error) == ELBO_OK ? n : -1;
}

elbo_status evaluate_check(const elbo_model *m, const elbo_data_info *d, elbo_error *error)
{
    const int64_t *a = m->info.shape, *b = d->shape;
    if (a[0] == b[0] && a[1] == b[1] && a[2] == b[2]) return ELBO_OK;
    return err_set(error, ELBO_USAGE, "%s has examples of %lldx%lldx%lld (height, width, channels), but the model takes "
                                      "%lldx%lldx%lld", d->name, (long long)b[0], (long long)b[1], (long long)b[2],
                   (long long)a[0], (long long)a[1], (long long)a[2]);
}

elbo_status elbo_model_evaluate(elbo_model *m, elbo_data *data, elbo_metrics *metrics, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (evaluate_check(m, &data->info, error) != ELBO_OK) return ELBO_USAGE;
    reading r = {data, 0};
    return evaluate_run(m, data->info.dtype, next_of_data, &r, metrics, error);
}
