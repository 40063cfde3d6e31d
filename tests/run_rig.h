/* run_rig.h - what the tests of whole runs share.
 *
 * Runs are a few steps on random pictures that a callback delivers, so that a test can be slow, fail or lie at any read. Two
 * runs are equal when their directories are, byte for byte; only times.jsonl and previous.safetensors may differ. */
#ifndef ELBO_TESTS_RUN_RIG_H
#define ELBO_TESTS_RUN_RIG_H

#include "base/file.h"
#include "data/data.h"
#include "train/checkpoint.h"
#include "train/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { COUNT = 20, SIDE = 6, SIZE = SIDE * SIDE };

static elbo_engine *engine;

static inline const char *in(const char *directory, const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

/* ---- Data ---- */

/* A source of pictures that fails, waits or lies at a read. Reads count from 1; 0: never. */
typedef struct source {
    float x[COUNT][SIZE];
    int reads, fail_at, wait_at, lie_at;
    bool lie_always; /* about an example */
    int64_t example;
    float lie;
} source;

static inline int read_source(void *user, const int64_t *index, int64_t n, void *out, int32_t *labels)
{
    source *s = user;
    (void)labels;
    s->reads++;
    if (s->reads == s->fail_at) return 1;
    if (s->reads == s->wait_at) nanosleep(&(struct timespec){.tv_nsec = 120 * 1000 * 1000}, NULL); /* > an event's distance */
    for (int64_t i = 0; i < n; i++) {
        memcpy((float *)out + i * SIZE, s->x[index[i]], sizeof s->x[0]);
        if (s->lie_always && index[i] == s->example) ((float *)out)[i * SIZE + 7] = s->lie;
    }
    if (s->reads == s->lie_at) ((float *)out)[3] = s->lie;
    return 0;
}

static inline void fill(source *s, unsigned seed)
{
    *s = (source){.reads = 0};
    for (int i = 0; i < COUNT; i++)
        for (int k = 0; k < SIZE; k++) {
            seed = seed * 1103515245u + 12345u;
            s->x[i][k] = (float)(seed >> 16 & 0xff) / 255;
        }
}

static inline elbo_data *open_source(source *s, elbo_engine *e)
{
    elbo_data_source d = {.count = COUNT, .shape = {SIDE, SIDE, 1}, .dtype = ELBO_F32, .max = 1, .read = read_source, .user = s};
    elbo_data *data = elbo_data_from_source(e, &d, NULL);
    assert_non_null(data);
    s->reads = 0;
    return data;
}

/* ---- Runs ---- */

typedef struct job {
    source source;
    const char *options[8][2];
    const char *directory;
    int resume, no_validation, no_pictures;
    elbo_engine *engine;
    int cancel_at_events; /* the n-th STEP or EPOCH event cancels; 0: none */
    int cancel_at_epoch;  /* the end of this one cancels, likewise */
    char notes[4096];
    elbo_error error;
} job;

static inline job new_job(const char *directory)
{
    job j = {.directory = directory, .engine = engine};
    fill(&j.source, 1);
    return j;
}

static inline int on_event(void *user, const elbo_event *event)
{
    job *j = user;
    size_t n = strlen(j->notes);
    if (event->text) snprintf(j->notes + n, sizeof j->notes - n, "%s\n", event->text);
    if (j->cancel_at_epoch && event->kind == ELBO_EVENT_EPOCH && event->epoch == j->cancel_at_epoch) return 1;
    return !event->text && j->cancel_at_events && --j->cancel_at_events == 0;
}

static inline elbo_config *config_of(const job *j)
{
    static const char *const small[][2] = {{"encoder", "dense 8 relu"}, {"decoder", "dense 8 relu"}, {"latent", "2"},
                                           {"batch", "6"},              {"validation", "0.2"},       {"epochs", "2"}};
    elbo_config *c = elbo_config_new(j->engine, NULL);
    for (size_t i = 0; i < 6; i++) assert_int_equal(elbo_config_set(c, small[i][0], small[i][1], NULL), ELBO_OK);
    for (size_t i = 0; i < 8 && j->options[i][0]; i++)
        assert_int_equal(elbo_config_set(c, j->options[i][0], j->options[i][1], NULL), ELBO_OK);
    return c;
}

/* Runs the job; OK frees the model. */
static inline elbo_status run(job *j)
{
    elbo_config *c = config_of(j);
    elbo_data *data = open_source(&j->source, j->engine);
    elbo_train_options o = {.directory = j->directory, .resume = j->resume, .pictures = !j->no_pictures,
                            .tensorboard = !j->no_pictures, .no_validation = j->no_validation, .on_event = on_event,
                            .user = j};
    j->notes[0] = 0;
    j->error = (elbo_error){.code = ELBO_OK};
    elbo_model *m = elbo_train(j->engine, c, data, &o, &j->error);
    assert_true((m != NULL) == (j->error.code == ELBO_OK));
    elbo_model_free(m);
    elbo_data_free(data);
    elbo_config_free(c);
    return j->error.code;
}

#define assert_run(job, status)                                                                                        \
    do {                                                                                                               \
        if (run(job) != (status)) fail_msg("got %d: %s", (int)(job)->error.code, (job)->error.message);                \
    } while (0)

#define assert_said(text, part)                                                                                        \
    do {                                                                                                               \
        if (!strstr(text, part)) fail_msg("expected '%s' in: %s", part, text);                                         \
    } while (0)

/* Goes on with the job undisturbed to its end. */
static inline void finish(job *j)
{
    j->resume = 1;
    j->cancel_at_events = 0;
    j->source.fail_at = j->source.wait_at = j->source.lie_at = 0;
    assert_run(j, ELBO_OK);
}

/* ---- Files ---- */

static inline unsigned char *bytes_of(const char *path, size_t *size)
{
    unsigned char *bytes;
    elbo_error error = {0};
    if (file_read(&mem_standard, path, SIZE_MAX / 2, &bytes, size, &error) != ELBO_OK) fail_msg("%s", error.message);
    return bytes;
}

/* The lines of a run's metrics; valid until the next call. */
static inline const char *run_metrics(const char *directory)
{
    static char lines[1 << 16];
    size_t size;
    unsigned char *bytes = bytes_of(in(directory, "metrics.jsonl"), &size);
    assert_true(size < sizeof lines);
    memcpy(lines, bytes, size + 1);
    mem_free(&mem_standard, bytes);
    return lines;
}

static inline void put(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static inline void copy_file(const char *from, const char *to)
{
    size_t size;
    unsigned char *bytes = bytes_of(from, &size);
    put(to, bytes, size);
    mem_free(&mem_standard, bytes);
}

static inline bool equal_files(const char *a, const char *b)
{
    size_t m, n;
    unsigned char *x = bytes_of(a, &m), *y = bytes_of(b, &n);
    bool equal = m == n && memcmp(x, y, n) == 0;
    mem_free(&mem_standard, x);
    mem_free(&mem_standard, y);
    return equal;
}

static inline bool may_differ(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "times.jsonl") == 0 ||
           strcmp(name, "previous.safetensors") == 0;
}

/* Every file of a is in b, with the same bytes; returns how many. */
static inline int compare_into(const char *a, const char *b)
{
    DIR *d = opendir(a);
    int n = 0;
    if (!d) fail_msg("there is no %s", a);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char left[300], right[300];
        if (may_differ(e->d_name)) continue;
        snprintf(left, sizeof left, "%.40s/%.200s", a, e->d_name);
        snprintf(right, sizeof right, "%.40s/%.200s", b, e->d_name);
        if (!file_exists(right)) fail_msg("%s has no %s", b, e->d_name);
        file_kind kind;
        assert_int_equal(file_look(left, &kind, NULL), ELBO_OK);
        if (kind == FILE_DIRECTORY) n += compare_into(left, right);
        else if (!equal_files(left, right)) fail_msg("%s and %s differ", left, right);
        n += kind != FILE_DIRECTORY;
    }
    closedir(d);
    return n;
}

