/* error.h - how a function says what went wrong: it fills the caller's elbo_error and returns the code. */
#ifndef ELBO_BASE_ERROR_H
#define ELBO_BASE_ERROR_H

#include <elbo.h>

#if defined __GNUC__
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#else
#define PRINTF_LIKE(f, a)
#endif

/* Fills error (NULL is allowed) and returns code. The message says what, which, got, expected and what to do; what it quotes
 * from files and names may be anything, for control characters are replaced. */
elbo_status err_set(elbo_error *error, elbo_status code, const char *format, ...) PRINTF_LIKE(3, 4);

/* Puts "prefix: " before the message there is, to add what the caller knows (a path, an option). Returns error->code. */
elbo_status err_prefix(elbo_error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* err_set for NO_MEMORY: "out of memory: <what>". */
elbo_status err_memory(elbo_error *error, const char *what);

/* A checker that looks at one file at a time is told that neither returns ELBO_OK. */
#if defined __clang_analyzer__ && !defined ELBO_ERROR_BODY
static inline elbo_status err_told(elbo_status code)
{
    if (code == ELBO_OK) __builtin_unreachable();
    return code;
}
#define err_set(...) err_told(err_set(__VA_ARGS__))
#define err_memory(...) err_told(err_memory(__VA_ARGS__))
#endif

#endif
