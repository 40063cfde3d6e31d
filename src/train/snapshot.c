/* snapshot.c - see snapshot.h */
#include "snapshot.h"

#include <string.h>

static bool copy(memory m, float **to, const float *from, int64_t n)
{
    if (!*to) *to = mem_new(m, (size_t)n, sizeof **to);
    if (*to) memcpy(*to, from, (size_t)n * sizeof **to);
    return *to != NULL;
}

elbo_status snapshot_take(snapshot *s, const store *from, bool slots, elbo_error *error)
{
    bool ok = copy(from->m, &s->value, from->value, from->params.size) &&
              copy(from->m, &s->state, from->state, from->states.size);
    for (int i = 0; slots && ok && i < OPTIM_SLOTS; i++)
        ok = !from->slot[i] || copy(from->m, &s->slot[i], from->slot[i], from->params.size);
    return ok ? ELBO_OK : err_memory(error, "a copy of the parameters");
}

void snapshot_restore(const snapshot *s, store *to)
{
    size_t bytes = (size_t)to->params.size * sizeof(float);
    memcpy(to->value, s->value, bytes);
    memcpy(to->state, s->state, (size_t)to->states.size * sizeof(float));
    for (int i = 0; i < OPTIM_SLOTS; i++)
        if (s->slot[i]) memcpy(to->slot[i], s->slot[i], bytes);
    store_revert(to);
}

static void exchange(float **a, float **b)
{
    float *kept = *a;
    *a = *b;
    *b = kept;
}

void snapshot_swap(snapshot *s, store *with)
{
    exchange(&s->value, &with->value);
    exchange(&s->state, &with->state);
}

void snapshot_close(snapshot *s, memory m)
{
    mem_free(m, s->value);
    mem_free(m, s->state);
    for (int i = 0; i < OPTIM_SLOTS; i++) mem_free(m, s->slot[i]);
    *s = (snapshot){.value = NULL};
}
