/* test_fused.c - fused elementwise programs against the reference kernels in double: random programs with every kind of
 * load, types, sums and maxima of many periods, results over operands; and the same bits for any cut into rows. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cpu.h"
#include "kernels/cpu/ew_loops.h"
#include "kernels/ref/numbers.h"

enum { MOST_LOADS = 8, MOST_INSTRS = 90, MOST_RESULTS = 4 };

/* A program with room for its parts, its operands and what it should give. */
typedef struct example {
    ew_program p;
    ew_load loads[MOST_LOADS];
    ew_instr instrs[MOST_INSTRS];
    ew_result results[MOST_RESULTS];
    void *in[MOST_LOADS];       /* operand l belongs to load l */
    void *out[MOST_RESULTS];    /* output k belongs to result k */
    double *exact[MOST_LOADS + MOST_INSTRS];
    int64_t n;
} example;

static uint32_t seed = 1;

static int draw(int n)
{
    seed = seed * 1664525u + 1013904223u;
    return (int)((seed >> 8) % (uint32_t)n);
}

static size_t size_of(dtype t)
{
    return t == F32 || t == I32 ? 4 : t == BF16 ? 2 : 1;
}

static void *new_array(int64_t n, size_t size)
{
    void *x = malloc((size_t)n * size); /* exact, so that a sanitizer sees a read past the end */
    assert_non_null(x);
    return x;
}

static void set(void *x, dtype type, int64_t i, double value)
{
    switch (type) {
    case F32: ((float *)x)[i] = (float)value; break;
    case BF16: ((uint16_t *)x)[i] = bf16_from((float)value); break;
    case U8: ((uint8_t *)x)[i] = u8_from(value); break;
    case I32: ((int32_t *)x)[i] = i32_from(value); break;
    }
}

static double get(const void *x, dtype type, int64_t i)
{
    switch (type) {
    case F32: return (double)((const float *)x)[i];
    case BF16: return (double)bf16_to(((const uint16_t *)x)[i]);
    case U8: return ((const uint8_t *)x)[i];
    case I32: return ((const int32_t *)x)[i];
    }
    return 0;
}

/* ---- Loads ---- */

/* Where element i of the space is in the operand of a load, by the definition in kernel.h */
static int64_t place(const ew_load *l, shape space, int64_t i)
{
    int64_t at = 0;
    switch (l->kind) {
    case LOAD_FLAT: return i;
    case LOAD_PERIODIC: return i % l->period;
    case LOAD_REPEAT: return i / l->period;
    case LOAD_STRIDED:
        for (int d = space.rank - 1; d >= 0; d--) {
            at += i % space.dim[d] * l->stride[d];
            i /= space.dim[d];
        }
        return at;
    default: return 0;
    }
}

static void add_load(example *e, load_kind kind, dtype type, int64_t period)
{
    int r = e->p.n_loads++;
    ew_load *l = e->loads + r;
    *l = (ew_load){.kind = kind, .operand = r, .type = type, .value = 0.75, .period = period};
    for (int d = 0; kind == LOAD_STRIDED && d < e->p.space.rank; d++) l->stride[d] = draw(4);
    int64_t most = 0;
    for (int64_t i = 0; i < e->n; i++) {
        int64_t at = place(l, e->p.space, i);
        most = at > most ? at : most;
    }
    e->in[r] = new_array(most + 1, size_of(type));
    for (int64_t i = 0; i <= most; i++)
        set(e->in[r], type, i, type == F32 || type == BF16 ? (draw(4001) - 2000) * 1e-3 : draw(6));
    e->exact[r] = new_array(e->n, sizeof(double));
    for (int64_t i = 0; i < e->n; i++)
        e->exact[r][i] = kind == LOAD_CONSTANT ? l->value : get(e->in[r], type, place(l, e->p.space, i));
}

/* ---- Instructions, computed by the reference kernels ---- */

static int arity(op_code op)
{
    return op == OP_cast ? 1 : op_table[op].arity;
}

