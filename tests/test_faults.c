/* test_faults.c - memory that runs out at every place: the n-th allocation fails, once or with all after it, for n = 1, 2, ...
 * until all goes well. Whatever fails says NO_MEMORY, nothing leaks, what is on disk can be read, and a model that failed once
 * goes on as if it had not. With the argument "all" every n is tried; without, the first ones and then some. A second argument
 * names the test that is meant, as cmocka's patterns do.
 *
 * First elbo's own allocations fail, which are asked of the engine's allocator; then those of others (jansson, libpng, libjpeg,
 * the C library), which are asked of malloc: this program has its own. What others can do without, they may: then all is as if
 * nothing had failed. oneDNN is left out; where malloc can't be had (another C library, sanitizers), others don't fail. */
/* ctest: slow */
#include <elbo.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#if defined __GLIBC__
#include <malloc.h>
#endif
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 12, SIDE = 4, SIZE = SIDE * SIDE, LATENT = 2, MANY = 8, MOST_VALUES = 1024 };

static bool every_n;

/* ---- Allocators that fail ---- */

typedef struct faulty {
    atomic_long live, made; /* blocks; requests so far */
    long fail_at;           /* which of them fails, 0: none */
    bool for_ever;
    atomic_bool failed;
} faulty;

static bool refuses(faulty *f)
{
    long n = atomic_fetch_add(&f->made, 1) + 1;
    bool refused = f->fail_at && (f->for_ever ? n >= f->fail_at : n == f->fail_at);
    if (refused) f->failed = true;
    return refused;
}

static faulty own, others;
static faulty *failing = &own; /* whose requests fail */

#if defined __GLIBC__ && !defined ELBO_SANITIZED /* a sanitizer has its own */
#define REAL(name) __libc_##name

void *REAL(malloc)(size_t size);
void *REAL(calloc)(size_t n, size_t size);
void *REAL(realloc)(void *block, size_t size);
void REAL(free)(void *block);

static void *counted(void *block)
{
    if (block) atomic_fetch_add(&others.live, 1);
    return block;
}

static void *refused(void)
{
    errno = ENOMEM;
    return NULL;
}

void *malloc(size_t size)
{
    return refuses(&others) ? refused() : counted(REAL(malloc)(size));
}

void *calloc(size_t n, size_t size)
{
    return refuses(&others) ? refused() : counted(REAL(calloc)(n, size));
}

void *realloc(void *block, size_t size)
{
    if (!block) return malloc(size);
    return refuses(&others) ? refused() : REAL(realloc)(block, size);
}

void free(void *block)
{
    if (block) atomic_fetch_sub(&others.live, 1);
    REAL(free)(block);
}
#else
#define REAL(name) name
#endif

static void *resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    faulty *f = user;
    if (new_size == 0) {
        f->live -= ptr != NULL;
        memset(ptr, 0xdd, old_size); /* what is used after it was freed shows */
        REAL(free)(ptr);
        return NULL;
    }
    if (refuses(f)) return NULL;
    void *block = REAL(realloc)(ptr, new_size);
    assert_non_null(block);
    f->live += ptr == NULL;
    return block;
}

/* ---- What may fail ---- */

/* Everything made on the way, to be freed whatever happened. */
typedef struct bench {
    elbo_engine *engine;
    elbo_config *config;
    elbo_data *data;
    elbo_model *model, *loaded;
    float x[COUNT * SIZE], out[COUNT * SIZE], code[COUNT * LATENT], std[COUNT * LATENT];
    elbo_metrics metrics;
    uint64_t read; /* a checksum of data */
    int64_t reads; /* of data that lie */
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
    static const elbo_allocator a = {.resize = resize, .user = &own};
    elbo_engine_options o = {.allocator = &a, .threads = failing == &own ? 2 : 1, .own_products = failing == &others};
    b->engine = elbo_engine_open(&o, &b->error);
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

/* A rate at which numbers do not stay finite until it has been halved. */
static elbo_status be_wild(bench *b)
{
    static const char *const options[][2] = {{"family", "ae"},
                                             {"likelihood", "squared"},
                                             {"rate", "1000"},
                                             {"epochs", "2"},
                                             {"encoder", "dense 4 relu; dense 4 relu; dense 4 relu"},
                                             {"decoder", "dense 4 relu; dense 4 relu; dense 4 relu"}};
    elbo_status status = ELBO_OK;
    for (size_t i = 0; status == ELBO_OK && i < sizeof options / sizeof *options; i++)
        status = elbo_config_set(b->config, options[i][0], options[i][1], &b->error);
    return status;
}

static elbo_status open_data(bench *b)
{
    for (int i = 0; i < COUNT * SIZE; i++) b->x[i] = (float)(i * 37 % 101) / 101;
    b->data = elbo_data_from_memory(b->engine, b->x, ELBO_F32, COUNT, (const int64_t[]){SIDE, SIDE, 1}, NULL, &b->error);
    return made(b, b->data);
}

/* Every example is well the first time it is read, for a fingerprint, and holds no number after that. */
static int read_lies(void *user, const int64_t *index, int64_t n, void *out, int32_t *labels)
{
    bench *b = user;
    float *x = out;
    (void)labels;
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < SIZE; k++) x[i * SIZE + k] = b->reads < COUNT ? b->x[index[i] * SIZE + k] : (float)NAN;
    b->reads += n;
    return 0;
}

