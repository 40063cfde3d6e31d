/* elbo.h - variational autoencoders in C.
 *
 * The only public header of libelbo. A program opens an engine, describes a run in a configuration, opens data, and
 * trains, loads and uses models:
 *
 *     elbo_error   err;
 *     elbo_engine *engine = elbo_engine_open(NULL, &err);
 *     elbo_data   *data   = elbo_data_open(engine, "fashion-mnist", "train", &err);
 *     elbo_config *config = elbo_config_new(engine, &err);
 *     elbo_config_set(config, "epochs", "10", &err);
 *     elbo_model  *model  = elbo_train(engine, config, data, NULL, &err);
 *     elbo_model_sample(model, 64, 1, pixels, &err);
 *
 * Conventions, true of every item below:
 *   - Functions that can fail take an elbo_error (NULL is allowed) and return elbo_status, or a handle that is NULL on
 *     failure. On success the error is left untouched.
 *   - Every handle is freed by its own function, which accepts NULL. Handles made from an engine must be freed before
 *     that engine is closed. Strings and structs returned through const pointers belong to the handle they came from.
 *   - Arrays are row-major, examples first, channels last: n pictures are [n,H,W,C]. Values are in the data's own units,
 *     the range elbo_data_info gives (pixels are in [0,1] unless the configuration says otherwise).
 *   - One engine, with everything made from it, is used by one thread at a time; different engines are independent.
 *   - Numbers are computed rounded to nearest, whatever the program's floating-point mode, in which the program is again
 *     when a function returns; what elbo calls back (data, events) is called with that rounding.
 *   - The library never prints, never exits, reads no environment variable and has no writable globals.
 */
#ifndef ELBO_H
#define ELBO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined _WIN32
#define ELBO_API
#else
#define ELBO_API __attribute__((visibility("default")))
#endif

#define ELBO_VERSION_MAJOR 0
#define ELBO_VERSION_MINOR 1
#define ELBO_VERSION_PATCH 0

/* The version of the library at run time, "major.minor.patch". */
ELBO_API const char *elbo_version(void);

/* ---- Errors ------------------------------------------------------------------------------------------------------ */

/* X(name, value, text). The values 0 to 8 are also the exit codes of the command. */
#define ELBO_STATUS_MAP(X)                                                                                             \
    X(OK, 0, "success")                                                                                                \
    X(FAILED, 1, "failed")                                                                                             \
    X(USAGE, 2, "wrong usage")                                                                                         \
    X(BAD_FILE, 3, "bad file")                                                                                         \
    X(DIVERGED, 4, "training diverged")                                                                                \
    X(IO, 5, "input or output failed")                                                                                 \
    X(NO_MEMORY, 6, "out of memory")                                                                                   \
    X(MISMATCH, 7, "checkpoint does not match")                                                                        \
    X(NO_BACKEND, 8, "backend missing")                                                                                \
    X(CANCELLED, 9, "cancelled")

typedef enum elbo_status {
#define X(name, value, text) ELBO_##name = value,
    ELBO_STATUS_MAP(X)
#undef X
} elbo_status;

/* What went wrong: the code, and a sentence that says what, which, got, expected and what to do. Owned by the caller. */
typedef struct elbo_error {
    elbo_status code;
    char message[1024];
} elbo_error;

/* The text of a status, "out of memory" for ELBO_NO_MEMORY. Never NULL. */
ELBO_API const char *elbo_status_text(elbo_status status);

/* ---- Engine ------------------------------------------------------------------------------------------------------ */

/* Memory: one function that allocates (ptr NULL), resizes and frees (new_size 0), like realloc with the old size given.
 * Blocks are aligned for any type. Returns NULL when there is none; freeing never fails. Called from the thread that uses
 * the engine only. */
typedef struct elbo_allocator {
    void *(*resize)(void *user, void *ptr, size_t old_size, size_t new_size);
    void *user;
} elbo_allocator;

typedef struct elbo_engine_options {
    const elbo_allocator *allocator; /* NULL: malloc and free                                                         */
    int threads;                     /* 0: one per processor. The results do not depend on it                        */
    int own_products;                /* 1: elbo's own matrix product even where oneDNN is installed                  */
    int64_t data_memory;             /* bytes of a data file's numbers that are held in memory. A plain file with more of them is
                                        read where it lies; a packed one is unpacked to cache. 0: 64 MiB of a plain file, a
                                        quarter of the machine's memory of a packed one                              */
    const char *cache;               /* a directory for numbers that are unpacked, once for each state of a file; made when it is
                                        needed, and may be emptied at any time. NULL: data that would need it are refused    */
} elbo_engine_options;

typedef struct elbo_engine elbo_engine;

/* Opens an engine: a thread pool and an allocator. options may be NULL. Errors: NO_MEMORY, USAGE (threads < 0 or > 256).
 * After a fork the child may go on using it. */
ELBO_API elbo_engine *elbo_engine_open(const elbo_engine_options *options, elbo_error *error);
ELBO_API void elbo_engine_close(elbo_engine *engine);

/* The number of threads in use. */
ELBO_API int elbo_engine_threads(const elbo_engine *engine);

/* ---- Configuration ----------------------------------------------------------------------------------------------- */

typedef enum elbo_option_type {
    ELBO_OPTION_INT,    /* a whole number within [min, max]                                                           */
    ELBO_OPTION_REAL,   /* a number within [min, max]                                                                 */
    ELBO_OPTION_BOOL,   /* true or false                                                                              */
    ELBO_OPTION_TEXT,   /* any text                                                                                   */
    ELBO_OPTION_CHOICE, /* one of the words in choices                                                                */
} elbo_option_type;

