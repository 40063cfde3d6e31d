/* join.c - see join.h */
#include "join.h"

node *slice_last(node *x, int64_t begin, int64_t n)
{
    return g_broken(x) ? x : g_slice(x, x->shape.rank - 1, begin, n);
}

static node *concat_last(node *const *x, int n)
{
    for (int i = 0; i < n; i++)
        if (g_broken(x[i])) return x[i];
    return g_concat(x, n, x[0]->shape.rank - 1);
}

static void add_at(join *j, int level, node *x)
{
    j->at[level][j->n[level]++] = x;
    if (j->n[level] < MAX_IN || level + 1 == JOIN_LEVELS) return;
    j->n[level] = 0;
    add_at(j, level + 1, concat_last(j->at[level], MAX_IN));
}

void join_add(join *j, node *x)
{
    add_at(j, 0, x);
}

/* The levels below hold what was added last. */
node *join_end(join *j)
{
    node *all = NULL;
    for (int level = 0; level < JOIN_LEVELS; level++) {
        node *row[MAX_IN];
        int n = 0;
        for (int i = 0; i < j->n[level]; i++) row[n++] = j->at[level][i];
        if (all) row[n++] = all;
        if (n > 0) all = concat_last(row, n);
    }
    return all;
}
