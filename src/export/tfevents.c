/* tfevents.c - see tfevents.h */
#include "tfevents.h"

#include <string.h>

/* A field of a message begins with its number and the kind of what follows. */
enum { VARINT = 0, EIGHT_BYTES = 1, LENGTH_FIRST = 2, FOUR_BYTES = 5 };
enum { EVENT_TIME = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5, SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_NUMBER = 2 };

/* Bit by bit: an event has a few hundred bytes. */
uint32_t tfevents_crc(const void *bytes, size_t n)
{
    const unsigned char *at = bytes;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0);
    }
    return ~crc;
}

/* n bytes of value, the least first */
static void put_little(unsigned char *bytes, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) bytes[i] = (unsigned char)(value >> 8 * i);
}

static void add_little(text *to, uint64_t value, int n)
{
    unsigned char bytes[8];
    put_little(bytes, value, n);
    text_add_bytes(to, bytes, (size_t)n);
}

/* Masked, so that the check of bytes that hold checks is not a special one. */
static void add_check(text *to, const void *bytes, size_t n)
{
    uint32_t crc = tfevents_crc(bytes, n);
    add_little(to, (uint32_t)((crc >> 15 | crc << 17) + 0xa282ead8u), 4);
}

static void add_record(text *to, const text *event)
{
    unsigned char length[8];
    put_little(length, event->length, sizeof length);
    text_add_bytes(to, length, sizeof length);
    add_check(to, length, sizeof length);
    text_add_bytes(to, event->bytes, event->length);
    add_check(to, event->bytes, event->length);
    to->failed |= event->failed;
}

/* ---- Messages ---- */

static void add_varint(text *to, uint64_t value)
{
    for (; value > 127; value >>= 7) add_little(to, (value & 127) | 128, 1);
    add_little(to, value, 1);
}

static void add_key(text *to, int field, int kind)
{
    add_varint(to, (uint64_t)(field << 3 | kind));
}

static void add_field_bytes(text *to, int field, const void *bytes, size_t n)
{
    add_key(to, field, LENGTH_FIRST);
    add_varint(to, n);
    text_add_bytes(to, bytes, n);
}

static void add_time(text *event, double seconds)
{
    uint64_t bits;
    memcpy(&bits, &seconds, sizeof bits);
    add_key(event, EVENT_TIME, EIGHT_BYTES);
    add_little(event, bits, 8);
}

static void add_scalar(text *summary, const tfevents_scalar *s)
{
    float number = (float)s->value;
    uint32_t bits;
    text value;
    text_open(&value, summary->m);
    memcpy(&bits, &number, sizeof bits);
    add_field_bytes(&value, VALUE_TAG, s->tag, strlen(s->tag));
    add_key(&value, VALUE_NUMBER, FOUR_BYTES);
    add_little(&value, bits, 4);
    add_field_bytes(summary, SUMMARY_VALUE, value.bytes, value.length);
    summary->failed |= value.failed;
    text_close(&value);
}

void tfevents_begin(text *to)
{
    static const char version[] = "brain.Event:2";
    text event;
    text_open(&event, to->m);
    add_time(&event, 0);
    add_field_bytes(&event, EVENT_VERSION, version, sizeof version - 1);
    add_record(to, &event);
    text_close(&event);
}

void tfevents_scalars(text *to, int64_t step, double seconds, const tfevents_scalar *scalars, size_t n)
{
    text event, summary;
    text_open(&event, to->m);
    text_open(&summary, to->m);
    for (size_t i = 0; i < n; i++) add_scalar(&summary, &scalars[i]);
    add_time(&event, seconds);
    add_key(&event, EVENT_STEP, VARINT);
    add_varint(&event, (uint64_t)step);
    add_field_bytes(&event, EVENT_SUMMARY, summary.bytes, summary.length);
    event.failed |= summary.failed;
    add_record(to, &event);
    text_close(&summary);
    text_close(&event);
}
