/* test_report.c - the page about a run: that it is well-formed whatever the run, that equal runs have equal pages, what its
 * numbers and its command say, and that it fails cleanly wherever memory ends. */
#include "base/file.h"
#include "base/mem.h"
#include "view/html.h"
#include "xml_check.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 30, SIDE = 6, SIZE = SIDE * SIDE * 3 };

static elbo_engine *engine;
static float pixels[COUNT * SIZE];
static int32_t labels[COUNT];

/* ---- Runs ---- */

typedef struct trial {
    const char *directory;
    const char *options[6][2];
    int64_t shape[3];
    bool no_validation, no_pictures;
    elbo_data *validation;
} trial;

static elbo_data *data_of(const trial *t, elbo_engine *e)
{
    const int64_t *s = t->shape[0] ? t->shape : (const int64_t[]){SIDE, SIDE, 3};
    int64_t n = COUNT * SIZE / (s[0] * s[1] * s[2]);
    elbo_data *d = elbo_data_from_memory(e, pixels, ELBO_F32, n < COUNT ? n : COUNT, s, labels, NULL);
    assert_non_null(d);
    return d;
}

static void train(const trial *t, elbo_engine *e)
{
    static const char *const small[][2] = {{"encoder", "dense 8 relu"}, {"decoder", "dense 8 relu"}, {"latent", "4"},
                                           {"batch", "10"},             {"epochs", "3"},             {"validation", "0.2"}};
    elbo_config *c = elbo_config_new(e, NULL);
    elbo_data *d = data_of(t, e);
    elbo_error error = {ELBO_OK, ""};
    for (size_t i = 0; i < 6; i++) assert_int_equal(elbo_config_set(c, small[i][0], small[i][1], NULL), ELBO_OK);
    for (size_t i = 0; i < 6 && t->options[i][0]; i++)
        assert_int_equal(elbo_config_set(c, t->options[i][0], t->options[i][1], NULL), ELBO_OK);
    elbo_train_options o = {.directory = t->directory, .pictures = !t->no_pictures, .no_validation = t->no_validation,
                            .validation = t->validation};
    elbo_model *m = elbo_train(e, c, d, &o, &error);
    if (!m) fail_msg("%s", error.message);
    elbo_model_free(m);
    elbo_data_free(d);
    elbo_config_free(c);
}

static char *read_page(const char *path)
{
    unsigned char *bytes;
    size_t size;
    char fault[128];
    assert_int_equal(file_read(&mem_standard, path, 1 << 26, &bytes, &size, NULL), ELBO_OK);
    if (xml_check((char *)bytes, fault) < 20) fail_msg("%s", fault);
    assert_null(strstr((char *)bytes, ">nan"));
    assert_null(strstr((char *)bytes, ">-nan"));
    return (char *)bytes;
}

/* The page of a trial that is run for it, with its data or, where there are none to be found, without. */
static char *page_of(const trial *t, bool with_data)
{
    elbo_error error = {ELBO_OK, ""};
    char path[100];
    train(t, engine);
    elbo_data *d = with_data ? data_of(t, engine) : NULL;
    if (elbo_report_write(engine, t->directory, d, NULL, &error) != ELBO_OK) fail_msg("%s", error.message);
    elbo_data_free(d);
    snprintf(path, sizeof path, "%s/report.html", t->directory);
    return read_page(path);
}

static int times(const char *words, const char *part)
{
    int n = 0;
    for (; (words = strstr(words, part)) != NULL; words += strlen(part)) n++;
    return n;
}

#define assert_said(words, part)                                                                                       \
    do {                                                                                                               \
        if (!strstr(words, part)) fail_msg("expected '%s'", part);                                                     \
    } while (0)

/* ---- Tests ---- */

static void test_base64(void **state)
{
    (void)state;
    static const char *const rows[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) { /* RFC 4648, section 10 */
        text t;
        text_open(&t, &mem_standard);
        text_add(&t, "%s", "");
        html_base64(&t, (const unsigned char *)rows[i][0], strlen(rows[i][0]));
        assert_string_equal(t.bytes, rows[i][1]);
        text_close(&t);
    }
}

static void test_page(void **state)
{
    (void)state;
    char *page = page_of(&(trial){.directory = "full"}, true);
    static const char *const heads[] = {"Learning curves", "Samples", "Reconstructions", "The code", "What could be better",
                                        "The model", "Options"};
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char element[64];
        snprintf(element, sizeof element, "<h2>%s</h2>", heads[i]);
        assert_said(page, element);
    }
    assert_int_equal(times(page, "<img"), 1 + 3 + 1 + 4); /* samples, of 3 epochs, reconstructions, 4 numbers of the code */
    assert_int_equal(times(page, "id=\"time\""), 1);
    assert_int_equal(times(page, "class=\"chart\""), 4 + 2);
    assert_int_equal(times(page, "<title>number "), 4); /* bars */
    assert_int_equal(times(page, "href"), 0);           /* nothing outside is needed: no link, no script, only data */
    assert_int_equal(times(page, "<script"), 0);
    assert_int_equal(times(page, "src="), times(page, "src=\"data:image/png;base64,iVBORw0KGgo"));
    assert_int_equal(times(page, "http"), times(page, "http://www.w3.org/"));
    assert_said(page, "<td class=\"key\">latent</td>");
    assert_said(page, "--encoder &#39;dense 8 relu&#39;");
    mem_free(&mem_standard, page);
}

