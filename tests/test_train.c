/* test_train.c - training: what a run leaves, resuming, the number of threads, and numbers that are not finite. */
/* ctest: slow */
#include "run_rig.h"
#include "train/optimise.h"

static void test_interrupted(void **state)
{
    (void)state;
    check_interruptions(NULL, 0, 0);
}

static void test_interrupted_with_dropout_and_schedule(void **state)
{
    (void)state;
    static const char *const options[][2] = {{"encoder", "dense 8 relu; dropout 0.2"}, {"schedule", "exponential"}};
    check_interruptions(options, 2, 1);
}

/* Two objectives, two groups: everything of both is in a checkpoint. */
static const char *const rivals[][2] = {{"family", "factor"}, {"critic", "dense 8 relu"}, {"critic-rate", "0.01"}};

static void test_interrupted_with_two_objectives(void **state)
{
    (void)state;
    check_interruptions(rivals, 3, 1);
}

/* The book and the prior of vq are states; new examples are drawn from them. */
static void test_interrupted_with_a_book(void **state)
{
    (void)state;
    static const char *const options[][2] = {{"family", "vq"}, {"latent", "4"}, {"code-size", "2"}, {"codes", "5"}};
    check_interruptions(options, 4, 0);
}

/* Both groups are trained, each by its own rate. */
static void test_groups_are_trained(void **state)
{
    (void)state;
    static const char *const rates[][2] = {{"0.001", "0.01"}, {"0", "0.01"}, {"0.001", "1e-12"}};
    for (int i = 0; i < 3; i++) {
        job j = new_job("groups");
        j.no_pictures = 1;
        memcpy(j.options, rivals, sizeof rivals);
        j.options[2][1] = rates[i][1], j.options[3][0] = "rate", j.options[3][1] = rates[i][0];
        remove_run(j.directory);
        assert_run(&j, ELBO_OK);
        elbo_model *m = elbo_model_load(engine, in(j.directory, "last.safetensors"), NULL);
        assert_non_null(m);
        float *drawn = malloc((size_t)m->store.params.size * sizeof *drawn);
        assert_non_null(drawn);
        memcpy(drawn, m->store.value, (size_t)m->store.params.size * sizeof *drawn);
        assert_int_equal(store_draw(&m->store, 1, NULL), ELBO_OK);
        for (int k = 0; k < 2; k++) {
            int64_t begin, end;
            float most = 0;
            store_range(&m->store, m->objectives[k].group, &begin, &end);
            for (int64_t p = begin; p < end; p++) most = fmaxf(most, fabsf(drawn[p] - m->store.value[p]));
            assert_true(end > begin && (most > 1e-4f) == (i != 1 + k));
        }
        free(drawn);
        elbo_model_free(m);
        size_t size;
        unsigned char *lines = bytes_of(in(j.directory, "metrics.jsonl"), &size);
        assert_said((char *)lines, "\"tc\":");
        assert_said((char *)lines, "\"critic\":");
        mem_free(&mem_standard, lines);
    }
}

/* A rate so high that the loss overflows, some times in the first epochs: every rescue must go back to the same state. */
static const char *const wild[][2] = {{"family", "ae"},
                                      {"likelihood", "squared"},
                                      {"rate", "1000"},
                                      {"rescue", "lower-rate"},
                                      {"encoder", "dense 8 relu; dense 8 relu; dense 8 relu"},
                                      {"decoder", "dense 8 relu; dense 8 relu; dense 8 relu"}};

static void test_interrupted_with_rescues(void **state)
{
    (void)state;
    job j = new_job("wild");
    memcpy(j.options, wild, sizeof wild);
    assert_run(&j, ELBO_OK);
    assert_said(j.notes, "rate halved");
    check_interruptions(wild, 6, 1);
}

static void test_crashed_twice(void **state)
{
    (void)state;
    job whole = new_job("whole3"), j = new_job("twice");
    whole.options[0][0] = j.options[0][0] = "epochs";
    whole.options[0][1] = j.options[0][1] = "3";
    assert_run(&whole, ELBO_OK);
    j.source.fail_at = whole.source.reads - 6;
    assert_run(&j, ELBO_IO);
    j.resume = 1;
    j.source.fail_at = whole.source.reads - 6;
    assert_run(&j, ELBO_IO);
    finish(&j);
    assert_same_run(whole.directory, j.directory);
}

/* ---- Threads, epochs ---- */