static void add_instr(example *e, op_code op, dtype type, int a, int b, int c)
{
    int i = e->p.n_instrs++, reg = e->p.n_loads + i;
    e->instrs[i] = (ew_instr){op, type, {a, b, c}};
    e->exact[reg] = new_array(e->n, sizeof(double));
    tensor in[3];
    for (int o = 0; o < arity(op); o++) in[o] = (tensor){e->exact[e->instrs[i].in[o]], F32, SHAPE(e->n)};
    node n = {.op = op, .type = F32, .shape = SHAPE(e->n), .n_in = arity(op)};
    kernel_args k = {.n = &n, .out = {e->exact[reg], F32, n.shape}, .in = in, .n_parts = 1};
    if (op != OP_cast) {
        ref_kernels_double[op].run(&k);
        return;
    }
    void *typed = new_array(e->n, type == F32 ? sizeof(double) : size_of(type)); /* there and back */
    k.out = (tensor){typed, type, n.shape};
    ref_kernels_double[OP_cast].run(&k);
    in[0] = k.out;
    k.out = (tensor){e->exact[reg], F32, n.shape};
    ref_kernels_double[OP_cast].run(&k);
    free(typed);
}

static void add_result(example *e, int reg, dtype type, op_code reduce, int64_t period)
{
    int k = e->p.n_results++;
    e->results[k] = (ew_result){.reg = reg, .output = k, .type = type, .reduce = reduce, .period = period};
    e->out[k] = new_array(e->n / (reduce == OP_input ? 1 : period), size_of(type));
}

static example *begin(shape space)
{
    example *e = calloc(1, sizeof *e);
    assert_non_null(e);
    e->n = shape_count(space);
    e->p = (ew_program){.space = space, .loads = e->loads, .instrs = e->instrs, .results = e->results};
    return e;
}

static void end(example *e)
{
    for (int l = 0; l < e->p.n_loads; l++) free(e->in[l]);
    for (int r = 0; r < e->p.n_loads + e->p.n_instrs; r++) free(e->exact[r]);
    for (int k = 0; k < e->p.n_results; k++) free(e->out[k]);
    free(e);
}

static void run(example *e)
{
    cpu_fused(&e->p, e->p.space.rank ? e->p.space.dim[0] : 1, (const void *const *)e->in, e->out);
}

/* ---- Checks ---- */

static double reduced(const ew_result *r, const double *x)
{
    double y = r->reduce == OP_sum ? 0 : -INFINITY;
    for (int64_t i = 0; i < r->period; i++) {
        if (r->reduce == OP_sum) y += x[i];
        else if (x[i] > y || x[i] != x[i]) y = x[i];
    }
    return y;
}

static double sum_of_sizes(const double *x, int64_t n)
{
    double y = 0;
    for (int64_t i = 0; i < n; i++) y += fabs(x[i]);
    return y;
}

static void check(const example *e)
{
    for (int k = 0; k < e->p.n_results; k++) {
        const ew_result *r = e->results + k;
        int64_t period = r->reduce == OP_input ? 1 : r->period;
        for (int64_t i = 0; i < e->n / period; i++) {
            const double *x = e->exact[r->reg] + i * period;
            double y = r->reduce == OP_input ? x[0] : reduced(r, x), got = get(e->out[k], r->type, i);
            double size = 1 + sum_of_sizes(x, period), room = 4e-6 * size;
            if (r->type == BF16) room += fabs(y) / 256;
            if (!(fabs(got - y) <= room) && !(got != got && y != y))
                fail_msg("result %d of type %d, element %lld of %lld: %.9g, expected %.9g", k, (int)r->type, (long long)i,
                         (long long)(e->n / period), got, y);
        }
    }
}

