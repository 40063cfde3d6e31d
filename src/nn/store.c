/* store.c - see store.h */
#include "store.h"
#include "init.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_NUMBERS = 16 }; /* 64 bytes */

layout layout_plain(shape s)
{
    layout l = {.view = s, .exported = s};
    for (int i = 0; i < s.rank; i++) l.order[i] = (int8_t)i;
    return l;
}

void store_open(store *s, memory m)
{
    *s = (store){.m = m};
}

void store_close(store *s)
{
    mem_free(s->m, s->params.at);
    mem_free(s->m, s->states.at);
    mem_free(s->m, s->value);
    mem_free(s->m, s->gradient);
    for (int i = 0; i < OPTIM_SLOTS; i++) mem_free(s->m, s->slot[i]);
    mem_free(s->m, s->state);
    mem_free(s->m, s->new_state);
    store_open(s, s->m);
}

const entry *store_find(const entry_list *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->at[i].name, name) == 0) return &l->at[i];
    return NULL;
}

static entry *append(store *s, entry_list *l)
{
    if (l->n == l->room) {
        int room = l->room ? 2 * l->room : 32;
        entry *at = mem_resize(s->m, l->at, (size_t)room, sizeof *at);
        if (!at) return NULL;
        l->at = at;
        l->room = room;
    }
    return &l->at[l->n++];
}

static int group_number(store *s, const char *group)
{
    for (int i = 0; i < s->n_groups; i++)
        if (strcmp(s->groups[i], group) == 0) return i;
    if (s->n_groups == 4 || strlen(group) >= sizeof s->groups[0]) return -1;
    snprintf(s->groups[s->n_groups], sizeof s->groups[0], "%s", group);
    return s->n_groups++;
}

static const entry *known(const entry *e, shape dims, const char **why)
{
    *why = "it was made before with another shape";
    return shape_equal(e->shape, dims) ? e : NULL;
}

static const entry *declare(store *s, entry_list *l, const entry *wanted, const char **why)
{
    *why = "the model has no such tensor";
    if (s->finished) return NULL;
    *why = "its name is too long, or there are too many groups";
    if (wanted->group < 0 || strlen(wanted->name) + 1 >= STORE_NAME) return NULL;
    entry *e = append(s, l);
    *why = NULL;
    if (e) *e = *wanted;
    return e;
}

const entry *store_param(store *s, const char *name, const char *group, shape dims, const layout *l, init_rule init,
                         const char **why)
{
    const entry *e = store_find(&s->params, name);
    if (e) return known(e, dims, why);
    entry wanted = {.group = group_number(s, group), .count = shape_count(dims), .shape = dims, .layout = *l,
                    .init = init};
    snprintf(wanted.name, sizeof wanted.name, "%s", name);
    return declare(s, &s->params, &wanted, why);
}

const entry *store_state(store *s, const char *name, shape dims, double value, const char **why)
{
    const entry *e = store_find(&s->states, name);
    if (e) return known(e, dims, why);
    entry wanted = {.count = shape_count(dims), .shape = dims, .layout = layout_plain(dims), .init = {.value = value}};
    snprintf(wanted.name, sizeof wanted.name, "%s", name);
    return declare(s, &s->states, &wanted, why);
}

/* ---- Finishing ---- */

/* By group, in the order of declaration within one: insertion sort, which keeps equal ones in order. */
static void sort_by_group(entry_list *l)
{
    for (int i = 1; i < l->n; i++) {
        entry e = l->at[i];
        int j = i;
        for (; j > 0 && l->at[j - 1].group > e.group; j--) l->at[j] = l->at[j - 1];
        l->at[j] = e;
    }
}

static void give_offsets(entry_list *l)
{
    for (int i = 0; i < l->n; i++) {
        l->at[i].offset = l->size;
        l->size += (l->at[i].count + ALIGN_NUMBERS - 1) / ALIGN_NUMBERS * ALIGN_NUMBERS;
    }
}

static bool allocate(store *s)
{
    s->value = mem_new(s->m, (size_t)s->params.size, sizeof(float));
    s->state = mem_new(s->m, (size_t)s->states.size, sizeof(float));
    s->new_state = mem_new(s->m, (size_t)s->states.size, sizeof(float));
    return s->value && s->state && s->new_state;
}

