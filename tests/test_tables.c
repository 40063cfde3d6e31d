/* test_tables.c - tables of text: delimiters, headers, quotes, numbers, missing values, labels, the kinds of columns, what is
 * refused and with which words, and tables read as a model knows them. */
#include "data_files.h"

#include <locale.h>

static elbo_data *open_text(const char *words, const elbo_data_options *o)
{
    save_bytes("t.csv", words, strlen(words));
    elbo_data *d = elbo_data_open_with(&engine, "t.csv", "all", o, &err);
    if (!d) print_message("      %s: %s\n", elbo_status_text(err.code), err.message);
    return d;
}

static elbo_data *table_of(const char *words, const elbo_data_options *o)
{
    elbo_data *d = open_text(words, o);
    assert_non_null(d);
    return d;
}

static void refuse_text(const char *words, const elbo_data_options *o, elbo_status status, const char *expected)
{
    size_t live = seen.live;
    assert_null(open_text(words, o));
    assert_int_equal(err.code, status);
    if (!strstr(err.message, expected)) print_error("got \"%s\", expected \"%s\"\n", err.message, expected);
    assert_non_null(strstr(err.message, expected));
    assert_true(seen.live == live);
}

/* The value of a row and column. */
static double at(elbo_data *d, int64_t row, int64_t column)
{
    float x[64];
    assert_int_equal(elbo_data_read(d, &row, 1, x, NULL, &err), ELBO_OK);
    return (double)x[column];
}

static int32_t label_at(elbo_data *d, int64_t row)
{
    float x[64];
    int32_t label;
    assert_int_equal(elbo_data_read(d, &row, 1, x, &label, &err), ELBO_OK);
    return label;
}

/* "name:kind name:kind ..." */
static void assert_columns(const elbo_data *d, const char *expected)
{
    char words[1024] = "";
    const elbo_column *v;
    for (size_t i = 0; (v = elbo_data_column_at(d, i)) != NULL; i++)
        snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s:%s", i ? " " : "", v->name,
                 elbo_column_kind_name(v->kind));
    assert_string_equal(words, expected);
}

static void test_delimiters(void **state)
{
    (void)state;
    static const char *const tables[] = {
        "a,b,c\n1,2.5,-3e2\n4,5,6\n7,8,9\n",       "a\tb\tc\n1\t2.5\t-3e2\n4\t5\t6\n7\t8\t9",
        "a;b;c\r\n1;2,5;-3e2\r\n4;5;6\r\n7;8;9\r\n", "a|b|c\n1|2.5|-3e2\n4|5|6\n7|8|9\n",
        "  a b   c\n 1 2.5 -3e2\n4 5\t6 \n7 8 9\n",  ("\xef\xbb\xbf" "a, b, c\n\n1, +2.5 , -300\n4, 5, 6\n7,8,9\n\n"),
    };
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        elbo_data *d = table_of(tables[i], NULL);
        assert_shape(d, 3, 1, 1, 3);
        assert_columns(d, "a:real b:real c:real");
        assert_true(at(d, 0, 1) == 2.5 && at(d, 0, 2) == -300 && at(d, 2, 2) == 9);
        elbo_data_free(d);
    }
}

static void test_quotes(void **state)
{
    (void)state;
    elbo_data *d = table_of("\"a, or \"\"A\"\"\",b,c\r\n\"1\",\"x\ny\",2\r\n2,\"\"\"\",3\r\n3,\"x\ny\",4\r\n", NULL);
    assert_columns(d, "a, or \"A\":real b:binary c:real");
    const elbo_column *b = elbo_data_column_at(d, 1);
    assert_string_equal(b->levels[0], "\"");
    assert_string_equal(b->levels[1], "x\ny");
    assert_int_equal(b->counts[1], 2);
    assert_true(at(d, 0, 1) == 1 && at(d, 1, 1) == 0);
    elbo_data_free(d);
    refuse_text("a,b\n1,2\n3,\"4\n5,6\n", NULL, ELBO_BAD_FILE, "t.csv: line 3, column 2: a quote is never closed");
    refuse_text("a,b\n1,\"2\"3\n", NULL, ELBO_BAD_FILE, "line 2, column 2: text after the closing quote");
    refuse_text("a,b\n\"x\n\n\",1\n2\n", NULL, ELBO_BAD_FILE, "line 5: got 1 columns, expected 2");
}

