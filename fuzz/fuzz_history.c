/* fuzz_history.c - any bytes as the metrics of a run: read, and mirrored in the forms that other programs read. */
#include "harness.h"

#include "base/engine.h"
#include "train/history.h"
#include "train/mirror.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    memory m = fuzz_engine()->m;
    elbo_error error = {0};
    history h = {.m = m};
    if (history_read(&h, fuzz_file("metrics.jsonl", bytes, size), &error) != ELBO_OK) require_refusal(&error);
    history_close(&h);
    mirror r;
    if (mirror_open(&r, m, fuzz_path("."), true, NULL) != ELBO_OK) return 0;
    if (mirror_again(&r, &error) != ELBO_OK) require_refusal(&error);
    mirror_close(&r);
    return 0;
}
