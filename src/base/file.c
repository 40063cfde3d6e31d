/* file.c - see file.h
 *
 * EINTR is met in one macro and short transfers in two loops. After a failing step errno is kept in a variable at once,
 * because tidying up (close, unlink) would overwrite it. */
#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#if !defined PATH_MAX
#define PATH_MAX 4096
#endif

enum { NAME_TRIES = 100 };

/* Evaluates call until something else than a signal ends it. */
#define RETRY(result, call)                                                                                            \
    do (result) = (call);                                                                                              \
    while ((result) < 0 && errno == EINTR)

/* ---- Errors ---- */

/* "cannot <verb> '<path>': <reason>", of an errno. */
static elbo_status fail(elbo_error *error, const char *verb, const char *path, int reason)
{
    char text[128];
    if (strerror_r(reason, text, sizeof text)) snprintf(text, sizeof text, "error %d", reason);
    return err_set(error, reason == ENOMEM ? ELBO_NO_MEMORY : ELBO_IO, "cannot %s '%.700s': %s", verb, path, text);
}

static elbo_status fail_write(elbo_error *error, const char *path, uint64_t bytes, int reason)
{
    char verb[64];
    snprintf(verb, sizeof verb, "write %" PRIu64 " bytes to", bytes);
    return fail(error, verb, path, reason);
}

/* ---- System calls, retried; each returns 0 or an errno ---- */

static int open_file(const char *path, int flags, mode_t mode, int *fd)
{
    RETRY(*fd, open(path, flags | O_CLOEXEC, mode));
    return *fd < 0 ? errno : 0;
}

/* Closes after what went before: the first error is the one that counts. */
static int close_after(int reason, int fd)
{
    if (close(fd) && errno != EINTR && !reason) reason = errno; /* EINTR: it is closed all the same */
    return reason;
}

static int sync_file(int fd)
{
    int result;
    RETRY(result, fsync(fd));
    return result ? errno : 0;
}

static int truncate_file(int fd, uint64_t size)
{
    int result;
    RETRY(result, ftruncate(fd, (off_t)size));
    return result ? errno : 0;
}

