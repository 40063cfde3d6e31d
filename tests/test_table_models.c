/* test_table_models.c - models of tables: the likelihood of mixed columns against closed forms, what is learnt of the data before
 * training, missing values, units and names on the way out, files, and options that suit the data. */
#include "model_rig.h"

#include "data/data.h"
#include "train/columns_json.h"

#include <stdlib.h>
#include <unistd.h>

static double softplus(double v)
{
    return fmax(v, 0) + log1p(exp(-fabs(v)));
}

/* -log p of the columns of table_of_kinds, from what the decoder emits: real 1, count 1, bit 1, level 3, wild 1. */
static double closed_form(const double *r, const double *x, double logsigma, double logd)
{
    double sum = 0, d = exp(logd), m = exp(r[6]), z = log(exp(r[3]) + exp(r[4]) + exp(r[5]));
    double error = (x[0] - r[0]) / exp(logsigma);
    if (!isnan(x[0])) sum += 0.5 * log(2 * 3.14159265358979323846) + logsigma + 0.5 * error * error;
    if (!isnan(x[1])) sum += exp(r[1]) - x[1] * r[1] + lgamma(x[1] + 1);
    if (!isnan(x[2])) sum += softplus(r[2]) - x[2] * r[2];
    if (!isnan(x[3])) sum += z - r[3 + (int)x[3]];
    if (!isnan(x[4]))
        sum -= lgamma(x[4] + d) - lgamma(d) - lgamma(x[4] + 1) + d * log(d / (d + m)) + x[4] * log(m / (d + m));
    return sum;
}

static void test_likelihood(void **state)
{
    (void)state;
    enum { N = 5, E = 7, D = 6 };
    static const double x[N * D] = {0.5, 3, 1, 2, 7, 1, NAN, 0, 0, 0, 0, 1, -2, NAN, 1, 1, 40, 1,
                                    1,   9, NAN, NAN, NAN, 1, 0, 1, 0, 2, 5, NAN};
    double r[N * E], safe[N * D], there[N * D], values[256] = {0};
    for (int i = 0; i < N * E; i++) r[i] = 1.3 * sin(2.1 * i);
    for (int i = 0; i < N * D; i++) there[i] = !isnan(x[i]), safe[i] = isnan(x[i]) ? 0 : x[i];
    const likelihood l = {.kind = L_columns, .sigma_kind = SIGMA_PER_DIMENSION, .sigma = 1, .columns = table_of_kinds()};
    assert_int_equal(likelihood_emits(&l, D), E);
    store st;
    store_open(&st, &mem_standard);
    graph *g = g_open(&mem_standard, 0), *again = g_open(&mem_standard, 0);
    scope s = {.g = g, .store = &st, .group = "model", .purpose = "train"};
    likelihood_nll(&s, &l, g_input(g, 0, F32, SHAPE(N, E), false, "r"), g_input(g, 1, F32, SHAPE(N, D), false, "x"));
    must(store_finish(&st, NULL), &(elbo_error){.code = ELBO_OK});
    s.g = again;
    node *emitted = g_input(again, 0, F32, SHAPE(N, E), false, "r"), *at = g_input(again, 1, F32, SHAPE(N, D), false, "x");
    likelihood masked = l;
    masked.present = g_input(again, 2, F32, SHAPE(N, D), false, "present");
    node *o[] = {likelihood_nll(&s, &masked, emitted, at), likelihood_mean(&l, emitted)};
    rig run = rig_open(engine, again, o, 2, BACKEND_REF_DOUBLE);
    const entry *sigma = store_find(&st.params, "0.logsigma"), *d = store_find(&st.params, "4.logdispersion");
    assert_true(sigma && d && st.params.n == 2);
    values[sigma->offset] = -0.4;
    values[d->offset] = 0.7;
    rig_set(&run, 0, F32, N * E, r);
    rig_set(&run, 1, F32, N * D, safe);
    rig_set(&run, 2, F32, N * D, there);
    run.b.values = values;
    rig_run(&run);
    for (int i = 0; i < N; i++) {
        const double *e = r + i * E;
        assert_true(rig_near(rig_at(&run, 0, i), closed_form(e, x + i * D, -0.4, 0.7), 1e-12, 1e-3));
        int likely = e[4] > e[3] ? 1 : 0;
        if (e[5] > e[3 + likely]) likely = 2;
        const double mean[D] = {e[0], exp(e[1]), 1 / (1 + exp(-e[2])), likely, exp(e[6]), 0};
        for (int j = 0; j < D; j++) assert_true(rig_near(rig_at(&run, 1, i * D + j), mean[j], 1e-12, 1e-3));
    }
    rig_close(&run);
    g_close(g);
    g_close(again);
    store_close(&st);
}

