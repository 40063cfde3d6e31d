/* locate.c - from a name or a path to a data set: the known sets, directories with files of the usual names, single
 * files and the labels beside them.
 *
 * Usual names: train-images-idx3-ubyte, t10k-images-idx3-ubyte, train.csv, test.csv and their like (roles, bodies, packings
 * below). The labels of a file whose name has "images" in it are in the file with "labels" there, and idx1 for any idx3 or
 * idx4; a file without such a companion has no labels. The files of CIFAR-10 are in cifar.c; a directory with neither is
 * searched for pictures. */
#include "array.h"
#include "data.h"
#include "format.h"

#include "../base/file.h"
#include "../base/mode.h"
#include "../base/text.h"

#include <stdio.h>
#include <string.h>

/* ---- The tables ---- */

typedef struct known {
    elbo_data_known about;
    elbo_status (*open)(elbo_data *d, elbo_error *error); /* built-in; NULL: files */
    const char *places[5];                                /* directories, then NULL */
} known;

static const known known_sets[] = {
#define FILES(name, summary, get, ...)  {{name, summary, get}, NULL, {__VA_ARGS__}},
#define BUILT_IN(name, summary, prefix) {{name, summary, ""}, prefix##_open, {NULL}},
#include "known.def"
#undef FILES
#undef BUILT_IN
};

typedef struct format {
    const char *title;
    bool (*begins)(const unsigned char *head);
    elbo_status (*load)(gz *g, const reading *how, array *out, elbo_error *error);
} format;

static const format formats[] = {
#define FORMAT(prefix, title) {title, prefix##_begins, prefix##_load},
#include "formats.def"
#undef FORMAT
};

enum { PLAIN_BYTES = 64 << 20 };

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char *const train_roles[] = {"train", NULL}, *const test_roles[] = {"t10k", "test", NULL};
static const char *const bodies[] = {"-images-idx3-ubyte", "-images.idx3-ubyte", "-images-idx4-ubyte", "-images.npy",
                                     ".npy",              ".npz",              ".amat",             NULL};
static const char *const text_bodies[] = {".csv", ".tsv", ".txt", NULL};
static const char *const packings[] = {"", ".gz", NULL};

const elbo_data_known *elbo_data_known_at(size_t i)
{
    return i < COUNT(known_sets) ? &known_sets[i].about : NULL;
}

static const char *known_name(size_t i)
{
    return i < COUNT(known_sets) ? known_sets[i].about.name : NULL;
}

static const known *find_known(const char *name)
{
    for (size_t i = 0; i < COUNT(known_sets); i++)
        if (strcmp(known_sets[i].about.name, name) == 0) return &known_sets[i];
    return NULL;
}

/* ---- One file ---- */

static elbo_status unknown_format(const gz *g, elbo_error *error)
{
    const unsigned char *h = gz_head(g);
    elbo_status status =
        err_set(error, ELBO_BAD_FILE, "%s: begins with %02x %02x %02x %02x, expected the beginning of %s", gz_path(g),
                h[0], h[1], h[2], h[3], formats[0].title);
    for (size_t i = 1; error && i < COUNT(formats); i++) {
        size_t used = strlen(error->message);
        snprintf(error->message + used, sizeof error->message - used, " or %s", formats[i].title);
    }
    return status;
}

static elbo_status load(memory m, const char *path, const reading *how, array *out, elbo_error *error)
{
    gz *g;
    elbo_status status = gz_open(&g, m, path, error);
    if (status != ELBO_OK) return status;
    size_t i = 0;
    while (i < COUNT(formats) && !formats[i].begins(gz_head(g))) i++;
    status = i < COUNT(formats) ? formats[i].load(g, how, out, error) : unknown_format(g, error);
    gz_close(g);
    return status;
}

/* Turns the path of pictures into the path of their labels; false: there is no such name. */
static bool to_labels(char *path)
{
    char *base = strrchr(path, '/'), *word = NULL;
    for (char *s = base ? base + 1 : path; (s = strstr(s, "images")) != NULL; s++) word = s;
    if (!word) return false;
    memcpy(word, "labels", 6); /* NOLINT(bugprone-not-null-terminated-result): amid a text */
    char *idx = strstr(word, "idx");
    if (idx && idx[3] >= '1' && idx[3] <= '9') idx[3] = '1';
    return true;
}

