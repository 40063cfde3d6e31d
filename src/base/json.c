/* json.c - see json.h */
#include "json.h"

#include <stdlib.h>

enum { PER_BYTE = 64, LEAST = 4096, MOST = 64 << 20 }; /* what a text may become, at a guess */

static bool has_room(size_t n)
{
    size_t wanted = n < MOST / PER_BYTE ? n * PER_BYTE + LEAST : MOST;
    void *volatile room = malloc(wanted); /* volatile: it is not used, and must be asked for all the same */
    bool is_there = room != NULL;
    free(room);
    return is_there;
}

/* A text that seems malformed is parsed once more where there is room for it. */
json_t *json_read(const char *text, size_t n, json_error_t *why, bool *no_memory)
{
    json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, why);
    *no_memory = !j && !has_room(n);
    return j || *no_memory ? j : json_loadb(text, n, JSON_REJECT_DUPLICATES, why);
}

static void keep_if(json_t **whole, bool good)
{
    if (good) return;
    json_decref(*whole);
    *whole = NULL;
}

void json_put(json_t **object, const char *key, json_t *value)
{
    keep_if(object, json_object_set_new(*object, key, value) == 0);
}

void json_append(json_t **list, json_t *value)
{
    keep_if(list, json_array_append_new(*list, value) == 0);
}
