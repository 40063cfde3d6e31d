/* csv.h - records of fields from text (RFC 4180): a field may stand in quotes, in which a quote is doubled and anything
 * else stands for itself; lines end in LF or CRLF. Any delimiter; with ' ', fields are apart by any number of blanks.
 * Lines that are empty are passed over, as is a byte order mark. The bytes are only read. */
#ifndef ELBO_DATA_CSV_H
#define ELBO_DATA_CSV_H

#include "../base/error.h"
#include "../base/text.h"

enum { CSV_LINE = 1 << 24, CSV_COLUMNS = 1 << 17 }; /* bytes of a record, fields in it */

typedef struct csv {
    const char *path; /* for messages */
    const unsigned char *at, *end;
    char delimiter;
    int64_t line, next_line; /* where the record begins, and the one after it; from 1 */
    size_t n;                /* fields of the record */
    text record;             /* the fields one after another, each ended by a zero */
    size_t *begins, room;    /* [n] where they begin */
} csv;

/* The bytes must outlive it. */
void csv_open(csv *c, memory m, const char *path, const unsigned char *bytes, size_t size, char delimiter);
void csv_close(csv *c);

/* Reads the next record; n is 0 at the end. Errors: BAD_FILE (with line and column), NO_MEMORY. */
elbo_status csv_next(csv *c, elbo_error *error);

/* The i-th field, until the next record; it may be changed in place. */
char *csv_field(csv *c, size_t i);

/* BAD_FILE "path: line L, column C: " and words. column counts from 0. */
elbo_status csv_fail(const csv *c, size_t column, elbo_error *error, const char *format, ...) PRINTF_LIKE(4, 5);

#endif
