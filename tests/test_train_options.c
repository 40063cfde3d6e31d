/* test_train_options.c - options of training: interrupted runs with each of them, and those that cannot work. */
/* ctest: slow */
#include "run_rig.h"

#include <sys/resource.h>
#include <sys/wait.h>

/* The slots of an optimiser are in a checkpoint: all three of rmsprop's, and none of plain sgd. */
static void test_interrupted_with_other_optimisers(void **state)
{
    (void)state;
    static const char *const rmsprop[][2] = {{"optimizer", "rmsprop"}, {"momentum", "0.9"}, {"centred", "true"},
                                             {"weight-decay", "0.1"}};
    static const char *const sgd[][2] = {{"optimizer", "sgd"}};
    check_interruptions(rmsprop, 4, 1);
    check_interruptions(sgd, 1, 1);
}

/* Running means are in a checkpoint beside what is trained, also as the epoch began, for a rescue to go back to. */
static void test_interrupted_with_running_means(void **state)
{
    (void)state;
    static const char *const options[][2] = {{"ema", "0.9"}, {"encoder", "dense 8 bn relu"}, {"rescue", "lower-rate"}};
    static const char *const wild[][2] = {{"ema", "0.9"},
                                          {"family", "ae"},
                                          {"likelihood", "squared"},
                                          {"rate", "1000"},
                                          {"rescue", "lower-rate"},
                                          {"encoder", "dense 8 relu; dense 8 relu; dense 8 relu"},
                                          {"decoder", "dense 8 relu; dense 8 relu; dense 8 relu"}};
    check_interruptions(options, 3, 0);
    check_interruptions(wild, 7, 1);
}

/* With the first steps' means nearly the start, validation and the kept model are of these, not of what is trained. */
static void test_running_means_are_what_is_kept(void **state)
{
    (void)state;
    job j = new_job("means"), plain = new_job("plain");
    j.options[0][0] = "ema", j.options[0][1] = "0.9999999";
    j.options[1][0] = plain.options[1][0] = "rate", j.options[1][1] = plain.options[1][1] = "0.05";
    plain.options[0][0] = "ema", plain.options[0][1] = "0";
    assert_run(&j, ELBO_OK);
    assert_run(&plain, ELBO_OK);
    run_state r;
    run_arrays arrays = {0};
    elbo_model *trained = checkpoint_load(engine, in("means", "last.safetensors"), &r, &arrays, NULL);
    elbo_model *served = elbo_model_load(engine, in("means", "last.safetensors"), NULL);
    elbo_model *without = elbo_model_load(engine, in("plain", "last.safetensors"), NULL);
    elbo_model *best = elbo_model_load(engine, "means", NULL);
    assert_true(trained && served && without && best);
    size_t bytes = (size_t)trained->store.params.size * sizeof(float);
    assert_memory_equal(trained->store.value, without->store.value, bytes); /* training itself is not changed */
    assert_memory_equal(served->store.value, arrays.average.value, bytes);
    assert_memory_equal(served->store.value, best->store.value, bytes);
    assert_memory_not_equal(served->store.value, trained->store.value, bytes);
    arrays_close(&arrays, engine->m);
    elbo_model_free(trained);
    elbo_model_free(served);
    elbo_model_free(without);
    elbo_model_free(best);
}

/* ---- Beginning from another model ---- */

static elbo_model *begun_from(const elbo_model *from, const char *key, const char *value, elbo_error *error)
{
    job j = new_job(NULL);
    j.options[0][0] = "epochs", j.options[0][1] = "0";
    j.options[1][0] = "seed", j.options[1][1] = "2";
    j.options[2][0] = key, j.options[2][1] = value;
    elbo_config *c = config_of(&j);
    elbo_data *data = open_source(&j.source, engine);
    elbo_train_options o = {.from = from, .on_event = on_event, .user = &j};
    elbo_model *m = elbo_train(engine, c, data, &o, error);
    elbo_data_free(data);
    elbo_config_free(c);
    return m;
}

