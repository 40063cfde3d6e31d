/* check_fit.c - whether options fit each other and the data. A mismatch is refused with the reason and the fix. */
#include "model.h"
#include "units.h"

#include <math.h>

int64_t model_levels(const model_data *d)
{
    return d->step > 0 ? 1 + (int64_t)fmin(round(d->max / d->step), 1e9) : 0;
}

static const char *name_of(const elbo_config *c)
{
    return likelihood_at((size_t)c->likelihood)->name;
}

/* Data in [0,1], and a network that sees them so. */
static elbo_status check_unit(const elbo_config *c, const model_data *d, elbo_error *error)
{
    if (c->range)
        return err_set(error, ELBO_USAGE,
                       "likelihood %s needs data in [0,1], but range is symmetric ([-1,1]); use --range unit, or a gaussian "
                       "or squared likelihood", name_of(c));
    if (d->min < 0 || d->max > 1)
        return err_set(error, ELBO_USAGE, "likelihood %s needs data in [0,1], but the data reach from %g to %g; scale them, or "
                                          "use --likelihood gaussian", name_of(c), d->min, d->max);
    return ELBO_OK;
}

static elbo_status check_counts(const elbo_config *c, const model_data *d, elbo_error *error)
{
    if (c->binarize)
        return err_set(error, ELBO_USAGE, "binarize leaves 0 and 1 of the data: use --likelihood bernoulli, not %s", name_of(c));
    if (d->step > 0 && d->min >= 0) return ELBO_OK;
    return err_set(error, ELBO_USAGE,
                   "likelihood %s needs whole numbers from 0 on, but the data are %s numbers from %g to %g; use --likelihood "
                   "gaussian or laplace", name_of(c), d->step > 0 ? "whole" : "real", d->min, d->max);
}

static elbo_status check_levels(const elbo_config *c, const model_data *d, elbo_error *error)
{
    elbo_status status = check_counts(c, d, error);
    int64_t levels = model_levels(d);
    if (status != ELBO_OK || (levels >= 2 && levels <= MAX_LEVELS)) return status;
    return err_set(error, ELBO_USAGE,
                   "likelihood %s needs data in 2 to %d levels, but they reach from 0 to %g in whole numbers; use --likelihood "
                   "poisson or gaussian", name_of(c), MAX_LEVELS, d->max);
}

/* A table of which there is something to model. */
static elbo_status check_columns(const model_data *d, elbo_error *error)
{
    if (!d->columns)
        return err_set(error, ELBO_USAGE, "likelihood columns is for tables of text (CSV), whose columns are of different kinds; "
                                          "use --likelihood gaussian, poisson or another");
    for (column_run r = {0}; columns_next_run(d->columns, &r);)
        if (r.kind != ELBO_COLUMN_CONSTANT) return ELBO_OK;
    return err_set(error, ELBO_USAGE, "every column of the table is constant: there is nothing to model");
}

/* Levels are no numbers. */
static elbo_status check_no_levels(const elbo_config *c, const model_data *d, elbo_error *error)
{
    for (int64_t i = 0; d->columns && i < d->columns->n; i++)
        if (d->columns->at[i].kind == ELBO_COLUMN_CATEGORICAL)
            return err_set(error, ELBO_USAGE, "likelihood %s is for numbers, but column \"%s\" of the table is categorical; use "
                                              "--likelihood columns, or leave it out with --ignore", name_of(c),
                           d->columns->at[i].name);
    return ELBO_OK;
}

static elbo_status check_takes(const elbo_config *c, const model_data *d, elbo_error *error)
{
    elbo_status status = c->likelihood == L_columns ? check_columns(d, error) : check_no_levels(c, d, error);
    if (status != ELBO_OK) return status;
    switch (likelihood_at((size_t)c->likelihood)->takes) {
    case TAKES_UNIT: return check_unit(c, d, error);
    case TAKES_COUNTS: return check_counts(c, d, error);
    case TAKES_LEVELS: return check_levels(c, d, error);
    case TAKES_REAL:
    case TAKES_COLUMNS: break;
    }
    return ELBO_OK;
}