/* But for the line with the time, and wherever the run is. */
static void test_equal_runs(void **state)
{
    (void)state;
    char *page[2];
    for (int i = 0; i < 2; i++) {
        page[i] = page_of(&(trial){.directory = i ? "another/place" : "place"}, true);
        char *time = strstr(page[i], "<div id=\"time\">"), *end = strchr(time, '\n');
        memmove(time, end, strlen(end) + 1);
    }
    assert_string_equal(page[0], page[1]);
    mem_free(&mem_standard, page[0]);
    mem_free(&mem_standard, page[1]);
}

static void test_kinds(void **state)
{
    (void)state;
    elbo_data *apart = data_of(&(trial){.shape = {0}}, engine);
    const trial trials[] = {
        {.directory = "ae", .options = {{"family", "ae"}}},
        {.directory = "vq", .options = {{"family", "vq"}, {"code-size", "2"}, {"codes", "5"}}},
        {.directory = "factor", .options = {{"family", "factor"}, {"critic", "dense 8 relu"}}},
        {.directory = "single", .options = {{"latent", "1"}, {"epochs", "1"}}},
        {.directory = "bare", .no_validation = true, .no_pictures = true},
        {.directory = "nothing", .options = {{"epochs", "0"}}},
        {.directory = "rows", .shape = {1, 1, 12}},
        {.directory = "wide", .shape = {1, 36, 3}},
        {.directory = "grids", .options = {{"grid-rows", "1"}, {"grid-columns", "3"}, {"pictures-every", "2"}}},
        {.directory = "large", .shape = {120, 9, 1}},
        {.directory = "apart", .validation = apart},
    };
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
        mem_free(&mem_standard, page_of(&trials[i], i % 2 == 0));
    elbo_data_free(apart);
}

/* Without data what shows examples is left out, and what the metrics know is there. */
static void test_without_data(void **state)
{
    (void)state;
    char *page = page_of(&(trial){.directory = "blind"}, false);
    assert_int_equal(times(page, "<h2>Reconstructions</h2>"), 0);
    assert_int_equal(times(page, "<title>number "), 4);
    assert_said(page, "the others are 0.");
    mem_free(&mem_standard, page);
}

/* Whatever a name is, it is only words. */
static void test_hostile_names(void **state)
{
    (void)state;
    static const char json[] = "{\"data\":\"<script>alert('1')</script>&\\\"\",\"fingerprint\":\"x\",\"examples\":-1,"
                               "\"preset\":\"<b>\",\"validation\":[]}";
    train(&(trial){.directory = "hostile"}, engine);
    assert_int_equal(file_write(&mem_standard, "hostile/run.json", &(file_part){json, sizeof json - 1}, 1, NULL), ELBO_OK);
    assert_int_equal(elbo_report_write(engine, "hostile", NULL, NULL, NULL), ELBO_OK);
    char *page = read_page("hostile/report.html");
    assert_int_equal(times(page, "<script"), 0);
    assert_said(page, "&lt;script&gt;");
    mem_free(&mem_standard, page);
}

static void test_refusals(void **state)
{
    (void)state;
    elbo_error error;
    assert_int_equal(elbo_report_write(engine, "nowhere", NULL, NULL, &error), ELBO_USAGE);
    train(&(trial){.directory = "refused"}, engine);
    elbo_data *other = data_of(&(trial){.shape = {1, 1, 12}}, engine);
    assert_int_equal(elbo_report_write(engine, "refused", other, NULL, &error), ELBO_USAGE);
    assert_int_equal(elbo_report_write(engine, "refused", NULL, "nowhere/x.html", &error), ELBO_IO);
    elbo_data_free(other);
}

/* ---- Memory that ends ---- */

typedef struct faulty {
    int64_t live, left; /* blocks; allocations before the first that fails */
} faulty;

static void *resize(void *user, void *block, size_t old_size, size_t new_size)
{
    faulty *f = user;
    (void)old_size;
    if (new_size == 0) {
        f->live -= block != NULL;
        free(block);
        return NULL;
    }
    if (f->left-- <= 0) return NULL;
    f->live += block == NULL;
    return realloc(block, new_size);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    train(&(trial){.directory = "faults"}, engine);
    elbo_status status = ELBO_NO_MEMORY;
    for (int64_t n = 3; status != ELBO_OK; n += 1 + n / 12) {
        faulty f = {.left = INT64_MAX};
        elbo_allocator a = {resize, &f};
        elbo_error error = {ELBO_OK, ""};
        elbo_engine *e = elbo_engine_open(&(elbo_engine_options){.allocator = &a, .threads = 1}, NULL);
        elbo_data *d = data_of(&(trial){.shape = {0}}, e);
        f.left = n;
        status = elbo_report_write(e, "faults", d, NULL, &error);
        if (status != ELBO_OK) assert_int_equal(status, ELBO_NO_MEMORY);
        f.left = INT64_MAX;
        elbo_data_free(d);
        elbo_engine_close(e);
        assert_int_equal(f.live, 0);
    }
}

static int begin(void **state)
{
    static char directory[] = "/tmp/elbo-report-XXXXXX";
    (void)state;
    for (size_t i = 0; i < COUNT * SIZE; i++) pixels[i] = (float)(i * i % 97) / 97;
    for (int i = 0; i < COUNT; i++) labels[i] = i % 3;
    engine = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    *state = directory;
    return mkdtemp(directory) && chdir(directory) == 0 && engine ? 0 : -1;
}

static int end(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", (const char *)*state);
    elbo_engine_close(engine);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),     cmocka_unit_test(test_page),          cmocka_unit_test(test_equal_runs),
        cmocka_unit_test(test_kinds),      cmocka_unit_test(test_without_data),  cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
