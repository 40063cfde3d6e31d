/* convolve_onednn.c - oneDNN's convolutions (the API of 2.x). Images keep channels last; weights are laid out by a reorder as
 * the primitive wants them. Primitives and memory objects are made for one thread, in advance: a call sets where its numbers
 * are and executes. Every worker has memory objects of its own, since they hold those addresses; the scratchpad is the
 * caller's. */
#include "convolve_onednn.h"

#if defined ELBO_HAVE_ONEDNN
#include <dnnl.h>
#endif

#if defined ELBO_HAVE_ONEDNN && DNNL_VERSION_MAJOR == 2

#include <string.h>

/* The library's functions: result, name without dnnl_, arguments. */
#define FUNCTIONS(F)                                                                                                   \
    F(engine_create, (dnnl_engine_t *, dnnl_engine_kind_t, size_t))                                                    \
    F(engine_destroy, (dnnl_engine_t))                                                                                 \
    F(stream_create, (dnnl_stream_t *, dnnl_engine_t, unsigned))                                                       \
    F(stream_destroy, (dnnl_stream_t))                                                                                 \
    F(memory_desc_init_by_strides,                                                                                     \
      (dnnl_memory_desc_t *, int, const dnnl_dims_t, dnnl_data_type_t, const dnnl_dims_t))                             \
    F(memory_desc_init_by_tag,                                                                                         \
      (dnnl_memory_desc_t *, int, const dnnl_dims_t, dnnl_data_type_t, dnnl_format_tag_t))                             \
    F(memory_create, (dnnl_memory_t *, const dnnl_memory_desc_t *, dnnl_engine_t, void *))                             \
    F(memory_destroy, (dnnl_memory_t))                                                                                 \
    F(memory_set_data_handle, (dnnl_memory_t, void *))                                                                 \
    F(dilated_convolution_forward_desc_init,                                                                           \
      (dnnl_convolution_desc_t *, dnnl_prop_kind_t, dnnl_alg_kind_t, const dnnl_memory_desc_t *,                       \
       const dnnl_memory_desc_t *, const dnnl_memory_desc_t *, const dnnl_memory_desc_t *, const dnnl_dims_t,          \
       const dnnl_dims_t, const dnnl_dims_t, const dnnl_dims_t))                                                       \
    F(dilated_convolution_backward_data_desc_init,                                                                     \
      (dnnl_convolution_desc_t *, dnnl_alg_kind_t, const dnnl_memory_desc_t *, const dnnl_memory_desc_t *,             \
       const dnnl_memory_desc_t *, const dnnl_dims_t, const dnnl_dims_t, const dnnl_dims_t, const dnnl_dims_t))        \
    F(primitive_attr_create, (dnnl_primitive_attr_t *))                                                                \
    F(primitive_attr_destroy, (dnnl_primitive_attr_t))                                                                 \
    F(primitive_attr_set_scratchpad_mode, (dnnl_primitive_attr_t, dnnl_scratchpad_mode_t))                             \
    F(primitive_desc_create, (dnnl_primitive_desc_t *, const_dnnl_op_desc_t, const_dnnl_primitive_attr_t,              \
                              dnnl_engine_t, const_dnnl_primitive_desc_t))                                             \
    F(primitive_desc_query, (const_dnnl_primitive_desc_t, dnnl_query_t, int, void *))                                  \
    F(primitive_desc_destroy, (dnnl_primitive_desc_t))                                                                 \
    F(reorder_primitive_desc_create,                                                                                   \
      (dnnl_primitive_desc_t *, const dnnl_memory_desc_t *, dnnl_engine_t, const dnnl_memory_desc_t *, dnnl_engine_t,  \
       const_dnnl_primitive_attr_t))                                                                                   \
    F(primitive_create, (dnnl_primitive_t *, const_dnnl_primitive_desc_t))                                             \
    F(primitive_execute, (const_dnnl_primitive_t, dnnl_stream_t, int, const dnnl_exec_arg_t *))                        \
    F(primitive_destroy, (dnnl_primitive_t))

/* Memory objects of a worker. */
typedef struct worker_memory {
    dnnl_memory_t from, weights, to, scratch;
} worker_memory;

struct onednn_conv {
    memory m;
    const onednn *o;
    bool backward;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t desc, pack_desc;
    dnnl_primitive_t conv, pack;
    dnnl_memory_desc_t x, y, plain, packed, scratch;
    dnnl_memory_t pack_from, pack_to;
    int n_workers;
    worker_memory *workers;
#define FIELD(name, arguments) dnnl_status_t(*name) arguments;
    FUNCTIONS(FIELD)
#undef FIELD
    size_t (*size)(const dnnl_memory_desc_t *);
    const dnnl_memory_desc_t *(*query_md)(const_dnnl_primitive_desc_t, dnnl_query_t, int);
};

