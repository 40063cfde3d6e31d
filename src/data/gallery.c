/* gallery.c - see gallery.h */
#include "gallery.h"

#include "../base/file.h"
#include "picture.h"
#include "tar.h"

#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 32 };

/* ---- Adding ---- */

/* Makes room for one more of size bytes; doubles, so that adding n costs n. */
static bool make_room(memory m, void **block, size_t used, size_t *room, size_t more, size_t size)
{
    size_t wanted;
    if (!size_add(used, more, &wanted)) return false;
    if (wanted <= *room) return true;
    if (wanted < 2 * *room) wanted = 2 * *room;
    void *grown = mem_resize(m, *block, wanted, size);
    if (!grown) return false;
    *block = grown;
    *room = wanted;
    return true;
}

elbo_status gallery_add(gallery *g, const char *name, uint64_t offset, uint64_t size, elbo_error *error)
{
    if (!picture_has_name(name)) return ELBO_OK;
    size_t n = strlen(name) + 1;
    void *items = g->items, *names = g->names;
    bool fits = make_room(g->m, &items, g->n, &g->room, 1, sizeof *g->items);
    g->items = items;
    fits = fits && make_room(g->m, &names, g->n_names, &g->names_room, n, 1);
    g->names = names;
    if (!fits) return err_memory(error, "the list of the pictures");
    memcpy(g->names + g->n_names, name, n);
    g->items[g->n++] = (gallery_item){.name = g->n_names, .offset = offset, .size = size, .label = -1};
    g->n_names += n;
    return ELBO_OK;
}

typedef struct walker {
    gallery *g;
    const char *below; /* the folder at hand, from root; "" for root itself */
    int depth;
} walker;

static elbo_status walk(walker *w, elbo_error *error);

/* Links to files are followed, links to folders not: they may lead in circles. */
static elbo_status visit(void *user, const char *name, elbo_error *error)
{
    walker *w = user;
    gallery *g = w->g;
    char *below = *w->below ? file_join(g->m, w->below, name) : mem_copy_text(g->m, name);
    char *path = below ? file_join(g->m, g->root, below) : NULL;
    file_kind kind = FILE_NONE;
    elbo_status status = path ? file_look(path, &kind, error) : err_memory(error, "a path");
    bool wanted = status == ELBO_OK && name[0] != '.' && kind != FILE_LINKED_DIRECTORY;
    if (wanted && kind == FILE_DIRECTORY) status = walk(&(walker){g, below, w->depth + 1}, error);
    else if (wanted) status = gallery_add(g, below, 0, 0, error);
    mem_free(g->m, below);
    mem_free(g->m, path);
    return status;
}

static elbo_status walk(walker *w, elbo_error *error)
{
    gallery *g = w->g;
    if (w->depth > DEEPEST)
        return err_set(error, ELBO_USAGE, "%s/%s: folders are nested more than %d deep", g->root, w->below, DEEPEST);
    char *path = *w->below ? file_join(g->m, g->root, w->below) : mem_copy_text(g->m, g->root);
    if (!path) return err_memory(error, "a path");
    elbo_status status = file_list(path, visit, w, error);
    mem_free(g->m, path);
    return status;
}

/* ---- Order, parts, classes ---- */

/* What sorting compares; qsort passes no context, so each record carries its own. */
typedef struct record {
    const char *name;
    gallery_item item;
} record;

static int by_name(const void *a, const void *b)
{
    const record *x = a, *y = b;
    int order = strcmp(x->name, y->name); /* as unsigned bytes */
    if (order == 0) order = (x->item.offset > y->item.offset) - (x->item.offset < y->item.offset);
    return order;
}

static elbo_status sort(gallery *g, elbo_error *error)
{
    record *records = mem_new(g->m, g->n, sizeof *records);
    if (!records) return err_memory(error, "the list of the pictures");
    for (size_t i = 0; i < g->n; i++) records[i] = (record){gallery_name(g, i), g->items[i]};
    qsort(records, g->n, sizeof *records, by_name);
    for (size_t i = 0; i < g->n; i++) g->items[i] = records[i].item;
    mem_free(g->m, records);
    return ELBO_OK;
}

/* The length of the first folder of a name with its slash, from byte `from` on; 0: it lies in no folder. */
static size_t folder_length(const char *name, size_t from)
{
    const char *slash = strchr(name + from, '/');
    return slash ? (size_t)(slash - name) + 1 - from : 0;
}

/* How many bytes of the names are folders that all pictures lie in. Sorted, the first and the last name tell. */
static size_t shared_folders(const gallery *g)
{
    const char *first = gallery_name(g, 0), *last = gallery_name(g, g->n - 1);
    size_t from = 0, n;
    while ((n = folder_length(first, from)) > 0 && strncmp(first, last, from + n) == 0) from += n;
    return from;
}

static bool lies_in(const char *name, size_t from, const char *folder)
{
    size_t n = strlen(folder);
    return folder_length(name, from) == n + 1 && strncmp(name + from, folder, n) == 0;
}

