/* checkpoint.c - see checkpoint.h */
#include "checkpoint.h"
#include "../base/mode.h"
#include "../export/safetensors.h"
#include "checkpoint_json.h"

#include <stdio.h>
#include <string.h>

#define META_MODEL "elbo.model"
#define META_RUN "elbo.run"
#define BEGAN "began/"
#define BEGAN_AVERAGE "began/average/"
#define TRAINED "trained/"

enum { MAX_FILE_TENSORS = 1 << 16 };

elbo_status arrays_open(run_arrays *a, const elbo_model *m, elbo_error *error)
{
    size_t n = (size_t)m->info.latent_size;
    *a = (run_arrays){.code_sum = mem_new(m->m, n, sizeof(double)), .code_square = mem_new(m->m, n, sizeof(double))};
    return a->code_sum && a->code_square ? ELBO_OK : err_memory(error, "statistics of the code");
}

void arrays_close(run_arrays *a, memory m)
{
    mem_free(m, a->code_sum);
    mem_free(m, a->code_square);
    snapshot_close(&a->average, m);
    snapshot_close(&a->began, m);
    snapshot_close(&a->began_average, m);
    *a = (run_arrays){.code_sum = NULL};
}

/* Whether a checkpoint has the numbers as the epoch began: at its beginning they are the ones there are. */
static bool has_began(const elbo_model *m, const run_state *run)
{
    return m->config.rescue && run->step_in_epoch > 0;
}

/* ---- Saving ---- */

typedef struct packing {
    arena a;
    st_tensor *tensors;
    size_t n;
} packing;

/* One entry's tensor in exported layout, under prefix and name. */
static void pack(packing *p, const entry *e, const float *base, const char *prefix)
{
    char name[2 * STORE_NAME];
    snprintf(name, sizeof name, "%s%s", prefix, e->name);
    float *data = arena_new(&p->a, (size_t)e->count, sizeof *data);
    st_tensor *t = &p->tensors[p->n++];
    *t = (st_tensor){.name = arena_text(&p->a, name), .dtype = ST_F32, .rank = e->layout.exported.rank, .data = data,
                     .bytes = (size_t)e->count * sizeof *data};
    for (int i = 0; i < t->rank; i++) t->shape[i] = e->layout.exported.dim[i];
    if (data) store_export(e, base, data);
}

static void pack_code(packing *p, const char *name, const double *data, int64_t n)
{
    p->tensors[p->n++] = (st_tensor){.name = name, .dtype = ST_F64, .rank = 1, .shape = {n}, .data = data,
                                     .bytes = (size_t)n * sizeof *data};
}

static void slot_prefix(const elbo_model *m, const char *before, int i, char out[64])
{
    snprintf(out, 64, "%soptimiser.%s/", before, optim_at((size_t)m->config.optimizer)->slot[i]);
}

static void pack_model(packing *p, const elbo_model *m, const float *value, const float *state, const char *before)
{
    const store *s = &m->store;
    for (int i = 0; i < s->params.n; i++) pack(p, &s->params.at[i], value, before);
    for (int i = 0; i < s->states.n; i++) pack(p, &s->states.at[i], state, before);
}

static void pack_slots(packing *p, const elbo_model *m, float *const *slot, const char *before)
{
    const store *s = &m->store;
    for (int k = 0; k < OPTIM_SLOTS; k++) {
        char prefix[64];
        if (!slot[k]) continue;
        slot_prefix(m, before, k, prefix);
        for (int i = 0; i < s->params.n; i++) pack(p, &s->params.at[i], slot[k], prefix);
    }
}

/* What is under the model's own names is what serves: with running means these, and what is trained under TRAINED. */
static void pack_all(packing *p, const elbo_model *m, const run_state *run, const run_arrays *arrays)
{
    const snapshot *average = run && m->config.ema > 0 ? &arrays->average : NULL;
    if (average) pack_model(p, m, average->value, average->state, "");
    pack_model(p, m, m->store.value, m->store.state, average ? TRAINED : "");
    if (!run) return;
    pack_slots(p, m, m->store.slot, "");
    pack_code(p, "run.code_sum", arrays->code_sum, m->info.latent_size);
    pack_code(p, "run.code_square", arrays->code_square, m->info.latent_size);
    if (!has_began(m, run)) return;
    pack_model(p, m, arrays->began.value, arrays->began.state, BEGAN);
    pack_slots(p, m, arrays->began.slot, BEGAN);
    if (average) pack_model(p, m, arrays->began_average.value, arrays->began_average.state, BEGAN_AVERAGE);
}

