/* rate.c - see rate.h */
#include "rate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PI 3.14159265358979323846
#define PLATEAU_THRESHOLD 1e-4

static double iwae_factor(int64_t epoch)
{
    int stage = 0;
    for (int64_t length = 1, end = 1; epoch >= end && stage < 7; stage++) {
        length *= 3;
        end += length;
    }
    return floor(10 * pow(10, 1 - stage / 7.0) + 0.5) / 100;
}

/* The next number of a list, and the list behind it; 0 where none begins. */
static int64_t next_number(const char **at)
{
    char *end;
    *at += strspn(*at, ", ");
    long long n = **at >= '0' && **at <= '9' ? strtoll(*at, &end, 10) : 0;
    if (n > 0) *at = end;
    return n;
}

bool rate_is_list(const char *at)
{
    for (int64_t last = 0, n; *at; last = n) {
        n = next_number(&at);
        if (n <= last || n > INT32_MAX || !strchr(", ", *at)) return false;
        if (strspn(at, ", ") == strlen(at) && *at) return false;
    }
    return true;
}

/* How many numbers of the list are at most epoch. */
static int64_t passed(const char *at, int64_t epoch)
{
    int64_t count = 0, n;
    while ((n = next_number(&at)) > 0 && n <= epoch) count++;
    return count;
}

double rate_factor(const rate_settings *s, int64_t epoch)
{
#define SCHEDULE(name, factor)                                                                                         \
    if (s->schedule == SCHEDULE_##name) return factor;
#include "rate.def"
#undef SCHEDULE
    return 1;
}

double ramp(int64_t step, int ahead, double length, double cycle)
{
    double at = cycle > 0 ? fmod((double)step, cycle) : (double)step;
    return length > 0 ? fmin((at + ahead) / length, 1) : 1;
}

void plateau_epoch(plateau *p, double total, int64_t patience)
{
    bool better = p->epochs == 0 || total < p->best - PLATEAU_THRESHOLD * fabs(p->best);
    p->epochs++;
    p->bad = better ? 0 : p->bad + 1;
    if (better) p->best = total;
    if (p->bad <= patience) return;
    p->drops++;
    p->bad = 0;
}
