/* sprites_vae.c - trains a VAE on built-in pictures, saves it, loads it again, and draws 64 new pictures: sprites.png */
#include <elbo.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const elbo_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return (int)error->code;
}

int main(void)
{
    elbo_error error = {ELBO_OK, ""};
    elbo_engine *engine = elbo_engine_open(NULL, &error);
    elbo_data *all = engine ? elbo_data_open(engine, "sprites", "train", &error) : NULL;
    elbo_config *config = all ? elbo_config_new(engine, &error) : NULL;
    if (!config) return fail(&error);

    enum { N = 2000, D = 64 * 64 };
    static int64_t index[N];
    static float pictures[(size_t)N * D];
    for (int64_t i = 0; i < N; i++) index[i] = i * (elbo_data_describe(all)->count / N);
    if (elbo_data_read(all, index, N, pictures, NULL, &error)) return fail(&error);
    elbo_data *data = elbo_data_from_memory(engine, pictures, ELBO_F32, N, elbo_data_describe(all)->shape, NULL, &error);

    elbo_config_set(config, "epochs", "5", &error);
    elbo_config_set(config, "latent", "10", &error);
    elbo_model *model = data ? elbo_train(engine, config, data, NULL, &error) : NULL;
    if (!model || elbo_model_save(model, "sprites.safetensors", &error)) return fail(&error);
    elbo_model_free(model);

    model = elbo_model_load(engine, "sprites.safetensors", &error);
    if (!model || elbo_model_sample(model, 64, 1, pictures, &error)) return fail(&error);
    if (elbo_png_write_grid(engine, "sprites.png", pictures, 64, elbo_data_describe(data)->shape, 8, 0, 1, &error))
        return fail(&error);
    elbo_model_free(model), elbo_data_free(data), elbo_data_free(all), elbo_config_free(config), elbo_engine_close(engine);
    return 0;
}
