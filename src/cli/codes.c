/* codes.c - what the subcommands that look into the space of codes share. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *code_name(const elbo_model *model, int64_t j, char out[CODE_NAME])
{
    const elbo_latent_info *latent;
    for (size_t i = 0; (latent = elbo_model_latent_at(model, i)) != NULL && j >= latent->size; i++) j -= latent->size;
    snprintf(out, CODE_NAME, "%s.%" PRId64, latent ? latent->name : "?", j);
    return out;
}

elbo_status encode_examples(cli *c, int64_t n, float *mean, float *std, int32_t *labels)
{
    enum { BLOCK = 512 };
    int64_t width = elbo_model_describe(c->model)->latent_size;
    float *x = new_floats(c, BLOCK, shape_size(elbo_data_describe(c->data)->shape)); /* [BLOCK,H,W,C] */
    elbo_status status = x ? ELBO_OK : c->error.code;
    for (int64_t first = 0, rows; first < n && status == ELBO_OK; first += rows) {
        rows = n - first < BLOCK ? n - first : BLOCK;
        status = read_examples(c, first, rows, x, labels ? labels + first : NULL);
        if (status != ELBO_OK) return status;
        status = elbo_model_encode(c->model, x, rows, mean + first * width, std ? std + first * width : NULL, &c->error);
    }
    return status;
}

elbo_status parse_latents(cli *c, const char *key, int64_t number[2])
{
    const char *words = flag_text(c, key);
    char *comma, *end = NULL;
    number[0] = strtoll(words, &comma, 10);
    if (comma > words && *comma == ',') number[1] = strtoll(comma + 1, &end, 10);
    if (end && end > comma + 1 && !*end) return ELBO_OK;
    return fail(c, ELBO_USAGE, "--%s %s: must be two numbers, as in 0,3", key, words);
}

/* By KL, and where there is none by how far the codes spread. */
static int more_used(const void *a, const void *b)
{
    const code_use *p = a, *q = b;
    bool by_kl = isfinite(p->use.kl) && isfinite(q->use.kl);
    double x = by_kl ? p->use.kl : p->use.variance, y = by_kl ? q->use.kl : q->use.variance;
    if (x != y) return x < y ? 1 : -1;
    return p->number < q->number ? -1 : 1;
}

code_use *sorted_use(cli *c)
{
    int64_t size = elbo_model_describe(c->model)->latent_size;
    const elbo_latent_use *use = elbo_model_latent_use(c->model);
    code_use *all = new_block(c, size, sizeof *all);
    if (!all) return NULL;
    for (int64_t j = 0; j < size; j++) all[j] = (code_use){.number = j};
    for (int64_t j = 0; use && j < size; j++) all[j].use = use[j];
    if (use) qsort(all, (size_t)size, sizeof *all, more_used);
    return all;
}

static bool is_point(const cli *c, int64_t j)
{
    const elbo_latent_info *latent;
    for (size_t i = 0; (latent = elbo_model_latent_at(c->model, i)) != NULL; j -= latent->size, i++)
        if (j < latent->size) return strcmp(latent->kind, "point") == 0;
    return false;
}

float code_value(const cli *c, const code_use *u, double v)
{
    bool measured = c->data && is_point(c, u->number);
    return (float)(measured ? u->use.mean + v * sqrt(u->use.variance) : v);
}

void middle_code(const cli *c, const code_use *use, float *z)
{
    int64_t size = elbo_model_describe(c->model)->latent_size;
    for (int64_t i = 0; i < size; i++) z[use[i].number] = code_value(c, &use[i], 0);
}
