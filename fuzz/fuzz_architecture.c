/* fuzz_architecture.c - any text as the layers of a model: two lines, encoder and decoder. Refused, or a model of what the layers
 * say, at most 100,000 numbers of it. */
#include "harness.h"

#include "vae/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const model_data data = {.shape = {6, 5, 2}, .max = 1, .max_parameters = 100000};
    elbo_error error = {0};
    elbo_config *c = elbo_config_new(fuzz_engine(), NULL);
    char *encoder = fuzz_text(bytes, size), *decoder = strchr(encoder, '\n');
    if (decoder) *decoder++ = 0;
    require(c && elbo_config_set(c, "latent", "2", NULL) == ELBO_OK);
    if (elbo_config_set(c, "encoder", encoder, &error) == ELBO_OK &&
        elbo_config_set(c, "decoder", decoder ? decoder : "", &error) == ELBO_OK) {
        elbo_model *m = model_new(fuzz_engine(), c, &data, &error);
        if (!m) require_refusal(&error);
        elbo_model_free(m);
    }
    elbo_config_free(c);
    free(encoder);
    return 0;
}
