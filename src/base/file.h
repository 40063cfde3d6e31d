/* file.h - reading whole files, writing them atomically, appending to logs, and directories.
 *
 * Saving follows one rule: open a new name exclusively, write, fsync, close (checked), rename, fsync the directory. A
 * failed write leaves the old file and no leftovers. Results that can be computed again are not flushed. Every system
 * call goes through the retrying helpers of file.c, so EINTR and short writes are handled in one place. Errors carry the
 * path and the operating system's reason. */
#ifndef ELBO_BASE_FILE_H
#define ELBO_BASE_FILE_H

#include "error.h"
#include "mem.h"

/* Reads a whole regular file of at most max_size bytes. *bytes is freed with mem_free and followed by a zero byte that
 * size does not count. Errors: IO, BAD_FILE (larger than max_size), NO_MEMORY. */
elbo_status file_read(memory m, const char *path, size_t max_size, unsigned char **bytes, size_t *size,
                      elbo_error *error);

/* Opens a regular file to be read by offset; closed with file_close. Errors: IO. */
elbo_status file_open(const char *path, int *file, uint64_t *size, elbo_error *error);
/* Reads size bytes from offset on; *got is less only where the file ends. Errors: IO. */
elbo_status file_read_at(int file, const char *path, uint64_t offset, void *bytes, size_t size, size_t *got,
                         elbo_error *error);
/* Says that these bytes will be read soon. */
void file_will_read(int file, uint64_t offset, size_t size);
/* A second handle of an open file. Errors: IO. */
elbo_status file_share(int file, const char *path, int *out, elbo_error *error);
void file_close(int file); /* negative: nothing */
/* Reads the first size bytes of a regular file; *got is less only where it ends before. Errors: IO. */
elbo_status file_read_head(const char *path, void *bytes, size_t size, size_t *got, elbo_error *error);

/* Which file it is, and in which state: a copy is another file, and any change makes another state. Errors: IO. */
typedef struct file_identity {
    char file[64], state[64];
} file_identity;
elbo_status file_identify(int file, const char *path, file_identity *out, elbo_error *error);

/* Calls visit for every name in a directory but "." and "..", in no order, until it fails. Errors: IO, those of visit. */
typedef elbo_status (*file_visit)(void *user, const char *name, elbo_error *error);
elbo_status file_list(const char *directory, file_visit visit, void *user, elbo_error *error);

/* A piece of a file to be written. */
typedef struct file_part {
    const void *bytes;
    size_t size;
} file_part;

/* Replaces path by the parts one after another, atomically and durably. What a link points to is replaced, a device or
 * pipe is written to. Errors: IO (path, bytes wanted, reason). */
elbo_status file_write(memory m, const char *path, const file_part *parts, size_t n_parts, elbo_error *error);
/* The same without waiting for the disk, for what can be computed again, as a picture: a program that ends or is killed leaves
 * the old file or the new one, a power cut may leave an empty one. */
elbo_status file_write_result(memory m, const char *path, const file_part *parts, size_t n_parts, elbo_error *error);

/* The same piece by piece; path must stay valid. After a success of file_begin, file_end replaces path if the status given to it
 * is ELBO_OK, and else leaves no trace; it returns that status, or its own failure. */
typedef struct file_draft {
    memory m;
    const char *path;
    char *name;
    int file;
    bool hasty; /* the disk is not waited for */
} file_draft;
elbo_status file_begin(file_draft *d, memory m, const char *path, elbo_error *error);
elbo_status file_add(file_draft *d, const void *bytes, size_t size, elbo_error *error);
elbo_status file_end(file_draft *d, elbo_status status, elbo_error *error);

/* Appends bytes to path (created when missing) in one write; not synced. A failed append leaves what was there. */
elbo_status file_append(const char *path, const void *bytes, size_t size, elbo_error *error);
/* Cuts path to size bytes; an error when it is shorter. */
elbo_status file_truncate(const char *path, uint64_t size, elbo_error *error);
/* Flushes a file to the disk. */
elbo_status file_sync(const char *path, elbo_error *error);

/* What is at a path, from FILE_DIRECTORY on a directory. A link is what it leads to. */
typedef enum file_kind { FILE_NONE, FILE_OTHER, FILE_DIRECTORY, FILE_LINKED_DIRECTORY } file_kind;
/* Errors: IO (it can't be known). */
elbo_status file_look(const char *path, file_kind *kind, elbo_error *error);
/* False only where there is nothing for certain: what can't be looked at counts as there, and opening it tells why not. */
bool file_exists(const char *path);
/* Makes a directory and its parents; one that exists is fine. */
elbo_status file_make_directory(const char *path, elbo_error *error);
/* Renames; durably. */
elbo_status file_rename(const char *from, const char *to, elbo_error *error);
/* Removes a file; one that does not exist is fine. */
elbo_status file_remove(const char *path, elbo_error *error);
/* Removes the temporary names that a killed file_write left in a directory. */
elbo_status file_remove_leftovers(memory m, const char *directory, elbo_error *error);
/* Holds a directory against other holders, in this process and others, until file_release or the end of the process; wait: as
 * soon as it is free. On file systems that can't, it holds nothing. Errors: IO, USAGE (someone else holds it). */
elbo_status file_hold(const char *directory, bool wait, int *held, elbo_error *error);
void file_release(int held);
/* "directory/name", freed with mem_free; NULL out of memory. */
char *file_join(memory m, const char *directory, const char *name);

#endif
