/* safetensors.h - named tensors and metadata in one file, in the safetensors format.
 *
 *     8 bytes  header length N, unsigned, little-endian
 *     N bytes  JSON: {"__metadata__":{"key":"text",...},"name":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},...}
 *     the rest the data: row-major, little-endian, without holes
 *
 * The reader trusts nothing: whatever it accepts follows every rule of the format, so the tensors it hands out lie in
 * the file and their shapes fit their sizes. Beside the file it takes memory for some 40 times the header at most,
 * while the JSON is read.
 *
 * The writer is canonical: equal tensors and metadata give equal bytes, whatever order they come in. Its files carry a
 * checksum over themselves (metadata "elbo.checksum"); files of other programs have none.
 *
 * Source: the format's description and its reference reader, github.com/huggingface/safetensors. */
#ifndef ELBO_EXPORT_SAFETENSORS_H
#define ELBO_EXPORT_SAFETENSORS_H

#include "../base/error.h"
#include "../base/file.h"
#include "../base/mem.h"

/* X(name in the file, bytes of an element). */
#define ST_DTYPE_MAP(X)                                                                                                \
    X(F64, 8) X(F32, 4) X(F16, 2) X(BF16, 2)                                                                           \
    X(I64, 8) X(I32, 4) X(I16, 2) X(I8, 1)                                                                             \
    X(U64, 8) X(U32, 4) X(U16, 2) X(U8, 1) X(BOOL, 1)

typedef enum st_dtype {
#define X(name, size) ST_##name,
    ST_DTYPE_MAP(X)
#undef X
    ST_N_DTYPES
} st_dtype;

enum { ST_MAX_RANK = 8, ST_MAX_NAME = 1024 };

/* data may be unaligned in a file of another program: st_to_float or memcpy. */
typedef struct st_tensor {
    const char *name;
    st_dtype dtype;
    int rank;
    int64_t shape[ST_MAX_RANK];
    const void *data;
    size_t bytes;
} st_tensor;

typedef struct st_pair {
    const char *key, *value;
} st_pair;

typedef struct st_file st_file;

const char *st_dtype_name(st_dtype dtype);
size_t st_dtype_size(st_dtype dtype);
/* False when no dtype has this name. */
bool st_dtype_find(const char *name, st_dtype *out);

/* Reads a file of at most max_size bytes. Errors: IO, BAD_FILE (with path, tensor, got and expected), NO_MEMORY. */
elbo_status st_read(memory m, const char *path, size_t max_size, st_file **out, elbo_error *error);
/* The same for bytes in memory, which must outlive the file. */
elbo_status st_parse(memory m, const void *bytes, size_t size, st_file **out, elbo_error *error);
void st_close(st_file *f);

/* The tensors by name, in ascending order. NULL past the last, or for a name there is none of. */
size_t st_count(const st_file *f);
const st_tensor *st_at(const st_file *f, size_t i);
const st_tensor *st_find(const st_file *f, const char *name);
/* The text under a key of the metadata, or NULL. */
const char *st_meta(const st_file *f, const char *key);

/* BAD_FILE when the file carries a checksum that is not its own; OK without one. Damage may hit the checksum's key too:
 * where a file must be elbo's, ask for both. */
bool st_has_checksum(const st_file *f);
elbo_status st_verify(const st_file *f, elbo_error *error);

/* Writes n tensors and the metadata to path, atomically. Errors: USAGE (a tensor or text that no reader would accept: a
 * name twice, bytes that do not fit the shape, the key of the checksum), IO, NO_MEMORY. */
elbo_status st_write(memory m, const char *path, const st_tensor *tensors, size_t n, const st_pair *meta, size_t n_meta,
                     elbo_error *error);
/* The same bytes in memory; *bytes is freed with mem_free. */
elbo_status st_format(memory m, const st_tensor *tensors, size_t n, const st_pair *meta, size_t n_meta,
                      unsigned char **bytes, size_t *size, elbo_error *error);

/* The tensor's elements where they lie, if they are floats that can be read there; else NULL. */
const float *st_floats(const st_tensor *t);
/* The tensor's elements as floats, rounded where needed. False for a dtype that is none of F64, F32, F16, BF16. */
bool st_to_float(const st_tensor *t, float *out);
/* The index of the first element that is NaN or infinite as a float, or -1. */
int64_t st_first_nonfinite(const st_tensor *t);

/* ---- Between the reader and the writer --------------------------------------------------------------------------- */

#define ST_METADATA "__metadata__"
#define ST_CHECKSUM_KEY "elbo.checksum"
#define ST_CHECKSUM_ZEROS "00000000"

/* The CRC-32 of the parts one after another, as lower-case digits. */
void st_checksum(const file_part *parts, size_t n_parts, char out[sizeof ST_CHECKSUM_ZEROS]);
/* Whether the JSON text of a header is one that st_parse accepts before n_data bytes of data. */
elbo_status st_check_header(memory m, const char *json, size_t n, size_t n_data, elbo_error *error);

#endif
