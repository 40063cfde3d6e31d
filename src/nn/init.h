/* init.h - initial values by name. */
#ifndef ELBO_NN_INIT_H
#define ELBO_NN_INIT_H

#include "store.h"

/* A distribution for weights; biases start at zero unless the rule says they follow the weights' fan-in. */
typedef struct initialiser {
    const char *name;
    bool normal;      /* normal with standard deviation scale; else uniform in [-scale, scale] */
    double gain;      /* scale = sqrt(gain / fan), or gain itself where fan is FAN_NONE */
    enum { FAN_IN, FAN_MEAN, FAN_NONE } fan;
    bool biases;      /* biases are drawn too, with the same scale */
} initialiser;

/* The initialiser of that name; NULL past the end or unknown. */
const initialiser *init_find(const char *name);
const initialiser *init_at(size_t i);

/* Draws n numbers in exported order. */
void init_draw(const init_rule *rule, const char *name, uint64_t seed, int64_t n, float *out);

#endif
