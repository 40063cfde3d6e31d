/* test_models.c - model files of earlier versions (tests/golden/models) load and compute what they did. */
#include "export/safetensors.h"
#include "model_rig.h"

#include <dirent.h>
#include <stdlib.h>

#define MODELS ELBO_TEST_DIR "/golden/models/"

static float *floats_of(const st_file *f, const char *name, int64_t n)
{
    const st_tensor *t = st_find(f, name);
    assert_non_null(t);
    assert_int_equal(t->bytes, (size_t)n * sizeof(float));
    float *out = malloc(t->bytes);
    assert_non_null(out);
    assert_true(st_to_float(t, out));
    return out;
}

static bool same_numbers(const char *model, const char *what, const float *got, const float *want, int64_t n)
{
    float most = 0, off = 0;
    for (int64_t i = 0; i < n; i++) {
        most = fmaxf(most, fabsf(want[i]));
        off = fmaxf(off, fabsf(got[i] - want[i]));
    }
    if (off <= 1e-5f * fmaxf(most, 1e-3f)) return true;
    print_error("%s: %s differs by %g of %g\n", model, what, (double)off, (double)most);
    return false;
}

static bool check_model(const char *name)
{
    char path[512];
    elbo_error err = {0};
    st_file *f;
    snprintf(path, sizeof path, MODELS "%s.expected.safetensors", name);
    must(st_read(&mem_standard, path, 1 << 20, &f, &err), &err);
    snprintf(path, sizeof path, MODELS "%s.safetensors", name);
    elbo_model *m = elbo_model_load(engine, path, &err);
    if (!m) fail_msg("%s", err.message);
    int64_t n = st_find(f, "x")->shape[0], d = n * model_numbers(m), z = n * m->info.latent_size;
    float *x = floats_of(f, "x", d), *mean = floats_of(f, "mean", z), *std = floats_of(f, "std", z), *y = floats_of(f, "y", d);
    float *codes = malloc(2 * (size_t)z * sizeof *codes), *out = malloc((size_t)d * sizeof *out);
    assert_true(codes && out);
    must(elbo_model_encode(m, x, n, codes, codes + z, &err), &err);
    must(elbo_model_decode(m, mean, n, out, &err), &err);
    bool same = same_numbers(name, "mean", codes, mean, z) && same_numbers(name, "std", codes + z, std, z) &&
                same_numbers(name, "y", out, y, d);
    float *const all[] = {x, mean, std, y, codes, out};
    for (int i = 0; i < 6; i++) free(all[i]);
    elbo_model_free(m);
    st_close(f);
    return same;
}

static void test_earlier_versions(void **state)
{
    (void)state;
    static const char ending[] = ".expected.safetensors";
    DIR *folder = opendir(MODELS);
    int n = 0, failed = 0;
    assert_non_null(folder);
    for (struct dirent *e; (e = readdir(folder));) {
        char *end = strstr(e->d_name, ending);
        if (!end) continue;
        *end = 0;
        failed += !check_model(e->d_name);
        n++;
    }
    closedir(folder);
    assert_true(n >= 9);
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_earlier_versions)};
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
