/* prepare.c - what comes before the first step: a new run, or going on with one. */
#include "../kernels/cpu/product.h"
#include "../nn/rate.h"
#include "album.h"
#include "data_bias.h"
#include "data_units.h"
#include "trainer.h"
#include "transfer.h"

#include <stdio.h>
#include <string.h>

/* Options of training that can't work. */
static elbo_status check_options(const elbo_config *c, bool validated, elbo_error *error)
{
    if (c->schedule == SCHEDULE_multistep && (!*c->drop_at || !rate_is_list(c->drop_at)))
        return err_set(error, ELBO_USAGE, "schedule multistep drops the rate after the epochs of drop-at: got '%.100s', expected "
                                          "whole numbers that rise, as in --drop-at '30, 60'", c->drop_at);
    if ((c->schedule == SCHEDULE_plateau || c->patience > 0) && !validated)
        return err_set(error, ELBO_USAGE, "%s looks at the validation total, but there is no validation part; try "
                                          "--validation 0.1", c->patience > 0 ? "patience" : "schedule plateau");
    return ELBO_OK;
}

static elbo_status check_same_run(const trainer *t, const elbo_config *wanted, uint64_t fingerprint, bool validation,
                                  elbo_error *error)
{
    elbo_config same = *wanted;
    same.epochs = t->m->config.epochs;
    same.patience = t->m->config.patience;
    const elbo_option_info *differs = config_difference(&same, &t->m->config, NULL);
    char was[CONFIG_TEXT], is[CONFIG_TEXT];
    if (differs) {
        config_show(&t->m->config, differs, was);
        config_show(wanted, differs, is);
        return err_set(error, ELBO_MISMATCH,
                       "the run was begun with %s = %.200s, not %.200s; only epochs and patience can change when a run is "
                       "resumed",
                       differs->key, was, is);
    }
    if (fingerprint != t->run.data || t->run.examples != t->data->info.count)
        return err_set(error, ELBO_MISMATCH, "%s is not the data the run was begun with (%lld examples then, %lld now, or other "
                                             "contents)", t->data->info.name, (long long)t->run.examples,
                       (long long)t->data->info.count);
    if (validation != t->run.validation)
        return err_set(error, ELBO_MISMATCH, "the run was begun %s a validation part", t->run.validation ? "with" : "without");
    return ELBO_OK;
}

/* Whether the checkpoint's counts fit the data: a step belongs to one place in one epoch. */
static elbo_status check_place(const trainer *t, const char *from, elbo_error *error)
{
    const run_state *r = &t->run;
    int64_t steps = feed_steps(&t->feed), before = r->step - r->step_in_epoch;
    if (r->step_in_epoch < steps && before >= 0 && before % steps == 0 && before / steps == r->epoch) return ELBO_OK;
    return err_set(error, ELBO_BAD_FILE, "%s/%s: step %lld can't be step %lld of epoch %lld with %lld steps an epoch",
                   t->record.directory, from, (long long)r->step, (long long)r->step_in_epoch, (long long)r->epoch + 1,
                   (long long)steps);
}

static elbo_status check_epochs(const trainer *t, int64_t epochs, elbo_error *error)
{
    const elbo_config *c = &t->m->config;
    if (epochs == c->epochs) return ELBO_OK;
    if (epochs < t->run.epoch)
        return err_set(error, ELBO_MISMATCH, "the run has %lld epochs already; epochs is %lld, and can only grow",
                       (long long)t->run.epoch, (long long)epochs);
    if (c->schedule == SCHEDULE_cosine && c->rate_epochs == 0)
        return err_set(error, ELBO_MISMATCH, "the rate of the run is a cosine over its %lld epochs; only one begun with "
                                             "--rate-epochs can grow", (long long)c->epochs);
    return ELBO_OK;
}

/* 0 is patience without end. */
static elbo_status check_patience(const trainer *t, int64_t patience, elbo_error *error)
{
    int64_t was = t->m->config.patience;
    if (patience == was || patience == 0 || (was > 0 && patience > was)) return ELBO_OK;
    return err_set(error, ELBO_MISMATCH, "the run was begun with patience %lld; it is %lld now, and can only grow or become 0",
                   (long long)was, (long long)patience);
}

/* Takes on the options that may change, once everything is checked. */
static elbo_status change_options(trainer *t, const elbo_config *wanted, elbo_error *error)
{
    elbo_config *c = &t->m->config;
    if (wanted->epochs == c->epochs && wanted->patience == c->patience) return ELBO_OK;
    c->epochs = wanted->epochs;
    c->patience = wanted->patience;
    t->unsaved = true;
    return record_change(&t->record, c, error);
}

/* Notes what computes from here on: other products have other bits, so a run that changed them is not one that was never
 * interrupted. */
static elbo_status name_products(trainer *t, elbo_error *error)
{
    run_state *r = &t->run;
    if (!cpu_open(t->engine)) return err_memory(error, "the matrix library");
    char now[sizeof r->computed_by];
    bf16_use bf16 = model_bf16(t->m);
    snprintf(now, sizeof now, "%s%s", product_name(t->engine->library), bf16 == BF16_YES ? "; bf16 by AMX" : "");
    if (bf16 == BF16_NO_GAIN)
        event_note(t, "precision bf16 gains something only with AMX, on Linux; products are of 32-bit numbers here");
    if (*r->computed_by && strcmp(r->computed_by, now) != 0)
        event_note(t, "the run was computed by %s and goes on with %s: its numbers will agree to rounding, not to the bit, with "
                      "those of a run that was never interrupted", r->computed_by, now);
    snprintf(r->computed_by, sizeof r->computed_by, "%s", now);
    return ELBO_OK;
}

