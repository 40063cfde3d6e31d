/* fuzz_labels.c - any bytes as the table of labels beside a folder of two pictures. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char picture[] = "P2 1 1 255 7\n";
    elbo_error error = {0};
    if (access(fuzz_path("pictures"), F_OK) != 0) {
        require(mkdir(fuzz_path("pictures"), 0700) == 0);
        fuzz_file("pictures/a.pgm", (const uint8_t *)picture, sizeof picture - 1);
        fuzz_file("pictures/b.pgm", (const uint8_t *)picture, sizeof picture - 1);
    }
    elbo_data_options o = {.readers = 1, .labels = fuzz_file("labels.csv", bytes, size)};
    for (int named = 0; named < 2; named++) {
        o.label_column = named ? "word" : NULL;
        elbo_data *d = elbo_data_open_with(fuzz_engine(), fuzz_path("pictures"), "all", &o, &error);
        if (d) require(elbo_data_describe(d)->count == 2);
        else require_refusal(&error);
        elbo_data_free(d);
    }
    return 0;
}
