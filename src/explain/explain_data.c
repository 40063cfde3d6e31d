/* explain_data.c - checks of the data: what a model was made for and what it is given. */
#include "explain.h"

#include <math.h>

#define OUTSIDE   0.05 /* of the range: so much beyond it, or so little of it, is another scale */
#define WRONG_END 0.01

bool finding_refused(const evidence *e, finding *f)
{
    if (!e->refusal) return false;
    finding_show(f, "%s", e->refusal);
    finding_retrain(e, f, "--config %s    (after the change that the evidence names)", e->path);
    return true;
}

bool finding_other_range(const evidence *e, finding *f)
{
    const measured *x = &e->measured;
    if (!x->count) return false;
    double low = e->model->info.min, high = e->model->info.max, range = high - low;
    bool beyond = x->min < low - OUTSIDE * range || x->max > high + OUTSIDE * range;
    if (!beyond && x->max - x->min > OUTSIDE * range) return false;
    finding_show(f, "the model was trained on values from %g to %g; those of %s reach from %g to %g", low, high,
                 e->data_name, x->min, x->max);
    finding_show_remedy(f, "scale the data as the training data were: multiply by %.6g",
                        x->max > x->min ? range / (x->max - x->min) : 1);
    return true;
}

bool finding_tanh_on_unit(const evidence *e, finding *f)
{
    if (!e->model || e->config->output != OUTPUT_TANH || e->config->range || e->model->info.min < 0) return false;
    finding_show(f, "output is tanh, which reaches from -1 to 1; the data reach from %g to %g", e->model->info.min,
                 e->model->info.max);
    finding_retrain(e, f, "--range symmetric");
    return true;
}

bool finding_saturated(const evidence *e, finding *f)
{
    const measured *x = &e->measured;
    if (!x->count || !(x->wrong_end > WRONG_END)) return false;
    finding_show(f, "%.1f %% of the reconstructed values lie at one end of the range where the data lie at the other",
                 100 * x->wrong_end);
    finding_retrain(e, f, "--rate %.3g    (and likelihood bernoulli rather than bernoulli-eps)", e->config->rate / 10);
    return true;
}
