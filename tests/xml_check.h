/* xml_check.h - whether a text is well-formed, by a reader of the part of XML that elbo writes: elements, attributes in
 * double quotes, characters that are replaced where they mean something. A page begins with <!DOCTYPE html>. */
#ifndef ELBO_TESTS_XML_CHECK_H
#define ELBO_TESTS_XML_CHECK_H

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { XML_DEPTH = 64, XML_NAME = 32 };

typedef struct xml_reader {
    const char *at, *begin;
    char open[XML_DEPTH][XML_NAME];
    int depth, elements;
    char fault[128]; /* "" while there is none */
} xml_reader;

static inline bool xml_bad(xml_reader *r, const char *what)
{
    snprintf(r->fault, sizeof r->fault, "%s at %ld: %.60s", what, (long)(r->at - r->begin), r->at);
    return false;
}

static inline bool xml_entity(xml_reader *r)
{
    static const char *const known[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#160;", "&#183;"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(r->at, known[i], strlen(known[i])) == 0) return true;
    return xml_bad(r, "a bare &");
}

static inline size_t xml_name(const char *at)
{
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || at[n] == '-' || at[n] == ':') n++;
    return n < XML_NAME ? n : 0;
}

/* name="value" up to the end of the tag */
static inline bool xml_attributes(xml_reader *r)
{
    for (;;) {
        size_t blanks = strspn(r->at, " \n");
        r->at += blanks;
        if (*r->at == '>' || strncmp(r->at, "/>", 2) == 0) return true;
        size_t n = xml_name(r->at);
        if (!blanks || !n || strncmp(r->at + n, "=\"", 2) != 0) return xml_bad(r, "no attribute");
        for (r->at += n + 2; *r->at != '"'; r->at++)
            if (!*r->at || *r->at == '<' || (*r->at == '&' && !xml_entity(r))) return xml_bad(r, "a bad value");
        r->at++;
    }
}

static inline bool xml_tag(xml_reader *r)
{
    bool closing = r->at[1] == '/';
    const char *name = r->at + 1 + closing;
    size_t n = xml_name(name);
    if (!n) return xml_bad(r, "no name");
    r->at = name + n;
    if (closing) {
        bool fits = r->depth > 0 && strlen(r->open[r->depth - 1]) == n && strncmp(r->open[r->depth - 1], name, n) == 0;
        if (!fits || *r->at != '>') return xml_bad(r, "an end without its beginning");
        r->depth--;
    } else {
        if (r->depth == XML_DEPTH) return xml_bad(r, "too deep");
        snprintf(r->open[r->depth++], XML_NAME, "%.*s", (int)n, name);
        r->elements++;
        if (!xml_attributes(r)) return false;
        if (*r->at == '/') r->at++, r->depth--;
    }
    r->at++;
    return true;
}

/* The number of elements; -1 where it is not well-formed, and fault says where. */
static inline int xml_check(const char *words, char fault[128])
{
    xml_reader r = {.at = words, .begin = words};
    bool good = true;
    if (strncmp(words, "<!DOCTYPE html>", 15) == 0) r.at += 15;
    while (*r.at && good) {
        if (*r.at == '<') good = xml_tag(&r);
        else if (*r.at == '&') good = xml_entity(&r), r.at++;
        else if (*r.at == '>') good = xml_bad(&r, "a bare >");
        else r.at++;
    }
    if (good && r.depth) good = xml_bad(&r, "not ended");
    snprintf(fault, 128, "%s", r.fault);
    return good ? r.elements : -1;
}

#endif
