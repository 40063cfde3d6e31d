/* convolve_onednn.c - oneDNN's convolutions (the API of 2.x). Images keep channels last; weights, and their gradient, are laid
 * out as the primitive wants them, which is told by strides and inner blocks of each axis. Primitives and memory objects are
 * made for one thread, in advance: a call sets where its numbers are and executes. Every worker has memory objects of its own,
 * since they hold those addresses; the scratchpad is the caller's. */
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
    F(dilated_convolution_backward_weights_desc_init,                                                                  \
      (dnnl_convolution_desc_t *, dnnl_alg_kind_t, const dnnl_memory_desc_t *, const dnnl_memory_desc_t *,             \
       const dnnl_memory_desc_t *, const dnnl_memory_desc_t *, const dnnl_dims_t, const dnnl_dims_t,                   \
       const dnnl_dims_t, const dnnl_dims_t))                                                                          \
    F(primitive_attr_create, (dnnl_primitive_attr_t *))                                                                \
    F(primitive_attr_destroy, (dnnl_primitive_attr_t))                                                                 \
    F(primitive_attr_set_scratchpad_mode, (dnnl_primitive_attr_t, dnnl_scratchpad_mode_t))                             \
    F(primitive_desc_create, (dnnl_primitive_desc_t *, const_dnnl_op_desc_t, const_dnnl_primitive_attr_t,              \
                              dnnl_engine_t, const_dnnl_primitive_desc_t))                                             \
    F(primitive_desc_query, (const_dnnl_primitive_desc_t, dnnl_query_t, int, void *))                                  \
    F(primitive_desc_destroy, (dnnl_primitive_desc_t))                                                                 \
    F(primitive_create, (dnnl_primitive_t *, const_dnnl_primitive_desc_t))                                             \
    F(primitive_execute, (const_dnnl_primitive_t, dnnl_stream_t, int, const dnnl_exec_arg_t *))                        \
    F(primitive_destroy, (dnnl_primitive_t))

/* Memory objects of a worker. */
typedef struct worker_memory {
    dnnl_memory_t x, weights, y, scratch;
} worker_memory;

struct onednn_conv {
    memory m;
    const onednn *o;
    op_code op;
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t conv;
    dnnl_memory_desc_t x, y, packed, scratch; /* packed: the weights [F,C,KH,KW] */
    int64_t *offset[4]; /* where index i of an axis of the packed weights is: offsets of the four axes add up */
    int64_t run[2];     /* so many neighbours along F, C lie side by side */
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
    return ok(c->memory_desc_init_by_tag(&c->x, 4, x, dnnl_f32, dnnl_nhwc)) &&
           ok(c->memory_desc_init_by_tag(&c->y, 4, y, dnnl_f32, dnnl_nhwc)) &&
           ok(c->memory_desc_init_by_tag(&c->packed, 4, w, dnnl_f32, dnnl_format_tag_any));
}

/* What backward passes are told of the forward one. */
static bool describe_conv(onednn_conv *c, const conv_sizes *s, op_code op, const_dnnl_primitive_desc_t hint,
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
        op == OP_conv_dx
            ? c->dilated_convolution_backward_data_desc_init(&d, kind, &c->x, &c->packed, &c->y, stride, gaps, before, after)
        : op == OP_conv_dw ? c->dilated_convolution_backward_weights_desc_init(&d, kind, &c->x, &c->packed, NULL, &c->y, stride,
                                                                               gaps, before, after)
                           : c->dilated_convolution_forward_desc_init(&d, dnnl_forward_training, kind, &c->x, &c->packed, NULL,
                                                                      &c->y, stride, gaps, before, after);
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
    if (fine && c->op != OP_conv) fine = describe_conv(c, s, OP_conv, NULL, &hint);
    fine = fine && describe_conv(c, s, c->op, hint, &c->desc) && is_fast(c);
    if (hint) c->primitive_desc_destroy(hint);
    if (!fine) return false;
    c->packed = *c->query_md(c->desc, c->op == OP_conv_dw ? dnnl_query_diff_weights_md : dnnl_query_weights_md, 0);
    c->scratch = *c->query_md(c->desc, dnnl_query_scratchpad_md, 0);
    return true;
}

/* ---- The weights' layout ---- */

/* Index i of an axis is split into one index for each inner block that cuts this axis, and the rest. */
static int64_t packed_offset(const dnnl_memory_desc_t *d, int axis, int64_t i)
{
    const dnnl_blocking_desc_t *b = &d->format_desc.blocking;
    int64_t offset = 0, step = 1;
    for (int k = b->inner_nblks - 1; k >= 0; k--) {
        if (b->inner_idxs[k] == axis) {
            offset += i % b->inner_blks[k] * step;
            i /= b->inner_blks[k];
        }
        step *= b->inner_blks[k];
    }
    return offset + i * b->strides[axis];
}

static int64_t run_of(const int64_t *offset, int64_t n)
{
    int64_t run = 1;
    while (run < n && offset[run] == offset[0] + run) run++;
    for (int64_t i = 0; i < n; i++)
        if (offset[i] != offset[i / run * run] + i % run) return 1;
    return run;
}

static bool make_offsets(onednn_conv *c)
{
    const dnnl_memory_desc_t *d = &c->packed;
    if (d->format_kind != dnnl_blocked || d->extra.flags != 0 || d->offset0 != 0) return false;
    for (int axis = 0; axis < 4; axis++) {
        c->offset[axis] = mem_new(c->m, (size_t)d->dims[axis], sizeof **c->offset);
        if (!c->offset[axis]) return false;
        for (int64_t i = 0; i < d->dims[axis]; i++) c->offset[axis][i] = packed_offset(d, axis, i);
    }
    for (int axis = 0; axis < 2; axis++) c->run[axis] = run_of(c->offset[axis], d->dims[axis]);
    return true;
}

