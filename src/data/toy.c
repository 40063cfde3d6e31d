/* toy.c - the smallest data set: 100 rows of 5 bits, drawn once and for all. For first steps, examples and tests. */
#include "../base/philox.h"
#include "array.h"
#include "data.h"

enum { ROWS = 100, BITS = 5 };

elbo_status toy_open(elbo_data *d, elbo_error *error)
{
    const philox_key key = {.seed = 0, .step = 0, .stream = philox_stream("data/toy")};
    array a = {.m = d->engine->m, .dtype = ELBO_U8, .count = ROWS, .shape = {1, 1, BITS}};
    unsigned char *bits = mem_new(a.m, ROWS, BITS);
    if (!bits) return err_memory(error, "the toy data");
    float u[ROWS * BITS];
    philox_uniform(key, 0, ROWS * BITS, u);
    for (int i = 0; i < ROWS * BITS; i++) bits[i] = u[i] < 0.5f ? 0 : 255;
    a.values = bits;
    return data_hold(d, &a, ELBO_FAILED, error);
}
