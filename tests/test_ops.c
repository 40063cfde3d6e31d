/* test_ops.c - every operation against golden values, its gradients (first and second) against differences, the fast kernels
 * against the reference, one thread against several, example by example against the whole. All of it is derived from one
 * table of cases: ew.def for elementwise operations, ops_cases.h for the rest. An operation without a case fails.
 *
 * Each check tells what is wrong instead of stopping, so that the last tests can see the checks fail where they must. */
#include "golden/golden.h"
#include "graph/tape.h"
#include "rig.h"

#include "golden/ops.h"

enum { MOST_IN = 4, MOST_SIZE = 512 };

/* ---- Cases ---- */

typedef struct op_case {
    const char *name; /* of its golden values */
    op_code op;
    unsigned leave_out;
    node *(*build)(graph *g, node *const *x);
} op_case;

enum { VALUES_ONLY = 16, NO_SLOPE = 32, EXAMPLES = 64, NO_SECOND = 128 };
#define NO_GRADIENT(i) (1u << (i)) /* operand i: exactly zero, whatever the slope */

static uint32_t axes_of(const int *axis, int n)
{
    uint32_t axes = 0;
    for (int i = 0; i < n; i++) axes |= 1u << axis[i];
    return axes;
}

static node *derivative(node *loss, node *x)
{
    node *dx;
    g_gradient(loss, &x, 1, &dx);
    return dx;
}

#define EW1(name, ...)                                                                                                 \
    static node *build_ew_##name(graph *g, node *const *x)                                                             \
    {                                                                                                                  \
        (void)g;                                                                                                       \
        return g_##name(x[0]);                                                                                         \
    }
#define EW2(name, ...)                                                                                                 \
    static node *build_ew_##name(graph *g, node *const *x)                                                             \
    {                                                                                                                  \
        (void)g;                                                                                                       \
        return g_##name(x[0], x[1]);                                                                                   \
    }
#define EW3(name, ...)                                                                                                 \
    static node *build_ew_##name(graph *g, node *const *x)                                                             \
    {                                                                                                                  \
        (void)g;                                                                                                       \
        return g_##name(x[0], x[1], x[2]);                                                                             \
    }
#include "graph/ew.def"
#undef EW1
#undef EW2
#undef EW3

#define CASE(name, op, leave_out, expression)                                                                          \
    static node *build_##name(graph *g, node *const *x)                                                                \
    {                                                                                                                  \
        (void)g, (void)x;                                                                                              \
        return expression;                                                                                             \
    }
#include "ops_cases.h"
#undef CASE

/* clamp keeps a gradient where following it leads back, so its slope outside is not its gradient; digamma, whose derivative
 * elbo lacks, is not constant, and so lgamma has no second derivative. */
static unsigned exceptions(op_code op)
{
    return op == OP_clamp ? NO_SLOPE : op == OP_lgamma ? NO_SECOND : 0;
}

#define IS_NODIFF(i, text) (strcmp(text, "NODIFF") == 0 ? NO_GRADIENT(i) : 0u)
static unsigned nodiff1(const char *a)
{
    return IS_NODIFF(0, a);
}
static unsigned nodiff2(const char *a, const char *b)
{
    return IS_NODIFF(0, a) | IS_NODIFF(1, b);
}
static unsigned nodiff3(const char *a, const char *b, const char *c)
{
    return IS_NODIFF(0, a) | IS_NODIFF(1, b) | IS_NODIFF(2, c);
}

static op_case cases[256];
/* The cases on images take most of the time: they are a test of their own, test_ops_images.c, which includes this file. */
#ifndef OPS_IMAGES
#define OPS_IMAGES false
#endif

static bool is_on_images(op_code op)
{
    return op >= OP_conv && op <= OP_resize_dx;
}

static int n_cases;

static void add_case(const char *name, op_code op, unsigned leave_out, node *(*build)(graph *g, node *const *x))
{
    assert_true(n_cases < 256);
    cases[n_cases++] = (op_case){name, op, leave_out | exceptions(op), build};
}

