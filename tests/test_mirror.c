/* test_mirror.c - metrics.csv, TensorBoard's event files and the history, against lines of metrics written here. The checks of
 * records are those of RFC 3720; the head of an event file is what every file that TensorFlow writes begins with. */
#include "base/file.h"
#include "export/tfevents.h"
#include "train/history.h"
#include "train/mirror.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_crc(void **state)
{
    (void)state;
    unsigned char zeros[32] = {0}, rising[32], falling[32];
    for (int i = 0; i < 32; i++) {
        rising[i] = (unsigned char)i;
        falling[i] = (unsigned char)(31 - i);
    }
    assert_int_equal(tfevents_crc("123456789", 9), 0xE3069283);
    assert_int_equal(tfevents_crc(zeros, 32), 0x8A9136AA); /* RFC 3720, B.4 */
    assert_int_equal(tfevents_crc(rising, 32), 0x46DD794E);
    assert_int_equal(tfevents_crc(falling, 32), 0x113FDB5C);
}

/* ---- Event files ---- */

static uint64_t little(const unsigned char *at, int n)
{
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v |= (uint64_t)at[i] << 8 * i;
    return v;
}

/* The CRC that a masked one stands for, by the inverse of the mask. */
static uint32_t unmasked(const unsigned char *at)
{
    uint32_t turned = (uint32_t)little(at, 4) - 0xa282ead8u;
    return turned >> 17 | turned << 15;
}

/* The event at *at, whose record it checks and passes; *n: its bytes. */
static const unsigned char *next_event(const unsigned char **at, size_t *n)
{
    const unsigned char *record = *at;
    *n = (size_t)little(record, 8);
    assert_int_equal(unmasked(record + 8), tfevents_crc(record, 8));
    assert_int_equal(unmasked(record + 12 + *n), tfevents_crc(record + 12, *n));
    *at += 16 + *n;
    return record + 12;
}

static void test_events(void **state)
{
    (void)state;
    text t;
    text_open(&t, &mem_standard);
    tfevents_begin(&t);
    tfevents_scalars(&t, 300, 2, (tfevents_scalar[]){{"kl", 0.15625}, {"rec", -2}}, 2);
    static const unsigned char head[] = {0x18, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22, 0x09},
                               version[] = {0x1a, 13, 'b', 'r', 'a', 'i', 'n', '.', 'E', 'v', 'e', 'n', 't', ':', '2'};
    static const unsigned char event[] = {
        0x09, 0,    0,    0,    0,    0,    0,    0,    0x40,             /* wall_time 2 */
        0x10, 0xac, 0x02,                                                /* step 300 */
        0x2a, 23,                                                         /* summary: 11 and 12 bytes */
        0x0a, 9,    0x0a, 2,    'k',  'l',  0x15, 0,    0,    0x20, 0x3e, /* 0.15625 is 0x3e200000 */
        0x0a, 10,   0x0a, 3,    'r',  'e',  'c',  0x15, 0,    0,    0,    0xc0,
    };
    const unsigned char *at = (unsigned char *)t.bytes;
    size_t n;
    assert_memory_equal(at, head, sizeof head);
    assert_memory_equal(next_event(&at, &n) + 9, version, sizeof version);
    const unsigned char *got = next_event(&at, &n);
    assert_int_equal(n, sizeof event);
    assert_memory_equal(got, event, n);
    assert_ptr_equal(at, t.bytes + t.length);
    text_close(&t);
}

/* ---- A run's ---- */

static const char lines[] =
    "{\"epoch\":1,\"step\":10,\"rate\":0.001,\"train\":{\"rec\":3.5,\"kl\":0.25}}\n"
    "{\"rescue\":{\"step\":11,\"rate_factor\":0.5,\"cause\":\"the loss is inf\"}}\n"
    "{\"epoch\":2,\"step\":20,\"rate\":0.0005,\"train\":{\"rec\":3,\"kl\":1e-07},\"valid\":{\"rec\":4,\"latent_kl\":[1,2]}}\n";

static const char csv[] = "epoch,step,rate,train_rec,train_kl,valid_rec\n"
                          "1,10,0.001,3.5,0.25,\n"
                          "2,20,0.0005,3,1e-07,4\n";

static char directory[] = "mirror-XXXXXX";

