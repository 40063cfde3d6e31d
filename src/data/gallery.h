/* gallery.h - the list of the pictures in a folder, in an archive, or in one file: names, places, labels.
 *
 * Order: by name, byte by byte, so that an index means the same picture everywhere. Folders that all pictures lie in
 * are left aside; of what remains of a name the first folder is the picture's class, where there is more than one of
 * them (classes are numbered in the order of their names; a picture in no folder has none, -1). If those folders are
 * just "test" and "train", they are the parts of the set instead, training first, and the folders below are the
 * classes.
 *
 * Names come from strangers: they are compared and shown, and opened only where a folder was listed. */
#ifndef ELBO_DATA_GALLERY_H
#define ELBO_DATA_GALLERY_H

#include "data.h"
#include "seek.h"

typedef struct gallery_item {
    size_t name;           /* where it begins in names */
    uint64_t offset, size; /* in an archive */
    int32_t label;
    bool broken;
    data_part part; /* DATA_TRAIN or DATA_TEST where the folders say so, else DATA_ALL */
} gallery_item;

typedef struct gallery {
    memory m;
    const char *root;   /* the folder, the archive or the file itself */
    seek_file *archive; /* NULL: files */
    gallery_item *items;
    size_t n, room;
    char *names; /* each ends with a zero */
    size_t n_names, names_room;
    int64_t n_classes;
    bool parted;
} gallery;

/* Lists the pictures at path, which must stay valid; an empty list is no error. Errors: IO, BAD_FILE (a broken
 * archive), NO_MEMORY. */
elbo_status gallery_open(gallery *g, memory m, const char *path, elbo_error *error);
void gallery_close(gallery *g);
static inline const char *gallery_name(const gallery *g, size_t i)
{
    return g->names + g->items[i].name;
}

/* Drops the items marked broken. */
void gallery_drop_broken(gallery *g);
/* Narrows the list to one part, where it has parts of its own. */
void gallery_take_part(gallery *g, data_part part);

/* Adds a picture, if its name is that of one. Errors: NO_MEMORY. */
elbo_status gallery_add(gallery *g, const char *name, uint64_t offset, uint64_t size, elbo_error *error);

/* Numbers words [n] as labels in the order of their bytes; NULL is -1. Errors: NO_MEMORY. */
elbo_status gallery_number(gallery *g, const char *const *word, elbo_error *error);

/* Gives labels from a table of comma-separated values: the first line names the columns, the first column holds file
 * names, of which each stands for all pictures whose name ends in it. The labels are in the column named (NULL: the
 * second). Where they all are whole numbers from -1 to 999999 they are taken as they are (-1: none), else as words,
 * numbered in the order of their bytes. A picture the table lacks has no label, -1. Errors: IO, BAD_FILE, USAGE (no
 * such column), NO_MEMORY. */
elbo_status gallery_label(gallery *g, const char *path, const char *column, elbo_error *error);

#endif
