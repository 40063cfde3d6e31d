/* fuzz_safetensors.c - any bytes as a safetensors file: refused, or tensors that lie in them and can be rewritten. */
#include "harness.h"

#include "export/safetensors.h"

/* Reads every byte of a tensor, so that a sanitizer sees one that lies outside. */
static void touch(const st_file *f, const st_tensor *t)
{
    require(st_find(f, t->name) == t);
    unsigned sum = 0;
    for (size_t i = 0; i < t->bytes; i++) sum += ((const unsigned char *)t->data)[i];
    require(sum <= 255 * t->bytes);
    st_first_nonfinite(t);
    float *values = calloc(t->bytes + 1, sizeof *values);
    require(values != NULL);
    st_to_float(t, values);
    free(values);
}

static void write_again(const st_file *f)
{
    size_t n = st_count(f), size;
    st_tensor *tensors = calloc(n + 1, sizeof *tensors);
    require(tensors != NULL);
    for (size_t i = 0; i < n; i++) tensors[i] = *st_at(f, i);
    unsigned char *bytes;
    st_file *again;
    require(st_format(&mem_standard, tensors, n, NULL, 0, &bytes, &size, NULL) == ELBO_OK);
    require(st_parse(&mem_standard, bytes, size, &again, NULL) == ELBO_OK);
    require(st_has_checksum(again) && st_verify(again, NULL) == ELBO_OK && st_count(again) == n);
    for (size_t i = 0; i < n; i++) {
        const st_tensor *t = st_at(again, i);
        require(strcmp(t->name, tensors[i].name) == 0 && t->bytes == tensors[i].bytes);
        require(t->bytes == 0 || memcmp(t->data, tensors[i].data, t->bytes) == 0);
    }
    st_close(again);
    mem_free(&mem_standard, bytes);
    free(tensors);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    st_file *f;
    elbo_error error;
    if (st_parse(&mem_standard, bytes, size, &f, &error)) {
        require(!f && error.code == ELBO_BAD_FILE);
        return 0;
    }
    elbo_status status = st_verify(f, &error);
    require(status == ELBO_OK || (status == ELBO_BAD_FILE && st_has_checksum(f)));
    for (size_t i = 0; i < st_count(f); i++) touch(f, st_at(f, i));
    write_again(f);
    st_close(f);
    return 0;
}