/* One option: a key of the configuration file, and a flag of the command (--key). */
typedef struct elbo_option_info {
    const char *key;
    const char *section; /* "model", "training"                                                                       */
    elbo_option_type type;
    const char *default_value;
    const char *choices; /* CHOICE: the words, separated by '|'; else ""                                              */
    double min, max;     /* INT and REAL                                                                              */
    const char *help;    /* one sentence                                                                              */
} elbo_option_info;

/* The options in the order they are documented; NULL from elbo_option_count() on. */
ELBO_API size_t elbo_option_count(void);
ELBO_API const elbo_option_info *elbo_option_at(size_t i);

/* A family of models, for elbo_config_set(config, "family", name). NULL past the last. */
typedef struct elbo_family_info {
    const char *name;
    const char *summary;
} elbo_family_info;
ELBO_API const elbo_family_info *elbo_family_at(size_t i);

typedef struct elbo_config elbo_config;

/* A configuration with every option at its default. */
ELBO_API elbo_config *elbo_config_new(elbo_engine *engine, elbo_error *error);
ELBO_API void elbo_config_free(elbo_config *config);

/* Sets one option from text. Errors: USAGE with the nearest known key, or with the bounds. */
ELBO_API elbo_status elbo_config_set(elbo_config *config, const char *key, const char *value, elbo_error *error);

/* The value as text, in the form elbo_config_set takes; NULL for an unknown key. Valid until the next call on config. */
ELBO_API const char *elbo_config_get(elbo_config *config, const char *key);

/* Reads "key = value" lines with # comments and [section] lines. Errors: IO, BAD_FILE (over 1 MiB, a line that is none of
 * these, an unknown key: with file and line). */
ELBO_API elbo_status elbo_config_read(elbo_config *config, const char *path, elbo_error *error);

/* A program that elbo reproduces: a name for a set of options. NULL past the last. */
typedef struct elbo_preset_info {
    const char *name;
    const char *data;      /* what it was trained on                                                                  */
    const char *options;   /* "key = value" lines                                                                     */
    const char *published; /* the number to compare with                                                              */
    const char *lesson;    /* what it teaches                                                                         */
} elbo_preset_info;
ELBO_API const elbo_preset_info *elbo_preset_at(size_t i);

/* Sets the options of a preset; the others stay. Errors: USAGE (unknown, with the nearest name). */
ELBO_API elbo_status elbo_config_preset(elbo_config *config, const char *name, elbo_error *error);

/* ---- Data -------------------------------------------------------------------------------------------------------- */

typedef enum elbo_dtype { ELBO_U8, ELBO_F32 } elbo_dtype;

/* What a column of a table holds. X(name, word, what it is) */
#define ELBO_COLUMN_MAP(X)                                                                                             \
    X(REAL, "real", "numbers")                                                                                         \
    X(COUNT, "count", "whole numbers from 0 on")                                                                       \
    X(OVERDISPERSED, "overdispersed", "counts that vary more than their mean explains")                                \
    X(BINARY, "binary", "one of two levels")                                                                           \
    X(CATEGORICAL, "categorical", "one of several levels")                                                             \
    X(CONSTANT, "constant", "always the same number")

typedef enum elbo_column_kind {
#define X(name, word, text) ELBO_COLUMN_##name,
    ELBO_COLUMN_MAP(X)
#undef X
} elbo_column_kind;

/* "real" for ELBO_COLUMN_REAL. Never NULL. */
ELBO_API const char *elbo_column_kind_name(elbo_column_kind kind);

/* One column of a table: a number of every example. Values of BINARY and CATEGORICAL columns are indices of their levels, a
 * missing value is nan. What is measured is so over the whole file, missing values left out. */
typedef struct elbo_column {
    const char *name;
    elbo_column_kind kind;
    int64_t missing;
    double mean, sd, min, max;
    int64_t n_levels;          /* 0 where the kind has none                                                           */
    const char *const *levels; /* [n_levels] numbers in ascending order, then words in the order of their bytes       */
    const int64_t *counts;     /* [n_levels] how often there is each; NULL for a model's columns                      */
} elbo_column;

typedef struct elbo_data_info {
    const char *name;   /* "fashion-mnist"                                                                            */
    const char *path;   /* where it was found; "" for built-in data and memory                                        */
    int64_t count;      /* examples                                                                                   */
    int64_t shape[3];   /* H, W, C of a picture; 1, 1, D of a row of a table                                          */
    elbo_dtype dtype;   /* how values are stored. U8 values are read as value / 255                                   */
    double min, max;    /* the range of the values as read                                                            */
    int binary;         /* 1: every value is 0 or 1                                                                   */
    double step;        /* every value is a whole multiple of it: 1/255 for bytes, 1 for whole numbers; 0: real numbers */
    int64_t n_classes;  /* labels are 0 to n_classes - 1; 0: no labels                                                */
    double mean;        /* of all values as read; of a callback and of sprites, of 10,000 examples spread evenly  */
    int64_t n_broken;   /* pictures that could not be decoded and were left out                                       */
    const char *broken; /* the first of them, a line "name: reason" each; "" for none                                 */
    int64_t n_columns;  /* of a table (see elbo_data_column_at); 0: no table                                          */
    int64_t n_missing;  /* values of a table that are not there: nan                                                  */
    const char *label;  /* the column of a table that labels are from; "" for none                                    */
    const char *left_out; /* columns of the file that are no part of an example, a line "name: why" each              */
} elbo_data_info;

/* A factor that examples were made from: the shape that was drawn, or where. Its values are numbered, 0 to size - 1. */
typedef struct elbo_factor_info {
    const char *name;
    int64_t size;
} elbo_factor_info;