static elbo_status load_labels(const char *path, array *a, elbo_error *error)
{
    char *beside = mem_copy_text(a->m, path);
    if (!beside) return err_memory(error, "a path");
    elbo_status status = ELBO_OK;
    if (to_labels(beside) && file_exists(beside)) {
        array labels = {0};
        status = load(a->m, beside, &(reading){NULL}, &labels, error);
        if (status == ELBO_OK) status = array_set_labels(a, &labels, beside, error);
        array_free(&labels);
    }
    mem_free(a->m, beside);
    return status;
}

static elbo_status load_with_labels(memory m, const char *path, const reading *how, array *out, elbo_error *error)
{
    elbo_status status = load(m, path, how, out, error);
    if (status != ELBO_OK) return status;
    status = array_stretch_masks(out, error);
    if (status == ELBO_OK) status = load_labels(path, out, error);
    if (status != ELBO_OK) array_free(out);
    return status;
}

/* ---- Directories ---- */

/* *out: the file of one of the roles in a directory, NULL when there is none. */
static elbo_status find_file(memory m, const char *directory, const char *const *roles, const char *const *of, char **out,
                             elbo_error *error)
{
    for (const char *const *role = roles; *role; role++) {
        for (const char *const *body = of; *body; body++) {
            for (const char *const *packing = packings; *packing; packing++) {
                char name[64];
                snprintf(name, sizeof name, "%s%s%s", *role, *body, *packing);
                *out = file_join(m, directory, name);
                if (!*out) return err_memory(error, "a path");
                if (file_exists(*out)) return ELBO_OK;
                mem_free(m, *out);
            }
        }
    }
    *out = NULL;
    return ELBO_OK;
}

typedef struct part_files {
    char *train, *test; /* NULL: not asked for, or not there */
} part_files;

static void free_files(memory m, part_files *f)
{
    mem_free(m, f->train);
    mem_free(m, f->test);
    *f = (part_files){NULL, NULL};
}

/* Tables of a directory: both, for the training part says what the columns of either are. A folder "train" there has pictures,
 * which the tables tell of. */
static elbo_status find_tables(memory m, const char *directory, part_files *f, bool *complete, elbo_error *error)
{
    char *folder = file_join(m, directory, "train");
    file_kind kind = FILE_NONE;
    elbo_status status = folder ? file_look(folder, &kind, error) : err_memory(error, "a path");
    mem_free(m, folder);
    if (status != ELBO_OK || kind >= FILE_DIRECTORY) return status;
    status = find_file(m, directory, train_roles, text_bodies, &f->train, error);
    if (status == ELBO_OK) status = find_file(m, directory, test_roles, text_bodies, &f->test, error);
    *complete = f->train && f->test;
    return status;
}

/* Finds what a part needs; *complete says whether all of it is there. */
static elbo_status find_files(memory m, const char *directory, data_part part, part_files *f, bool *complete,
                              elbo_error *error)
{
    elbo_status status = ELBO_OK;
    *f = (part_files){NULL, NULL};
    if (part != DATA_TEST) status = find_file(m, directory, train_roles, bodies, &f->train, error);
    if (status == ELBO_OK && part != DATA_TRAIN) status = find_file(m, directory, test_roles, bodies, &f->test, error);
    *complete = (f->train || part == DATA_TEST) && (f->test || part == DATA_TRAIN);
    if (status != ELBO_OK || *complete) return status;
    free_files(m, f);
    return find_tables(m, directory, f, complete, error);
}

static elbo_status load_files(memory m, const part_files *f, data_part part, const reading *how, array *out, elbo_error *error)
{
    elbo_status status = load_with_labels(m, f->train ? f->train : f->test, how, out, error);
    if (status != ELBO_OK || !f->train || !f->test || part == DATA_TRAIN) return status;
    array test = {0};
    reading alike = *how;
    if (!alike.like) alike.like = out->columns;
    status = load_with_labels(m, f->test, &alike, &test, error);
    if (status == ELBO_OK && part == DATA_TEST) {
        array_free(out);
        *out = test;
        return ELBO_OK;
    }
    if (status == ELBO_OK) {
        status = array_append(out, &test, error);
        if (status == ELBO_BAD_FILE) err_prefix(error, "%s", f->test);
    }
    array_free(&test);
    return status;
}

/* ---- Opening ---- */

/* A data set of what load_files or load_with_labels gave, a success or not. */
static elbo_data *finish(elbo_engine *engine, const char *name, const char *path, elbo_status status, array *a,
                         elbo_error *error)
{
    elbo_data *d = status == ELBO_OK ? data_new(engine, name, path, error) : NULL;
    if (!d) {
        array_free(a);
        return NULL;
    }
    if (data_hold(d, a, ELBO_BAD_FILE, error) == ELBO_OK) return d;
    elbo_data_free(d);
    return NULL;
}

