/* test_programs.c - whole PyTorch programs: their weights load by their own names, and then elbo has PyTorch's loss, gradients,
 * moved statistics, codes and pictures; files that do not fit are refused. */
#include "golden/golden.h"
#include "model_rig.h"

#include "export/safetensors.h"
#include "golden/programs.h"

enum { N_PROGRAMS = sizeof golden_programs / sizeof *golden_programs, B = 4, MOST = 1024 };

static elbo_model *loaded(const golden_program *p)
{
    char path[512];
    elbo_error err = {0};
    elbo_model *m = model_of(p->config, p->shape);
    snprintf(path, sizeof path, "%s/golden/%s.safetensors", ELBO_TEST_DIR, p->name);
    if (elbo_model_import(m, path, &err) != ELBO_OK) fail_msg("%s", err.message);
    return m;
}

static float *pixels_of(const golden_program *p, const elbo_model *m)
{
    int64_t n = B * model_numbers(m);
    float *x = mem_new(&mem_standard, (size_t)n, sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(p->x[i] / 256);
    return x;
}

static bool near(const char *what, const double *got, const double *want, int64_t n, double tolerance)
{
    double largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(want[i]));
    for (int64_t i = 0; i < n; i++) {
        if (fabs(got[i] - want[i]) <= tolerance * largest) continue;
        print_error("%s [%lld]: got %.15g, expected %.15g\n", what, (long long)i, got[i], want[i]);
        return false;
    }
    return true;
}

static bool near_floats(const char *what, const float *got, const double *want, int64_t n, double tolerance)
{
    double *wide = doubles(n);
    for (int64_t i = 0; i < n; i++) wide[i] = (double)got[i];
    bool ok = near(what, wide, want, n, tolerance);
    mem_free(&mem_standard, wide);
    return ok;
}

/* A tensor of a flat array against a golden one, which is in PyTorch's layout: imported, the order tells where it lies inside. */
static bool entry_near(const entry *e, const double *base, const double *want, double tolerance)
{
    float order[MOST], inside[MOST];
    double expected[MOST];
    entry alone = *e;
    alone.offset = 0;
    assert_true(e->count <= MOST);
    for (int64_t i = 0; i < e->count; i++) order[i] = (float)i;
    store_import(&alone, order, inside);
    for (int64_t i = 0; i < e->count; i++) expected[i] = want[(int64_t)inside[i]];
    return near(e->name, base + e->offset, expected, e->count, tolerance);
}

static bool values_near(const golden_program *p, const store *s, const double *gradient, const double *state,
                        double tolerance)
{
    bool ok = true;
    for (int i = 0; i < p->n_values; i++) {
        const golden_value *v = &p->values[i];
        const entry *param = store_find(&s->params, v->name), *kept = store_find(&s->states, v->name);
        const entry *e = param ? param : kept;
        if (!e) fail_msg("no %s", v->name);
        assert_int_equal(e->count, v->n);
        ok = entry_near(e, param ? gradient : state, v->v, tolerance) && ok;
    }
    return ok;
}

/* ---- One training step ---- */

static void test_step_double(void **state)
{
    (void)state;
    for (int k = 0; k < N_PROGRAMS; k++) {
        const golden_program *p = &golden_programs[k];
        elbo_model *m = loaded(p);
        int64_t d = B * model_numbers(m);
        double *x = doubles(d);
        for (int64_t i = 0; i < d; i++) x[i] = p->x[i] / 256;
        exact e = exact_open(m, B, x);
        e.b.env = (run_env){.seed = p->seed, .step = p->step, .index = p->index};
        assert_true(rig_near(exact_run(&e), p->loss, 1e-9, 0));
        assert_true(rig_near(exact_term(&e, 1), p->kl, 1e-9, 0));
        assert_true(values_near(p, &m->store, e.gradient, e.new_state, 1e-9));
        mem_free(&mem_standard, x);
        exact_close(&e);
    }
}

static void test_step_float(void **state)
{
    (void)state;
    for (int k = 0; k < N_PROGRAMS; k++) {
        const golden_program *p = &golden_programs[k];
        elbo_model *m = loaded(p);
        plan_key key = {.purpose = TRAIN, .examples = B, .dtype = ELBO_F32, .backend = BACKEND_CPU};
        compiled *c = model_plan(m, key, NULL);
        assert_non_null(c);
        float *x = pixels_of(p, m);
        model_run(m, c, x, (run_env){.seed = p->seed, .step = p->step, .index = p->index});
        assert_true(rig_near((double)*model_result(m, c, c->loss), p->loss, 1e-5, 0));
        double *gradient = doubles(m->store.params.size), *moved = doubles(m->store.states.size);
        for (int64_t i = 0; i < m->store.params.size; i++) gradient[i] = (double)m->store.gradient[i];
        for (int64_t i = 0; i < m->store.states.size; i++) moved[i] = (double)m->store.new_state[i];
        assert_true(values_near(p, &m->store, gradient, moved, 1e-4));
        mem_free(&mem_standard, gradient);
        mem_free(&mem_standard, moved);
        mem_free(&mem_standard, x);
        elbo_model_free(m);
    }
}

