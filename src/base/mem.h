/* mem.h - memory through the engine's allocator, and arenas.
 *
 * Every block is zeroed, aligned to 64 bytes and remembers its own size, so freeing takes no size. Sizes are given as
 * count x size and checked for overflow here, once. */
#ifndef ELBO_BASE_MEM_H
#define ELBO_BASE_MEM_H

#include <elbo.h>
#include <stdbool.h>

typedef const elbo_allocator *memory;

/* malloc and free. */
extern const elbo_allocator mem_standard;

/* count x size bytes, zeroed; NULL when there is none or the product overflows. A product of 0 gives a valid block. */
void *mem_new(memory m, size_t count, size_t size);
/* Grows or shrinks a block (NULL: a new one) to count x size bytes; what is new is zeroed. NULL leaves the old one as it
 * was. */
void *mem_resize(memory m, void *block, size_t count, size_t size);
void mem_free(memory m, void *block);
char *mem_copy_text(memory m, const char *text);

/* *out = a x b or a + b; false on overflow, for sizes that come from a file. */
bool size_mul(size_t a, size_t b, size_t *out);
bool size_add(size_t a, size_t b, size_t *out);

/* Bytes of memory that the machine has, or that this process may have where those are fewer. */
uint64_t mem_of_machine(void);

/* An arena: many small blocks freed together. After the first failure every later allocation fails too, and failed says
 * so, so callers may check once at the end. */
typedef struct arena {
    memory m;
    struct arena_chunk *chunk;
    bool failed;
} arena;

void arena_open(arena *a, memory m);
void *arena_new(arena *a, size_t count, size_t size); /* zeroed, aligned to 16 bytes; NULL after a failure */
char *arena_text(arena *a, const char *text);
void arena_close(arena *a);

#endif
