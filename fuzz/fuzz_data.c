/* fuzz_data.c - any bytes as a file of data: of whatever format it begins as, refused, or examples that can be read. */
#include "harness.h"

static void read_some(elbo_data *d)
{
    const elbo_data_info *info = elbo_data_describe(d);
    size_t size = (size_t)(info->shape[0] * info->shape[1] * info->shape[2]);
    require(info->count > 0 && info->shape[0] > 0 && info->shape[1] > 0 && info->shape[2] > 0);
    require(info->min <= info->max && info->n_classes >= 0);
    if (size > 1 << 20) return;
    float *x = malloc(size * sizeof *x);
    require(x != NULL);
    const int64_t last = info->count - 1, places[] = {0, last / 2, last, last + 1, -1};
    for (int i = 0; i < 5; i++) {
        int32_t label;
        elbo_status status = elbo_data_read(d, &places[i], 1, x, &label, NULL);
        require((status == ELBO_OK) == (i < 3));
        if (status == ELBO_OK) require(label >= -1 && label < (info->n_classes ? info->n_classes : 1));
    }
    free(x);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const elbo_data_options fitted = {.height = 5, .width = 3, .crop = 0.8, .grey = 1, .readers = 1}, plain = {.readers = 1};
    const char *path = fuzz_file("data", bytes, size);
    for (int i = 0; i < 2; i++) {
        elbo_error error = {0};
        elbo_data *d = elbo_data_open_with(fuzz_engine(), path, "all", i ? &fitted : &plain, &error);
        if (d) read_some(d);
        else require_refusal(&error);
        elbo_data_free(d);
    }
    return 0;
}
