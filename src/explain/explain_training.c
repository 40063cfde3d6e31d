/* explain_training.c - checks of how training went, from the figures of its epochs.
 *
 * Losses have no natural zero, so differences are measured against the fall: what the training loss lost from the first epoch to
 * its lowest. */
#include "explain.h"

#include <math.h>

#define USUAL_RATE      0.001 /* of Adam and its relatives */
#define MUCH_RATE       10.0  /* times that */
#define JUMP            0.1   /* of the fall: up from one epoch to the next */
#define LEARNT_BY_HEART 0.25  /* validation rose by so much of what training still fell */
#define RISE            0.02  /* of the fall, at least */
#define STILL_FALLING   0.5   /* of the mean fall for each epoch, in the last one */
enum { FEW_EPOCHS = 3 };

static double fall(const evidence *e)
{
    double lowest = INFINITY;
    for (size_t i = 0; i < e->history.n; i++) lowest = fmin(lowest, e->history.at[i].train.total);
    return e->history.n ? e->history.at[0].train.total - lowest : 0;
}

bool finding_diverged(const evidence *e, finding *f)
{
    const history *h = &e->history;
    if (!h->last.step) return false;
    finding_show(f, "step %lld: %s%s", (long long)h->last.step, h->last.cause,
                 h->ended ? "; training ended there" : "; training went back and on with a lower rate");
    finding_retrain(e, f, "--rate %.3g --clip 10 --rescue lower-rate", e->config->rate / 10);
    return true;
}

/* Epochs in which the training loss rose by a good part of its fall. */
static int jumps(const evidence *e)
{
    int n = 0;
    for (size_t i = 1; i < e->history.n; i++)
        n += e->history.at[i].train.total - e->history.at[i - 1].train.total > JUMP * fall(e);
    return n;
}

bool finding_rate_high(const evidence *e, finding *f)
{
    double rate = e->config->rate;
    bool learned_little = e->model && e->history.n && (code_is_weak(e) || jumps(e) > 0);
    if (e->history.last.step || rate < MUCH_RATE * USUAL_RATE || !learned_little) return false;
    finding_show(
        f,
        "the rate is %g, %.3g times the usual %g; the loss rose in %d of %zu epochs by more than a tenth of its fall, and "
        "%lld of %lld numbers of the code are active",
        rate, rate / USUAL_RATE, USUAL_RATE, jumps(e), e->history.n, (long long)active_numbers(e),
        (long long)e->model->info.latent_size);
    finding_retrain(e, f, "--rate %g", USUAL_RATE);
    return true;
}

/* The epoch with the lowest validation loss; NULL: no validation. */
static const epoch_figures *best_epoch(const evidence *e)
{
    const epoch_figures *best = NULL;
    for (size_t i = 0; i < e->history.n; i++) {
        const epoch_figures *at = &e->history.at[i];
        if (at->valid.count && (!best || at->valid.total < best->valid.total)) best = at;
    }
    return best;
}

bool finding_overfitted(const evidence *e, finding *f)
{
    const epoch_figures *last = last_epoch(e), *best = best_epoch(e);
    if (!best || e->history.n < FEW_EPOCHS) return false;
    double up = last->valid.total - best->valid.total, down = best->train.total - last->train.total;
    if (!(down > 0) || !(up > LEARNT_BY_HEART * down) || !(up > RISE * fall(e))) return false;
    finding_show(
        f,
        "validation was lowest in epoch %lld, at %.2f, and is %.2f after epoch %lld, while training fell from %.2f to %.2f; "
        "%lld examples train %lld parameters",
        (long long)best->epoch, best->valid.total, last->valid.total, (long long)last->epoch, best->train.total,
        last->train.total, (long long)last->train.count, (long long)e->model->info.n_parameters);
    finding_retrain(
        e, f,
        "--epochs %lld    (best.safetensors is of that epoch; more data, dropout or a smaller network go further)",
        (long long)best->epoch);
    return true;
}

bool finding_undertrained(const evidence *e, finding *f)
{
    size_t n = e->history.n;
    if (n < FEW_EPOCHS || finding_overfitted(e, f)) return false;
    double step = e->history.at[n - 2].train.total - e->history.at[n - 1].train.total, each = fall(e) / (double)(n - 1);
    bool slow = e->config->rate * MUCH_RATE < USUAL_RATE;
    if (!(step > STILL_FALLING * each) && !(slow && code_is_weak(e))) return false;
    finding_show(
        f,
        "the last of %zu epochs lowered the training loss by %.3g, the mean one by %.3g; the rate is %g, usual is %g",
        n, step, each, e->config->rate, USUAL_RATE);
    if (slow)
        finding_retrain(e, f, "--rate %g", USUAL_RATE);
    else
        finding_show_remedy(f, "elbo train %s --resume %s --epochs %zu", e->data_name ? e->data_name : "DATA", e->path,
                            3 * n);
    return true;
}
