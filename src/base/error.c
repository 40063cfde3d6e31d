/* error.c - see error.h */
#define ELBO_ERROR_BODY
#include "error.h"
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *elbo_status_text(elbo_status status)
{
    switch (status) {
#define X(name, value, text)                                                                                           \
    case ELBO_##name: return text;
        ELBO_STATUS_MAP(X)
#undef X
    }
    return "unknown status";
}

elbo_status err_set(elbo_error *error, elbo_status code, const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        error->code = code;
        vsnprintf(error->message, sizeof error->message, format, args);
        va_end(args);
        text_disarm(error->message);
    }
    return code;
}

elbo_status err_prefix(elbo_error *error, const char *format, ...)
{
    if (!error) return ELBO_FAILED;
    char old[sizeof error->message];
    memcpy(old, error->message, sizeof old);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(error->message, sizeof error->message, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n;
    if (used < sizeof error->message) snprintf(error->message + used, sizeof error->message - used, ": %s", old);
    text_disarm(error->message);
    return error->code;
}

elbo_status err_memory(elbo_error *error, const char *what)
{
    return err_set(error, ELBO_NO_MEMORY, "out of memory: %s", what);
}
