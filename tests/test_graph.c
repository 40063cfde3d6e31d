/* test_graph.c - the graph and its passes: equal nodes, the sticky error, strict broadcasting, random streams; and random
 * graphs, whose values and gradients simplifying, fusing, cutting into blocks and sharing memory must not change. */
#include "base/philox.h"
#include "base/text.h"
#include "rig.h"

static elbo_engine *engines[3]; /* 1, 2, 3 threads */

/* ---- Building ---- */

static void test_equal_nodes_are_one(void **state)
{
    (void)state;
    graph *g = g_open(&mem_standard, 4);
    node *a = g_input(g, 0, F32, SHAPE(4, 3), true, "a"), *b = g_input(g, 1, F32, SHAPE(4, 3), true, "b");
    node *sum = g_add(a, b);
    int n = g_count(g);
    assert_ptr_equal(g_add(a, b), sum);
    assert_ptr_equal(g_input(g, 0, F32, SHAPE(4, 3), true, "again"), a);
    assert_string_equal(a->name, "a");
    assert_int_equal(g_count(g), n);
    assert_ptr_not_equal(g_add(b, a), sum);
    assert_ptr_not_equal(g_sub(a, b), sum);
    assert_ptr_not_equal(g_slice(a, 1, 0, 2), g_slice(a, 1, 1, 2));
    assert_ptr_not_equal(g_sum(a, 1), g_sum(a, 2));
    assert_ptr_not_equal(g_reshape(a, SHAPE(12)), g_reshape(a, SHAPE(3, 4)));
    assert_ptr_equal(g_scale(a, 2), g_scale(a, 2));
    assert_ptr_not_equal(g_scale(a, 2), g_scale(a, 3));
    assert_ptr_equal(g_cumsum(a, true), g_cumsum(a, true));
    assert_ptr_not_equal(g_cumsum(a, true), g_cumsum(a, false));
    g_close(g);
}

/* Many nodes: the table grows, and still finds each. */
static void test_many_nodes(void **state)
{
    (void)state;
    graph *g = g_open(&mem_standard, 0);
    node *x = g_input(g, 0, F32, SHAPE(2), false, "x");
    for (int round = 0; round < 2; round++) {
        for (int i = 1; i <= 3000; i++) g_shift(x, i);
        assert_int_equal(g_count(g), 1 + 2 * 3000);
    }
    g_close(g);
}

static void test_sticky_error(void **state)
{
    (void)state;
    graph *g = g_open(&mem_standard, 0);
    g_set_path(g, "encoder.1");
    node *a = g_input(g, 0, F32, SHAPE(128, 784), false, "a"), *b = g_input(g, 1, F32, SHAPE(400, 20), false, "b");
    char line[32];
    snprintf(line, sizeof line, "test_graph.c:%d", __LINE__ + 1);
    node *broken = g_matmul(a, b);
    assert_true(g_broken(broken));
    int n = g_count(g);
    node *later = g_sum_all(g_add(g_exp(broken), a)), *dx;
    assert_true(g_broken(later) && g_broken(g_reshape(a, SHAPE(1))));
    g_gradient(later, &a, 1, &dx);
    assert_true(g_broken(dx));
    assert_int_equal(g_count(g), n);
    elbo_error err = {0};
    plan_output o = {later, TO_ARENA, 0};
    assert_null(plan_compile(engines[0], g, &o, 1, BACKEND_CPU, &err));
    assert_int_equal(err.code, ELBO_USAGE);
    const char *const holds[] = {"encoder.1", "matmul", "[128,784]", "[400,20]", "inner sizes", line};
    for (int i = 0; i < 6; i++) {
        if (!strstr(err.message, holds[i])) print_error("no '%s' in: %s\n", holds[i], err.message);
        assert_non_null(strstr(err.message, holds[i]));
    }
    assert_null(g_simplify(g, &later, 1, &err));
    g_close(g);
}

