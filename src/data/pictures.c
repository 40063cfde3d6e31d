/* pictures.c - picture files as a data set: see data.h, "Pictures".
 *
 * Opening takes three steps: the list (gallery.h); the shape, from the options and the first picture whose header
 * can be read; then every picture is decoded once, as if it were read, which finds the broken ones. Grey pictures
 * have one channel until one in colour turns up: then the last step begins again with three. So the shape is a
 * function of the files. */
#include "../base/file.h"
#include "../base/text.h"
#include "array.h"
#include "gallery.h"
#include "picture.h"
#include "readers.h"
#include "tar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { AHEAD = 128, STRIDE = 32, NAMED = 20, MOST_READERS = 64, USUAL_READERS = 4, PATH_SIZE = 8192 };

/* What decodes one picture at a time: one for each reader, the last for the caller. */
typedef struct desk {
    stream from;
    fit fit;
    seek_cursor *cursor;
    char path[PATH_SIZE];
} desk;

typedef struct pictures {
    memory m;
    gallery list;
    fit_shape shape;
    desk *desks; /* [n_readers + 1] */
    int n_readers;
    readers *readers;
    text broken; /* the first of the names */
    int64_t n_broken;
} pictures;

/* ---- One picture ---- */

static desk *own_desk(pictures *p)
{
    return &p->desks[p->n_readers];
}

/* What a picture is called in messages; control characters of strangers become question marks. */
static void put_name(const pictures *p, size_t i, char *out, size_t room)
{
    const char *name = gallery_name(&p->list, i);
    snprintf(out, room, "%.400s%s%.400s", p->list.root, *name ? "/" : "", name);
    for (char *c = out; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127) *c = '?';
}

static elbo_status open_stream(const pictures *p, desk *d, size_t i, elbo_error *error)
{
    const gallery_item *item = &p->list.items[i];
    const char *name = gallery_name(&p->list, i);
    if (p->list.archive) {
        stream_open_part(&d->from, d->cursor, item->offset, item->size, error);
        return ELBO_OK;
    }
    int n = snprintf(d->path, PATH_SIZE, "%s%s%s", p->list.root, *name ? "/" : "", name);
    if (n < 0 || n >= PATH_SIZE) return err_set(error, ELBO_IO, "the path is too long");
    return stream_open_file(&d->from, d->path, error);
}

/* The readers' fetch: runs in any thread. */
static elbo_status decode(void *user, int who, int64_t index, void *out, elbo_error *error)
{
    pictures *p = user;
    desk *d = &p->desks[who];
    elbo_status status = open_stream(p, d, (size_t)index, error);
    if (status != ELBO_OK) return status;
    status = picture_decode(&d->from, &d->fit, out, error);
    stream_close(&d->from);
    return status;
}

/* ---- Desks ---- */

static void close_desks(pictures *p)
{
    readers_close(p->readers);
    p->readers = NULL;
    for (int i = 0; p->desks && i <= p->n_readers; i++) {
        fit_close(&p->desks[i].fit);
        seek_cursor_close(p->desks[i].cursor);
    }
    mem_free(p->m, p->desks);
    p->desks = NULL;
}

static elbo_status open_desks(pictures *p, elbo_error *error)
{
    elbo_status status = ELBO_OK;
    p->desks = mem_new(p->m, (size_t)p->n_readers + 1, sizeof *p->desks);
    if (!p->desks) return err_memory(error, "readers of pictures");
    for (int i = 0; i <= p->n_readers && status == ELBO_OK; i++) {
        desk *d = &p->desks[i];
        d->from.file = -1;
        status = fit_open(&d->fit, p->m, p->shape, error);
        if (status == ELBO_OK && p->list.archive) status = seek_cursor_open(&d->cursor, p->list.archive, error);
    }
    size_t bytes = (size_t)p->shape.height * (size_t)p->shape.width * (size_t)p->shape.channels;
    return status == ELBO_OK ? readers_open(&p->readers, p->m, p->n_readers, bytes, decode, p, error) : status;
}

