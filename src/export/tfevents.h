/* tfevents.h - event files, from which TensorBoard draws curves: records (TFRecord), each of them an Event in the format
 * of protocol buffers.
 *
 *   record   length (8 bytes, least first), masked CRC-32C of the length, the bytes, masked CRC-32C of the bytes
 *   Event    1: wall_time (double)  2: step (varint)  3: file_version (text)  5: summary
 *   Summary  1: values, each 1: tag (text)  2: simple_value (float)
 *
 * Source: tensorflow/core/lib/io/record_writer.h, util/event.proto and framework/summary.proto of TensorFlow. */
#ifndef ELBO_EXPORT_TFEVENTS_H
#define ELBO_EXPORT_TFEVENTS_H

#include "../base/text.h"

typedef struct tfevents_scalar {
    const char *tag; /* at most 100 bytes */
    double value;
} tfevents_scalar;

/* The record that every file begins with. */
void tfevents_begin(text *to);

/* The record of n numbers at a step, at a time in seconds since 1970. Its events are equal wherever these are. */
void tfevents_scalars(text *to, int64_t step, double seconds, const tfevents_scalar *scalars, size_t n);

/* CRC-32C (Castagnoli), as in RFC 3720. */
uint32_t tfevents_crc(const void *bytes, size_t n);

#endif
