/* test_damage.c - a checkpoint with any bit changed, or cut short anywhere, is refused: never are other weights loaded. */
/* ctest: slow */
#include "base/file.h"
#include "model_rig.h"
#include "train/checkpoint.h"

#include <stdlib.h>
#include <unistd.h>

/* A file that is changed in place. */
typedef struct victim {
    char path[64];
    int file;
    unsigned char *bytes;
    size_t size;
} victim;

static victim open_victim(const char *name)
{
    victim v = {.path = "/dev/shm/test_models.XXXXXX"};
    elbo_error err = {0};
    must(file_read(&mem_standard, name, 1 << 20, &v.bytes, &v.size, &err), &err);
    v.file = mkstemp(v.path);
    if (v.file < 0) v.file = mkstemp(strcpy(v.path, "test_models.XXXXXX"));
    assert_true(v.file >= 0 && write(v.file, v.bytes, v.size) == (ssize_t)v.size);
    return v;
}

static void close_victim(victim *v)
{
    close(v->file);
    unlink(v->path);
    mem_free(&mem_standard, v->bytes);
}

static void set_byte(const victim *v, size_t at, int value)
{
    unsigned char byte = (unsigned char)value;
    assert_int_equal(pwrite(v->file, &byte, 1, (off_t)at), 1);
}

/* Whether it loads, as a run to go on with; a refusal says why. */
static bool loads(const victim *v)
{
    elbo_error err = {0};
    run_state run;
    run_arrays arrays = {0};
    elbo_model *m = checkpoint_load(engine, v->path, &run, &arrays, &err);
    arrays_close(&arrays, engine->m);
    if (!m) assert_true((err.code == ELBO_BAD_FILE || err.code == ELBO_MISMATCH) && strstr(err.message, v->path));
    elbo_model_free(m);
    return m != NULL;
}

static void test_every_bit_and_length(void **state)
{
    (void)state;
    victim v = open_victim(ELBO_TEST_DIR "/golden/models/checkpoint.safetensors");
    assert_true(loads(&v));
    for (size_t bit = 0; bit < 8 * v.size; bit++) {
        set_byte(&v, bit / 8, v.bytes[bit / 8] ^ 1 << bit % 8);
        if (loads(&v)) fail_msg("bit %zu of byte %zu went unseen", bit % 8, bit / 8);
        set_byte(&v, bit / 8, v.bytes[bit / 8]);
    }
    assert_true(loads(&v));
    for (size_t size = v.size; size-- > 0;) {
        assert_int_equal(ftruncate(v.file, (off_t)size), 0);
        if (loads(&v)) fail_msg("cut to %zu of %zu bytes it loads", size, v.size);
    }
    close_victim(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_bit_and_length)};
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