/* Of the loss itself, of what it is made of in two ways, of what it does not depend on, and of what came later. */
static void test_what_a_gradient_is_by(void **state)
{
    (void)state;
    graph *g = g_open(&mem_standard, 0);
    node *x = g_input(g, 0, F32, SHAPE(), false, "x"), *apart = g_input(g, 1, F32, SHAPE(3), false, "apart");
    node *loss = g_add(x, g_sin(x)), *later = g_exp(loss), *dx[5], *wrt[] = {loss, x, apart, later, g_stop(x)};
    g_gradient(loss, wrt, 5, dx);
    assert_ptr_equal(dx[0], g_like(loss, 1));
    assert_ptr_equal(dx[1], g_add(g_like(loss, 1), g_mul(g_like(loss, 1), g_cos(x))));
    for (int i = 2; i < 5; i++) assert_ptr_equal(dx[i], g_zero(wrt[i]));
    assert_int_equal(g_status(g, NULL), ELBO_OK);
    g_gradient(apart, wrt, 1, dx);
    elbo_error err = {0};
    assert_int_equal(g_status(g, &err), ELBO_USAGE);
    assert_non_null(strstr(err.message, "the loss must be a scalar"));
    g_close(g);
}

static void test_builders_refuse(void **state)
{
    (void)state;
    for (int k = 0; k < 16; k++) {
        graph *g = g_open(&mem_standard, 4);
        node *x = g_input(g, 0, F32, SHAPE(4, 6), true, "x"), *i = g_input(g, 1, I32, SHAPE(4), true, "i"), *y = NULL;
        switch (k) {
        case 0: y = g_reshape(x, SHAPE(4, 5)); break;
        case 1: y = g_permute(x, (int[]){0, 0}); break;
        case 2: y = g_permute(x, (int[]){0, 2}); break;
        case 3: y = g_slice(x, 1, 4, 3); break;
        case 4: y = g_slice_step(x, 1, 0, 3, 3); break;
        case 5: y = g_pad(x, 2, 1, 1, 1); break;
        case 6: y = g_concat(((node *[]){x, i}), 2, 0); break;
        case 7: y = g_sum(x, 4); break;
        case 8: y = g_split(x, 4, 0); break;
        case 9: y = g_gather(x, x); break;
        case 10: y = g_take(x, g_reshape(i, SHAPE(1, 4))); break;
        case 11: y = g_matmul(x, g_sum_last(x)); break;
        case 12: y = g_input(g, 2, F32, SHAPE(5, 3), true, "z"); break;
        case 13: y = g_one_hot(x, 3); break;
        case 14: y = g_param(g, 0, SHAPE(0, 3), "w"); break;
        default: g_gradient(x, &x, 1, &y); break;
        }
        if (g_status(g, NULL) != ELBO_USAGE) print_error("case %d was taken\n", k);
        assert_int_equal(g_status(g, NULL), ELBO_USAGE);
        g_close(g);
    }
}

/* Equal, or 1, or a missing leading axis; nothing else. */
static void test_broadcasting(void **state)
{
    (void)state;
    static const struct {
        shape a, b, result; /* result rank -1: refused */
    } table[] = {
        {{2, {3, 4}}, {2, {3, 4}}, {2, {3, 4}}},
        {{2, {3, 4}}, {1, {4}}, {2, {3, 4}}},
        {{1, {4}}, {2, {3, 4}}, {2, {3, 4}}},
        {{2, {3, 1}}, {2, {1, 4}}, {2, {3, 4}}},
        {{0, {0}}, {2, {3, 4}}, {2, {3, 4}}},
        {{1, {1}}, {3, {2, 3, 4}}, {3, {2, 3, 4}}},
        {{3, {2, 1, 4}}, {2, {3, 1}}, {3, {2, 3, 4}}},
        {{1, {1}}, {0, {0}}, {1, {1}}},
        {{2, {3, 4}}, {1, {3}}, {-1, {0}}},
        {{2, {3, 4}}, {2, {4, 3}}, {-1, {0}}},
        {{2, {3, 4}}, {2, {3, 2}}, {-1, {0}}},
        {{2, {6, 4}}, {2, {3, 4}}, {-1, {0}}},
        {{3, {2, 3, 4}}, {2, {2, 4}}, {-1, {0}}},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        graph *g = g_open(&mem_standard, 0);
        node *y = g_add(g_input(g, 0, F32, table[i].a, false, "a"), g_input(g, 1, F32, table[i].b, false, "b"));
        assert_int_equal(g_broken(y), table[i].result.rank < 0);
        if (!g_broken(y)) assert_true(shape_equal(y->shape, table[i].result));
        g_close(g);
    }
    graph *g = g_open(&mem_standard, 0);
    assert_true(g_broken(g_broadcast(g_input(g, 0, F32, SHAPE(3, 4), false, "a"), SHAPE(4)))); /* never to fewer axes */
    g_close(g);
}

