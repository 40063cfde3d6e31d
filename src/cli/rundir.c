/* rundir.c - see rundir.h */
#include "rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Choosing a name ---- */

/* "dir/set-images.npy" as "set-images": what a folder may be called. */
static void base_name(const char *data, char *out, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const char *slash = strrchr(data, '/'), *name = slash && slash[1] ? slash + 1 : data;
    size_t n = strcspn(name, "."), at = 0;
    for (size_t i = 0; i < n && at + 1 < size; i++) out[at++] = strchr(plain, name[i]) ? name[i] : '-';
    out[at] = '\0';
}

elbo_status rundir_choose(cli *c, const char *data, const char *family, char out[MAX_PATH])
{
    char base[128];
    struct stat st;
    base_name(data, base, sizeof base);
    for (int i = 1; i < 10000; i++) {
        int n = snprintf(out, MAX_PATH, "runs/%s-%s", base[0] ? base : "data", family);
        if (i > 1) snprintf(out + n, MAX_PATH - (size_t)n, "-%d", i);
        if (lstat(out, &st) != 0 && errno == ENOENT) return ELBO_OK;
    }
    return fail(c, ELBO_USAGE, "no free name like %s; give one with --out", out);
}

/* ---- Removing a run ---- */

/* What elbo train leaves in a run directory; killed while it writes one of them, also NAME.<number>-<number>.tmp. */
static const char *const run_files[] = {
    RUN_CONFIG,         "run.json",             "metrics.jsonl",    "metrics.csv",     "times.jsonl",
    "last.safetensors", "previous.safetensors", "best.safetensors", "new.safetensors", "report.html",
    "curves.png",       "samples.png",          "pairs.png",        "originals.png",   "reconstructions.png",
    "train-*.png",      "pictures/epoch-*.png", "tensorboard/*/events.out.tfevents.elbo",
};

static bool is_run_file(const char *name)
{
    char unfinished[64];
    for (size_t i = 0; i < sizeof run_files / sizeof *run_files; i++) {
        snprintf(unfinished, sizeof unfinished, "%s.[0-9]*-[0-9]*.tmp", run_files[i]);
        if (fnmatch(run_files[i], name, FNM_PATHNAME) == 0 || fnmatch(unfinished, name, FNM_PATHNAME) == 0) return true;
    }
    return false;
}

static bool is_run_folder(const char *name)
{
    static const char *const folders[] = {"pictures", "tensorboard", "tensorboard/train", "tensorboard/valid"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strcmp(folders[i], name) == 0) return true;
    return false;
}

typedef elbo_status visit_fn(cli *c, const char *path, const char *name, bool is_directory);

static elbo_status walk(cli *c, const char *root, const char *inside, visit_fn *visit);

/* Visits one entry of a run directory, name being its path in there, and first what is in it. */
static elbo_status walk_entry(cli *c, const char *root, const char *name, visit_fn *visit)
{
    char path[MAX_PATH];
    struct stat st;
    if (snprintf(path, sizeof path, "%s/%s", root, name) >= MAX_PATH || lstat(path, &st) != 0) {
        return fail(c, ELBO_IO, "can't look at %s: %s", path, strerror(errno));
    }
    elbo_status status = S_ISDIR(st.st_mode) ? walk(c, root, name, visit) : ELBO_OK;
    return status == ELBO_OK ? visit(c, path, name, S_ISDIR(st.st_mode)) : status;
}

static elbo_status walk(cli *c, const char *root, const char *inside, visit_fn *visit)
{
    char path[MAX_PATH], name[MAX_PATH];
    const char *slash = inside[0] ? "/" : "";
    DIR *d = snprintf(path, sizeof path, "%s%s%s", root, slash, inside) < MAX_PATH ? opendir(path) : NULL;
    if (!d) return fail(c, ELBO_IO, "can't look into %s: %s", path, strerror(errno));
    elbo_status status = ELBO_OK;
    for (struct dirent *e; status == ELBO_OK && (e = readdir(d)) != NULL;) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        int n = snprintf(name, sizeof name, "%s%s%s", inside, slash, e->d_name);
        status = n < MAX_PATH ? walk_entry(c, root, name, visit) : fail(c, ELBO_IO, "%s: a path is too long", root);
    }
    closedir(d);
    return status;
}

static elbo_status check_entry(cli *c, const char *path, const char *name, bool is_directory)
{
    if (is_directory ? is_run_folder(name) : is_run_file(name)) return ELBO_OK;
    return fail(c, ELBO_USAGE, "%s is not elbo's, so nothing was removed; move it away, or choose another --out", path);
}

static elbo_status remove_entry(cli *c, const char *path, const char *name, bool is_directory)
{
    (void)name;
    if ((is_directory ? rmdir(path) : unlink(path)) == 0) return ELBO_OK;
    return fail(c, ELBO_IO, "can't remove %s: %s", path, strerror(errno));
}

static elbo_status refuse_entry(cli *c, const char *path, const char *name, bool is_directory)
{
    (void)name, (void)is_directory;
    return fail(c, ELBO_USAGE, "%s is there", path);
}

static bool has_file(const char *directory, const char *name)
{
    char path[MAX_PATH];
    return snprintf(path, sizeof path, "%s/%s", directory, name) < MAX_PATH && access(path, F_OK) == 0;
}

elbo_status rundir_clear(cli *c, const char *path, bool overwrite)
{
    struct stat st;
    if (stat(path, &st) != 0) return errno == ENOENT ? ELBO_OK : fail(c, ELBO_IO, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode)) return fail(c, ELBO_USAGE, "%s is there and is no directory; choose another --out", path);
    elbo_status status = walk(c, path, "", refuse_entry);
    if (status != ELBO_USAGE) return status; /* it is empty, or can't be read */
    if (!has_file(path, RUN_CONFIG) && !has_file(path, "last.safetensors")) {
        return fail(c, ELBO_USAGE, "%s is there and is not an elbo run; choose another --out", path);
    }
    if (!overwrite) {
        return fail(c, ELBO_USAGE, "%s is a run already; go on with it (--resume), replace it (--overwrite), or choose "
                    "another --out", path);
    }
    status = walk(c, path, "", check_entry);
    return status == ELBO_OK ? walk(c, path, "", remove_entry) : status;
}