static void test_headers(void **state)
{
    (void)state;
    static const elbo_data_options yes = {.header = 1}, no = {.header = -1};
    static const struct {
        const char *words, *columns;
        const elbo_data_options *o;
    } rows[] = {
        {"1,2\n3,4\n5,7\n", "x1:real x2:real", NULL},
        {"age,2\n3,4\n5,7\n6,8\n", "age:real 2:real", NULL},
        {"1,2\n3,4\n5,7\n6,8\n", "1:real 2:real", &yes},
        {"sex,hair\nm,red\nf,red\nm,grey\nf,grey\n", "sex:binary hair:binary", NULL},
        {"m,red\nf,red\nm,grey\nf,grey\n", "x1:binary x2:binary", NULL},
        {"m,red\nf,grey\n", "x1:binary x2:binary", &no},
        {",b,b,\n1.5,2,3,9\n2.5,3,5,8\n4,5,6,7\n", "x1:real b:real b.3:real x4:real", NULL},
        {"NA,2\n3,4\n5,7\n", "x1:binary x2:real", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        elbo_data *d = table_of(rows[i].words, rows[i].o);
        assert_columns(d, rows[i].columns);
        elbo_data_free(d);
    }
}

static void test_missing(void **state)
{
    (void)state;
    elbo_data *d = table_of("a,b,c\n1,,red\n?,2.5,NA\nnan,3.5,blue\n2,null,red\n3,N/A,green\n4,9,green\n", NULL);
    assert_columns(d, "a:real b:real");
    const elbo_data_info *info = elbo_data_describe(d);
    assert_string_equal(info->label, "c");
    assert_int_equal(info->n_missing, 5);
    assert_int_equal(info->n_classes, 3);
    assert_string_equal(elbo_data_class_at(d, 0), "blue");
    assert_null(elbo_data_class_at(d, 3));
    assert_true(isnan(at(d, 0, 1)) && isnan(at(d, 1, 0)) && at(d, 5, 1) == 9);
    const elbo_column *a = elbo_data_column_at(d, 0);
    assert_true(a->missing == 2 && a->mean == 2.5 && fabs(a->sd - sqrt(1.25)) < 1e-12 && a->min == 1 && a->max == 4);
    assert_true(label_at(d, 0) == 2 && label_at(d, 1) == -1 && label_at(d, 2) == 0);
    assert_true(info->min == 1 && info->max == 9);
    elbo_data_free(d);
}

static void test_kinds(void **state)
{
    (void)state;
    const char *words = "id,real,count,wild,bit,two,sex,hair,name,same,none,always\n"
                        "1,0.5,0,0,0,1,m,red,ada,7,,x\n"
                        "2,1,1,90,1,2,f,blue,bob,7,,x\n"
                        "3,2,2,1,1,2,m,grey,cyd,7,NA,x\n"
                        "4,3,1,0,0,1,f,red,dan,7,,x\n"
                        "5,-4,3,2,0,1,m,grey,eve,7,,x\n"
                        "6,5,0,40,1,2,f,blue,flo,7,?,x\n";
    elbo_data *d = table_of(words, NULL);
    assert_columns(d, "real:real count:count wild:overdispersed bit:binary two:binary sex:binary hair:categorical same:constant");
    const elbo_column *two = elbo_data_column_at(d, 4), *hair = elbo_data_column_at(d, 6);
    assert_string_equal(two->levels[1], "2");
    assert_true(hair->n_levels == 3 && hair->counts[0] == 2);
    assert_string_equal(hair->levels[0], "blue");
    assert_true(at(d, 1, 4) == 1 && at(d, 0, 6) == 2 && at(d, 0, 7) == 7);
    const char *left_out = elbo_data_describe(d)->left_out;
    assert_non_null(strstr(left_out, "id: numbers the rows"));
    assert_non_null(strstr(left_out, "name: too many different words"));
    assert_non_null(strstr(left_out, "none: nothing but missing values"));
    assert_non_null(strstr(left_out, "always: always \"x\""));
    elbo_data_free(d);
    elbo_data_options o = {.ignore = "sex, 12,real", .label_column = "bit",
                           .columns = "id=real,count = categorical, 3=real,hair=categorical,wild=count,name=categorical"};
    d = table_of(words, &o);
    assert_columns(d, "id:real count:real wild:count two:binary hair:categorical name:categorical same:constant");
    assert_string_equal(elbo_data_describe(d)->label, "bit");
    assert_true(label_at(d, 1) == 1);
    elbo_data_free(d);
    static const struct {
        const char *columns, *ignore, *label, *expected;
    } refused[] = {
        {"sex=real", NULL, NULL, "line 2, column 7: got \"m\", expected a number as asked for"},
        {"real=count", NULL, NULL, "\"real\" reaches from -4 to 5 in real numbers, which are no counts"},
        {"hair=binary", NULL, NULL, "column \"hair\" has more different values, but to be binary it must have 2"},
        {"same=categorical", NULL, NULL, "column \"same\" has no different values"},
        {"hair", NULL, NULL, "option columns: got \"hair\", expected NAME=KIND"},
        {"hair=colour", NULL, NULL, "expected NAME=KIND with one of the kinds real, count,"},
        {"heir=real", NULL, NULL, "option columns: t.csv has no column \"heir\"; it has 12, \"id\" to \"always\", or 1 to 12"},
        {NULL, "13", NULL, "option ignore: t.csv has no column \"13\""},
        {NULL, NULL, "hiar", "option label-column: t.csv has no column \"hiar\""},
        {NULL, "1,2,3,4,5,6,7,8,9,10,11,12", NULL, "no column is left"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        o = (elbo_data_options){.columns = refused[i].columns, .ignore = refused[i].ignore, .label_column = refused[i].label};
        refuse_text(words, &o, i == 0 ? ELBO_BAD_FILE : ELBO_USAGE, refused[i].expected);
    }
    refuse_text("a,b\n1,2\n2,3\n3,oops\n", NULL, ELBO_BAD_FILE,
                "t.csv: line 4, column 2: got \"oops\", expected a number as before in column \"b\"");
    refuse_text("a,b\n1,inf\n2,3\n", &(elbo_data_options){.columns = "b=real"}, ELBO_BAD_FILE, "got \"inf\"");
    refuse_text("a,b\n1,1e39\n2,3\n3,4\n", NULL, ELBO_BAD_FILE, "line 2, column 2: got \"1e39\", expected a number (b)");
    refuse_text("a,b\n", &(elbo_data_options){.header = 1}, ELBO_BAD_FILE, "a table without rows");
    refuse_text("\n\n", NULL, ELBO_BAD_FILE, "a table without rows");
}

static void test_labels(void **state)
{
    (void)state;
    static const struct {
        const char *words, *asked, *label;
        int32_t second;
    } rows[] = {
        {"Species,a\n3,1\n1,2\n3,4\n1,3\n3,2\n", NULL, "Species", 0},
        {"a,target\n1,0.5\n2,0.25\n3,0.75\n4,1.5\n", NULL, "", -1},
        {"a,b\n1,no\n2,yes\n3,no\n4,yes\n", NULL, "b", 1},
        {"a,b\n1,no\n2,yes\n3,no\n4,yes\n", "none", "", -1},
        {"a,b,c\n1,no,2\n2,yes,3\n3,no,4\n4,yes,5\n", NULL, "", -1}, /* the only words, but in the middle */
        {"a,b,class\nx,no,2\ny,yes,3\nx,no,2\ny,yes,2\n", NULL, "class", 1},
        {"1,5,2\n2,6,1\n3,7,2\n4,7,2\n", "3", "x3", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        elbo_data *d = table_of(rows[i].words, &(elbo_data_options){.label_column = rows[i].asked});
        assert_string_equal(elbo_data_describe(d)->label, rows[i].label);
        assert_int_equal(label_at(d, 1), rows[i].second);
        elbo_data_free(d);
    }
}

/* The data files of scikit-learn. */
static void test_scikit(void **state)
{
    (void)state;
    elbo_data *d = table_of("3,2,ripe,green\n1.5,2,0\n2.5,3,1\n3.5,7,0\n", NULL);
    assert_columns(d, "x1:real x2:real");
    assert_string_equal(elbo_data_class_at(d, 0), "ripe");
    assert_true(label_at(d, 1) == 1 && elbo_data_describe(d)->n_classes == 2);
    elbo_data_free(d);
    refuse_text("4,2,ripe,green\n1.5,2,0\n2.5,3,1\n3.5,7,0\n", NULL, ELBO_BAD_FILE, "announces 4 rows, but there are 3");
    refuse_text("3,2,ripe,green\n1.5,2,0\n2.5,3,2\n3.5,7,0\n", NULL, ELBO_BAD_FILE,
                "line 3, column 3: got \"2\", expected a label from 0 to 1");
}

/* Bits as text: square pictures, rows, and tables that only begin so. */
static void test_amat(void **state)
{
    (void)state;
    char words[2048] = "";
    for (int i = 0; i < 3 * 16; i++) snprintf(words + strlen(words), 4, "%d%s", i % 5 == 0, i % 16 == 15 ? " \n" : " ");
    elbo_data *d = table_of(words, NULL);
    assert_shape(d, 3, 4, 4, 1);
    assert_true(elbo_data_describe(d)->binary && elbo_data_describe(d)->dtype == ELBO_U8);
    assert_true(at(d, 0, 0) == 1 && at(d, 0, 1) == 0 && at(d, 1, 4) == 1 && at(d, 2, 15) == 0);
    elbo_data_free(d);
    d = table_of("0 1 0 0 1\r\n1 1 0 0 1\r\n\r\n", NULL);
    assert_shape(d, 2, 1, 1, 5);
    elbo_data_free(d);
    d = table_of("0 1 0 0 7\n1 1 0 0 8\n0 0 1 1 9\n", NULL);
    assert_shape(d, 3, 1, 1, 5);
    assert_int_equal(elbo_data_describe(d)->n_columns, 5);
    elbo_data_free(d);
    d = table_of("0 1 0 0 1\n\n1 1 0 1 0\n1 0 1 0 0\n0 0 1 1 0\n", NULL);
    assert_int_equal(elbo_data_describe(d)->n_columns, 5);
    elbo_data_free(d);
    refuse_text("0 1 0 0 1\n1 1 0\n", NULL, ELBO_BAD_FILE, "line 2: got 3 columns, expected 5");
}

/* A decimal point is one in any locale. */
static void test_locale(void **state)
{
    (void)state;
    const char *old = setlocale(LC_NUMERIC, NULL);
    char kept[64];
    snprintf(kept, sizeof kept, "%s", old);
    if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) skip();
    elbo_data *d = table_of("a,b\n1.5,2\n2.5,3\n3.5,4\n", NULL);
    assert_true(at(d, 0, 0) == 1.5);
    elbo_data_free(d);
    setlocale(LC_NUMERIC, kept);
}

/* ---- As a model knows them ---- */

static elbo_data *open_like(const char *words, const elbo_data *known)
{
    save_bytes("new.csv", words, strlen(words));
    return data_open_like(&engine, "new.csv", "all", NULL, known->columns, &err);
}

static void refuse_like(const char *words, const elbo_data *known, const char *expected)
{
    assert_null(open_like(words, known));
    if (!strstr(err.message, expected)) print_error("got \"%s\", expected \"%s\"\n", err.message, expected);
    assert_non_null(strstr(err.message, expected));
}

static void test_like_a_model(void **state)
{
    (void)state;
    elbo_data *d =
        table_of("size,hair,n,species\n1.5,red,0,b\n2.5,blue,1,a\n3.5,grey,2,a\n1,red,1,b\n4,blue,3,a\n5,grey,0,b\n", NULL);
    assert_columns(d, "size:real hair:categorical n:count");
    assert_string_equal(elbo_data_describe(d)->label, "species");
    elbo_data *other = open_like("n,extra,species,hair,size\n5,words,b,grey,9\n,more,c,NA,7\n", d);
    assert_non_null(other);
    assert_columns(other, "size:real hair:categorical n:count");
    assert_true(at(other, 0, 0) == 9 && at(other, 0, 1) == 1 && at(other, 0, 2) == 5);
    assert_true(isnan(at(other, 1, 1)) && isnan(at(other, 1, 2)) && at(other, 1, 0) == 7);
    assert_true(label_at(other, 0) == 1 && label_at(other, 1) == 2); /* a class that the model never saw comes after its own */
    assert_int_equal(elbo_data_describe(other)->n_classes, 3);
    elbo_data_free(other);
    other = open_like("size,hair,n\n9,red,1\n", d);
    assert_non_null(other);
    assert_true(label_at(other, 0) == -1 && elbo_data_describe(other)->n_classes == 0);
    elbo_data_free(other);
    refuse_like("size,n\n1,2\n", d,
                "new.csv has no column \"hair\", which the model was trained on; it has 2, \"size\" to \"n\"");
    refuse_like("1,red,2\n2,red,3\n", d, "numbered because the first line has no names");
    refuse_like("0 1 0 0 1\n1 1 0 0 1\n", d, "numbered because the first line has no names");
    refuse_like("size,hair,n\n9,pink,1\n", d,
                "line 2, column 2: \"pink\" is none of the 3 values of hair that the model knows, \"blue\" to \"red\"");
    refuse_like("size,hair,n\n9,red,1.5\n", d, "line 2, column 3: got \"1.5\", expected a count (n)");
    refuse_like("size,hair,n\nbig,red,1\n", d, "line 2, column 1: got \"big\", expected a number");
    elbo_data_free(d);
}

/* A directory of two tables: the training part says what the columns of both are. */
static void test_two_files(void **state)
{
    (void)state;
    static const char train[] = "size,hair,kind\n1.5,red,b\n2.5,blue,a\n3.5,red,a\n5,grey,b\n6,red,a\n4,blue,b\n";
    static const char test[] = "hair,kind,size\ngrey,a,7\n,b,8\n";
    assert_true(mkdir("two", 0700) == 0);
    save_bytes("two/train.csv", train, strlen(train));
    save_bytes("two/test.csv", test, strlen(test));
    const elbo_data_options o = {.label_column = "kind"};
    elbo_data *all = elbo_data_open_with(&engine, "two", "all", &o, &err);
    elbo_data *part = elbo_data_open_with(&engine, "two", "test", &o, &err);
    assert_true(all && part);
    assert_columns(all, "size:real hair:categorical");
    assert_columns(part, "size:real hair:categorical");
    assert_true(elbo_data_describe(all)->count == 8 && elbo_data_describe(part)->count == 2);
    assert_true(at(all, 6, 0) == 7 && at(all, 6, 1) == 1 && label_at(all, 7) == 1 && elbo_data_describe(all)->n_missing == 1);
    assert_true(at(part, 0, 0) == 7 && at(part, 0, 1) == 1 && isnan(at(part, 1, 1)) && label_at(part, 1) == 1);
    elbo_data_free(all);
    elbo_data_free(part);
    part = elbo_data_open_with(&engine, "two", "train", &o, &err);
    assert_int_equal(elbo_data_describe(part)->count, 6);
    elbo_data_free(part);
    save_bytes("two/test.csv", "hair,size\npink,1\n", 17);
    assert_null(elbo_data_open_with(&engine, "two", "test", &o, &err));
    assert_non_null(strstr(err.message, "two/test.csv: line 2, column 1: \"pink\" is none of the 3 values of hair"));
}

/* Two numbers are two kinds if neither is rare. */
static void test_nearly_constant(void **state)
{
    (void)state;
    char words[8192];
    size_t n = (size_t)sprintf(words, "rare,flag,odd\n");
    for (int i = 0; i < 300; i++) n += (size_t)sprintf(words + n, "%d,%d,%g\n", i == 7 || i == 8, i % 100 == 1, i == 9 ? 2.5 : 1);
    elbo_data *d = table_of(words, NULL);
    assert_columns(d, "rare:count flag:binary odd:real");
    elbo_data_free(d);
    d = table_of(words, &(elbo_data_options){.columns = "rare=binary"});
    assert_columns(d, "rare:binary flag:binary odd:real");
    elbo_data_free(d);
}

/* ---- Hostile ---- */

static const char small[] = "id,a,b,label\n1,2.5,\"x, y\",u\n2,3,z,v\n3,,z,u\n4,7,\"x, y\",v\n";

static void test_every_allocation_and_call(void **state)
{
    (void)state;
    save_bytes("small.csv", small, sizeof small - 1);
    fail_each_allocation("small.csv", NULL);
    fail_each_call("small.csv", NULL);
}

static void test_every_truncation_and_byte(void **state)
{
    (void)state;
    char words[sizeof small];
    size_t live = seen.live;
    for (size_t n = 0; n < sizeof small; n++) {
        save_bytes("cut.csv", small, n);
        elbo_data_free(elbo_data_open(&engine, "cut.csv", "all", &err));
        assert_true(seen.live == live);
    }
    for (size_t n = 0; n < 8 * (sizeof small - 1); n++) {
        memcpy(words, small, sizeof small);
        words[n / 8] = (char)(words[n / 8] ^ 1 << n % 8);
        save_bytes("cut.csv", words, sizeof small - 1);
        elbo_data_free(elbo_data_open(&engine, "cut.csv", "all", &err));
        assert_true(seen.live == live);
    }
    refuse_text("a,b\n1,caf\xe9\n2,x\n", NULL, ELBO_BAD_FILE, "line 2, column 2: characters that are no UTF-8");
    elbo_data_free(table_of("a,b\n1,caf\xc3\xa9\n2,\xe2\x82\xac\n", NULL));
    static const char zero[] = "a,b\n1,2\n3,\0" "4\n";
    save_bytes("cut.csv", zero, sizeof zero - 1);
    refuse("cut.csv", ELBO_BAD_FILE, "a zero byte: this is no text");
    refuse_text("name,b\nx\x1b[31m,1\ny,2\n", NULL, ELBO_BAD_FILE, "line 2, column 1: a control character");
    refuse_text("name,b\nx\xc2\x9b,1\ny,2\n", NULL, ELBO_BAD_FILE, "line 2, column 1: a control character");
    refuse_text("name,b\nx\rz,1\ny,2\n", NULL, ELBO_BAD_FILE, "line 2, column 1: a control character");
}

/* Numbers that are a label are few: 50. */
static void test_few_classes(void **state)
{
    (void)state;
    char words[2048];
    for (int few = 50; few <= 51; few++) {
        int n = sprintf(words, "x,class\n");
        for (int i = 0; i < 120; i++) n += sprintf(words + n, "%d.5,%d\n", i, i % few);
        elbo_data *d = table_of(words, NULL);
        assert_int_equal(elbo_data_describe(d)->n_classes, few == 50 ? 50 : 0);
        elbo_data_free(d);
    }
}

/* Two values are what a binary column has, and enough for a categorical one. */
static void test_two_values_as_asked(void **state)
{
    (void)state;
    static const char words[] = "a,b\n1.5,x\n2.5,y\n3.5,x\n";
    elbo_data *d = table_of(words, &(elbo_data_options){.columns = "b=binary"});
    assert_columns(d, "a:real b:binary");
    elbo_data_free(d);
    d = table_of(words, &(elbo_data_options){.columns = "b=categorical"});
    assert_columns(d, "a:real b:categorical");
    assert_int_equal(elbo_data_column_at(d, 1)->n_levels, 2);
    elbo_data_free(d);
}

static void test_long_line(void **state)
{
    (void)state;
    enum { MOST = 1 << 24 };
    char *words = malloc(MOST + 100);
    assert_non_null(words);
    memset(words, 'x', MOST + 100);
    memcpy(words, "a,b\n1,", 6);
    words[MOST + 50] = '\n';
    save_bytes("long.csv", words, MOST + 51);
    free(words);
    refuse("long.csv", ELBO_BAD_FILE, "line 2, column 2: a line of more than 16777216 bytes");
}

/* More columns than there may be, names that are all alike, a level too many. */
static void test_limits(void **state)
{
    (void)state;
    enum { N = 200000 };
    char *words = malloc(3 * N);
    assert_non_null(words);
    memset(words, ',', N);
    words[N] = '\n';
    save_bytes("wide.csv", words, N + 1);
    refuse("wide.csv", ELBO_BAD_FILE, "more than 131072 columns");
    size_t n = 0;
    for (int row = 0; row < 3; row++)
        for (int i = 0; i < 3000; i++) {
            char end = i < 2999 ? ',' : '\n';
            n += (size_t)(row ? sprintf(words + n, "%d%c", i + row, end) : sprintf(words + n, "a%c", end));
        }
    save_bytes("alike.csv", words, n);
    elbo_data *d = open_good("alike.csv");
    assert_shape(d, 2, 1, 1, 3000);
    assert_string_equal(elbo_data_column_at(d, 1)->name, "a.2");
    elbo_data_free(d);
    n = (size_t)sprintf(words, "a,b\n");
    for (int i = 0; i < 5000; i++) n += (size_t)sprintf(words + n, "%d.5,w%d\n", i, i);
    save_bytes("levels.csv", words, n);
    assert_null(elbo_data_open_with(&engine, "levels.csv", "all", &(elbo_data_options){.columns = "b=categorical"}, &err));
    assert_non_null(strstr(err.message, "has too many different values, but to be categorical it must have 2 to 4096"));
    assert_null(elbo_data_open_with(&engine, "levels.csv", "all", &(elbo_data_options){.label_column = "b"}, &err));
    assert_non_null(strstr(err.message, "more than 4096 different values, which are no labels"));
    free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delimiters),       cmocka_unit_test(test_quotes),
        cmocka_unit_test(test_headers),          cmocka_unit_test(test_missing),
        cmocka_unit_test(test_kinds),            cmocka_unit_test(test_labels),
        cmocka_unit_test(test_nearly_constant),  cmocka_unit_test(test_two_files),
        cmocka_unit_test(test_scikit),           cmocka_unit_test(test_locale),
        cmocka_unit_test(test_amat),
        cmocka_unit_test(test_like_a_model),     cmocka_unit_test(test_every_allocation_and_call),
        cmocka_unit_test(test_every_truncation_and_byte), cmocka_unit_test(test_limits),
        cmocka_unit_test(test_few_classes),      cmocka_unit_test(test_two_values_as_asked),
        cmocka_unit_test(test_long_line),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
