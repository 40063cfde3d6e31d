/* view_rig.h - what the tests of pictures share: an allocator that counts and fails, and libpng as a reader. */
#ifndef ELBO_TESTS_VIEW_RIG_H
#define ELBO_TESTS_VIEW_RIG_H

#include "view/canvas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <png.h>
#include <stdlib.h>
#include <string.h>

/* ---- An allocator that counts what is held, and fails after some allocations ---- */

typedef struct meter {
    int64_t held, until_failure; /* -1: never */
} meter;

static inline void *metered(void *user, void *ptr, size_t old_size, size_t new_size)
{
    meter *a = user;
    if (new_size > 0 && a->until_failure == 0) return NULL;
    if (new_size > 0 && a->until_failure > 0) a->until_failure--;
    a->held += (int64_t)new_size - (int64_t)old_size;
    if (new_size > 0) return realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

/* Runs work with the 1st, 2nd, ... allocation failing until it succeeds. */
static inline void fail_each(elbo_status (*work)(memory m, elbo_error *error))
{
    int64_t i = 0;
    for (elbo_status status = ELBO_FAILED; status != ELBO_OK; i++) {
        meter a = {.until_failure = i};
        elbo_allocator allocator = {metered, &a};
        elbo_error error = {ELBO_OK, ""};
        status = work(&allocator, &error);
        assert_int_equal(a.held, 0);
        if (status != ELBO_OK) assert_int_equal(status, ELBO_NO_MEMORY);
        assert_int_equal(error.code, status);
        assert_true(i < 1000);
    }
    assert_true(i > 2);
}

/* ---- Reading ---- */

/* What libpng reads from bytes, as a canvas. */
static inline canvas decode(const unsigned char *bytes, size_t size)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    assert_true(png_image_begin_read_from_memory(&image, bytes, size));
    int channels = (int)PNG_IMAGE_PIXEL_CHANNELS(image.format);
    image.format = channels == 1 ? PNG_FORMAT_GRAY : channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_RGBA;
    canvas c;
    assert_int_equal(canvas_open(&c, &mem_standard, image.height, image.width, channels, NULL), ELBO_OK);
    assert_true(png_image_finish_read(&image, NULL, c.bytes, 0, NULL));
    return c;
}

#endif