static void test_stream_twice(void **state)
{
    (void)state;
    graph *g = g_open(&mem_standard, 4);
    g_set_path(g, "q");
    assert_false(g_broken(g_random(g, NORMAL, 1, SHAPE(4, 2), true)));
    assert_false(g_broken(g_random(g, NORMAL, 2, SHAPE(4, 2), true)));
    assert_true(g_broken(g_random(g, UNIFORM, 1, SHAPE(4), true)));
    elbo_error err = {0};
    g_status(g, &err);
    assert_non_null(strstr(err.message, "00000001"));
    assert_non_null(strstr(err.message, "first in q"));
    g_close(g);
}

/* ---- Random numbers depend on the example's own index, not on where in a batch or block it is ---- */

static void test_draws_follow_examples(void **state)
{
    (void)state;
    enum { MANY = 200, EACH = 6 };
    static int64_t index[MANY];
    static const int64_t few[] = {31, 7, 190};
    static const plan_backend backends[] = {BACKEND_CPU, BACKEND_REF, BACKEND_REF_DOUBLE};
    for (int i = 0; i < MANY; i++) index[i] = (i * 37) % MANY; /* a permutation */
    for (int k = 0; k < 6; k++) {
        graph *g[2];
        rig r[2];
        for (int j = 0; j < 2; j++) {
            int64_t b = j ? 3 : MANY;
            g[j] = g_open(&mem_standard, b);
            node *eps = g_random(g[j], k % 2 ? NORMAL : UNIFORM, 99, SHAPE(2 * b, 3), true);
            r[j] = rig_open(engines[2 - j], g[j], &eps, 1, backends[k / 2]);
            r[j].b.env = (run_env){.seed = 5, .step = 3, .index = j ? few : index};
            rig_run(&r[j]);
        }
        for (int i = 0; i < 3; i++) {
            int at = 0;
            while (index[at] != few[i]) at++;
            for (int e = 0; e < EACH; e++)
                assert_true(rig_at(&r[1], 0, i * EACH + e) == rig_at(&r[0], 0, at * EACH + e));
        }
        r[1].b.env = (run_env){.seed = 5, .step = 3, .first_index = 30};
        double before = rig_at(&r[1], 0, 0); /* example 31 */
        rig_run(&r[1]);
        assert_true(rig_at(&r[1], 0, EACH) == before);
        r[1].b.env.step = 4;
        rig_run(&r[1]);
        assert_true(rig_at(&r[1], 0, EACH) != before);
        for (int j = 0; j < 2; j++) {
            rig_close(&r[j]);
            g_close(g[j]);
        }
    }
}

/* ---- Where outputs go ---- */

static void test_targets(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        graph *g = g_open(&mem_standard, 0);
        node *p = g_param(g, 16, SHAPE(2, 3), "p"), *s = g_state(g, 0, SHAPE(2), "s"), *dx;
        g_gradient(g_sum_all(g_square(p)), &p, 1, &dx);
        node *rows = g_add(g_sum_last(p), s);
        const plan_output o[] = {
            {dx, TO_GRADIENT, 16}, {p, TO_GRADIENT, 32},          {g_zero(p), TO_GRADIENT, 48},
            {rows, TO_STATE, 0},   {rows, TO_ARENA, 0},           {g_reshape(dx, SHAPE(6)), TO_ARENA, 0},
            {s, TO_STATE, 16},     {g_transpose(p), TO_ARENA, 0}, {g_reshape(rows, SHAPE(1, 2)), TO_STATE, 32}};
        plan *made = plan_compile(engines[1], g, o, 9, k ? BACKEND_REF : BACKEND_CPU, NULL);
        assert_non_null(made);
        float value[32] = {0}, gradient[64], old[2] = {10, 20}, new_state[48];
        for (int i = 0; i < 6; i++) value[16 + i] = (float)(i + 1);
        memset(gradient, 0xff, sizeof gradient);
        plan_buffers b = {.values = value,
                          .gradients = gradient,
                          .state = old,
                          .new_state = new_state,
                          .arena = mem_new(&mem_standard, plan_arena_size(made) + 64, 1),
                          .scratch = mem_new(&mem_standard, 2 * plan_scratch_size(made) + 64, 1)};
        plan_run(made, &b);
        for (int i = 0; i < 6; i++) {
            assert_true(gradient[16 + i] == 2 * value[16 + i] && gradient[32 + i] == value[16 + i] &&
                        gradient[48 + i] == 0);
            assert_true(((const float *)plan_result(made, 5, &b))[i] == 2 * value[16 + i]);
            assert_true(((const float *)plan_result(made, 7, &b))[i] == value[16 + i % 2 * 3 + i / 2]);
        }
        for (int i = 0; i < 2; i++) {
            float want = i ? 35 : 16;
            assert_true(new_state[i] == want && new_state[32 + i] == want && new_state[16 + i] == old[i]);
            assert_true(((const float *)plan_result(made, 4, &b))[i] == want);
        }
        plan_close(made);
        mem_free(&mem_standard, b.arena);
        mem_free(&mem_standard, b.scratch);
        g_close(g);
    }
}