/* Runs again, some rows at a time, and compares bits. Loads are moved on to the rows as the engine does. */
static void check_rows(const example *e)
{
    if (e->p.space.rank == 0) return;
    int64_t rows = e->p.space.dim[0], inner = e->n / rows;
    for (int k = 0; k < e->p.n_results; k++) {
        const ew_result *r = e->results + k;
        int64_t period = r->reduce == OP_input ? 1 : r->period, done = 0;
        void *again = new_array(e->n / period, size_of(r->type));
        for (int64_t row = 0, step = 1; row < rows; row += step, step = step * 2 + 1) {
            int64_t count = step < rows - row ? step : rows - row;
            const void *in[MOST_LOADS];
            void *out[MOST_RESULTS];
            void *ignored[MOST_RESULTS] = {0};
            for (int l = 0; l < e->p.n_loads; l++)
                in[l] = (char *)e->in[l] + (size_t)place(e->loads + l, e->p.space, row * inner) * size_of(e->loads[l].type);
            for (int j = 0; j < e->p.n_results; j++) out[j] = ignored[j] = new_array(e->n, 4);
            out[k] = (char *)again + (size_t)done * size_of(r->type);
            cpu_fused(&e->p, count, in, out);
            done += count * inner / period;
            for (int j = 0; j < e->p.n_results; j++) free(ignored[j]);
        }
        if (memcmp(again, e->out[k], (size_t)(e->n / period) * size_of(r->type)) != 0)
            fail_msg("result %d differs when the rows are cut", k);
        free(again);
    }
}

/* ---- Tests ---- */

static const op_code smooth[] = {OP_neg, OP_tanh, OP_sigmoid, OP_softplus, OP_sin, OP_abs, OP_add, OP_sub, OP_mul,
                                 OP_max, OP_min, OP_where, OP_clamp, OP_erf};

static void add_random_load(example *e, shape space, int64_t inner)
{
    static const dtype types[] = {F32, F32, F32, U8, BF16, I32};
    load_kind kind = (load_kind)draw(6);
    dtype type = kind == LOAD_CONSTANT ? F32 : types[draw(6)];
    int64_t last = space.rank > 1 ? shape_last(space) : inner;
    int64_t period = draw(2) ? inner : last;
    add_load(e, kind, type, period);
}

static void random_program(shape space, int n_instrs)
{
    example *e = begin(space);
    int64_t inner = space.rank ? e->n / space.dim[0] : 1;
    for (int l = 0, n = 1 + draw(MOST_LOADS); l < n; l++) add_random_load(e, space, inner);
    for (int i = 0; i < n_instrs; i++) {
        int n = e->p.n_loads + i;
        if (draw(8) == 0) add_instr(e, OP_cast, (dtype)draw(4), draw(e->p.n_loads), 0, 0);
        else add_instr(e, smooth[draw(sizeof smooth / sizeof *smooth)], F32, draw(n), n - 1 - draw(n < 4 ? n : 4), draw(n));
    }
    int n = e->p.n_loads + e->p.n_instrs;
    for (int k = 0; k < 2; k++) add_result(e, draw(3) ? n - 1 - k % n : draw(n), F32, OP_input, 0);
    add_result(e, n - 1, F32, OP_sum, draw(2) || space.rank < 2 ? inner : shape_last(space));
    add_result(e, n - 1, F32, OP_amax, inner);
    run(e);
    check(e);
    check_rows(e);
    end(e);
}

static void test_random_programs(void **state)
{
    (void)state;
    const shape spaces[] = {SHAPE(1000), SHAPE(7, 20), SHAPE(65, 3), SHAPE(5, 784), SHAPE(3, 2500), SHAPE(9, 5, 7), SHAPE(17, 1),
                            SHAPE(2, 3, 4, 5, 6), SHAPE(33, 40), SCALAR, SHAPE(1, 1), SHAPE(130, 16), SHAPE(2, 49, 32)};
    for (int round = 0; round < 12; round++)
        for (size_t s = 0; s < sizeof spaces / sizeof *spaces; s++) random_program(spaces[s], 1 + draw(7));
}

/* As many registers alive as there can be: sums of pairs of all earlier ones, then all added up. */
static void test_many_registers(void **state)
{
    (void)state;
    example *e = begin(SHAPE(3, 700));
    for (int l = 0; l < 6; l++) add_load(e, LOAD_FLAT, l % 2 ? U8 : F32, 0);
    for (int i = 0; i < 44; i++) add_instr(e, OP_sin, F32, i, 0, 0);
    for (int i = 0; i < 43; i++) add_instr(e, OP_sub, F32, i ? 6 + 43 + i : 6, 6 + 43 - i, 0);
    add_result(e, e->p.n_loads + e->p.n_instrs - 1, F32, OP_input, 0);
    run(e);
    check(e);
    check_rows(e);
    end(e);
}

