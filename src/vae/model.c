/* model.c - making models and compiling their graphs. */
#include "model.h"
#include "units.h"
#include "../base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SLOT_X, SLOT_BETA, SLOT_CAPACITY, N_INPUTS };

int64_t model_numbers(const elbo_model *m)
{
    return m->info.shape[0] * m->info.shape[1] * m->info.shape[2];
}

const char *model_family_name(const elbo_config *c)
{
    return elbo_family_at((size_t)c->family)->name;
}

/* reduction = mean divides rec by the number of values but leaves kl per example, so kl weighs that much more. */
double model_effective_beta(const elbo_model *m)
{
    enum { EXAMPLE, SUM, MEAN };
    return m->config.reduction == MEAN ? m->config.beta * (double)model_numbers(m) : m->config.beta;
}

/* What the loss in nats per example is multiplied by before it is differentiated. */
static double loss_scale(const elbo_model *m, int64_t examples)
{
    enum { EXAMPLE, SUM, MEAN };
    switch (m->config.reduction) {
    case SUM: return (double)examples;
    case MEAN: return 1.0 / (double)model_numbers(m);
    default: return 1;
    }
}

double model_share(const elbo_model *m, int number, double share)
{
    enum { EXAMPLE, SUM, MEAN };
    return number == 0 && m->config.reduction == SUM ? 1 : share;
}

/* ---- Graphs ---- */

/* Levels and counts are those of the data in the network's range. */
likelihood model_likelihood(const elbo_model *m)
{
    const elbo_config *c = &m->config;
    double step = m->data.step;
    likelihood l = {.kind = (likelihood_kind)c->likelihood, .sigma_kind = (sigma_kind)c->variance, .sigma = c->sigma,
                    .output = (output_kind)c->output, .step = 1};
    if (step > 0) {
        l.levels = model_levels(&m->data);
        l.step = c->range ? 2 * step : step;
        l.low = c->range ? -1 : 0;
    }
    l.columns = m->data.columns;
    return l;
}

static vae open_vae(elbo_model *m, graph *g, purpose why, node **state_value)
{
    static const char *const names[] = {"train", "evaluate", "encode", "decode", "draw", "weigh"};
    const elbo_config *c = &m->config;
    vae v = {.config = c, .trunk = m->trunk, .columns = m->data.columns};
    v.s = (scope){.g = g, .store = &m->store, .group = "model", .purpose = names[why], .training = why == TRAIN,
                  .init = init_at((size_t)c->init), .state_value = state_value};
    memcpy(v.shape, m->info.shape, sizeof v.shape);
    v.likelihood = model_likelihood(m);
    return v;
}

/* 0 or 1 from values in [0,1]: at 1/2, or drawn with the value as probability when a loss is computed; a code or a picture is
 * made from the values themselves. */
static node *binarized(elbo_model *m, vae *v, node *x, bool for_loss)
{
    if (m->config.binarize == BINARIZE_THRESHOLD) return g_shift(g_neg(g_less(x, g_like(x, 0.5))), 1);
    if (m->config.binarize == BINARIZE_DYNAMIC && for_loss)
        return g_less(scope_random_data(&v->s, UNIFORM, x->shape, "binarize"), x);
    return x;
}

/* The batch in the network's range: bytes are 0 to 255. */
static batch input_batch(elbo_model *m, vae *v, elbo_dtype stored, bool for_loss)
{
    graph *g = v->s.g;
    shape s = SHAPE(g_examples(g), m->info.shape[0], m->info.shape[1], m->info.shape[2]);
    node *x = g_input(g, SLOT_X, stored == ELBO_U8 ? U8 : F32, s, true, "x");
    x = g_cast(x, F32);
    if (stored == ELBO_U8) x = g_scale(x, 1.0 / 255);
    x = units_take_missing(v, x);
    x = binarized(m, v, x, for_loss);
    if (m->config.range) x = g_shift(g_scale(x, 2), -1);
    return (batch){x};
}

