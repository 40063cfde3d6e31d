/* test_descriptions.c - what a model file says about the model and the run, as JSON: read back as it was written, and refused
 * with a field missing, of another kind, or out of its range. */
#include "model_rig.h"

#include "train/checkpoint_json.h"

#include <jansson.h>
#include <stdlib.h>

static elbo_status read_header(const char *words, elbo_error *err)
{
    model_header h;
    elbo_status status = header_read(&mem_standard, words, &h, err);
    columns_free(h.columns);
    return status;
}

static elbo_status read_run(const char *words, elbo_error *err)
{
    run_state r;
    return run_read(words, &r, err);
}

typedef elbo_status (*reader)(const char *words, elbo_error *err);

/* What comes of a description with one field put in another's place, or with value NULL left out. */
static elbo_status with(reader read, const char *good, const char *key, const char *value, elbo_error *err)
{
    json_t *j = json_loads(good, 0, NULL);
    assert_non_null(j);
    if (value) assert_int_equal(json_object_set_new(j, key, json_loads(value, JSON_DECODE_ANY, NULL)), 0);
    else assert_int_equal(json_object_del(j, key), 0);
    char *words = json_dumps(j, JSON_REAL_PRECISION(17));
    *err = (elbo_error){.code = ELBO_OK};
    elbo_status status = read(words, err);
    if (status != ELBO_OK) assert_true(status == ELBO_BAD_FILE && err->code == status && err->message[0]);
    free(words);
    json_decref(j);
    return status;
}

static void refuse(reader read, const char *good, const char *key, const char *value)
{
    elbo_error err;
    if (with(read, good, key, value, &err) == ELBO_OK) fail_msg("%s: %s was accepted", key, value ? value : "nothing");
}

static void accept(reader read, const char *good, const char *key, const char *value)
{
    elbo_error err;
    if (with(read, good, key, value, &err) != ELBO_OK) fail_msg("%s: %s: %s", key, value ? value : "nothing", err.message);
}

/* No field is another kind of thing, or missing, unless it may be; and there are no others. */
static void refuse_other_kinds(reader read, const char *good, const char *const *may_be_missing)
{
    static const char *const kinds[] = {"null", "[]", "\"words\"", "[\"words\"]"};
    json_t *j = json_loads(good, 0, NULL), *value;
    const char *key;
    json_object_foreach(j, key, value)
    {
        bool optional = false, sums = strstr(key, "sums") != NULL;
        for (int i = 0; may_be_missing[i]; i++) optional = optional || strcmp(may_be_missing[i], key) == 0;
        for (int i = 0; i < 4; i++)
            if (!(sums && i == 1) && !(strcmp(key, "computed_by") == 0 && i == 2)) refuse(read, good, key, kinds[i]);
        if (optional) accept(read, good, key, NULL);
        else refuse(read, good, key, NULL);
    }
    json_decref(j);
    refuse(read, good, "something", "1");
    static const char *const no_object[] = {"", "{", "[]", "{\"step\":1,\"step\":1}", "1"};
    for (int i = 0; i < 5; i++) assert_int_equal(read(no_object[i], &(elbo_error){.code = ELBO_OK}), ELBO_BAD_FILE);
}