static void test_threads(void **state)
{
    (void)state;
    static const char *const families[] = {"vae", "factor", "vq"};
    for (int i = 0; i < 9; i++) {
        int n = i % 3 + 1;
        job j = new_job(n == 1 ? "threads1" : "threadsN");
        j.options[0][0] = "encoder", j.options[0][1] = "dense 300 relu"; /* products large enough to be shared */
        j.options[1][0] = "batch", j.options[1][1] = "16";
        j.options[2][0] = "family", j.options[2][1] = families[i / 3];
        j.options[3][0] = "code-size", j.options[3][1] = "1";
        j.engine = elbo_engine_open(&(elbo_engine_options){.threads = n}, NULL);
        remove_run(j.directory);
        assert_run(&j, ELBO_OK);
        elbo_engine_close(j.engine);
        if (n > 1) assert_same_run("threads1", j.directory);
    }
}

static void test_epochs_grow(void **state)
{
    (void)state;
    job two = new_job("two"), j = new_job("grown");
    assert_run(&two, ELBO_OK);
    j.options[0][0] = "epochs", j.options[0][1] = "1";
    assert_run(&j, ELBO_OK);
    j.options[0][1] = "2";
    finish(&j);
    assert_same_run(two.directory, j.directory);
    j.options[0][1] = "1";
    assert_run(&j, ELBO_MISMATCH);
    assert_said(j.error.message, "can only grow");
    assert_same_run(two.directory, j.directory);
}

static void test_nothing_left_to_do(void **state)
{
    (void)state;
    job j = new_job("done");
    assert_run(&j, ELBO_OK);
    assert_false(equal_files(in(j.directory, "last.safetensors"), in(j.directory, "previous.safetensors")));
    finish(&j);
    assert_false(equal_files(in(j.directory, "last.safetensors"), in(j.directory, "previous.safetensors")));
    j.directory = "untouched";
    assert_run(&j, ELBO_IO); /* nothing to resume */
    assert_false(file_exists(j.directory));
}

/* ---- Runs that can't be resumed ---- */

static void add_line(const char *path, const char *line)
{
    assert_int_equal(file_append(path, line, strlen(line), NULL), ELBO_OK);
}

static void test_mismatch_changes_nothing(void **state)
{
    (void)state;
    job j = new_job("mine"), other = new_job("mine");
    assert_run(&j, ELBO_OK);
    add_line(in(j.directory, "metrics.jsonl"), "a line that a run which goes on cuts away\n");
    remove_run("copy");
    char command[600];
    snprintf(command, sizeof command, "cp -r '%s' '%s'", j.directory, "copy");
    assert_int_equal(system(command), 0);

    other.resume = 1;
    fill(&other.source, 2);
    assert_run(&other, ELBO_MISMATCH);
    assert_said(other.error.message, "is not the data");
    other = j;
    other.resume = 1;
    other.options[0][0] = "rate", other.options[0][1] = "0.01";
    assert_run(&other, ELBO_MISMATCH);
    assert_said(other.error.message, "rate = 0.001, not 0.01");
    other.options[0][0] = NULL;
    other.no_validation = 1;
    assert_run(&other, ELBO_MISMATCH);
    assert_said(other.error.message, "validation");
    assert_same_run("copy", j.directory);
    other.resume = 0;
    assert_run(&other, ELBO_USAGE);
    assert_said(other.error.message, "has a run already");
    assert_same_run("copy", j.directory);
}

static void test_model_file_instead_of_a_checkpoint(void **state)
{
    (void)state;
    job j = new_job("model");
    assert_run(&j, ELBO_OK);
    copy_file(in(j.directory, "best.safetensors"), in(j.directory, "last.safetensors"));
    assert_int_equal(remove(in(j.directory, "previous.safetensors")), 0);
    j.resume = 1;
    assert_run(&j, ELBO_MISMATCH);
    assert_said(j.error.message, "last.safetensors");
}

/* Damage of every kind to the last checkpoint: the one before takes over, and is not damaged in turn. */
static void test_damaged_checkpoint(void **state)
{
    (void)state;
    job whole = new_job("intact");
    assert_run(&whole, ELBO_OK);
    size_t size;
    unsigned char *bytes = bytes_of(in(whole.directory, "last.safetensors"), &size);
    for (size_t k = 0; k < 10; k++) {
        job j = whole;
        j.directory = "damaged";
        remove_run(j.directory);
        j.resume = 0;
        assert_run(&j, ELBO_OK);
        size_t place = size * (k / 2) / 5;
        bytes[place] ^= (unsigned char)(1u << k % 8);
        put(in(j.directory, "last.safetensors"), bytes, k % 2 ? size : place);
        bytes[place] ^= (unsigned char)(1u << k % 8);
        j.resume = 1;
        j.source.fail_at = 6; /* crashes before the next checkpoint */
        assert_run(&j, ELBO_IO);
        finish(&j);
        assert_said(j.notes, "the newest checkpoint can't be used");
        assert_said(j.notes, "going on from previous.safetensors");
        assert_same_run(whole.directory, j.directory);
        copy_file(in(j.directory, "previous.safetensors"), in(j.directory, "last.safetensors"));
        finish(&j);
        assert_same_run(whole.directory, j.directory);
    }
    mem_free(&mem_standard, bytes);
}