static void make_cases(void)
{
#define EW1(name, f, da, ...) add_case(#name, OP_##name, nodiff1(#da), build_ew_##name);
#define EW2(name, f, da, db, ...) add_case(#name, OP_##name, nodiff2(#da, #db), build_ew_##name);
#define EW3(name, f, da, db, dc, ...) add_case(#name, OP_##name, nodiff3(#da, #db, #dc), build_ew_##name);
#include "graph/ew.def"
#define CASE(name, op, leave_out, expression) add_case(#name, OP_##op, leave_out, build_##name);
#include "ops_cases.h"
}

static const golden *golden_of(const op_case *c)
{
    for (size_t i = 0; i < sizeof golden_ops / sizeof *golden_ops; i++)
        if (strcmp(golden_ops[i].name, c->name) == 0) return &golden_ops[i];
    return NULL;
}

/* ---- A case as a graph: y, the loss sum(y w) and the loss's gradients ---- */

typedef struct setting {
    int64_t rows;     /* operands of 7 rows are repeated to so many */
    int64_t examples; /* 0: nothing is example-major */
} setting;

enum { OUT_Y, OUT_LOSS, OUT_SECOND, OUT_DX };

typedef struct built {
    graph *g;
    const golden *golden;
    node *x[MOST_IN];
    int n_in;
    node *outputs[OUT_DX + MOST_IN];
    int slot_of[MOST_IN]; /* the operand of gradient output i */
    int n_dx;
} built;

static bool repeats(const golden_array *a)
{
    return a->shape.rank > 0 && a->shape.dim[0] == 7;
}

static shape operand_shape(const golden_array *a, setting s)
{
    shape result = a->shape;
    if (repeats(a)) result.dim[0] = s.rows;
    return result;
}

static node *operand(graph *g, const op_case *c, const golden_array *a, int slot, setting s)
{
    shape dims = operand_shape(a, s);
    if (c->op == OP_param) return g_param(g, 0, dims, "p");
    if (c->op == OP_state) return g_state(g, 0, dims, "s");
    return g_input(g, slot, a->type, dims, s.examples > 0 && repeats(a), "x");
}

/* sum(y w), w [shape of y] in the input after the operands' */
static node *weighted(built *b, node *y, int slot, setting s)
{
    node *w = g_input(b->g, slot, F32, y->shape, s.examples > 0 && y->rows > 0, "w");
    return g_sum_all(g_mul(g_cast(y, F32), w));
}

static built build(const op_case *c, setting s)
{
    built b = {.g = g_open(&mem_standard, s.examples), .golden = golden_of(c)};
    assert_non_null(b.g);
    assert_non_null(b.golden);
    b.n_in = b.golden->n_in;
    for (int i = 0; i < b.n_in; i++) b.x[i] = operand(b.g, c, &b.golden->in[i], i, s);
    node *y = c->build(b.g, b.x), *wrt[MOST_IN], *second = NULL;
    node *loss = weighted(&b, y, b.n_in, s);
    for (int i = 0; i < b.n_in; i++) {
        if (b.x[i]->type != F32) continue;
        b.slot_of[b.n_dx] = i;
        wrt[b.n_dx++] = b.x[i];
    }
    g_gradient(loss, wrt, b.n_dx, b.outputs + OUT_DX);
    for (int i = 0; i < b.n_dx; i++) {
        node *part = g_sum_all(g_sin(g_scale(b.outputs[OUT_DX + i], 0.5)));
        second = second ? g_add(second, part) : part;
    }
    b.outputs[OUT_Y] = y;
    b.outputs[OUT_LOSS] = loss;
    b.outputs[OUT_SECOND] = second ? second : loss;
    elbo_error err = {0};
    if (g_status(b.g, &err) != ELBO_OK) print_error("%s: %s\n", c->name, err.message);
    assert_int_equal(g_status(b.g, NULL), ELBO_OK);
    return b;
}

static const int64_t golden_index[] = {5, 0, 17, 3, 1000003, 9, 8589934593};

static void fill(rig *r, const op_case *c, const built *b, setting s)
{
    static double v[1 << 15];
    for (int i = 0; i < b->n_in; i++) {
        const golden_array *a = &b->golden->in[i];
        int64_t n = shape_count(operand_shape(a, s)), held = shape_count(a->shape);
        assert_true(n <= 1 << 15);
        for (int64_t k = 0; k < n; k++) v[k] = a->v[k % held];
        rig_set(r, i, a->type, n, v);
    }
    int64_t n = shape_count(b->outputs[OUT_Y]->shape);
    for (int64_t k = 0; k < n; k++) v[k] = cos(1.7 * (double)k + 0.3);
    rig_set(r, b->n_in, F32, n, v);
    if (c->op == OP_param) r->b.values = r->inputs[0];
    if (c->op == OP_state) r->b.state = r->inputs[0];
    r->b.env = (run_env){.seed = 0x1234567890ABCDEF, .step = 77, .index = s.examples == 7 ? golden_index : NULL};
}

