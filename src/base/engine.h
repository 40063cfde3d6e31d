/* engine.h - the handle everything is made from: memory, threads, and what the kernels keep open. */
#ifndef ELBO_BASE_ENGINE_H
#define ELBO_BASE_ENGINE_H

#include "mem.h"
#include "pool.h"

struct elbo_engine {
    elbo_allocator allocator;
    memory m; /* &allocator */
    pool *threads;
    char *cache;                         /* see elbo_engine_options; NULL: none */
    int64_t data_memory;
    bool own_products;                   /* the built-in matrix product even where a library is there */
    void *library;                       /* the matrix library's handle, opened when first needed; NULL: not yet */
    void (*library_close)(void *library);
};

#endif