/* ---- The shape ---- */

/* Whether a failure is the fault of one picture, which can be left out. That it can't be read is no fault of a picture: another
 * time it can, and the data would be others. */
static bool is_broken(elbo_status status)
{
    return status == ELBO_BAD_FILE;
}

/* Sets the shape from the first picture whose header can be read. */
static elbo_status take_shape(pictures *p, elbo_error *error)
{
    const fit *f = &own_desk(p)->fit;
    elbo_error first = {.code = ELBO_OK}, reason;
    elbo_status status = ELBO_BAD_FILE;
    char name[1024];
    for (size_t i = 0; i < p->list.n && is_broken(status); i++) {
        status = decode(p, p->n_readers, (int64_t)i, NULL, &reason);
        if (status != ELBO_OK && (first.code == ELBO_OK || !is_broken(status))) {
            first = reason;
            put_name(p, i, name, sizeof name);
        }
    }
    if (is_broken(status))
        return err_set(error, ELBO_BAD_FILE, "%s: none of %zu pictures can be read; the first: %.900s: %s",
                       p->list.root, p->list.n, name, first.message);
    if (status != ELBO_OK) return err_set(error, status, "%.900s: %s", name, first.message);
    p->shape.exact = p->shape.height == 0;
    if (p->shape.exact) fit_cropped(f, &p->shape.height, &p->shape.width);
    p->shape.channels = p->shape.grey ? 1 : f->channels;
    return ELBO_OK;
}

static elbo_status find_shape(pictures *p, elbo_error *error)
{
    fit_shape wanted = p->shape;
    int n_readers = p->n_readers;
    p->shape = (fit_shape){.height = 1, .width = 1, .channels = 1, .crop = wanted.crop};
    p->n_readers = 0;
    elbo_status status = open_desks(p, error);
    if (status == ELBO_OK) {
        own_desk(p)->fit.measure = true;
        p->shape = wanted;
        status = take_shape(p, error);
    }
    close_desks(p);
    p->n_readers = n_readers;
    return status;
}

/* ---- The first decoding ---- */

static elbo_status note_broken(pictures *p, size_t i, bool strict, elbo_error *error)
{
    char name[1024];
    put_name(p, i, name, sizeof name);
    err_prefix(error, "%s", name);
    if (strict) return error->code;
    p->list.items[i].broken = true;
    if (p->n_broken++ < NAMED) text_add(&p->broken, "%s\n", error->message);
    return p->broken.failed ? err_memory(error, "names of broken pictures") : ELBO_OK;
}

/* Announces, at every STRIDE-th of n indices, those that follow. */
static void announce(pictures *p, const int64_t *index, int64_t at, int64_t n)
{
    if (at % STRIDE == 0) readers_announce(p->readers, index + at, n - at < AHEAD ? n - at : AHEAD);
}

/* Decodes the pictures of index [n]. *colour: stopped at one in colour, of which grey ones were expected. */
static elbo_status check_all(pictures *p, const int64_t *index, unsigned char *x, bool strict, tally *t, bool *colour,
                             elbo_error *error)
{
    size_t size = (size_t)p->shape.height * (size_t)p->shape.width * (size_t)p->shape.channels;
    int64_t n = (int64_t)p->list.n;
    elbo_error reason;
    *colour = false;
    tally_open(t);
    for (int64_t i = 0; i < n; i++) {
        announce(p, index, i, n);
        elbo_status status = readers_take(p->readers, i, x, &reason);
        if (status == ELBO_OK) {
            tally_add(t, ELBO_U8, x, size);
            continue;
        }
        *colour = status == ELBO_MISMATCH && own_desk(p)->fit.channels > p->shape.channels && !p->shape.grey;
        if (*colour) return ELBO_OK;
        if (is_broken(status))
            status = note_broken(p, (size_t)i, strict, &reason);
        else {
            char name[1024];
            put_name(p, (size_t)i, name, sizeof name);
            if (status == ELBO_MISMATCH) reason.code = ELBO_USAGE;
            status = err_prefix(&reason, "%s", name);
        }
        if (status != ELBO_OK) return err_set(error, status, "%s", reason.message);
    }
    return ELBO_OK;
}