static elbo_status open_lies(bench *b)
{
    elbo_data_source s = {.count = COUNT, .shape = {SIDE, SIDE, 1}, .dtype = ELBO_F32, .max = 1, .read = read_lies, .user = b};
    b->data = elbo_data_from_source(b->engine, &s, &b->error);
    return made(b, b->data);
}

/* Opens data instead of those there are; side: of pictures. */
static elbo_status open_named(bench *b, const char *name, int64_t side)
{
    elbo_data_free(b->data);
    b->data = elbo_data_open_with(b->engine, name, "all", &(elbo_data_options){.height = side}, &b->error);
    return made(b, b->data);
}

static void add_bytes(uint64_t *sum, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) *sum = (*sum ^ ((const unsigned char *)bytes)[i]) * UINT64_C(1099511628211);
}

static elbo_status read_named(bench *b, const char *name, int64_t side)
{
    float x[MOST_VALUES];
    int32_t label;
    elbo_status status = open_named(b, name, side);
    if (status != ELBO_OK) return status;
    const elbo_data_info *info = elbo_data_describe(b->data);
    size_t n = (size_t)(info->shape[0] * info->shape[1] * info->shape[2]);
    assert_true(n <= MOST_VALUES);
    b->read = 1;
    add_bytes(&b->read, &info->count, sizeof info->count);
    for (int64_t i = 0; i < info->count && status == ELBO_OK; i++) {
        status = elbo_data_read(b->data, &i, 1, x, &label, &b->error);
        add_bytes(&b->read, x, n * sizeof *x);
        add_bytes(&b->read, &label, sizeof label);
    }
    return status;
}

#define READ(name, path, side)                                                                                         \
    static elbo_status name(bench *b)                                                                                  \
    {                                                                                                                  \
        return read_named(b, path, side);                                                                              \
    }
READ(read_toy, "toy", 0)
READ(read_pictures, "data/set", 8)
READ(read_archive, "data/set.tar.gz", 8)
READ(read_array, "data/x.npy.gz", 0)
READ(read_table, "data/t.csv", 0)

static elbo_status train(bench *b)
{
    b->model = elbo_train(b->engine, b->config, b->data, NULL, &b->error);
    return made(b, b->model);
}

/* Begins a run, or goes on with it. */
static elbo_status train_in_run(bench *b, bool pictures)
{
    elbo_train_options o = {.directory = "run", .resume = access("run/config.toml", F_OK) == 0, .pictures = pictures};
    b->model = elbo_train(b->engine, b->config, b->data, &o, &b->error);
    return made(b, b->model);
}

static elbo_status train_on_disk(bench *b)
{
    return train_in_run(b, true);
}

static elbo_status resume(bench *b)
{
    elbo_status status = elbo_config_set(b->config, "epochs", "2", &b->error);
    return status == ELBO_OK ? train_on_disk(b) : status;
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

static elbo_status report(bench *b)
{
    return elbo_report_write(b->engine, "run", NULL, "page.html", &b->error);
}

static elbo_status explain(bench *b)
{
    elbo_explanation *x = elbo_explain(b->engine, "run", b->data, &b->error);
    elbo_explanation_free(x);
    return made(b, x);
}

static elbo_status import(bench *b)
{
    return elbo_model_import(b->model, "model.safetensors", &b->error);
}

static void close_bench(bench *b)
{
    elbo_model_free(b->loaded);
    elbo_model_free(b->model);
    elbo_data_free(b->data);
    elbo_config_free(b->config);
    elbo_engine_close(b->engine);
    assert_int_equal(own.live, 0);
}

/* ---- Failing everywhere ---- */

static const char *const made_files[] = {"run", "model.safetensors", "grid.png", "x.npy", "page.html"};
enum { N_MADE = sizeof made_files / sizeof *made_files };

/* Removes a file, or a folder with all in it. */
static void remove_all(const char *path)
{
    char inner[512];
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, e->d_name);
        remove_all(inner);
    }
    if (d) closedir(d);
    remove(path);
}

static void clean(void)
{
    for (size_t i = 0; i < N_MADE; i++) remove_all(made_files[i]);
}

