/* csv.c - see csv.h */
#include "csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void csv_open(csv *c, memory m, const char *path, const unsigned char *bytes, size_t size, char delimiter)
{
    *c = (csv){.path = path, .at = bytes, .end = bytes + size, .delimiter = delimiter, .next_line = 1};
    if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) c->at += 3;
    text_open(&c->record, m);
}

void csv_close(csv *c)
{
    mem_free(c->record.m, c->begins);
    text_close(&c->record);
}

char *csv_field(csv *c, size_t i)
{
    return c->record.bytes + c->begins[i];
}

elbo_status csv_fail(const csv *c, size_t column, elbo_error *error, const char *format, ...)
{
    char words[512];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return err_set(error, ELBO_BAD_FILE, "%s: line %lld, column %zu: %s", c->path, (long long)c->line, column + 1, words);
}

static bool at_end_of_line(const csv *c)
{
    return c->at == c->end || *c->at == '\n' || (*c->at == '\r' && (c->at + 1 == c->end || c->at[1] == '\n'));
}

static bool at_delimiter(const csv *c)
{
    return c->at < c->end && (*c->at == (unsigned char)c->delimiter || (c->delimiter == ' ' && *c->at == '\t'));
}

static void end_line(csv *c)
{
    if (c->at < c->end && *c->at == '\r') c->at++;
    if (c->at < c->end) c->at++;
    c->next_line++;
}

static void skip_blanks(csv *c)
{
    while (c->delimiter == ' ' && at_delimiter(c)) c->at++;
}

/* Adds what stands in quotes, the first of which is next; false: they are not closed. */
static bool take_quoted(csv *c)
{
    for (c->at++;; c->at++) {
        const unsigned char *quote = memchr(c->at, '"', (size_t)(c->end - c->at));
        if (!quote) return false;
        for (const unsigned char *s = c->at; s < quote; s++) c->next_line += *s == '\n';
        text_add_bytes(&c->record, c->at, (size_t)(quote - c->at));
        c->at = quote + 1;
        if (c->at == c->end || *c->at != '"') return true;
        text_add_bytes(&c->record, "\"", 1);
    }
}

static void take_plain(csv *c)
{
    const unsigned char *from = c->at;
    while (!at_end_of_line(c) && !at_delimiter(c)) c->at++;
    text_add_bytes(&c->record, from, (size_t)(c->at - from));
}

static elbo_status add_field(csv *c, elbo_error *error)
{
    if (c->n == CSV_COLUMNS) return csv_fail(c, c->n, error, "more than %d columns", CSV_COLUMNS);
    if (c->n == c->room) {
        size_t room = c->room ? 2 * c->room : 64;
        size_t *grown = mem_resize(c->record.m, c->begins, room, sizeof *grown);
        if (!grown) return err_memory(error, "a line of a table");
        c->begins = grown;
        c->room = room;
    }
    c->begins[c->n++] = c->record.length;
    return ELBO_OK;
}

static elbo_status take_field(csv *c, elbo_error *error)
{
    size_t column = c->n;
    const unsigned char *from = c->at;
    elbo_status status = add_field(c, error);
    if (status != ELBO_OK) return status;
    if (c->at < c->end && *c->at == '"') {
        if (!take_quoted(c)) return csv_fail(c, column, error, "a quote is never closed");
        if (!at_end_of_line(c) && !at_delimiter(c))
            return csv_fail(c, column, error, "text after the closing quote; a quote inside quotes is written twice");
    } else {
        take_plain(c);
    }
    if (memchr(from, 0, (size_t)(c->at - from))) return csv_fail(c, column, error, "a zero byte: this is no text");
    text_add_bytes(&c->record, "", 1);
    if (c->record.failed) return err_memory(error, "a line of a table");
    if (!text_is_utf8(csv_field(c, column)))
        return csv_fail(c, column, error, "characters that are no UTF-8; iconv -f latin1 -t utf-8 may make them so");
    if (!text_is_plain(csv_field(c, column)))
        return csv_fail(c, column, error, "a control character, which a terminal would obey: this is no text");
    return c->record.length > CSV_LINE ? csv_fail(c, column, error, "a line of more than %d bytes", CSV_LINE) : ELBO_OK;
}

elbo_status csv_next(csv *c, elbo_error *error)
{
    c->n = c->record.length = 0;
    skip_blanks(c);
    while (c->at < c->end && at_end_of_line(c)) {
        end_line(c);
        skip_blanks(c);
    }
    c->line = c->next_line;
    if (c->at == c->end) return ELBO_OK;
    for (;;) {
        elbo_status status = take_field(c, error);
        if (status != ELBO_OK) return status;
        skip_blanks(c);
        if (at_end_of_line(c)) break;
        if (c->delimiter != ' ') c->at++;
    }
    end_line(c);
    return ELBO_OK;
}