/* What lies there after kills that no read can cause: amid the renames of a save, and amid a write. */
static void test_between_two_names(void **state)
{
    (void)state;
    for (int k = 0; k < 4; k++) {
        job j = new_job("named");
        remove_run(j.directory);
        assert_run(&j, ELBO_OK);
        if (k < 2) assert_int_equal(rename(in(j.directory, "last.safetensors"), in(j.directory, "new.safetensors")), 0);
        if (k == 1) assert_int_equal(rename(in(j.directory, "previous.safetensors"), in(j.directory, "last.safetensors")), 0);
        if (k == 2) put(in(j.directory, "new.safetensors.77-0.tmp"), "half", 4);
        if (k == 2) put(in(j.directory, "pictures/epoch-0002-pairs.png.77-12.tmp"), "half", 4);
        if (k == 3) assert_int_equal(remove(in(j.directory, "pairs.png")), 0);
        if (k == 3) copy_file(in(j.directory, "previous.safetensors"), in(j.directory, "last.safetensors"));
        finish(&j);
        assert_null(strstr(j.notes, "can't be used"));
        job whole = new_job("plain");
        remove_run(whole.directory);
        assert_run(&whole, ELBO_OK);
        assert_same_run(whole.directory, j.directory);
    }
}

/* Killed before the first checkpoint: there is nothing but the configuration. */
static void test_bare_run(void **state)
{
    (void)state;
    job j = new_job("bare"), whole = new_job("full");
    assert_run(&whole, ELBO_OK);
    assert_int_equal(file_make_directory(j.directory, NULL), ELBO_OK);
    copy_file(in(whole.directory, "config.toml"), in(j.directory, "config.toml"));
    put(in(j.directory, "config.toml.5-0.tmp"), "", 0);
    copy_file(in(whole.directory, "previous.safetensors"), in(j.directory, "new.safetensors"));
    finish(&j);
    assert_same_run(whole.directory, j.directory);
}

static void test_metrics(void **state)
{
    (void)state;
    job j = new_job("metrics"), whole = new_job("measured");
    assert_run(&whole, ELBO_OK);
    assert_run(&j, ELBO_OK);
    const char *path = in(j.directory, "metrics.jsonl");
    add_line(path, "{\"epoch\":3,\"st");
    finish(&j);
    assert_same_run(whole.directory, j.directory);
    assert_int_equal(truncate(path, 10), 0);
    j.resume = 1;
    assert_run(&j, ELBO_IO);
    assert_said(j.error.message, "metrics.jsonl' has 10 bytes");
}

/* A checkpoint with a checksum of its own, but a place that no run reaches: once an endless loop. */
static void test_impossible_place(void **state)
{
    (void)state;
    static const int64_t places[][3] = {{6, 2, 3}, {6, 2, 1 << 20}, {6, 1, 0}, {7, 2, 0}, {1, 2, 2}, {6, (int64_t)1 << 39, 0}};
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        job j = new_job("place");
        remove_run(j.directory);
        assert_run(&j, ELBO_OK);
        run_state r;
        run_arrays arrays = {0};
        const char *path = in(j.directory, "last.safetensors");
        elbo_model *m = checkpoint_load(engine, path, &r, &arrays, NULL);
        assert_non_null(m);
        r.step = places[k][0];
        r.epoch = places[k][1];
        r.step_in_epoch = places[k][2];
        assert_int_equal(checkpoint_save(m, path, &r, &arrays, NULL), ELBO_OK);
        arrays_close(&arrays, m->m);
        elbo_model_free(m);
        j.resume = 1;
        assert_run(&j, ELBO_BAD_FILE);
        assert_said(j.error.message, "last.safetensors");
    }
}

