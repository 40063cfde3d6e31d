/* open.c - what the fast kernels keep open in an engine. */
#include "../../base/engine.h"
#include "../../graph/kernel.h"
#include "product.h"
#include "product_bf16.h"

bool cpu_open(elbo_engine *engine)
{
    if (engine->library) return true;
    pool_mode mode = pool_enter(); /* opening tries a product */
    engine->library = product_open(engine->m, engine->own_products ? PRODUCT_BUILTIN : PRODUCT_BEST, cpu_best());
    pool_leave(mode);
    engine->library_close = product_close;
    return engine->library != NULL;
}

bool cpu_gains_from_bf16(void)
{
    return bf16_best() != bf16_portable();
}