static rig run_built(elbo_engine *e, const op_case *c, const built *b, setting s, plan_backend backend)
{
    rig r = rig_open(e, b->g, b->outputs, OUT_DX + b->n_dx, backend);
    fill(&r, c, b, s);
    rig_run(&r);
    return r;
}

/* ---- Checks: empty, or what is wrong ---- */

typedef struct verdict {
    char text[256];
} verdict;

static verdict wrong(const char *what, int64_t i, double got, double want)
{
    verdict v;
    snprintf(v.text, sizeof v.text, "%s [%lld]: got %.17g, expected %.17g", what, (long long)i, got, want);
    return v;
}

static const verdict fine = {""};
static elbo_engine *engines[4]; /* 1, 2, 3 threads; 1 thread with elbo's own products */

static setting golden_setting(const op_case *c)
{
    return (setting){7, c->leave_out & EXAMPLES ? 7 : 0};
}

static verdict against_golden(const op_case *c, plan_backend backend)
{
    static const char *const names[] = {
        [BACKEND_CPU] = "cpu", [BACKEND_REF] = "ref", [BACKEND_REF_DOUBLE] = "ref in double"};
    setting s = golden_setting(c);
    built b = build(c, s);
    rig r = run_built(engines[0], c, &b, s, backend);
    const golden_array *want = &b.golden->out;
    double tolerance = r.in_double ? 1e-12 : 2e-6, least = (r.in_double ? 1e-3 : 0.05) * rig_largest(&r, OUT_Y);
    verdict v = fine;
    if (!shape_equal(want->shape, b.outputs[OUT_Y]->shape)) v = wrong("rank", 0, b.outputs[OUT_Y]->shape.rank, want->shape.rank);
    for (int64_t i = 0, n = shape_count(want->shape); !*v.text && i < n; i++) {
        double w = r.in_double ? want->v[i] : (double)(float)want->v[i], got = rig_at(&r, OUT_Y, i);
        bool tiny = !r.in_double && fabs(w) < 1.2e-38 && fabs(got) < 1.2e-38;
        if (!tiny && !rig_near(got, w, tolerance, least)) v = wrong(names[backend], i, got, w);
    }
    rig_close(&r);
    g_close(b.g);
    return v;
}

static verdict golden_values(const op_case *c)
{
    verdict v = against_golden(c, BACKEND_REF_DOUBLE);
    if (!*v.text) v = against_golden(c, BACKEND_REF);
    return *v.text ? v : against_golden(c, BACKEND_CPU);
}

/* A plan in double of one scalar output alone, to be run often. */
static rig run_scalar(const op_case *c, const built *b, int output)
{
    rig r = rig_open(engines[0], b->g, &b->outputs[output], 1, BACKEND_REF_DOUBLE);
    fill(&r, c, b, golden_setting(c));
    return r;
}

/* dx, the gradient by operand slot of the scalar that f computes, against its slopes; of many numbers a sample that meets
 * every channel and edge. */
static verdict slopes(rig *f, int slot, int64_t n, const double *dx, const char *what)
{
    double largest = 0;
    verdict v = fine;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(dx[i]));
    for (int64_t k = 0; !*v.text && k < n && k < 48; k++) {
        int64_t i = n > 48 ? k * 89 % n : k;
        double slope = rig_slope(f, slot, i, 0), scale = fmax(fmax(fabs(slope), fabs(dx[i])), 1e-3 * largest);
        if (!(fabs(slope - dx[i]) <= 1e-6 * scale + 1e-12)) v = wrong(what, i, dx[i], slope);
    }
    return v;
}

static verdict zeros(int64_t n, const double *dx)
{
    for (int64_t i = 0; i < n; i++)
        if (dx[i] != 0) return wrong("gradient of what has none", i, dx[i], 0);
    return fine;
}