/* A source of examples that elbo calls: read fills out with n examples (values of dtype) and, where labels is not NULL and
 * the source has them, n labels; the indices are in [0, count). Returns 0, or non-zero to fail the reader with ELBO_IO. */
typedef struct elbo_data_source {
    int64_t count;
    int64_t shape[3];
    elbo_dtype dtype;
    double min, max; /* range of the values as read; both 0: measured from the first examples                         */
    int64_t n_classes;
    int (*read)(void *user, const int64_t *index, int64_t n, void *out, int32_t *labels);
    void *user;
    const elbo_factor_info *factors; /* where they are known, else NULL; must outlive the data, as user must          */
    int64_t n_factors;
    int (*read_factors)(void *user, const int64_t *index, int64_t n, int32_t *values); /* values [n,F], -1: unknown   */
} elbo_data_source;

typedef struct elbo_data elbo_data;

/* Opens a data set by name ("fashion-mnist", "mnist", "cifar-10", "toy", "sprites") or by path: an IDX, .npy, .npz (or
 * "file.npz:array"), .amat or CSV file (see elbo_data_open_with), plain or gzipped, a directory with files named as those of
 * MNIST or of CIFAR-10 (binary version), or pictures (see elbo_data_open_with). part is "train", "test" or "all"; where a set
 * has no test part of its own, that is every tenth example. When a known set is missing, the error says where it was sought
 * and how to get it. Errors: USAGE (unknown name: with the nearest, and how to get it), IO, BAD_FILE, NO_MEMORY. */
ELBO_API elbo_data *elbo_data_open(elbo_engine *engine, const char *name, const char *part, elbo_error *error);

/* How files become examples. All zero: as they are. Of pictures: first the crop, then the size, then grey. */
typedef struct elbo_data_options {
    int64_t height, width;    /* resize to this: averages where it shrinks, interpolates where it grows. 0: as the other,
                                 both 0: keep the size, which then must be the same for all                           */
    double crop;              /* cut out the square in the middle; its side is this fraction of the picture's width (up
                                 to 1) or this many pixels (above 1), at most the shorter side. 0: no crop             */
    int grey;                 /* 1: one channel. Else pictures have three, or one where all of them are grey           */
    int flip;                 /* 1: training mirrors each example left to right with an even chance. For any data      */
    int binarize;             /* 1: values in [0,1] are read as 0 or 1, drawn once and for all with each value as the
                                 probability; of any data                                                             */
    int strict;               /* 1: a broken picture is an error; else it is left out, counted and named               */
    int readers;              /* threads that decode ahead, 1 to 64; 0: as many as the engine has, up to 4             */
    const char *labels;       /* a CSV file: the first line names the columns, the first column has file names. NULL:
                                 the labels are the sub-folders, where there is more than one                          */
    const char *label_column; /* pictures: the column of that file with the labels, NULL: the second. Tables: the column
                                 with the labels, by name or by number from 1; "none"; NULL or "": found              */
    const char *ignore;       /* tables: columns to leave out, by name or number, with commas between                 */
    const char *columns;      /* tables: "age=real, zip=categorical" where the kind found is not the one meant        */
    const char *classes;      /* of labelled data only these: see elbo_data_take_classes. NULL or "": all             */
    int header;               /* tables: 1: the first line has names, -1: it has none, 0: found                       */
} elbo_data_options;

/* elbo_data_open, which also opens picture files (JPEG, PNG, PBM, PGM, PPM): all in a folder and the folders below it, in a
 * tar archive (plain or gzipped), or one. options may be NULL. Pictures are in the order of their names, byte by byte; the
 * folders "train" and "test", if all pictures lie in these two, are the parts. All are decoded once when they are opened, to
 * find the broken ones, and again when they are read; they are never all in memory. The options but flip are for picture
 * files; other data must have the size that they ask for. Errors: as elbo_data_open; USAGE (an option, or pictures of
 * different sizes without a height and width), BAD_FILE (no picture can be read; strict: one is broken), NO_BACKEND (a JPEG
 * where elbo was built without libjpeg).
 *
 * A table of text (CSV, TSV and their like) has fields apart by commas, tabs, semicolons, bars or blanks, which is found, and
 * in quotes where need be (RFC 4180). Its first line may have names. An example is a row of 1 x 1 x D numbers, a column each
 * (elbo_column): words become levels, missing values (nothing, ?, NA, N/A, NaN, null) nan. The labels are in a column of
 * their own. Columns that number the rows, or are words of too many kinds, are left out. */
ELBO_API elbo_data *elbo_data_open_with(elbo_engine *engine, const char *name, const char *part,
                                        const elbo_data_options *options, elbo_error *error);

/* How the options of a configuration say that files are read. Texts are the configuration's. */
ELBO_API elbo_data_options elbo_config_data_options(const elbo_config *config);

/* Copies n examples of the given shape from memory: U8 (read as value / 255) or F32. labels may be NULL.
 * Errors: USAGE (a shape or count below 1, a value that is not finite), NO_MEMORY. */
ELBO_API elbo_data *elbo_data_from_memory(elbo_engine *engine, const void *values, elbo_dtype dtype, int64_t n,
                                          const int64_t shape[3], const int32_t *labels, elbo_error *error);

/* Data that a callback delivers. source is copied; source->user must outlive the data. */
ELBO_API elbo_data *elbo_data_from_source(elbo_engine *engine, const elbo_data_source *source, elbo_error *error);

ELBO_API void elbo_data_free(elbo_data *data);
ELBO_API const elbo_data_info *elbo_data_describe(const elbo_data *data);
/* The columns of a table, in the order of an example's numbers, and the names of labels 0, 1, ... NULL past the last, and
 * where there are none. */
ELBO_API const elbo_column *elbo_data_column_at(const elbo_data *data, size_t i);
ELBO_API const char *elbo_data_class_at(const elbo_data *data, size_t i);

