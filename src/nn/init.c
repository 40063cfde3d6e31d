/* init.c - the initialisers (init.def) and their draws. */
#include "init.h"
#include "../base/philox.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const initialiser table[] = {
#define INITIALISER(name, ...) {name, __VA_ARGS__},
#include "init.def"
#undef INITIALISER
};

const initialiser *init_at(size_t i)
{
    return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

const initialiser *init_find(const char *name)
{
    for (size_t i = 0; init_at(i); i++)
        if (strcmp(table[i].name, name) == 0) return &table[i];
    return NULL;
}

static double scale_of(const init_rule *rule)
{
    const initialiser *h = rule->how;
    if (h->fan == FAN_NONE) return h->gain;
    double fan = h->fan == FAN_IN ? (double)rule->fan_in : 0.5 * (double)(rule->fan_in + rule->fan_out);
    return sqrt(h->gain / fan);
}

void init_draw(const init_rule *rule, const char *name, uint64_t seed, int64_t n, float *out)
{
    bool constant = !rule->how || (rule->bias && !rule->how->biases);
    char stream[STORE_NAME + 8];
    snprintf(stream, sizeof stream, "init/%s", name);
    philox_key key = {.seed = seed, .stream = philox_stream(stream)};
    if (constant) {
        for (int64_t i = 0; i < n; i++) out[i] = (float)rule->value;
        return;
    }
    double scale = scale_of(rule);
    if (rule->how->normal) philox_normal(key, 0, (size_t)n, out);
    else philox_uniform(key, 0, (size_t)n, out);
    for (int64_t i = 0; i < n; i++)
        out[i] = (float)(scale * (rule->how->normal ? (double)out[i] : 2 * (double)out[i] - 1));
}