static verdict gradients(const op_case *c)
{
    verdict v = fine;
    if (c->leave_out & VALUES_ONLY) return v;
    setting s = golden_setting(c);
    built b = build(c, s);
    rig r = run_built(engines[0], c, &b, s, BACKEND_REF_DOUBLE), f = run_scalar(c, &b, OUT_LOSS);
    double dx[MOST_IN][MOST_SIZE];
    for (int i = 0; i < b.n_dx; i++) {
        assert_true(rig_count(&r, OUT_DX + i) <= MOST_SIZE);
        for (int64_t k = 0; k < rig_count(&r, OUT_DX + i); k++) dx[i][k] = rig_at(&r, OUT_DX + i, k);
    }
    for (int i = 0; !*v.text && i < b.n_dx; i++) {
        int64_t n = rig_count(&r, OUT_DX + i);
        if (c->leave_out & NO_GRADIENT(b.slot_of[i])) v = zeros(n, dx[i]);
        else if (!(c->leave_out & NO_SLOPE)) v = slopes(&f, b.slot_of[i], n, dx[i], "gradient");
    }
    rig_close(&r);
    rig_close(&f);
    g_close(b.g);
    return v;
}

/* The gradient of a function of the gradients: a graph of a graph. */
static verdict second_gradients(const op_case *c)
{
    verdict v = fine;
    if (c->leave_out & (VALUES_ONLY | NO_SLOPE | NO_SECOND)) return v;
    setting s = golden_setting(c);
    built b = build(c, s);
    node *wrt[MOST_IN], *ddx[MOST_IN];
    for (int i = 0; i < b.n_dx; i++) wrt[i] = b.x[b.slot_of[i]];
    g_gradient(b.outputs[OUT_SECOND], wrt, b.n_dx, ddx);
    for (int i = 0; i < b.n_dx; i++) b.outputs[OUT_DX + i] = ddx[i];
    rig r = run_built(engines[0], c, &b, s, BACKEND_REF_DOUBLE), f = run_scalar(c, &b, OUT_SECOND);
    double d[MOST_IN][MOST_SIZE];
    for (int i = 0; i < b.n_dx; i++)
        for (int64_t k = 0; k < rig_count(&r, OUT_DX + i); k++) d[i][k] = rig_at(&r, OUT_DX + i, k);
    for (int i = 0; !*v.text && i < b.n_dx; i++)
        if (!(c->leave_out & NO_GRADIENT(b.slot_of[i])))
            v = slopes(&f, b.slot_of[i], rig_count(&r, OUT_DX + i), d[i], "gradient of the gradient");
    rig_close(&r);
    rig_close(&f);
    g_close(b.g);
    return v;
}

/* ---- The cpu backend: against the reference in double on whole tensors, by examples, and the same bits ---- */

static verdict compare(const rig *cpu, const rig *exact, const built *b)
{
    double terms = (double)rig_count(exact, OUT_Y), y = rig_largest(exact, OUT_Y);
    for (int i = 0; i < b->n_in; i++) terms = fmax(terms, (double)shape_count(b->x[i]->shape));
    for (int o = 0; o < cpu->n_outputs; o++) {
        double floor = 0.05 * rig_largest(exact, o);
        if (o == OUT_LOSS) floor = fmax(floor, 0.2 * sqrt(terms) * y); /* what sums of so many terms lose */
        if (o == OUT_SECOND) floor = fmax(floor, terms);
        if (o > OUT_SECOND && b->golden->n_in > 1) floor = fmax(floor, 0.1 * sqrt(terms));
        if (o > OUT_SECOND && b->x[0]->shape.rank == 4) /* images: sums of the w of a window, by weights of up to 3 */
            floor = fmax(floor, b->golden->n_in > 1 ? 0.5 * sqrt(terms) : 0.05);
        for (int64_t i = 0; i < rig_count(cpu, o); i++)
            if (!rig_near(rig_at(cpu, o, i), rig_at(exact, o, i), 4e-6, floor))
                return wrong(o == OUT_Y ? "y" : o == OUT_LOSS ? "loss" : o == OUT_SECOND ? "second" : "gradient", i,
                             rig_at(cpu, o, i), rig_at(exact, o, i));
    }
    return fine;
}