/* One tap's weights [C,F]; neighbours along F side by side. */
static void pack_by_results(const onednn_conv *c, const float *w, float *to)
{
    int64_t channels = c->packed.dims[1], results = c->packed.dims[0], n;
    for (int64_t i = 0; i < channels; i++) {
        for (int64_t f = 0; f < results; f += n) {
            n = results - f < c->run[0] ? results - f : c->run[0];
            memcpy(to + c->offset[1][i] + c->offset[0][f], w + i * results + f, (size_t)n * sizeof *to);
        }
    }
}

/* Neighbours along C side by side. */
static void pack_by_channels(const onednn_conv *c, const float *w, float *to)
{
    int64_t channels = c->packed.dims[1], results = c->packed.dims[0], n;
    for (int64_t i = 0; i < channels; i += n) {
        n = channels - i < c->run[1] ? channels - i : c->run[1];
        for (int64_t f = 0; f < results; f++) {
            float *block = to + c->offset[1][i] + c->offset[0][f];
            for (int64_t k = 0; k < n; k++) block[k] = w[(i + k) * results + f];
        }
    }
}

void onednn_conv_pack(const onednn_conv *c, const float *w, void *packed)
{
    const int64_t *size = c->packed.dims;
    size_t bytes = onednn_conv_packed(c);
    if (bytes != (size_t)(size[0] * size[1] * size[2] * size[3]) * sizeof *w) memset(packed, 0, bytes);
    for (int64_t tap = 0; tap < size[2] * size[3]; tap++) {
        float *to = (float *)packed + c->offset[2][tap / size[3]] + c->offset[3][tap % size[3]];
        const float *from = w + tap * size[1] * size[0];
        if (c->run[0] >= c->run[1]) pack_by_results(c, from, to);
        else pack_by_channels(c, from, to);
    }
}

void onednn_conv_unpack(const onednn_conv *c, const void *packed, float *w)
{
    const int64_t *size = c->packed.dims;
    for (int64_t tap = 0; tap < size[2] * size[3]; tap++) {
        const float *from = (const float *)packed + c->offset[2][tap / size[3]] + c->offset[3][tap % size[3]];
        for (int64_t i = 0; i < size[1]; i++, w += size[0]) {
            for (int64_t f = 0, n; f < size[0]; f += n) {
                n = size[0] - f < c->run[0] ? size[0] - f : c->run[0];
                memcpy(w + f, from + c->offset[1][i] + c->offset[0][f], (size_t)n * sizeof *w);
            }
        }
    }
}

/* ---- Making ---- */

static bool make_workers(onednn_conv *c, int n)
{
    c->workers = mem_new(c->m, (size_t)n, sizeof *c->workers);
    if (!c->workers) return false;
    c->n_workers = n;
    for (int i = 0; i < n; i++) {
        worker_memory *w = &c->workers[i];
        if (!ok(c->memory_create(&w->x, &c->x, c->engine, NULL)) || !ok(c->memory_create(&w->y, &c->y, c->engine, NULL)) ||
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
           make_offsets(c) &&
           ok(c->primitive_create(&c->conv, c->desc)) && make_workers(c, workers);
}

onednn_conv *onednn_conv_open(const onednn *o, memory m, op_code op, const conv_sizes *s, int workers,
                              const onednn_conv *like)
{
    if (s->groups != 1) return NULL;
    onednn_conv *c = mem_new(m, 1, sizeof *c);
    if (!c) return NULL;
    c->m = m;
    c->o = o;
    c->op = op;
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
        dnnl_memory_t held[] = {c->workers[i].x, c->workers[i].weights, c->workers[i].y, c->workers[i].scratch};
        for (int k = 0; k < 4; k++)
            if (held[k]) c->memory_destroy(held[k]);
    }
    mem_free(c->m, c->workers);
}

void onednn_conv_close(onednn_conv *c)
{
    if (!c) return;
    destroy_workers(c);
    if (c->conv) c->primitive_destroy(c->conv);
    if (c->desc) c->primitive_desc_destroy(c->desc);
    if (c->attr) c->primitive_attr_destroy(c->attr);
    if (c->stream) c->stream_destroy(c->stream);
    if (c->engine) c->engine_destroy(c->engine);
    for (int i = 0; i < 4; i++) mem_free(c->m, c->offset[i]);
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

bool onednn_conv_run(const onednn_conv *c, int worker, const void *packed, const float *x, const float *y, void *scratch)
{
    const worker_memory *w = &c->workers[worker];
    if (!place(c, w->x, x) || !place(c, w->y, y) || !place(c, w->weights, packed) || !place(c, w->scratch, scratch)) return false;
    dnnl_exec_arg_t args[] = {{c->op == OP_conv_dx ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, w->x},
                              {c->op == OP_conv_dw ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, w->weights},
                              {c->op == OP_conv ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, w->y},
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

void onednn_conv_pack(const onednn_conv *c, const float *w, void *packed)
{
    (void)c, (void)w, (void)packed;
}

void onednn_conv_unpack(const onednn_conv *c, const void *packed, float *w)
{
    (void)c, (void)packed, (void)w;
}

bool onednn_conv_run(const onednn_conv *c, int worker, const void *packed, const float *x, const float *y, void *scratch)
{
    (void)c, (void)worker, (void)packed, (void)x, (void)y, (void)scratch;
    return false;
}

#endif