/* Reads n examples by index, as floats in the data's range, into values [n,H,W,C], and their labels (may be NULL; -1 where
 * there are none). Errors: USAGE (index out of range), IO. */
ELBO_API elbo_status elbo_data_read(elbo_data *data, const int64_t *index, int64_t n, float *values, int32_t *labels,
                                    elbo_error *error);

/* Narrows data to some classes: "0, 7", by name where classes have names, else by number; or "not 3", all but these. Examples
 * without a label are left out. Labels stay the numbers they were, and what is measured (min, max, mean) is so of all classes.
 * Errors: USAGE (no labels, an unknown class, no example is left), IO, NO_MEMORY. */
ELBO_API elbo_status elbo_data_take_classes(elbo_data *data, const char *classes, elbo_error *error);

/* The factors of a data set whose factors are known (of the built-in ones: sprites); else, where there are labels, one factor
 * "label". NULL past the last. */
ELBO_API const elbo_factor_info *elbo_data_factor_at(elbo_data *data, size_t i);
/* Reads the factors of n examples by index: values [n,F], -1 where one is unknown. Errors: USAGE (index out of range), IO. */
ELBO_API elbo_status elbo_data_read_factors(elbo_data *data, const int64_t *index, int64_t n, int32_t *values,
                                            elbo_error *error);

/* The known data sets: name, one sentence, and how to get it where it is missing. NULL past the last. */
typedef struct elbo_data_known {
    const char *name;
    const char *summary;
    const char *how_to_get; /* "" for built-in data                                                                   */
} elbo_data_known;
ELBO_API const elbo_data_known *elbo_data_known_at(size_t i);

/* ---- Models ------------------------------------------------------------------------------------------------------ */

typedef struct elbo_model elbo_model;

/* What rec, the term -log p(x|z) of the loss, is minus the logarithm of. */
typedef enum elbo_measure {
    ELBO_LOSS,    /* nothing: a loss without the constants of a distribution, or of data it is no distribution of     */
    ELBO_DENSITY, /* a density                                                                                        */
    ELBO_MASS,    /* a probability                                                                                    */
} elbo_measure;

typedef struct elbo_model_info {
    const char *family;
    int64_t shape[3];     /* H, W, C of an example                                                                    */
    double min, max;      /* the range of the data it was trained on                                                  */
    elbo_measure measure; /* of p(x|z)                                                                                */
    double log_volume;    /* DENSITY: -log p(x) in the units of the file (bytes from 0 to 255) is so much more than the
                             model says; 0 for a MASS                                                                 */
    int64_t n_parameters; /* trained numbers                                                                          */
    int64_t latent_size;  /* numbers in an example's code, all latents together                                       */
    int64_t step;         /* optimiser steps taken                                                                    */
    int64_t epoch;        /* whole epochs trained                                                                     */
} elbo_model_info;

/* One latent of the model: gaussian (a mean and a standard deviation for each number) or point (the number alone). */
typedef struct elbo_latent_info {
    const char *name;
    const char *kind;
    int64_t size;
} elbo_latent_info;

/* A fresh model for data of this kind, its parameters drawn from the configuration's seed. Options that nobody set are as
 * suits the data: those of tables differ from the defaults.
 * Errors: USAGE (an option that does not fit another or the data, with the reason and the fix), NO_MEMORY. */
ELBO_API elbo_model *elbo_model_new(elbo_engine *engine, const elbo_config *config, const elbo_data *data,
                                    elbo_error *error);

/* Loads a model file, or the best checkpoint of a run directory. Nothing in a file is executed or trusted.
 * Errors: IO, BAD_FILE, NO_MEMORY. */
ELBO_API elbo_model *elbo_model_load(elbo_engine *engine, const char *path, elbo_error *error);

/* Writes the model without optimiser state, atomically (a temporary name, fsync, rename). Errors: IO, NO_MEMORY. */
ELBO_API elbo_status elbo_model_save(elbo_model *model, const char *path, elbo_error *error);

/* Replaces all parameters and states of a model by those in a safetensors file of another program, under elbo's names or the
 * names of PyTorch programs that presets reproduce (docs/files.md). Each tensor of the file must have its place and each
 * place its tensor, of the same shape as PyTorch has it; numbers of any floating kind. Batch norm's num_batches_tracked is
 * ignored. After an error the model holds numbers of both. Errors: IO, BAD_FILE (the tensor, got and expected), NO_MEMORY. */
ELBO_API elbo_status elbo_model_import(elbo_model *model, const char *path, elbo_error *error);
ELBO_API void elbo_model_free(elbo_model *model);

ELBO_API const elbo_model_info *elbo_model_describe(const elbo_model *model);
/* The latents in the order their numbers lie in a code. NULL past the last. */
ELBO_API const elbo_latent_info *elbo_model_latent_at(const elbo_model *model, size_t i);
/* The columns of the table it was trained on: names, kinds and levels. NULL past the last, and where it was none. */
ELBO_API const elbo_column *elbo_model_column_at(const elbo_model *model, size_t i);
/* Writes n rows x [n,D] of such a table as CSV: a line of names, then numbers, and levels by name (the nearest), nothing for
 * nan. Errors: USAGE (the model is of no table), IO, NO_MEMORY. */
ELBO_API elbo_status elbo_model_write_csv(elbo_model *model, const char *path, const float *x, int64_t n, elbo_error *error);
/* The value of an option the model was made with, as text; NULL for an unknown key. */
ELBO_API const char *elbo_model_option(elbo_model *model, const char *key);
/* How it reads files, for elbo_data_open_with; whatever classes it was trained on, it reads all. */
ELBO_API elbo_data_options elbo_model_data_options(const elbo_model *model);
/* elbo_data_open_with, as the model reads files: a table must have its columns, by name, and may have others. */
ELBO_API elbo_data *elbo_data_open_for(elbo_engine *engine, const elbo_model *model, const char *name, const char *part,
                                       elbo_error *error);

