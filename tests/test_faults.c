/* test_faults.c - memory that runs out at every place: the n-th allocation fails, once or with all after it, for n = 1, 2, ...
 * until all goes well. Whatever fails says NO_MEMORY, nothing leaks, what is on disk can be read, and a model that failed once
 * goes on as if it had not. With the argument "all" every n is tried; without, the first ones and then some.
 *
 * Only elbo's own allocations fail: those of jansson, libpng and oneDNN do not pass through the allocator. */
/* ctest: slow */
#include <elbo.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 12, SIDE = 4, SIZE = SIDE * SIDE, LATENT = 2, MANY = 8 };

static bool every_n;

/* ---- An allocator that fails ---- */

typedef struct faulty {
    int64_t live, made, fail_at; /* blocks; requests so far; which of them fails, 0: none */
    bool for_ever;
    bool failed;
} faulty;

static void *resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    faulty *f = user;
    if (new_size == 0) {
        f->live -= ptr != NULL;
        memset(ptr, 0xdd, old_size); /* what is used after it was freed shows */
        free(ptr);
        return NULL;
    }
    f->made++;
    if (f->fail_at && (f->for_ever ? f->made >= f->fail_at : f->made == f->fail_at)) {
        f->failed = true;
        return NULL;
    }
    void *block = realloc(ptr, new_size);
    assert_non_null(block);
    f->live += ptr == NULL;
    return block;
}

/* ---- What may fail ---- */

/* Everything made on the way, to be freed whatever happened. */
typedef struct bench {
    faulty memory;
    elbo_engine *engine;
    elbo_config *config;
    elbo_data *data;
    elbo_model *model, *loaded;
    float x[COUNT * SIZE], out[COUNT * SIZE], code[COUNT * LATENT], std[COUNT * LATENT];
    elbo_metrics metrics;
    elbo_error error;
} bench;

/* One call of the interface: does it, and says whether it went well. */
typedef elbo_status (*call)(bench *b);

static elbo_status made(bench *b, const void *handle)
{
    return handle ? ELBO_OK : b->error.code ? b->error.code : ELBO_FAILED;
}

static elbo_status open_engine(bench *b)
{
    static const elbo_allocator how = {.resize = resize};
    elbo_allocator a = how;
    a.user = &b->memory;
    b->engine = elbo_engine_open(&(elbo_engine_options){.allocator = &a, .threads = 2}, &b->error);
    return made(b, b->engine);
}

static elbo_status open_config(bench *b)
{
    static const char *const options[][2] = {{"encoder", "dense 4 relu"}, {"decoder", "dense 4 relu"}, {"latent", "2"},
                                             {"batch", "5"},              {"validation", "0.2"},       {"epochs", "1"},
                                             {"rescue", "lower-rate"}};
    b->config = elbo_config_new(b->engine, &b->error);
    for (size_t i = 0; b->config && i < sizeof options / sizeof *options; i++)
        assert_int_equal(elbo_config_set(b->config, options[i][0], options[i][1], NULL), ELBO_OK);
    return made(b, b->config);
}

static elbo_status open_data(bench *b)
{
    for (int i = 0; i < COUNT * SIZE; i++) b->x[i] = (float)(i * 37 % 101) / 101;
    b->data = elbo_data_from_memory(b->engine, b->x, ELBO_F32, COUNT, (const int64_t[]){SIDE, SIDE, 1}, NULL, &b->error);
    return made(b, b->data);
}

static elbo_status open_toy(bench *b)
{
    elbo_data *toy = elbo_data_open(b->engine, "toy", "train", &b->error);
    elbo_status status = made(b, toy);
    elbo_data_free(toy);
    return status;
}

static elbo_status train_in(bench *b, const char *directory, int resume)
{
    elbo_train_options o = {.directory = directory, .resume = resume, .pictures = 1};
    b->model = elbo_train(b->engine, b->config, b->data, directory ? &o : NULL, &b->error);
    return made(b, b->model);
}

static elbo_status train(bench *b)
{
    return train_in(b, NULL, 0);
}