/* ---- Random graphs ---- */

static uint32_t seed;

static int draw(int n)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 8) % (uint32_t)n);
}

enum { SLOT_X, SLOT_U, SLOT_PAIRS, SLOT_INDEX, SLOT_VALUES, N_SLOTS, MOST_NODES = 160, N_STEPS = 60 };

typedef struct wild {
    graph *g;
    node *pool[MOST_NODES], *leaf[N_SLOTS + 2];
    int n, n_wrt, n_outputs;
    node *outputs[RIG_OUTPUTS];
} wild;

static node *any(wild *w)
{
    return w->pool[draw(w->n)];
}

/* A node of the pool that broadcasts with a to something small; a itself if none is met. */
static node *partner(wild *w, const node *a)
{
    for (int tries = 0; tries < 20; tries++) {
        node *b = any(w);
        int ra = a->shape.rank, rb = b->shape.rank, most = ra > rb ? ra : rb;
        int64_t count = 1;
        for (int i = 1; i <= most && count; i++) {
            int64_t x = i <= ra ? a->shape.dim[ra - i] : 1, y = i <= rb ? b->shape.dim[rb - i] : 1;
            count = x == y || x == 1 || y == 1 ? count * (x > y ? x : y) : 0;
        }
        if (count && count <= 6000) return b;
    }
    return w->pool[0];
}

/* Every rule keeps values of order 1, so that float and double stay comparable. */
static node *unary(wild *w, node *x)
{
    switch (draw(14)) {
    case 0: return g_tanh(x);
    case 1: return g_sin(x);
    case 2: return g_sigmoid(x);
    case 3: return g_exp(g_neg(g_square(x)));
    case 4: return g_neg(x);
    case 5: return g_neg(g_neg(x));
    case 6: return g_scale(g_scale(x, 2), 0.25);
    case 7: return g_sub(g_zero(x), x);
    case 8: return g_mul(g_like(x, -1), x);
    case 9: return g_stop(x);
    case 10: return g_div(x, g_like(x, 1));
    case 11: return g_clip(x, -5, 5);
    case 12:
        return g_where(g_less(w->leaf[SLOT_X], g_zero(w->leaf[SLOT_X])), g_scale(w->leaf[SLOT_X], 0.5),
                       w->leaf[SLOT_X]);
    default: return g_log(g_shift(g_square(x), 1));
    }
}

static node *binary(wild *w, node *a)
{
    node *b = partner(w, a);
    if (b == w->pool[0] && !shape_equal(a->shape, b->shape)) a = b;
    switch (draw(4)) {
    case 0: return g_tanh(g_add(a, b));
    case 1: return g_sin(g_mul(a, b));
    case 2: return g_scale(g_sub(a, g_neg(b)), 0.5);
    default: return g_div(a, g_shift(g_square(b), 1));
    }
}

static node *mean_over(node *x, uint32_t axes)
{
    node *y = g_sum(x, axes);
    return g_scale(y, (double)shape_count(y->shape) / (double)shape_count(x->shape));
}