static elbo_status open_feed(trainer *t, const elbo_config *c, elbo_error *error)
{
    elbo_status status = feed_open(&t->feed, t->data, (uint64_t)c->seed, t->run.validation ? c->validation : 0, c->batch, error);
    t->feed.apart = t->options->validation;
    return status;
}

/* Everything is checked before anything is changed on disk. */
static elbo_status resume(trainer *t, const elbo_config *wanted, uint64_t fingerprint, bool validation, elbo_error *error)
{
    const char *from = "";
    elbo_error why = {0}, mine = {0};
    t->m = record_find(&t->record, t->engine, t->options, &t->run, &t->arrays, &from, &why, &mine);
    if (!t->m) return err_set(error, mine.code, "%s", mine.message);
    if (why.code) event_note(t, "the newest checkpoint can't be used (%s); going on from %s", why.message, from);
    elbo_status status = check_same_run(t, wanted, fingerprint, validation, error);
    if (status == ELBO_OK) status = check_epochs(t, wanted->epochs, error);
    if (status == ELBO_OK) status = check_patience(t, wanted->patience, error);
    if (status == ELBO_OK) status = open_feed(t, wanted, error);
    if (status == ELBO_OK) status = check_place(t, from, error);
    if (status == ELBO_OK) status = shards_open(&t->shards, t->m, &t->feed, error);
    if (status == ELBO_OK && t->run.step_in_epoch == 0) status = step_begin_epoch(t, error);
    if (status == ELBO_OK) status = record_go_on(&t->record, from, &t->run, error);
    return status == ELBO_OK ? change_options(t, wanted, error) : status;
}

/* Numbers of another model in place of those drawn. */
static elbo_status begin_from(trainer *t, const elbo_model *from, elbo_error *error)
{
    transferred found;
    elbo_status status = transfer(t->m, from, &found, error);
    if (status != ELBO_OK) return status;
    if (found.drawn)
        event_note(t, "%d tensors begin as in the model given, %d it does not have are drawn (%s%s)", found.taken, found.drawn,
                   found.first_drawn, found.drawn > 1 ? " and others" : "");
    else event_note(t, "all %d tensors begin as in the model given", found.taken);
    return ELBO_OK;
}

/* From the model given, or the one that the options name. */
static elbo_status begin_elsewhere(trainer *t, const elbo_config *config, elbo_error *error)
{
    if (t->options->from) return begin_from(t, t->options->from, error);
    if (!config->from[0]) return ELBO_OK;
    elbo_model *from = elbo_model_load(t->engine, config->from, error);
    if (!from) return error->code;
    elbo_status status = begin_from(t, from, error);
    elbo_model_free(from);
    return status;
}

static elbo_status begin(trainer *t, const elbo_config *config, uint64_t fingerprint, bool validation, elbo_error *error)
{
    t->m = elbo_model_new(t->engine, config, t->data, error);
    if (!t->m) return error->code;
    t->unsaved = true;
    t->run = (run_state){.data = fingerprint, .examples = t->data->info.count, .validation = validation, .rate_factor = 1};
    elbo_status status = open_feed(t, config, error);
    if (status == ELBO_OK) status = arrays_open(&t->arrays, t->m, error);
    if (status == ELBO_OK) status = model_trains(t->m, error);
    if (status == ELBO_OK) status = data_units_set(t->m, &t->feed, error);
    if (status == ELBO_OK) status = shards_open(&t->shards, t->m, &t->feed, error);
    if (status == ELBO_OK && config->data_bias) status = data_bias_set(t->m, &t->feed, error);
    if (status == ELBO_OK) status = begin_elsewhere(t, config, error);
    if (status == ELBO_OK && config->ema > 0) status = snapshot_take(&t->arrays.average, &t->m->store, false, error);
    if (status == ELBO_OK) status = step_begin_epoch(t, error);
    return status == ELBO_OK ? record_begin(&t->record, t->engine, t->options, config, &t->feed, fingerprint, error) : status;
}

/* A run that ended before its first checkpoint is begun again: it had nothing yet. */
elbo_status prepare(trainer *t, const elbo_config *asked, elbo_error *error)
{
    const elbo_train_options *o = t->options;
    elbo_config fitted = *asked, *config = &fitted;
    char words[512];
    bool validation = !o->no_validation && !o->validation && config->validation > 0;
    config_fit(config, &t->data->info, words, sizeof words);
    if (*words) event_note(t, "%s: as nothing else is asked for, %s", t->data->info.name, words);
    uint64_t fingerprint;
    if (o->resume && !o->directory) return err_set(error, ELBO_USAGE, "resuming needs the directory of a run");
    bool bare = false;
    elbo_status status = check_options(config, validation || o->validation, error);
    if (status == ELBO_OK) status = album_check(config, error);
    if (status == ELBO_OK) status = data_fingerprint(t->data, &fingerprint, error);
    if (status == ELBO_OK && o->resume) status = record_look(t->engine, o->directory, &bare, error);
    if (status != ELBO_OK) return status;
    status = o->resume && !bare ? resume(t, config, fingerprint, validation, error)
                                : begin(t, config, fingerprint, validation, error);
    return status == ELBO_OK ? name_products(t, error) : status;
}
