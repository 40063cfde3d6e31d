/* checkpoint_json.c - see checkpoint_json.h. JSON through jansson; numbers that must survive to the bit are written with 17
 * digits, 64-bit words as hexadecimal text. */
#include "checkpoint_json.h"
#include "../base/json.h"
#include "../base/text.h"
#include "columns_json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- Writing ---- */

static char *dump(memory m, json_t *j)
{
    text words;
    text_open(&words, m);
    json_write(&words, j, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(j);
    return text_take(&words);
}

static json_t *options_of(const elbo_config *c)
{
    json_t *j = json_object();
    char value[CONFIG_TEXT];
    for (size_t i = 0; i < elbo_option_count(); i++) {
        config_show(c, elbo_option_at(i), value);
        json_put(&j, elbo_option_at(i)->key, json_string(value));
    }
    return j;
}

char *header_write(const elbo_model *m)
{
    const elbo_model_info *i = &m->info;
    json_t *j = json_pack("{s:i, s:s, s:[I,I,I], s:f, s:f, s:f, s:b, s:I, s:I, s:o}", "format", MODEL_FORMAT, "family",
                          i->family, "shape", (json_int_t)i->shape[0], (json_int_t)i->shape[1], (json_int_t)i->shape[2],
                          "min", i->min, "max", i->max, "unit", m->data.step, "binary", (int)m->data.binary, "step",
                          (json_int_t)i->step, "epoch", (json_int_t)i->epoch, "options", options_of(&m->config));
    if (m->columns) json_put(&j, "table", columns_write(m->columns));
    return dump(m->m, j);
}

static json_t *hex(uint64_t v)
{
    char words[24];
    snprintf(words, sizeof words, "%016" PRIx64, v);
    return json_string(words);
}

static json_t *sums_of(const double sums[MAX_TERMS])
{
    json_t *j = json_array();
    for (int i = 0; i < MAX_TERMS; i++) json_append(&j, json_real(sums[i]));
    return j;
}

char *run_write(memory m, const run_state *r)
{
    json_t *j = json_object();
#define FIELD(name, value) json_put(&j, #name, value);
#define COUNT(name, absent) FIELD(name, json_integer(r->name))
#define SIZE(name, absent) FIELD(name, json_integer((json_int_t)r->name))
#define REAL(name, absent) FIELD(name, json_real(r->name))
#define FLAG(name, absent) FIELD(name, json_boolean(r->name))
#define HEX(name, absent) FIELD(name, hex(r->name))
#define WORDS(name, absent) FIELD(name, json_string(r->name))
#define SUMS(name, absent) FIELD(name, sums_of(r->name))
#include "run.def"
#undef COUNT
#undef SIZE
#undef REAL
#undef FLAG
#undef HEX
#undef WORDS
#undef SUMS
#undef FIELD
    return dump(m, j);
}

/* ---- Reading ---- */

static json_t *parse(const char *words, elbo_error *error)
{
    json_error_t why;
    bool no_memory;
    json_t *j = json_read(words, strlen(words), &why, &no_memory);
    if (no_memory) err_memory(error, "the description of a model");
    else if (!j) err_set(error, ELBO_BAD_FILE, "its description is no JSON: %.100s", why.text);
    return j;
}

/* A count that arithmetic with a few others can't overflow. */
static bool is_count(int64_t n)
{
    return n >= 0 && n < (int64_t)1 << 40;
}

static bool read_whole(const json_t *j, int64_t *out)
{
    *out = json_integer_value(j);
    return json_is_integer(j);
}

static bool read_count(const json_t *j, int64_t *out)
{
    return read_whole(j, out) && is_count(*out);
}

static bool read_size(const json_t *j, uint64_t *out)
{
    int64_t n;
    bool ok = read_count(j, &n);
    *out = (uint64_t)n;
    return ok;
}

static bool read_real(const json_t *j, double *out)
{
    *out = json_number_value(j);
    return json_is_number(j);
}

static bool read_flag(const json_t *j, bool *out)
{
    *out = json_is_true(j);
    return json_is_boolean(j);
}

static bool read_text(const json_t *j, const char **out)
{
    *out = json_string_value(j);
    return *out != NULL;
}

static bool read_shape(const json_t *j, int64_t out[3])
{
    for (size_t i = 0; i < 3; i++)
        if (!read_whole(json_array_get(j, i), &out[i])) return false;
    return json_array_size(j) == 3;
}

static elbo_status check_header(const model_header *h, int64_t format, const char *named, elbo_error *error)
{
    if (format != MODEL_FORMAT)
        return err_set(error, ELBO_BAD_FILE, "model format %lld, expected %d: it was written by another version of elbo",
                       (long long)format, MODEL_FORMAT);
    for (int i = 0; i < 3; i++)
        if (h->data.shape[i] < 1 || h->data.shape[i] > 1 << 20)
            return err_set(error, ELBO_BAD_FILE, "its data have size %lld along axis %d, expected 1 to 1048576",
                           (long long)h->data.shape[i], i);
    if (h->data.shape[0] * h->data.shape[1] > (1 << 28) / h->data.shape[2])
        return err_set(error, ELBO_BAD_FILE, "its data have more than 2^28 numbers an example");
    if (!(h->data.step >= 0 && h->data.step <= 1))
        return err_set(error, ELBO_BAD_FILE, "its data come in steps of %g, expected 0 to 1", h->data.step);
    if (!(h->data.min <= h->data.max))
        return err_set(error, ELBO_BAD_FILE, "its data reach from %g to %g", h->data.min, h->data.max);
    if (!is_count(h->step) || !is_count(h->epoch))
        return err_set(error, ELBO_BAD_FILE, "its step %lld or epoch %lld is not possible", (long long)h->step,
                       (long long)h->epoch);
    if (strcmp(named, model_family_name(&h->config)) != 0)
        return err_set(error, ELBO_BAD_FILE, "family '%.40s' is not the one of its options", named);
    return ELBO_OK;
}

static elbo_status read_options(json_t *options, elbo_config *c, elbo_error *error)
{
    const char *key;
    json_t *value;
    json_object_foreach(options, key, value)
    {
        if (!json_is_string(value)) return err_set(error, ELBO_BAD_FILE, "option '%.40s' is no text", key);
        elbo_error why = {0};
        if (elbo_config_set(c, key, json_string_value(value), &why) != ELBO_OK)
            return err_set(error, ELBO_BAD_FILE, "%.900s", why.message);
    }
    return ELBO_OK;
}

/* Reads the fields of a description into h, format and named; returns the first that is missing or of another kind, NULL if none
 * is. Not with jansson's unpacking, which takes memory and does not always say when there is none. */
static const char *read_description(const json_t *j, model_header *h, int64_t *format, const char **named)
{
    bool binary = false;
    size_t found = 0;
#define FIELD(key, needed, read, to) {key, needed, read(json_object_get(j, key), to)}
    const struct field {
        const char *key;
        bool needed, good;
    } fields[] = {FIELD("format", true, read_whole, format),     FIELD("family", true, read_text, named),
                  FIELD("shape", true, read_shape, h->data.shape), FIELD("min", true, read_real, &h->data.min),
                  FIELD("max", true, read_real, &h->data.max),   FIELD("unit", false, read_real, &h->data.step),
                  FIELD("binary", false, read_flag, &binary),    FIELD("step", true, read_whole, &h->step),
                  FIELD("epoch", true, read_whole, &h->epoch),   {"options", true, json_is_object(json_object_get(j, "options"))},
                  {"table", false, true}};
#undef FIELD
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        bool there = json_object_get(j, fields[i].key) != NULL;
        if (there ? !fields[i].good : fields[i].needed) return fields[i].key;
        found += there;
    }
    h->data.binary = binary;
    return found == json_object_size(j) ? NULL : "the number of its fields";
}