/* Encodes x [n,H,W,C]: mean [n,Z] and, where it is not NULL, std [n,Z] (zeros for a point latent). Errors: NO_MEMORY. */
ELBO_API elbo_status elbo_model_encode(elbo_model *model, const float *x, int64_t n, float *mean, float *std,
                                       elbo_error *error);
/* Decodes z [n,Z] to the mean of p(x|z), x [n,H,W,C], in the data's units. */
ELBO_API elbo_status elbo_model_decode(elbo_model *model, const float *z, int64_t n, float *x, elbo_error *error);
/* Draws n pictures from the prior, x [n,H,W,C]. The i-th depends on seed and i only. Errors: USAGE (the family has none). */
ELBO_API elbo_status elbo_model_sample(elbo_model *model, int64_t n, uint64_t seed, float *x, elbo_error *error);
/* The same examples, with values drawn from p(x|z) where elbo_model_sample has its means: rows of a table as real ones are, with
 * noise, whole counts and levels. Errors: USAGE (also: the likelihood is a loss, not a distribution), NO_MEMORY. */
ELBO_API elbo_status elbo_model_sample_values(elbo_model *model, int64_t n, uint64_t seed, float *x, elbo_error *error);
/* Encodes and decodes x [n,H,W,C] through the posterior's mean. */
ELBO_API elbo_status elbo_model_reconstruct(elbo_model *model, const float *x, int64_t n, float *out, elbo_error *error);

/* Fills in what is missing of x [n,H,W,C] into out: numbers whose missing [n,H,W,C] is not 0, or where missing is NULL those that
 * are NAN; what x holds in their place is not looked at. Pseudo-Gibbs sampling (Rezende et al. 2014): in each of so many rounds a
 * code is drawn from the posterior and the missing numbers become what it decodes to; out has their mean over the second half
 * of the rounds. The i-th example depends on x, i and seed only. Errors: USAGE (n below 0, rounds below 1), NO_MEMORY. */
ELBO_API elbo_status elbo_model_impute(elbo_model *model, const float *x, const unsigned char *missing, int64_t n,
                                       int64_t rounds, uint64_t seed, float *out, elbo_error *error);

/* The loss in nats per example: total = rec + beta kl at full beta (with a capacity, rec + beta |kl - capacity|), of one
 * draw of the posterior per example (k of them where the model says so), averaged over the data. active is the number of
 * latent numbers whose posterior mean varies over the data by more than 0.01 (variance). Errors: USAGE (data of another
 * shape), IO, DIVERGED (a loss that is not finite, with its example), NO_MEMORY. */
typedef struct elbo_term {
    char name[16];
    double value;
} elbo_term;

typedef struct elbo_metrics {
    double rec, kl, total;
    int64_t active;
    int64_t count;
    int64_t n_other;    /* what the family has beside rec and kl: further terms of its losses, and figures */
    elbo_term other[6];
} elbo_metrics;
ELBO_API elbo_status elbo_model_evaluate(elbo_model *model, elbo_data *data, elbo_metrics *metrics, elbo_error *error);

/* How a model uses one number of the code, over data. */
typedef struct elbo_latent_use {
    double kl;       /* KL(q(z_j|x) || p(z_j)) in nats per example: near 0 for a number that is not used; NAN for families without
                        such a divergence (point latents)                                                             */
    double mean;     /* of the posterior's mean over the data                                                         */
    double variance; /* and its variance                                                                              */
    int active;      /* 1: that is above 0.01 (Burda et al. 2016)                                                     */
} elbo_latent_use;

/* Of each number of the code [latent_size], over the data evaluated last. NULL before the first evaluation. Valid until the model
 * is evaluated again. */
ELBO_API const elbo_latent_use *elbo_model_latent_use(const elbo_model *model);

/* The negative log likelihood -log p(x) in nats per example, averaged over the data, by importance sampling (Burda et al. 2016):
 * -log 1/K sum_k p(x,z_k) / q(z_k|x). An upper bound in expectation that falls as samples, K, grows; 5,000 is customary.
 * Errors: USAGE (a family without a prior, samples < 1, data of another shape), IO, NO_MEMORY. */
ELBO_API elbo_status elbo_model_nll(elbo_model *model, elbo_data *data, int64_t samples, double *nll, elbo_error *error);

/* The squared error of reconstructions through the posterior's mean, summed over an example's numbers in the data's units and
 * averaged over the data; and of_mean, what the mean of these data in the place of every reconstruction would give.
 * Errors: USAGE (data of another shape), IO, NO_MEMORY. */
ELBO_API elbo_status elbo_model_squared_error(elbo_model *model, elbo_data *data, double *error_of_model, double *of_mean,
                                              elbo_error *error);

/* What the numbers of codes tell of the factors behind the data, from examples. All arrays are the caller's.
 *   information [Z,F]  the mutual information of number j and factor k, in nats, each number cut into bins of equal width
 *                      between its least and its largest value
 *   entropy [F]        of each factor, in nats: what there is to tell of it
 *   gap [F]            the mutual information gap (Chen et al. 2018): the largest information on the factor less the second
 *                      largest, over its entropy: 1 where one number alone tells all of it. nan: the factor never varies */
typedef struct elbo_factor_scores {
    double *information, *entropy, *gap;
} elbo_factor_scores;

/* Of codes [n,Z] and factors [n,F], -1 where one is unknown: that example is left out for that factor. 20 bins are customary.
 * Errors: USAGE (a count or a size below 1, a code that is not finite, a factor out of range), NO_MEMORY. */
