/* test_config.c - configurations as files: what a line may be, and what is said of one that is none; a value that was read can be
 * written and read again. */
#include "model_rig.h"

#include "base/text.h"
#include "vae/config.h"

#include <unistd.h>

static char path[] = "test_config.XXXXXX";

static void write_file(const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_true(fwrite(bytes, 1, n, f) == n && fclose(f) == 0);
}

static elbo_config *fresh(void)
{
    elbo_config *c = elbo_config_new(engine, NULL);
    assert_non_null(c);
    return c;
}

static void test_lines(void **state)
{
    (void)state;
    static const char bytes[] = "# a comment = none\n"
                                "\n"
                                "[model]\r\n"
                                "latent = 7\r\n"
                                "\tencoder=\"dense 5 tanh; dense 4\" # the layers\n"
                                "  decoder  =  dense 6 relu\t\n"
                                "ignore = \"a#b\"\n"
                                "  [training]  # a section\n"
                                "rate=0.25#no blank\n"
                                "data-bias = true\n"
                                "columns = \"\"\n"
                                "epochs = 3"; /* no end */
    elbo_config *c = fresh();
    elbo_error err = {0};
    assert_int_equal(elbo_config_set(c, "columns", "a=real", NULL), ELBO_OK);
    write_file(bytes, strlen(bytes));
    must(elbo_config_read(c, path, &err), &err);
    static const char *const want[][2] = {
        {"latent", "7"},  {"encoder", "dense 5 tanh; dense 4"}, {"decoder", "dense 6 relu"}, {"ignore", "a#b"},
        {"rate", "0.25"}, {"data-bias", "true"},                {"columns", ""},             {"epochs", "3"}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) assert_string_equal(elbo_config_get(c, want[i][0]), want[i][1]);
    write_file("", 0);
    must(elbo_config_read(c, path, &err), &err);
    elbo_config_free(c);
}

static void test_mistakes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes, *words;
    } rows[] = {
        {"latent = 3\nlatent 4\n", ", line 2: got 'latent 4', expected 'key = value', '[section]' or '# comment'"},
        {"[model\n", ", line 1: got '[model', expected"},
        {"# one\n\n\nlatent = many\n", ", line 4: option latent"},
        {"latent =\n", ", line 1: option latent: got ''"},
        {"latnet = 3\n", ", line 1: "},
        {"= 3\n", ", line 1: "},
        {"encoder = \"dense 3\n", "a quote or control character"},
        {"encoder = dense 3\1\n", "a quote or control character"},
        {"rate = nan\n", ", line 1: option rate: got 'nan', expected a number from"},
        {"data-bias = yes\n", ", line 1: option data-bias: got 'yes', expected true or false"},
        {"family = vea\n", ", line 1: option family: got 'vea'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        elbo_config *c = fresh();
        elbo_error err = {0};
        write_file(rows[i].bytes, strlen(rows[i].bytes));
        assert_int_equal(elbo_config_read(c, path, &err), ELBO_BAD_FILE);
        if (!strstr(err.message, rows[i].words)) print_error("%s\n", err.message);
        assert_non_null(strstr(err.message, rows[i].words));
        assert_non_null(strstr(err.message, path));
        elbo_config_free(c);
    }
    elbo_config *c = fresh();
    elbo_error err = {0};
    write_file("latent = 3\0\n", 12);
    assert_int_equal(elbo_config_read(c, path, &err), ELBO_BAD_FILE);
    assert_non_null(strstr(err.message, "not a text: it has a zero byte"));
    assert_int_equal(elbo_config_read(c, "no such file", &err), ELBO_IO);
    elbo_config_free(c);
}

/* Each option, the texts with all they may hold. */
static void test_there_and_back(void **state)
{
    (void)state;
    elbo_config *c = fresh(), *again = fresh();
    elbo_error err = {0};
    text out;
    assert_int_equal(elbo_config_set(c, "ignore", " a # b = [c] ; \\ ", NULL), ELBO_OK);
    assert_int_equal(elbo_config_set(c, "rate", "0.1", NULL), ELBO_OK);
    assert_int_equal(elbo_config_set(c, "family", "iwae", NULL), ELBO_OK);
    text_open(&out, &mem_standard);
    config_write(c, &out);
    assert_false(out.failed);
    write_file(out.bytes, out.length);
    text_close(&out);
    must(elbo_config_read(again, path, &err), &err);
    for (size_t i = 0; elbo_option_at(i); i++) {
        const char *key = elbo_option_at(i)->key;
        assert_string_equal(elbo_config_get(again, key), elbo_config_get(c, key));
    }
    elbo_config_free(c);
    elbo_config_free(again);
}

static int enter(void **state)
{
    int file = mkstemp(path);
    return file < 0 || close(file) ? -1 : open_engine(state);
}

static int leave(void **state)
{
    return unlink(path) | close_engine(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines), cmocka_unit_test(test_mistakes), cmocka_unit_test(test_there_and_back),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
