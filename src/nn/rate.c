/* rate.c - see rate.h */
#include "rate.h"

#include <math.h>

static double iwae_factor(int64_t epoch)
{
    int stage = 0;
    for (int64_t length = 1, end = 1; epoch >= end && stage < 7; stage++) {
        length *= 3;
        end += length;
    }
    return floor(10 * pow(10, 1 - stage / 7.0) + 0.5) / 100;
}

double rate_factor(int schedule, int64_t epoch, double decay)
{
    int i = 0;
#define SCHEDULE(name, factor)                                                                                         \
    if (schedule == i++) return factor;
#include "rate.def"
#undef SCHEDULE
    return 1;
}