ELBO_API elbo_status elbo_codes_factors(elbo_engine *engine, const float *codes, int64_t n, int64_t n_codes,
                                        const int32_t *factors, const elbo_factor_info *info, int64_t n_factors, int64_t bins,
                                        elbo_factor_scores *scores, elbo_error *error);

/* Of the posterior means of n examples of the data, drawn by seed without return; all of them where there are fewer. *used: how
 * many (may be NULL). Errors: USAGE (data without factors, data of another shape), IO, NO_MEMORY. */
ELBO_API elbo_status elbo_model_factors(elbo_model *model, elbo_data *data, int64_t n, uint64_t seed, int64_t bins,
                                        elbo_factor_scores *scores, int64_t *used, elbo_error *error);

/* What -log p(x) of an example in nats (rec + kl, which bounds it, or elbo_model_nll) is in bits for each number of the example,
 * as the data are stored: bits of 0 and 1, bytes of 256 levels. A density counts as the probability of its level, density times
 * the level's width. Errors: USAGE where it means nothing, with the reason: real numbers, a family without a prior, a likelihood
 * that is a loss (ELBO_LOSS), as the cross-entropy of grey values is. */
ELBO_API elbo_status elbo_model_bits(const elbo_model *model, double nats, double *bits, elbo_error *error);

/* How the vectors of a book (family vq) are used over data. */
typedef struct elbo_book_use {
    int64_t codes, used; /* vectors in the book, and those that some example has                                      */
    double perplexity;   /* exp of the entropy of their frequencies: how many are in use in effect                    */
} elbo_book_use;

/* Errors: USAGE (a family without a book, data of another shape), IO, NO_MEMORY. */
ELBO_API elbo_status elbo_model_book_use(elbo_model *model, elbo_data *data, elbo_book_use *use, elbo_error *error);

/* The loss of one example, in nats. */
typedef struct elbo_score {
    double total, rec, kl; /* total: the sum of weight x term, as in elbo_metrics; -ELBO where beta is 1               */
} elbo_score;

/* The scores of n examples of the data from first on, each averaged over so many draws of the posterior (1 or more). A score
 * depends on the model, the example and its index in the data only; its mean over the data is what elbo_model_evaluate gives for
 * one draw. A high score marks an example that is unlike the training data. Of an example that overflows the arithmetic it is
 * INFINITY or NAN. Errors: USAGE (data of another shape, no such examples, samples below 1), IO, NO_MEMORY. */
ELBO_API elbo_status elbo_model_score(elbo_model *model, elbo_data *data, int64_t first, int64_t n, int64_t samples,
                                      elbo_score *scores, elbo_error *error);

/* A text about the model: "layers" (a line per layer with shapes, parameters and flops), "graph" (the training graph after
 * differentiation), "plan" (the compiled steps with bytes and flops). Freed with elbo_text_free. */
ELBO_API char *elbo_model_text(elbo_model *model, const char *what, elbo_error *error);
ELBO_API void elbo_text_free(elbo_engine *engine, char *text);

/* ---- Training ---------------------------------------------------------------------------------------------------- */

typedef enum elbo_event_kind {
    ELBO_EVENT_NOTE,  /* a line of text about the run                                                                 */
    ELBO_EVENT_STEP,  /* after some steps, about ten times a second                                                   */
    ELBO_EVENT_EPOCH, /* after an epoch and its validation                                                            */
    ELBO_EVENT_EARLY, /* training ends before its last epoch, as text says                                            */
} elbo_event_kind;

typedef struct elbo_event {
    elbo_event_kind kind;
    const char *text; /* NOTE, EARLY                                                                                  */
    int64_t epoch, epochs, step, steps; /* epoch counts from 1; steps of this run so far, and at its end              */
    int64_t step_in_epoch, steps_in_epoch;
    elbo_metrics train; /* mean over the epoch so far                                                                 */
    elbo_metrics recent; /* EPOCH: mean over the epoch's last 100 steps, or all where it has fewer; active is not counted */
    elbo_metrics valid; /* EPOCH with a validation part; count is 0 without                                           */
    double rate;          /* learning rate of the last step                                                           */
    double beta;          /* what of beta there was in the last step, in the units of nats per example (kl-warmup)    */
    double capacity;      /* nats at which KL was held in the last step; 0: it is not                                 */
    double seconds, eta_seconds, examples_per_second;
} elbo_event;

typedef struct elbo_train_options {
    const char *directory; /* run directory to create; NULL: keep nothing on disk                                     */
    int resume;            /* 1: go on with the run in directory; the configuration must be the run's, but for epochs
                              and patience, which may grow                                                        */
    int pictures;          /* 1: leave pictures in the directory after every epoch                                    */
    int tensorboard;       /* 1: also leave the metrics as event files of TensorBoard                                 */
    int no_validation;     /* 1: train on everything, no validation part                                              */
    elbo_data *validation; /* validate on this after every epoch, and train on everything; NULL: on a part kept back  */
    const elbo_model *from; /* a new run begins with its parameters and states, tensor by name; NULL: with those of the model
                               that the option from names, else all are drawn                                         */
    /* Called with events; returning non-zero finishes the step, saves, and ends training with ELBO_CANCELLED.        */
    int (*on_event)(void *user, const elbo_event *event);
    void *user;
} elbo_train_options;

/* Trains a model as the configuration says. options may be NULL. With a directory it leaves config, metrics, checkpoints
 * (last.safetensors, best.safetensors) and pictures there; resuming gives the bytes an uninterrupted run would have given.
 * Returns the trained model, the best by validation where there is a validation part.
 * Errors: USAGE, IO, BAD_FILE, NO_MEMORY, DIVERGED (the last good state is kept), MISMATCH (resume with other data or
 * options), CANCELLED. */