/* ---- A table on the disk ---- */

static void save_text(const char *path, const char *words)
{
    FILE *f = fopen(path, "w");
    assert_true(f && fputs(words, f) >= 0 && fclose(f) == 0);
}

/* 40 rows: a number, a count, a word of two, of three, and a constant; one of five numbers is missing. */
static void write_table(void)
{
    FILE *f = fopen("rows.csv", "w");
    assert_non_null(f);
    fprintf(f, "size,n,sex,\"hair, or none\",always,kind\n");
    for (int i = 0; i < 40; i++) {
        if (i % 5 != 2) fprintf(f, "%g", 500 + 100 * sin(i));
        fprintf(f, ",%d,%c,%s,7,k%d\n", i % 4, "fm"[i % 3 == 0], i % 2 ? "red" : i % 4 ? "grey" : "blue", i % 2);
    }
    assert_int_equal(fclose(f), 0);
}

static elbo_data *open_rows(const char *part)
{
    elbo_error err = {0};
    elbo_data *d = elbo_data_open_with(engine, "rows.csv", part, &(elbo_data_options){.label_column = "kind"}, &err);
    if (!d) print_error("%s\n", err.message);
    assert_non_null(d);
    return d;
}

static elbo_model *trained(elbo_data *d, const char *options)
{
    elbo_error err = {0};
    elbo_config *c = config_of(options);
    elbo_model *m = elbo_train(engine, c, d, &(elbo_train_options){.no_validation = 1}, &err);
    elbo_config_free(c);
    if (!m) print_error("%s\n", err.message);
    assert_non_null(m);
    return m;
}

#define QUICK "epochs=2|encoder=dense 8 tanh|decoder=dense 8 tanh|label-column=kind"

static void test_what_is_learnt(void **state)
{
    (void)state;
    elbo_data *d = open_rows("train");
    elbo_model *m = trained(d, QUICK);
    const elbo_model_info *info = elbo_model_describe(m);
    double sum = 0, square = 0, n = 0;
    for (int64_t i = 0; i < d->info.count; i++) {
        float x[5];
        must(elbo_data_read(d, &i, 1, x, NULL, NULL), &(elbo_error){.code = ELBO_OK});
        if (isnan(x[0])) continue;
        sum += (double)x[0];
        square += (double)x[0] * (double)x[0];
        n++;
    }
    double mean = sum / n, sd = sqrt(square / n - mean * mean);
    const float *learnt = m->store.state + store_find(&m->store.states, "data.mean")->offset;
    const float *scale = m->store.state + store_find(&m->store.states, "data.scale")->offset;
    assert_int_equal(store_find(&m->store.states, "data.mean")->count, 7); /* size, n, sex, three levels, always */
    assert_true(fabs((double)learnt[0] - mean) < 1e-3 && fabs((double)scale[0] - sd) < 1e-3);
    assert_true(fabs((double)(learnt[3] + learnt[4] + learnt[5]) - 1) < 1e-6 && learnt[6] == 7 && scale[6] == 1);
    assert_int_equal(info->measure, ELBO_DENSITY);
    assert_true(fabs(info->log_volume - log(sd)) < 1e-5);
    elbo_model_free(m);
    elbo_data_free(d);
}

/* What is missing is seen as the mean, and left out of the loss. */
static void test_missing_values(void **state)
{
    (void)state;
    elbo_data *d = open_rows("all");
    elbo_model *m = trained(d, QUICK);
    float mean = m->store.state[store_find(&m->store.states, "data.mean")->offset];
    float x[2][5] = {{NAN, 1, 0, 2, 7}, {mean, 1, 0, 2, 7}}, z[2][3], far = 0;
    must(elbo_model_encode(m, x[0], 2, z[0], NULL, NULL), &(elbo_error){.code = ELBO_OK});
    for (int i = 0; i < 3; i++) far = fmaxf(far, fabsf(z[0][i] - z[1][i]));
    assert_true(far < 1e-6f && isfinite(z[0][0]));
    elbo_metrics metrics;
    must(elbo_model_evaluate(m, d, &metrics, NULL), &(elbo_error){.code = ELBO_OK});
    assert_true(isfinite(metrics.total) && metrics.count == 40);
    elbo_model_free(m);
    elbo_data_free(d);
}