static node *reduction(node *x)
{
    int r = x->shape.rank;
    if (r == 0) return x;
    switch (draw(5)) {
    case 0: return mean_over(x, 1u << (r - 1));
    case 1: return mean_over(x, 1u << draw(r));
    case 2: return mean_over(x, (1u << r) - 2);
    case 3: return g_stop(g_amax(x, 1u << draw(r)));
    default: return g_scale(g_cumsum(x, draw(2)), 1.0 / (double)shape_last(x->shape));
    }
}

static node *rearrangement(wild *w, node *x)
{
    int r = x->shape.rank, last = r - 1;
    if (r < 2) return g_broadcast(x, r ? SHAPE(2, x->shape.dim[0]) : SHAPE(2, 1));
    switch (draw(8)) {
    case 0: return g_transpose(x);
    case 1: return g_reshape(x, SHAPE(x->shape.dim[0], shape_count(x->shape) / x->shape.dim[0]));
    case 2: return g_reshape(g_reshape(x, SHAPE(shape_count(x->shape))), x->shape);
    case 3: return g_slice(x, last, shape_last(x->shape) / 2, shape_last(x->shape) - shape_last(x->shape) / 2);
    case 4: return shape_last(x->shape) < 12 ? g_pad(x, last, 1, 1, 1) : x;
    case 5: return shape_last(x->shape) < 12 ? g_concat(((node *[]){x, g_scale(x, 0.5)}), 2, last) : x;
    case 6: return g_reshape(x, SHAPE(shape_count(x->shape)));
    default:
        return r == 2 ? g_gather(x, g_broadcast(g_slice(w->leaf[SLOT_INDEX], 0, 0, 1), SHAPE(x->shape.dim[0]))) : x;
    }
}

static node *product(wild *w, node *x)
{
    int64_t n = shape_last(x->shape);
    if (x->shape.rank != 2) return x;
    if (n == 6)
        return g_tanh(g_add(g_matmul_flags(x, w->leaf[N_SLOTS], draw(2) ? TRANSPOSE_B : 0), w->leaf[N_SLOTS + 1]));
    if (x->shape.dim[0] * x->shape.dim[0] > 6000) return x;
    node *y = draw(2) ? g_matmul(g_transpose(x), x) : g_matmul(x, g_transpose(x));
    return g_tanh(g_scale(y, 0.1));
}

/* A graph over b examples (whole: the same numbers without examples); the same for the same seed. */
static wild grow_wild(uint32_t from, int64_t b, bool whole)
{
    seed = from;
    wild w = {.g = g_open(&mem_standard, whole ? 0 : b)};
    w.leaf[SLOT_X] = g_input(w.g, SLOT_X, F32, SHAPE(b, 6), !whole, "x");
    w.leaf[SLOT_U] = g_input(w.g, SLOT_U, F32, SHAPE(b, 2, 3), !whole, "u");
    w.leaf[SLOT_PAIRS] = g_input(w.g, SLOT_PAIRS, F32, SHAPE(2 * b, 3), !whole, "pairs");
    w.leaf[SLOT_INDEX] = g_input(w.g, SLOT_INDEX, I32, SHAPE(b), !whole, "index");
    w.leaf[N_SLOTS] = g_param(w.g, 0, SHAPE(6, 6), "w");
    w.leaf[N_SLOTS + 1] = g_param(w.g, 48, SHAPE(6), "b");
    for (int i = 0; i < N_SLOTS + 2; i++)
        if (w.leaf[i] && i != SLOT_INDEX) w.pool[w.n++] = w.leaf[i];
    for (int i = 0; i < N_STEPS; i++) {
        node *x = any(&w);
        int kind = draw(10);
        node *y = kind < 3   ? unary(&w, x)
                  : kind < 6 ? binary(&w, x)
                  : kind < 7 ? reduction(x)
                  : kind < 8 ? rearrangement(&w, x)
                  : kind < 9 ? product(&w, x)
                             : unary(&w, w.pool[w.n - 1]);
        w.pool[w.n++] = y;
    }
    node *loss = NULL,
         *wrt[] = {w.leaf[SLOT_X], w.leaf[SLOT_PAIRS], w.leaf[N_SLOTS], w.leaf[N_SLOTS + 1], w.leaf[SLOT_U]};
    for (int i = 0; i < 12; i++) {
        w.outputs[w.n_outputs] = i < 8 ? any(&w) : w.pool[w.n - 1 - (i - 8)];
        node *mean = g_mean_all(w.outputs[w.n_outputs++]);
        loss = loss ? g_add(loss, mean) : mean;
    }
    w.outputs[w.n_outputs++] = loss;
    g_gradient(loss, wrt, 5, w.outputs + w.n_outputs);
    w.n_outputs += 5;
    elbo_error err = {0};
    if (g_status(w.g, &err) != ELBO_OK) print_error("seed %u: %s\n", from, err.message);
    assert_int_equal(g_status(w.g, NULL), ELBO_OK);
    return w;
}

