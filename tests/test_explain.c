/* test_explain.c - elbo explain names the cause in setups that people ask about, and is silent on healthy ones.
 *
 * The data are spots of random place and width on 10x10 pixels, which a small network learns in a second. */
/* ctest: slow */
#include "elbo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 10, SIZE = SIDE * SIDE, MANY = 800, FEW = 24 };

static elbo_engine *engine;
static char folder[] = "/tmp/elbo-explain-XXXXXX";

/* ---- Setups ---- */

typedef struct setup {
    const char *name;
    const char *options; /* "key=value key=value"; '+' stands for a space in a value */
    int64_t count;       /* examples; 0: MANY */
    float scale;         /* of the data; 0: 1 */
    float shown;         /* scale of the data explain is given; 0: the same */
    const char *cause;   /* NULL: healthy */
    int blur;            /* 1: half of each value is chance, so that there is something to learn by heart */
} setup;

static const setup setups[] = {
    {"healthy", "", 0, 0, 0, NULL, 0},
    {"healthy-gaussian", "likelihood=gaussian variance=optimal", 0, 0, 0, NULL, 0},
    {"healthy-vq", "family=vq latent=8 codes=16", 0, 0, 0, NULL, 0},
    {"mean-reduced", "reduction=mean", 0, 0, 0, "mean-reduced", 0},
    {"beta", "beta=100", 0, 0, 0, "beta-large", 0},
    {"no-prior", "beta=0.00001", 0, 0, 0, "off-prior", 0},
    {"rate", "rate=1", 0, 0, 0, "rate-high", 0},
    {"slow", "rate=0.000001", 0, 0, 0, "undertrained", 0},
    {"sigma", "likelihood=gaussian sigma=10", 0, 0, 0, "sigma-large", 0},
    {"bytes", "likelihood=gaussian variance=fixed", 0, 255, 0, "unscaled-data", 0},
    {"other-scale", "likelihood=gaussian sigma=0.1", 0, 0, 255, "other-range", 0},
    {"tanh", "likelihood=squared output=tanh", 0, 0, 0, "tanh-on-unit", 0},
    {"few", "beta=0.01 latent=20 epochs=200 encoder=dense+200+relu decoder=dense+200+relu", 100, 0, 0, "overfitted", 1},
    {"nan", "likelihood=squared rate=1000", 0, 1e6f, 0, "diverged", 0},
    {"dead", "family=vq latent=2 code-size=2 codes=512 epochs=100", FEW, 0, 0, "dead-codes", 0},
};

static double uniform(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)(*state >> 8) / (1 << 24);
}

static elbo_data *spots(int64_t n, float scale, int blur)
{
    const int64_t shape[3] = {SIDE, SIDE, 1};
    float *x = calloc((size_t)n * SIZE, sizeof *x);
    uint32_t state = 1;
    assert_non_null(x);
    for (int64_t i = 0; i < n; i++) {
        double row = 2 + 6 * uniform(&state), column = 2 + 6 * uniform(&state), width = 0.7 + 1.3 * uniform(&state);
        for (int k = 0; k < SIZE; k++) {
            double dy = k / SIDE - row, dx = k % SIDE - column;
            double value = exp(-(dx * dx + dy * dy) / (2 * width * width));
            if (blur) value = (value + uniform(&state)) / 2;
            x[i * SIZE + k] = (float)value * scale;
        }
    }
    elbo_data *data = elbo_data_from_memory(engine, x, ELBO_F32, n, shape, NULL, NULL);
    free(x);
    assert_non_null(data);
    return data;
}

static void set_all(elbo_config *c, const char *options)
{
    char text[256], *rest, *word;
    snprintf(text, sizeof text, "%s", options);
    for (word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value++ = 0;
        for (char *p = value; *p; p++) *p = (char)(*p == '+' ? ' ' : *p);
        assert_int_equal(elbo_config_set(c, word, value, NULL), ELBO_OK);
    }
}

/* Trains a setup into a run directory, path. */
static void train(const setup *s, elbo_data *data, const char *path)
{
    elbo_config *c = elbo_config_new(engine, NULL);
    elbo_error error = {0};
    set_all(c, "encoder=dense+64+relu decoder=dense+64+relu latent=4 epochs=20 batch=32 rate=0.002");
    set_all(c, s->options);
    elbo_model *m = elbo_train(engine, c, data, &(elbo_train_options){.directory = path}, &error);
    if (!m) assert_int_equal(error.code, ELBO_DIVERGED);
    elbo_model_free(m);
    elbo_config_free(c);
}