static verdict same_bits(const rig *a, const rig *b)
{
    for (int o = 0; o < a->n_outputs; o++)
        if (!rig_same_bits(a, b, o)) return wrong("bits with other threads, output", o, 0, 0);
    return fine;
}

static verdict on_cpu(const op_case *c, setting s)
{
    built b = build(c, s), whole = build(c, (setting){s.rows, c->leave_out & EXAMPLES ? s.examples : 0});
    rig exact = run_built(engines[0], c, &whole, s, BACKEND_REF_DOUBLE);
    rig one = run_built(engines[0], c, &b, s, BACKEND_CPU);
    verdict v = compare(&one, &exact, &b);
    for (int e = 1; !*v.text && e < 4; e++) {
        rig other = run_built(engines[e], c, &b, s, BACKEND_CPU);
        v = e < 3 ? same_bits(&one, &other) : compare(&other, &exact, &b);
        rig_close(&other);
    }
    size_t used = strlen(v.text);
    if (used) snprintf(v.text + used, sizeof v.text - used, " (%d rows, %d examples)", (int)s.rows, (int)s.examples);
    rig_close(&one);
    rig_close(&exact);
    g_close(b.g);
    g_close(whole.g);
    return v;
}

static verdict cpu_values(const op_case *c)
{
    static const setting settings[] = {{7, 0},     {7, 7},    {7, 1},     {14, 7},  {130, 130},
                                       {130, 65}, {130, 2}, {131, 131}, {195, 65}};
    verdict v = fine;
    if (c->leave_out & VALUES_ONLY) return v;
    if (c->op == OP_random) return on_cpu(c, golden_setting(c));
    bool any = false;
    for (int i = 0; i < golden_of(c)->n_in; i++) any = any || repeats(&golden_of(c)->in[i]);
    for (size_t i = 0; !*v.text && i < (any ? sizeof settings / sizeof *settings : 1); i++) v = on_cpu(c, settings[i]);
    return v;
}

/* ---- Tests ---- */

static void check_all(verdict (*check)(const op_case *c))
{
    int failed = 0;
    for (int i = 0; i < n_cases; i++) {
        if (is_on_images(cases[i].op) != OPS_IMAGES) continue;
        verdict v = check(&cases[i]);
        if (*v.text) print_error("%s: %s\n", cases[i].name, v.text);
        failed += *v.text != 0;
    }
    assert_int_equal(failed, 0);
}

static void test_golden(void **state)
{
    (void)state;
    check_all(golden_values);
}

static void test_gradients(void **state)
{
    (void)state;
    check_all(gradients);
}

static void test_second_gradients(void **state)
{
    (void)state;
    check_all(second_gradients);
}

static void test_cpu(void **state)
{
    (void)state;
    check_all(cpu_values);
}

/* Every operation has a case that is really about it, and every golden array is used. */
static void test_coverage(void **state)
{
    (void)state;
    bool covered[N_OPS] = {[OP_input] = true};
    for (int i = 0; i < n_cases; i++) {
        built b = build(&cases[i], golden_setting(&cases[i]));
        bool there = cases[i].op == OP_slice || cases[i].op == OP_cast;
        for (int id = 0; id < g_count(b.g); id++) there = there || g_at(b.g, id)->op == cases[i].op;
        if (!there) print_error("%s: has no %s\n", cases[i].name, op_table[cases[i].op].name);
        assert_true(there);
        covered[cases[i].op] = true;
        g_close(b.g);
    }
    for (int op = 0; op < N_OPS; op++) {
        if (!covered[op]) print_error("%s: no case\n", op_table[op].name);
        assert_true(covered[op]);
    }
    assert_int_equal(n_cases, (int)(sizeof golden_ops / sizeof *golden_ops));
}

/* ---- What slopes can't see ---- */

/* z + stop(round(z) - z): the value is rounded, the gradient that of z. amax shares among equals (golden). */
static void test_straight_through(void **state)
{
    (void)state;
    static const char *const names[] = {"straight_through", "cast_bf16"};
    for (int k = 0; k < 2; k++) {
        op_case c = {0};
        for (int i = 0; i < n_cases; i++)
            if (strcmp(cases[i].name, names[k]) == 0) c = cases[i];
        built b = build(&c, (setting){7, 0});
        rig r = run_built(engines[0], &c, &b, (setting){7, 0}, BACKEND_REF_DOUBLE);
        for (int64_t i = 0; i < rig_count(&r, OUT_DX); i++) {
            double w = cos(1.7 * (double)i + 0.3);
            assert_true(rig_near(rig_at(&r, OUT_DX, i), w, k == 0 ? 1e-15 : 1.0 / 256, 0));
        }
        rig_close(&r);
        g_close(b.g);
    }
}