/* Where another product goes on with a run, it is said, once: the bits are no longer those of one that was not interrupted. */
static void test_other_products_are_noted(void **state)
{
    (void)state;
    static const char *const begun_by[] = {"another product", "", NULL};
    for (int k = 0; k < 3; k++) {
        job j = new_job("products");
        remove_run(j.directory);
        assert_run(&j, ELBO_OK);
        run_state r;
        run_arrays arrays = {0};
        const char *path = in(j.directory, "last.safetensors");
        elbo_model *m = checkpoint_load(engine, path, &r, &arrays, NULL);
        assert_non_null(m);
        assert_true(*r.computed_by);
        if (begun_by[k]) snprintf(r.computed_by, sizeof r.computed_by, "%s", begun_by[k]);
        assert_int_equal(checkpoint_save(m, path, &r, &arrays, NULL), ELBO_OK);
        arrays_close(&arrays, m->m);
        elbo_model_free(m);
        j.resume = 1;
        for (int epochs = 3; epochs < 5; epochs++) {
            char words[8];
            snprintf(words, sizeof words, "%d", epochs);
            j.options[0][0] = "epochs";
            j.options[0][1] = words;
            assert_run(&j, ELBO_OK);
            assert_true((strstr(j.notes, "computed by another product and goes on with") != NULL) == (k == 0 && epochs == 3));
        }
    }
}

/* ---- One at a time ---- */

static int train_inside(void *user, const elbo_event *event)
{
    job *j = user;
    (void)event;
    if (!j->resume) return 1;
    j->resume = 0;
    job other = *j;
    other.resume = 1;
    assert_run(&other, ELBO_USAGE);
    assert_said(other.error.message, "in use");
    return 0;
}

static void test_two_runs_in_a_directory(void **state)
{
    (void)state;
    job j = new_job("shared");
    assert_run(&j, ELBO_OK);
    j.resume = 1;
    elbo_config *c = config_of(&j);
    elbo_config_set(c, "epochs", "3", NULL);
    elbo_data *data = open_source(&j.source, engine);
    elbo_train_options o = {.directory = j.directory, .resume = 1, .on_event = train_inside, .user = &j};
    elbo_error error = {0};
    assert_null(elbo_train(engine, c, data, &o, &error));
    assert_int_equal(error.code, ELBO_CANCELLED);
    elbo_data_free(data);
    elbo_config_free(c);
}

/* ---- Numbers that are not finite ---- */

static int64_t epoch_on_disk(const char *directory)
{
    run_state r;
    run_arrays arrays = {0};
    elbo_model *m = checkpoint_load(engine, in(directory, "last.safetensors"), &r, &arrays, NULL);
    assert_non_null(m);
    arrays_close(&arrays, engine->m);
    elbo_model_free(m);
    return r.epoch;
}

/* Each read of an epoch in turn (three of training, one of validation) delivers a number that is none. */
static void test_bad_data_is_named(void **state)
{
    (void)state;
    const float bad[] = {(float)NAN, (float)INFINITY};
    job plain = new_job(NULL);
    assert_run(&plain, ELBO_OK);
    assert_int_equal(plain.source.reads, FINGERPRINT + 2 * (STEPS + 1));
    for (int k = 1; k <= STEPS + 1; k++) {
        job j = new_job("bad");
        remove_run(j.directory);
        j.no_pictures = 1;
        j.source.lie_at = FINGERPRINT + STEPS + 1 + k;
        j.source.lie = bad[k % 2];
        assert_run(&j, ELBO_DIVERGED);
        char step[32];
        snprintf(step, sizeof step, "step %d (epoch 2)", STEPS + (k <= STEPS ? k : STEPS));
        assert_said(j.error.message, step);
        assert_said(j.error.message, k <= STEPS ? "the loss is" : "validation: the loss is");
        assert_said(j.error.message, "'x', example ");
        assert_int_equal(epoch_on_disk(j.directory), 1);
        finish(&j); /* the source now tells the truth */
        assert_int_equal(epoch_on_disk(j.directory), 2);
    }
}

static void test_bad_example_is_the_one_named(void **state)
{
    (void)state;
    for (int64_t example = 0; example < COUNT; example += 3) {
        job j = new_job(NULL);
        elbo_data *data = open_source(&j.source, engine); /* measured while it is good */
        j.source.lie_always = true;
        j.source.example = example;
        j.source.lie = (float)NAN;
        elbo_config *c = config_of(&j);
        elbo_error error = {0};
        assert_null(elbo_train(engine, c, data, NULL, &error));
        char words[32];
        snprintf(words, sizeof words, "example %d of the data", (int)example);
        assert_int_equal(error.code, ELBO_DIVERGED);
        assert_said(error.message, words);
        elbo_model *m = elbo_model_new(engine, c, data, NULL);
        elbo_metrics metrics;
        error = (elbo_error){0};
        assert_int_equal(elbo_model_evaluate(m, data, &metrics, &error), ELBO_DIVERGED);
        assert_said(error.message, words);
        elbo_model_free(m);
        elbo_config_free(c);
        elbo_data_free(data);
    }
}

