/* store.c - see store.h */
#include "store.h"
#include "init.h"
#include "../base/integer.h"

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

/* A tensor in its two orders: the size of each axis as exported, and how far a step along it moves outside and inside. */
typedef struct orders {
    int rank;
    int64_t size[MAX_RANK], outside[MAX_RANK], inside[MAX_RANK];
} orders;

static orders orders_of(const layout *l)
{
    orders o = {.rank = l->view.rank};
    int64_t inside[MAX_RANK], count = 1;
    for (int d = o.rank - 1; d >= 0; d--) {
        inside[d] = count;
        count *= l->view.dim[d];
    }
    count = 1;
    for (int d = o.rank - 1; d >= 0; d--) {
        o.size[d] = l->view.dim[l->order[d]];
        /* cppcheck-suppress uninitvar ; as many are set as are read */
        o.inside[d] = inside[l->order[d]];
        o.outside[d] = count;
        count *= o.size[d];
    }
    return o;
}

/* The axis along which numbers lie side by side; the first where there is one number only. */
static int fast_axis(const orders *o, const int64_t *stride)
{
    for (int d = 0; d < o->rank; d++)
        if (stride[d] == 1 && o->size[d] > 1) return d;
    return 0;
}

/* m rows of n numbers, which lie side by side along a row of to, and in from along a column (or a row): in strips as wide as a
 * line of the cache, so that lines are used whole on both sides. */
static void copy_plane(int64_t m, int64_t n, const float *from, const int64_t *apart, float *to, int64_t rows_apart)
{
    enum { STRIP = 16 };
    for (int64_t j = 0; j < n; j += STRIP) {
        for (int64_t i = 0, some = least(STRIP, n - j); i < m; i++) {
            const float *x = from + i * apart[0] + j * apart[1];
            float *y = to + i * rows_apart + j;
            for (int64_t k = 0; k < some; k++) y[k] = x[k * apart[1]];
        }
    }
}

/* Plane by plane: the axes that are fast on either side, all others one by one. */
static void copy_ordered(const entry *e, const float *from, float *to, bool exporting)
{
    orders o = orders_of(&e->layout);
    const int64_t *f = exporting ? o.inside : o.outside, *t = exporting ? o.outside : o.inside;
    int row = fast_axis(&o, f), column = fast_axis(&o, t);
    int64_t n = o.rank ? o.size[column] : 1, m = o.rank && row != column ? o.size[row] : 1;
    /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): no size of a tensor is 0 */
    for (int64_t plane = 0; plane < e->count / (m * n); plane++) {
        int64_t rest = plane, from_at = 0, to_at = 0;
        for (int d = 0; d < o.rank; d++) {
            if (d == row || d == column) continue;
            from_at += rest % o.size[d] * f[d];
            to_at += rest % o.size[d] * t[d];
            rest /= o.size[d];
        }
        copy_plane(m, n, from + from_at, (const int64_t[]){f[row], f[column]}, to + to_at, t[row]);
    }
}

void store_export(const entry *e, const float *base, float *out)
{
    copy_ordered(e, base + e->offset, out, true);
}

void store_import(const entry *e, const float *in, float *base)
{
    copy_ordered(e, in, base + e->offset, false);
}