/* The mean of p(x|z) in the data's units. */
static node *pixels(elbo_model *m, vae *v, node *decoded)
{
    node *mean = units_back(v, likelihood_mean(&v->likelihood, decoded));
    return m->config.range ? g_scale(g_shift(mean, 1), 0.5) : mean;
}

static objectives build_objectives(elbo_model *m, vae *v, elbo_dtype stored)
{
    batch b = input_batch(m, v, stored, true);
    v->beta = g_input(v->s.g, SLOT_BETA, F32, SCALAR, false, "beta");
    v->capacity = g_input(v->s.g, SLOT_CAPACITY, F32, SCALAR, false, "capacity");
    return m->family->build(v, &b);
}

typedef struct output_list {
    plan_output *at;
    int n;
} output_list;

static int add_output(output_list *o, node *x, plan_target target, int64_t offset)
{
    o->at[o->n] = (plan_output){x, target, offset};
    return o->n++;
}

static void note_terms(elbo_model *m, const objective *o, bool first, const node *beta)
{
    for (int i = 0; i < o->n_terms; i++) {
        const node *weight = first ? o->terms[i].weight : NULL;
        model_term *t = &m->terms[m->n_terms++];
        *t = (model_term){.weight = weight ? weight->at.value : 0, .by_beta = weight == beta};
        t->instead = o->terms[i].instead != NULL;
        snprintf(t->name, sizeof t->name, "%s", o->terms[i].name);
    }
}

/* Keeps what is known of the objectives without a graph. */
static void note_objectives(elbo_model *m, const objectives *all, const node *beta)
{
    for (int i = 0; i < all->n; i++) {
        const objective *o = &all->at[i];
        m->objectives[m->n_objectives++] = (model_objective){o->group, o->rate, o->beta1, o->beta2, m->n_terms, o->n_terms};
        note_terms(m, o, i == 0, beta);
    }
}

double model_term_weight(const elbo_model *m, int i)
{
    return m->terms[i].by_beta ? model_effective_beta(m) : m->terms[i].weight;
}

double model_total(const elbo_model *m, const double *mean)
{
    double total = 0, capacity = m->config.capacity;
    for (int i = 0; i < m->objectives[0].n_terms; i++) {
        bool held = capacity > 0 && m->terms[i].instead;
        total += model_term_weight(m, i) * (held ? fabs(mean[i] - capacity) : mean[i]);
    }
    return total;
}

/* sum of weight x mean over the batch, times scale */
static node *loss_of(graph *g, const objective *o, double scale)
{
    node *loss = NULL;
    for (int i = 0; i < o->n_terms; i++) {
        if (!o->terms[i].weight) continue;
        node *instead = o->terms[i].instead;
        node *t = g_mul(o->terms[i].weight, instead ? instead : g_mean_all(o->terms[i].value));
        loss = loss ? g_add(loss, t) : t;
    }
    return g_name(g_scale(loss ? loss : g_constant(g, 0, SCALAR), scale), "loss");
}

static node *param_node(graph *g, int64_t offset)
{
    for (int i = 0; i < g_count(g); i++)
        if (g_at(g, i)->op == OP_param && g_at(g, i)->at.offset == offset) return g_at(g, i);
    return NULL;
}

static elbo_status add_gradients(elbo_model *m, graph *g, const objective *o, node *loss, output_list *out, elbo_error *error)
{
    size_t n = (size_t)m->store.params.n;
    node **wrt = mem_new(m->m, 2 * n + 2, sizeof *wrt);
    int64_t *offset = mem_new(m->m, n + 1, sizeof *offset);
    if (!wrt || !offset) {
        mem_free(m->m, wrt);
        mem_free(m->m, offset);
        return err_memory(error, "gradients");
    }
    node **dx = wrt + n + 1;
    int count = 0;
    for (size_t i = 0; i < n; i++) {
        const entry *e = &m->store.params.at[i];
        node *x = strcmp(m->store.groups[e->group], o->group) == 0 ? param_node(g, e->offset) : NULL;
        if (!x) continue;
        offset[count] = e->offset;
        wrt[count++] = x;
    }
    g_gradient(loss, wrt, count, dx);
    for (int i = 0; i < count; i++) add_output(out, dx[i], TO_GRADIENT, offset[i]);
    mem_free(m->m, offset);
    mem_free(m->m, wrt);
    return ELBO_OK;
}