static elbo_status check_as_shaped(pictures *p, bool strict, tally *t, bool *colour, elbo_error *error)
{
    elbo_status status = open_desks(p, error);
    if (status != ELBO_OK) return status;
    int64_t *index = mem_new(p->m, p->list.n, sizeof *index);
    unsigned char *x = mem_new(p->m, (size_t)p->shape.height * (size_t)p->shape.width, (size_t)p->shape.channels);
    for (size_t i = 0; index && i < p->list.n; i++) index[i] = (int64_t)i;
    status = index && x ? check_all(p, index, x, strict, t, colour, error) : err_memory(error, "pictures");
    mem_free(p->m, index);
    mem_free(p->m, x);
    return status;
}

/* Decodes every picture and drops the broken ones. */
static elbo_status check(pictures *p, bool strict, tally *t, elbo_error *error)
{
    bool colour;
    elbo_status status = check_as_shaped(p, strict, t, &colour, error);
    if (status == ELBO_OK && colour) {
        close_desks(p);
        p->shape.channels = 3;
        text_close(&p->broken);
        text_open(&p->broken, p->m);
        p->n_broken = 0;
        status = check_as_shaped(p, strict, t, &colour, error);
    }
    if (status != ELBO_OK) return status;
    gallery_drop_broken(&p->list);
    if (p->list.n > 0) return ELBO_OK;
    return err_set(error, ELBO_BAD_FILE, "all pictures are broken; the first: %.*s",
                   (int)strcspn(p->broken.bytes, "\n"), p->broken.bytes);
}

/* ---- The data set ---- */

/* Says which picture could not be read again. */
static elbo_status unreadable(const pictures *p, size_t i, elbo_status status, elbo_error *error)
{
    char name[1024];
    put_name(p, i, name, sizeof name);
    err_prefix(error, status == ELBO_NO_MEMORY ? "%s" : "%s was sound when it was opened, but now", name);
    if (status == ELBO_NO_MEMORY) return status;
    if (error) error->code = ELBO_IO;
    return ELBO_IO;
}

static elbo_status pictures_read(elbo_data *d, const int64_t *index, int64_t n, void *out, int32_t *labels,
                                 elbo_error *error)
{
    pictures *p = d->source;
    size_t each = data_example_bytes(d);
    for (int64_t i = 0; i < n; i++) {
        announce(p, index, i, n);
        elbo_status status = readers_take(p->readers, index[i], (unsigned char *)out + (size_t)i * each, error);
        if (status != ELBO_OK) return unreadable(p, (size_t)index[i], status, error);
        if (labels) labels[i] = p->list.items[index[i]].label;
    }
    return ELBO_OK;
}

static void pictures_will_read(elbo_data *d, const int64_t *index, int64_t n)
{
    const pictures *p = d->source;
    readers_announce(p->readers, index, n);
}

static void pictures_close(elbo_data *d)
{
    pictures *p = d->source;
    close_desks(p);
    text_close(&p->broken);
    gallery_close(&p->list);
    mem_free(p->m, p);
}

static elbo_status check_options(const elbo_data_options *o, elbo_error *error)
{
    if (o->height < 0 || o->height > PICTURE_SIDE || o->width < 0 || o->width > PICTURE_SIDE)
        return err_set(error, ELBO_USAGE, "pictures: height %lld and width %lld must be 0 to %d", (long long)o->height,
                       (long long)o->width, PICTURE_SIDE);
    if (!(o->crop >= 0 && o->crop <= PICTURE_SIDE))
        return err_set(error, ELBO_USAGE,
                       "pictures: crop is %g; it must be 0 to 1, a fraction of the width, or up to %d "
                       "pixels",
                       o->crop, PICTURE_SIDE);
    if (o->readers < 0 || o->readers > MOST_READERS)
        return err_set(error, ELBO_USAGE, "pictures: readers is %d; it must be 0 to %d", o->readers, MOST_READERS);
    return ELBO_OK;
}