static void test_reductions(void **state)
{
    (void)state;
    const int64_t periods[] = {1, 3, 20, 32, 50, 784, 1024, 5000};
    for (size_t i = 0; i < sizeof periods / sizeof *periods; i++) {
        for (int64_t per_row = 1; per_row <= 3; per_row += 2) {
            example *e = begin(SHAPE(7, periods[i] * per_row));
            add_load(e, LOAD_FLAT, F32, 0);
            add_load(e, LOAD_FLAT, U8, 0);
            add_instr(e, OP_mul, F32, 0, 1, 0);
            add_result(e, 2, F32, OP_sum, periods[i]);
            add_result(e, 0, F32, OP_amax, periods[i]);
            add_result(e, 2, BF16, OP_sum, periods[i]);
            run(e);
            check(e);
            check_rows(e);
            end(e);
        }
    }
}

/* The loops this processor can run: number 0, 1, ...; NULL: no more. */
static const ew_level *level_at(int number)
{
#if defined __x86_64__
    static const ew_level *const levels[] = {&ew_portable, &ew_avx2, &ew_avx512};
#else
    static const ew_level *const levels[] = {&ew_portable};
#endif
    return number <= (int)cpu_best() ? levels[number] : NULL;
}

/* Computed together, softplus and sigmoid are to the bit what each is alone; the first may be written where it belongs. */
static void check_partners(const ew_level *level)
{
    enum { N = 3001 };
    static float x[N], y[2][N + 15], alone[2][N + 15];
    for (int i = 0; i < N; i++) x[i] = (float)(draw(40001) - 20000) * 1e-3f;
    for (int order = 0; order < 2; order++) {
        op_code ops[2] = {order ? OP_sigmoid : OP_softplus, order ? OP_softplus : OP_sigmoid};
        ew_load l = {.kind = LOAD_FLAT, .type = F32};
        ew_instr instrs[3] = {{ops[0], F32, {0, 0, 0}}, {OP_neg, F32, {0, 0, 0}}, {ops[1], F32, {0, 0, 0}}};
        ew_result results[2] = {{.reg = 1, .output = 0, .type = F32, .reduce = OP_input},
                                {.reg = 3, .output = 1, .type = F32, .reduce = OP_input}};
        ew_program both = {SHAPE(1, N), 1, 3, 2, &l, instrs, results};
        fused_run(level, &both, 1, (const void *[]){x}, (void *[]){y[0], y[1]});
        for (int k = 0; k < 2; k++) {
            ew_result r = {.reg = 1, .type = F32, .reduce = OP_input};
            ew_program one = {SHAPE(1, N), 1, 1, 1, &l, &instrs[2 * k], &r};
            fused_run(level, &one, 1, (const void *[]){x}, (void *[]){alone[k]});
            assert_memory_equal(y[k], alone[k], N * sizeof(float));
        }
    }
}

static void test_partners(void **state)
{
    (void)state;
    for (int i = 0; level_at(i); i++) check_partners(level_at(i));
}

/* What is written past the caches is what is written through them, wherever it begins, and not a byte more. */
static void check_streamed(const ew_level *level)
{
    enum { N = 5003, PAST = 16 };
    _Alignas(64) static float x[N], y[2][N + PAST];
    for (int i = 0; i < N; i++) x[i] = (float)(draw(4001) - 2000) * 1e-3f;
    for (int offset = 0; offset < 2; offset++) {
        memset(y, 0xff, sizeof y);
        for (int streamed = 0; streamed < 2; streamed++) {
            ew_load l = {.kind = LOAD_FLAT, .type = F32};
            ew_instr relu = {OP_relu, F32, {0, 0, 0}};
            ew_result r = {.reg = 1, .type = F32, .reduce = OP_input, .stream = streamed};
            ew_program p = {SHAPE(1, N), 1, 1, 1, &l, &relu, &r};
            fused_run(level, &p, 1, (const void *[]){x}, (void *[]){y[streamed] + offset});
        }
        assert_memory_equal(y[0], y[1], sizeof y[0]);
        assert_true(isnan(y[1][N + offset]));
        for (int i = 0; i < N; i++) assert_true(y[1][i + offset] == (x[i] > 0 ? x[i] : 0));
    }
}