static void run_wild(rig *r, int64_t b)
{
    static double v[4096];
    const int64_t counts[] = {b * 6, b * 6, b * 6, b, 64};
    for (int slot = 0; slot < N_SLOTS; slot++) {
        for (int64_t i = 0; i < counts[slot]; i++) v[i] = (double)(float)cos(1.3 * (double)i + slot + 0.2);
        if (slot == SLOT_INDEX)
            for (int64_t i = 0; i < b; i++) v[i] = 1;
        rig_set(r, slot, slot == SLOT_INDEX ? I32 : F32, counts[slot], v);
    }
    r->b.values = r->inputs[SLOT_VALUES];
    rig_run(r);
}

static bool agree(const rig *a, const rig *b, double tolerance, uint32_t from)
{
    for (int o = 0; o < a->n_outputs; o++) {
        double floor = fmax(0.05, rig_largest(b, o));
        for (int64_t i = 0; i < rig_count(a, o); i++) {
            double x = rig_at(a, o, i), y = rig_at(b, o, i);
            if (rig_near(x, y, tolerance, floor)) continue;
            print_error("seed %u, output %d [%d]: %.17g and %.17g\n", from, o, (int)i, x, y);
            return false;
        }
    }
    return true;
}

/* Fused, in blocks, with shared memory, on any number of threads: the values of the reference, and the same bits. */
static void test_cpu_plans(void **state)
{
    (void)state;
    static const int64_t batches[] = {13, 130, 1, 64};
    int failed = 0;
    for (uint32_t from = 1; from <= 160; from++) {
        int64_t b = batches[from % 4];
        wild w = grow_wild(from, b, false), whole = grow_wild(from, b, true);
        rig exact = rig_open(engines[0], whole.g, whole.outputs, whole.n_outputs, BACKEND_REF_DOUBLE), r[3];
        run_wild(&exact, b);
        for (int e = 0; e < 3; e++) {
            r[e] = rig_open(engines[e], w.g, w.outputs, w.n_outputs, BACKEND_CPU);
            run_wild(&r[e], b);
        }
        failed += !agree(&r[0], &exact, 1e-4, from);
        for (int e = 1; e < 3; e++)
            for (int o = 0; o < w.n_outputs; o++) assert_true(rig_same_bits(&r[0], &r[e], o));
        for (int e = 0; e < 3; e++) rig_close(&r[e]);
        rig_close(&exact);
        g_close(w.g);
        g_close(whole.g);
    }
    assert_int_equal(failed, 0);
}

/* Simplifying changes nothing but rounding. */
static void test_simplify(void **state)
{
    (void)state;
    int failed = 0, smaller = 0;
    for (uint32_t from = 1001; from <= 1150; from++) {
        wild w = grow_wild(from, 5, from % 2);
        node *outputs[RIG_OUTPUTS];
        memcpy(outputs, w.outputs, sizeof outputs);
        graph *simple = g_simplify(w.g, outputs, w.n_outputs, NULL);
        assert_non_null(simple);
        smaller += g_count(simple) < g_count(w.g);
        rig before = rig_open(engines[0], w.g, w.outputs, w.n_outputs, BACKEND_REF_DOUBLE);
        rig after = rig_open(engines[0], simple, outputs, w.n_outputs, BACKEND_REF_DOUBLE);
        rig fast = rig_open(engines[1], simple, outputs, w.n_outputs, BACKEND_CPU);
        run_wild(&before, 5);
        run_wild(&after, 5);
        run_wild(&fast, 5);
        failed += !agree(&after, &before, 1e-12, from) || !agree(&fast, &before, 1e-4, from);
        rig_close(&before);
        rig_close(&after);
        rig_close(&fast);
        g_close(simple);
        g_close(w.g);
    }
    assert_int_equal(failed, 0);
    assert_true(smaller > 140);
}

