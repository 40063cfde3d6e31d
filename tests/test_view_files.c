/* test_view_files.c - pictures as files: animations. */
#include "base/engine.h"
#include "base/file.h"
#include "view/animation.h"
#include "view/grid.h"
#include "view/png.h"
#include "view_rig.h"

#include <zlib.h>

static const char *const scratch_file = "test_view_files.png";

/* ---- Animations ---- */

/* What libpng reads from a still picture made of one frame of an animation: its IHDR, the bytes of its IDAT or fdAT. */
static canvas frame_of(const unsigned char *bytes, size_t size, unsigned wanted)
{
    text png;
    unsigned seen = 0, numbered = 0;
    text_open(&png, &mem_standard);
    text_add_bytes(&png, bytes, ANIMATION_HEAD);
    for (size_t i = ANIMATION_HEAD; i < size; i += 12 + png_get_uint_32(bytes + i)) {
        const unsigned char *type = bytes + i + 4, *data = type + 4;
        unsigned n = png_get_uint_32(bytes + i), skip = memcmp(type, "fdAT", 4) == 0 ? 4 : 0;
        assert_int_equal(png_get_uint_32(data + n), (unsigned)crc32(0, type, 4 + n));
        if (memcmp(type, "fcTL", 4) == 0) seen++;
        if (memcmp(type, "fcTL", 4) == 0 || skip) assert_int_equal(png_get_uint_32(data), numbered++);
        bool pixels = skip || memcmp(type, "IDAT", 4) == 0;
        assert_true(!pixels || (seen == 1) == (skip == 0));
        if (!pixels || seen != wanted) continue;
        unsigned char head[8], check[4];
        png_save_uint_32(head, n - skip);
        memcpy(head + 4, "IDAT", 4);
        png_save_uint_32(check, (unsigned)crc32(crc32(0, head + 4, 4), data + skip, n - skip));
        text_add_bytes(&png, head, 8);
        text_add_bytes(&png, data + skip, n - skip);
        text_add_bytes(&png, check, 4);
    }
    text_add_bytes(&png, "\0\0\0\0IEND\xae\x42\x60\x82", 12);
    canvas c = decode((unsigned char *)png.bytes, png.length);
    text_close(&png);
    return c;
}

static void test_animation(void **state)
{
    (void)state;
    enum { FRAMES = 3, SIDE = 200 }; /* large enough for several chunks a frame */
    animation a;
    unsigned char *bytes;
    size_t size;
    animation_open(&a, &mem_standard, 4);
    canvas frame[FRAMES];
    for (int k = 0; k < FRAMES; k++) {
        assert_int_equal(canvas_open(&frame[k], &mem_standard, SIDE, SIDE, 3, NULL), ELBO_OK);
        for (size_t i = 0; i < 3 * SIDE * SIDE; i++) frame[k].bytes[i] = (unsigned char)(i * i * (size_t)(k + 1) >> 7);
        assert_int_equal(animation_add(&a, &frame[k], NULL), ELBO_OK);
    }
    canvas other;
    assert_int_equal(canvas_open(&other, &mem_standard, SIDE, SIDE, 1, NULL), ELBO_OK);
    assert_int_equal(animation_add(&a, &other, NULL), ELBO_USAGE);
    canvas_close(&other);
    assert_int_equal(animation_encode(&a, &bytes, &size, NULL), ELBO_OK);
    static const unsigned char actl[] = {0, 0, 0, 8, 'a', 'c', 'T', 'L', 0, 0, 0, FRAMES, 0, 0, 0, 0};
    static const unsigned char fctl[] = {0, 0, 0, 26, 'f', 'c', 'T', 'L', 0, 0, 0, 0, 0, 0, 0, SIDE, 0, 0, 0, SIDE,
                                         0, 0, 0, 0, 0, 0, 0, 0, 250 >> 8, 250, 1000 >> 8, 1000 & 255, 0, 0};
    assert_memory_equal(bytes + ANIMATION_HEAD, actl, sizeof actl);
    assert_memory_equal(bytes + ANIMATION_HEAD + 20, fctl, sizeof fctl);
    for (unsigned k = 0; k < FRAMES; k++) {
        canvas read = frame_of(bytes, size, k + 1);
        assert_memory_equal(read.bytes, frame[k].bytes, 3 * SIDE * SIDE);
        canvas_close(&read);
        canvas_close(&frame[k]);
    }
    canvas still = decode(bytes, size); /* what knows no animation */
    assert_int_equal(still.width, SIDE);
    canvas_close(&still);
    mem_free(&mem_standard, bytes);
    animation_close(&a);
    animation_open(&a, &mem_standard, 4);
    assert_int_equal(animation_encode(&a, &bytes, &size, NULL), ELBO_USAGE);
}

static elbo_status animate_once(memory m, elbo_error *error)
{
    static const float x[8] = {0, 1, 0.5f, 0.25f};
    static const int64_t shape[3] = {2, 2, 1};
    elbo_engine *engine = elbo_engine_open(&(elbo_engine_options){.threads = 1, .allocator = m}, error);
    if (!engine) return ELBO_NO_MEMORY;
    elbo_status status = elbo_png_write_animation(engine, scratch_file, x, 2, 1, shape, 1, 5, 0, 1, error);
    assert_int_equal(file_exists(scratch_file), status == ELBO_OK);
    assert_int_equal(elbo_png_write_animation(engine, scratch_file, x, 0, 1, shape, 1, 5, 0, 1, NULL), ELBO_USAGE);
    assert_int_equal(elbo_png_write_animation(engine, scratch_file, x, 2, 1, shape, 1, 0, 0, 1, NULL), ELBO_USAGE);
    file_remove(scratch_file, NULL);
    elbo_engine_close(engine);
    return status;
}

static void test_animation_out_of_memory(void **state)
{
    (void)state;
    fail_each(animate_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_animation),
        cmocka_unit_test(test_animation_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