/* Transformations of the data on their way to the network. */
static elbo_status check_input(const elbo_config *c, const model_data *d, elbo_error *error)
{
    bool standard = units_standardise(c, d->columns);
    if (c->binarize == BINARIZE_STATIC && !d->binary)
        return err_set(error, ELBO_USAGE, "binarize static draws bits when data are opened, and these are none; open them with "
                                          "elbo_data_open_with and elbo_config_data_options");
    if (standard && (c->range || c->binarize))
        return err_set(error, ELBO_USAGE, "%s changes numbers that are standardised; leave one of the two out",
                       c->range ? "range symmetric" : "binarize");
    if (d->min >= 0 && d->max <= 1) return ELBO_OK;
    if (c->range)
        return err_set(error, ELBO_USAGE, "range symmetric needs data in [0,1], but the data reach from %g to %g; scale them, or "
                                          "use --likelihood gaussian", d->min, d->max);
    return c->binarize ? err_set(error, ELBO_USAGE, "binarize needs data in [0,1], but the data reach from %g to %g", d->min,
                                 d->max)
                       : ELBO_OK;
}

/* The transformation of the location must reach all of the data. */
static elbo_status check_output(const elbo_config *c, const model_data *d, elbo_error *error)
{
    const likelihood_info *l = likelihood_at((size_t)c->likelihood);
    if (c->output == OUTPUT_LINEAR) return ELBO_OK;
    if (l->takes != TAKES_REAL && !l->scaled)
        return err_set(error, ELBO_USAGE,
                       "output %s with likelihood %s would apply a second transformation: the decoder emits %s, and %s has "
                       "its own; use --output linear", c->output == OUTPUT_SIGMOID ? "sigmoid" : "tanh", l->name,
                       l->takes == TAKES_COUNTS ? "the logarithm of a mean" : "logits", l->name);
    if (units_standardise(c, d->columns))
        return err_set(error, ELBO_USAGE, "output %s reaches from %d to 1, but standardised numbers reach further; use --output "
                                          "linear", c->output == OUTPUT_SIGMOID ? "sigmoid" : "tanh",
                       c->output == OUTPUT_SIGMOID ? 0 : -1);
    if (c->output == OUTPUT_SIGMOID && (c->range || d->min < 0 || d->max > 1))
        return err_set(error, ELBO_USAGE,
                       "output sigmoid reaches (0,1), but the network's data reach from %g to %g; use --output "
                       "linear, or tanh with --range symmetric", c->range ? -1 : d->min, c->range ? 1 : d->max);
    if (c->output == OUTPUT_TANH && !c->range && (d->min < -1 || d->max > 1))
        return err_set(error, ELBO_USAGE, "output tanh reaches (-1,1), but the data reach from %g to %g; use --output linear",
                       d->min, d->max);
    return ELBO_OK;
}

elbo_status check_fit(const elbo_config *c, const model_data *d, elbo_error *error)
{
    elbo_status status = check_takes(c, d, error);
    if (status == ELBO_OK) status = check_input(c, d, error);
    if (status == ELBO_OK) status = check_output(c, d, error);
    if (status != ELBO_OK) return status;
    if (c->data_bias && c->likelihood != L_bernoulli && c->likelihood != L_bernoulli_eps && c->likelihood != L_columns)
        return err_set(error, ELBO_USAGE, "data-bias sets logits: it needs likelihood bernoulli or columns");
    if (c->capacity > 0 && c->free_bits > 0)
        return err_set(error, ELBO_USAGE, "capacity and free-bits both change the KL term; give one of them");
    if (c->kl_cycle > 0 && !(c->kl_warmup > 0 && c->kl_warmup <= c->kl_cycle))
        return err_set(error, ELBO_USAGE, "kl-cycle %g begins the warm-up again, but kl-warmup is %g; it must be above 0 and no "
                                          "longer than a cycle, as in --kl-cycle 10 --kl-warmup 5", c->kl_cycle, c->kl_warmup);
    if (c->nesterov && c->momentum == 0)
        return err_set(error, ELBO_USAGE, "nesterov changes how momentum is used, but momentum is 0; try --momentum 0.9");
    if (c->variance == SIGMA_OPTIMAL && c->likelihood == L_logistic)
        return err_set(error, ELBO_USAGE, "variance optimal has no formula for likelihood logistic; use --variance learned");
    return ELBO_OK;
}
