/* test_passes.c - the passes over a group's numbers that end a step, in parts that threads share: each is what one loop over the
 * group makes, and leaves the numbers of other groups alone. */
#include "model_rig.h"

#include "train/optimise.h"

static const char *const groups[] = {"model", "critic"};

static elbo_model *m;
static int64_t begin, end;

/* A model of pictures of so many rows, and numbers to begin with; the group looked at becomes [begin, end), of many parts. */
static void open_model(const char *options, int64_t height, const char *group)
{
    m = model_of(options, (int64_t[]){height, 16, 1});
    store *s = &m->store;
    store_range(s, group, &begin, &end);
    assert_true(end - begin > 2 * (1 << 15) && end - begin <= s->params.size);
    for (int64_t i = 0; i < s->params.size; i++) {
        s->value[i] = (float)sin(0.3 * (double)i);
        s->gradient[i] = (float)cos(0.7 * (double)i);
    }
    for (int64_t i = 0; i < s->states.size; i++) s->state[i] = (float)sin(0.2 * (double)i);
}

/* A model with two groups. */
static void open_groups(const char *group)
{
    open_model("family=factor|encoder=dense 300 bn|decoder=dense 300|critic=dense 300; dense 300|latent=2|ema=0.9", 16, group);
}

static float *copy_of(const float *x, int64_t n)
{
    float *copy = malloc((size_t)n * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, x, (size_t)n * sizeof *copy);
    return copy;
}

static void assert_same(const float *got, const float *want, int64_t n)
{
    assert_memory_equal(got, want, (size_t)n * sizeof *got);
}

/* Also of the most parts there are. */
static void test_norm(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        if (k < 2) open_groups(groups[k]);
        else open_model("encoder=dense 700|decoder=dense 700|optimizer=sgd", 100, "model");
        double sum = 0;
        for (int64_t i = begin; i < end; i++) sum += (double)m->store.gradient[i] * (double)m->store.gradient[i];
        assert_true(rig_near(gradient_norm(m, k < 2 ? groups[k] : "model"), sqrt(sum), 1e-12, 0));
        elbo_model_free(m);
    }
}

/* At the first and the last number, those around the ends of parts, and in the other group. */
static void test_not_finite(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        open_groups(groups[k]);
        int64_t n = m->store.params.size, middle = begin + (end - begin) / 32 * 16;
        const int64_t at[] = {0, begin, middle - 1, middle, middle + 1, end - 1, n - 1};
        assert_true(gradient_is_finite(m, groups[k]));
        for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
            float kept = m->store.gradient[at[i]];
            m->store.gradient[at[i]] = NAN;
            assert_int_equal(gradient_is_finite(m, groups[k]), at[i] < begin || at[i] >= end);
            m->store.gradient[at[i]] = kept;
        }
        elbo_model_free(m);
    }
}

static void test_sum(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        open_groups(groups[k]);
        int64_t n = m->store.params.size;
        float *got = copy_of(m->store.value, n), *want = copy_of(m->store.value, n);
        gradient_add(m, groups[k], 0.3, got);
        for (int64_t i = begin; i < end; i++) want[i] += 0.3f * m->store.gradient[i];
        assert_same(got, want, n);
        free(got);
        free(want);
        elbo_model_free(m);
    }
}

/* Of all groups, and of the states. */
static void test_average(void **state)
{
    (void)state;
    open_groups(groups[0]);
    store *s = &m->store;
    snapshot average = {0};
    elbo_error err = {0};
    must(snapshot_take(&average, s, false, &err), &err);
    for (int64_t i = 0; i < s->params.size; i++) average.value[i] = (float)cos(0.1 * (double)i);
    float *value = copy_of(average.value, s->params.size), *old = copy_of(average.state, s->states.size);
    for (int64_t i = 0; i < s->states.size; i++) s->state[i] += 1;
    average_step(m, &average, 5);
    float share = (float)(1 - optim_keep(0.9, 5));
    for (int64_t i = 0; i < s->params.size; i++) value[i] += share * (s->value[i] - value[i]);
    for (int64_t i = 0; i < s->states.size; i++) old[i] += share * (s->state[i] - old[i]);
    assert_true(s->states.size > 0);
    assert_same(average.value, value, s->params.size);
    assert_same(average.state, old, s->states.size);
    free(value);
    free(old);
    snapshot_close(&average, s->m);
    elbo_model_free(m);
}

static void test_update(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        open_groups(groups[k]);
        store *s = &m->store;
        optim_settings o = model_optimiser(m, k);
        o.step = 1;
        float *want = copy_of(s->value, s->params.size), *slots[OPTIM_SLOTS] = {0}, *at[OPTIM_SLOTS] = {0};
        for (int i = 0; i < OPTIM_SLOTS; i++)
            if (s->slot[i]) slots[i] = copy_of(s->slot[i], s->params.size), at[i] = slots[i] + begin;
        optim_at((size_t)m->config.optimizer)->update(&o, (size_t)(end - begin), want + begin, s->gradient + begin, at);
        assert_true(optimise(m, groups[k], &o));
        assert_same(s->value, want, s->params.size);
        for (int i = 0; i < OPTIM_SLOTS; i++)
            if (slots[i]) assert_same(s->slot[i], slots[i], s->params.size);
        s->value[end - 1] = INFINITY;
        assert_false(optimise(m, groups[k], &o));
        for (int i = 0; i < OPTIM_SLOTS; i++) free(slots[i]);
        free(want);
        elbo_model_free(m);
    }
}

/* A part of a batch counts by its share, but where losses of examples are summed; what a critic learns is a mean all the same. */
static void test_shares(void **state)
{
    (void)state;
    static const char *const reductions[] = {"sum", "example", "mean"};
    for (int i = 0; i < 3; i++) {
        char options[64];
        snprintf(options, sizeof options, "family=factor|reduction=%s", reductions[i]);
        m = model_of(options, (int64_t[]){1, 2, 1});
        assert_true(model_share(m, 0, 0.25) == (i == 0 ? 1 : 0.25));
        assert_true(model_share(m, 1, 0.25) == 0.25);
        elbo_model_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_norm),    cmocka_unit_test(test_not_finite), cmocka_unit_test(test_sum),
        cmocka_unit_test(test_average), cmocka_unit_test(test_update),     cmocka_unit_test(test_shares),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
