/* product_onednn.c - oneDNN opened, and its products (2.x and 3.x, whose dnnl_sgemm and dnnl_version are the same).
 *
 * The library may be built with OpenMP, and then starts threads of its own unless the calling thread's OpenMP setting
 * forbids it: around each call the setting is made 1 and put back, for the thread may be the program's own. Without a
 * parallel region libgomp has no threads, so a forked child computes too. A library on another threading runtime is
 * unfit. The first product, for which oneDNN generates its code, happens in onednn_open, and is checked. */
#include "product_onednn.h"

#if defined ELBO_HAVE_ONEDNN

#include <dlfcn.h>
#include <dnnl.h>
#include <stdio.h>
#include <string.h>

#if !defined RTLD_NODELETE
#define RTLD_NODELETE 0
#endif

typedef dnnl_status_t sgemm_fn(char ta, char tb, dnnl_dim_t m, dnnl_dim_t n, dnnl_dim_t k, float alpha, const float *a,
                               dnnl_dim_t lda, const float *b, dnnl_dim_t ldb, float beta, float *c, dnnl_dim_t ldc);

struct onednn {
    memory m;
    void *handle;
    sgemm_fn *sgemm;
    const dnnl_version_t *(*version)(void);
    int (*get_threads)(void); /* of OpenMP; NULL in a library without threads */
    void (*set_threads)(int n);
    char name[32];
};

/* Stays mapped after closing: threads may have destructors of the library to run. */
static void *open_library(void)
{
    static const char *const names[] = {"libdnnl.so.2", "libdnnl.so.3"};
    void *handle = NULL;
    for (size_t i = 0; !handle && i < sizeof names / sizeof *names; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    return handle;
}

/* *function = the symbol, looked for in the library and what it depends on. POSIX promises that the copy is right. */
bool onednn_find(const onednn *o, const char *symbol, void *function)
{
    void *at = dlsym(o->handle, symbol);
    memcpy(function, &at, sizeof at);
    return at != NULL;
}

static bool find_threads(onednn *o)
{
    unsigned runtime = o->version()->cpu_runtime;
    if (runtime == DNNL_RUNTIME_SEQ) return true;
    return runtime == DNNL_RUNTIME_OMP && onednn_find(o, "omp_get_max_threads", &o->get_threads) &&
           onednn_find(o, "omp_set_num_threads", &o->set_threads);
}

int onednn_major(const onednn *o)
{
    return o->version()->major;
}

int onednn_alone(const onednn *o)
{
    int threads = o->get_threads ? o->get_threads() : 1;
    if (threads != 1) o->set_threads(1);
    return threads;
}

void onednn_restore(const onednn *o, int threads)
{
    if (threads != 1) o->set_threads(threads);
}

bool onednn_product(const onednn *o, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const float *b, int64_t ldb, float *c, int64_t ldc)
{
    int threads = onednn_alone(o);
    dnnl_status_t status = o->sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1, a, lda, b, ldb, 0, c, ldc);
    onednn_restore(o, threads);
    return status == dnnl_success;
}

static bool works(const onednn *o)
{
    const float a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8}, expected[] = {19, 22, 43, 50};
    float c[4];
    return onednn_product(o, false, false, 2, 2, 2, a, 2, b, 2, c, 2) && memcmp(c, expected, sizeof c) == 0;
}

/* oneDNN crashes where it has no memory for the code it generates (seen with 20 MiB): then it is better not begun. */
static bool has_room(memory m)
{
    enum { ROOM = 48 << 20 };
    void *block = m->resize(m->user, NULL, 0, ROOM);
    if (block) m->resize(m->user, block, ROOM, 0);
    return block != NULL;
}

/* *room: whether there was memory enough to know. */
static bool connect(onednn *o, bool *room)
{
    o->handle = open_library();
    if (!o->handle || !onednn_find(o, "dnnl_sgemm", &o->sgemm) || !onednn_find(o, "dnnl_version", &o->version)) return false;
    const dnnl_version_t *v = o->version();
    snprintf(o->name, sizeof o->name, "oneDNN %d.%d.%d", v->major, v->minor, v->patch);
    return find_threads(o) && (*room = has_room(o->m)) && works(o);
}

bool onednn_open(memory m, onednn **out)
{
    onednn *o = mem_new(m, 1, sizeof *o);
    *out = NULL;
    if (!o) return false;
    o->m = m;
    bool room = true;
    if (connect(o, &room)) *out = o;
    else onednn_close(o);
    return room;
}

void onednn_close(onednn *o)
{
    if (!o) return;
    if (o->handle) dlclose(o->handle);
    mem_free(o->m, o);
}

const char *onednn_name(const onednn *o)
{
    return o->name;
}

#else

bool onednn_open(memory m, onednn **out)
{
    (void)m;
    *out = NULL;
    return true;
}

void onednn_close(onednn *o)
{
    (void)o;
}

const char *onednn_name(const onednn *o)
{
    (void)o;
    return "";
}

bool onednn_product(const onednn *o, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
                    const float *b, int64_t ldb, float *c, int64_t ldc)
{
    (void)o, (void)ta, (void)tb, (void)m, (void)n, (void)k, (void)a, (void)lda, (void)b, (void)ldb, (void)c, (void)ldc;
    return false;
}

#endif
