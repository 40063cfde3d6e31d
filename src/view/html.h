/* html.h - pages: HTML that is also well-formed XML, in one file with its style and its pictures. Whatever is said goes
 * through xml_escape, so no name of a file can become markup. The style sheet is page_style.inc. */
#ifndef ELBO_VIEW_HTML_H
#define ELBO_VIEW_HTML_H

#include "../base/text.h"
#include "canvas.h"

/* From the document's type up to <main>, and from </main> on. */
void html_begin(text *to, const char *title);
void html_end(text *to);

/* <tag class="kind">; kind NULL: no class. Each is closed by its own html_close. */
void html_open(text *to, const char *tag, const char *kind);
void html_close(text *to, const char *tag);
/* Words, replaced where they mean something. */
void html_say(text *to, const char *format, ...) PRINTF_LIKE(2, 3);
/* An element with nothing but words in it. */
void html_leaf(text *to, const char *tag, const char *kind, const char *format, ...) PRINTF_LIKE(4, 5);

/* A picture, each of its pixels scale wide where there is room. alt: what it shows. Errors: those of view_png_encode. */
elbo_status html_picture(text *to, const canvas *c, int scale, const char *alt, elbo_error *error);

/* The base-64 form of bytes (RFC 4648). */
void html_base64(text *to, const unsigned char *bytes, size_t n);

#endif