elbo_status checkpoint_save(elbo_model *m, const char *path, const run_state *run, const run_arrays *arrays,
                            elbo_error *error)
{
    packing p = {.n = 0};
    arena_open(&p.a, m->m);
    size_t most = 2 * (size_t)(m->store.params.n * (2 + OPTIM_SLOTS) + 2 * m->store.states.n) + 2;
    p.tensors = arena_new(&p.a, most, sizeof *p.tensors);
    if (p.tensors) pack_all(&p, m, run, arrays);
    char *header = header_write(m), *state = run ? run_write(m->m, run) : NULL;
    st_pair meta[2] = {{META_MODEL, header}, {META_RUN, state}};
    elbo_status status = p.a.failed || !header || (run && !state)
                             ? err_memory(error, "a model file")
                             : st_write(m->m, path, p.tensors, p.n, meta, run ? 2 : 1, error);
    mem_free(m->m, header);
    mem_free(m->m, state);
    arena_close(&p.a);
    return status;
}

elbo_status elbo_model_save(elbo_model *m, const char *path, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    return checkpoint_save(m, path, NULL, NULL, error);
}

/* ---- Loading ---- */

static bool is_float(st_dtype d)
{
    return d == ST_F64 || d == ST_F32 || d == ST_F16 || d == ST_BF16;
}

elbo_status tensor_check(const entry *e, const char *name, const st_tensor *t, bool any_float, elbo_error *error)
{
    if (!t) return err_set(error, ELBO_BAD_FILE, "tensor %s is missing", name);
    const shape want = e->layout.exported;
    bool same = t->rank == want.rank && (any_float ? is_float(t->dtype) : t->dtype == ST_F32);
    shape have = {.rank = t->rank < MAX_RANK ? t->rank : MAX_RANK};
    for (int i = 0; i < have.rank; i++) have.dim[i] = t->shape[i];
    for (int i = 0; same && i < want.rank; i++) same = have.dim[i] == want.dim[i];
    char words[96], got[96];
    shape_text(want, words);
    shape_text(have, got);
    if (!same)
        return err_set(error, ELBO_BAD_FILE, "tensor %s: got %s %s, expected %s %s", name, st_dtype_name(t->dtype), got,
                       any_float ? "floats" : "F32", words);
    int64_t bad = st_first_nonfinite(t);
    if (bad >= 0) return err_set(error, ELBO_BAD_FILE, "tensor %s: number %lld is not finite", name, (long long)bad);
    return ELBO_OK;
}

elbo_status tensor_put(memory m, const entry *e, const st_tensor *t, float *base, elbo_error *error)
{
    const float *x = st_floats(t);
    float *room = x ? NULL : mem_new(m, (size_t)e->count, sizeof *room);
    if (!x && !room) return err_memory(error, "a tensor of a file");
    if (room) st_to_float(t, room);
    store_import(e, room ? room : x, base);
    mem_free(m, room);
    return ELBO_OK;
}

static elbo_status unpack(const st_file *f, const store *s, const entry_list *l, float *base, const char *prefix,
                          elbo_error *error)
{
    for (int i = 0; i < l->n; i++) {
        char name[2 * STORE_NAME];
        snprintf(name, sizeof name, "%s%s", prefix, l->at[i].name);
        const st_tensor *t = st_find(f, name);
        elbo_status status = tensor_check(&l->at[i], name, t, false, error);
        if (status == ELBO_OK) status = tensor_put(s->m, &l->at[i], t, base, error);
        if (status != ELBO_OK) return status;
    }
    return ELBO_OK;
}

static elbo_status unpack_code(const st_file *f, const char *name, double *out, int64_t n, elbo_error *error)
{
    const st_tensor *t = st_find(f, name);
    if (!t || t->dtype != ST_F64 || t->rank != 1 || t->shape[0] != n)
        return err_set(error, ELBO_BAD_FILE, "tensor %s is missing or has another shape", name);
    memcpy(out, t->data, t->bytes);
    return ELBO_OK;
}

static elbo_status unpack_model(const st_file *f, const store *s, float *value, float *state, const char *before,
                                elbo_error *error)
{
    elbo_status status = unpack(f, s, &s->params, value, before, error);
    return status == ELBO_OK ? unpack(f, s, &s->states, state, before, error) : status;
}

static elbo_status unpack_slots(const st_file *f, const elbo_model *m, float *const *slot, const char *before,
                                elbo_error *error)
{
    elbo_status status = ELBO_OK;
    for (int k = 0; k < OPTIM_SLOTS && status == ELBO_OK; k++) {
        char prefix[64];
        if (!slot[k]) continue;
        slot_prefix(m, before, k, prefix);
        status = unpack(f, &m->store, &m->store.params, slot[k], prefix, error);
    }
    return status;
}

static elbo_status unpack_began(const st_file *f, const elbo_model *m, run_arrays *a, elbo_error *error)
{
    const store *s = &m->store;
    elbo_status status = snapshot_take(&a->began, s, true, error); /* which makes room */
    if (status == ELBO_OK) status = unpack_model(f, s, a->began.value, a->began.state, BEGAN, error);
    if (status == ELBO_OK) status = unpack_slots(f, m, a->began.slot, BEGAN, error);
    if (status != ELBO_OK || m->config.ema == 0) return status;
    status = snapshot_take(&a->began_average, s, false, error);
    return status == ELBO_OK ? unpack_model(f, s, a->began_average.value, a->began_average.state, BEGAN_AVERAGE, error) : status;
}