static bool find_functions(onednn_conv *c)
{
    bool found = onednn_major(c->o) == DNNL_VERSION_MAJOR;
#define FIND(name, arguments) found = found && onednn_find(c->o, "dnnl_" #name, &c->name);
    FUNCTIONS(FIND)
#undef FIND
    return found && onednn_find(c->o, "dnnl_memory_desc_get_size", &c->size) &&
           onednn_find(c->o, "dnnl_primitive_desc_query_md", &c->query_md);
}

static bool ok(dnnl_status_t status)
{
    return status == dnnl_success;
}

/* ---- Descriptions ---- */

static bool describe_tensors(onednn_conv *c, const conv_sizes *s)
{
    dnnl_dims_t x = {s->batch, s->channels, s->in[0], s->in[1]}, y = {s->batch, s->results, s->out[0], s->out[1]};
    dnnl_dims_t w = {s->results, s->channels, s->at.size[0], s->at.size[1]};
    dnnl_dims_t steps = {1, s->results, s->at.size[1] * s->channels * s->results, s->channels * s->results};
    return ok(c->memory_desc_init_by_tag(&c->x, 4, x, dnnl_f32, dnnl_nhwc)) &&
           ok(c->memory_desc_init_by_tag(&c->y, 4, y, dnnl_f32, dnnl_nhwc)) &&
           ok(c->memory_desc_init_by_strides(&c->plain, 4, w, dnnl_f32, steps)) &&
           ok(c->memory_desc_init_by_tag(&c->packed, 4, w, dnnl_f32, dnnl_format_tag_any));
}

/* What backward passes are told of the forward one. */
static bool describe_conv(onednn_conv *c, const conv_sizes *s, bool backward, const_dnnl_primitive_desc_t hint,
                          dnnl_primitive_desc_t *out)
{
    dnnl_dims_t stride, before, after, gaps;
    for (int i = 0; i < 2; i++) {
        const window *w = &s->at;
        stride[i] = w->stride[i], before[i] = w->padding[i], gaps[i] = w->dilation[i] - 1;
        after[i] = (s->out[i] - 1) * w->stride[i] + (w->size[i] - 1) * (int64_t)w->dilation[i] + 1 - s->in[i] - w->padding[i];
    }
    dnnl_convolution_desc_t d;
    dnnl_alg_kind_t kind = dnnl_convolution_direct;
    dnnl_status_t status =
        backward ? c->dilated_convolution_backward_data_desc_init(&d, kind, &c->x, &c->packed, &c->y, stride, gaps, before, after)
                 : c->dilated_convolution_forward_desc_init(&d, dnnl_forward_training, kind, &c->x, &c->packed, NULL, &c->y,
                                                            stride, gaps, before, after);
    return ok(status) && ok(c->primitive_desc_create(out, &d, c->attr, c->engine, hint));
}

/* The library has a plain fallback for everything, slower than a product of patches. */
static bool is_fast(const onednn_conv *c)
{
    const char *name = NULL;
    return ok(c->primitive_desc_query(c->desc, dnnl_query_impl_info_str, 0, &name)) && name &&
           (strstr(name, "jit:avx") || strstr(name, "brg"));
}

static bool describe(onednn_conv *c, const conv_sizes *s, const onednn_conv *like)
{
    dnnl_primitive_desc_t hint = NULL;
    bool fine = describe_tensors(c, s);
    if (like) c->packed = like->packed;
    if (fine && c->backward) fine = describe_conv(c, s, false, NULL, &hint);
    fine = fine && describe_conv(c, s, c->backward, hint, &c->desc) && is_fast(c);
    if (hint) c->primitive_desc_destroy(hint);
    if (!fine) return false;
    c->packed = *c->query_md(c->desc, dnnl_query_weights_md, 0);
    c->scratch = *c->query_md(c->desc, dnnl_query_scratchpad_md, 0);
    return ok(c->reorder_primitive_desc_create(&c->pack_desc, &c->plain, c->engine, &c->packed, c->engine, NULL));
}

/* ---- Making ---- */

static bool make_workers(onednn_conv *c, int n)
{
    c->workers = mem_new(c->m, (size_t)n, sizeof *c->workers);
    if (!c->workers) return false;
    c->n_workers = n;
    const dnnl_memory_desc_t *from = c->backward ? &c->y : &c->x, *to = c->backward ? &c->x : &c->y;
    for (int i = 0; i < n; i++) {
        worker_memory *w = &c->workers[i];
        if (!ok(c->memory_create(&w->from, from, c->engine, NULL)) || !ok(c->memory_create(&w->to, to, c->engine, NULL)) ||
            !ok(c->memory_create(&w->weights, &c->packed, c->engine, NULL)) ||
            !ok(c->memory_create(&w->scratch, &c->scratch, c->engine, NULL)))
            return false;
    }
    return true;
}