static inline void assert_same_run(const char *a, const char *b)
{
    int n = compare_into(a, b);
    assert_true(n >= 4);
    assert_int_equal(n, compare_into(b, a));
}

static inline void remove_run(const char *directory)
{
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    assert_int_equal(system(command), 0);
}

/* ---- Interrupted runs ---- */

/* Steps of an epoch: 16 examples in batches of 6. Before the first, the data's fingerprint is read. */
enum { STEPS = 3, FINGERPRINT = COUNT };

/* A cancel after every step, and a crash (a read that fails, after which nothing is saved) at every read. */
static inline void check_interruptions(const char *const (*options)[2], int n_options, int no_pictures)
{
    job whole = new_job("whole");
    whole.no_pictures = no_pictures;
    for (int i = 0; i < n_options; i++) memcpy(whole.options[i], options[i], sizeof whole.options[i]);
    remove_run(whole.directory);
    assert_run(&whole, ELBO_OK);
    int reads = whole.source.reads, of_epoch = STEPS + 1 + !no_pictures; /* steps, validation, pairs.png */
    for (int k = FINGERPRINT; k <= reads; k++) {
        bool step = k > FINGERPRINT && (k - FINGERPRINT - 1) % of_epoch < STEPS;
        for (int cancel = 0; cancel <= step; cancel++) {
            job j = whole;
            j.directory = "parts";
            remove_run(j.directory);
            if (cancel) j.cancel_at_events = 1, j.source.wait_at = k;
            else j.source.fail_at = k;
            assert_run(&j, cancel ? ELBO_CANCELLED : ELBO_IO);
            if (!file_exists(j.directory)) continue; /* it ended before it began */
            finish(&j);
            assert_same_run(whole.directory, j.directory);
        }
    }
}

/* Runs the tests in a directory of its own: in memory where there is such a place, as thousands of files are flushed to the
 * disk. */
static inline int run_in_a_directory(const char *name, int (*all_tests)(void))
{
    char there[64], here[64];
    snprintf(there, sizeof there, "/dev/shm/%s.XXXXXX", name);
    snprintf(here, sizeof here, "%s.XXXXXX", name);
    char *place = mkdtemp(there), *back = getcwd(NULL, 0);
    if (!place) place = mkdtemp(here);
    engine = elbo_engine_open(&(elbo_engine_options){.threads = 1}, NULL);
    if (!engine || !back || !place || chdir(place)) return 1;
    int failed = all_tests();
    elbo_engine_close(engine);
    if (chdir(back)) return 1;
    remove_run(place);
    free(back);
    return failed;
}

#endif