/* Adds a file, or all files in a folder in any order, to a checksum, but those a clock or an interruption has a part in. */
static void add_file(uint64_t *sum, const char *path)
{
    char inner[512];
    unsigned char bytes[4096];
    uint64_t mine = 1;
    DIR *d = opendir(path);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        const char *name = e->d_name;
        if (name[0] == '.' || strcmp(name, "times.jsonl") == 0 || strcmp(name, "previous.safetensors") == 0) continue;
        snprintf(inner, sizeof inner, "%s/%s", path, name);
        add_file(sum, inner);
    }
    FILE *f = d ? NULL : fopen(path, "rb");
    if (d) closedir(d);
    if (!f) return;
    add_bytes(&mine, path, strlen(path));
    for (size_t n; (n = fread(bytes, 1, sizeof bytes, f)) > 0;) add_bytes(&mine, bytes, n);
    fclose(f);
    *sum += mine;
}

static void must(bench *b, call c)
{
    b->error.message[0] = 0;
    if (c(b) != ELBO_OK) fail_msg("%s", b->error.message);
}

static int64_t next_n(int64_t n)
{
    return every_n || n < MANY ? n + 1 : n + 1 + n / 4;
}

/* What the calls before it need, then the call with its n-th allocation failing, then the call again, which must go well: all
 * give the same model, numbers and files as without a failure. */
typedef struct outcome {
    elbo_metrics metrics;
    float out[COUNT * SIZE], code[COUNT * LATENT], std[COUNT * LATENT];
    uint64_t read, files;
} outcome;

static void note(const bench *b, outcome *o)
{
    memset(o, 0, sizeof *o);
    o->metrics = b->metrics;
    memcpy(o->out, b->out, sizeof o->out);
    memcpy(o->code, b->code, sizeof o->code);
    memcpy(o->std, b->std, sizeof o->std);
    o->read = b->read;
    for (size_t i = 0; i < N_MADE; i++) add_file(&o->files, made_files[i]);
}

static int n_wrong;

/* A failure that is not met as it should be: it is told, and the rest is tried all the same. */
static void wrong(const char *name, int64_t n, bool for_ever, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_error("%s: allocation %ld of %s%s fails: ", name, (long)n, failing == &own ? "elbo" : "others",
                for_ever ? " and all after it" : "");
    vprint_error(format, args);
    print_error("\n");
    va_end(args);
    n_wrong++;
}

/* Makes a call with an allocation failing. */
static elbo_status call_failing(bench *b, call c, int64_t n, bool for_ever)
{
    failing->made = 0;
    failing->failed = false;
    failing->for_ever = for_ever;
    failing->fail_at = n;
    elbo_status status = c(b);
    failing->fail_at = 0;
    return status;
}

/* The calls before the one that fails end with NULL. Returns whether an allocation failed. */
static bool try_one(const char *name, const call *before, call c, int64_t n, bool for_ever, outcome *result)
{
    bench *b = calloc(1, sizeof *b);
    clean();
    for (; *before; before++) must(b, *before);
    b->error = (elbo_error){.code = ELBO_OK};
    elbo_status status = call_failing(b, c, n, for_ever);
    bool failed = failing->failed, met = status == ELBO_NO_MEMORY && b->error.code == ELBO_NO_MEMORY && b->error.message[0];
    if (!met && (status != ELBO_OK || (failed && failing == &own)))
        wrong(name, n, for_ever, "got %d, error %d: %s", (int)status, (int)b->error.code, b->error.message);
    if (status != ELBO_OK) must(b, c);
    note(b, result);
    close_bench(b);
    free(b);
    return failed;
}

static void check_failing(const char *name, const call *before, call c)
{
    outcome good, result;
    long tried = 0;
    n_wrong = 0;
    assert_false(try_one(name, before, c, 0, false, &good));
    for (int for_ever = 0; for_ever <= 1; for_ever++) {
        int64_t n = 1;
        for (; try_one(name, before, c, n, for_ever, &result); tried++) {
            if (memcmp(&result, &good, sizeof good) != 0) wrong(name, n, for_ever, "what is made is not what it should be");
            n = next_n(n);
        }
        assert_true(n > 1 || c == sample || failing == &others);
    }
    print_message("%s: %ld failures of %s\n", name, tried, failing == &own ? "elbo" : "others");
    assert_int_equal(n_wrong, 0);
}

static void check(const char *name, const call *before, call c)
{
    failing = &own;
    check_failing(name, before, c);
    failing = &others;
    long live = others.live;
    check_failing(name, before, c);
    assert_int_equal(others.live, live);
    failing = &own;
}

#define CHECK(c, ...) check(#c, (const call[]){__VA_ARGS__, NULL}, c)

static void test_open(void **state)
{
    (void)state;
    check("open_engine", (const call[]){NULL}, open_engine);
    CHECK(open_config, open_engine);
    CHECK(open_data, open_engine);
}