static bool make(onednn_conv *c, const conv_sizes *s, int workers, const onednn_conv *like)
{
    return find_functions(c) && ok(c->engine_create(&c->engine, dnnl_cpu, 0)) &&
           ok(c->stream_create(&c->stream, c->engine, dnnl_stream_default_flags)) && ok(c->primitive_attr_create(&c->attr)) &&
           ok(c->primitive_attr_set_scratchpad_mode(c->attr, dnnl_scratchpad_mode_user)) && describe(c, s, like) &&
           ok(c->primitive_create(&c->conv, c->desc)) && ok(c->primitive_create(&c->pack, c->pack_desc)) &&
           ok(c->memory_create(&c->pack_from, &c->plain, c->engine, NULL)) &&
           ok(c->memory_create(&c->pack_to, &c->packed, c->engine, NULL)) && make_workers(c, workers);
}

onednn_conv *onednn_conv_open(const onednn *o, memory m, op_code op, const conv_sizes *s, int workers,
                              const onednn_conv *like)
{
    if (s->groups != 1) return NULL;
    onednn_conv *c = mem_new(m, 1, sizeof *c);
    if (!c) return NULL;
    c->m = m;
    c->o = o;
    c->backward = op == OP_conv_dx;
    int threads = onednn_alone(o);
    bool made = make(c, s, workers, like);
    onednn_restore(o, threads);
    if (made) return c;
    onednn_conv_close(c);
    return NULL;
}

static void destroy_workers(onednn_conv *c)
{
    for (int i = 0; i < c->n_workers; i++) {
        dnnl_memory_t held[] = {c->workers[i].from, c->workers[i].weights, c->workers[i].to, c->workers[i].scratch};
        for (int k = 0; k < 4; k++)
            if (held[k]) c->memory_destroy(held[k]);
    }
    mem_free(c->m, c->workers);
}

void onednn_conv_close(onednn_conv *c)
{
    if (!c) return;
    destroy_workers(c);
    if (c->pack_from) c->memory_destroy(c->pack_from);
    if (c->pack_to) c->memory_destroy(c->pack_to);
    if (c->conv) c->primitive_destroy(c->conv);
    if (c->pack) c->primitive_destroy(c->pack);
    if (c->desc) c->primitive_desc_destroy(c->desc);
    if (c->pack_desc) c->primitive_desc_destroy(c->pack_desc);
    if (c->attr) c->primitive_attr_destroy(c->attr);
    if (c->stream) c->stream_destroy(c->stream);
    if (c->engine) c->engine_destroy(c->engine);
    mem_free(c->m, c);
}

/* ---- Running ---- */

size_t onednn_conv_scratch(const onednn_conv *c)
{
    return c->size(&c->scratch);
}

size_t onednn_conv_packed(const onednn_conv *c)
{
    return c->size(&c->packed);
}

/* Tells a memory object where its numbers are. */
static bool place(const onednn_conv *c, dnnl_memory_t x, const void *at)
{
    return ok(c->memory_set_data_handle(x, (void *)(uintptr_t)at));
}

bool onednn_conv_pack(const onednn_conv *c, const float *w, void *packed)
{
    if (!place(c, c->pack_from, w) || !place(c, c->pack_to, packed)) return false;
    dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, c->pack_from}, {DNNL_ARG_TO, c->pack_to}};
    int threads = onednn_alone(c->o);
    bool done = ok(c->primitive_execute(c->pack, c->stream, 2, args));
    onednn_restore(c->o, threads);
    return done;
}

bool onednn_conv_run(const onednn_conv *c, int worker, const void *packed, const float *from, float *to, void *scratch)
{
    const worker_memory *w = &c->workers[worker];
    if (!place(c, w->from, from) || !place(c, w->to, to) || !place(c, w->weights, packed) || !place(c, w->scratch, scratch))
        return false;
    dnnl_exec_arg_t args[] = {{c->backward ? DNNL_ARG_DIFF_DST : DNNL_ARG_SRC, w->from},
                              {DNNL_ARG_WEIGHTS, w->weights},
                              {c->backward ? DNNL_ARG_DIFF_SRC : DNNL_ARG_DST, w->to},
                              {DNNL_ARG_SCRATCHPAD, w->scratch}};
    int threads = onednn_alone(c->o);
    bool done = ok(c->primitive_execute(c->conv, c->stream, 4, args));
    onednn_restore(c->o, threads);
    return done;
}

#else

onednn_conv *onednn_conv_open(const onednn *o, memory m, op_code op, const conv_sizes *s, int workers,
                              const onednn_conv *like)
{
    (void)o, (void)m, (void)op, (void)s, (void)workers, (void)like;
    return NULL;
}

void onednn_conv_close(onednn_conv *c)
{
    (void)c;
}

size_t onednn_conv_scratch(const onednn_conv *c)
{
    (void)c;
    return 0;
}

size_t onednn_conv_packed(const onednn_conv *c)
{
    (void)c;
    return 0;
}

bool onednn_conv_pack(const onednn_conv *c, const float *w, void *packed)
{
    (void)c, (void)w, (void)packed;
    return false;
}

bool onednn_conv_run(const onednn_conv *c, int worker, const void *packed, const float *from, float *to, void *scratch)
{
    (void)c, (void)worker, (void)packed, (void)from, (void)to, (void)scratch;
    return false;
}

#endif