ELBO_API elbo_model *elbo_train(elbo_engine *engine, const elbo_config *config, elbo_data *data,
                                const elbo_train_options *options, elbo_error *error);

/* ---- Asking why -------------------------------------------------------------------------------------------------- */

/* Something wrong with a model or a run: a name for programs ("beta-large"), one sentence each on what it is and why it
 * matters, the numbers that show it, and the remedy, as a command line where there is one. */
typedef struct elbo_finding {
    const char *name;
    const char *title;
    const char *evidence;
    const char *why;
    const char *remedy;
} elbo_finding;

typedef struct elbo_explanation elbo_explanation;

/* Looks for the usual reasons why a VAE is bad: weights of the loss, scale of the data, the learning rate, unused numbers
 * of the code, over-fitting, where a nan began. path is a run directory, whose metrics are read too, a model file, or a
 * configuration (.toml; then data are needed), which may be refused. data may be NULL: what needs them is not looked at.
 * At most 2,000 examples, spread evenly, are encoded. Errors: those of elbo_model_load, elbo_config_read and
 * elbo_data_read; USAGE (data of another shape, a configuration without data). */
ELBO_API elbo_explanation *elbo_explain(elbo_engine *engine, const char *path, elbo_data *data, elbo_error *error);
/* The findings, causes before symptoms; NULL past the last. A healthy model has none. */
ELBO_API const elbo_finding *elbo_finding_at(const elbo_explanation *explanation, size_t i);
ELBO_API void elbo_explanation_free(elbo_explanation *explanation);

/* ---- Reports --------------------------------------------------------------------------------------------------- */

/* Writes a page about the run in a directory: one file of HTML that needs no other, with its numbers, curves, samples,
 * reconstructions, what the numbers of the code do, findings, layers, options, and the command that makes it again. data are
 * what examples are taken from, those held out first where they are what the run was trained on; NULL: the run's own, where
 * they can be found by name, else none. path NULL: report.html in the directory. Equal runs have equal pages but for one
 * line, which has the time. Errors: USAGE (no run, data of another shape), IO, BAD_FILE, NO_MEMORY. */
ELBO_API elbo_status elbo_report_write(elbo_engine *engine, const char *directory, elbo_data *data, const char *path,
                                       elbo_error *error);

/* ---- Statistics -------------------------------------------------------------------------------------------------- */

/* Puts points x [n,d] into the plane in which they vary most, by their first two principal components: plane [n,2], with the
 * mean at the origin. share: of the variance, how much lies along each axis. The largest weight of an axis is positive. With
 * d = 1 the second coordinate is 0. Errors: USAGE (n or d below 1, a number that is not finite), NO_MEMORY (d x d doubles). */
ELBO_API elbo_status elbo_principal_plane(elbo_engine *engine, const float *x, int64_t n, int64_t d, float *plane,
                                          double share[2], elbo_error *error);

/* How alike two pictures are. */
typedef struct elbo_likeness {
    double mse;  /* mean squared error over all numbers                                                               */
    double psnr; /* peak signal to noise ratio, 10 log10(range^2 / mse), in dB; INFINITY for equal pictures            */
    double ssim; /* structural similarity (Wang et al. 2004), 1 for equal pictures: Gaussian window of 11 x 11 and sigma 1.5,
                    averaged over where it lies inside and over channels; NAN for pictures smaller than the window     */
} elbo_likeness;

/* Of each of n pairs of pictures x, y [n,H,W,C], whose values span range (white less black). Errors: USAGE (a range or a size
 * of 0), NO_MEMORY. */
ELBO_API elbo_status elbo_compare(elbo_engine *engine, const float *x, const float *y, int64_t n, const int64_t shape[3],
                                  double range, elbo_likeness *likeness, elbo_error *error);

/* How well a score tells positives from negatives. */
typedef struct elbo_ranking {
    double auroc;             /* the chance that a positive scores higher than a negative, ties counting half; NAN without both */
    double average_precision; /* the mean, over the positives, of the share of positives among all that score as high        */
    int64_t n_positive, n_negative;
} elbo_ranking;

/* Of n scores and whether each is a positive (not 0). Errors: USAGE (n below 0, a score that is NAN), NO_MEMORY. */
ELBO_API elbo_status elbo_rank(elbo_engine *engine, const double *score, const unsigned char *positive, int64_t n,
                               elbo_ranking *ranking, elbo_error *error);

typedef struct elbo_gaussian elbo_gaussian;

/* A Gaussian fitted to all numbers of the examples of data, a rival for a model's scores: their mean, and their covariance with
 * the shrinkage of Ledoit and Wolf (2004), the columns of a table in units of their standard deviations. Errors: USAGE (examples
 * that do not vary), IO, NO_MEMORY (D x D doubles for examples of D numbers). */
ELBO_API elbo_gaussian *elbo_gaussian_fit(elbo_engine *engine, elbo_data *data, elbo_error *error);
ELBO_API void elbo_gaussian_free(elbo_gaussian *gaussian);

/* -log density of n examples of the data from first on, in nats of the data as read; it orders examples as their Mahalanobis
 * distances do. Errors: USAGE (data of another size, no such examples), IO. */
ELBO_API elbo_status elbo_gaussian_score(elbo_gaussian *gaussian, elbo_data *data, int64_t first, int64_t n, double *nll,
                                         elbo_error *error);

/* What a run would take. */
typedef struct elbo_forecast {
    int64_t n_parameters;
    int64_t steps_per_epoch;
    double flops_per_step; /* floating-point operations of products and convolutions, forwards and backwards          */
    double seconds_per_step, seconds_per_epoch; /* an epoch with its validation                                       */
    double seconds;        /* all epochs                                                                              */
    double memory;         /* bytes of the whole process at its largest, the data in memory included                  */
} elbo_forecast;

