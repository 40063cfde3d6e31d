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
    int64_t last = t->run.step > 0 ? t->run.step - 1 : 0;
    kl_share share = step_share(t, last);
    e.rate = step_rate(t, last);
    e.beta = share.beta * model_effective_beta(t->m);
    e.capacity = share.capacity * t->m->config.capacity;
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

/* A term as a word, "kl" or "|kl - 25|". */
static void term_word(const elbo_model *m, int i, char word[64])
{
    bool held = m->config.capacity > 0 && m->terms[i].instead;
    if (held) snprintf(word, 64, "|%s - %g|", m->terms[i].name, m->config.capacity);
    else snprintf(word, 64, "%s", m->terms[i].name);
}

/* The terms of the loss as words: "rec + 0.25 commitment". */
static void term_words(const elbo_model *m, char *words, size_t room)
{
    size_t used = 0;
    for (int i = 0; i < m->objectives[0].n_terms && used < room; i++) {
        double weight = model_term_weight(m, i);
        char factor[32] = "", word[64];
        if (weight == 0) continue;
        if (weight != 1) snprintf(factor, sizeof factor, "%g ", weight);
        term_word(m, i, word);
        used += (size_t)snprintf(words + used, room - used, "%s%s%s", used ? " + " : "", factor, word);
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

/* What schedules and options make of the KL term. */
static void note_kl(trainer *t)
{
    const elbo_config *c = &t->m->config;
    char again[64] = "", rising[64] = "";
    if (c->kl_cycle > 0) snprintf(again, sizeof again, ", again every %g epochs", c->kl_cycle);
    if (c->capacity_epochs > 0) snprintf(rising, sizeof rising, ", which rises from 0 over %g epochs", c->capacity_epochs);
    if (c->kl_warmup > 0)
        event_note(t, "kl: its weight rises from 0 over %g epochs%s; totals are at the full weight", c->kl_warmup, again);
    if (c->capacity > 0)
        event_note(t, "kl: held at a capacity of %g nats%s; totals are at the full capacity", c->capacity, rising);
    if (c->free_bits > 0)
        event_note(t, "kl: %g nats of each number of the code are free in training; totals are rec + beta kl", c->free_bits);
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
    note_kl(t);
}
