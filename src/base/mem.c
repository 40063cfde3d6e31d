/* mem.c - see mem.h */
#include "mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ALIGN = 64, CHUNK = 64 * 1024, PAGE = 4096, MEDIUM = 256 * 1024, LARGE = 2 << 20 };

/* Tells the system of a block that will be written, where it listens; nothing depends on it. Large blocks come in large pages,
 * when they are touched, for with small ones a processor spends much of its time on looking up where a page is. Of all others
 * all pages come at once, for one by one each costs several times what it takes to zero it. */
static void ask_for_pages(void *block, size_t size)
{
    uintptr_t begin = ((uintptr_t)block + PAGE - 1) / PAGE * PAGE, end = ((uintptr_t)block + size) / PAGE * PAGE;
#if defined MADV_HUGEPAGE
    if (size >= LARGE) madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#endif
#if defined MADV_POPULATE_WRITE
    if (size >= MEDIUM && size < LARGE) madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
#endif
    (void)begin, (void)end;
}

/* A large block begins where a large page does. */
static void *resize_block(void *ptr, size_t size)
{
    void *block;
    if (ptr || size < LARGE) return realloc(ptr, size);
    return posix_memalign(&block, LARGE, size) ? NULL : block;
}

static void *standard_resize(void *user, void *ptr, size_t old_size, size_t new_size)
{
    (void)user;
    (void)old_size;
    if (new_size == 0) {
        free(ptr);
        return NULL;
    }
    void *block = resize_block(ptr, new_size);
    if (block) ask_for_pages(block, new_size);
    return block;
}

const elbo_allocator mem_standard = {standard_resize, NULL};

uint64_t mem_of_machine(void)
{
    /* What is not known is -1, or no limit, and then more than there can be. */
    uint64_t most = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    struct rlimit limit = {.rlim_cur = RLIM_INFINITY};
    (void)getrlimit(RLIMIT_AS, &limit);
    return limit.rlim_cur < most ? limit.rlim_cur : most;
}

bool size_mul(size_t a, size_t b, size_t *out)
{
    if (b != 0 && a > SIZE_MAX / b) return false;
    *out = a * b;
    return true;
}

bool size_add(size_t a, size_t b, size_t *out)
{
    if (a > SIZE_MAX - b) return false;
    *out = a + b;
    return true;
}

/* What lies just before a block: where the allocator's own block begins, its size, and the size asked for. */
typedef struct header {
    void *raw;
    size_t raw_size, size;
} header;

static header *header_of(void *block)
{
    return (header *)(void *)((char *)block - sizeof(header));
}

void *mem_new(memory m, size_t count, size_t size)
{
    size_t bytes, raw_size;
    if (!size_mul(count, size, &bytes) || !size_add(bytes, sizeof(header) + ALIGN, &raw_size)) return NULL;
    char *raw = m->resize(m->user, NULL, 0, raw_size);
    if (!raw) return NULL;
    char *block = raw + sizeof(header);
    block += (ALIGN - (uintptr_t)block % ALIGN) % ALIGN;
    *header_of(block) = (header){raw, raw_size, bytes};
    memset(block, 0, bytes);
    return block;
}

void *mem_resize(memory m, void *block, size_t count, size_t size)
{
    void *grown = mem_new(m, count, size);
    if (!grown || !block) return grown;
    size_t old = header_of(block)->size, now = count * size;
    memcpy(grown, block, old < now ? old : now);
    mem_free(m, block);
    return grown;
}

void mem_free(memory m, void *block)
{
    if (!block) return;
    header h = *header_of(block);
    m->resize(m->user, h.raw, h.raw_size, 0);
}

char *mem_copy_text(memory m, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = mem_new(m, n, 1);
    if (copy) memcpy(copy, text, n);
    return copy;
}

/* ---- Arena ---- */

typedef struct arena_chunk {
    struct arena_chunk *next;
    size_t used, size;
    _Alignas(16) char bytes[];
} arena_chunk;

void arena_open(arena *a, memory m)
{
    *a = (arena){.m = m};
}

void *arena_new(arena *a, size_t count, size_t size)
{
    size_t bytes;
    if (a->failed || !size_mul(count, size, &bytes) || bytes > SIZE_MAX / 2) {
        a->failed = true;
        return NULL;
    }
    bytes = (bytes + 15) & ~(size_t)15;
    if (!a->chunk || a->chunk->size - a->chunk->used < bytes) {
        size_t room = bytes > CHUNK ? bytes : CHUNK;
        arena_chunk *c = mem_new(a->m, 1, sizeof *c + room);
        if (!c) {
            a->failed = true;
            return NULL;
        }
        c->next = a->chunk;
        c->size = room;
        a->chunk = c;
    }
    void *block = a->chunk->bytes + a->chunk->used;
    a->chunk->used += bytes;
    return block;
}

char *arena_text(arena *a, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = arena_new(a, n, 1);
    if (copy) memcpy(copy, text, n);
    return copy;
}

void arena_close(arena *a)
{
    for (arena_chunk *c = a->chunk, *next; c; c = next) {
        next = c->next;
        mem_free(a->m, c);
    }
    *a = (arena){.m = a->m};
}
