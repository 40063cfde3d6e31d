/* json.h - JSON through jansson where memory may run out. jansson's memory is not the engine's; it leaves out what it has no
 * room for, and calls a text malformed for which it had none. These see to it that neither goes unnoticed. */
#ifndef ELBO_BASE_JSON_H
#define ELBO_BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>

/* Parses a text, in which no key may be there twice. NULL: it is no JSON (*why, which may be NULL, says where), or there was no
 * memory for it (*no_memory). */
json_t *json_read(const char *text, size_t n, json_error_t *why, bool *no_memory);

/* Puts value, which goes over to it, into an object or at the end of a list. Where that fails, or value is NULL since making
 * it failed, the whole becomes NULL and stays so: what is not there at the end failed on the way. */
void json_put(json_t **object, const char *key, json_t *value);
void json_append(json_t **list, json_t *value);

#endif