static elbo_data *in_part(elbo_data *d, data_part part, elbo_error *error)
{
    if (!d || data_take_part(d, part, error) == ELBO_OK) return d;
    elbo_data_free(d);
    return NULL;
}

static elbo_data *open_built_in(elbo_engine *engine, const known *k, data_part part, elbo_error *error)
{
    elbo_data *d = data_new(engine, k->about.name, "", error);
    if (!d || k->open(d, error) == ELBO_OK) return in_part(d, part, error);
    elbo_data_free(d);
    return NULL;
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static elbo_data *open_file(elbo_engine *engine, const char *path, data_part part, const reading *how, elbo_error *error)
{
    array a = {0};
    elbo_status status = load_with_labels(engine->m, path, how, &a, error);
    return in_part(finish(engine, last_name(path), path, status, &a, error), part, error);
}

static elbo_status load_directory(memory m, const char *directory, data_part part, const reading *how, array *a, bool *found,
                                  elbo_error *error)
{
    part_files files;
    elbo_status status = find_files(m, directory, part, &files, found, error);
    if (status == ELBO_OK)
        status = *found ? load_files(m, &files, part, how, a, error) : cifar_load(m, directory, part, a, found, error);
    free_files(m, &files);
    return status;
}

/* Opens the files of a part in a directory; *found is false, with no error, when they are not there. */
static elbo_data *try_directory(elbo_engine *engine, const char *name, const char *directory, data_part part,
                                const reading *how, bool *found, elbo_error *error)
{
    array a = {0};
    elbo_status status = load_directory(engine->m, directory, part, how, &a, found, error);
    if (status != ELBO_OK) *found = true;
    return *found ? finish(engine, name, directory, status, &a, error) : NULL;
}

static elbo_data *open_pictures(elbo_engine *engine, const char *path, data_part part,
                                const elbo_data_options *options, elbo_error *error)
{
    elbo_data *d = data_new(engine, last_name(path), path, error);
    bool own_parts = false;
    if (d && pictures_open(d, part, options, &own_parts, error) == ELBO_OK)
        return own_parts ? d : in_part(d, part, error);
    elbo_data_free(d);
    return NULL;
}

static void say_missing(memory m, const known *k, elbo_error *error)
{
    text places;
    text_open(&places, m);
    for (int i = 0; k->places[i]; i++) text_add(&places, "%s%s", i ? ", " : "", k->places[i]);
    if (places.failed)
        err_memory(error, "a message");
    else
        err_set(error, ELBO_IO, "%s is not in %s. To get it: %s. Or give the path of a directory that has its files",
                k->about.name, places.bytes, k->about.how_to_get);
    text_close(&places);
}

static elbo_data *open_known(elbo_engine *engine, const known *k, data_part part, const reading *how, elbo_error *error)
{
    if (k->open) return open_built_in(engine, k, part, error);
    for (int i = 0; k->places[i]; i++) {
        bool found;
        elbo_data *d = try_directory(engine, k->about.name, k->places[i], part, how, &found, error);
        if (found) return d;
    }
    say_missing(engine->m, k, error);
    return NULL;
}

static void say_unknown(memory m, const char *name, elbo_error *error)
{
    text names;
    text_open(&names, m);
    for (size_t i = 0; known_name(i); i++) text_add(&names, "%s%s", i ? ", " : "", known_name(i));
    const char *nearest = text_nearest(name, known_name);
    if (names.failed)
        err_memory(error, "a message");
    else
        err_set(error, ELBO_USAGE, "\"%s\" is no known name, file or directory.%s%s%s The names are %s", name,
                nearest ? " Did you mean " : "", nearest ? nearest : "", nearest ? "?" : "", names.bytes);
    text_close(&names);
}

static bool read_part(const char *word, data_part *out)
{
    static const char *const words[] = {[DATA_ALL] = "all", [DATA_TRAIN] = "train", [DATA_TEST] = "test"};
    for (size_t i = 0; word && i < COUNT(words); i++) {
        *out = (data_part)i;
        if (strcmp(word, words[i]) == 0) return true;
    }
    return false;
}

static void say_nothing(memory m, const char *name, elbo_error *error)
{
    if (strpbrk(name, "/."))
        err_set(error, ELBO_IO, "%s: no such file or directory", name);
    else
        say_unknown(m, name, error);
}

/* "file.npz:name": an array of an archive of them. */
static elbo_data *open_member(elbo_engine *engine, const char *name, data_part part, const reading *how, elbo_error *error)
{
    char *path = mem_copy_text(engine->m, name), *colon = path ? strrchr(path, ':') : NULL;
    if (!path) {
        err_memory(error, "a path");
        return NULL;
    }
    *colon = 0;
    reading one = *how;
    one.member = colon + 1;
    elbo_data *d = NULL;
    if (file_exists(path)) d = open_file(engine, path, part, &one, error);
    else say_nothing(engine->m, name, error);
    mem_free(engine->m, path);
    return d;
}

/* Opens anything but pictures. *pictures, with no error: it may be those. */
static elbo_data *open_plain(elbo_engine *engine, const char *name, data_part part, const reading *how, bool *pictures,
                             elbo_error *error)
{
    const known *k = find_known(name);
    *pictures = false;
    if (k) return open_known(engine, k, part, how, error);
    file_kind kind;
    if (file_look(name, &kind, error) != ELBO_OK) return NULL;
    if (kind >= FILE_DIRECTORY) {
        bool found;
        elbo_data *d = try_directory(engine, last_name(name), name, part, how, &found, error);
        *pictures = !found;
        return d;
    }
    if (kind == FILE_OTHER && (pictures_at(name, pictures, error) != ELBO_OK || *pictures)) return NULL;
    if (kind == FILE_OTHER) return open_file(engine, name, part, how, error);
    if (strrchr(name, ':')) return open_member(engine, name, part, how, error);
    say_nothing(engine->m, name, error);
    return NULL;
}

/* Whether examples are what the options make of pictures. */
static bool fits_already(const int64_t shape[3], const elbo_data_options *o)
{
    int64_t height = o->height ? o->height : o->width, width = o->width ? o->width : o->height;
    return !o->labels && shape[0] == height && shape[1] == width && (!o->grey || shape[2] == 1);
}

/* Applies options to data that are not pictures: nothing is left to do, or it can't be done. */
static elbo_data *with_options(elbo_data *d, const elbo_data_options *o, elbo_error *error)
{
    if (!d || !o || !(o->height || o->width || o->crop != 0 || o->grey || o->labels)) return d;
    if (fits_already(d->info.shape, o)) return d;
    err_set(error, ELBO_USAGE, "%s: height, width, crop, grey and labels are for picture files, which these are not; other data "
                               "must have the size already, and these are %lldx%lldx%lld",
            d->info.name, (long long)d->info.shape[0], (long long)d->info.shape[1], (long long)d->info.shape[2]);
    elbo_data_free(d);
    return NULL;
}

static data_room room_of(const elbo_engine *engine)
{
    uint64_t most = (uint64_t)engine->data_memory;
    return (data_room){.plain = most ? most : PLAIN_BYTES, .packed = most ? most : mem_of_machine() / 4, .cache = engine->cache};
}

elbo_data *data_open_like(elbo_engine *engine, const char *name, const char *part_word, const elbo_data_options *options,
                          const column_list *like, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    data_room room;
    const reading how = {options, like, NULL, &room};
    data_part part;
    if (!engine || !name) {
        err_set(error, ELBO_USAGE, "opening data: engine or name is NULL");
        return NULL;
    }
    if (!read_part(part_word, &part)) {
        err_set(error, ELBO_USAGE, "part of the data is \"%s\", expected train, test or all",
                part_word ? part_word : "");
        return NULL;
    }
    room = room_of(engine);
    bool pictures;
    elbo_data *d = open_plain(engine, name, part, &how, &pictures, error);
    d = pictures ? open_pictures(engine, name, part, options, error) : with_options(d, options, error);
    if (!d) return NULL;
    d->flip = options && options->flip;
    snprintf(d->asked, sizeof d->asked, "%s", part_word);
    bool fit = !options || !options->classes || elbo_data_take_classes(d, options->classes, error) == ELBO_OK;
    if (fit && (!options || !options->binarize || data_draw_bits(d, error) == ELBO_OK)) return d;
    elbo_data_free(d);
    return NULL;
}

elbo_data *elbo_data_open_with(elbo_engine *engine, const char *name, const char *part, const elbo_data_options *options,
                               elbo_error *error)
{
    return data_open_like(engine, name, part, options, NULL, error);
}

elbo_data *elbo_data_open(elbo_engine *engine, const char *name, const char *part, elbo_error *error)
{
    return elbo_data_open_with(engine, name, part, NULL, error);
}