static int write_bytes(int fd, const void *bytes, size_t size)
{
    for (const char *at = bytes; size > 0;) {
        ssize_t n;
        RETRY(n, write(fd, at, size));
        if (n <= 0) return n ? errno : EIO;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

/* *got is less than size only at the end of the file. */
static int read_bytes(int fd, void *bytes, size_t size, size_t *got)
{
    *got = 0;
    while (*got < size) {
        ssize_t n;
        RETRY(n, read(fd, (char *)bytes + *got, size - *got));
        if (n < 0) return errno;
        if (n == 0) return 0;
        *got += (size_t)n;
    }
    return 0;
}

static int sync_path(const char *path, int flags)
{
    int fd, reason = open_file(path, O_RDONLY | flags, 0, &fd);
    return reason ? reason : close_after(sync_file(fd), fd);
}

/* Flushes the directory path lies in, so that a new name in it survives a power cut. */
static int sync_directory_of(const char *path)
{
    char directory[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof directory) return ENAMETOOLONG;
    if (n) memcpy(directory, path, n);
    else directory[n++] = slash ? '/' : '.';
    directory[n] = 0;
    int reason = sync_path(directory, O_DIRECTORY);
    return reason == EINVAL ? 0 : reason; /* a file system without it */
}

/* ---- Reading ---- */

static elbo_status read_open(memory m, int fd, const char *path, size_t max_size, unsigned char **bytes, size_t *size,
                             elbo_error *error)
{
    struct stat s;
    if (fstat(fd, &s)) return fail(error, "read", path, errno);
    if (S_ISDIR(s.st_mode)) return fail(error, "read", path, EISDIR);
    if (!S_ISREG(s.st_mode)) return err_set(error, ELBO_IO, "cannot read '%.700s': it is not a regular file", path);
    if ((uint64_t)s.st_size > max_size || (uint64_t)s.st_size >= SIZE_MAX)
        return err_set(error, ELBO_BAD_FILE, "'%.700s' has %" PRIu64 " bytes; at most %zu are expected", path,
                       (uint64_t)s.st_size, max_size);
    size_t wanted = (size_t)s.st_size;
    unsigned char *block = mem_new(m, wanted + 1, 1);
    if (!block) return err_set(error, ELBO_NO_MEMORY, "out of memory: reading %zu bytes of '%.700s'", wanted, path);
    int reason = read_bytes(fd, block, wanted, size);
    if (reason || *size < wanted) {
        mem_free(m, block);
        if (reason) return fail(error, "read", path, reason);
        return err_set(error, ELBO_IO, "'%.700s' ended after %zu of %zu bytes: it changed while it was read", path,
                       *size, wanted);
    }
    *bytes = block;
    return ELBO_OK;
}

elbo_status file_read(memory m, const char *path, size_t max_size, unsigned char **bytes, size_t *size,
                      elbo_error *error)
{
    int fd, reason = open_file(path, O_RDONLY | O_NONBLOCK, 0, &fd); /* not to wait for the writer of a pipe */
    if (reason) return fail(error, "open", path, reason);
    elbo_status status = read_open(m, fd, path, max_size, bytes, size, error);
    close_after(0, fd);
    return status;
}

elbo_status file_open(const char *path, int *file, uint64_t *size, elbo_error *error)
{
    struct stat s;
    int reason = open_file(path, O_RDONLY | O_NONBLOCK, 0, file);
    if (reason) return fail(error, "open", path, reason);
    if (fstat(*file, &s)) reason = errno;
    else if (S_ISDIR(s.st_mode)) reason = EISDIR;
    *size = reason ? 0 : (uint64_t)s.st_size;
    if (!reason && S_ISREG(s.st_mode)) return ELBO_OK;
    close_after(0, *file);
    *file = -1;
    if (reason) return fail(error, "read", path, reason);
    return err_set(error, ELBO_IO, "cannot read '%.700s': it is not a regular file", path);
}

elbo_status file_read_at(int file, const char *path, uint64_t offset, void *bytes, size_t size, size_t *got,
                         elbo_error *error)
{
    *got = 0;
    while (*got < size) {
        ssize_t n;
        RETRY(n, pread(file, (char *)bytes + *got, size - *got, (off_t)(offset + *got)));
        if (n < 0) return fail(error, "read", path, errno);
        if (n == 0) break;
        *got += (size_t)n;
    }
    return ELBO_OK;
}

void file_will_read(int file, uint64_t offset, size_t size)
{
    (void)posix_fadvise(file, (off_t)offset, (off_t)size, POSIX_FADV_WILLNEED);
}

elbo_status file_share(int file, const char *path, int *out, elbo_error *error)
{
    RETRY(*out, fcntl(file, F_DUPFD_CLOEXEC, 0));
    return *out < 0 ? fail(error, "open", path, errno) : ELBO_OK;
}

elbo_status file_identify(int file, const char *path, file_identity *out, elbo_error *error)
{
    struct stat s;
    if (fstat(file, &s)) return fail(error, "read", path, errno);
    snprintf(out->file, sizeof out->file, "%" PRIxMAX "-%" PRIxMAX, (uintmax_t)s.st_dev, (uintmax_t)s.st_ino);
    snprintf(out->state, sizeof out->state, "%" PRIxMAX "-%" PRIxMAX "-%lx", (uintmax_t)s.st_size, (uintmax_t)s.st_ctim.tv_sec,
             (unsigned long)s.st_ctim.tv_nsec);
    return ELBO_OK;
}

void file_close(int file)
{
    if (file >= 0) close_after(0, file);
}

elbo_status file_read_head(const char *path, void *bytes, size_t size, size_t *got, elbo_error *error)
{
    int file;
    uint64_t whole;
    elbo_status status = file_open(path, &file, &whole, error);
    if (status == ELBO_OK) status = file_read_at(file, path, 0, bytes, size, got, error);
    file_close(file);
    return status;
}

static int open_directory(const char *path, DIR **d)
{
    int fd, reason = open_file(path, O_RDONLY | O_DIRECTORY, 0, &fd);
    if (reason) return reason;
    *d = fdopendir(fd);
    return *d ? 0 : close_after(errno, fd);
}

elbo_status file_list(const char *directory, file_visit visit, void *user, elbo_error *error)
{
    DIR *d;
    int reason = open_directory(directory, &d);
    if (reason) return fail(error, "look into", directory, reason);
    elbo_status status = ELBO_OK;
    for (struct dirent *e; status == ELBO_OK && (errno = 0, e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) status = visit(user, e->d_name, error);
    if (status == ELBO_OK && errno) status = fail(error, "look into", directory, errno);
    closedir(d);
    return status;
}

/* ---- Writing atomically ---- */

static int write_parts(int fd, const file_part *parts, size_t n_parts)
{
    int reason = 0;
    for (size_t i = 0; i < n_parts && !reason; i++) reason = write_bytes(fd, parts[i].bytes, parts[i].size);
    return reason;
}

static uint64_t size_of_parts(const file_part *parts, size_t n_parts)
{
    uint64_t size = 0;
    for (size_t i = 0; i < n_parts; i++) size += parts[i].size;
    return size;
}

/* Opens a name next to path that nobody has: path.<process>-<try>.tmp. */
static int open_temporary(const char *path, mode_t mode, char *name, size_t room, int *fd)
{
    int reason = EEXIST;
    for (int i = 0; i < NAME_TRIES && reason == EEXIST; i++) {
        snprintf(name, room, "%s.%ld-%d.tmp", path, (long)getpid(), i);
        reason = open_file(name, O_WRONLY | O_CREAT | O_EXCL, mode, fd);
    }
    return reason;
}

/* The steps of replacing a file; each returns 0 or an errno. */
static int draft_begin(file_draft *d, memory m, const char *path, mode_t mode)
{
    size_t room = strlen(path) + 48;
    *d = (file_draft){.m = m, .path = path, .name = mem_new(m, room, 1), .file = -1};
    int reason = d->name ? open_temporary(path, mode, d->name, room, &d->file) : ENOMEM;
    if (reason) mem_free(m, d->name);
    return reason;
}

static int draft_end(file_draft *d, int reason)
{
    if (!reason && !d->hasty) reason = sync_file(d->file);
    reason = close_after(reason, d->file);
    if (!reason && rename(d->name, d->path)) reason = errno;
    if (reason) unlink(d->name);
    mem_free(d->m, d->name);
    return reason || d->hasty ? reason : sync_directory_of(d->path);
}

static int replace(memory m, const char *path, mode_t mode, const file_part *parts, size_t n_parts, bool hasty)
{
    file_draft d;
    int reason = draft_begin(&d, m, path, mode);
    d.hasty = hasty;
    return reason ? reason : draft_end(&d, write_parts(d.file, parts, n_parts));
}

static int write_into(const char *path, const file_part *parts, size_t n_parts)
{
    int fd, reason = open_file(path, O_WRONLY, 0, &fd);
    return reason ? reason : close_after(write_parts(fd, parts, n_parts), fd);
}

/* A link stays, and what it points to is replaced; a device or a pipe (/dev/null, /dev/stdout) must not be replaced. */
static int write_to(memory m, const char *path, const file_part *parts, size_t n_parts, bool hasty)
{
    struct stat s;
    if (lstat(path, &s)) return errno == ENOENT ? replace(m, path, 0666, parts, n_parts, hasty) : errno;
    char target[PATH_MAX];
    if (S_ISLNK(s.st_mode)) {
        if (stat(path, &s) || !realpath(path, target)) return errno;
        path = target;
    }
    if (S_ISDIR(s.st_mode)) return EISDIR;
    if (!S_ISREG(s.st_mode)) return write_into(path, parts, n_parts);
    return replace(m, path, s.st_mode & 0777, parts, n_parts, hasty);
}

elbo_status file_write(memory m, const char *path, const file_part *parts, size_t n_parts, elbo_error *error)
{
    int reason = write_to(m, path, parts, n_parts, false);
    return reason ? fail_write(error, path, size_of_parts(parts, n_parts), reason) : ELBO_OK;
}

elbo_status file_write_result(memory m, const char *path, const file_part *parts, size_t n_parts, elbo_error *error)
{
    int reason = write_to(m, path, parts, n_parts, true);
    return reason ? fail_write(error, path, size_of_parts(parts, n_parts), reason) : ELBO_OK;
}

elbo_status file_begin(file_draft *d, memory m, const char *path, elbo_error *error)
{
    int reason = draft_begin(d, m, path, 0600);
    return reason ? fail(error, "write", path, reason) : ELBO_OK;
}

elbo_status file_add(file_draft *d, const void *bytes, size_t size, elbo_error *error)
{
    int reason = write_bytes(d->file, bytes, size);
    return reason ? fail_write(error, d->path, size, reason) : ELBO_OK;
}

elbo_status file_end(file_draft *d, elbo_status status, elbo_error *error)
{
    int reason = draft_end(d, status == ELBO_OK ? 0 : ECANCELED);
    return status != ELBO_OK || !reason ? status : fail(error, "write", d->path, reason);
}

/* ---- Logs ---- */

/* Appends all of bytes, or cuts what could be written away again. */
static int append_whole(int fd, const void *bytes, size_t size)
{
    struct stat before;
    if (fstat(fd, &before)) return errno;
    int reason = write_bytes(fd, bytes, size);
    if (reason && S_ISREG(before.st_mode)) truncate_file(fd, (uint64_t)before.st_size);
    return reason;
}

elbo_status file_append(const char *path, const void *bytes, size_t size, elbo_error *error)
{
    int fd, reason = open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0666, &fd);
    if (!reason) reason = close_after(append_whole(fd, bytes, size), fd);
    return reason ? fail_write(error, path, size, reason) : ELBO_OK;
}

elbo_status file_truncate(const char *path, uint64_t size, elbo_error *error)
{
    struct stat s = {0};
    int fd, reason = open_file(path, O_WRONLY, 0, &fd);
    if (reason) return fail(error, "cut", path, reason);
    if (fstat(fd, &s)) reason = errno;
    bool shorter = !reason && (uint64_t)s.st_size < size;
    if (!reason && !shorter) reason = truncate_file(fd, size);
    reason = close_after(reason, fd);
    if (shorter)
        return err_set(error, ELBO_IO, "'%.700s' has %" PRIu64 " bytes where at least %" PRIu64 " are expected", path,
                       (uint64_t)s.st_size, size);
    return reason ? fail(error, "cut", path, reason) : ELBO_OK;
}

elbo_status file_sync(const char *path, elbo_error *error)
{
    int reason = sync_path(path, 0);
    return reason ? fail(error, "flush", path, reason) : ELBO_OK;
}

/* ---- Names ---- */

static int look(const char *path, file_kind *kind)
{
    struct stat s;
    *kind = FILE_NONE;
    if (stat(path, &s)) return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? 0 : errno;
    *kind = FILE_OTHER;
    if (!S_ISDIR(s.st_mode)) return 0;
    if (lstat(path, &s)) return errno;
    *kind = S_ISLNK(s.st_mode) ? FILE_LINKED_DIRECTORY : FILE_DIRECTORY;
    return 0;
}

elbo_status file_look(const char *path, file_kind *kind, elbo_error *error)
{
    int reason = look(path, kind);
    return reason ? fail(error, "look at", path, reason) : ELBO_OK;
}

bool file_exists(const char *path)
{
    file_kind kind;
    return look(path, &kind) || kind != FILE_NONE;
}

/* mkdir, where a directory that exists is fine: some systems have other reasons than EEXIST for one. */
static int make_one(const char *path)
{
    if (mkdir(path, 0777) == 0) return 0;
    int reason = errno;
    file_kind kind;
    if (!look(path, &kind) && kind >= FILE_DIRECTORY) return 0;
    return reason == EEXIST ? ENOTDIR : reason;
}

elbo_status file_make_directory(const char *path, elbo_error *error)
{
    char prefix[PATH_MAX];
    size_t n = strlen(path);
    if (n >= sizeof prefix) return fail(error, "make directory", path, ENAMETOOLONG);
    for (size_t i = 1; i <= n; i++) {
        if (path[i] && path[i] != '/') continue;
        memcpy(prefix, path, i);
        prefix[i] = 0;
        int reason = make_one(prefix);
        if (reason) return fail(error, "make directory", prefix, reason);
    }
    return ELBO_OK;
}

elbo_status file_rename(const char *from, const char *to, elbo_error *error)
{
    int reason = rename(from, to) ? errno : sync_directory_of(to);
    if (!reason) reason = sync_directory_of(from);
    if (!reason) return ELBO_OK;
    fail(error, "rename to it", to, reason);
    return err_prefix(error, "'%.200s'", from);
}

elbo_status file_remove(const char *path, elbo_error *error)
{
    return unlink(path) && errno != ENOENT ? fail(error, "remove", path, errno) : ELBO_OK;
}

/* Whether a name ends as those of open_temporary: .<digits>-<digits>.tmp */
static bool is_temporary(const char *name)
{
    static const char digits[] = "0123456789";
    for (const char *at = strchr(name, '.'); at; at = strchr(at + 1, '.')) {
        size_t process = strspn(at + 1, digits);
        const char *dash = at + 1 + process;
        size_t try = *dash == '-' ? strspn(dash + 1, digits) : 0;
        if (process && try && strcmp(dash + 1 + try, ".tmp") == 0) return true;
    }
    return false;
}

typedef struct sweep {
    memory m;
    const char *directory;
} sweep;

static elbo_status sweep_name(void *user, const char *name, elbo_error *error)
{
    const sweep *s = user;
    if (!is_temporary(name)) return ELBO_OK;
    char *path = file_join(s->m, s->directory, name);
    elbo_status status = path ? file_remove(path, error) : err_memory(error, "a path");
    mem_free(s->m, path);
    return status;
}

elbo_status file_remove_leftovers(memory m, const char *directory, elbo_error *error)
{
    sweep s = {m, directory};
    return file_exists(directory) ? file_list(directory, sweep_name, &s, error) : ELBO_OK;
}

elbo_status file_hold(const char *directory, bool wait, int *held, elbo_error *error)
{
    int fd, result, reason = open_file(directory, O_RDONLY | O_DIRECTORY, 0, &fd);
    *held = -1;
    if (reason) return fail(error, "open", directory, reason);
    RETRY(result, flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB));
    if (result && errno == EWOULDBLOCK) {
        close_after(0, fd);
        return err_set(error, ELBO_USAGE, "'%.700s' is in use: another run writes into it; wait for its end", directory);
    }
    *held = fd;
    return ELBO_OK;
}

void file_release(int held)
{
    if (held >= 0) close_after(0, held);
}

char *file_join(memory m, const char *directory, const char *name)
{
    size_t n = strlen(directory), room;
    if (!size_add(n, strlen(name) + 2, &room)) return NULL;
    char *joined = mem_new(m, room, 1);
    if (joined) snprintf(joined, room, "%s%s%s", directory, n == 0 || directory[n - 1] == '/' ? "" : "/", name);
    return joined;
}