static void test_model(void **state)
{
    (void)state;
    static const char *const optional[] = {"unit", "binary", NULL};
    elbo_model *m = model_of("latent=3|encoder=dense 4|decoder=dense 4", (int64_t[]){2, 3, 1});
    m->info.step = 7;
    m->info.epoch = 2;
    char *good = header_write(m);
    model_header h;
    must(header_read(&mem_standard, good, &h, &(elbo_error){.code = ELBO_OK}), &(elbo_error){.code = ELBO_OK});
    assert_true(h.step == 7 && h.epoch == 2 && h.config.latent == 3 && !h.columns);
    assert_true(h.data.shape[0] == 2 && h.data.shape[1] == 3 && h.data.shape[2] == 1);
    refuse_other_kinds(read_header, good, optional);
    static const struct {
        const char *key, *value;
    } bad[] = {{"format", "0"},          {"format", "1.5"},         {"family", "\"iwae\""},       {"shape", "[0,1,1]"},
               {"shape", "[1,-1,1]"},    {"shape", "[1,1]"},        {"shape", "[1,1,1,1]"},       {"shape", "[1,1,1.5]"},
               {"shape", "[1,1,1048577]"}, {"shape", "[1048576,1048576,1]"}, {"shape", "[16385,16384,1]"}, {"min", "2"},
               {"max", "-1"},            {"unit", "-0.5"},          {"unit", "1.5"},              {"binary", "1"},
               {"step", "-1"},           {"step", "1099511627776"}, {"step", "1.5"},              {"epoch", "-1"},
               {"epoch", "1099511627776"}, {"options", "{\"latent\":3}"}, {"options", "{\"latent\":\"many\"}"},
               {"options", "{\"none\":\"1\"}"}, {"options", "{\"family\":\"ae\"}"}, {"table", "{}"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refuse(read_header, good, bad[i].key, bad[i].value);
    static const struct {
        const char *key, *value;
    } fine[] = {{"shape", "[1048576,1,1]"}, {"shape", "[16384,16384,1]"}, {"min", "-1"}, {"unit", "0"}, {"unit", "1"},
                {"step", "1099511627775"}, {"epoch", "0"}, {"options", "{}"}, {"max", "0"}};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) accept(read_header, good, fine[i].key, fine[i].value);
    mem_free(&mem_standard, good);
    elbo_model_free(m);
}

static void test_run(void **state)
{
    (void)state;
    enum { NEEDED = 1 };
    const char *optional[40], **next = optional;
#define COUNT(name, absent) if (absent != NEEDED) *next++ = #name;
#define SIZE COUNT
#define REAL COUNT
#define FLAG COUNT
#define HEX COUNT
#define WORDS COUNT
#define SUMS COUNT
#include "train/run.def"
#undef COUNT
    *next = NULL;
    run_state back, r = {.data = 0xfedcba9876543210u, .examples = 100, .step = 3, .rate_factor = 0.5, .best = 1.0 / 3,
                         .validation = true, .computed_by = "own"};
    for (int i = 0; i < MAX_TERMS; i++) r.sums[i] = r.recent_sums[i] = 1.0 / (i + 3);
    char *good = run_write(&mem_standard, &r);
    must(run_read(good, &back, &(elbo_error){.code = ELBO_OK}), &(elbo_error){.code = ELBO_OK});
    assert_memory_equal(&r, &back, sizeof r);
    refuse_other_kinds(read_run, good, optional);
    static const struct {
        const char *key, *value;
    } bad[] = {{"data", "\"123\""},   {"data", "\"0123456789abcdeg\""},    {"data", "\"0123456789abcdef0\""},
               {"examples", "0"},     {"examples", "-1"},                  {"validation", "1"},
               {"step", "-1"},        {"step", "1099511627776"},           {"step", "1.5"},
               {"seen", "-1"},        {"recent_seen", "-0.5"},             {"rate_factor", "0"},
               {"rate_factor", "1.5"}, {"rescues", "-1"},                  {"metrics_size", "-1"},
               {"sums", "[1,true]"},  {"sums", "{}"},                      {"computed_by", "\"\\u001b[2J\""},
               {"best_epoch", "1.5"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refuse(read_run, good, bad[i].key, bad[i].value);
    static const struct {
        const char *key, *value;
    } fine[] = {{"rate_factor", "1"}, {"sums", "[]"}, {"sums", "[1]"}, {"seen", "0"}, {"computed_by", "\"\""}, {"best", "-5"}};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) accept(read_run, good, fine[i].key, fine[i].value);
    mem_free(&mem_standard, good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model), cmocka_unit_test(test_run)};
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
