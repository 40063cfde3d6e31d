/* measure.h - what the programs that measure speed share: medians, the worker's side of bench/compare, and what this
 * machine can do at best. */
#ifndef ELBO_BENCH_MEASURE_H
#define ELBO_BENCH_MEASURE_H

#include <stddef.h>

/* Milliseconds of something done again and again: median and quartiles. */
typedef struct timing {
    double median, low, high;
    int n;
} timing;

/* run(arg, i) for i = first, first + 1, ..., for so many seconds and at least three times; *next: the i after the last. */
typedef void (*measured_fn)(void *arg, int i);
timing measure(measured_fn run, void *arg, double seconds, int *next);

/* Warms up and measures once. Or obeys: for every line on standard input, a number of seconds, measures so long and answers
 * with a line. Lines are "MEDIAN ms (LOW to HIGH, N times)". */
void measure_once(measured_fn run, void *arg, double seconds);
void measure_on_demand(measured_fn run, void *arg);

/* One core's best: multiply-adds in float, in operations a second, with the widest vectors there are. */
double machine_peak(void);
/* Bytes a second when four arrays that are so many bytes together are read and three of them written, as Adam does. */
double machine_bandwidth(size_t bytes);

#endif