elbo_status header_read(memory m, const char *words, model_header *h, elbo_error *error)
{
    json_t *j = parse(words, error);
    *h = (model_header){.step = 0};
    if (!j) return ELBO_BAD_FILE;
    config_init(&h->config, m);
    int64_t format;
    const char *named;
    const json_t *table = json_object_get(j, "table");
    const char *fault = read_description(j, h, &format, &named);
    elbo_status status = ELBO_OK;
    if (fault) status = err_set(error, ELBO_BAD_FILE, "its description is not one of a model, in %s", fault);
    if (status == ELBO_OK) status = read_options(json_object_get(j, "options"), &h->config, error);
    if (status == ELBO_OK) status = check_header(h, format, named, error);
    if (status == ELBO_OK && table) status = columns_read(m, table, h->data.shape[2], &h->columns, error);
    h->data.columns = h->columns;
    json_decref(j);
    return status;
}

static bool read_hex(const json_t *j, uint64_t *out)
{
    const char *words = json_is_string(j) ? json_string_value(j) : "";
    char *end;
    *out = strtoull(words, &end, 16);
    return strlen(words) == 16 && *end == 0;
}

static bool read_words(const json_t *j, char out[64])
{
    const char *s = json_string_value(j);
    snprintf(out, 64, "%s", s ? s : "");
    return s && text_is_plain(s);
}

/* Another elbo may have had room for more terms, or fewer; those of a model fit both. */
static bool read_sums(const json_t *j, double out[MAX_TERMS])
{
    if (!json_is_array(j)) return false;
    for (size_t i = 0; i < MAX_TERMS && i < json_array_size(j); i++)
        if (!read_real(json_array_get(j, i), &out[i])) return false;
    return true;
}

static bool run_makes_sense(const run_state *r)
{
    return r->examples > 0 && r->rate_factor > 0 && r->rate_factor <= 1 && r->seen >= 0 && r->recent_seen >= 0;
}

/* Every field of the file is one of the table, and every one that the table needs is there. */
static bool read_fields(const json_t *j, run_state *r)
{
    enum { NEEDED = 1 };
    size_t found = 0;
    const json_t *field;
    *r = (run_state){.step = 0};
#define FIELD(name, absent, read)                                                                                      \
    field = json_object_get(j, #name);                                                                                 \
    if (field ? !read : absent == NEEDED) return false;                                                                \
    found += field != NULL;
#define COUNT(name, absent) FIELD(name, absent, read_count(field, &r->name))
#define SIZE(name, absent) FIELD(name, absent, read_size(field, &r->name))
#define REAL(name, absent) FIELD(name, absent, read_real(field, &r->name))
#define FLAG(name, absent) FIELD(name, absent, read_flag(field, &r->name))
#define HEX(name, absent) FIELD(name, absent, read_hex(field, &r->name))
#define WORDS(name, absent) FIELD(name, absent, read_words(field, r->name))
#define SUMS(name, absent) FIELD(name, absent, read_sums(field, r->name))
#include "run.def"
#undef FIELD
#undef COUNT
#undef SIZE
#undef REAL
#undef FLAG
#undef HEX
#undef WORDS
#undef SUMS
    return found == json_object_size(j);
}

elbo_status run_read(const char *words, run_state *r, elbo_error *error)
{
    json_t *j = parse(words, error);
    if (!j) return ELBO_BAD_FILE;
    bool ok = read_fields(j, r) && run_makes_sense(r);
    json_decref(j);
    return ok ? ELBO_OK : err_set(error, ELBO_BAD_FILE, "its description of the run is not one that elbo writes");
}
