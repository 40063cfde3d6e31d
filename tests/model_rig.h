/* model_rig.h - models made from options in words, and a model whose training plan runs in double: what tests of whole models
 * share. */
#ifndef ELBO_TESTS_MODEL_RIG_H
#define ELBO_TESTS_MODEL_RIG_H

#include "rig.h"
#include "vae/model.h"

#include <stdlib.h>

static elbo_engine *engine; /* each test program has its own */

/* An allocator that counts what is asked for. */
static size_t requests;

static inline void *counting(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user, (void)old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    requests++;
    return realloc(ptr, new_size);
}

static inline int open_engine(void **state)
{
    (void)state;
    engine = rig_engine(1, false);
    return 0;
}

static inline int close_engine(void **state)
{
    (void)state;
    elbo_engine_close(engine);
    return 0;
}

static inline void must(elbo_status status, const elbo_error *err)
{
    if (status != ELBO_OK) print_error("%s\n", err->message);
    assert_int_equal(status, ELBO_OK);
}

/* Sets options from "key=value|key=value". */
static inline elbo_config *config_of(const char *options)
{
    elbo_error err = {0};
    elbo_config *c = elbo_config_new(engine, &err);
    assert_non_null(c);
    char words[1024], *rest = words;
    snprintf(words, sizeof words, "%s", options);
    for (char *word; (word = strtok_r(rest, "|", &rest));) {
        char *value = strchr(word, '=');
        assert_non_null(value);
        *value = 0;
        must(elbo_config_set(c, word, value + 1, &err), &err);
    }
    return c;
}

/* Whether the likelihood is one of counts: the data are then such from 0 to 4, else numbers in [0,1]. */
static inline bool counts_in(const elbo_config *c)
{
    takes t = likelihood_at((size_t)c->likelihood)->takes;
    return t == TAKES_COUNTS || t == TAKES_LEVELS;
}

/* Six columns, one of each kind. */
static inline const column_list *table_of_kinds(void)
{
    static const char *const levels[] = {"a", "b", "c"};
    static elbo_column at[] = {{.name = "real", .kind = ELBO_COLUMN_REAL},
                               {.name = "count", .kind = ELBO_COLUMN_COUNT},
                               {.name = "bit", .kind = ELBO_COLUMN_BINARY, .n_levels = 2, .levels = levels},
                               {.name = "level", .kind = ELBO_COLUMN_CATEGORICAL, .n_levels = 3, .levels = levels},
                               {.name = "wild", .kind = ELBO_COLUMN_OVERDISPERSED},
                               {.name = "same", .kind = ELBO_COLUMN_CONSTANT}};
    static const column_list table = {.n = 6, .at = at};
    return &table;
}

/* A value for number i of a batch that a model of these options can take; of a table some are missing. */
static inline double value_for(const elbo_model *m, int i)
{
    static const double most[] = {1, 5, 2, 3, 9, 1};
    double u = 0.5 + 0.45 * sin(1.9 * i);
    if (m->columns) return i % 7 == 3 ? (double)NAN : i % 6 ? floor(most[i % 6] * u) : u;
    return counts_in(&m->config) ? floor(2.5 + 2.45 * sin(1.9 * i)) : u;
}

static inline elbo_model *model_of(const char *options, const int64_t *dims)
{
    elbo_error err = {0};
    elbo_config *c = config_of(options);
    bool counts = counts_in(c);
    model_data d = {.shape = {dims[0], dims[1], dims[2]}, .max = counts ? 4 : 1, .step = counts, .draw = true};
    if (c->likelihood == L_columns)
        d = (model_data){.shape = {1, 1, 6}, .max = 9, .columns = table_of_kinds(), .draw = true};
    elbo_model *m = model_new(engine, c, &d, &err);
    elbo_config_free(c);
    if (!m) print_error("%s: %s\n", options, err.message);
    assert_non_null(m);
    must(model_trains(m, &err), &err);
    return m;
}

/* ---- A model whose training plan runs in double ---- */

static inline double *doubles(int64_t n)
{
    double *x = mem_new(&mem_standard, (size_t)n + 1, sizeof *x);
    assert_non_null(x);
    return x;
}

typedef struct exact {
    elbo_model *m;
    compiled *c;
    double *value, *gradient, *slot[2], *state, *new_state, *x, beta, capacity;
    const void *inputs[3];
    plan_buffers b;
} exact;

/* The model takes x [b,H,W,C]; its values are those of the store. */
static inline exact exact_open_objective(elbo_model *m, int number, int64_t b, const double *x)
{
    elbo_error err = {0};
    exact e = {.m = m, .beta = model_effective_beta(m), .capacity = m->config.capacity};
    e.c = model_plan(m, (plan_key){.purpose = TRAIN, .examples = b, .dtype = ELBO_F32, .objective = number,
                                 .backend = BACKEND_REF_DOUBLE},
                     &err);
    if (!e.c) print_error("%s\n", err.message);
    assert_non_null(e.c);
    int64_t n = m->store.params.size, k = m->store.states.size, d = b * model_numbers(m);
    e.value = doubles(n), e.gradient = doubles(n), e.slot[0] = doubles(n), e.slot[1] = doubles(n);
    e.state = doubles(k), e.new_state = doubles(k), e.x = doubles(d);
    for (int64_t i = 0; i < n; i++) e.value[i] = (double)m->store.value[i];
    for (int64_t i = 0; i < k; i++) e.state[i] = (double)m->store.state[i];
    memcpy(e.x, x, (size_t)d * sizeof *x);
    e.b = (plan_buffers){.values = e.value,
                         .gradients = e.gradient,
                         .state = e.state,
                         .new_state = e.new_state,
                         .arena = mem_new(&mem_standard, plan_arena_size(e.c->plan) + 64, 1),
                         .scratch = mem_new(&mem_standard, 64, 1)};
    assert_true(e.b.arena && e.b.scratch);
    return e;
}

static inline exact exact_open(elbo_model *m, int64_t b, const double *x)
{
    return exact_open_objective(m, 0, b, x);
}

static inline double exact_run(exact *e)
{
    e->inputs[0] = e->x;
    e->inputs[1] = &e->beta; /* the slots of model.c */
    e->inputs[2] = &e->capacity;
    e->b.inputs = e->inputs;
    plan_run(e->c->plan, &e->b);
    return *(const double *)plan_result(e->c->plan, e->c->loss, &e->b);
}

static inline double exact_term(const exact *e, int i)
{
    return *(const double *)plan_result(e->c->plan, e->c->first_term + i, &e->b);
}

static inline void exact_close(exact *e)
{
    double *const all[] = {e->value,     e->gradient, e->slot[0], e->slot[1],  e->state,
                           e->new_state, e->x,        e->b.arena, e->b.scratch};
    for (int i = 0; i < 9; i++) mem_free(&mem_standard, all[i]);
    elbo_model_free(e->m);
}

#endif
