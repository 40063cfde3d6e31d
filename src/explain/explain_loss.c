/* explain_loss.c - checks of how the terms of the loss weigh: the scale of the data, the reduction, beta, sigma.
 *
 * A squared error over 2 s^2 beside beta KL is, up to a factor, a squared error beside 2 s^2 beta KL: only the noise that is
 * assumed, s^2 beta, matters. Sound models have it near the error they end with (Rybkin et al. 2021); published ones
 * reach from a tenth to thirty times it. */
#include "explain.h"

#include <math.h>

#define SMALL_NOISE 50.0 /* the error is so many times the noise */
#define WIDE_RANGE  10.0
#define MUCH_BETA   4.0
#define FAR_CODES   4.0 /* mean square of a number of the code, which is 1 under the prior */

enum { EXAMPLE, SUM, MEAN };

/* Squared distances in the data's units as the network sees them. */
static double in_network(const evidence *e, double squared)
{
    return e->config->range ? 4 * squared : squared;
}

static bool noise_is_small(const evidence *e)
{
    return e->measured.count && in_network(e, e->measured.error) > SMALL_NOISE * assumed_noise(e);
}

static double range_of(const evidence *e)
{
    return e->model ? e->model->info.max - e->model->info.min : 0;
}

bool finding_unscaled_data(const evidence *e, finding *f)
{
    if (!noise_is_small(e) || !(range_of(e) > WIDE_RANGE)) return false;
    finding_show(
        f, "the data reach from %g to %g; the mean squared error of a value is %.3g, but the loss takes %.3g for noise",
        e->model->info.min, e->model->info.max, in_network(e, e->measured.error), assumed_noise(e));
    finding_retrain(e, f, "--likelihood gaussian --variance optimal    (or scale the data to [0,1] before)");
    return true;
}

bool finding_sigma_small(const evidence *e, finding *f)
{
    if (!noise_is_small(e) || range_of(e) > WIDE_RANGE) return false;
    finding_show(f, "the mean squared error of a value is %.3g, but the loss takes %.3g for noise (sigma^2 times beta)",
                 in_network(e, e->measured.error), assumed_noise(e));
    finding_retrain(e, f, "--likelihood gaussian --variance optimal");
    return true;
}

/* How much KL weighs against a likelihood as it is. */
static double beta_of(const evidence *e)
{
    double beta = model_effective_beta(e->model);
    return e->config->likelihood == L_squared ? beta / 2 : beta;
}

bool finding_mean_reduced(const evidence *e, finding *f)
{
    if (!e->model || e->config->reduction != MEAN || beta_of(e) < MUCH_BETA || !code_is_weak(e)) return false;
    finding_show(
        f,
        "reduction is mean, over %lld numbers: beta %g is an effective beta of %.4g; %lld of %lld numbers of the code "
        "are active",
        (long long)model_numbers(e->model), e->config->beta, beta_of(e), (long long)active_numbers(e),
        (long long)e->model->info.latent_size);
    finding_retrain(e, f, "--reduction example    (or --beta %.3g with the mean)", e->config->beta / beta_of(e));
    return true;
}

bool finding_beta_large(const evidence *e, finding *f)
{
    if (!e->model || e->config->reduction == MEAN || beta_of(e) < MUCH_BETA || !code_is_weak(e)) return false;
    finding_show(f, "effective beta is %.4g, and %lld of %lld numbers of the code are active", beta_of(e),
                 (long long)active_numbers(e), (long long)e->model->info.latent_size);
    finding_retrain(e, f, "--beta %.3g", e->config->beta / beta_of(e));
    return true;
}

bool finding_sigma_large(const evidence *e, finding *f)
{
    const measured *x = &e->measured;
    if (!x->count || e->config->likelihood != L_gaussian || beta_of(e) >= MUCH_BETA || !code_is_weak(e)) return false;
    if (!(assumed_noise(e) > in_network(e, x->variance))) return false;
    finding_show(
        f,
        "the likelihood takes a variance of %.3g for noise, but that of the data is %.3g; reconstructions explain %.0f %%",
        assumed_noise(e), in_network(e, x->variance), 100 * fmax(0, explained_share(e)));
    finding_retrain(e, f, "--variance optimal    (or --sigma %.2g)", sqrt(in_network(e, x->variance) / 10));
    return true;
}

/* The mean over the numbers of the code of E[z^2]. */
static double spread(const evidence *e)
{
    double sum = 0, z = (double)e->model->info.latent_size;
    for (int64_t j = 0; j < e->model->info.latent_size; j++) sum += e->measured.mean_square[j];
    return sum / z;
}

bool finding_off_prior(const evidence *e, finding *f)
{
    if (!e->measured.count || !e->model->family->has_prior || noise_is_small(e) || !(spread(e) > FAR_CODES))
        return false;
    finding_show(f, "codes have a mean square of %.3g (the prior's is 1); effective beta is %.3g", spread(e),
                 beta_of(e));
    finding_retrain(e, f, "--beta %.3g", e->config->beta > 0 && beta_of(e) < 1 ? e->config->beta / beta_of(e) : 1.0);
    return true;
}
