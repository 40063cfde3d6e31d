/* unpacked.c - see unpacked.h */
#include "unpacked.h"

#include "../base/file.h"

#include <stdio.h>
#include <string.h>

enum { NAME = 192 };

typedef struct values {
    gz *g;
    size_t bytes;
    const char *cache;
    char all[NAME], now[NAME], name[NAME]; /* the name, and what it begins with for the file, and for its present state */
} values;

static elbo_status name_values(values *v, elbo_error *error)
{
    file_identity is;
    elbo_status status = file_identify(gz_file(v->g), gz_path(v->g), &is, error);
    if (status != ELBO_OK) return status;
    snprintf(v->all, NAME, "%s_", is.file);
    snprintf(v->now, NAME, "%s_%s_", is.file, is.state);
    snprintf(v->name, NAME, "%s_%s_%llx-%llx.values", is.file, is.state, (unsigned long long)gz_end(v->g),
             (unsigned long long)gz_position(v->g));
    return ELBO_OK;
}

/* ---- What is no longer needed ---- */

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static elbo_status clean_one(void *user, const char *name, elbo_error *error)
{
    const values *v = user;
    if (!begins(name, v->all) || begins(name, v->now)) return ELBO_OK;
    char *path = file_join(gz_memory(v->g), v->cache, name);
    elbo_status status = path ? file_remove(path, error) : err_memory(error, "a path");
    mem_free(gz_memory(v->g), path);
    return status;
}

static elbo_status clean(values *v, elbo_error *error)
{
    elbo_status status = file_remove_leftovers(gz_memory(v->g), v->cache, error);
    return status == ELBO_OK ? file_list(v->cache, clean_one, v, error) : status;
}

/* ---- Unpacking ---- */

static elbo_status add(void *user, const void *bytes, size_t n, elbo_error *error)
{
    return file_add(user, bytes, n, error);
}

static elbo_status unpack(values *v, const char *path, elbo_error *error)
{
    file_draft d;
    elbo_status status = file_begin(&d, gz_memory(v->g), path, error);
    return status == ELBO_OK ? file_end(&d, gz_pass_rest(v->g, v->bytes, "values", add, &d, error), error) : status;
}

/* *file is -1 where there is none, or one of another size. */
static elbo_status open_whole(const values *v, const char *path, int *file, elbo_error *error)
{
    uint64_t size;
    *file = -1;
    elbo_status status = file_exists(path) ? file_open(path, file, &size, error) : ELBO_OK;
    if (*file < 0 || size == v->bytes) return status;
    file_close(*file);
    *file = -1;
    return status;
}

/* The directory is held. */
static elbo_status make(values *v, const char *path, int *file, elbo_error *error)
{
    elbo_status status = open_whole(v, path, file, error);
    if (status != ELBO_OK || *file >= 0) return status;
    status = clean(v, error);
    if (status == ELBO_OK) status = unpack(v, path, error);
    if (status == ELBO_OK) status = open_whole(v, path, file, error);
    if (status == ELBO_OK && *file < 0) status = err_set(error, ELBO_IO, "'%.700s' was changed by another program", path);
    return status;
}

elbo_status unpacked_open(gz *g, size_t bytes, const char *cache, int *file, elbo_error *error)
{
    values v = {.g = g, .bytes = bytes, .cache = cache};
    int held = -1;
    elbo_status status = name_values(&v, error);
    if (status == ELBO_OK) status = file_make_directory(cache, error);
    char *path = file_join(gz_memory(g), cache, v.name);
    if (status == ELBO_OK && !path) status = err_memory(error, "a path");
    if (status == ELBO_OK) status = file_hold(cache, true, &held, error);
    if (status == ELBO_OK) status = make(&v, path, file, error);
    file_release(held);
    mem_free(gz_memory(g), path);
    return status;
}
