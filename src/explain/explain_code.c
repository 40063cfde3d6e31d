/* explain_code.c - checks of how the code is used. */
#include "explain.h"

#include <string.h>

#define FEW_CODES 0.2 /* of the book, in effect (perplexity) */
enum { UNUSED_PART = 8, MANY_NUMBERS = 8 };

/* A figure of the last epoch by its name; -1: there is none. */
static double last_figure(const evidence *e, const char *name)
{
    const elbo_metrics *m = last_epoch(e) ? &last_epoch(e)->train : NULL;
    for (int64_t i = 0; m && i < m->n_other; i++)
        if (strcmp(m->other[i].name, name) == 0) return m->other[i].value;
    return -1;
}

bool finding_dead_codes(const evidence *e, finding *f)
{
    double used = last_figure(e, "perplexity"), codes = (double)e->config->codes;
    if (used < 0 || used >= FEW_CODES * codes) return false;
    long long fewer = 2;
    while ((double)fewer < 2 * used) fewer *= 2;
    finding_show(f, "%.0f vectors in the book, of which %.1f are in use in effect (perplexity)", codes, used);
    finding_retrain(e, f, "--codes %lld", fewer);
    return true;
}

static bool has_prior(const evidence *e)
{
    return e->model && e->model->family->has_prior;
}

bool finding_collapsed(const evidence *e, finding *f)
{
    if (!has_prior(e) || active_numbers(e) != 0) return false;
    finding_show(f, "0 of %lld numbers of the code are active", (long long)e->model->info.latent_size);
    finding_retrain(e, f, "--beta %.3g", e->config->beta / 10);
    return true;
}

bool finding_unused(const evidence *e, finding *f)
{
    int64_t active = active_numbers(e), z = e->model ? e->model->info.latent_size : 0;
    if (!has_prior(e) || z < MANY_NUMBERS || active <= 0 || active > z / UNUSED_PART) return false;
    finding_show(f, "%lld of %lld numbers of the code are active", (long long)active, (long long)z);
    finding_retrain(e, f, "--latent %lld", 2 * (long long)active);
    return true;
}