static text read_file(const char *name)
{
    unsigned char *bytes;
    size_t size;
    text t;
    text_open(&t, &mem_standard);
    char *path = file_join(&mem_standard, directory, name);
    assert_int_equal(file_read(&mem_standard, path, 1 << 20, &bytes, &size, NULL), ELBO_OK);
    text_add_bytes(&t, bytes, size);
    mem_free(&mem_standard, bytes);
    mem_free(&mem_standard, path);
    return t;
}

static void append_metrics(const char *bytes, size_t size)
{
    char *path = file_join(&mem_standard, directory, "metrics.jsonl");
    assert_int_equal(file_append(path, bytes, size, NULL), ELBO_OK);
    mem_free(&mem_standard, path);
}

/* What grew line by line, with a column that comes later, is what is made from all lines. */
static void test_lines(void **state)
{
    (void)state;
    static const char *const files[] = {"metrics.csv", "tensorboard/train/events.out.tfevents.elbo",
                                        "tensorboard/valid/events.out.tfevents.elbo"};
    text grown[3];
    mirror r;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(mirror_open(&r, &mem_standard, directory, true, NULL), ELBO_OK);
    assert_int_equal(mirror_again(&r, NULL), ELBO_OK); /* there is nothing yet */
    for (const char *line = lines, *end; *line; line = end + 1) {
        end = strchr(line, '\n');
        size_t n = (size_t)(end - line) + 1;
        append_metrics(line, n);
        assert_int_equal(mirror_line(&r, line, n, NULL), ELBO_OK);
    }
    mirror_close(&r);
    for (int i = 0; i < 3; i++) grown[i] = read_file(files[i]);
    assert_string_equal(grown[0].bytes, csv);
    /* it has event files, so it goes on with them */
    assert_int_equal(mirror_open(&r, &mem_standard, directory, false, NULL), ELBO_OK);
    assert_int_equal(mirror_again(&r, NULL), ELBO_OK);
    mirror_close(&r);
    for (int i = 0; i < 3; i++) {
        text again = read_file(files[i]);
        assert_int_equal(again.length, grown[i].length);
        assert_memory_equal(again.bytes, grown[i].bytes, again.length);
        text_close(&again);
    }
    text want; /* the validation part has one epoch */
    text_open(&want, &mem_standard);
    tfevents_begin(&want);
    tfevents_scalars(&want, 20, 2, &(tfevents_scalar){"rec", 4}, 1);
    assert_int_equal(want.length, grown[2].length);
    assert_memory_equal(want.bytes, grown[2].bytes, want.length);
    text_close(&want);
    for (int i = 0; i < 3; i++) text_close(&grown[i]);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", directory);
    assert_int_equal(system(command), 0);
}

/* Figures that a family has of its own are kept as far as there is room; what is none, or says no cause, is passed over. */
static void test_history(void **state)
{
    (void)state;
    static const char odd[] =
        "{\"epoch\":3,\"valid\":{\"rec\":1,\"count\":7,\"a\":1,\"b\":2.5,\"c\":\"words\",\"d\":[1],\"e\":3,\"f\":4,\"g\":5,"
        "\"h\":6,\"i\":7,\"j\":8}}\n"
        "{\"rescue\":{\"step\":12}}\n"
        "{\"diverged\":{\"step\":13,\"cause\":\"the loss is nan\"}}\n"
        "half a li";
    static const char names[] = "abefgh";
    history h = {.m = &mem_standard};
    assert_non_null(mkdtemp(strcpy(directory, "mirror-XXXXXX")));
    append_metrics(lines, sizeof lines - 1);
    append_metrics(odd, sizeof odd - 1);
    char *path = file_join(&mem_standard, directory, "metrics.jsonl");
    assert_int_equal(history_read(&h, path, NULL), ELBO_OK);
    assert_int_equal(h.n, 3);
    assert_true(h.at[1].epoch == 2 && h.at[1].train.rec == 3 && h.at[1].valid.count == 0);
    const elbo_metrics *v = &h.at[2].valid;
    assert_true(v->count == 7 && v->n_other == 6 && v->other[1].value == 2.5 && v->other[5].value == 6);
    for (int i = 0; i < 6; i++) assert_true(v->other[i].name[0] == names[i] && v->other[i].name[1] == 0);
    assert_true(h.rescues == 1 && h.ended && h.last.step == 13);
    assert_string_equal(h.last.cause, "the loss is nan");
    history_close(&h);
    unlink(path);
    rmdir(directory);
    mem_free(&mem_standard, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