static void test_begins_from_another_model(void **state)
{
    (void)state;
    job j = new_job("first");
    elbo_error error = {0};
    assert_run(&j, ELBO_OK);
    elbo_model *first = elbo_model_load(engine, "first", NULL), *same, *factor;
    assert_non_null(first);
    size_t bytes = (size_t)first->store.params.size * sizeof(float);
    same = begun_from(first, "beta", "2", &error); /* with no epoch trained, its numbers are those given */
    assert_non_null(same);
    assert_memory_equal(same->store.value, first->store.value, bytes);
    factor = begun_from(first, "family", "factor", &error); /* which has a critic more */
    assert_non_null(factor);
    const entry *mine = store_find(&factor->store.params, "q.mu.weight");
    const entry *theirs = store_find(&first->store.params, "q.mu.weight");
    assert_memory_equal(factor->store.value + mine->offset, first->store.value + theirs->offset,
                        (size_t)mine->count * sizeof(float));
    assert_null(begun_from(first, "latent", "3", &error));
    assert_int_equal(error.code, ELBO_MISMATCH);
    assert_said(error.message, "tensor q.mu.weight is [2,8] in the model to begin from, but [3,8] in this one");
    elbo_model_free(first);
    elbo_model_free(same);
    elbo_model_free(factor);
}

/* The option names the model: the run notes it, and goes on when it is gone. */
static void test_beginning_is_noted(void **state)
{
    (void)state;
    job first = new_job("origin"), second = new_job("second");
    elbo_error error = {0};
    assert_run(&first, ELBO_OK);
    elbo_model *model = elbo_model_load(engine, "origin", NULL), *same = begun_from(NULL, "from", "origin", &error);
    assert_true(model && same);
    assert_memory_equal(same->store.value, model->store.value, (size_t)model->store.params.size * sizeof(float));
    elbo_model_free(model);
    elbo_model_free(same);
    second.options[0][0] = "from", second.options[0][1] = "origin";
    assert_run(&second, ELBO_OK);
    model = elbo_model_load(engine, "second", NULL);
    assert_string_equal(elbo_model_option(model, "from"), "origin");
    elbo_model_free(model);
    remove_run("origin");
    second.resume = 1;
    second.options[1][0] = "epochs", second.options[1][1] = "4";
    assert_run(&second, ELBO_OK);
    assert_said(run_metrics("second"), "{\"epoch\":4,");
    assert_null(begun_from(NULL, "from", "origin", &error));
    assert_int_equal(error.code, ELBO_IO);
    remove_run("second");
}

/* ---- A forecast ---- */

static void test_forecast_leaves_nothing(void **state)
{
    (void)state;
    job j = new_job("forecast");
    elbo_config *c = config_of(&j);
    elbo_data *data = open_source(&j.source, engine);
    elbo_train_options o = {.directory = j.directory, .on_event = on_event, .user = &j};
    elbo_forecast f;
    elbo_error error = {0};
    if (elbo_train_forecast(engine, c, data, &o, &f, &error) != ELBO_OK) fail_msg("%s", error.message);
    elbo_model *m = elbo_model_new(engine, c, data, NULL);
    assert_int_equal(f.n_parameters, elbo_model_describe(m)->n_parameters);
    assert_int_equal(f.steps_per_epoch, STEPS);
    /* twice 6 examples times the weights, forwards and for their gradient, and for that of all layers' inputs but the first */
    assert_true(f.flops_per_step == 2. * 6 * (2 * (36 * 8 + 2 * 8 * 2 + 2 * 8 + 8 * 36) + 2 * 8 * 2 + 2 * 8 + 8 * 36));
    assert_true(f.seconds_per_step > 0 && f.seconds_per_epoch > 2 * f.seconds_per_step);
    assert_true(fabs(f.seconds - 2 * f.seconds_per_epoch) < 1e-9);
    assert_false(file_exists(j.directory));
    assert_int_equal(strlen(j.notes), 0);
    assert_int_equal(elbo_config_set(c, "patience", "3", NULL), ELBO_OK);
    o.no_validation = 1;
    assert_int_equal(elbo_train_forecast(engine, c, data, &o, &f, &error), ELBO_USAGE);
    elbo_model_free(m);
    elbo_data_free(data);
    elbo_config_free(c);
}

#define LARGE "train toy --epochs 1 --no-pictures --quiet --threads 1 --encoder 'dense 2000 relu; dense 1500 relu'"