/* Inside dy; above only where dy > 0, below only where dy < 0: a step against the gradient leads back. On the edge: dy. */
static void test_clamp_gradient(void **state)
{
    (void)state;
    static const double x[] = {-2, -2, 0, 0, 2, 2, -1, -1, 1, 1}, dy[] = {-3, 3, -3, 3, -3, 3, -3, 3, -3, 3};
    static const double want[] = {-3, 0, -3, 3, 0, 3, -3, 3, -3, 3};
    static const plan_backend backends[] = {BACKEND_CPU, BACKEND_REF, BACKEND_REF_DOUBLE};
    for (int k = 0; k < 3; k++) {
        graph *g = g_open(&mem_standard, 0);
        node *a = g_input(g, 0, F32, SHAPE(10), false, "a"), *w = g_input(g, 1, F32, SHAPE(10), false, "dy");
        node *dx = derivative(g_sum_all(g_mul(g_clip(a, -1, 1), w)), a);
        rig r = rig_open(engines[0], g, &dx, 1, backends[k]);
        rig_set(&r, 0, F32, 10, x);
        rig_set(&r, 1, F32, 10, dy);
        rig_run(&r);
        for (int i = 0; i < 10; i++) assert_true(rig_at(&r, 0, i) == want[i]);
        rig_close(&r);
        g_close(g);
    }
}

/* ---- The checks can fail ---- */

static node *tanh_for_sigmoid(graph *g, node *const *x)
{
    (void)g;
    return g_tanh(x[0]);
}

/* The value of a square with the gradient of x + x^2. */
static node *square_with_wrong_gradient(graph *g, node *const *x)
{
    (void)g;
    return g_add(g_square(x[0]), g_sub(x[0], g_stop(x[0])));
}

/* The value and gradient of a square, but a second gradient of zero. */
static node *square_with_wrong_second(graph *g, node *const *x)
{
    (void)g;
    node *flat = g_mul(g_stop(g_scale(x[0], 2)), x[0]);
    return g_sub(flat, g_stop(g_square(x[0])));
}

/* A value that depends on how many examples there are. */
static node *sum_of_examples(graph *g, node *const *x)
{
    return g_examples(g) ? g_scale(x[0], -1.001) : g_neg(x[0]);
}

static void test_checks_can_fail(void **state)
{
    (void)state;
    op_case value = {"sigmoid", OP_sigmoid, 0, tanh_for_sigmoid};
    assert_non_null(strstr(golden_values(&value).text, "double"));
    assert_string_equal(gradients(&value).text, "");
    op_case gradient = {"square", OP_square, 0, square_with_wrong_gradient};
    assert_string_equal(golden_values(&gradient).text, "");
    assert_non_null(strstr(gradients(&gradient).text, "gradient"));
    op_case second = {"square", OP_square, 0, square_with_wrong_second};
    assert_string_equal(gradients(&second).text, "");
    assert_non_null(strstr(second_gradients(&second).text, "gradient of the gradient"));
    op_case none = {"neg", OP_neg, NO_GRADIENT(0), build_ew_neg};
    assert_non_null(strstr(gradients(&none).text, "none"));
    op_case examples = {"neg", OP_neg, 0, sum_of_examples};
    assert_non_null(strstr(cpu_values(&examples).text, "7 examples"));
}

static int open_engines(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) engines[i] = rig_engine(i < 3 ? i + 1 : 1, i == 3);
    make_cases();
    return 0;
}

static int close_engines(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) elbo_engine_close(engines[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage),         cmocka_unit_test(test_golden),
        cmocka_unit_test(test_gradients),        cmocka_unit_test(test_second_gradients),
        cmocka_unit_test(test_straight_through), cmocka_unit_test(test_clamp_gradient),
        cmocka_unit_test(test_cpu),              cmocka_unit_test(test_checks_can_fail),
    };
    return cmocka_run_group_tests(tests, open_engines, close_engines);
}
