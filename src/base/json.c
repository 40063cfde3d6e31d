/* json.c - see json.h
 *
 * Reading: RFC 8259, where texts may not hold a zero and no key of an object may be there twice. The decoded texts of a value
 * that is being read lie one after another in `words`; with its zero, one is never longer than it is in quotes. */
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 64, SHOWN = 16 };

typedef struct reader {
    const char *begin, *at, *end;
    char *words;
    size_t used; /* of words */
    int depth;
    json_error_t *why;
    bool malformed, no_memory;
} reader;

static bool is_good(const reader *r)
{
    return !r->malformed && !r->no_memory;
}

static json_t *refuse(reader *r, const char *reason)
{
    if (is_good(r) && r->why) {
        int left = r->end - r->at < SHOWN ? (int)(r->end - r->at) : SHOWN;
        r->why->position = (int)(r->at - r->begin);
        snprintf(r->why->text, sizeof r->why->text, "%s, before '%.*s'", reason, left, r->at);
    }
    r->malformed = true;
    return NULL;
}

static json_t *made(reader *r, json_t *value)
{
    r->no_memory |= !value;
    return value;
}

/* The next byte; 0 at the end, and zeros are nowhere allowed. */
static char peek(const reader *r)
{
    return r->at < r->end ? *r->at : 0;
}

static bool take(reader *r, char c)
{
    bool there = peek(r) == c;
    r->at += there;
    return there;
}

static void skip_spaces(reader *r)
{
    while (peek(r) && strchr(" \t\n\r", *r->at)) r->at++;
}

static bool skip_digits(reader *r)
{
    const char *before = r->at;
    while (peek(r) >= '0' && peek(r) <= '9') r->at++;
    return r->at > before;
}

/* ---- Texts ---- */

static void put(reader *r, unsigned byte)
{
    r->words[r->used++] = (char)byte;
}

static void put_code(reader *r, unsigned code)
{
    if (code < 0x80) {
        put(r, code);
        return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    put(r, (0xff80u >> more & 0xff) | code >> 6 * more);
    while (more-- > 0) put(r, 0x80 | (code >> 6 * more & 0x3f));
}

/* The four digits after \u; a value beyond 16 bits where they are none. */
static unsigned read_hex(reader *r)
{
    static const char digits[] = "0123456789abcdef";
    unsigned code = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        const char *digit = peek(r) ? strchr(digits, *r->at >= 'A' && *r->at <= 'F' ? *r->at + ('a' - 'A') : *r->at) : NULL;
        if (!digit) return UINT32_MAX;
        code = code << 4 | (unsigned)(digit - digits);
    }
    return code;
}

/* What stands behind \u: a character, or two halves of one. */
static void read_code(reader *r)
{
    unsigned code = read_hex(r);
    if (code >= 0xd800 && code < 0xdc00 && take(r, '\\') && take(r, 'u')) {
        unsigned low = read_hex(r);
        code = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00) : UINT32_MAX;
    }
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) refuse(r, "\\u without a character");
    else put_code(r, code);
}

static void read_escape(reader *r)
{
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *name = peek(r) ? strchr(names, *r->at) : NULL;
    if (take(r, 'u')) {
        read_code(r);
    } else if (name) {
        r->at++;
        put(r, (unsigned char)meanings[name - names]);
    } else {
        refuse(r, "a backslash before something else than it may stand before");
    }
}

/* Leaves a text at the end of words; NULL: it is none. */
static char *read_word(reader *r)
{
    char *word = r->words + r->used;
    if (!take(r, '"')) refuse(r, "a text in quotes is expected");
    while (is_good(r) && !take(r, '"')) {
        if (take(r, '\\')) read_escape(r);
        else if ((unsigned char)peek(r) < ' ') refuse(r, "a text that does not end, or a control character in it");
        else put(r, (unsigned char)*r->at++);
    }
    put(r, 0);
    if (is_good(r) && !text_is_utf8(word)) refuse(r, "a text that is no UTF-8");
    return is_good(r) ? word : NULL;
}

static void drop_word(reader *r, const char *word)
{
    r->used = (size_t)(word - r->words);
}

/* ---- Values ---- */

static json_t *read_value(reader *r);

static json_t *read_text(reader *r)
{
    size_t before = r->used;
    const char *word = read_word(r);
    json_t *value = word ? made(r, json_string_nocheck(word)) : NULL;
    r->used = before;
    return value;
}

