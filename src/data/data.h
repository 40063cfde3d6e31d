/* data.h - examples by index, wherever they come from.
 *
 * A data set is described by elbo_data_info and read by index through one function, so that a file in memory, a
 * rendered picture and a callback look the same to everything above. Values stay as they are stored (U8 or F32) until
 * the graph converts them; U8 stands for value / 255. Each format is one file and one row in data/formats.def; each
 * known or built-in set is one row in data/known.def.
 *
 * Parts. A set with files of its own for training and testing keeps them: "all" is the training examples followed by
 * the test examples. In every other set (a single file, sprites, toy) the test part is every tenth example, those whose
 * index i has i % 10 = 9, and the training part is the others in their order: no example is in both, and both together
 * are all.
 *
 * Pictures. A folder or an archive of picture files is listed when it is opened, and every picture decoded once, to know
 * which are broken: those are left out, counted and named, so that an index always means the same sound picture and neither
 * timing nor threads decide what training sees. What is kept is the list; pictures are decoded again whenever they are
 * read, by threads of their own (readers.h) that work ahead of the caller.
 *
 * What is measured. min, max, binary, mean and n_classes come from all examples of files (of a single file: of the whole file, so
 * that both parts agree) and of memory, and else, of a callback and of what is drawn, from 10,000 examples spread evenly over the
 * set. A U8 file in which no value is above 1 holds masks: its ones are read as 1, not as 1/255. */
#ifndef ELBO_DATA_DATA_H
#define ELBO_DATA_DATA_H

#include "../base/columns.h"
#include "../base/engine.h"
#include "../base/error.h"

typedef enum data_part { DATA_ALL, DATA_TRAIN, DATA_TEST } data_part;
enum { DATA_PART_NAME = 8 };

/* What a reader supplies. read copies n examples by index in the whole set into out (values of info.dtype) and their
 * labels (may be NULL; -1 where there are none). */
struct elbo_data {
    elbo_engine *engine;
    elbo_data_info info;
    elbo_status (*read)(elbo_data *d, const int64_t *index, int64_t n, void *out, int32_t *labels, elbo_error *error);
    elbo_status (*read_factors)(elbo_data *d, const int64_t *index, int64_t n, int32_t *values, elbo_error *error);
    const elbo_factor_info *factors; /* what that reads; n_factors 0: not known, but labels may stand for one */
    int64_t n_factors;
    elbo_factor_info label;
    void (*will_read)(elbo_data *d, const int64_t *index, int64_t n); /* a hint of indices read soon; NULL: no use for it */
    void (*close)(elbo_data *d); /* frees what source points to; NULL: nothing */
    void *source;
    char *name, *path, *broken; /* what info points to */
    column_list *columns;           /* of a table; NULL: no table */
    bool flip;                  /* training mirrors examples */
    int64_t test_begins; /* of a set with parts of its own, opened whole: the first example of the test part; else 0 */
    int64_t *kept;       /* [count] the examples of the part that are left, in their order; NULL: all */
    bool drawn;                 /* values are read as 0 or 1, drawn once with each value as the probability */
    data_part part;    /* which tenths of the whole set the indices above run over */
    char asked[DATA_PART_NAME]; /* the part that was opened, as a word; "" where parts were not asked about */
};

/* Numbers, and bytes, of one example as stored. */
size_t data_example_size(const elbo_data *d);
size_t data_example_bytes(const elbo_data *d);

/* Reads n examples as stored; elbo_data_read gives floats. Errors: USAGE (index), IO. */
elbo_status data_read_raw(elbo_data *d, const int64_t *index, int64_t n, void *out, int32_t *labels, elbo_error *error);

/* From now on values in [0,1] are read as bits, drawn once. Errors: USAGE (others). */
elbo_status data_draw_bits(elbo_data *d, elbo_error *error);

/* Says that these examples will be read soon, so that sets which decode can begin with it. What is read does not depend on
 * it. Indices out of range are passed over. */
void data_will_read(elbo_data *d, const int64_t *index, int64_t n);

/* Mirrors x [n,H,W,C], read as stored from these indices, left to right where the set is to be flipped and an even chance,
 * a function of (seed, epoch, index), says so. Training calls it; validation and serving do not. */