/* Kept as an output, a value is nobody else's memory: what a plan that keeps every node computes, one that keeps few must. */
static void test_memory_is_not_shared_while_needed(void **state)
{
    (void)state;
    for (uint32_t from = 2001; from <= 2060; from++) {
        wild w = grow_wild(from, 13, false);
        for (int k = 0; k < 2; k++) {
            plan_backend backend = k ? BACKEND_REF_DOUBLE : BACKEND_CPU;
            rig few = rig_open(engines[0], w.g, w.outputs + 12, w.n_outputs - 12, backend);
            size_t lean = plan_arena_size(few.p);
            rig all = rig_open(engines[0], w.g, w.outputs, w.n_outputs, backend);
            run_wild(&few, 13);
            run_wild(&all, 13);
            assert_true(lean <= plan_arena_size(all.p));
            for (int o = 0; o < few.n_outputs; o++)
                for (int64_t i = 0; i < rig_count(&few, o); i++)
                    assert_true(rig_near(rig_at(&few, o, i), rig_at(&all, o + 12, i), k ? 0 : 1e-5, 0.1));
            rig_close(&few);
            rig_close(&all);
        }
        g_close(w.g);
    }
}

/* ---- Work large enough to be cut into parts: the same bits for any number of threads ---- */

static void test_large_steps(void **state)
{
    (void)state;
    enum { B = 701, D = 173, F = 97 };
    graph *g = g_open(&mem_standard, 0);
    node *x = g_input(g, 0, F32, SHAPE(B, D), false, "x"), *w = g_input(g, 1, F32, SHAPE(D, F), false, "w");
    node *h = g_matmul(x, w), *y = g_tanh(g_scale(h, 0.1)), *dw, *o[10];
    g_gradient(g_sum_all(g_mul(y, y)), &w, 1, &dw);
    o[0] = h, o[1] = y, o[2] = dw, o[3] = g_sum(x, 1), o[4] = g_sum_all(x), o[5] = g_sum_last(g_exp(x)),
    o[6] = g_amax(x, 1);
    o[7] = g_random(g, NORMAL, 7, SHAPE(B, D), false), o[8] = g_matmul_flags(h, h, TRANSPOSE_A), o[9] = g_transpose(x);
    rig r[4];
    static double v[B * D];
    for (int i = 0; i < B * D; i++) v[i] = (double)(float)sin(0.7 * i);
    for (int e = 0; e < 4; e++) {
        r[e] = rig_open(engines[e % 3], g, o, 10, e < 3 ? BACKEND_CPU : BACKEND_REF_DOUBLE);
        rig_set(&r[e], 0, F32, B * D, v);
        rig_set(&r[e], 1, F32, D * F, v + 50);
        rig_run(&r[e]);
    }
    for (int i = 0; i < 10; i++) {
        assert_true(rig_same_bits(&r[0], &r[1], i) && rig_same_bits(&r[0], &r[2], i));
        double floor = fmax(3, rig_largest(&r[3], i));
        for (int64_t k = 0; k < rig_count(&r[0], i); k++)
            assert_true(rig_near(rig_at(&r[0], i, k), rig_at(&r[3], i, k), 2e-5, floor));
    }
    for (int e = 0; e < 4; e++) rig_close(&r[e]);
    g_close(g);
}

/* ---- What later phases compute again: of all that follows from h, only h itself is kept ---- */

