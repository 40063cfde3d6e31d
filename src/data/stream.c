/* stream.c - see stream.h */
#include "stream.h"

#include "../base/file.h"

#include <string.h>

static void start(stream *s, uint64_t offset, uint64_t size, elbo_error *error)
{
    s->at = offset;
    s->left = s->size = size;
    s->next = s->end = s->buffer;
    s->status = ELBO_OK;
    s->error = error;
}

elbo_status stream_open_file(stream *s, const char *path, elbo_error *error)
{
    uint64_t size;
    s->archive = NULL;
    s->path = path;
    elbo_status status = file_open(path, &s->file, &size, error);
    if (status == ELBO_OK) start(s, 0, size, error);
    return status;
}

void stream_open_part(stream *s, seek_cursor *archive, uint64_t offset, uint64_t size, elbo_error *error)
{
    s->archive = archive;
    s->file = -1;
    start(s, offset, size, error);
}

void stream_close(stream *s)
{
    file_close(s->file);
    s->file = -1;
}

bool stream_refill(stream *s)
{
    size_t n = s->left < STREAM_BUFFER ? (size_t)s->left : STREAM_BUFFER, got = n;
    if (n == 0 || s->status != ELBO_OK) return false;
    s->status = s->archive ? seek_read(s->archive, s->at, s->buffer, n, s->error)
                           : file_read_at(s->file, s->path, s->at, s->buffer, n, &got, s->error);
    if (s->status != ELBO_OK || got == 0) return false;
    s->at += got;
    s->left -= got;
    s->next = s->buffer;
    s->end = s->buffer + got;
    return true;
}

bool stream_read(stream *s, void *bytes, size_t n)
{
    for (unsigned char *to = bytes; n > 0;) {
        if (s->next == s->end && !stream_refill(s)) return false;
        size_t now = (size_t)(s->end - s->next) < n ? (size_t)(s->end - s->next) : n;
        memcpy(to, s->next, now);
        s->next += now;
        to += now;
        n -= now;
    }
    return true;
}

bool stream_skip(stream *s, uint64_t n)
{
    uint64_t here = (uint64_t)(s->end - s->next);
    if (n <= here) {
        s->next += n;
        return true;
    }
    n -= here;
    s->next = s->end;
    if (n > s->left) return false;
    s->at += n;
    s->left -= n;
    return true;
}