static void print_findings(const setup *s, const elbo_explanation *x)
{
    const elbo_finding *f;
    for (size_t i = 0; (f = elbo_finding_at(x, i)) != NULL; i++)
        print_message("%s: %s: %s; %s\n", s->name, f->name, f->evidence, f->remedy);
}

/* The first finding is the cause, and says what to do. */
static void check(const setup *s, const elbo_explanation *x)
{
    const elbo_finding *f = elbo_finding_at(x, 0);
    print_findings(s, x);
    if (!s->cause) {
        assert_null(f);
        return;
    }
    assert_non_null(f);
    assert_string_equal(f->name, s->cause);
    assert_true(f->evidence[0] && f->remedy[0]);
}

static void test_setup(void **state)
{
    const setup *s = *state;
    char path[128];
    float scale = s->scale > 0 ? s->scale : 1;
    snprintf(path, sizeof path, "%s/%s", folder, s->name);
    elbo_data *data = spots(s->count ? s->count : MANY, scale, s->blur);
    elbo_data *shown = s->shown > 0 ? spots(MANY, s->shown, 0) : data;
    train(s, data, path);
    elbo_explanation *x = elbo_explain(engine, path, shown, NULL);
    assert_non_null(x);
    check(s, x);
    elbo_explanation_free(x);
    if (shown != data) elbo_data_free(shown);
    elbo_data_free(data);
}

/* ---- What is refused ---- */

static void write_config(const char *path, const char *lines)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(lines, f);
    assert_int_equal(fclose(f), 0);
}

/* A configuration that elbo would not train is explained, too. */
static void expect_refusal(const char *lines, float scale, const char *said)
{
    char path[128];
    snprintf(path, sizeof path, "%s/refused.toml", folder);
    write_config(path, lines);
    elbo_data *data = spots(FEW, scale, 0);
    elbo_explanation *x = elbo_explain(engine, path, data, NULL);
    assert_non_null(x);
    const elbo_finding *f = elbo_finding_at(x, 0);
    assert_non_null(f);
    assert_string_equal(f->name, "refused");
    if (!strstr(f->evidence, said)) fail_msg("'%s' is not in '%s'", said, f->evidence);
    elbo_explanation_free(x);
    elbo_data_free(data);
}

static void test_refused(void **state)
{
    (void)state;
    expect_refusal("decoder = dense 100; reshape 10x10x1; conv 1 3x3 sigmoid\n", 1, "leave sigmoid out");
    expect_refusal("likelihood = bernoulli\n", 255, "scale them, or use --likelihood gaussian");
    expect_refusal("likelihood = bernoulli\noutput = sigmoid\n", 1, "a second transformation");
    expect_refusal("likelihood = squared\noutput = sigmoid\nrange = symmetric\n", 1, "output sigmoid reaches (0,1)");
}

static void test_accepted_configuration(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/good.toml", folder);
    write_config(path, "latent = 4\n");
    elbo_data *data = spots(FEW, 1, 0);
    elbo_explanation *x = elbo_explain(engine, path, data, NULL);
    assert_non_null(x);
    assert_null(elbo_finding_at(x, 0));
    elbo_explanation_free(x);
    elbo_data_free(data);
}

static void test_errors(void **state)
{
    (void)state;
    elbo_error error = {0};
    char path[128];
    assert_null(elbo_explain(engine, "/nowhere", NULL, &error));
    assert_int_equal(error.code, ELBO_IO);
    snprintf(path, sizeof path, "%s/good.toml", folder);
    assert_null(elbo_explain(engine, path, NULL, &error));
    assert_int_equal(error.code, ELBO_USAGE);
}

static int open_all(void **state)
{
    (void)state;
    engine = elbo_engine_open(&(elbo_engine_options){.threads = 2}, NULL);
    return engine && mkdtemp(folder) ? 0 : 1;
}

static int close_all(void **state)
{
    (void)state;
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    elbo_engine_close(engine);
    return system(command);
}

enum { N_SETUPS = sizeof setups / sizeof *setups, N_OTHERS = 3 };

int main(void)
{
    struct CMUnitTest tests[N_SETUPS + N_OTHERS] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_accepted_configuration),
        cmocka_unit_test(test_errors),
    };
    for (size_t i = 0; i < N_SETUPS; i++)
        tests[N_OTHERS + i] = (struct CMUnitTest){
            .name = setups[i].name, .test_func = test_setup, .initial_state = (void *)(uintptr_t)&setups[i]};
    return cmocka_run_group_tests(tests, open_all, close_all);
}