static elbo_status build_train(elbo_model *m, compiled *c, vae *v, output_list *out, elbo_error *error)
{
    objectives all = build_objectives(m, v, c->key.dtype);
    const objective *o = &all.at[c->key.objective];
    bool first = c->key.objective == 0;
    node *loss = loss_of(v->s.g, o, first ? loss_scale(m, g_examples(v->s.g)) : 1);
    c->loss = add_output(out, loss, TO_ARENA, 0);
    c->first_term = out->n;
    for (int i = 0; i < o->n_terms; i++) add_output(out, g_mean_all(o->terms[i].value), TO_ARENA, 0);
    if (first) c->code = add_output(out, o->code, TO_ARENA, 0);
    for (int i = 0; first && i < m->store.states.n; i++)
        if (v->s.state_value[i]) add_output(out, v->s.state_value[i], TO_STATE, m->store.states.at[i].offset);
    return add_gradients(m, v->s.g, o, loss, out, error);
}

static void build_evaluate(elbo_model *m, compiled *c, vae *v, output_list *out)
{
    objectives all = build_objectives(m, v, c->key.dtype);
    const objective *o = &all.at[0];
    c->first_term = out->n;
    for (int i = 0; i < o->n_terms; i++) add_output(out, o->terms[i].value, TO_ARENA, 0);
    c->code = add_output(out, o->code, TO_ARENA, 0);
    if (o->latent_kl) c->latent_kl = add_output(out, o->latent_kl, TO_ARENA, 0);
}

static void build_encode(elbo_model *m, compiled *c, vae *v, output_list *out)
{
    posterior q = m->family->encode(v, input_batch(m, v, c->key.dtype, false).x);
    c->code = add_output(out, q.mean, TO_ARENA, 0);
    if (q.std) c->std = add_output(out, q.std, TO_ARENA, 0);
    if (q.book) c->book = add_output(out, q.book, TO_ARENA, 0);
}

static void build_decode(elbo_model *m, compiled *c, vae *v, output_list *out)
{
    node *z = g_input(v->s.g, SLOT_X, F32, SHAPE(c->key.examples, m->info.latent_size), true, "z");
    if (c->key.purpose == DRAW) z = m->family->draw(v, z);
    node *decoded = vae_decode(v, z);
    add_output(out, c->key.parameters ? vae_parameters(v, decoded) : pixels(m, v, decoded), TO_RESULT, 0);
}

/* log p(x|z) + log p(z) - log q(z|x), z ~ q(z|x) */
static void build_weigh(elbo_model *m, compiled *c, vae *v, output_list *out)
{
    node *x = input_batch(m, v, c->key.dtype, true).x;
    posterior p = m->family->encode(v, x);
    normal q = {p.mean, p.std ? g_scale(g_log(p.std), 2) : g_like(p.mean, 0)};
    node *z = normal_sample(&v->s, q, c->key.draws, "eps");
    node *nll = vae_nll(v, vae_decode(v, z), x);
    c->x = add_output(out, g_neg(g_add(nll, normal_log_ratio(q, z))), TO_ARENA, 0);
}

