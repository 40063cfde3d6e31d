/* likelihoods_columns.c - a table: each run of columns by the likelihood of their kind. What the decoder emits and what is
 * read are in the order of the columns; a constant column is neither emitted nor a part of the loss. */
#include "join.h"
#include "likelihoods.h"

likelihood columns_run_likelihood(const likelihood *l, column_run run)
{
    static const likelihood_kind kinds[] = {
        [ELBO_COLUMN_REAL] = L_gaussian,
        [ELBO_COLUMN_COUNT] = L_poisson,
        [ELBO_COLUMN_OVERDISPERSED] = L_negative_binomial,
        [ELBO_COLUMN_BINARY] = L_bernoulli,
        [ELBO_COLUMN_CATEGORICAL] = L_categorical,
        [ELBO_COLUMN_CONSTANT] = L_squared,
    };
    likelihood one = *l;
    one.kind = kinds[run.kind];
    one.low = 0;
    one.step = 1;
    one.levels = run.levels;
    one.present = l->present ? slice_last(l->present, run.first, run.n) : NULL;
    return one;
}

int64_t columns_run_emits(const likelihood *l, column_run run)
{
    likelihood one = *l;
    one.present = NULL;
    one = columns_run_likelihood(&one, run);
    return run.kind == ELBO_COLUMN_CONSTANT ? 0 : likelihood_emits(&one, run.n);
}

int64_t columns_emit(const likelihood *l)
{
    int64_t sum = 0;
    for (column_run run = {0}; columns_next_run(l->columns, &run);) sum += columns_run_emits(l, run);
    return sum;
}

/* A run that is emitted, its likelihood, and where its numbers lie in what the decoder emits. */
typedef struct emitted {
    column_run run;
    likelihood one;
    int64_t at, n;
} emitted;

/* The next of them; begins with zeros. */
static bool next_emitted(const likelihood *l, emitted *e)
{
    e->at += e->n;
    do {
        if (!columns_next_run(l->columns, &e->run)) return false;
        e->n = columns_run_emits(l, e->run);
    } while (e->n == 0);
    e->one = columns_run_likelihood(l, e->run);
    return true;
}

node *columns_nll(scope *s, const likelihood *l, node *r, node *x)
{
    node *sum = NULL;
    for (emitted e = {0}; next_emitted(l, &e);) {
        int mark = scope_enter(s, "%lld", (long long)e.run.first);
        node *nll = likelihood_nll(s, &e.one, slice_last(r, e.at, e.n), slice_last(x, e.run.first, e.run.n));
        scope_leave(s, mark);
        sum = sum ? g_add(sum, nll) : nll;
    }
    return sum ? sum : g_sum_last(g_zero(r));
}

node *columns_parameters(scope *s, const likelihood *l, node *r)
{
    join all = {0};
    emitted e = {0};
    while (next_emitted(l, &e)) {
        int mark = scope_enter(s, "%lld", (long long)e.run.first);
        join_add(&all, likelihood_parameters(s, &e.one, slice_last(r, e.at, e.n)));
        scope_leave(s, mark);
    }
    return e.at ? join_end(&all) : r;
}

/* Categorical: the most likely level. A probability between the levels of a binary one is its mean. */
static node *run_mean(const likelihood *l, column_run run, node *r, int64_t at, int64_t emits)
{
    shape s = r->shape;
    s.dim[s.rank - 1] = run.n;
    if (emits == 0) return g_constant(r->g, 0, s);
    likelihood one = columns_run_likelihood(l, run);
    node *mine = slice_last(r, at, emits);
    return run.kind == ELBO_COLUMN_CATEGORICAL ? g_reshape(g_cast(g_argmax(mine), F32), s) : likelihood_mean(&one, mine);
}

node *columns_mean(const likelihood *l, node *r)
{
    join all = {0};
    int64_t at = 0;
    for (column_run run = {0}; columns_next_run(l->columns, &run);) {
        int64_t emits = columns_run_emits(l, run);
        join_add(&all, run_mean(l, run, r, at, emits));
        at += emits;
    }
    return join_end(&all);
}
