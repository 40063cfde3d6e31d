/* engine.c - see engine.h, and the chapter "Engine" of elbo.h */
#include "engine.h"

enum { MAX_THREADS = 256 };

#define TEXT_OF(x) #x
#define VERSION_TEXT(major, minor, patch) TEXT_OF(major) "." TEXT_OF(minor) "." TEXT_OF(patch)

const char *elbo_version(void)
{
    return VERSION_TEXT(ELBO_VERSION_MAJOR, ELBO_VERSION_MINOR, ELBO_VERSION_PATCH);
}

static int default_threads(void)
{
    int n = pool_processors();
    return n < MAX_THREADS ? n : MAX_THREADS;
}

elbo_engine *elbo_engine_open(const elbo_engine_options *options, elbo_error *error)
{
    memory m = options && options->allocator ? options->allocator : &mem_standard;
    int threads = options ? options->threads : 0;
    if (threads < 0 || threads > MAX_THREADS) {
        err_set(error, ELBO_USAGE, "threads is %d; it must be 0 (one per processor) to %d", threads, MAX_THREADS);
        return NULL;
    }
    if (options && options->data_memory < 0) {
        err_set(error, ELBO_USAGE, "data_memory is %lld; it must be bytes, or 0 for what is usual",
                (long long)options->data_memory);
        return NULL;
    }
    elbo_engine *engine = mem_new(m, 1, sizeof *engine);
    if (!engine) {
        err_memory(error, "an engine");
        return NULL;
    }
    engine->allocator = *m;
    engine->m = &engine->allocator;
    engine->data_memory = options ? options->data_memory : 0;
    bool copied = !options || !options->cache || (engine->cache = mem_copy_text(engine->m, options->cache)) != NULL;
    if (!copied) err_memory(error, "an engine");
    engine->own_products = options && options->own_products;
    if (copied) engine->threads = pool_open(engine->m, threads ? threads : default_threads(), error);
    if (engine->threads) return engine;
    elbo_engine_close(engine);
    return NULL;
}

void elbo_engine_close(elbo_engine *engine)
{
    if (!engine) return;
    elbo_allocator allocator = engine->allocator; /* outlives the engine it frees */
    if (engine->library_close) engine->library_close(engine->library);
    pool_close(engine->threads);
    mem_free(&allocator, engine->cache);
    mem_free(&allocator, engine);
}

int elbo_engine_threads(const elbo_engine *engine)
{
    return pool_threads(engine->threads);
}