static elbo_status build_graph(elbo_model *m, compiled *c, graph *g, node **state_value, output_list *out, elbo_error *error)
{
    vae v = open_vae(m, g, c->key.purpose, state_value);
    elbo_status status = ELBO_OK;
    switch (c->key.purpose) {
    case TRAIN: status = build_train(m, c, &v, out, error); break;
    case EVALUATE: build_evaluate(m, c, &v, out); break;
    case ENCODE: build_encode(m, c, &v, out); break;
    case DECODE:
    case DRAW: build_decode(m, c, &v, out); break;
    case WEIGH: build_weigh(m, c, &v, out); break;
    }
    return status == ELBO_OK ? g_status(g, error) : status;
}

/* ---- Compiling ---- */

static elbo_status simplify_outputs(elbo_model *m, compiled *c, graph *g, output_list *out, elbo_error *error)
{
    node **nodes = mem_new(m->m, (size_t)out->n + 1, sizeof *nodes);
    if (!nodes) return err_memory(error, "compiling a plan");
    for (int i = 0; i < out->n; i++) nodes[i] = out->at[i].value;
    c->graph = g_simplify(g, nodes, out->n, error);
    for (int i = 0; i < out->n; i++) out->at[i].value = nodes[i];
    mem_free(m->m, nodes);
    return c->graph ? ELBO_OK : ELBO_NO_MEMORY;
}

bf16_use model_bf16(const elbo_model *m)
{
    enum { FP32, BF16_PRODUCTS };
    if (m->config.precision != BF16_PRODUCTS) return BF16_NO;
    return cpu_gains_from_bf16() ? BF16_YES : BF16_NO_GAIN;
}

/* Only in training: small products are not rounded, and what a model says of an example must not depend on how many are asked. */
static bool rounds_products(const elbo_model *m, const compiled *c)
{
    return c->key.purpose == TRAIN && c->key.backend == BACKEND_CPU && model_bf16(m) == BF16_YES;
}

static elbo_status compile_into(elbo_model *m, compiled *c, graph *g, output_list *out, node **state_value, elbo_error *error)
{
    elbo_status status = build_graph(m, c, g, state_value, out, error);
    if (status == ELBO_OK) status = simplify_outputs(m, c, g, out, error);
    if (status != ELBO_OK) return status;
    if (rounds_products(m, c)) g_products_in_bf16(c->graph);
    c->plan = plan_compile(m->engine, c->graph, out->at, out->n, c->key.backend, error);
    return c->plan ? ELBO_OK : ELBO_NO_MEMORY;
}

static elbo_status make_plan(elbo_model *m, compiled *c, elbo_error *error)
{
    size_t most = (size_t)(m->store.params.n + m->store.states.n) + MAX_TERMS + 8;
    graph *g = g_open(m->m, c->key.examples);
    output_list out = {.at = mem_new(m->m, most, sizeof *out.at)};
    node **state_value = mem_new(m->m, (size_t)m->store.states.n + 1, sizeof *state_value);
    elbo_status status = g && out.at && state_value ? compile_into(m, c, g, &out, state_value, error)
                                                    : err_memory(error, "a model's graph");
    mem_free(m->m, out.at);
    mem_free(m->m, state_value);
    g_close(g);
    return status;
}

static void close_plan(compiled *c)
{
    plan_close(c->plan);
    g_close(c->graph);
    *c = (compiled){.plan = NULL};
}

static bool same_key(plan_key a, plan_key b)
{
    return a.purpose == b.purpose && a.examples == b.examples && a.dtype == b.dtype && a.objective == b.objective &&
           a.draws == b.draws && a.parameters == b.parameters && a.backend == b.backend;
}

static compiled *free_place(elbo_model *m)
{
    if (m->n_plans < MAX_COMPILED) return &m->plans[m->n_plans++];
    compiled *oldest = &m->plans[0];
    for (int i = 1; i < m->n_plans; i++)
        if (m->plans[i].last_used < oldest->last_used) oldest = &m->plans[i];
    close_plan(oldest);
    return oldest;
}

static bool grow(memory mem, void **block, size_t *size, size_t wanted)
{
    if (wanted <= *size) return true;
    mem_free(mem, *block);
    *size = 0;
    *block = mem_new(mem, wanted, 1);
    if (*block) *size = wanted;
    return *block != NULL;
}

