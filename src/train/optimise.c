/* optimise.c - the optimiser over a parameter group, cut into chunks that the threads share. Each number is updated by itself, so
 * the cut changes nothing. */
#include "optimise.h"

#include <math.h>
#include <stdatomic.h>

enum { CHUNK = 16384 };

typedef struct pass {
    elbo_model *m;
    const optim_settings *settings;
    optim_update update;
    int64_t begin, end;
    atomic_bool bad;
} pass;

/* The difference of a number with itself is 0 where it is finite and nan where it is not; nan stays in a sum. */
static bool are_finite(const float *x, int64_t n)
{
    float lane[16] = {0}, sum = 0;
    for (int64_t i = 0; i < n; i += 16)
        for (int k = 0; k < 16; k++) lane[k] += x[i + k] - x[i + k];
    for (int k = 0; k < 16; k++) sum += lane[k];
    return sum == 0;
}

static void update_chunk(void *arg, int part, int worker)
{
    (void)worker;
    pass *p = arg;
    store *s = &p->m->store;
    int64_t begin = p->begin + (int64_t)part * CHUNK, end = begin + CHUNK < p->end ? begin + CHUNK : p->end;
    float *slot[OPTIM_SLOTS];
    for (int i = 0; i < OPTIM_SLOTS; i++) slot[i] = s->slot[i] ? s->slot[i] + begin : NULL;
    p->update(p->settings, (size_t)(end - begin), s->value + begin, s->gradient + begin, slot);
    if (!are_finite(s->value + begin, end - begin)) atomic_store_explicit(&p->bad, true, memory_order_relaxed);
}

bool optimise(elbo_model *m, const char *group, const optim_settings *o)
{
    pass p = {.m = m, .settings = o, .update = optim_at((size_t)m->config.optimizer)->update};
    store_range(&m->store, group, &p.begin, &p.end);
    pool_mode mode = pool_enter();
    pool_run(m->engine->threads, (int)((p.end - p.begin + CHUNK - 1) / CHUNK), update_chunk, &p);
    pool_leave(mode);
    return !atomic_load(&p.bad);
}

bool gradient_is_finite(const elbo_model *m, const char *group)
{
    int64_t begin, end;
    store_range(&m->store, group, &begin, &end);
    return are_finite(m->store.gradient + begin, end - begin);
}

double gradient_norm(const elbo_model *m, const char *group)
{
    int64_t begin, end;
    store_range(&m->store, group, &begin, &end);
    const float *g = m->store.gradient;
    double lane[16] = {0}, sum = 0;
    for (int64_t i = begin; i < end; i += 16)
        for (int k = 0; k < 16; k++) lane[k] += (double)g[i + k] * (double)g[i + k];
    for (int k = 0; k < 16; k++) sum += lane[k];
    return sqrt(sum);
}
