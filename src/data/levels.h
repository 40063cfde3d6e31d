/* levels.h - the different values of a column, counted, as long as they are not more than a limit. */
#ifndef ELBO_DATA_LEVELS_H
#define ELBO_DATA_LEVELS_H

#include "../base/error.h"
#include "../base/mem.h"

typedef struct level {
    char *name;
    double value; /* nan: a word */
    int64_t count;
} level;

typedef struct levels {
    memory m;
    size_t limit;
    level *at;
    size_t n, room;
    uint32_t *slot; /* [n_slots] 1 + the number of the level with this hash, or the next free one; 0: free */
    size_t n_slots;
    bool full; /* there are more: none is kept */
} levels;

void levels_open(levels *l, memory m, size_t limit);
void levels_close(levels *l);
/* Counts a value: a number by its value, a word (value nan) by its name. Errors: NO_MEMORY. */
elbo_status levels_add(levels *l, const char *name, double value, elbo_error *error);
/* Numbers in ascending order, then words in the order of their bytes. Nothing can be added after. */
void levels_sort(levels *l);
/* Its number; -1: there is no such level. */
int64_t levels_find(const levels *l, const char *name, double value);

#endif