void data_augment(const elbo_data *d, uint64_t seed, uint32_t epoch, const int64_t *index, int64_t n, void *x);

/* A number that identifies the contents: a checksum of description and of 64 examples spread over the set. A run that
 * is resumed must find the same. */
elbo_status data_fingerprint(elbo_data *d, uint64_t *out, elbo_error *error);

/* The index in the whole set of example i. */
int64_t data_place(const elbo_data *d, int64_t i);

/* The index in the whole set of the i-th example of a part, and how many of n examples a part has. */
int64_t data_whole_index(data_part part, int64_t i);
int64_t data_part_count(data_part part, int64_t n);

/* The number a U8 value stands for. */
static inline float data_u8_value(unsigned char v)
{
    return (float)v / 255.0f;
}

/* elbo_data_open_with, for a model: a table is read as one of these columns (NULL: as it is). Errors: also USAGE (a column is
 * missing). */
elbo_data *data_open_like(elbo_engine *engine, const char *name, const char *part, const elbo_data_options *options,
                          const column_list *like, elbo_error *error);

/* ---- For openers ---- */

struct array;
struct tally;

/* A data set with nothing in it yet, under a name and a path ("" for none). */
elbo_data *data_new(elbo_engine *engine, const char *name, const char *path, elbo_error *error);
/* Fills d with the examples of a, which it takes over (also on failure). A value that is not finite fails with bad. */
elbo_status data_hold(elbo_data *d, struct array *a, elbo_status bad, elbo_error *error);
/* Sets min, max (where they are not given), binary, step and mean. */
void data_set_measured(elbo_data *d, const struct tally *t);
/* Measures them of a set that no file holds. */
elbo_status data_measure(elbo_data *d, elbo_error *error);
/* Narrows d, opened whole, to a part. Errors: USAGE (the part would be empty). */
elbo_status data_take_part(elbo_data *d, data_part part, elbo_error *error);

/* Sets the factors of data from a callback. */
void data_take_factors(elbo_data *d, const elbo_data_source *source);

/* Built-in sets: each fills d, made by data_new, with all its examples. */
elbo_status sprites_open(elbo_data *d, elbo_error *error);
elbo_status toy_open(elbo_data *d, elbo_error *error);

/* The binary files of CIFAR-10 in a directory; *found is false, with no error, where those of the part are not all there.
 * Errors: IO, BAD_FILE, NO_MEMORY. */
elbo_status cifar_load(memory m, const char *directory, data_part part, struct array *out, bool *found,
                       elbo_error *error);

/* *there: whether path is a file of pictures: an archive of them, or one. Errors: IO, NO_MEMORY. */
elbo_status pictures_at(const char *path, bool *there, elbo_error *error);
/* Fills d with the pictures at its path, a folder or pictures_at; options may be NULL. *own_parts: the set has parts of its
 * own, and has been narrowed to the one wanted. Errors: USAGE, IO, BAD_FILE, NO_BACKEND, NO_MEMORY. */
elbo_status pictures_open(elbo_data *d, data_part part, const elbo_data_options *options, bool *own_parts,
                          elbo_error *error);

/* ---- Sprites: the true factors ---- */

typedef enum sprites_factor {
    SPRITES_SHAPE,    /* square, ellipse, heart; the label                                        */
    SPRITES_SCALE,    /* 0.5, 0.6, ..., 1                                                         */
    SPRITES_ROTATION, /* k x 9 degrees, counter-clockwise                                         */
    SPRITES_X,        /* the centre's column, 16 + k                                              */
    SPRITES_Y,        /* the centre's row, 16 + k                                                 */
    SPRITES_FACTORS,
} sprites_factor;

extern const elbo_factor_info sprites_info[SPRITES_FACTORS]; /* sizes 3, 6, 40, 32, 32 */

/* The index in the whole set of a combination of factors (y changes fastest), and back. */
int64_t sprites_index(const int factors[SPRITES_FACTORS]);
void sprites_factors(int64_t index, int factors[SPRITES_FACTORS]);

/* Draws the picture of an index: 64 x 64 values, 0 or 255. */
void sprites_draw(int64_t index, unsigned char out[64 * 64]);

#endif