static elbo_status train_on_disk(bench *b)
{
    return train_in(b, "run", 0);
}

static elbo_status resume(bench *b)
{
    elbo_status status = elbo_config_set(b->config, "epochs", "2", &b->error);
    return status == ELBO_OK ? train_in(b, "run", 1) : status;
}

static elbo_status make(bench *b)
{
    b->model = elbo_model_new(b->engine, b->config, b->data, &b->error);
    return made(b, b->model);
}

static elbo_status evaluate(bench *b)
{
    return elbo_model_evaluate(b->model, b->data, &b->metrics, &b->error);
}

static elbo_status encode(bench *b)
{
    return elbo_model_encode(b->model, b->x, COUNT, b->code, b->std, &b->error);
}

static elbo_status decode(bench *b)
{
    return elbo_model_decode(b->model, b->code, COUNT, b->out, &b->error);
}

static elbo_status sample(bench *b)
{
    return elbo_model_sample(b->model, COUNT, 1, b->out, &b->error);
}

static elbo_status reconstruct(bench *b)
{
    return elbo_model_reconstruct(b->model, b->x, COUNT, b->out, &b->error);
}

static elbo_status save(bench *b)
{
    return elbo_model_save(b->model, "model.safetensors", &b->error);
}

static elbo_status load(bench *b)
{
    elbo_model_free(b->loaded);
    b->loaded = elbo_model_load(b->engine, "model.safetensors", &b->error);
    return made(b, b->loaded);
}

static elbo_status describe(bench *b)
{
    static const char *const what[] = {"layers", "graph", "plan"};
    for (size_t i = 0; i < 3; i++) {
        char *text = elbo_model_text(b->model, what[i], &b->error);
        if (!text) return made(b, text);
        elbo_text_free(b->engine, text);
    }
    return ELBO_OK;
}

static elbo_status draw(bench *b)
{
    const int64_t shape[] = {SIDE, SIDE, 1};
    elbo_status status = elbo_png_write_grid(b->engine, "grid.png", b->x, COUNT, shape, 4, 0, 1, &b->error);
    return status == ELBO_OK ? elbo_npy_write(b->engine, "x.npy", b->x, shape, 3, &b->error) : status;
}

static void close_bench(bench *b)
{
    elbo_model_free(b->loaded);
    elbo_model_free(b->model);
    elbo_data_free(b->data);
    elbo_config_free(b->config);
    elbo_engine_close(b->engine);
    assert_int_equal(b->memory.live, 0);
}

/* ---- Failing everywhere ---- */

static void clean(void)
{
    assert_int_equal(system("rm -rf run model.safetensors"), 0);
}

static void must(bench *b, call c)
{
    b->error.message[0] = 0;
    if (c(b) != ELBO_OK) fail_msg("%s", b->error.message);
}

static int64_t next_n(int64_t n)
{
    return every_n || n < MANY ? n + 1 : n + 1 + n / 2;
}

/* What the calls before it need, then the call with its n-th allocation failing, then the call again, which must go well: all
 * give the same model and numbers as without a failure. */
typedef struct outcome {
    elbo_metrics metrics;
    float out[COUNT * SIZE], code[COUNT * LATENT], std[COUNT * LATENT];
} outcome;

static outcome outcome_of(const bench *b)
{
    outcome o;
    memset(&o, 0, sizeof o);
    o.metrics = b->metrics;
    memcpy(o.out, b->out, sizeof o.out);
    memcpy(o.code, b->code, sizeof o.code);
    memcpy(o.std, b->std, sizeof o.std);
    return o;
}