/* Sets the parts, training before testing, if all pictures lie in two folders of these names. */
static elbo_status divide(gallery *g, size_t from, elbo_error *error)
{
    size_t n_test = 0;
    for (size_t i = 0; i < g->n; i++) {
        bool test = lies_in(gallery_name(g, i), from, "test");
        if (!test && !lies_in(gallery_name(g, i), from, "train")) return ELBO_OK;
        n_test += test;
    }
    if (n_test == 0 || n_test == g->n) return ELBO_OK;
    gallery_item *items = mem_new(g->m, g->n, sizeof *items);
    if (!items) return err_memory(error, "the list of the pictures");
    for (size_t i = 0; i < g->n; i++) {
        bool test = i < n_test;
        gallery_item *to = &items[test ? i + g->n - n_test : i - n_test];
        *to = g->items[i];
        to->part = test ? DATA_TEST : DATA_TRAIN;
    }
    mem_free(g->m, g->items);
    g->items = items;
    g->room = g->n;
    g->parted = true;
    return ELBO_OK;
}

/* Where the class of a picture begins in its name. */
static size_t class_at(const gallery *g, size_t i, size_t from)
{
    return g->parted ? from + folder_length(gallery_name(g, i), from) : from;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts n words and drops repetitions; returns how many are left. */
static size_t distinct(const char **words, size_t n)
{
    size_t kept = 0;
    qsort(words, n, sizeof *words, by_text);
    for (size_t i = 0; i < n; i++)
        if (kept == 0 || strcmp(words[kept - 1], words[i]) != 0) words[kept++] = words[i];
    return kept;
}

static int32_t rank_of(const char *word, const char *const *words, size_t n)
{
    const char *const *found = bsearch(&word, words, n, sizeof *words, by_text);
    return found ? (int32_t)(found - words) : -1;
}

elbo_status gallery_number(gallery *g, const char *const *word, elbo_error *error)
{
    const char **words = mem_new(g->m, g->n, sizeof *words);
    if (!words) return err_memory(error, "classes");
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++)
        if (word[i]) words[n++] = word[i];
    n = distinct(words, n);
    for (size_t i = 0; i < g->n; i++) g->items[i].label = word[i] ? rank_of(word[i], words, n) : -1;
    g->n_classes = (int64_t)n;
    mem_free(g->m, words);
    return ELBO_OK;
}

/* Classes from folders: the words are the folders' names. */
static elbo_status classify(gallery *g, size_t from, elbo_error *error)
{
    arena words;
    arena_open(&words, g->m);
    const char **word = arena_new(&words, g->n, sizeof *word);
    for (size_t i = 0; word && i < g->n; i++) {
        const char *folder = gallery_name(g, i) + class_at(g, i, from);
        size_t n = folder_length(folder, 0);
        if (n == 0) continue;
        char *copy = arena_new(&words, n, 1);
        if (copy) memcpy(copy, folder, n - 1);
        word[i] = copy;
    }
    elbo_status status = word && !words.failed ? gallery_number(g, word, error) : err_memory(error, "classes");
    arena_close(&words);
    if (status != ELBO_OK || g->n_classes > 1) return status;
    g->n_classes = 0; /* a single class tells nothing */
    for (size_t i = 0; i < g->n; i++) g->items[i].label = -1;
    return ELBO_OK;
}

/* ---- Life ---- */

static elbo_status list_archive(gallery *g, elbo_error *error)
{
    elbo_status status = seek_open(&g->archive, g->m, g->root, error);
    return status == ELBO_OK ? tar_list(g, g->archive, error) : status;
}

/* A list of one file, whose name is its path. */
static elbo_status list_file(gallery *g, elbo_error *error)
{
    g->names = mem_copy_text(g->m, "");
    g->items = mem_new(g->m, 1, sizeof *g->items);
    if (!g->names || !g->items) return err_memory(error, "a picture");
    g->items[0].label = -1;
    g->n = g->room = 1;
    return ELBO_OK;
}

static elbo_status list(gallery *g, elbo_error *error)
{
    walker w = {g, "", 0};
    file_kind kind;
    elbo_status status = file_look(g->root, &kind, error);
    if (status != ELBO_OK) return status;
    if (kind >= FILE_DIRECTORY) return walk(&w, error);
    bool tar;
    status = tar_begins(g->root, &tar, error);
    if (status != ELBO_OK) return status;
    return tar ? list_archive(g, error) : list_file(g, error);
}

elbo_status gallery_open(gallery *g, memory m, const char *path, elbo_error *error)
{
    *g = (gallery){.m = m, .root = path};
    elbo_status status = list(g, error);
    if (status != ELBO_OK || g->n == 0) return status;
    status = sort(g, error);
    if (status != ELBO_OK) return status;
    size_t from = shared_folders(g);
    status = divide(g, from, error);
    return status == ELBO_OK ? classify(g, from, error) : status;
}

void gallery_close(gallery *g)
{
    if (!g->m) return;
    seek_close(g->archive);
    mem_free(g->m, g->items);
    mem_free(g->m, g->names);
    *g = (gallery){.m = NULL};
}

void gallery_take_part(gallery *g, data_part part)
{
    if (!g->parted || part == DATA_ALL) return;
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++)
        if (g->items[i].part == part) g->items[n++] = g->items[i];
    g->n = n;
}

void gallery_drop_broken(gallery *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++)
        if (!g->items[i].broken) g->items[n++] = g->items[i];
    g->n = n;
}
