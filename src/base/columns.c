/* columns.c - see columns.h */
#include "columns.h"

#include <string.h>

static const char *const kinds[] = {
#define X(name, word, text) [ELBO_COLUMN_##name] = word,
    ELBO_COLUMN_MAP(X)
#undef X
};

enum { N_KINDS = sizeof kinds / sizeof *kinds };

const char *elbo_column_kind_name(elbo_column_kind kind)
{
    return (unsigned)kind < N_KINDS ? kinds[kind] : "";
}

bool column_kind_find(const char *word, elbo_column_kind *out)
{
    for (int i = 0; i < N_KINDS; i++)
        if (strcmp(kinds[i], word) == 0) {
            *out = (elbo_column_kind)i;
            return true;
        }
    return false;
}

bool column_has_levels(elbo_column_kind kind)
{
    return kind == ELBO_COLUMN_BINARY || kind == ELBO_COLUMN_CATEGORICAL;
}

column_list *columns_new(memory m)
{
    column_list *c = mem_new(m, 1, sizeof *c);
    if (!c) return NULL;
    arena_open(&c->a, m);
    c->left_out = "";
    return c;
}

void columns_free(column_list *c)
{
    if (!c) return;
    memory m = c->a.m;
    arena_close(&c->a);
    mem_free(m, c);
}

static const char **copy_words(arena *a, const char *const *words, int64_t n)
{
    const char **copy = arena_new(a, (size_t)n, sizeof *copy);
    for (int64_t i = 0; copy && i < n; i++) copy[i] = arena_text(a, words[i]);
    return copy;
}

column_list *columns_copy(memory m, const column_list *from)
{
    column_list *c = columns_new(m);
    if (!c) return NULL;
    c->n = from->n;
    c->at = arena_new(&c->a, (size_t)c->n, sizeof *c->at);
    for (int64_t i = 0; c->at && i < c->n; i++) {
        const elbo_column *o = &from->at[i];
        c->at[i] = (elbo_column){.name = arena_text(&c->a, o->name), .kind = o->kind, .n_levels = o->n_levels,
                                 .levels = copy_words(&c->a, o->levels, o->n_levels)};
    }
    if (from->label) c->label = arena_text(&c->a, from->label);
    c->n_classes = from->n_classes;
    c->classes = copy_words(&c->a, from->classes, c->n_classes);
    if (!c->a.failed) return c;
    columns_free(c);
    return NULL;
}

bool columns_next_run(const column_list *c, column_run *r)
{
    int64_t first = r->first + r->n, end = first + 1;
    if (first >= c->n) return false;
    const elbo_column *v = &c->at[first];
    bool categorical = v->kind == ELBO_COLUMN_CATEGORICAL;
    while (!categorical && end < c->n && c->at[end].kind == v->kind) end++;
    *r = (column_run){v->kind, first, end - first, categorical ? v->n_levels : 0};
    return true;
}