static elbo_status initialise(store *s, const entry_list *l, float *base, uint64_t seed, elbo_error *error)
{
    int64_t most = 1;
    for (int i = 0; i < l->n; i++) most = l->at[i].count > most ? l->at[i].count : most;
    float *drawn = mem_new(s->m, (size_t)most, sizeof *drawn);
    if (!drawn) return err_memory(error, "initial values");
    for (int i = 0; i < l->n; i++) {
        init_draw(&l->at[i].init, l->at[i].name, seed, l->at[i].count, drawn);
        store_import(&l->at[i], drawn, base);
    }
    mem_free(s->m, drawn);
    return ELBO_OK;
}

elbo_status store_finish(store *s, elbo_error *error)
{
    s->finished = true;
    sort_by_group(&s->params);
    give_offsets(&s->params);
    give_offsets(&s->states);
    return allocate(s) ? ELBO_OK : err_memory(error, "the model's parameters");
}

elbo_status store_draw(store *s, uint64_t seed, elbo_error *error)
{
    elbo_status status = initialise(s, &s->params, s->value, seed, error);
    if (status == ELBO_OK) status = initialise(s, &s->states, s->state, seed, error);
    store_revert(s);
    return status;
}

elbo_status store_train(store *s, const optimiser *how, const optim_settings *o, elbo_error *error)
{
    size_t n = (size_t)s->params.size;
    if (!s->gradient) s->gradient = mem_new(s->m, n, sizeof(float));
    bool ok = s->gradient != NULL;
    for (int i = 0; i < OPTIM_SLOTS; i++) {
        if (!optim_needs(how, i, o)) continue;
        if (!s->slot[i]) s->slot[i] = mem_new(s->m, n, sizeof(float));
        ok = ok && s->slot[i];
    }
    return ok ? ELBO_OK : err_memory(error, "gradients and the optimiser's arrays");
}

void store_commit(store *s)
{
    memcpy(s->state, s->new_state, (size_t)s->states.size * sizeof *s->state);
}

void store_revert(store *s)
{
    memcpy(s->new_state, s->state, (size_t)s->states.size * sizeof *s->state);
}

int64_t store_parameters(const store *s)
{
    int64_t n = 0;
    for (int i = 0; i < s->params.n; i++) n += s->params.at[i].count;
    return n;
}

static int64_t padded_end(const entry_list *l, int i)
{
    return i + 1 < l->n ? l->at[i + 1].offset : l->size;
}

void store_range(const store *s, const char *group, int64_t *begin, int64_t *end)
{
    *begin = *end = 0;
    bool any = false;
    for (int i = 0; i < s->params.n; i++) {
        const entry *e = &s->params.at[i];
        if (group && strcmp(s->groups[e->group], group) != 0) continue;
        if (!any) *begin = e->offset;
        any = true;
        *end = padded_end(&s->params, i);
    }
}

/* ---- Layouts ---- */

/* How far one moves inside for a step along each axis outside. */
static void outside_strides(const layout *l, int64_t *stride)
{
    int64_t inside[MAX_RANK], count = 1;
    for (int d = l->view.rank - 1; d >= 0; d--) {
        inside[d] = count;
        count *= l->view.dim[d];
    }
    /* cppcheck-suppress uninitvar ; as many are set as are read */
    for (int d = 0; d < l->view.rank; d++) stride[d] = inside[l->order[d]];
}

/* Visits the tensor in exported order, one run along the last axis after another; at tells where a run begins inside. */
static void copy_permuted(const entry *e, const float *from, float *to, bool exporting)
{
    const layout *l = &e->layout;
    int last = l->view.rank - 1;
    int64_t stride[MAX_RANK] = {1}, index[MAX_RANK] = {0}, n = last < 0 ? 1 : l->view.dim[l->order[last]];
    outside_strides(l, stride);
    int64_t step = last < 0 ? 1 : stride[last];
    for (int64_t i = 0; i < e->count; i += n) {
        int64_t at = 0;
        for (int d = 0; d < last; d++) at += index[d] * stride[d];
        if (exporting) for (int64_t k = 0; k < n; k++) to[i + k] = from[at + k * step];
        else for (int64_t k = 0; k < n; k++) to[at + k * step] = from[i + k];
        for (int d = last - 1; d >= 0 && ++index[d] == l->view.dim[l->order[d]]; d--) index[d] = 0;
    }
}

void store_export(const entry *e, const float *base, float *out)
{
    copy_permuted(e, base + e->offset, out, true);
}

void store_import(const entry *e, const float *in, float *base)
{
    copy_permuted(e, in, base + e->offset, false);
}
