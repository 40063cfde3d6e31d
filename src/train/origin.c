/* origin.c - see origin.h */
#include "origin.h"
#include "../base/file.h"
#include "../base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

elbo_status origin_write(memory m, const char *path, const elbo_config *config, const elbo_data *data, uint64_t fingerprint,
                         const elbo_data *validation, elbo_error *error)
{
    char print[20];
    snprintf(print, sizeof print, "%016" PRIx64, fingerprint);
    json_t *j = json_pack("{s:s, s:s, s:I, s:s}", "data", data->info.name, "fingerprint", print, "examples",
                          (json_int_t)data->info.count, "preset", config->preset);
    if (validation)
        json_put(&j, "validation", json_pack("{s:s, s:s}", "data", validation->info.name, "part", validation->asked));
    text words;
    text_open(&words, m);
    json_write(&words, j, JSON_COMPACT);
    json_decref(j);
    text_add(&words, "\n");
    elbo_status status = words.failed ? err_memory(error, "the origin of a run")
                                      : file_write(m, path, &(file_part){words.bytes, words.length}, 1, error);
    text_close(&words);
    return status;
}

static void take_text(const json_t *j, const char *key, char *out, size_t room)
{
    const char *value = json_string_value(json_object_get(j, key));
    snprintf(out, room, "%s", value ? value : "");
}

elbo_status origin_read(memory m, const char *path, origin *out, elbo_error *error)
{
    unsigned char *bytes;
    size_t size;
    char print[20];
    *out = (origin){.examples = 0};
    if (!file_exists(path)) return ELBO_OK;
    elbo_status status = file_read(m, path, 1 << 16, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    bool no_memory;
    json_t *j = json_read((char *)bytes, size, NULL, &no_memory), *validation = json_object_get(j, "validation");
    take_text(j, "data", out->data, sizeof out->data);
    take_text(j, "preset", out->preset, sizeof out->preset);
    take_text(j, "fingerprint", print, sizeof print);
    out->fingerprint = strtoull(print, NULL, 16);
    out->examples = json_integer_value(json_object_get(j, "examples"));
    take_text(validation, "data", out->validation, sizeof out->validation);
    take_text(validation, "part", out->validation_part, sizeof out->validation_part);
    json_decref(j);
    mem_free(m, bytes);
    return no_memory ? err_memory(error, "the origin of a run") : ELBO_OK;
}
