/* fuzz_config.c - any bytes as a configuration file: refused with a line, or every option has a value that can be set again. */
#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    elbo_error error = {0};
    elbo_config *c = elbo_config_new(fuzz_engine(), NULL);
    require(c != NULL);
    if (elbo_config_read(c, fuzz_file("config.toml", bytes, size), &error) != ELBO_OK) require_refusal(&error);
    for (size_t i = 0; elbo_option_at(i); i++) {
        char value[4096];
        const char *key = elbo_option_at(i)->key, *is = elbo_config_get(c, key);
        require(is != NULL);
        snprintf(value, sizeof value, "%s", is);
        require(elbo_config_set(c, key, value, NULL) == ELBO_OK && strcmp(elbo_config_get(c, key), value) == 0);
    }
    elbo_config_free(c);
    return 0;
}