/* The calls before the one that fails end with NULL. Returns whether an allocation failed. */
static bool try_one(const char *name, const call *before, call c, int64_t n, bool for_ever, outcome *result)
{
    bench *b = calloc(1, sizeof *b);
    clean();
    for (; *before; before++) must(b, *before);
    b->memory.made = 0;
    b->memory.fail_at = n;
    b->memory.for_ever = for_ever;
    b->error = (elbo_error){.code = ELBO_OK};
    elbo_status status = c(b);
    bool failed = b->memory.failed;
    b->memory.fail_at = 0;
    if (failed && (status != ELBO_NO_MEMORY || b->error.code != ELBO_NO_MEMORY || !b->error.message[0]))
        fail_msg("%s: allocation %ld%s failed; got %d, error %d: %s", name, (long)n,
                 for_ever ? " and all after it" : "", (int)status, (int)b->error.code, b->error.message);
    if (!failed) assert_int_equal(status, ELBO_OK);
    if (failed && c == train_on_disk) c = access("run/config.toml", F_OK) == 0 ? resume : c;
    if (failed) must(b, c);
    *result = outcome_of(b);
    close_bench(b);
    free(b);
    return failed;
}

static void check(const char *name, const call *before, call c)
{
    outcome good, result;
    assert_false(try_one(name, before, c, 0, false, &good));
    for (int for_ever = 0; for_ever <= 1; for_ever++) {
        int64_t n = 1;
        while (try_one(name, before, c, n, for_ever, &result)) {
            assert_memory_equal(&result, &good, sizeof good);
            n = next_n(n);
        }
        assert_true(n > 1 || c == sample);
    }
}

#define CHECK(c, ...) check(#c, (const call[]){__VA_ARGS__, NULL}, c)

static void test_open(void **state)
{
    (void)state;
    check("open_engine", (const call[]){NULL}, open_engine);
    CHECK(open_config, open_engine);
    CHECK(open_data, open_engine);
    CHECK(open_toy, open_engine);
}

static void test_train(void **state)
{
    (void)state;
    CHECK(make, open_engine, open_config, open_data);
    CHECK(train, open_engine, open_config, open_data);
}

static void test_train_on_disk(void **state)
{
    (void)state;
    CHECK(train_on_disk, open_engine, open_config, open_data);
}

static elbo_status forget(bench *b)
{
    elbo_model_free(b->model);
    b->model = NULL;
    return ELBO_OK;
}

static void test_resume(void **state)
{
    (void)state;
    CHECK(resume, open_engine, open_config, open_data, train_on_disk, forget);
}

static void test_use(void **state)
{
    (void)state;
    CHECK(evaluate, open_engine, open_config, open_data, make);
    CHECK(encode, open_engine, open_config, open_data, make);
    CHECK(decode, open_engine, open_config, open_data, make, encode);
    CHECK(sample, open_engine, open_config, open_data, make);
    CHECK(reconstruct, open_engine, open_config, open_data, make);
    CHECK(describe, open_engine, open_config, open_data, make);
    CHECK(draw, open_engine, open_config, open_data);
}

static void test_save_and_load(void **state)
{
    (void)state;
    CHECK(save, open_engine, open_config, open_data, make);
    CHECK(load, open_engine, open_config, open_data, make, save);
}

/* A plan that was compiled before another failed still has the memory to run in. */
static elbo_status evaluate_or_not(bench *b)
{
    elbo_status status = evaluate(b);
    b->memory.fail_at = 0;
    return encode(b) == ELBO_OK ? status : ELBO_FAILED;
}

static void test_older_plans_survive(void **state)
{
    (void)state;
    CHECK(evaluate_or_not, open_engine, open_config, open_data, make, encode);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),          cmocka_unit_test(test_train),
        cmocka_unit_test(test_train_on_disk), cmocka_unit_test(test_resume),
        cmocka_unit_test(test_use),           cmocka_unit_test(test_save_and_load),
        cmocka_unit_test(test_older_plans_survive),
    };
    char there[] = "/dev/shm/test_faults.XXXXXX", here[] = "test_faults.XXXXXX", *place = mkdtemp(there), *back = getcwd(NULL, 0);
    every_n = argc > 1 && strcmp(argv[1], "all") == 0;
    if (!place) place = mkdtemp(here);
    if (!place || !back || chdir(place)) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    clean();
    if (remove("grid.png") || remove("x.npy") || chdir(back) || rmdir(place)) return 1;
    free(back);
    return failed;
}