static void test_rescue_goes_on(void **state)
{
    (void)state;
    job j = new_job("rescued");
    for (int k = 1; k <= STEPS + 1; k++) {
        remove_run(j.directory);
        j.resume = 0;
        j.options[0][0] = "rescue", j.options[0][1] = "lower-rate";
        j.source.lie_at = FINGERPRINT + k;
        j.source.lie = (float)NAN;
        assert_run(&j, ELBO_OK);
        assert_said(j.notes, "back to step 0 with the rate halved to 0.0005");
        size_t size;
        char *metrics = (char *)bytes_of(in(j.directory, "metrics.jsonl"), &size);
        assert_said(metrics, "{\"rescue\":{\"step\":");
        assert_said(metrics, "\"rate\":0.0005,");
        mem_free(&mem_standard, metrics);
    }
}

static void test_rescues_come_to_an_end(void **state)
{
    (void)state;
    job j = new_job("hopeless");
    j.options[0][0] = "rescue", j.options[0][1] = "lower-rate";
    elbo_data *data = open_source(&j.source, engine);
    j.source.lie_always = true;
    j.source.lie = (float)NAN;
    elbo_config *c = config_of(&j);
    elbo_train_options o = {.directory = j.directory, .on_event = on_event, .user = &j};
    elbo_error error = {0};
    assert_null(elbo_train(engine, c, data, &o, &error));
    assert_int_equal(error.code, ELBO_DIVERGED);
    assert_said(error.message, "10 rescues");
    size_t size;
    char *metrics = (char *)bytes_of(in(j.directory, "metrics.jsonl"), &size);
    assert_said(metrics, "{\"diverged\":{\"step\":");
    mem_free(&mem_standard, metrics);
    assert_int_equal(epoch_on_disk(j.directory), 0);
    elbo_config_free(c);
    elbo_data_free(data);
}

/* Runs one training step of a model by hand; false where a number of its loss or gradient is not finite, with the words. */
static bool step_is_finite(elbo_model *m, source *s, char *words, size_t room)
{
    int64_t index[6] = {10, 11, 12, 13, 14, 15};
    run_env env = {.seed = 1};
    compiled *c = model_plan(m, (plan_key){.purpose = TRAIN, .examples = 6, .dtype = ELBO_F32}, NULL);
    assert_non_null(c);
    model_run(m, c, s->x, env);
    optim_settings o = {.rate = 0, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1, .scale = 1, .step = 1};
    bool finite = isfinite((double)*model_result(m, c, c->loss)) && gradient_is_finite(m, "model");
    if (finite && optimise(m, "model", &o)) return true; /* with a rate of 0, only looking */
    for (int i = 0; i < 2; i++) memset(m->store.slot[i], 0, (size_t)m->store.params.size * sizeof(float));
    assert_int_equal(model_blame(m, c, s->x, env, index, words, room, NULL), ELBO_OK);
    return false;
}

static void test_planted_in_each_parameter(void **state)
{
    (void)state;
    const float bad[] = {(float)NAN, (float)INFINITY, (float)-INFINITY};
    job j = new_job(NULL);
    elbo_config *c = config_of(&j);
    elbo_data *data = open_source(&j.source, engine);
    elbo_model *m = elbo_model_new(engine, c, data, NULL);
    char words[400];
    assert_true(step_is_finite(m, &j.source, words, sizeof words));
    for (int i = 0; i < m->store.params.n; i++) {
        const entry *e = &m->store.params.at[i];
        for (int k = 0; k < 3; k++) {
            float *place = &m->store.value[e->offset + (k * e->count) / 3], kept = *place;
            *place = bad[k];
            if (step_is_finite(m, &j.source, words, sizeof words)) fail_msg("%s: not noticed", e->name);
            if (!strstr(words, e->name)) fail_msg("%s: '%s'", e->name, words);
            *place = kept;
        }
    }
    assert_true(step_is_finite(m, &j.source, words, sizeof words));
    elbo_model_free(m);
    elbo_data_free(data);
    elbo_config_free(c);
}

/* Without epsilon Adam divides 0 by 0 for a unit that no example reached; a loss need not tell. */
static void test_update_is_not_finite(void **state)
{
    (void)state;
    job j = new_job("update");
    j.options[0][0] = "epsilon", j.options[0][1] = "0";
    for (int i = 0; i < COUNT; i++) j.source.x[i][0] = 0;
    assert_run(&j, ELBO_DIVERGED);
    assert_said(j.error.message, "step 1 (epoch 1): the optimiser made number ");
    assert_said(j.error.message, "of 'encoder.0.weight'");
    assert_int_equal(epoch_on_disk(j.directory), 0);
}