static void test_computed_again(void **state)
{
    (void)state;
    enum { B = 303, D = 40, F = 96 };
    graph *g = g_open(&mem_standard, B);
    node *x = g_input(g, 0, F32, SHAPE(B, D), true, "x"), *w = g_input(g, 1, F32, SHAPE(D, F), false, "w");
    node *h = g_matmul(x, w), *mean = g_scale(g_sum(h, 1), 1.0 / B), *centred = g_sub(h, mean);
    node *y = g_leaky_relu(g_mul(centred, g_rsqrt(g_shift(g_variance(h, 1), 1e-5))), 0.1);
    node *cubes = g_sum(g_mul(y, g_square(y)), 1), *o[2] = {cubes, g_sum_last(g_mul(y, cubes))};
    rig r[4];
    static double v[B * D];
    for (int i = 0; i < B * D; i++) v[i] = (double)(float)sin(0.7 * i);
    for (int e = 0; e < 4; e++) {
        r[e] = rig_open(engines[e % 3], g, o, 2, e < 3 ? BACKEND_CPU : BACKEND_REF_DOUBLE);
        rig_set(&r[e], 0, F32, B * D, v);
        rig_set(&r[e], 1, F32, D * F, v + 50);
        rig_run(&r[e]);
    }
    assert_true(plan_arena_size(r[0].p) < 3 * (B * F * sizeof(float)) / 2);
    for (int i = 0; i < 2; i++) {
        assert_true(rig_same_bits(&r[0], &r[1], i) && rig_same_bits(&r[0], &r[2], i));
        for (int64_t k = 0; k < rig_count(&r[0], i); k++)
            assert_true(rig_near(rig_at(&r[0], i, k), rig_at(&r[3], i, k), 2e-5, rig_largest(&r[3], i)));
    }
    for (int e = 0; e < 4; e++) rig_close(&r[e]);
    g_close(g);
}

/* A layer and its gradients, of a size for which weights are turned ahead of the product with them, by several threads. The
 * derivative of relu goes with the step that multiplies by it: on the way there only the activation is written. */
static void test_layer(void **state)
{
    (void)state;
    enum { B = 130, D = 203, F = 401 };
    graph *g = g_open(&mem_standard, B);
    node *x = g_input(g, 0, F32, SHAPE(B, D), true, "x"), *w = g_input(g, 1, F32, SHAPE(D, F), false, "w"), *o[3];
    node *u = g_input(g, 2, F32, SHAPE(F, D), false, "u"), *h = g_relu(g_matmul(x, w)), *wrt[] = {x, w, u};
    g_gradient(g_sum_all(g_square(g_matmul(h, u))), wrt, 3, o);
    rig r[4];
    static double v[F * D];
    for (int i = 0; i < F * D; i++) v[i] = (double)(float)sin(0.7 * i + 0.001 * i * i);
    for (int e = 0; e < 4; e++) {
        r[e] = rig_open(engines[e % 3], g, o, 3, e < 3 ? BACKEND_CPU : BACKEND_REF_DOUBLE);
        rig_set(&r[e], 0, F32, B * D, v);
        rig_set(&r[e], 1, F32, D * F, v);
        rig_set(&r[e], 2, F32, F * D, v);
        rig_run(&r[e]);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(rig_same_bits(&r[0], &r[1], i) && rig_same_bits(&r[0], &r[2], i));
        double floor = rig_largest(&r[3], i);
        for (int64_t k = 0; k < rig_count(&r[0], i); k++)
            assert_true(rig_near(rig_at(&r[0], i, k), rig_at(&r[3], i, k), 1e-5, floor));
    }
    text dump;
    text_open(&dump, &mem_standard);
    plan_dump(r[0].p, NULL, &dump);
    assert_non_null(strstr(dump.bytes, "  relu  -> arena\n"));
    assert_non_null(strstr(dump.bytes, "  less where  -> arena\n"));
    text_close(&dump);
    for (int e = 0; e < 4; e++) rig_close(&r[e]);
    g_close(g);
}

static int open_engines(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) engines[i] = rig_engine(i + 1, false);
    return 0;
}

static int close_engines(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) elbo_engine_close(engines[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_nodes_are_one),
        cmocka_unit_test(test_many_nodes),
        cmocka_unit_test(test_sticky_error),
        cmocka_unit_test(test_what_a_gradient_is_by),
        cmocka_unit_test(test_builders_refuse),
        cmocka_unit_test(test_broadcasting),
        cmocka_unit_test(test_stream_twice),
        cmocka_unit_test(test_draws_follow_examples),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_cpu_plans),
        cmocka_unit_test(test_simplify),
        cmocka_unit_test(test_memory_is_not_shared_while_needed),
        cmocka_unit_test(test_large_steps),
        cmocka_unit_test(test_computed_again),
        cmocka_unit_test(test_layer),
    };
    return cmocka_run_group_tests(tests, open_engines, close_engines);
}
