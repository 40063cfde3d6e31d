/* grey_pictures.c - what happens to pictures when the sigmoid is forgotten.
 *
 *     grey_pictures [MODEL DATA OUT.png]      default: a model trained here, on a few sprites; grey.png
 *
 * The decoder of a model with a Bernoulli likelihood emits logits, l = log(p / (1 - p)), and the library gives only p, the
 * probability that a pixel is white. This program takes logits back from p and paints them as if they were pixels, from the
 * lowest, black, to the highest, white, as plotting programs do. Each cell: the logits, and the picture as it should be. */
#include <elbo.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 20, PER_ROW = 10 };

typedef struct pictures {
    float *original, *right, *grey; /* [N,H,W,C] */
} pictures;

static float logit(float p)
{
    const float least = 1e-6f; /* where p is 0 or 1 in float */
    p = fminf(fmaxf(p, least), 1 - least);
    return logf(p / (1 - p));
}

/* The values from the lowest to the highest as 0 to 1. */
static void stretch(float *x, int64_t n)
{
    float low = x[0], high = x[0];
    for (int64_t i = 0; i < n; i++) {
        low = fminf(low, x[i]);
        high = fmaxf(high, x[i]);
    }
    for (int64_t i = 0; i < n; i++) x[i] = high > low ? (x[i] - low) / (high - low) : 0;
}

static elbo_status paint(elbo_engine *engine, elbo_model *model, elbo_data *data, const char *path, elbo_error *error)
{
    const int64_t *shape = elbo_model_describe(model)->shape;
    int64_t size = shape[0] * shape[1] * shape[2], index[N];
    pictures p = {malloc(N * (size_t)size * sizeof(float)), malloc(N * (size_t)size * sizeof(float)),
                  malloc(N * (size_t)size * sizeof(float))};
    elbo_status status = p.original && p.right && p.grey ? ELBO_OK : ELBO_NO_MEMORY;
    for (int64_t i = 0; i < N; i++) index[i] = i;
    if (status == ELBO_OK) status = elbo_data_read(data, index, N, p.original, NULL, error);
    if (status == ELBO_OK) status = elbo_model_reconstruct(model, p.original, N, p.right, error);
    for (int64_t i = 0; status == ELBO_OK && i < N * size; i++) p.grey[i] = logit(p.right[i]);
    if (status == ELBO_OK) {
        stretch(p.grey, N * size);
        status = elbo_png_write_pairs(engine, path, p.grey, p.right, N, shape, PER_ROW, 0, 1, error);
    }
    free(p.original);
    free(p.right);
    free(p.grey);
    return status;
}

/* A few of the built-in pictures. */
static elbo_data *few_sprites(elbo_engine *engine, elbo_error *error)
{
    enum { COUNT = 1000, D = 64 * 64 };
    static float x[(size_t)COUNT * D];
    static int64_t index[COUNT];
    elbo_data *all = elbo_data_open(engine, "sprites", "train", error), *few = NULL;
    for (int64_t i = 0; all && i < COUNT; i++) index[i] = i * (elbo_data_describe(all)->count / COUNT);
    if (all && elbo_data_read(all, index, COUNT, x, NULL, error) == ELBO_OK)
        few = elbo_data_from_memory(engine, x, ELBO_F32, COUNT, elbo_data_describe(all)->shape, NULL, error);
    elbo_data_free(all);
    return few;
}

static elbo_model *train(elbo_engine *engine, elbo_data *data, elbo_error *error)
{
    elbo_config *config = data ? elbo_config_new(engine, error) : NULL;
    elbo_model *model = config ? elbo_train(engine, config, data, NULL, error) : NULL;
    elbo_config_free(config);
    return model;
}

int main(int argc, char **argv)
{
    if (argc != 1 && argc != 4) {
        fprintf(stderr, "usage: %s [MODEL DATA OUT.png]\n", argv[0]);
        return 2;
    }
    elbo_error error = {ELBO_OK, ""};
    elbo_engine *engine = elbo_engine_open(NULL, &error);
    elbo_data *data = !engine ? NULL : argc == 1 ? few_sprites(engine, &error) : elbo_data_open(engine, argv[2], "test", &error);
    elbo_model *model = !data ? NULL : argc == 1 ? train(engine, data, &error) : elbo_model_load(engine, argv[1], &error);
    elbo_status status = model ? paint(engine, model, data, argc == 1 ? "grey.png" : argv[3], &error) : ELBO_FAILED;
    if (status != ELBO_OK) fprintf(stderr, "%s: %s\n", argv[0], error.message);
    elbo_data_free(data);
    elbo_model_free(model);
    elbo_engine_close(engine);
    return status != ELBO_OK;
}
