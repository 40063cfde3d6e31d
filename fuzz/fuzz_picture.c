/* fuzz_picture.c - any bytes as a picture file, the checksums of a PNG put right: measured, and decoded resized in colour,
 * cropped to grey, and as it is. */
#include "harness.h"

#include "base/engine.h"
#include "data/picture.h"

#include <zlib.h>

static uint32_t big(const uint8_t *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Chunks of a PNG: length, kind, data, CRC of the last two. A fuzzer that had to find a CRC would find nothing else. */
static void mend_png(uint8_t *bytes, size_t size)
{
    enum { SIGNATURE = 8, AROUND = 12 };
    for (size_t at = SIGNATURE; size >= AROUND && at <= size - AROUND;) {
        size_t n = big(bytes + at);
        if (n > size - at - AROUND) return;
        uint8_t *end = bytes + at + 8 + n;
        uLong crc = crc32(0, bytes + at + 4, (uInt)n + 4);
        for (int i = 0; i < 4; i++) end[i] = (uint8_t)(crc >> (24 - 8 * i));
        at += n + AROUND;
    }
}

static const char *picture_file(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    require(copy != NULL);
    memcpy(copy, bytes, size);
    if (size && copy[0] == 0x89) mend_png(copy, size);
    const char *path = fuzz_file("picture", copy, size);
    free(copy);
    return path;
}

static elbo_status decode(fit *f, const char *path, unsigned char *out)
{
    static stream s;
    elbo_error error = {0};
    require(stream_open_file(&s, path, &error) == ELBO_OK);
    elbo_status status = picture_decode(&s, f, out, &error);
    if (status != ELBO_OK) require_refusal(&error);
    stream_close(&s);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    enum { H = 7, W = 5, C = 3 };
    static const fit_shape shapes[] = {{H, W, C, 0, false, false}, {H, W, 1, 0.7, true, false}, {H, W, C, 0, false, true}};
    static fit fits[3];
    unsigned char out[H * W * C];
    const char *path = picture_file(bytes, size);
    for (int i = 0; i < 3; i++) {
        if (!fits[i].m) require(fit_open(&fits[i], fuzz_engine()->m, shapes[i], NULL) == ELBO_OK);
        fits[i].measure = true;
        elbo_status status = decode(&fits[i], path, out);
        if (status == ELBO_OK) require(fits[i].width > 0 && fits[i].height > 0);
        fits[i].measure = false;
        if (status == ELBO_OK || i == 2) decode(&fits[i], path, out);
    }
    return 0;
}
