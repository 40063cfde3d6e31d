/* units.c - see units.h */
#include "units.h"
#include "../nn/join.h"

bool units_standardise(const elbo_config *c, const column_list *columns)
{
    enum { AUTO, TRUE, FALSE };
    return c->standardize == TRUE || (c->standardize == AUTO && columns);
}

/* ---- Runs of columns ---- */

bool units_next_run(const elbo_config *c, const column_list *columns, int64_t numbers, column_run *r)
{
    if (c->likelihood == L_columns && columns) return columns_next_run(columns, r);
    bool first = r->n == 0;
    *r = (column_run){.kind = ELBO_COLUMN_REAL, .n = numbers};
    return first;
}

int64_t units_run_features(column_run r)
{
    return r.kind == ELBO_COLUMN_CATEGORICAL ? r.levels : r.n;
}

int64_t units_features(const elbo_config *c, const column_list *columns, int64_t numbers)
{
    int64_t n = 0;
    for (column_run r = {0}; units_next_run(c, columns, numbers, &r);) n += units_run_features(r);
    return n;
}

static int64_t numbers_of(const vae *v)
{
    return v->shape[0] * v->shape[1] * v->shape[2];
}

static bool next_run(const vae *v, column_run *r)
{
    return units_next_run(v->config, v->columns, numbers_of(v), r);
}

static bool standardises(const vae *v)
{
    return units_standardise(v->config, v->columns);
}

/* "data.mean" or "data.scale": [F] */
static node *state_of(vae *v, const char *name, double value)
{
    int mark = scope_enter(&v->s, "data");
    node *x = scope_state(&v->s, name, SHAPE(units_features(v->config, v->columns, numbers_of(v))), value);
    scope_leave(&v->s, mark);
    return x;
}

/* ---- To the network ---- */

node *units_take_missing(vae *v, node *x)
{
    if (!v->columns) return x;
    v->present = flatten(g_equal(x, x));
    return g_where(g_equal(x, x), x, g_zero(x));
}

/* [B,n] to [B,features] */
static node *features_of(column_run r, node *x)
{
    bool count = r.kind == ELBO_COLUMN_COUNT || r.kind == ELBO_COLUMN_OVERDISPERSED;
    if (count) return g_log1p(x);
    return r.kind == ELBO_COLUMN_CATEGORICAL ? g_equal(x, g_cast(g_iota(x->g, r.levels), F32)) : x;
}

static node *seen_run(vae *v, column_run r, int64_t at, node *x)
{
    int64_t n = units_run_features(r);
    node *f = features_of(r, slice_last(x, r.first, r.n)), *mean = slice_last(state_of(v, "mean", 0), at, n);
    bool standard = standardises(v);
    if (standard) f = g_div(g_sub(f, mean), slice_last(state_of(v, "scale", 1), at, n));
    if (!v->present) return f;
    node *present = g_broadcast(slice_last(v->present, r.first, r.n), f->shape);
    return g_where(present, f, standard ? g_zero(f) : g_broadcast(mean, f->shape));
}

node *units_seen(vae *v, node *x)
{
    if (g_broken(x) || (!v->columns && !standardises(v))) return x;
    join all = {0};
    int64_t at = 0;
    for (column_run r = {0}; next_run(v, &r); at += units_run_features(r)) join_add(&all, seen_run(v, r, at, flatten(x)));
    return g_reshape(join_end(&all), v->columns ? SHAPE(x->shape.dim[0], 1, 1, at) : x->shape);
}

bool units_read_standard(const elbo_config *c, const column_list *columns, column_run r)
{
    takes t = likelihood_at((size_t)c->likelihood)->takes;
    return units_standardise(c, columns) && r.kind == ELBO_COLUMN_REAL && (t == TAKES_REAL || t == TAKES_COLUMNS);
}

static bool reads_standard(const vae *v, column_run r)
{
    return units_read_standard(v->config, v->columns, r);
}

node *units_read(vae *v, node *x)
{
    if (g_broken(x) || (!v->columns && !standardises(v))) return flatten(x);
    join all = {0};
    int64_t at = 0;
    for (column_run r = {0}; next_run(v, &r); at += units_run_features(r)) {
        node *y = slice_last(flatten(x), r.first, r.n);
        if (reads_standard(v, r))
            y = g_div(g_sub(y, slice_last(state_of(v, "mean", 0), at, r.n)), slice_last(state_of(v, "scale", 1), at, r.n));
        join_add(&all, y);
    }
    return join_end(&all);
}

/* ---- And back ---- */

node *units_back(vae *v, node *y)
{
    if (g_broken(y) || (!v->columns && !standardises(v))) return y;
    join all = {0};
    int64_t at = 0;
    for (column_run r = {0}; next_run(v, &r); at += units_run_features(r)) {
        node *x = slice_last(y, r.first, r.n);
        if (reads_standard(v, r)) x = g_mul(x, slice_last(state_of(v, "scale", 1), at, r.n));
        if (reads_standard(v, r) || r.kind == ELBO_COLUMN_CONSTANT) x = g_add(x, slice_last(state_of(v, "mean", 0), at, r.n));
        join_add(&all, x);
    }
    return join_end(&all);
}