/* The running means were read as the model: they change places with what is trained. */
static elbo_status unpack_trained(const st_file *f, elbo_model *m, snapshot *average, elbo_error *error)
{
    elbo_status status = snapshot_take(average, &m->store, false, error);
    return status == ELBO_OK ? unpack_model(f, &m->store, m->store.value, m->store.state, TRAINED, error) : status;
}

static elbo_status unpack_run(const st_file *f, elbo_model *m, const run_state *run, run_arrays *arrays, elbo_error *error)
{
    elbo_status status = arrays_open(arrays, m, error);
    if (status == ELBO_OK) status = model_trains(m, error);
    if (status == ELBO_OK && m->config.ema > 0) status = unpack_trained(f, m, &arrays->average, error);
    if (status == ELBO_OK) status = unpack_slots(f, m, m->store.slot, "", error);
    if (status == ELBO_OK) status = unpack_code(f, "run.code_sum", arrays->code_sum, m->info.latent_size, error);
    if (status == ELBO_OK) status = unpack_code(f, "run.code_square", arrays->code_square, m->info.latent_size, error);
    return status == ELBO_OK && has_began(m, run) ? unpack_began(f, m, arrays, error) : status;
}

static elbo_status unpack_all(elbo_model *m, const st_file *f, const run_state *run, run_arrays *arrays, elbo_error *error)
{
    elbo_status status = unpack_model(f, &m->store, m->store.value, m->store.state, "", error);
    if (status == ELBO_OK && run) status = unpack_run(f, m, run, arrays, error);
    store_revert(&m->store);
    return status;
}

static int64_t numbers_in(const st_file *f)
{
    int64_t n = 0;
    for (size_t i = 0; i < st_count(f); i++) n += (int64_t)(st_at(f, i)->bytes / sizeof(float));
    return n;
}

static elbo_status check_file(const st_file *f, bool run, elbo_error *error)
{
    if (!st_meta(f, META_MODEL))
        return err_set(error, ELBO_BAD_FILE, "no model of elbo: the metadata have no " META_MODEL);
    if (!st_has_checksum(f)) return err_set(error, ELBO_BAD_FILE, "the checksum is missing");
    if (st_count(f) > MAX_FILE_TENSORS) return err_set(error, ELBO_BAD_FILE, "more than %d tensors", MAX_FILE_TENSORS);
    if (run && !st_meta(f, META_RUN))
        return err_set(error, ELBO_MISMATCH, "a model without the state of its training, which can't be resumed");
    return st_verify(f, error);
}

static elbo_model *model_in(elbo_engine *engine, const st_file *f, run_state *run, run_arrays *arrays, elbo_error *error)
{
    if (check_file(f, run != NULL, error) != ELBO_OK) return NULL;
    model_header *h = mem_new(engine->m, 1, sizeof *h);
    if (!h) {
        err_memory(error, "a model file");
        return NULL;
    }
    elbo_model *m = NULL;
    if (header_read(engine->m, st_meta(f, META_MODEL), h, error) == ELBO_OK &&
        (!run || run_read(st_meta(f, META_RUN), run, error) == ELBO_OK)) {
        h->data.max_parameters = numbers_in(f);
        m = model_new(engine, &h->config, &h->data, error);
        if (!m && error && error->code == ELBO_USAGE) error->code = ELBO_BAD_FILE;
    }
    if (m && (unpack_all(m, f, run, arrays, error) != ELBO_OK || model_note_units(m, error) != ELBO_OK)) {
        elbo_model_free(m);
        m = NULL;
    }
    if (m) {
        m->info.step = h->step;
        m->info.epoch = h->epoch;
    }
    columns_free(h->columns);
    mem_free(engine->m, h);
    return m;
}

elbo_model *checkpoint_load(elbo_engine *engine, const char *path, run_state *run, run_arrays *arrays,
                            elbo_error *error)
{
    st_file *f;
    elbo_error why = {0};
    if (st_read(engine->m, path, SIZE_MAX / 2, &f, error) != ELBO_OK) return NULL;
    elbo_model *m = model_in(engine, f, run, arrays, &why);
    if (!m) err_set(error, why.code, "%.300s: %.700s", path, why.message);
    st_close(f);
    return m;
}

elbo_model *elbo_model_load(elbo_engine *engine, const char *path, elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    file_kind kind;
    if (file_look(path, &kind, error) != ELBO_OK) return NULL;
    if (kind < FILE_DIRECTORY) return checkpoint_load(engine, path, NULL, NULL, error);
    char *best = file_join(engine->m, path, "best.safetensors");
    if (!best) {
        err_memory(error, "a path");
        return NULL;
    }
    if (!file_exists(best)) {
        mem_free(engine->m, best);
        best = file_join(engine->m, path, "last.safetensors");
    }
    elbo_model *m = best ? checkpoint_load(engine, best, NULL, NULL, error) : NULL;
    if (!best) err_memory(error, "a path");
    mem_free(engine->m, best);
    return m;
}