/* The forecast of memory is that of a process, and near what the run then takes. */
static void test_forecast_of_memory(void **state)
{
    (void)state;
    char *words[] = {(char[]){"sh"}, (char[]){"-c"}, (char[]){"exec " ELBO_COMMAND " " LARGE " --out large >/dev/null"}, NULL};
    double forecast = 0;
    char line[256];
    FILE *p = popen(ELBO_COMMAND " " LARGE " --dry-run --json", "r");
    assert_non_null(p);
    while (fgets(line, sizeof line, p)) {
        const char *at = strstr(line, "\"memory\":");
        if (at) forecast = strtod(at + 9, NULL);
    }
    assert_int_equal(pclose(p), 0);
    pid_t child = fork();
    if (child == 0) execv("/bin/sh", words);
    struct rusage used;
    int how;
    assert_int_equal(wait4(child, &how, 0, &used), child);
    assert_int_equal(how, 0);
    double measured = 1024.0 * (double)used.ru_maxrss;
    if (fabs(forecast - measured) > 0.25 * measured) fail_msg("forecast %.0f, measured %.0f bytes", forecast, measured);
}

/* ---- Shards ---- */

/* A job's last model after its run, with a batch in so many shards. */
static elbo_model *in_shards(const char *const options[3][2], const char *shards)
{
    job j = new_job("shards");
    j.no_pictures = 1;
    remove_run(j.directory);
    memcpy(j.options, options, 3 * sizeof options[0]);
    j.options[3][0] = "shards", j.options[3][1] = shards;
    assert_run(&j, ELBO_OK);
    elbo_model *m = elbo_model_load(engine, in(j.directory, "last.safetensors"), NULL);
    assert_non_null(m);
    return m;
}

static double largest_difference(const float *a, const float *b, int64_t n)
{
    double largest = 0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)a[i] - (double)b[i]));
    return largest;
}

/* Batches of 6 and 4 in 4 parts, some larger than others: the parts together make the step of the whole batch. */
static void test_shards_make_the_batch(void **state)
{
    (void)state;
    static const char *const cases[][3][2] = {{{"optimizer", "sgd"}, {"rate", "0.01"}, {"reduction", "example"}},
                                              {{"optimizer", "sgd"}, {"rate", "0.002"}, {"reduction", "sum"}},
                                              {{"optimizer", "sgd"}, {"rate", "0.3"}, {"reduction", "mean"}},
                                              {{"optimizer", "sgd"}, {"rate", "0.01"}, {"encoder", "dense 8 relu; dropout 0.3"}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        elbo_model *whole = in_shards(cases[i], "1"), *parts = in_shards(cases[i], "4");
        assert_true(largest_difference(whole->store.value, parts->store.value, whole->store.params.size) < 2e-6);
        assert_true(memcmp(whole->store.value, parts->store.value, (size_t)whole->store.params.size * sizeof(float)) != 0);
        elbo_model_free(whole);
        elbo_model_free(parts);
    }
}

/* A rate of 0 leaves the parameters: the running mean of a batch in parts is then that of the batch. */
static void test_states_of_shards_are_combined(void **state)
{
    (void)state;
    static const char *const options[3][2] = {{"encoder", "dense 8 bn relu"}, {"rate", "0"}, {"epochs", "1"}};
    elbo_model *whole = in_shards(options, "1"), *parts = in_shards(options, "2");
    const entry *e = store_find(&whole->store.states, "encoder.0.bn.running_mean");
    assert_non_null(e);
    const float *a = whole->store.state + e->offset, *b = parts->store.state + e->offset, zero[8] = {0};
    assert_true(largest_difference(a, b, e->count) < 1e-6 && largest_difference(a, zero, e->count) > 1e-3);
    elbo_model_free(whole);
    elbo_model_free(parts);
}

/* The vectors of a book are placed on examples, which have no mean worth having. */
static void test_a_book_wants_the_whole_batch(void **state)
{
    (void)state;
    static const char *const options[][2] = {{"family", "vq"}, {"code-size", "1"}, {"shards", "2"}};
    job j = new_job("refused");
    memcpy(j.options, options, sizeof options);
    assert_run(&j, ELBO_USAGE);
    assert_said(j.error.message, "family vq needs the whole batch");
}

static void test_shards_and_threads(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++) {
        job j = new_job(n == 1 ? "threads1" : "threadsN");
        j.options[0][0] = "encoder", j.options[0][1] = "dense 300 relu"; /* products large enough to be shared */
        j.options[1][0] = "batch", j.options[1][1] = "16";
        j.options[2][0] = "shards", j.options[2][1] = "3";
        j.engine = elbo_engine_open(&(elbo_engine_options){.threads = n}, NULL);
        remove_run(j.directory);
        assert_run(&j, ELBO_OK);
        elbo_engine_close(j.engine);
        if (n > 1) assert_same_run("threads1", j.directory);
    }
}

