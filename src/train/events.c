/* events.c - what the caller of elbo_train is told. */
#include "../base/clock.h"
#include "trainer.h"

#include <stdarg.h>
#include <stdio.h>

#define EVENT_SECONDS 0.1

void event_emit(trainer *t, elbo_event *e)
{
    if (t->options->on_event && t->options->on_event(t->options->user, e)) t->cancelled = true;
}

void event_note(trainer *t, const char *format, ...)
{
    char words[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    elbo_event e = {.kind = ELBO_EVENT_NOTE, .text = words};
    event_emit(t, &e);
}

elbo_event event_progress(const trainer *t, elbo_event_kind kind)
{
    int64_t per_epoch = feed_steps(&t->feed), epochs = t->m->config.epochs,
            done = t->run.epoch * per_epoch + t->run.step_in_epoch;
    double seconds = clock_seconds() - t->began, each = t->steps_here ? seconds / (double)t->steps_here : 0;
    elbo_event e = {.kind = kind, .epoch = t->run.epoch + 1, .epochs = epochs, .step = done, .steps = per_epoch * epochs,
                    .step_in_epoch = t->run.step_in_epoch, .steps_in_epoch = per_epoch, .seconds = seconds,
                    .eta_seconds = each * (double)(per_epoch * epochs - done)};
    e.rate = step_rate(t, t->run.step > 0 ? t->run.step - 1 : 0);
    if (seconds > 0) e.examples_per_second = (double)t->examples_here / seconds;
    e.train = metrics_from(t->m, t->m->n_terms, t->run.sums, t->run.seen, &t->arrays);
    if (kind == ELBO_EVENT_EPOCH) e.recent = metrics_from(t->m, t->m->n_terms, t->run.recent_sums, t->run.recent_seen, NULL);
    return e;
}

void event_step(trainer *t)
{
    double time = clock_seconds();
    if (!t->options->on_event || time - t->last_event < EVENT_SECONDS) return;
    t->last_event = time;
    elbo_event e = event_progress(t, ELBO_EVENT_STEP);
    event_emit(t, &e);
}

/* ---- The first lines ---- */

/* The terms of the loss as words: "rec + 0.25 commitment". */
static void term_words(const elbo_model *m, char *words, size_t room)
{
    size_t used = 0;
    for (int i = 0; i < m->objectives[0].n_terms && used < room; i++) {
        double weight = model_term_weight(m, i);
        if (weight == 0) continue;
        char factor[32] = "";
        if (weight != 1) snprintf(factor, sizeof factor, "%g ", weight);
        used += (size_t)snprintf(words + used, room - used, "%s%s%s", used ? " + " : "", factor, m->terms[i].name);
    }
}

/* What the loss amounts to: people ask nothing about VAE code more often. */
static void note_loss(trainer *t)
{
    const elbo_config *c = &t->m->config;
    double beta = model_effective_beta(t->m), d = (double)model_numbers(t->m);
    bool squared = c->likelihood == L_squared;
    const char *scale = c->reduction == 1 ? ", summed over the batch" : "";
    char words[256] = "";
    term_words(t->m, words, sizeof words);
    if (!t->m->family->has_prior) {
        event_note(t, "loss: %s, nats per example%s; the family has no KL term", words, scale);
    } else if (c->reduction == 2) {
        event_note(t, "loss: mean over all %g numbers + %g KL, which is (rec + %g KL) / %g: effective beta %.3g%s", d, c->beta,
                   beta, d, squared ? beta / 2 : beta, squared ? " against 1/2 the squared error" : "");
    } else {
        event_note(t, "loss: nats per example%s, %s: effective beta %.3g%s", scale, words, squared ? beta / 2 : beta,
             squared ? " against 1/2 the squared error" : "");
    }
}

void event_head(trainer *t)
{
    const elbo_model *m = t->m;
    const int64_t *s = m->info.shape;
    event_note(t, "%s: %lld examples of %lldx%lldx%lld for training, %lld for validation", t->data->info.name,
         (long long)t->feed.n_train, (long long)s[0], (long long)s[1], (long long)s[2],
         (long long)(t->options->validation ? t->options->validation->info.count : t->feed.n_valid));
    event_note(t, "model: %s, %s -> %lld -> %s, %lld parameters; %d thread%s", m->info.family, m->config.encoder,
         (long long)m->info.latent_size, m->config.decoder, (long long)m->info.n_parameters, elbo_engine_threads(t->engine),
         elbo_engine_threads(t->engine) == 1 ? "" : "s");
    note_loss(t);
}