/* ---- Evaluating ---- */

static void test_outputs(void **state)
{
    (void)state;
    for (int k = 0; k < N_PROGRAMS; k++) {
        const golden_program *p = &golden_programs[k];
        elbo_model *m = loaded(p);
        int64_t z = m->info.latent_size, d = model_numbers(m);
        float *x = pixels_of(p, m), codes[2 * B * 8], mean[B * 8], std[B * 8];
        assert_true(z <= 8);
        assert_int_equal(elbo_model_encode(m, x, B, mean, std, NULL), ELBO_OK);
        for (int64_t i = 0; i < 2 * B * z; i++) codes[i] = i % (2 * z) < z ? mean[i / (2 * z) * z + i % (2 * z)]
                                                                           : std[i / (2 * z) * z + i % (2 * z) - z];
        assert_true(near_floats("codes", codes, p->codes, 2 * B * z, 1e-5));
        float *out = mem_new(&mem_standard, (size_t)(2 * d), sizeof *out);
        assert_non_null(out);
        assert_int_equal(elbo_model_reconstruct(m, x, 2, out, NULL), ELBO_OK);
        assert_true(near_floats("pictures", out, p->pictures, 2 * d, 1e-5));
        mem_free(&mem_standard, out);
        mem_free(&mem_standard, x);
        elbo_model_free(m);
    }
}

/* ---- Files that do not fit ---- */

/* The file of program k with a change made by edit, which returns how many tensors are left; the message of the refusal. */
static void refuse(int k, size_t (*edit)(st_tensor *t, size_t n), const char *part)
{
    char path[512];
    st_file *f;
    st_tensor tensors[64];
    elbo_error err = {0};
    const golden_program *p = &golden_programs[k];
    snprintf(path, sizeof path, "%s/golden/%s.safetensors", ELBO_TEST_DIR, p->name);
    assert_int_equal(st_read(&mem_standard, path, 1 << 20, &f, &err), ELBO_OK);
    size_t n = st_count(f);
    assert_true(n < 64);
    for (size_t i = 0; i < n; i++) tensors[i] = *st_at(f, i);
    n = edit(tensors, n);
    assert_int_equal(st_write(&mem_standard, "test-programs.safetensors", tensors, n, NULL, 0, &err), ELBO_OK);
    st_close(f);
    elbo_model *m = model_of(p->config, p->shape);
    assert_int_equal(elbo_model_import(m, "test-programs.safetensors", &err), ELBO_BAD_FILE);
    if (!strstr(err.message, part)) fail_msg("got '%s', expected '%s' in it", err.message, part);
    remove("test-programs.safetensors");
    elbo_model_free(m);
}

static size_t drop_first(st_tensor *t, size_t n)
{
    memmove(t, t + 1, (n - 1) * sizeof *t);
    return n - 1;
}

static size_t add_unknown(st_tensor *t, size_t n)
{
    t[n] = t[0];
    t[n].name = "fc9.weight";
    return n + 1;
}

static size_t add_twice(st_tensor *t, size_t n)
{
    t[n] = t[0];
    t[n].name = "encoder.0.bias";
    return n + 1;
}

static size_t turn(st_tensor *t, size_t n)
{
    t[1].shape[0] = t[1].shape[1];
    t[1].shape[1] = (int64_t)(t[1].bytes / 4) / t[1].shape[0];
    return n;
}

static size_t not_finite(st_tensor *t, size_t n)
{
    static float bad[7] = {0, 0, 0, NAN};
    t[0].data = bad;
    return n;
}

static size_t integers(st_tensor *t, size_t n)
{
    t[0].dtype = ST_I32;
    return n;
}

static void test_refusals(void **state)
{
    (void)state;
    assert_string_equal(golden_programs[1].name, "mlp");
    refuse(1, drop_first, "no tensor for encoder.0.bias");
    refuse(1, add_unknown, "fc9.weight has no place");
    refuse(1, add_twice, "filled by another");
    refuse(1, turn, "fc1.weight, for encoder.0.weight: got F32 [24,7], expected floats [7,24]");
    refuse(1, not_finite, "not finite");
    refuse(1, integers, "got I32");
    refuse(0, drop_first, "no tensor for decoder.2.bias");
    elbo_model *m = model_of("latent=3", golden_programs[0].shape);
    assert_int_equal(elbo_model_import(m, "there-is-none.safetensors", NULL), ELBO_IO);
    elbo_model_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_double),
        cmocka_unit_test(test_step_float),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