static void test_file_and_names(void **state)
{
    (void)state;
    elbo_error err = {0};
    elbo_data *d = open_rows("train");
    elbo_model *m = trained(d, QUICK);
    must(elbo_model_save(m, "m.safetensors", &err), &err);
    elbo_model *back = elbo_model_load(engine, "m.safetensors", &err);
    if (!back) print_error("%s\n", err.message);
    assert_non_null(back);
    assert_string_equal(elbo_model_column_at(back, 3)->levels[1], "grey");
    assert_null(elbo_model_column_at(back, 5));
    assert_true(elbo_model_describe(back)->log_volume == elbo_model_describe(m)->log_volume);
    static const char *const orders[] = {
        "size,n,sex,\"hair, or none\",always\n510.5,2,m,red,7\n,1,f,grey,7\n",
        "always,extra,\"hair, or none\",n,sex,size\n7,x,red,2,m,510.5\n7,y,grey,1,f,NA\n",
    };
    float z[2][2][3], y[2][5];
    for (int i = 0; i < 2; i++) {
        save_text("new.csv", orders[i]);
        elbo_data *other = elbo_data_open_for(engine, back, "new.csv", "all", &err);
        if (!other) print_error("%s\n", err.message);
        assert_non_null(other);
        float x[2][5];
        const int64_t index[] = {0, 1};
        must(elbo_data_read(other, index, 2, x[0], NULL, &err), &err);
        must(elbo_model_encode(back, x[0], 2, z[i][0], NULL, &err), &err);
        must(elbo_model_reconstruct(back, x[0], 2, y[0], &err), &err);
        elbo_data_free(other);
    }
    assert_memory_equal(z[0], z[1], sizeof z[0]);
    assert_true(y[0][0] > 100 && y[0][4] == 7); /* in the data's units */
    y[0][0] = 510.5f, y[0][1] = 0.1f, y[0][2] = 0.7f, y[0][3] = 2, y[1][0] = NAN;
    y[1][1] = 3, y[1][2] = 0.2f, y[1][3] = 1, y[1][4] = 7;
    must(elbo_model_write_csv(back, "out.csv", y[0], 2, &err), &err);
    char words[256] = "";
    FILE *f = fopen("out.csv", "r");
    assert_true(f && fread(words, 1, sizeof words - 1, f) > 0 && fclose(f) == 0);
    assert_string_equal(words, "size,n,sex,\"hair, or none\",always\n510.5,0.1,m,red,7\n,3,f,grey,7\n");
    elbo_model_free(back);
    elbo_model_free(m);
    elbo_data_free(d);
}

/* ---- Options ---- */

static void refuse(elbo_data *d, const char *options, const char *expected)
{
    elbo_error err = {0};
    elbo_config *c = config_of(options);
    assert_null(elbo_model_new(engine, c, d, &err));
    if (!strstr(err.message, expected)) print_error("got \"%s\", expected \"%s\"\n", err.message, expected);
    assert_non_null(strstr(err.message, expected));
    assert_int_equal(err.code, ELBO_USAGE);
    elbo_config_free(c);
}

