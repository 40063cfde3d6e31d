/* json.h - JSON as values of jansson, where memory may run out. jansson's memory is not the engine's; where it has none it leaves
 * bytes out of what it reads or writes, calls a text malformed, or ends the program. So a text is read here, and its bytes are
 * written into a text that remembers; jansson makes the values, one by one, and says when it can't. */
#ifndef ELBO_BASE_JSON_H
#define ELBO_BASE_JSON_H

#include "text.h"

#include <jansson.h>
#include <stdbool.h>

/* Reads an object or a list, in which no key may be there twice. NULL: it is no JSON (*why, which may be NULL, has the position
 * and a text), or there was no memory for it (*no_memory). */
json_t *json_read(const char *bytes, size_t n, json_error_t *why, bool *no_memory);

/* Adds a value to a text, which has failed where the value is NULL or there is no memory. flags: jansson's. */
void json_write(text *to, const json_t *value, size_t flags);

/* Puts value, which goes over to it, into an object or at the end of a list. Where that fails, or value is NULL since making
 * it failed, the whole becomes NULL and stays so: what is not there at the end failed on the way. */
void json_put(json_t **object, const char *key, json_t *value);
void json_append(json_t **list, json_t *value);

#endif