static void test_streamed(void **state)
{
    (void)state;
    for (int i = 0; level_at(i); i++) check_streamed(level_at(i));
}

/* The sum of a period does not depend on what else is in the row, nor on how many registers the program has. */
static void test_sum_order_is_by_period_only(void **state)
{
    (void)state;
    float *x = new_array(5000, sizeof *x);
    for (int i = 0; i < 5000; i++) x[i] = (float)(draw(20001) - 10000) * 1.1e-3f;
    float narrow = 0, wide = 0;
    for (int spare = 0; spare < 2; spare++) {
        ew_load l = {.kind = LOAD_FLAT, .type = F32};
        ew_instr instrs[40];
        for (int i = 0; i < 40; i++) instrs[i] = (ew_instr){OP_neg, F32, {0, 0, 0}};
        ew_instr last = {OP_add, F32, {1, 39, 0}};
        instrs[39] = spare ? last : instrs[39];
        ew_result r = {.type = F32, .reduce = OP_sum, .period = 5000};
        ew_program p = {SHAPE(1, 5000), 1, spare ? 40 : 0, 1, &l, instrs, &r};
        cpu_fused(&p, 1, (const void *[]){x}, (void *[]){spare ? &wide : &narrow});
    }
    assert_memory_equal(&narrow, &wide, sizeof narrow);
    free(x);
}

static void test_nan_and_infinity(void **state)
{
    (void)state;
    example *e = begin(SHAPE(3, 40));
    add_load(e, LOAD_FLAT, F32, 0);
    ((float *)e->in[0])[7] = NAN;
    ((float *)e->in[0])[50] = -INFINITY;
    e->exact[0][7] = NAN;
    e->exact[0][50] = -INFINITY;
    add_instr(e, OP_exp, F32, 0, 0, 0);
    add_result(e, 0, F32, OP_amax, 40);
    add_result(e, 1, F32, OP_sum, 40);
    run(e);
    check(e);
    end(e);
}

static void test_types_are_kept_exactly(void **state)
{
    (void)state;
    const float values[] = {0, -0.5f, 0.5f, 1.5f, 254.9f, 255, 256, -1, 3e9f, -3e9f, 2147483520.0f, 1e-30f, 1.00390625f,
                            NAN, INFINITY, -INFINITY, -2.7f, 8388609.0f};
    enum { N = sizeof values / sizeof *values };
    for (dtype type = F32; type <= I32; type++) {
        uint32_t stored[N], rounded[N];
        float kept[N];
        ew_load l = {.kind = LOAD_FLAT, .type = F32};
        ew_instr cast = {OP_cast, type, {0, 0, 0}};
        ew_result results[] = {{.reg = 0, .output = 0, .type = type, .reduce = OP_input},
                               {.reg = 1, .output = 1, .type = type, .reduce = OP_input},
                               {.reg = 1, .output = 2, .type = F32, .reduce = OP_input}};
        ew_program p = {SHAPE(N), 1, 1, 3, &l, &cast, results};
        cpu_fused(&p, N, (const void *[]){values}, (void *[]){stored, rounded, kept});
        assert_memory_equal(stored, rounded, N * size_of(type));
        for (int64_t i = 0; i < N; i++) {
            uint32_t expected;
            set(&expected, type, 0, (double)values[i]);
            assert_memory_equal(&expected, (char *)stored + (size_t)i * size_of(type), size_of(type));
            double back = get(&expected, type, 0);
            if (back == back) assert_true((float)back == kept[i]);
        }
    }
}

