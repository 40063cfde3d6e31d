/* failing_calls.h - system calls that fail. On Linux the calls of the library are caught by functions of the test program that
 * bear their names: each can be made to fail once, and all of them to be interrupted and to transfer a few bytes only. */
#ifndef ELBO_TESTS_FAILING_CALLS_H
#define ELBO_TESTS_FAILING_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *call; /* which one fails, NULL: none, "": each of them is one */
    atomic_int after; /* how many of it go well before */
    int reason;       /* 0: a call that reads finds no more bytes */
    bool happened;
    bool choppy; /* every other call is interrupted, and 7 bytes at most are transferred */
} fault;

static inline void all_well(void)
{
    fault.call = NULL;
    fault.choppy = fault.happened = false;
}

static inline void fail_at(const char *call, int after, int reason)
{
    all_well();
    fault.call = call;
    fault.after = after;
    fault.reason = reason;
}

#if defined __linux__ && defined __GNUC__
#include <stdarg.h>
#include <sys/syscall.h>

static bool is_meant(const char *call)
{
    if (!fault.call) return false;
    return fault.call[0] ? strcmp(fault.call, call) == 0 : fault.reason || strstr(call, "read");
}

static bool fails(const char *call)
{
    static bool odd;
    if (fault.choppy && (odd = !odd)) {
        errno = EINTR;
        return true;
    }
    if (!is_meant(call) || fault.after-- != 0) return false;
    errno = fault.reason;
    return fault.happened = true;
}

static size_t at_most(size_t size)
{
    return fault.choppy && size > 7 ? 7 : size;
}

/* What a call that reads returns, then. */
static int failure(void)
{
    return errno ? -1 : 0;
}

/* The name after __asm__ is the one the linker knows. */
int caught_open(const char *path, int flags, mode_t mode) __asm__("open");
int caught_fcntl(int fd, int command, ...) __asm__("fcntl");
ssize_t caught_read(int fd, void *bytes, size_t size) __asm__("read");
ssize_t caught_pread(int fd, void *bytes, size_t size, off_t offset) __asm__("pread");
ssize_t caught_write(int fd, const void *bytes, size_t size) __asm__("write");
int caught_fsync(int fd) __asm__("fsync");
int caught_ftruncate(int fd, off_t size) __asm__("ftruncate");
int caught_close(int fd) __asm__("close");
int caught_rename(const char *from, const char *to) __asm__("rename");

int caught_open(const char *path, int flags, mode_t mode)
{
    return fails("open") ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int caught_fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    long argument = va_arg(args, long);
    va_end(args);
    return fails("fcntl") ? -1 : (int)syscall(SYS_fcntl, fd, command, argument);
}

ssize_t caught_read(int fd, void *bytes, size_t size)
{
    return fails("read") ? failure() : syscall(SYS_read, fd, bytes, at_most(size));
}

ssize_t caught_pread(int fd, void *bytes, size_t size, off_t offset)
{
    return fails("pread") ? failure() : syscall(SYS_pread64, fd, bytes, at_most(size), offset);
}

ssize_t caught_write(int fd, const void *bytes, size_t size)
{
    return fails("write") ? -1 : syscall(SYS_write, fd, bytes, at_most(size));
}

int caught_fsync(int fd)
{
    return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int caught_ftruncate(int fd, off_t size)
{
    return fails("ftruncate") ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int caught_close(int fd)
{
    int result = (int)syscall(SYS_close, fd); /* a failing close closes, too */
    return fails("close") ? -1 : result;
}

int caught_rename(const char *from, const char *to)
{
    return fails("rename") ? -1 : renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static const bool can_fail = true;
#else
static const bool can_fail = false;
#endif

#endif
