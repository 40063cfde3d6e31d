/* fuzz_model.c - any bytes as a model file and as a checkpoint, their checksum put right: refused, or a model that works. */
#include "harness.h"

#include "train/checkpoint.h"

#include <zlib.h>

/* A fuzzer that had to find a checksum would find nothing else. */
static uint8_t *with_checksum(const uint8_t *bytes, size_t size)
{
    static const char key[] = "\"elbo.checksum\":\"";
    enum { DIGITS = 8 };
    uint8_t *copy = malloc(size ? size : 1);
    require(copy != NULL);
    memcpy(copy, bytes, size);
    for (size_t i = 8; i + sizeof key - 1 + DIGITS < size && i < 4096; i++) {
        if (memcmp(copy + i, key, sizeof key - 1) != 0) continue;
        uint8_t *digits = copy + i + sizeof key - 1;
        char words[DIGITS + 1];
        memset(digits, '0', DIGITS);
        snprintf(words, sizeof words, "%08lx", crc32(0, copy, (uInt)size));
        memcpy(digits, words, DIGITS);
        break;
    }
    return copy;
}

/* Everything that serving does, where it is small. */
static void use(elbo_model *m)
{
    const elbo_model_info *info = elbo_model_describe(m);
    int64_t size = info->shape[0] * info->shape[1] * info->shape[2];
    char *layers = elbo_model_text(m, "layers", NULL);
    elbo_text_free(fuzz_engine(), layers);
    if (size > 1024 || info->latent_size > 256 || info->n_parameters > 20000) return;
    float *x = calloc((size_t)size, sizeof *x), *z = calloc(2 * (size_t)info->latent_size, sizeof *z);
    require(x && z);
    elbo_model_encode(m, x, 1, z, z + info->latent_size, NULL);
    elbo_model_decode(m, z, 1, x, NULL);
    elbo_model_sample(m, 1, 1, x, NULL);
    free(x);
    free(z);
}

static void load(const char *path, bool resume)
{
    elbo_error error = {0};
    run_state run;
    run_arrays arrays = {0};
    elbo_model *m = checkpoint_load(fuzz_engine(), path, resume ? &run : NULL, resume ? &arrays : NULL, &error);
    arrays_close(&arrays, fuzz_engine()->m);
    if (m && !resume) use(m);
    if (!m) require_refusal(&error);
    elbo_model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *good = with_checksum(bytes, size);
    const char *path = fuzz_file("model.safetensors", good, size);
    load(path, false);
    load(path, true);
    free(good);
    return 0;
}