static bool make_room(elbo_model *m, const plan *p)
{
    size_t workers = (size_t)pool_threads(m->engine->threads);
    return grow(m->m, &m->arena, &m->arena_size, plan_arena_size(p) + 64) &&
           grow(m->m, &m->scratch, &m->scratch_size, plan_scratch_size(p) * workers + 64);
}

optim_settings model_optimiser(const elbo_model *m, int number)
{
    const elbo_config *c = &m->config;
    const model_objective *b = &m->objectives[number];
    optim_settings o = {.rate = c->rate, .decay = c->weight_decay, .beta1 = c->beta1, .beta2 = c->beta2, .epsilon = c->epsilon,
                        .alpha = c->alpha, .momentum = c->momentum, .nesterov = c->nesterov, .centred = c->centred,
                        .scale = 1, .step = 1};
    if (b->rate > 0) {
        o.rate = b->rate;
        o.decay = 0;
        o.beta1 = b->beta1;
        o.beta2 = b->beta2;
    }
    return o;
}

elbo_status model_trains(elbo_model *m, elbo_error *error)
{
    optim_settings o = model_optimiser(m, 0);
    return store_train(&m->store, optim_at((size_t)m->config.optimizer), &o, error);
}

static compiled *have_room(elbo_model *m, compiled *c, elbo_error *error)
{
    if (make_room(m, c->plan)) return c;
    err_memory(error, "working memory of a plan");
    return NULL;
}

compiled *model_plan(elbo_model *m, plan_key key, elbo_error *error)
{
    for (int i = 0; i < m->n_plans; i++) {
        if (!m->plans[i].plan || !same_key(m->plans[i].key, key)) continue;
        m->plans[i].last_used = ++m->clock;
        return have_room(m, &m->plans[i], error); /* another plan may have failed to grow it, and lost it */
    }
    if (key.purpose == TRAIN && model_trains(m, error) != ELBO_OK) return NULL;
    compiled *c = free_place(m);
    *c = (compiled){.key = key, .loss = -1, .first_term = -1, .code = -1, .latent_kl = -1, .std = -1, .book = -1, .x = -1};
    c->last_used = ++m->clock;
    if (make_plan(m, c, error) != ELBO_OK) {
        close_plan(c);
        return NULL;
    }
    return have_room(m, c, error);
}

/* ---- Running ---- */

static plan_buffers buffers_of(elbo_model *m, const void *const *inputs, run_env env)
{
    return (plan_buffers){.inputs = inputs, .values = m->store.value, .gradients = m->store.gradient, .state = m->store.state,
                          .new_state = m->store.new_state, .arena = m->arena, .scratch = m->scratch, .env = env};
}

/* What the inputs beside x are read from. */
typedef struct scalars {
    float beta, capacity;
} scalars;

static scalars scalars_of(const elbo_model *m, const compiled *c)
{
    kl_share share = c->key.purpose == TRAIN ? m->share : (kl_share){1, 1};
    return (scalars){(float)(model_effective_beta(m) * share.beta), (float)(m->config.capacity * share.capacity)};
}

void model_run_to(elbo_model *m, compiled *c, const void *x, run_env env, float *to)
{
    scalars s = scalars_of(m, c);
    const void *inputs[N_INPUTS] = {[SLOT_X] = x, [SLOT_BETA] = &s.beta, [SLOT_CAPACITY] = &s.capacity};
    plan_buffers b = buffers_of(m, inputs, env);
    b.result = to;
    b.seconds = c->seconds;
    plan_run(c->plan, &b);
}

void model_run(elbo_model *m, compiled *c, const void *x, run_env env)
{
    model_run_to(m, c, x, env, NULL);
}

const float *model_result(elbo_model *m, compiled *c, int output)
{
    plan_buffers b = buffers_of(m, NULL, (run_env){0});
    return plan_result(c->plan, output, &b);
}

