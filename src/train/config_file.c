/* config_file.c - configurations as files: "key = value" lines, [section] lines and # comments. */
#include "../base/file.h"
#include "../base/mode.h"
#include "../vae/config.h"

#include <string.h>

elbo_status elbo_config_read(elbo_config *c, const char *path, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    unsigned char *bytes;
    size_t size;
    elbo_error why = {0};
    elbo_status status = file_read(c->m, path, 1 << 20, &bytes, &size, error);
    if (status != ELBO_OK) return status;
    if (memchr(bytes, 0, size)) status = err_set(error, ELBO_BAD_FILE, "%s: not a text: it has a zero byte", path);
    int number = 0;
    for (char *line = (char *)bytes, *next; line && status == ELBO_OK; line = next) {
        number++;
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        if (config_read_line(c, line, &why) != ELBO_OK)
            status = err_set(error, ELBO_BAD_FILE, "%s, line %d: %.900s", path, number, why.message);
    }
    mem_free(c->m, bytes);
    return status;
}
