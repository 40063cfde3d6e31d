/* model_data.c - what a model knows of its data: made for data, opening data as it reads them, writing them as it read them. */
#include "../data/csv_write.h"
#include "../base/mode.h"
#include "../data/data.h"
#include "../vae/model.h"

elbo_model *elbo_model_new(elbo_engine *engine, const elbo_config *config, const elbo_data *data, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    const elbo_data_info *i = &data->info;
    bool bytes = i->dtype == ELBO_U8; /* whatever was met in them, bytes reach from 0 to 1 */
    model_data d = {.shape = {i->shape[0], i->shape[1], i->shape[2]},
                    .min = bytes ? 0 : i->min,
                    .max = bytes ? 1 : i->max,
                    .step = i->step,
                    .binary = i->binary,
                    .columns = data->columns,
                    .draw = true};
    elbo_config fitted = *config;
    char words[512];
    config_fit(&fitted, i, words, sizeof words);
    return model_new(engine, &fitted, &d, error);
}

elbo_data *elbo_data_open_for(elbo_engine *engine, const elbo_model *model, const char *name, const char *part,
                              elbo_error *error)
{
    elbo_data_options options = elbo_model_data_options(model);
    return data_open_like(engine, name, part, &options, model->columns, error);
}

const elbo_column *elbo_model_column_at(const elbo_model *m, size_t i)
{
    return m->columns && i < (size_t)m->columns->n ? &m->columns->at[i] : NULL;
}

elbo_status elbo_model_write_csv(elbo_model *m, const char *path, const float *x, int64_t n, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (n < 0) return err_set(error, ELBO_USAGE, "got %lld examples, expected 0 or more", (long long)n);
    if (!m->columns)
        return err_set(error, ELBO_USAGE, "%s: the examples of the model are no rows of a table with named columns; write an "
                                          "array (.npy)", path);
    return csv_write(m->m, path, m->columns, x, n, error);
}
