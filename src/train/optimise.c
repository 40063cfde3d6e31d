/* optimise.c - the passes over flat memory that end a step: is the gradient finite, how long is it, and the update. Each is cut
 * into chunks that the threads share; how depends on the size of the group only. */
#include "optimise.h"

#include <math.h>
#include <stdatomic.h>

enum {
    CHUNK = 4096,      /* numbers updated together: with the optimiser's arrays they stay in the nearest cache */
    MAX_PARTS = 64,
    PART = 1 << 15,    /* numbers that are worth another thread */
};

typedef struct pass {
    elbo_model *m;
    const optim_settings *settings;
    optim_update update;
    float *sum;   /* or running mean */
    double share; /* or what is kept of it */
    int64_t begin, end;
    int parts;
    double squares[MAX_PARTS];
    atomic_bool bad;
} pass;

static pass pass_over(elbo_model *m, const char *group)
{
    pass p = {.m = m};
    store_range(&m->store, group, &p.begin, &p.end);
    int64_t parts = (p.end - p.begin) / PART;
    p.parts = parts < 1 ? 1 : parts > MAX_PARTS ? MAX_PARTS : (int)parts;
    return p;
}

static void run(pass *p, pool_fn fn)
{
    pool_mode mode = pool_enter();
    pool_run(p->m->engine->threads, p->parts, fn, p);
    pool_leave(mode);
}

static int64_t part_begin(const pass *p, int part)
{
    int64_t lines = (p->end - p->begin) / 16; /* padded to whole ones */
    return p->begin + lines * part / p->parts * 16;
}

static void note(pass *p, bool finite)
{
    if (!finite) atomic_store_explicit(&p->bad, true, memory_order_relaxed);
}

static void update_part(void *arg, int part, int worker)
{
    (void)worker;
    pass *p = arg;
    store *s = &p->m->store;
    int64_t end = part_begin(p, part + 1);
    for (int64_t at = part_begin(p, part), n; at < end; at += n) {
        n = end - at < CHUNK ? end - at : CHUNK;
        float *slot[OPTIM_SLOTS];
        for (int i = 0; i < OPTIM_SLOTS; i++) slot[i] = s->slot[i] ? s->slot[i] + at : NULL;
        p->update(p->settings, (size_t)n, s->value + at, s->gradient + at, slot);
        note(p, optim_finite((size_t)n, s->value + at));
    }
}

bool optimise(elbo_model *m, const char *group, const optim_settings *o)
{
    pass p = pass_over(m, group);
    p.settings = o;
    p.update = optim_at((size_t)m->config.optimizer)->update;
    run(&p, update_part);
    return !atomic_load(&p.bad);
}

static void look_at_part(void *arg, int part, int worker)
{
    (void)worker;
    pass *p = arg;
    int64_t begin = part_begin(p, part), end = part_begin(p, part + 1);
    note(p, optim_finite((size_t)(end - begin), p->m->store.gradient + begin));
}

bool gradient_is_finite(elbo_model *m, const char *group)
{
    pass p = pass_over(m, group);
    run(&p, look_at_part);
    return !atomic_load(&p.bad);
}

static void square_part(void *arg, int part, int worker)
{
    (void)worker;
    pass *p = arg;
    int64_t begin = part_begin(p, part), end = part_begin(p, part + 1);
    p->squares[part] = optim_squares((size_t)(end - begin), p->m->store.gradient + begin);
}

double gradient_norm(elbo_model *m, const char *group)
{
    pass p = pass_over(m, group);
    run(&p, square_part);
    double sum = 0;
    for (int i = 0; i < p.parts; i++) sum += p.squares[i];
    return sqrt(sum);
}

static void add_part(void *arg, int part, int worker)
{
    (void)worker;
    pass *p = arg;
    int64_t begin = part_begin(p, part), end = part_begin(p, part + 1);
    optim_add((size_t)(end - begin), p->share, p->sum + begin, p->m->store.gradient + begin);
}

void gradient_add(elbo_model *m, const char *group, double share, float *sum)
{
    pass p = pass_over(m, group);
    p.sum = sum;
    p.share = share;
    run(&p, add_part);
}

static void average_part(void *arg, int part, int worker)
{
    (void)worker;
    pass *p = arg;
    int64_t begin = part_begin(p, part), end = part_begin(p, part + 1);
    optim_average((size_t)(end - begin), p->share, p->sum + begin, p->m->store.value + begin);
}

void average_step(elbo_model *m, snapshot *average, int64_t step)
{
    pass p = pass_over(m, NULL);
    p.sum = average->value;
    p.share = optim_keep(m->config.ema, step);
    run(&p, average_part);
    optim_average((size_t)m->store.states.size, p.share, average->state, m->store.state);
}