static void test_options_suit_the_data(void **state)
{
    (void)state;
    elbo_error err = {0};
    elbo_data *d = open_rows("all");
    elbo_config *c = elbo_config_new(engine, &err);
    elbo_model *m = elbo_model_new(engine, c, d, &err);
    assert_non_null(m);
    assert_string_equal(elbo_model_option(m, "likelihood"), "columns");
    assert_string_equal(elbo_model_option(m, "latent"), "3");
    assert_string_equal(elbo_model_option(m, "data-bias"), "true");
    elbo_model_free(m);
    must(elbo_config_set(c, "latent", "9", &err), &err);
    m = elbo_model_new(engine, c, d, &err);
    assert_string_equal(elbo_model_option(m, "latent"), "9");
    elbo_model_free(m);
    elbo_config_free(c);
    refuse(d, "likelihood=bernoulli", "column \"hair, or none\" of the table is categorical");
    refuse(d, "likelihood=columns|range=symmetric", "range symmetric changes numbers that are standardised");
    refuse(d, "output=sigmoid", "standardised numbers reach further");
    elbo_data_free(d);
    static const float real[] = {-1, 5, 2.5f, 3}, counts[] = {0, 5, 2, 3}, two[] = {0, 1, 1, 0};
    d = elbo_data_from_memory(engine, real, ELBO_F32, 2, (int64_t[]){1, 1, 2}, NULL, &err);
    c = elbo_config_new(engine, &err);
    m = elbo_model_new(engine, c, d, &err);
    assert_non_null(m);
    assert_string_equal(elbo_model_option(m, "likelihood"), "gaussian");
    assert_string_equal(elbo_model_option(m, "data-bias"), "false");
    elbo_model_free(m);
    elbo_config_free(c);
    refuse(d, "likelihood=bernoulli", "likelihood bernoulli needs data in [0,1], but the data reach from -1 to 5");
    refuse(d, "likelihood=poisson", "needs whole numbers from 0 on, but the data are real numbers from -1 to 5");
    refuse(d, "likelihood=logistic", "needs whole numbers from 0 on");
    refuse(d, "likelihood=columns", "likelihood columns is for tables of text");
    refuse(d, "standardize=true|binarize=dynamic", "binarize changes numbers that are standardised");
    elbo_data_free(d);
    d = elbo_data_from_memory(engine, counts, ELBO_F32, 2, (int64_t[]){1, 1, 2}, NULL, &err);
    m = trained(d, "likelihood=categorical|epochs=1|standardize=true");
    assert_int_equal(elbo_model_describe(m)->measure, ELBO_MASS);
    assert_true(elbo_model_describe(m)->log_volume == 0);
    elbo_model_free(m);
    elbo_data_free(d);
    d = elbo_data_from_memory(engine, two, ELBO_F32, 2, (int64_t[]){1, 1, 2}, NULL, &err);
    elbo_model_free(trained(d, "likelihood=categorical|epochs=1"));
    elbo_data_free(d);
}

/* The columns of a model file, in the words of its metadata, with the memory that is left. */
static elbo_status columns_within(memory m, const char *words, int64_t n, elbo_error *err)
{
    json_t *j = json_loads(words, 0, NULL);
    column_list *c;
    assert_non_null(j);
    elbo_status status = columns_read(m, j, n, &c, err);
    columns_free(c);
    json_decref(j);
    return status;
}

static elbo_status columns_of(const char *words, int64_t n, elbo_error *err)
{
    return columns_within(&mem_standard, words, n, err);
}

#define ONE(column) "{\"columns\":[" column "]}"
#define LABEL(rest) "{\"columns\":[{\"name\":\"a\",\"kind\":\"real\"}]," rest "}"

/* Two columns with so many levels, which have so many bytes each. */
static char *levels_of(int n, int length)
{
    char *words = malloc(2 * (size_t)n * ((size_t)length + 3) + 200), *at = words;
    assert_non_null(words);
    at += sprintf(at, "{\"columns\":[");
    for (int k = 0; k < 2; k++) {
        at += sprintf(at, "%s{\"name\":\"%d\",\"kind\":\"categorical\",\"levels\":[", k ? "," : "", k);
        for (int i = 0; i < n; i++) at += sprintf(at, "%s\"%0*d\"", i ? "," : "", length, i);
        at += sprintf(at, "]}");
    }
    strcpy(at, "]}");
    return words;
}

static void *limited_resize(void *until_failure, void *ptr, size_t old_size, size_t new_size)
{
    if (new_size && (*(long *)until_failure)-- == 0) return NULL;
    return mem_standard.resize(NULL, ptr, old_size, new_size);
}

/* Each allocation fails while columns with as many levels as there may be are read. */
static void fail_each_allocation(const char *words)
{
    elbo_status status = ELBO_NO_MEMORY;
    for (long n = 0, until_failure = 0; status != ELBO_OK; until_failure = ++n) {
        elbo_error err = {0};
        status = columns_within(&(elbo_allocator){limited_resize, &until_failure}, words, 2, &err);
        assert_true(status == err.code && (status == ELBO_OK || status == ELBO_NO_MEMORY));
    }
}

