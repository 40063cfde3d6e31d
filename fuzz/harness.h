/* harness.h - what the fuzzers share: an engine whose memory is capped, and any bytes as a file. */
#ifndef ELBO_FUZZ_HARNESS_H
#define ELBO_FUZZ_HARNESS_H

#include <elbo.h>

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static inline void require(bool truth)
{
    if (!truth) abort();
}

/* No block larger than this: a file of some kilobytes has no use for it, and a fuzzer no time. */
enum { FUZZ_LARGEST = 32 << 20 };

static inline void *fuzz_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size > 0) return new_size > FUZZ_LARGEST ? NULL : realloc(ptr, new_size);
    free(ptr);
    return NULL;
}

/* One engine for all inputs. */
static inline elbo_engine *fuzz_engine(void)
{
    static const elbo_allocator capped = {fuzz_resize, NULL};
    static elbo_engine *engine;
    if (!engine) engine = elbo_engine_open(&(elbo_engine_options){.allocator = &capped, .threads = 1, .own_products = 1}, NULL);
    require(engine != NULL);
    return engine;
}

/* A folder of the process's own, removed in the end; in memory where that is possible, for files are synced. */
static char fuzz_home[32];

static inline void fuzz_leave(void)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", fuzz_home);
    if (system(command) != 0) fprintf(stderr, "%s is left\n", fuzz_home);
}

/* The path of a name in that folder. */
static inline const char *fuzz_path(const char *name)
{
    static char path[4][128];
    static unsigned turn;
    static bool entered;
    if (!entered) {
        const char *place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(fuzz_home, sizeof fuzz_home, "%s/elbo-fuzz.XXXXXX", place);
        require(mkdtemp(fuzz_home) != NULL && atexit(fuzz_leave) == 0);
        entered = true;
    }
    snprintf(path[turn % 4], sizeof path[0], "%s/%s", fuzz_home, name);
    return path[turn++ % 4];
}

/* Writes the bytes to a name in that folder, in place of what was there. */
static inline const char *fuzz_file(const char *name, const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_path(name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    require(file >= 0);
    for (size_t done = 0; done < size;) {
        ssize_t n = write(file, bytes + done, size - done);
        require(n > 0);
        done += (size_t)n;
    }
    require(close(file) == 0);
    return path;
}

/* The bytes as a text. */
static inline char *fuzz_text(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    memcpy(text, bytes, size);
    text[size] = 0;
    return text;
}

/* A refusal says why, and is one of those that the reader of a file may have. */
static inline void require_refusal(const elbo_error *error)
{
    bool known = error->code == ELBO_BAD_FILE || error->code == ELBO_NO_MEMORY || error->code == ELBO_USAGE ||
                 error->code == ELBO_MISMATCH || error->code == ELBO_NO_BACKEND;
    require(known && error->message[0]);
    for (const char *c = error->message; *c; c++) require((unsigned char)*c >= 0x20 && *c != 0x7f);
}

#endif