static json_t *read_number(reader *r)
{
    const char *begin = r->at;
    char *word = r->words + r->used;
    take(r, '-');
    bool good = take(r, '0') || skip_digits(r), real = take(r, '.');
    good = good && (!real || skip_digits(r));
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+')) take(r, '-');
        good = good && skip_digits(r);
        real = true;
    }
    memcpy(word, begin, (size_t)(r->at - begin));
    word[r->at - begin] = 0;
    double number;
    int64_t whole;
    if (good && real && text_to_real(word, &number)) return made(r, json_real(number));
    if (good && !real && text_to_int(word, &whole)) return made(r, json_integer(whole));
    return refuse(r, "a number that is none, or too large");
}

static json_t *read_name(reader *r)
{
    static const char *const names[] = {"true", "false", "null"};
    json_t *const values[] = {json_true(), json_false(), json_null()};
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(names[i]);
        if ((size_t)(r->end - r->at) < n || memcmp(r->at, names[i], n) != 0) continue;
        r->at += n;
        return values[i];
    }
    return refuse(r, "a value is expected");
}

/* Whether another member follows, past the comma that must be before all but the first. */
static bool has_another(reader *r, char end, bool first)
{
    skip_spaces(r);
    if (!is_good(r) || take(r, end)) return false;
    if (!first && !take(r, ',')) refuse(r, "a comma, or the end of a list or an object, is expected");
    skip_spaces(r);
    return is_good(r);
}

static json_t *finished(reader *r, json_t *value)
{
    if (is_good(r)) return value;
    json_decref(value);
    return NULL;
}

static json_t *read_list(reader *r)
{
    json_t *list = made(r, json_array());
    for (bool first = true; has_another(r, ']', first); first = false) {
        json_t *value = read_value(r);
        if (value && json_array_append_new(list, value)) r->no_memory = true;
    }
    return finished(r, list);
}

static void read_member(reader *r, json_t *object)
{
    const char *key = read_word(r);
    skip_spaces(r);
    if (key && json_object_get(object, key)) refuse(r, "a duplicate key");
    if (key && !take(r, ':')) refuse(r, "a colon is expected");
    json_t *value = is_good(r) ? read_value(r) : NULL;
    if (value && json_object_set_new_nocheck(object, key, value)) r->no_memory = true;
    if (key) drop_word(r, key);
}

static json_t *read_object(reader *r)
{
    json_t *object = made(r, json_object());
    for (bool first = true; has_another(r, '}', first); first = false) read_member(r, object);
    return finished(r, object);
}

static json_t *read_nested(reader *r, json_t *(*read)(reader *))
{
    if (r->depth == DEEPEST) return refuse(r, "lists and objects are nested too deeply");
    r->at++;
    r->depth++;
    json_t *value = read(r);
    r->depth--;
    return value;
}

static json_t *read_value(reader *r)
{
    skip_spaces(r);
    switch (peek(r)) {
    case '{': return read_nested(r, read_object);
    case '[': return read_nested(r, read_list);
    case '"': return read_text(r);
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': return read_number(r);
    default: return read_name(r);
    }
}

json_t *json_read(const char *bytes, size_t n, json_error_t *why, bool *no_memory)
{
    reader r = {.begin = bytes, .at = bytes, .end = bytes + n, .words = malloc(n + 1), .why = why};
    r.no_memory = !r.words;
    skip_spaces(&r);
    if (peek(&r) != '{' && peek(&r) != '[') refuse(&r, "a list or an object is expected");
    json_t *value = is_good(&r) ? read_value(&r) : NULL;
    skip_spaces(&r);
    if (value && r.at < r.end) refuse(&r, "something stands behind its end");
    free(r.words);
    *no_memory = r.no_memory;
    return finished(&r, value);
}

/* ---- Making and writing ---- */

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

/* What jansson makes of a failure here does not matter: the text remembers it. */
static int on_bytes(const char *bytes, size_t n, void *to)
{
    text_add_bytes(to, bytes, n);
    return ((text *)to)->failed ? -1 : 0;
}

void json_write(text *to, const json_t *value, size_t flags)
{
    if (!value || json_dump_callback(value, on_bytes, to, flags) != 0) to->failed = true;
}