/* A batch's variance is finite, that of what it was drawn from, larger by n / (n - 1), is not: the running one shows it. */
static void test_new_state_is_not_finite(void **state)
{
    (void)state;
    bool seen = false;
    for (float lie = 1e18f; !seen && lie < 1e22f; lie *= 1.03f) {
        job j = new_job(NULL);
        j.options[0][0] = "encoder", j.options[0][1] = "dense 8 bn relu";
        j.options[1][0] = "optimizer", j.options[1][1] = "sgd";
        j.options[2][0] = "clip", j.options[2][1] = "1";
        j.options[3][0] = "epochs", j.options[3][1] = "1";
        j.source.lie_at = FINGERPRINT + 2;
        j.source.lie = lie;
        seen = run(&j) == ELBO_DIVERGED && strstr(j.error.message, "step 2 (epoch 1): the batch made number ");
        if (seen) assert_said(j.error.message, "of 'encoder.0.bn.running_var' inf");
    }
    assert_true(seen);
}

static void scale_parameter(elbo_model *m, const char *name, float factor)
{
    const entry *e = store_find(&m->store.params, name);
    assert_non_null(e);
    for (int64_t i = 0; i < e->count; i++) m->store.value[e->offset + i] *= factor;
}

/* Outputs of about 1e18 from activations of about 1e22: the square of the one is finite, their product is not. */
static void test_gradient_alone_is_not_finite(void **state)
{
    (void)state;
    static const char *const options[][2] = {
        {"family", "ae"}, {"likelihood", "squared"}, {"encoder", "dense 8"}, {"decoder", "dense 8"}};
    job j = new_job(NULL);
    memcpy(j.options, options, sizeof options);
    elbo_config *c = config_of(&j);
    elbo_data *data = open_source(&j.source, engine);
    elbo_model *m = elbo_model_new(engine, c, data, NULL);
    scale_parameter(m, "code.weight", 1e22f);
    scale_parameter(m, "decoder.out.weight", 1e-4f);
    char words[400];
    assert_false(step_is_finite(m, &j.source, words, sizeof words));
    compiled *k = model_plan(m, (plan_key){.purpose = TRAIN, .examples = 6, .dtype = ELBO_F32}, NULL);
    model_run(m, k, j.source.x, (run_env){.seed = 1});
    assert_true(isfinite((double)*model_result(m, k, k->loss)));
    assert_false(gradient_is_finite(m, "model"));
    assert_null(strstr(words, "could not be traced"));
    elbo_model_free(m);
    elbo_data_free(data);
    elbo_config_free(c);
}

/* ---- Around training ---- */

static void test_without_a_directory(void **state)
{
    (void)state;
    job j = new_job(NULL), other = new_job("kept");
    elbo_config *c = config_of(&j);
    elbo_data *data = open_source(&j.source, engine);
    elbo_model *m = elbo_train(engine, c, data, NULL, NULL);
    assert_non_null(m);
    assert_run(&other, ELBO_OK);
    elbo_model *kept = elbo_model_load(engine, other.directory, NULL);
    assert_non_null(kept);
    assert_int_equal(elbo_model_describe(m)->step, elbo_model_describe(kept)->step);
    assert_memory_equal(m->store.value, kept->store.value, (size_t)m->store.params.size * sizeof(float));
    elbo_error error = {0};
    elbo_train_options o = {.resume = 1};
    assert_null(elbo_train(engine, c, data, &o, &error));
    assert_int_equal(error.code, ELBO_USAGE);
    elbo_model_free(kept);
    elbo_model_free(m);
    elbo_data_free(data);
    elbo_config_free(c);
}

static void test_cancelled_without_a_directory(void **state)
{
    (void)state;
    job j = new_job(NULL);
    j.cancel_at_events = 1;
    assert_run(&j, ELBO_CANCELLED);
    assert_said(j.error.message, "cancelled in epoch");
}

/* Trains so many epochs, cancelled then or over. */
static void train_epochs(const char *directory, int epochs, bool cancelled)
{
    job j = new_job(directory);
    char words[24];
    snprintf(words, sizeof words, "%d", cancelled ? 60 : epochs);
    j.options[0][0] = "epochs";
    j.options[0][1] = words;
    if (cancelled) j.cancel_at_epoch = epochs;
    assert_run(&j, cancelled ? ELBO_CANCELLED : ELBO_OK);
}

/* After short epochs curves are not always drawn, but wherever a run ends they show all of it. */
static void test_curves_to_the_end(void **state)
{
    (void)state;
    enum { EPOCHS = 23 }; /* the last of them is one without */
    train_epochs("curves", EPOCHS, false);
    train_epochs("curves_cancelled", EPOCHS, true);
    train_epochs("curves_shorter", EPOCHS - 1, false);
    assert_true(equal_files("curves/metrics.jsonl", "curves_cancelled/metrics.jsonl"));
    assert_true(equal_files("curves/curves.png", "curves_cancelled/curves.png"));
    assert_false(equal_files("curves/curves.png", "curves_shorter/curves.png"));
}

