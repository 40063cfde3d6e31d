/* replay.c - runs a fuzzer's function without libFuzzer: on every file of the folders given, on beginnings of it, and with
 * single bytes changed. It is how tests keep the seeds and what was once found. */
#include "../harness.h"

#include <dirent.h>

enum { MOST_SIZE = 1 << 20, CUTS = 40, CHANGES = 120 };

static long n_runs;

/* The bytes in a block of exactly their size, so that a sanitizer sees a read past the end. */
static void once(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    require(copy != NULL);
    memcpy(copy, bytes, size); /* NOLINT(clang-analyzer-core.NonNullParamChecker): it is none, as required above */
    require(LLVMFuzzerTestOneInput(copy, size) == 0);
    free(copy);
    n_runs++;
}

static void with_changes(uint8_t *bytes, size_t size)
{
    static const uint8_t by[] = {0x01, 0x80, 0xff, 0x10};
    once(bytes, size);
    for (size_t i = 0; i < CUTS; i++) once(bytes, size * i / CUTS);
    for (size_t i = 0; i < CHANGES && size > 0; i++) {
        size_t at = i < CHANGES / 2 ? i % size : size * i / CHANGES; /* beginnings matter more */
        bytes[at] ^= by[i % 4];
        once(bytes, size);
        bytes[at] ^= by[i % 4];
    }
}

static void replay_file(const char *path)
{
    static uint8_t bytes[MOST_SIZE];
    FILE *f = fopen(path, "rb");
    require(f != NULL);
    size_t size = fread(bytes, 1, sizeof bytes, f);
    require(size < sizeof bytes && fclose(f) == 0);
    with_changes(bytes, size);
}

static long replay_folder(const char *folder)
{
    DIR *d = opendir(folder);
    long n = 0;
    if (!d) fprintf(stderr, "%s: no such folder\n", folder);
    require(d != NULL);
    for (struct dirent *e; (e = readdir(d));) {
        char path[4096];
        if (e->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        replay_file(path);
        n++;
    }
    closedir(d);
    return n;
}

int main(int argc, char **argv)
{
    long n_files = 0;
    for (int i = 1; i < argc; i++) n_files += replay_folder(argv[i]);
    printf("%ld files, %ld runs\n", n_files, n_runs);
    return n_files ? 0 : 1;
}