/* y = tanh(a) b + a, d = y + b, and the sum: y over a, d over b, at lengths that do and do not fill groups. */
static void test_results_over_operands(void **state)
{
    (void)state;
    const int64_t columns[] = {16, 20, 784, 1500, 3000};
    for (size_t c = 0; c < sizeof columns / sizeof *columns; c++) {
        example *e = begin(SHAPE(5, columns[c]));
        add_load(e, LOAD_FLAT, F32, 0);
        add_load(e, LOAD_FLAT, F32, 0);
        add_instr(e, OP_tanh, F32, 0, 0, 0);
        add_instr(e, OP_mul, F32, 2, 1, 0);
        add_instr(e, OP_add, F32, 3, 0, 0);
        add_instr(e, OP_add, F32, 4, 1, 0);
        add_result(e, 4, F32, OP_input, 0);
        add_result(e, 5, F32, OP_input, 0);
        add_result(e, 0, F32, OP_sum, columns[c]);
        run(e);
        check(e);
        void *over[] = {e->in[0], e->in[1], new_array(5, sizeof(float))};
        cpu_fused(&e->p, 5, (const void *const *)e->in, over);
        assert_memory_equal(over[0], e->out[0], (size_t)e->n * sizeof(float));
        assert_memory_equal(over[1], e->out[1], (size_t)e->n * sizeof(float));
        assert_memory_equal(over[2], e->out[2], 5 * sizeof(float));
        free(over[2]);
        end(e);
    }
}

/* The variance of a column in double, or its sum. */
static double over_rows(const float *x, int64_t rows, int64_t f, op_code reduce)
{
    double mean = 0, squares = 0;
    for (int64_t i = 0; i < rows; i++) mean += (double)x[i * f] / (double)rows;
    for (int64_t i = 0; i < rows; i++) squares += ((double)x[i * f] - mean) * ((double)x[i * f] - mean);
    return reduce == OP_sum ? mean * (double)rows : squares / (double)rows;
}

/* Results over the batch, from blocks of 5 rows. The numbers are 1000 and a little: a sum of squares would have lost that. */
static void test_over_batch(void **state)
{
    (void)state;
    enum { N_ROWS = 23, BLOCK = 5, BLOCKS = 5 };
    const shape spaces[] = {SHAPE(N_ROWS, 1),      SHAPE(N_ROWS, 3),      SHAPE(N_ROWS, 40, 3), SHAPE(N_ROWS, 70, 32),
                            SHAPE(N_ROWS, 9, 100), SHAPE(N_ROWS, 4, 600), SHAPE(N_ROWS, 5000)};
    for (size_t s = 0; s < sizeof spaces / sizeof *spaces; s++) {
        int64_t n = shape_count(spaces[s]), f = shape_last(spaces[s]), inner = n / N_ROWS;
        float *x = new_array(n, sizeof *x), *shares = new_array(BLOCKS * 2 * f, sizeof *shares), *y = new_array(f, sizeof *y);
        for (int64_t i = 0; i < n; i++) x[i] = 1000 + (float)(draw(2001) - 1000) * 1e-3f;
        for (int k = 0; k < 2; k++) {
            ew_load l = {.kind = LOAD_FLAT, .type = F32};
            ew_result r = {.type = F32, .reduce = k ? OP_variance : OP_sum, .period = f, .over_batch = true};
            ew_program p = {spaces[s], 1, 0, 1, &l, NULL, &r};
            for (int64_t row = 0, b = 0; row < N_ROWS; row += BLOCK, b++)
                cpu_fused(&p, BLOCK < N_ROWS - row ? BLOCK : N_ROWS - row, (const void *[]){x + row * inner},
                          (void *[]){shares + b * ew_share(&r)});
            cpu_fused_join(&r, shares, ew_share(&r), BLOCK * inner / f, n / f, y);
            for (int64_t j = 0; j < f; j++) {
                double wanted = over_rows(x + j, n / f, f, r.reduce), room = k ? 1e-3 * wanted : 2e-6 * wanted;
                if (!(fabs((double)y[j] - wanted) <= room))
                    fail_msg("%s of column %lld of %lld: %.9g, expected %.9g", op_table[r.reduce].name, (long long)j,
                             (long long)f, (double)y[j], wanted);
            }
        }
        free(x);
        free(shares);
        free(y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_programs),
        cmocka_unit_test(test_many_registers),
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_partners),
        cmocka_unit_test(test_streamed),
        cmocka_unit_test(test_sum_order_is_by_period_only),
        cmocka_unit_test(test_nan_and_infinity),
        cmocka_unit_test(test_types_are_kept_exactly),
        cmocka_unit_test(test_results_over_operands),
        cmocka_unit_test(test_over_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
