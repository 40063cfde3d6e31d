/* cli.c - what the subcommands share: errors, talk, opening things, and closing all of them at the end. */
#include "cli.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

elbo_status fail(cli *c, elbo_status code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    c->error.code = code;
    vsnprintf(c->error.message, sizeof c->error.message, format, args);
    va_end(args);
    return code;
}

void say(const cli *c, const char *format, ...)
{
    if (flag_bool(c, "quiet")) return;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void cli_close(cli *c)
{
    for (size_t i = 0; i < c->n_blocks; i++) free(c->block[i]);
    free(c->given);
    elbo_model_free(c->model);
    elbo_data_free(c->data);
    elbo_config_free(c->config);
    elbo_engine_close(c->engine);
}

/* ---- Opening ---- */

/* Where programs keep what they can make again, by the XDG Base Directory Specification; NULL: nobody says. */
static const char *cache_directory(char *room, size_t size)
{
    const char *own = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (own && own[0] == '/') snprintf(room, size, "%s/elbo", own);
    else if (home && home[0] == '/') snprintf(room, size, "%s/.cache/elbo", home);
    else return NULL;
    return room;
}

elbo_status open_engine(cli *c)
{
    char room[4096];
    elbo_engine_options options = {.threads = (int)flag_int(c, "threads"), .cache = cache_directory(room, sizeof room)};
    c->engine = elbo_engine_open(&options, &c->error);
    return c->engine ? ELBO_OK : c->error.code;
}

elbo_status open_model(cli *c, const char *path)
{
    elbo_model_free(c->model);
    c->model = elbo_model_load(c->engine, path, &c->error);
    return c->model ? ELBO_OK : c->error.code;
}

elbo_status open_data(cli *c, const char *name, const char *part)
{
    elbo_data_options options = {0};
    if (c->config) options = elbo_config_data_options(c->config);
    elbo_data_free(c->data);
    c->data = c->model ? elbo_data_open_for(c->engine, c->model, name, part, &c->error)
                       : elbo_data_open_with(c->engine, name, part, &options, &c->error);
    if (!c->data) return c->error.code;
    const elbo_data_info *info = elbo_data_describe(c->data);
    if (info->n_broken) say(c, "%s: %" PRId64 " broken pictures are left out:\n%s", name, info->n_broken, info->broken);
    return ELBO_OK;
}

elbo_status take_classes(cli *c)
{
    return elbo_data_take_classes(c->data, flag_text(c, "classes"), &c->error);
}

elbo_status open_data_for_model(cli *c, const char *name, const char *part)
{
    elbo_status status = open_data(c, name, part);
    if (status != ELBO_OK) return status;
    const int64_t *want = elbo_model_describe(c->model)->shape, *have = elbo_data_describe(c->data)->shape;
    char want_text[64], have_text[64];
    if (memcmp(want, have, 3 * sizeof *want) == 0) return ELBO_OK;
    return fail(c, ELBO_MISMATCH, "%s was trained on examples of %s, but those of %s are %s", c->word[0],
                shape_text(want, want_text), name, shape_text(have, have_text));
}

elbo_status open_model_and_data(cli *c)
{
    elbo_status status = open_engine(c);
    if (status == ELBO_OK) status = open_model(c, c->word[0]);
    if (status == ELBO_OK && c->n_words > 1) status = open_data_for_model(c, c->word[1], flag_text(c, "part"));
    return status == ELBO_OK && c->n_words > 1 ? take_classes(c) : status;
}

/* ---- Sizes ---- */

void *new_block(cli *c, int64_t n, size_t size)
{
    void *block = n < 0 || c->n_blocks == MAX_BLOCKS ? NULL : calloc(n > 0 ? (size_t)n : 1, size);
    if (block)
        c->block[c->n_blocks++] = block;
    else
        fail(c, ELBO_NO_MEMORY, "out of memory: %" PRId64 " x %zu bytes; ask for fewer examples", n, size);
    return block;
}

float *new_floats(cli *c, int64_t n, int64_t size)
{
    return new_block(c, n, (size_t)size * sizeof(float));
}

int64_t shape_size(const int64_t shape[3])
{
    return shape[0] * shape[1] * shape[2];
}

const char *shape_text(const int64_t shape[3], char out[64])
{
    snprintf(out, 64, "%" PRId64 "x%" PRId64 "x%" PRId64, shape[0], shape[1], shape[2]);
    return out;
}

const char *count_text(int64_t n, char out[32])
{
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%" PRId64, n);
    char *to = out;
    for (int i = 0; i < length; i++) {
        *to++ = digits[i];
        if (digits[i] != '-' && i + 1 < length && (length - i - 1) % 3 == 0) *to++ = ',';
    }
    *to = '\0';
    return out;
}

elbo_status read_examples(cli *c, int64_t first, int64_t n, float *x, int32_t *labels)
{
    enum { BLOCK = 1024 };
    int64_t index[BLOCK], size = shape_size(elbo_data_describe(c->data)->shape);
    elbo_status status = ELBO_OK;
    for (int64_t done = 0, rows; done < n && status == ELBO_OK; done += rows) {
        rows = n - done < BLOCK ? n - done : BLOCK;
        for (int64_t i = 0; i < rows; i++) index[i] = first + done + i;
        status = elbo_data_read(c->data, index, rows, x + done * size, labels ? labels + done : NULL, &c->error);
    }
    return status;
}

int64_t count_wanted(const cli *c, int64_t available)
{
    int64_t n = flag_int(c, "n");
    return n == 0 || n > available ? available : n;
}