/* Tells what elbo_train would take with the same arguments, by some steps on the data, for two seconds or so, which it forgets;
 * nothing is written, and what options say of a directory, resuming and events is not followed. Errors: those of elbo_train. */
ELBO_API elbo_status elbo_train_forecast(elbo_engine *engine, const elbo_config *config, elbo_data *data,
                                         const elbo_train_options *options, elbo_forecast *forecast, elbo_error *error);

/* ---- Pictures and arrays ----------------------------------------------------------------------------------------- */

/* Writes n pictures [n,H,W,C] (C = 1, 3 or 4) in rows of per_row as one PNG; min and max of the values become black and
 * white. Errors: USAGE, IO, NO_MEMORY. */
ELBO_API elbo_status elbo_png_write_grid(elbo_engine *engine, const char *path, const float *x, int64_t n,
                                         const int64_t shape[3], int64_t per_row, double min, double max,
                                         elbo_error *error);

/* The same with pairs: the i-th of left and of right [n,H,W,C] side by side, per_row pairs in a row. */
ELBO_API elbo_status elbo_png_write_pairs(elbo_engine *engine, const char *path, const float *left, const float *right,
                                          int64_t n, const int64_t shape[3], int64_t per_row, double min, double max,
                                          elbo_error *error);

/* A picture of pictures: cells in rows, each of one or several pictures side by side, and words around them. */
typedef struct elbo_grid {
    const float *part[4]; /* each [n,H,W,C] (C = 1, 3 or 4): the i-th cell shows part[0][i], part[1][i], ...            */
    int n_parts;
    int64_t n;
    int64_t shape[3];
    int64_t per_row;            /* cells of a row                                                                     */
    double min, max;            /* become black and white                                                             */
    const char *title;          /* above all; NULL: none                                                              */
    const char *const *columns; /* [per_row] words above the columns, cut at their width; NULL: none                  */
    const char *const *rows;    /* one for each row, words on its left; NULL: none. Any word may be NULL too          */
} elbo_grid;

/* Writes it as a PNG. Words are printable ASCII. Errors: USAGE, IO, NO_MEMORY. */
ELBO_API elbo_status elbo_png_write_labelled(elbo_engine *engine, const char *path, const elbo_grid *grid,
                                             elbo_error *error);

/* Writes an animated PNG (APNG): x [n_frames,n,H,W,C] are grids of n pictures, as above, shown per_second a second (1/65 to
 * 1000, above 0) and then again from the first. Browsers play it; what does not know APNG shows the first frame.
 * Errors: USAGE, IO, NO_MEMORY. */
ELBO_API elbo_status elbo_png_write_animation(elbo_engine *engine, const char *path, const float *x, int64_t n_frames,
                                              int64_t n, const int64_t shape[3], int64_t per_row, double per_second,
                                              double min, double max, elbo_error *error);

/* A table of numbers as colours, the number in each cell: white for min, dark for max; nan leaves a cell empty. */
typedef struct elbo_heat_map {
    const double *values; /* [rows,columns]                                                                           */
    int64_t rows, columns;
    double min, max;
    const char *const *row_names, *const *column_names; /* NULL: none                                                 */
    const char *title;                                  /* NULL: none                                                 */
} elbo_heat_map;

/* Writes it as PNG. Errors: USAGE (no numbers, more than 1000 rows or 100 columns, a range that is none), IO, NO_MEMORY. */
ELBO_API elbo_status elbo_png_write_heat_map(elbo_engine *engine, const char *path, const elbo_heat_map *map,
                                             elbo_error *error);

/* Points [n,2] in a panel of their own. */
typedef struct elbo_scatter {
    const char *right, *up; /* what the axes are; NULL: nothing                                                       */
    const float *points;    /* [n,2]: to the right, up. Those that are not finite are left out                        */
    const int32_t *labels;  /* [n] classes, which colour them, grey outside [0, n_classes); NULL: one colour           */
    int64_t n;
} elbo_scatter;

/* Writes one or two scatter plots above each other, as PNG, or as SVG where path ends in .svg. n_classes: of the labels, named
 * in a legend up to 20; class_names, or one of them, may be NULL for numbers. title may be NULL. Errors: USAGE, IO, NO_MEMORY. */
ELBO_API elbo_status elbo_chart_write_scatter(elbo_engine *engine, const char *path, const char *title,
                                              const elbo_scatter *panels, int n_panels, int64_t n_classes,
                                              const char *const *class_names, elbo_error *error);

/* Numbers of one kind. */
typedef struct elbo_sample {
    const char *name;
    const double *values; /* [n] in any order; those that are not finite are left out                                 */
    int64_t n;
} elbo_sample;

/* Writes how each of up to 8 samples is distributed, as PNG or SVG like scatter plots: the share of its numbers in each of 60
 * bins. Numbers far outside lie in the outermost bins. mark: a number with a line of its own, called mark_name; mark_name NULL:
 * none. Errors: USAGE, IO, NO_MEMORY. */
ELBO_API elbo_status elbo_chart_write_histogram(elbo_engine *engine, const char *path, const char *title, const char *x_label,
                                                const elbo_sample *samples, int n_samples, double mark,
                                                const char *mark_name, elbo_error *error);

/* Writes an array of floats as .npy (version 1, C order). rank is 1 to 6. */
ELBO_API elbo_status elbo_npy_write(elbo_engine *engine, const char *path, const float *values, const int64_t *shape,
                                    int rank, elbo_error *error);

#ifdef __cplusplus
}
#endif
#endif
