/* levels.c - see levels.h. A hash table with open addressing, at most half full. */
#include "levels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void levels_open(levels *l, memory m, size_t limit)
{
    *l = (levels){.m = m, .limit = limit};
}

void levels_close(levels *l)
{
    for (size_t i = 0; i < l->n; i++) mem_free(l->m, l->at[i].name);
    mem_free(l->m, l->at);
    mem_free(l->m, l->slot);
    levels_open(l, l->m, l->limit);
}

/* FNV-1a of the number's bytes, or of the word's. */
static uint64_t hash_of(const char *name, double value)
{
    double number = value + 0.0; /* -0 is 0 */
    const unsigned char *s = isnan(value) ? (const unsigned char *)name : (const unsigned char *)&number;
    size_t n = isnan(value) ? strlen(name) : sizeof number;
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++) sum = (sum ^ s[i]) * 0x100000001b3u;
    return sum ^ sum >> 29;
}

static bool is_level(const level *v, const char *name, double value)
{
    return isnan(value) ? isnan(v->value) && strcmp(v->name, name) == 0 : v->value == value;
}

/* The slot of a level, or the free one where it belongs. */
static size_t find_slot(const levels *l, const char *name, double value)
{
    size_t i = hash_of(name, value) % l->n_slots;
    while (l->slot[i] && !is_level(&l->at[l->slot[i] - 1], name, value)) i = (i + 1) % l->n_slots;
    return i;
}

static void fill_slots(levels *l)
{
    memset(l->slot, 0, l->n_slots * sizeof *l->slot);
    for (size_t k = 0; k < l->n; k++) l->slot[find_slot(l, l->at[k].name, l->at[k].value)] = (uint32_t)k + 1;
}

static bool grow(levels *l)
{
    size_t room = l->room ? 2 * l->room : 4;
    level *at = mem_resize(l->m, l->at, room, sizeof *at);
    if (at) l->at = at;
    uint32_t *slot = mem_resize(l->m, l->slot, 2 * room, sizeof *slot);
    if (slot) l->slot = slot;
    if (!at || !slot) return false;
    l->room = room;
    l->n_slots = 2 * room;
    fill_slots(l);
    return true;
}

elbo_status levels_add(levels *l, const char *name, double value, elbo_error *error)
{
    if (l->full) return ELBO_OK;
    if (l->n == l->room && !grow(l)) return err_memory(error, "the levels of a column");
    size_t slot = find_slot(l, name, value);
    if (l->slot[slot]) {
        l->at[l->slot[slot] - 1].count++;
        return ELBO_OK;
    }
    if (l->n == l->limit) {
        levels_close(l);
        l->full = true;
        return ELBO_OK;
    }
    char *copy = mem_copy_text(l->m, name);
    if (!copy) return err_memory(error, "the levels of a column");
    l->at[l->n++] = (level){copy, value, 1};
    l->slot[slot] = (uint32_t)l->n;
    return ELBO_OK;
}

static int ascending(const void *a, const void *b)
{
    const level *x = a, *y = b;
    bool x_is_word = isnan(x->value), y_is_word = isnan(y->value);
    if (x_is_word || y_is_word) return x_is_word != y_is_word ? x_is_word - y_is_word : strcmp(x->name, y->name);
    return (x->value > y->value) - (x->value < y->value);
}

void levels_sort(levels *l)
{
    if (l->n == 0) return;
    qsort(l->at, l->n, sizeof *l->at, ascending);
    fill_slots(l);
}

int64_t levels_find(const levels *l, const char *name, double value)
{
    return l->n ? (int64_t)l->slot[find_slot(l, name, value)] - 1 : -1;
}