static void test_read(void **state)
{
    (void)state;
    CHECK(read_toy, open_engine);
    CHECK(read_array, open_engine);
    CHECK(read_table, open_engine);
    CHECK(read_pictures, open_engine);
    CHECK(read_archive, open_engine);
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
    CHECK(import, open_engine, open_config, open_data, make, save);
}

/* A model of a table says what its columns are. */
static void test_table(void **state)
{
    (void)state;
    CHECK(make, open_engine, open_config, read_table);
    CHECK(save, open_engine, open_config, read_table, make);
    CHECK(load, open_engine, open_config, read_table, make, save);
}

static elbo_status settle_time(bench *b)
{
    (void)b;
    FILE *f = fopen("run/times.jsonl", "w");
    return f && fputs("{\"epoch\":1,\"seconds\":1}\n", f) >= 0 && fclose(f) == 0 ? ELBO_OK : ELBO_IO;
}

static void test_tell(void **state)
{
    (void)state;
    CHECK(report, open_engine, open_config, open_data, train_on_disk, settle_time);
    CHECK(explain, open_engine, open_config, open_data, train_on_disk);
}

/* The metrics of a run that went back, or gave up, say why. To read them nothing fails. */
static bool metrics_say(const char *what)
{
    static char lines[1 << 14];
    failing->fail_at = 0;
    FILE *f = fopen("run/metrics.jsonl", "r");
    size_t n = f ? fread(lines, 1, sizeof lines - 1, f) : 0;
    lines[n] = 0;
    if (f) fclose(f);
    return strstr(lines, what);
}

static elbo_status be_rescued(bench *b)
{
    elbo_status status = train_in_run(b, false);
    return status != ELBO_OK || metrics_say("{\"rescue\":") ? status : ELBO_FAILED;
}

static elbo_status diverge(bench *b)
{
    b->reads = 0;
    elbo_status status = train_in_run(b, false);
    if (status != ELBO_DIVERGED) return status == ELBO_OK ? ELBO_FAILED : status;
    return metrics_say("{\"diverged\":") ? ELBO_OK : ELBO_FAILED;
}

static void test_trouble(void **state)
{
    (void)state;
    CHECK(be_rescued, open_engine, open_config, be_wild, open_data);
    CHECK(diverge, open_engine, open_config, open_lies);
}

/* A plan that was compiled before another failed still has the memory to run in. */
static elbo_status evaluate_or_not(bench *b)
{
    elbo_status status = evaluate(b);
    failing->fail_at = 0;
    return encode(b) == ELBO_OK ? status : ELBO_FAILED;
}

static void test_older_plans_survive(void **state)
{
    (void)state;
    CHECK(evaluate_or_not, open_engine, open_config, open_data, make, encode);
}

/* Pictures of both kinds that others decode, an archive of them, a packed array, a table. */
static bool make_data(void)
{
    static const char make[] =
        "seeds=" ELBO_TEST_DIR "/../fuzz/seeds && mkdir -p data/set/a data/set/b && "
        "cp $seeds/picture-png/colours data/set/a/1.png && cp $seeds/picture-png/bits data/set/a/2.png && "
        "cp $seeds/picture-jpeg/colours data/set/b/1.jpg && cp $seeds/picture-jpeg/progressive data/set/b/2.jpg && "
        "tar -czf data/set.tar.gz -C data set && cp $seeds/data-gz/npy data/x.npy.gz && "
        "for i in 1 2 3 4 5 6; do printf '%d,red,%d.5\\n%d,blue,\\n' $i $i $i; done >data/t.csv";
    return system(make) == 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),          cmocka_unit_test(test_read),
        cmocka_unit_test(test_train),         cmocka_unit_test(test_table),
        cmocka_unit_test(test_train_on_disk), cmocka_unit_test(test_resume),
        cmocka_unit_test(test_use),           cmocka_unit_test(test_save_and_load),
        cmocka_unit_test(test_tell),          cmocka_unit_test(test_trouble),
        cmocka_unit_test(test_older_plans_survive),
    };
    char there[] = "/dev/shm/test_faults.XXXXXX", here[] = "test_faults.XXXXXX", *place = mkdtemp(there), *back = getcwd(NULL, 0);
#if defined M_TRIM_THRESHOLD
    mallopt(M_TRIM_THRESHOLD, 1 << 30); /* memory that is given back and asked for again takes most of the time */
    mallopt(M_MMAP_THRESHOLD, 1 << 28);
#endif
    every_n = argc > 1 && strcmp(argv[1], "all") == 0;
    if (argc > 2) cmocka_set_test_filter(argv[2]);
    if (!place) place = mkdtemp(here);
    if (!place || !back || chdir(place) || !make_data()) return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    clean();
    if (system("rm -r data") || chdir(back) || rmdir(place)) return 1;
    free(back);
    return failed;
}
