/* span.c - see span.h */
#include "span.h"

#include "../base/file.h"

#include <string.h>

static size_t kept_bytes(const span *s)
{
    return layout_example(&s->l) * number_bytes(layout_dtype(&s->l));
}

/* From the first byte of an example to behind its last. */
static size_t lying_bytes(const span *s)
{
    return layout_example(&s->l) * s->l.bytes;
}

static uint64_t place(const span *s, int64_t i)
{
    return s->offset + (uint64_t)i * s->l.stride[0] * s->l.bytes;
}

elbo_status span_open(span *s, memory m, int file, const char *path, uint64_t offset, const layout *l, elbo_error *error)
{
    *s = (span){.m = m, .count = (int64_t)l->n[0], .file = -1, .offset = offset, .l = *l};
    bool as_kept = layout_as_kept(l);
    s->path = mem_copy_text(m, path);
    s->room = as_kept ? NULL : mem_new(m, lying_bytes(s), 1);
    bool made = s->path && (s->room || as_kept);
    elbo_status status = made ? file_share(file, path, &s->file, error) : err_memory(error, "opening data");
    if (status != ELBO_OK) span_close(s);
    return status;
}

void span_close(span *s)
{
    if (!s->held) file_close(s->file);
    mem_free(s->m, s->held);
    mem_free(s->m, s->path);
    mem_free(s->m, s->room);
}

elbo_status span_read(const span *s, int64_t i, void *out, elbo_error *error)
{
    size_t kept = kept_bytes(s), wanted = s->room ? lying_bytes(s) : kept, got;
    if (s->held) {
        memcpy(out, (const char *)s->held + (size_t)i * kept, kept);
        return ELBO_OK;
    }
    elbo_status status = file_read_at(s->file, s->path, place(s, i), s->room ? s->room : out, wanted, &got, error);
    if (status == ELBO_OK && got < wanted)
        status = err_set(error, ELBO_IO, "'%.700s' ended at byte %llu: it became shorter while it was in use", s->path,
                         (unsigned long long)(place(s, i) + got));
    if (status != ELBO_OK) return status;
    if (s->room) layout_convert(&s->l, s->room, 1, out);
    unsigned char *bytes = out;
    for (size_t k = 0; s->masks && k < kept; k++) bytes[k] = bytes[k] ? 255 : 0;
    return ELBO_OK;
}

void span_will_read(const span *s, int64_t i)
{
    if (!s->held) file_will_read(s->file, place(s, i), lying_bytes(s));
}
