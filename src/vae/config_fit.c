/* config_fit.c - defaults that depend on the data. Those of options.def are for pictures in [0,1]. */
#include "../nn/likelihoods.h"
#include "config.h"

#include <stdio.h>
#include <string.h>

/* An option that nobody set gets a value, and the words tell if it is another one. */
static void suggest(elbo_config *c, const char *key, const char *value, char *words, size_t room)
{
    if (config_is_given(c, key)) return;
    char before[CONFIG_TEXT];
    snprintf(before, sizeof before, "%s", elbo_config_get(c, key));
    elbo_config_set(c, key, value, NULL);
    const char *after = elbo_config_get(c, key);
    size_t used = strlen(words);
    if (strcmp(before, after) != 0) snprintf(words + used, room - used, "%s%s %s", *words ? ", " : "", key, after);
}

static void suggest_number(elbo_config *c, const char *key, int64_t value, char *words, size_t room)
{
    char number[32];
    snprintf(number, sizeof number, "%lld", (long long)value);
    suggest(c, key, number, words, room);
}

static int64_t within(int64_t n, int64_t low, int64_t high)
{
    return n < low ? low : n > high ? high : n;
}

/* Tables are small: smaller networks, a code of half the columns, and as many epochs as make a thousand steps or two. */
static void fit_table(elbo_config *c, const elbo_data_info *d, char *words, size_t room)
{
    enum { STEPS = 1500 };
    suggest(c, "likelihood", "columns", words, room);
    suggest(c, "variance", "per-dimension", words, room);
    if (c->likelihood == L_columns) suggest(c, "data-bias", "true", words, room);
    suggest_number(c, "latent", within((d->shape[2] + 1) / 2, 2, 20), words, room);
    suggest(c, "encoder", "dense 128 relu; dense 128 relu", words, room);
    suggest(c, "decoder", "dense 128 relu; dense 128 relu", words, room);
    suggest_number(c, "batch", within(d->count / 8, 16, 128), words, room);
    suggest_number(c, "epochs", within(STEPS * c->batch / d->count, 10, 1000), words, room);
}

void config_fit(elbo_config *c, const elbo_data_info *d, char *words, size_t room)
{
    *words = 0;
    if (d->n_columns) {
        fit_table(c, d, words, room);
    } else if (d->min < 0 || d->max > 1) {
        suggest(c, "likelihood", "gaussian", words, room);
        if (c->likelihood == L_gaussian) suggest(c, "variance", "learned", words, room);
    }
}