static void describe_node(const node *x, int64_t example, const int64_t *index, char *words, size_t room)
{
    char where[64] = "";
    if (example >= 0)
        snprintf(where, sizeof where, ", example %lld of the data", (long long)index[example]);
    const char *quote = x->name ? "'" : "";
    snprintf(words, room, "%s%s%s%s%s%s%s%s", op_table[x->op].name, x->name ? " " : "", quote, x->name ? x->name : "", quote,
             *x->path ? " in " : "", x->path, where);
}

elbo_status model_blame(elbo_model *m, const compiled *c, const void *x, run_env env, const int64_t *index, char *words,
                        size_t room, elbo_error *error)
{
    plan_key key = c->key;
    key.backend = BACKEND_REF;
    snprintf(words, room, "an operation that could not be traced");
    compiled *ref = model_plan(m, key, error);
    if (!ref) {
        err_prefix(error, "a number is not finite; looking where it began");
        return ELBO_NO_MEMORY;
    }
    scalars s = scalars_of(m, c);
    const void *inputs[N_INPUTS] = {[SLOT_X] = x, [SLOT_BETA] = &s.beta, [SLOT_CAPACITY] = &s.capacity};
    plan_buffers b = buffers_of(m, inputs, env);
    const node *at;
    int64_t example;
    if (plan_find_nonfinite(ref->plan, &b, m->columns != NULL, &at, &example)) describe_node(at, example, index, words, room);
    return ELBO_OK;
}

/* ---- Making ---- */

/* Options that change the KL term want one. */
static elbo_status check_kl(const elbo_model *m, elbo_error *error)
{
    const elbo_config *c = &m->config;
    bool weighted = false, instead = false;
    for (int i = 0; i < m->n_terms; i++) {
        weighted = weighted || m->terms[i].by_beta;
        instead = instead || m->terms[i].instead;
    }
    if (c->kl_warmup > 0 && !weighted)
        return err_set(error, ELBO_USAGE, "kl-warmup is about the weight of a KL term, and family %s has none", m->info.family);
    if ((c->capacity > 0 || c->free_bits > 0) && !instead)
        return err_set(error, ELBO_USAGE, "%s changes the KL term of a family, and family %s has none that can be changed",
                       c->capacity > 0 ? "capacity" : "free-bits", m->info.family);
    return ELBO_OK;
}

/* The graph built once only to learn which parameters and states there are. */
static elbo_status declare(elbo_model *m, int64_t max_parameters, elbo_error *error)
{
    graph *g = g_open(m->m, 1);
    if (!g) return err_memory(error, "a model's graph");
    text notes;
    text_open(&notes, m->m);
    vae v = open_vae(m, g, TRAIN, NULL);
    v.notes = &notes;
    objectives all = build_objectives(m, &v, ELBO_F32);
    note_objectives(m, &all, v.beta);
    m->trunk = v.trunk;
    m->layers = text_take(&notes);
    elbo_status status = g_status(g, error);
    if (status == ELBO_OK && !m->layers) status = err_memory(error, "the list of layers");
    if (status == ELBO_OK) status = check_kl(m, error);
    g_close(g);
    if (status != ELBO_OK) return status;
    if (max_parameters && store_parameters(&m->store) > max_parameters)
        return err_set(error, ELBO_BAD_FILE, "its options describe %lld parameters, but it holds %lld numbers",
                       (long long)store_parameters(&m->store), (long long)max_parameters);
    return store_finish(&m->store, error);
}

/* Grey values have no distribution among the bits'. */
static elbo_measure measure_of(const elbo_model *m)
{
    const likelihood_info *l = likelihood_at((size_t)m->config.likelihood);
    bool grey = l->takes == TAKES_UNIT && !m->data.binary && !m->config.binarize, real = false;
    if (l->takes != TAKES_COLUMNS) return grey ? ELBO_LOSS : l->measure;
    for (column_run r = {0}; columns_next_run(m->columns, &r);) real = real || r.kind == ELBO_COLUMN_REAL;
    return real ? ELBO_DENSITY : ELBO_MASS;
}