/* Of many short epochs not each is saved, and the best model waits for the next that is: a run that breaks off between two of
 * them, and is resumed, leaves the files of one that did not. Here the best is of an epoch that is not saved, and seven epochs
 * from the end. */
static void test_resumed_between_checkpoints(void **state)
{
    (void)state;
    enum { LATE = 9, OF_EPOCH = STEPS + 2 }; /* epochs; reads: steps, validation, pairs.png */
    job whole = new_job("many");
    const char *const options[3][2] = {{"epochs", "400"}, {"patience", "6"}, {"seed", "5"}};
    memcpy(whole.options, options, sizeof options);
    assert_run(&whole, ELBO_OK);
    assert_said(whole.notes, "ended after epoch");
    for (int k = 0; k < LATE; k++) {
        job j = new_job("many_parts");
        memcpy(j.options, whole.options, sizeof j.options);
        remove_run(j.directory);
        j.source.fail_at = whole.source.reads - k * OF_EPOCH - k % OF_EPOCH;
        assert_run(&j, ELBO_IO);
        finish(&j);
        assert_same_run(whole.directory, j.directory);
    }
}

/* Every output of a model is the same to the bit when the model was saved and loaded. */
static void test_saved_and_loaded(void **state)
{
    (void)state;
    job j = new_job("served");
    assert_run(&j, ELBO_OK);
    elbo_model *a = elbo_model_load(engine, j.directory, NULL);
    assert_int_equal(elbo_model_save(a, "saved.safetensors", NULL), ELBO_OK);
    elbo_model *b = elbo_model_load(engine, "saved.safetensors", NULL);
    assert_non_null(b);
    elbo_data *data = open_source(&j.source, engine);
    elbo_model *const models[] = {a, b};
    static float out[2][4][COUNT * SIZE];
    elbo_metrics metrics[2];
    memset(metrics, 0, sizeof metrics);
    for (int i = 0; i < 2; i++) {
        const float *x = &j.source.x[0][0];
        assert_int_equal(elbo_model_encode(models[i], x, COUNT, out[i][0], out[i][1], NULL), ELBO_OK);
        assert_int_equal(elbo_model_decode(models[i], out[i][0], COUNT, out[i][2], NULL), ELBO_OK);
        assert_int_equal(elbo_model_sample(models[i], COUNT, 3, out[i][3], NULL), ELBO_OK);
        assert_int_equal(elbo_model_evaluate(models[i], data, &metrics[i], NULL), ELBO_OK);
    }
    assert_memory_equal(out[0], out[1], sizeof out[0]);
    assert_memory_equal(&metrics[0], &metrics[1], sizeof metrics[0]);
    assert_true(equal_files(in(j.directory, "best.safetensors"), "saved.safetensors"));
    elbo_model_free(a);
    elbo_model_free(b);
    elbo_data_free(data);
}

/* Each number's KL is that of its mean and deviation, 1/2 (m^2 + s^2 - 1) - log s, and together they are the term kl. */
static void test_latent_use(void **state)
{
    (void)state;
    job j = new_job("divergence");
    assert_run(&j, ELBO_OK);
    elbo_model *m = elbo_model_load(engine, j.directory, NULL);
    elbo_data *data = open_source(&j.source, engine);
    elbo_metrics metrics;
    static float mean[COUNT * 64], std[COUNT * 64];
    int64_t z = elbo_model_describe(m)->latent_size;
    assert_true(z > 1 && z <= 64);
    assert_null(elbo_model_latent_use(m));
    assert_int_equal(elbo_model_evaluate(m, data, &metrics, NULL), ELBO_OK);
    assert_int_equal(elbo_model_encode(m, &j.source.x[0][0], COUNT, mean, std, NULL), ELBO_OK);
    double all = 0;
    for (int64_t k = 0; k < z; k++) {
        double want = 0, got = elbo_model_latent_use(m)[k].kl, sum = 0, squares = 0;
        for (int64_t i = k; i < COUNT * z; i += z) {
            double mu = (double)mean[i], s = (double)std[i];
            want += (0.5 * (mu * mu + s * s - 1) - log(s)) / COUNT;
            sum += mu / COUNT;
            squares += mu * mu / COUNT;
        }
        assert_true(fabs(got - want) < 1e-5 * fmax(1, want));
        all += got;
        assert_true(fabs(elbo_model_latent_use(m)[k].mean - sum) < 1e-6);
        assert_true(fabs(elbo_model_latent_use(m)[k].variance - (squares - sum * sum)) < 1e-6);
    }
    assert_true(fabs(all - metrics.kl) < 1e-5 * fmax(1, all));
    size_t size;
    char *lines = (char *)bytes_of(in(j.directory, "metrics.jsonl"), &size);
    assert_said(lines, ",\"latent_kl\":[");
    mem_free(&mem_standard, lines);
    elbo_model_free(m);
    elbo_data_free(data);
}