/* All that a run remembers at once. */
static void test_interrupted_with_everything(void **state)
{
    (void)state;
    static const char *const options[][2] = {{"shards", "4"},          {"optimizer", "rmsprop"}, {"momentum", "0.9"},
                                             {"ema", "0.9"},           {"schedule", "plateau"},  {"drop-patience", "0"},
                                             {"rescue", "lower-rate"}, {"rate", "0.1"}};
    check_interruptions(options, 8, 1);
}

/* Schedules of the KL term are functions of the step; the figures of the last step are in the metrics. */
static void test_interrupted_with_kl_schedules(void **state)
{
    (void)state;
    static const char *const cyclical[][2] = {{"kl-warmup", "1"}, {"kl-cycle", "1.5"}, {"beta", "3"}},
                             *const held[][2] = {{"capacity", "6"}, {"capacity-epochs", "2"}, {"beta", "50"}};
    check_interruptions(cyclical, 3, 1);
    assert_said(run_metrics("whole"), "\"step\":3,\"rate\":0.001,\"beta\":2,\"train\"");
    check_interruptions(held, 3, 1);
    assert_said(run_metrics("whole"), "\"step\":6,\"rate\":0.001,\"capacity\":5,\"train\"");
}

/* What a schedule remembers is in a checkpoint; its warm-up is counted in steps. */
static void test_interrupted_on_a_plateau(void **state)
{
    (void)state;
    static const char *const options[][2] = {{"schedule", "plateau"}, {"drop-patience", "0"}, {"rate", "0.5"},
                                             {"rate-warmup", "1.5"},  {"epochs", "4"}};
    check_interruptions(options, 5, 1);
    assert_said(run_metrics("whole"), "\"step\":3,\"rate\":0.3333333333333333,");
    assert_said(run_metrics("whole"), "\"step\":9,\"rate\":0.05,");
}

/* A cosine that ends with the run can't grow with it, one of a length of its own can. */
static void test_cosine_grows(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        job j = new_job(own ? "cosine" : "bound");
        j.options[0][0] = "schedule", j.options[0][1] = "cosine";
        j.options[1][0] = "rate-epochs", j.options[1][1] = own ? "3" : "0";
        j.options[2][0] = "epochs", j.options[2][1] = "2";
        assert_run(&j, ELBO_OK);
        j.resume = 1;
        j.options[2][1] = "3";
        assert_run(&j, own ? ELBO_OK : ELBO_MISMATCH);
        if (!own) assert_said(j.error.message, "a cosine over its 2 epochs");
    }
}