static void test_limits_of_columns(void **state)
{
    (void)state;
    static const struct {
        int n, length;
        bool good;
    } rows[] = {{MAX_LEVELS, 4, true}, {MAX_LEVELS + 1, 4, false}, {2, COLUMN_NAME - 1, true}, {2, COLUMN_NAME, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        elbo_error err = {0};
        char *words = levels_of(rows[i].n, rows[i].length);
        assert_int_equal(columns_of(words, 2, &err), rows[i].good ? ELBO_OK : ELBO_BAD_FILE);
        if (i == 0) fail_each_allocation(words);
        free(words);
    }
}

static void test_columns_of_strangers(void **state)
{
    (void)state;
    static const char *const good[] = {
        ONE("{\"name\":\"a\",\"kind\":\"real\"}"),
        ONE("{\"name\":\"two\\nlines, \\u00e9\",\"kind\":\"count\"}"),
        ONE("{\"name\":\"a\",\"kind\":\"binary\",\"levels\":[\"0\",\"1\"]}"),
        ONE("{\"name\":\"a\",\"kind\":\"categorical\",\"levels\":[\"x\",\"y\",\"z\"]}"),
        LABEL("\"label\":\"y\",\"classes\":[\"only\"]"),
    };
    static const char *const bad[] = {
        "[]",
        "{\"columns\":{}}",
        "{\"columns\":[]}",
        ONE("{\"name\":\"a\",\"kind\":\"real\"},{\"name\":\"b\",\"kind\":\"real\"}"),
        ONE("{\"kind\":\"real\"}"),
        ONE("{\"name\":1,\"kind\":\"real\"}"),
        ONE("{\"name\":\"a\",\"kind\":\"strange\"}"),
        ONE("{\"name\":\"a\"}"),
        ONE("{\"name\":\"a\",\"kind\":\"real\",\"more\":1}"),
        ONE("{\"name\":\"a\",\"kind\":\"real\",\"levels\":[\"0\",\"1\"]}"),
        ONE("{\"name\":\"a\",\"kind\":\"binary\"}"),
        ONE("{\"name\":\"a\",\"kind\":\"binary\",\"levels\":[\"0\"]}"),
        ONE("{\"name\":\"a\",\"kind\":\"binary\",\"levels\":[\"0\",\"1\",\"2\"]}"),
        ONE("{\"name\":\"a\",\"kind\":\"binary\",\"levels\":{}}"),
        ONE("{\"name\":\"a\",\"kind\":\"binary\",\"levels\":[\"0\",1]}"),
        ONE("{\"name\":\"\\u001b[2J\",\"kind\":\"real\"}"),
        ONE("{\"name\":\"a\",\"kind\":\"binary\",\"levels\":[\"0\",\"\\u009b2J\"]}"),
        LABEL("\"label\":\"y\""),
        LABEL("\"label\":1,\"classes\":[\"only\"]"),
        LABEL("\"classes\":[\"only\"]"),
        LABEL("\"label\":\"y\\rz\",\"classes\":[\"only\"]"),
    };
    elbo_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) must(columns_of(good[i], 1, &err), &err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (columns_of(bad[i], 1, &err) == ELBO_OK) print_error("%s\n", bad[i]);
        assert_true(err.code == ELBO_BAD_FILE && strstr(err.message, "not such as elbo writes"));
        err = (elbo_error){0};
    }
    static const char twice[] = ONE("{\"name\":\"a\",\"kind\":\"real\"},{\"name\":\"a\",\"kind\":\"count\"}");
    assert_int_equal(columns_of(twice, 2, &err), ELBO_BAD_FILE);
    assert_non_null(strstr(err.message, "two of its columns are called \"a\""));
}

static char home[] = "test-tables-XXXXXX";

static int enter(void **state)
{
    if (!mkdtemp(home) || chdir(home) != 0) return -1;
    write_table();
    return open_engine(state);
}

static int leave(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", home);
    close_engine(state);
    return chdir("..") == 0 && system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_likelihood),      cmocka_unit_test(test_what_is_learnt),
        cmocka_unit_test(test_missing_values),  cmocka_unit_test(test_file_and_names),
        cmocka_unit_test(test_options_suit_the_data), cmocka_unit_test(test_columns_of_strangers),
        cmocka_unit_test(test_limits_of_columns),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