static fit_shape wanted_shape(const elbo_data_options *o)
{
    int height = (int)o->height, width = (int)o->width;
    return (fit_shape){
        .height = height ? height : width, .width = width ? width : height, .crop = o->crop, .grey = o->grey != 0};
}

static int usual_readers(const elbo_engine *engine)
{
    int n = pool_threads(engine->threads);
    return n < USUAL_READERS ? n : USUAL_READERS;
}

static elbo_status list_pictures(pictures *p, const char *path, data_part part, const elbo_data_options *o,
                                 elbo_error *error)
{
    elbo_status status = gallery_open(&p->list, p->m, path, error);
    if (status != ELBO_OK) return status;
    if (p->list.n == 0)
        return err_set(error, p->list.archive ? ELBO_BAD_FILE : ELBO_IO,
                       "%s: no pictures (.jpg, .jpeg, .png, .pnm, .pbm, .pgm, .ppm)%s", path,
                       p->list.archive
                           ? " in this archive"
                           : " in this directory, and no train-images-idx3-ubyte with t10k-images-idx3-ubyte, "
                             "plain or gzipped");
    if (o->labels) status = gallery_label(&p->list, o->labels, o->label_column, error);
    gallery_take_part(&p->list, part);
    return status;
}

static void describe(elbo_data *d, pictures *p, const tally *t)
{
    const int64_t shape[3] = {p->shape.height, p->shape.width, p->shape.channels};
    d->info.count = (int64_t)p->list.n;
    for (size_t i = 0; i < p->list.n && d->test_begins == 0; i++)
        if (p->list.items[i].part == DATA_TEST) d->test_begins = (int64_t)i;
    memcpy(d->info.shape, shape, sizeof shape);
    d->info.dtype = ELBO_U8;
    d->info.n_classes = p->list.n_classes;
    d->info.n_broken = p->n_broken;
    if (p->n_broken > 0) d->info.broken = d->broken = text_take(&p->broken);
    data_set_measured(d, t);
}

elbo_status pictures_open(elbo_data *d, data_part part, const elbo_data_options *options, bool *own_parts,
                          elbo_error *error)
{
    static const elbo_data_options none = {.height = 0};
    const elbo_data_options *o = options ? options : &none;
    elbo_status status = check_options(o, error);
    if (status != ELBO_OK) return status;
    pictures *p = mem_new(d->engine->m, 1, sizeof *p);
    if (!p) return err_memory(error, "pictures");
    p->m = d->engine->m;
    text_open(&p->broken, p->m);
    d->source = p;
    d->read = pictures_read;
    d->will_read = pictures_will_read;
    d->close = pictures_close;
    p->shape = wanted_shape(o);
    status = list_pictures(p, d->path, part, o, error);
    if (status == ELBO_OK) status = find_shape(p, error);
    if (status != ELBO_OK) return status;
    p->n_readers = o->readers ? o->readers : usual_readers(d->engine);
    tally t;
    status = check(p, o->strict, &t, error);
    if (status == ELBO_OK) describe(d, p, &t);
    *own_parts = p->list.parted && part != DATA_ALL;
    return status;
}

elbo_status pictures_at(const char *path, bool *there, elbo_error *error)
{
    unsigned char head[PICTURE_HEAD];
    size_t got;
    elbo_status status = file_read_head(path, head, sizeof head, &got, error);
    *there = status == ELBO_OK && picture_begins(head, got);
    return status != ELBO_OK || *there ? status : tar_begins(path, there, error);
}
