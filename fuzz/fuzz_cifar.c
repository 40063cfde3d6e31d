/* fuzz_cifar.c - any bytes as the test file of CIFAR-10 (binary version); a record is 3,073 bytes. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    elbo_error error = {0};
    fuzz_file("test_batch.bin", bytes, size);
    elbo_data *d = elbo_data_open(fuzz_engine(), fuzz_path("."), "test", &error);
    if (d) require((size_t)elbo_data_describe(d)->count * 3073 == size);
    else require_refusal(&error);
    elbo_data_free(d);
    return 0;
}