static void test_options_that_cannot_work(void **state)
{
    (void)state;
    static const char *const cases[][3][2] = {
        {{"schedule", "plateau"}, {"validation", "0"}, {NULL, "no validation part"}},
        {{"patience", "3"}, {"validation", "0"}, {NULL, "patience looks at the validation total"}},
        {{"schedule", "multistep"}, {"drop-at", "60, 30"}, {NULL, "got '60, 30', expected whole numbers that rise"}},
        {{"shards", "7"}, {"batch", "6"}, {NULL, "a batch of 6 examples can't be cut into 7 shards"}},
        {{"nesterov", "true"}, {"optimizer", "sgd"}, {NULL, "momentum is 0"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        job j = new_job("refused");
        memcpy(j.options, cases[i], 2 * sizeof cases[i][0]);
        assert_run(&j, ELBO_USAGE);
        assert_said(j.error.message, cases[i][2][1]);
        assert_false(file_exists("refused"));
    }
}

/* A rate of 0 makes no progress: the first epoch stays the best. Waiting begins where the warm-up ends; a run resumed with more
 * patience is the one that had it from the beginning, and one that was over is over again. */
static void test_early_stopping(void **state)
{
    (void)state;
    static const char *const options[][2] = {{"rate", "0"}, {"epochs", "9"}, {"kl-warmup", "1.5"}, {"patience", "2"}};
    job j = new_job("early"), patient = new_job("patient");
    memcpy(j.options, options, sizeof options);
    memcpy(patient.options, options, sizeof options);
    assert_run(&j, ELBO_OK);
    assert_said(j.notes, "ended after epoch 4: no validation total was below the");
    assert_said(run_metrics("early"), "{\"early_end\":{\"epoch\":4,\"best_epoch\":1,");
    finish(&j);
    assert_said(j.notes, "ended after epoch 4");
    patient.options[3][1] = j.options[3][1] = "4";
    assert_run(&patient, ELBO_OK);
    assert_said(patient.notes, "ended after epoch 6");
    finish(&j);
    assert_same_run("patient", j.directory);
    j.options[3][1] = "3";
    assert_run(&j, ELBO_MISMATCH);
    assert_said(j.error.message, "can only grow");
    j.options[3][1] = "0";
    finish(&j);
    assert_null(strstr(j.notes, "ended"));
    assert_said(run_metrics(j.directory), "{\"epoch\":9,");
}

/* A file written when elbo had 42 options: what it says holds, all else has its default, and the run in it can go on. */
static void test_file_from_before(void **state)
{
    (void)state;
    static const char *const said[][2] = {{"encoder", "dense 6 bn tanh"}, {"decoder", "dense 6 tanh"}, {"latent", "2"},
                                          {"batch", "16"},                {"epochs", "2"},             {"likelihood", "gaussian"},
                                          {"rescue", "lower-rate"}};
    enum { N_SAID = sizeof said / sizeof *said };
    const char *path = ELBO_TEST_DIR "/golden/before.safetensors";
    run_state r;
    run_arrays arrays = {0};
    elbo_error error = {0};
    elbo_model *m = checkpoint_load(engine, path, &r, &arrays, &error);
    if (!m) fail_msg("%s", error.message);
    for (size_t i = 0; i < elbo_option_count(); i++) {
        const elbo_option_info *o = elbo_option_at(i);
        char value[64], want[64];
        elbo_config *fresh = elbo_config_new(engine, NULL);
        snprintf(want, sizeof want, "%s", elbo_config_get(fresh, o->key));
        for (int k = 0; k < N_SAID; k++)
            if (strcmp(said[k][0], o->key) == 0) snprintf(want, sizeof want, "%s", said[k][1]);
        snprintf(value, sizeof value, "%s", elbo_model_option(m, o->key));
        elbo_config_free(fresh);
        if (strcmp(value, want) != 0) fail_msg("%s: got '%s', expected '%s'", o->key, value, want);
    }
    assert_true(r.epoch == 2 && r.step == 12 && r.best_epoch == 0 && r.plateau_drops == 0 && r.recent_seen == 0);
    elbo_metrics metrics;
    elbo_data *data = elbo_data_open(engine, "toy", "test", &error);
    assert_non_null(data);
    assert_int_equal(elbo_model_evaluate(m, data, &metrics, &error), ELBO_OK);
    assert_true(fabs(metrics.total - 6.7545) < 1e-4);
    elbo_data_free(data);
    arrays_close(&arrays, engine->m);
    elbo_model_free(m);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_interrupted_with_other_optimisers),
    cmocka_unit_test(test_interrupted_with_running_means),
    cmocka_unit_test(test_running_means_are_what_is_kept),
    cmocka_unit_test(test_begins_from_another_model), cmocka_unit_test(test_beginning_is_noted),
    cmocka_unit_test(test_forecast_leaves_nothing),
    cmocka_unit_test(test_forecast_of_memory),
    cmocka_unit_test(test_shards_make_the_batch),
    cmocka_unit_test(test_states_of_shards_are_combined),
    cmocka_unit_test(test_a_book_wants_the_whole_batch),
    cmocka_unit_test(test_shards_and_threads),
    cmocka_unit_test(test_interrupted_with_everything),
    cmocka_unit_test(test_interrupted_with_kl_schedules),
    cmocka_unit_test(test_interrupted_on_a_plateau),
    cmocka_unit_test(test_cosine_grows),
    cmocka_unit_test(test_options_that_cannot_work),
    cmocka_unit_test(test_early_stopping),
    cmocka_unit_test(test_file_from_before),
};

static int all_tests(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return run_in_a_directory("test_train_options", all_tests);
}
