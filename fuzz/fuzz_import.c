/* fuzz_import.c - any bytes as the weights of a PyTorch program, for two small models. */
#include "harness.h"

static elbo_model *model_of(const char *const (*options)[2], const int64_t shape[3])
{
    static const float x[256];
    elbo_engine *e = fuzz_engine();
    elbo_config *c = elbo_config_new(e, NULL);
    elbo_data *data = elbo_data_from_memory(e, x, ELBO_F32, 1, shape, NULL, NULL);
    require(c && data);
    for (; (*options)[0]; options++) require(elbo_config_set(c, (*options)[0], (*options)[1], NULL) == ELBO_OK);
    elbo_model *m = elbo_model_new(e, c, data, NULL);
    require(m != NULL);
    elbo_data_free(data);
    elbo_config_free(c);
    return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char *const dense[][2] = {
        {"encoder", "dense 2 relu"}, {"decoder", "dense 2 relu"}, {"latent", "1"}, {NULL, NULL}};
    static const char *const conv[][2] = {
        {"encoder", "conv 2 3x3/2 bn leaky_relu"},
        {"decoder", "dense auto; reshape auto; deconv 2 3x3/2 bn leaky_relu; conv 1 3x3"},
        {"latent", "1"},
        {NULL, NULL}};
    static elbo_model *models[2];
    if (!models[0]) {
        models[0] = model_of(dense, (const int64_t[]){1, 2, 2});
        models[1] = model_of(conv, (const int64_t[]){2, 2, 1});
    }
    const char *path = fuzz_file("weights.safetensors", bytes, size);
    for (int i = 0; i < 2; i++) {
        elbo_error error = {0};
        if (elbo_model_import(models[i], path, &error) != ELBO_OK) require_refusal(&error);
    }
    return 0;
}
