/* shards.c - see shards.h */
#include "shards.h"
#include "optimise.h"

#include <string.h>

elbo_status shards_open(shards *s, const elbo_model *m, const feed *f, elbo_error *error)
{
    const elbo_config *c = &m->config;
    *s = (shards){.n = c->shards};
    if (s->n == 1) return ELBO_OK;
    if (m->family->whole_batch)
        return err_set(error, ELBO_USAGE, "family %s needs the whole batch; shards must be 1", m->info.family);
    if (s->n > c->batch)
        return err_set(error, ELBO_USAGE, "a batch of %lld examples can't be cut into %lld shards", (long long)c->batch,
                       (long long)s->n);
    s->x = mem_new(m->m, (size_t)((f->batch + s->n - 1) / s->n), data_example_bytes(f->data));
    s->gradient = mem_new(m->m, (size_t)m->store.params.size, sizeof *s->gradient);
    s->state = mem_new(m->m, (size_t)m->store.states.size, sizeof *s->state);
    s->code = mem_new(m->m, (size_t)f->batch * (size_t)m->info.latent_size, sizeof *s->code);
    return s->x && s->gradient && s->state && s->code ? ELBO_OK : err_memory(error, "the parts of a batch");
}

void shards_close(shards *s, memory m)
{
    mem_free(m, s->x);
    mem_free(m, s->gradient);
    mem_free(m, s->state);
    mem_free(m, s->code);
    *s = (shards){.n = 0};
}

void shards_begin(shards *s, const elbo_model *m)
{
    if (s->n > 1) memset(s->gradient, 0, (size_t)m->store.params.size * sizeof *s->gradient);
}

shard shards_at(const shards *s, const feed *f, int64_t n, int64_t i)
{
    int64_t begin = n * i / s->n, end = n * (i + 1) / s->n;
    shard p = {begin, end - begin, (double)(end - begin) / (double)n, f->x};
    if (s->n == 1) return p;
    size_t bytes = data_example_bytes(f->data);
    memcpy(s->x, (const char *)f->x + (size_t)begin * bytes, (size_t)p.n * bytes);
    p.x = s->x;
    return p;
}

void shards_add(shards *s, elbo_model *m, int number, const shard *p, const float *code)
{
    if (s->n == 1) return;
    int64_t z = m->info.latent_size, states = m->store.states.size;
    gradient_add(m, m->objectives[number].group, model_share(m, number, p->share), s->gradient);
    if (number != 0) return; /* only the first has states and a code */
    memcpy(s->code + p->begin * z, code, (size_t)(p->n * z) * sizeof *code);
    double before = (double)p->begin / (double)(p->begin + p->n);
    if (p->begin == 0) memcpy(s->state, m->store.new_state, (size_t)states * sizeof *s->state);
    else optim_average((size_t)states, before, s->state, m->store.new_state);
}

void shards_end(shards *s, elbo_model *m)
{
    if (s->n == 1) return;
    float *sum = s->gradient;
    s->gradient = m->store.gradient;
    m->store.gradient = sum;
    memcpy(m->store.new_state, s->state, (size_t)m->store.states.size * sizeof *s->state);
}