/* The logarithms of scales [n], added up; nan where one is not positive. */
static double log_scales(const elbo_model *m, int64_t at, int64_t n)
{
    const entry *e = store_find(&m->store.states, "data.scale");
    double sum = 0;
    for (int64_t i = at; e && i < at + n; i++) {
        double scale = (double)m->store.state[e->offset + i];
        sum += scale > 0 ? log(scale) : (double)NAN;
    }
    return sum;
}

/* The units of the file in one of the network's, of every number that has a density. */
elbo_status model_note_units(elbo_model *m, elbo_error *error)
{
    const elbo_config *c = &m->config;
    double unit = log((c->range ? 0.5 : 1) * (m->data.step > 0 ? 1 / m->data.step : 1)), sum = 0;
    int64_t at = 0;
    if (isnan(log_scales(m, 0, units_features(c, m->columns, model_numbers(m)))))
        return err_set(error, ELBO_BAD_FILE, "state data.scale has a number that is not above 0");
    for (column_run r = {0}; units_next_run(c, m->columns, model_numbers(m), &r); at += units_run_features(r)) {
        if (r.kind == ELBO_COLUMN_REAL) sum += (double)r.n * unit;
        if (units_read_standard(c, m->columns, r)) sum += log_scales(m, at, r.n);
    }
    m->info.measure = measure_of(m);
    m->info.log_volume = m->info.measure == ELBO_DENSITY ? sum : 0;
    return ELBO_OK;
}

static void fill_info(elbo_model *m, const model_data *d)
{
    m->info.family = model_family_name(&m->config);
    memcpy(m->info.shape, d->shape, sizeof m->info.shape);
    m->info.min = d->min;
    m->info.max = d->max;
    m->n_latents = m->family->latents(&m->config, m->latents);
    for (int i = 0; i < m->n_latents; i++) {
        const latent *l = &m->latents[i];
        m->latent_info[i] = (elbo_latent_info){l->name, l->kind == LATENT_POINT ? "point" : "gaussian", l->size};
        m->info.latent_size += l->size;
    }
}

elbo_model *model_new(elbo_engine *engine, const elbo_config *config, const model_data *data, elbo_error *error)
{
    if (check_fit(config, data, error) != ELBO_OK) return NULL;
    elbo_model *m = mem_new(engine->m, 1, sizeof *m);
    if (!m) {
        err_memory(error, "a model");
        return NULL;
    }
    m->engine = engine;
    m->m = engine->m;
    m->config = *config;
    m->config.m = engine->m;
    m->share = (kl_share){1, 1};
    m->family = family_at((size_t)config->family);
    store_open(&m->store, engine->m);
    m->data = *data;
    m->data.columns = m->columns = data->columns ? columns_copy(m->m, data->columns) : NULL;
    fill_info(m, data);
    elbo_status status = data->columns && !m->columns ? err_memory(error, "the columns of a model") : ELBO_OK;
    if (status == ELBO_OK) status = declare(m, data->max_parameters, error);
    if (status == ELBO_OK && data->draw) status = store_draw(&m->store, (uint64_t)config->seed, error);
    if (status == ELBO_OK && data->draw) status = model_note_units(m, error);
    m->info.n_parameters = store_parameters(&m->store);
    if (status == ELBO_OK) return m;
    elbo_model_free(m);
    return NULL;
}

void elbo_model_free(elbo_model *m)
{
    if (!m) return;
    for (int i = 0; i < m->n_plans; i++) close_plan(&m->plans[i]);
    store_close(&m->store);
    columns_free(m->columns);
    mem_free(m->m, m->arena);
    mem_free(m->m, m->scratch);
    mem_free(m->m, m->latent_use);
    mem_free(m->m, m->layers);
    mem_free(m->m, m);
}
