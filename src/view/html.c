/* html.c - see html.h */
#include "html.h"

#include "pen.h"
#include "png.h"

#include <stdarg.h>
#include <stdio.h>

static const char style[] =
#include "page_style.inc"
    ;

void html_begin(text *to, const char *title)
{
    text_add(to, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                 "<meta name=\"color-scheme\" content=\"light dark\"/>\n");
    html_leaf(to, "title", NULL, "%s", title);
    text_add(to, "<style>\n:root{");
    ink_variables(to, false);
    text_add(to, "}\n@media (prefers-color-scheme:dark){:root{");
    ink_variables(to, true);
    text_add(to, "}}\n");
    ink_classes(to);
    text_add(to, "\n%s</style>\n</head>\n<body>\n<main>\n", style);
}

void html_end(text *to)
{
    text_add(to, "</main>\n</body>\n</html>\n");
}

void html_open(text *to, const char *tag, const char *kind)
{
    text_add(to, kind ? "<%s class=\"%s\">" : "<%s>", tag, kind);
}

void html_close(text *to, const char *tag)
{
    text_add(to, "</%s>\n", tag);
}

static void say(text *to, const char *format, va_list args)
{
    char words[2048];
    vsnprintf(words, sizeof words, format, args);
    xml_escape(to, words);
}

void html_say(text *to, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(to, format, args);
    va_end(args);
}

void html_leaf(text *to, const char *tag, const char *kind, const char *format, ...)
{
    html_open(to, tag, kind);
    va_list args;
    va_start(args, format);
    say(to, format, args);
    va_end(args);
    html_close(to, tag);
}

/* ---- Pictures ---- */

void html_base64(text *to, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        unsigned v = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
        char four[4];
        for (int k = 0; k < 4; k++) four[k] = digits[v >> (18 - 6 * k) & 63];
        if (left < 3) four[3] = '=';
        if (left < 2) four[2] = '=';
        text_add_bytes(to, four, 4);
    }
}

elbo_status html_picture(text *to, const canvas *c, int scale, const char *alt, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    elbo_status status = view_png_encode(to->m, c, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    text_add(to, "<img width=\"%d\" height=\"%d\" alt=\"", c->width * scale, c->height * scale);
    xml_escape(to, alt);
    text_add(to, "\" src=\"data:image/png;base64,");
    html_base64(to, bytes, size);
    text_add(to, "\"/>\n");
    mem_free(to->m, bytes);
    return ELBO_OK;
}