static void test_load_of_a_directory(void **state)
{
    (void)state;
    job j = new_job("loaded");
    elbo_error error = {0};
    assert_run(&j, ELBO_OK);
    assert_int_equal(remove(in(j.directory, "best.safetensors")), 0);
    elbo_model *last = elbo_model_load(engine, j.directory, &error);
    assert_non_null(last);
    assert_int_equal(elbo_model_describe(last)->epoch, 2);
    elbo_model_free(last);
    assert_int_equal(remove(in(j.directory, "last.safetensors")), 0);
    assert_null(elbo_model_load(engine, j.directory, &error));
    assert_int_equal(error.code, ELBO_IO);
    assert_said(error.message, "last.safetensors");
}

static void test_pictures_may_come_later(void **state)
{
    (void)state;
    job j = new_job("later");
    j.no_pictures = 1;
    j.options[0][0] = "epochs", j.options[0][1] = "1";
    assert_run(&j, ELBO_OK);
    assert_false(file_exists(in(j.directory, "samples.png")));
    j.no_pictures = 0;
    j.options[0][1] = "2";
    finish(&j);
    assert_true(file_exists(in(j.directory, "pictures/epoch-0002-samples.png")));
}

static void test_defaults_are_allowed(void **state)
{
    (void)state;
    elbo_config *c = elbo_config_new(engine, NULL);
    for (size_t i = 0; i < elbo_option_count(); i++) {
        const elbo_option_info *o = elbo_option_at(i);
        elbo_error error = {0};
        if (elbo_config_set(c, o->key, o->default_value, &error) != ELBO_OK) fail_msg("%s", error.message);
        char shown[1024];
        snprintf(shown, sizeof shown, "%s", elbo_config_get(c, o->key));
        if (elbo_config_set(c, o->key, shown, &error) != ELBO_OK) fail_msg("%s", error.message);
        assert_string_equal(shown, elbo_config_get(c, o->key));
    }
    assert_null(elbo_option_at(elbo_option_count()));
    elbo_config_free(c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_interrupted),
    cmocka_unit_test(test_interrupted_with_dropout_and_schedule),
    cmocka_unit_test(test_interrupted_with_rescues),
    cmocka_unit_test(test_interrupted_with_two_objectives),
    cmocka_unit_test(test_groups_are_trained),
    cmocka_unit_test(test_interrupted_with_a_book),
    cmocka_unit_test(test_crashed_twice),
    cmocka_unit_test(test_threads),
    cmocka_unit_test(test_epochs_grow),
    cmocka_unit_test(test_nothing_left_to_do),
    cmocka_unit_test(test_mismatch_changes_nothing),
    cmocka_unit_test(test_model_file_instead_of_a_checkpoint),
    cmocka_unit_test(test_damaged_checkpoint),
    cmocka_unit_test(test_between_two_names),
    cmocka_unit_test(test_bare_run),
    cmocka_unit_test(test_metrics),
    cmocka_unit_test(test_impossible_place),
    cmocka_unit_test(test_other_products_are_noted),
    cmocka_unit_test(test_two_runs_in_a_directory),
    cmocka_unit_test(test_bad_data_is_named),
    cmocka_unit_test(test_bad_example_is_the_one_named),
    cmocka_unit_test(test_rescue_goes_on),
    cmocka_unit_test(test_rescues_come_to_an_end),
    cmocka_unit_test(test_planted_in_each_parameter),
    cmocka_unit_test(test_update_is_not_finite),
    cmocka_unit_test(test_new_state_is_not_finite),
    cmocka_unit_test(test_gradient_alone_is_not_finite),
    cmocka_unit_test(test_without_a_directory),
    cmocka_unit_test(test_cancelled_without_a_directory),
    cmocka_unit_test(test_curves_to_the_end),
    cmocka_unit_test(test_resumed_between_checkpoints),
    cmocka_unit_test(test_saved_and_loaded),
    cmocka_unit_test(test_latent_use),
    cmocka_unit_test(test_load_of_a_directory),
    cmocka_unit_test(test_pictures_may_come_later),
    cmocka_unit_test(test_defaults_are_allowed),
};

static int all_tests(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    return run_in_a_directory("test_train", all_tests);
}
