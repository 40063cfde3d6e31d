/* test_kernels.c - the reference kernels of shapes, indices and orders against small results worked out by hand, and
 * the fast sums and random numbers against the reference. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "graph/kernel.h"
#include "kernels/ref/numbers.h"

#define FLOATS(...) (float[]){__VA_ARGS__}
#define INTS(...) (int32_t[]){__VA_ARGS__}

static tensor floats(float *x, shape s)
{
    return (tensor){x, F32, s};
}

static tensor ints(int32_t *x, shape s)
{
    return (tensor){x, I32, s};
}

static void run(const kernel *table, op_code op, attributes at, tensor out, const tensor *in, int n_in)
{
    node n = {.op = op, .type = out.type, .shape = out.shape, .n_in = n_in, .at = at};
    kernel_args k = {.n = &n, .out = out, .in = in, .n_parts = 1};
    table[op].run(&k);
}

/* Runs a reference kernel and compares its result, exactly. */
static void expect(op_code op, attributes at, const tensor *in, int n_in, tensor expected)
{
    unsigned char result[512] = {0xff};
    size_t bytes = (size_t)shape_count(expected.shape) * dtype_size(expected.type, false);
    tensor out = {result, expected.type, expected.shape};
    run(ref_kernels, op, at, out, in, n_in);
    assert_memory_equal(result, expected.data, bytes);
}

static void test_moving(void **state)
{
    (void)state;
    tensor x = floats(FLOATS(1, 2, 3, 4, 5, 6), SHAPE(2, 3)), row = floats(FLOATS(7, 8), SHAPE(2, 1));
    expect(OP_broadcast, (attributes){0}, &row, 1, floats(FLOATS(7, 7, 7, 8, 8, 8, 7, 7, 7, 8, 8, 8), SHAPE(2, 2, 3)));
    expect(OP_permute, (attributes){.order = {1, 0}}, &x, 1, floats(FLOATS(1, 4, 2, 5, 3, 6), SHAPE(3, 2)));
    expect(OP_slice, (attributes){.axis = 1, .begin = 0, .step = 2}, &x, 1, floats(FLOATS(1, 3, 4, 6), SHAPE(2, 2)));
    expect(OP_slice, (attributes){.axis = 0, .begin = 1, .step = 1}, &x, 1, floats(FLOATS(4, 5, 6), SHAPE(1, 3)));
    expect(OP_pad, (attributes){.axis = 0, .begin = 1, .end = 0, .step = 2}, &x, 1,
           floats(FLOATS(0, 0, 0, 1, 2, 3, 0, 0, 0, 4, 5, 6), SHAPE(4, 3)));
    expect(OP_pad, (attributes){.axis = 1, .begin = 0, .end = 1, .step = 1}, &x, 1,
           floats(FLOATS(1, 2, 3, 0, 4, 5, 6, 0), SHAPE(2, 4)));
    expect(OP_concat, (attributes){.axis = 1}, (tensor[]){x, row}, 2, floats(FLOATS(1, 2, 3, 7, 4, 5, 6, 8), SHAPE(2, 4)));
    expect(OP_reshape, (attributes){0}, &x, 1, floats(FLOATS(1, 2, 3, 4, 5, 6), SHAPE(6)));
    tensor cube = floats(FLOATS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), SHAPE(2, 3, 2));
    expect(OP_permute, (attributes){.order = {2, 0, 1}}, &cube, 1,
           floats(FLOATS(0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11), SHAPE(2, 2, 3)));
    expect(OP_cast, (attributes){0}, &(tensor){FLOATS(-1.5f, 2.7f, NAN), F32, SHAPE(3)}, 1, ints(INTS(-1, 2, 0), SHAPE(3)));
}

static void test_reducing(void **state)
{
    (void)state;
    tensor x = floats(FLOATS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, NAN), SHAPE(2, 3, 2));
    tensor y = floats(FLOATS(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), SHAPE(2, 3, 2));
    expect(OP_sum, (attributes){.axes = 2}, &y, 1, floats(FLOATS(6, 9, 24, 27), SHAPE(2, 2)));
    expect(OP_sum, (attributes){.axes = 5}, &y, 1, floats(FLOATS(14, 22, 30), SHAPE(3)));
    expect(OP_sum, (attributes){.axes = 7}, &y, 1, floats(FLOATS(66), SCALAR));
    expect(OP_amax, (attributes){.axes = 5}, &y, 1, floats(FLOATS(7, 9, 11), SHAPE(3)));
    float largest[3];
    run(ref_kernels, OP_amax, (attributes){.axes = 5}, floats(largest, SHAPE(3)), &x, 1);
    assert_true(largest[0] == 7 && largest[1] == 9 && isnan(largest[2]));
    expect(OP_cumsum, (attributes){0}, &y, 1, floats(FLOATS(0, 1, 2, 5, 4, 9, 6, 13, 8, 17, 10, 21), SHAPE(2, 3, 2)));
    expect(OP_cumsum, (attributes){.flag = 1}, &y, 1, floats(FLOATS(1, 1, 5, 3, 9, 5, 13, 7, 17, 9, 21, 11), SHAPE(2, 3, 2)));
}

static void test_ordering(void **state)
{
    (void)state;
    tensor x = floats(FLOATS(3, 1, NAN, 1, 9, 3, 2, 2, 2, 0, 2, 2), SHAPE(2, 6));
    expect(OP_argsort, (attributes){0}, &x, 1, ints(INTS(1, 3, 0, 5, 4, 2, 3, 0, 1, 2, 4, 5), SHAPE(2, 6)));
    expect(OP_argmin, (attributes){0}, &x, 1, ints(INTS(1, 3), SHAPE(2)));
    expect(OP_argmax, (attributes){0}, &x, 1, ints(INTS(2, 0), SHAPE(2)));
}

static void test_indices(void **state)
{
    (void)state;
    tensor table = floats(FLOATS(1, 2, 3, 4, 5, 6), SHAPE(3, 2)), rows = ints(INTS(2, -1, 0, 2, 3), SHAPE(5));
    expect(OP_gather, (attributes){0}, (tensor[]){table, rows}, 2, floats(FLOATS(5, 6, 0, 0, 1, 2, 5, 6, 0, 0), SHAPE(5, 2)));
    tensor x = floats(FLOATS(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), SHAPE(5, 2));
    expect(OP_scatter, (attributes){0}, (tensor[]){x, rows}, 2, floats(FLOATS(5, 6, 0, 0, 8, 10), SHAPE(3, 2)));
    tensor at = ints(INTS(1, 1, 5, 0, 0, -3), SHAPE(2, 3)), wide = floats(FLOATS(1, 2, 3, 4), SHAPE(2, 2));
    expect(OP_take, (attributes){0}, (tensor[]){wide, at}, 2, floats(FLOATS(2, 2, 0, 3, 3, 0), SHAPE(2, 3)));
    tensor y = floats(FLOATS(1, 2, 3, 4, 5, 6), SHAPE(2, 3));
    expect(OP_put, (attributes){0}, (tensor[]){y, at}, 2, floats(FLOATS(0, 3, 9, 0), SHAPE(2, 2)));
    expect(OP_one_hot, (attributes){0}, &at, 1,
           floats(FLOATS(0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0, 0), SHAPE(2, 3, 2)));
}

/* The product of all four combinations of flags is the same where the operands are stored transposed. */
static void test_matmul(void **state)
{
    (void)state;
    float a[] = {1, 2, 3, 4, 5, 6}, a_turned[] = {1, 4, 2, 5, 3, 6}, b[] = {1, 0, 2, 1, 0, 3}, b_turned[] = {1, 2, 0, 0, 1, 3};
    for (int flags = 0; flags < 4; flags++) {
        tensor left = flags & TRANSPOSE_A ? floats(a_turned, SHAPE(3, 2)) : floats(a, SHAPE(2, 3));
        tensor right = flags & TRANSPOSE_B ? floats(b_turned, SHAPE(2, 3)) : floats(b, SHAPE(3, 2));
        expect(OP_matmul, (attributes){.flag = flags}, (tensor[]){left, right}, 2, floats(FLOATS(5, 11, 14, 23), SHAPE(2, 2)));
    }
    tensor batch = floats(FLOATS(1, 2, 3, 4), SHAPE(2, 1, 2)), each = floats(FLOATS(1, 2, 3, 4), SHAPE(2, 2, 1));
    expect(OP_matmul, (attributes){0}, (tensor[]){batch, each}, 2, floats(FLOATS(5, 25), SHAPE(2, 1, 1)));
    tensor one = floats(FLOATS(1, 2), SHAPE(2, 1));
    expect(OP_matmul, (attributes){0}, (tensor[]){batch, one}, 2, floats(FLOATS(5, 11), SHAPE(2, 1, 1)));
}

static void test_numbers(void **state)
{
    (void)state;
    assert_float_equal(num_digamma(1), -0.57721566490153286, 1e-14);
    assert_float_equal(num_digamma(0.5), -1.9635100260214235, 1e-14);
    assert_float_equal(num_digamma(-0.5), 0.03648997397857652, 1e-13);
    assert_float_equal(num_digamma(100), 4.600161852738087, 1e-14);
    assert_true(isnan(num_digamma(-2)) && isnan(num_digamma(NAN)) && isinf(num_digamma(INFINITY)));
    assert_int_equal(bf16_from(1.00390625f), 0x3f80);  /* a tie goes to the even neighbour */
    assert_int_equal(bf16_from(1.01171875f), 0x3f82);
    assert_int_equal(bf16_from(3.4e38f), 0x7f80);
    assert_true(isnan(bf16_to(bf16_from(NAN))));
}

/* ---- Fast kernels ---- */

/* Fast sums, computed in parts, against the reference in double. */
static void check_sum(shape s, uint32_t axes)
{
    int64_t n = shape_count(s), n_out;
    shape kept = {0};
    for (int i = 0; i < s.rank; i++)
        if (!(axes >> i & 1u)) kept.dim[kept.rank++] = s.dim[i];
    n_out = shape_count(kept);
    float *x = malloc((size_t)n * sizeof *x), *y = malloc((size_t)n_out * sizeof *y);
    double *dx = malloc((size_t)n * sizeof *dx), *dy = malloc((size_t)n_out * sizeof *dy);
    assert_true(x && y && dx && dy);
    for (int64_t i = 0; i < n; i++) dx[i] = (double)(x[i] = (float)((i * 7919 + i / 3) % 2003 - 1000) * 1e-3f);
    node operand = {.shape = s}, *operands[] = {&operand};
    node sum = {.op = OP_sum, .type = F32, .shape = kept, .in = operands, .n_in = 1, .at = {.axes = axes}};
    tensor in = {x, F32, s}, in_double = {dx, F32, s};
    int parts = cpu_kernels[OP_sum].parts(&sum);
    for (int part = 0; part < parts; part++) {
        kernel_args k = {.n = &sum, .out = {y, F32, kept}, .in = &in, .part = part, .n_parts = parts};
        cpu_kernels[OP_sum].run(&k);
    }
    run(ref_kernels_double, OP_sum, sum.at, (tensor){dy, F32, kept}, &in_double, 1);
    for (int64_t i = 0; i < n_out; i++)
        if (fabs((double)y[i] - dy[i]) > 3e-5 + 1e-6 * fabs(dy[i]))
            fail_msg("number %lld of a sum over axes %x: %.9g, expected %.9g", (long long)i, axes, (double)y[i], dy[i]);
    free(x);
    free(y);
    free(dx);
    free(dy);
}

static void test_sums(void **state)
{
    (void)state;
    check_sum(SHAPE(128, 784), 1);
    check_sum(SHAPE(300, 784), 1);
    check_sum(SHAPE(3, 2500), 1);
    check_sum(SHAPE(70000, 3), 1);
    check_sum(SHAPE(2000, 32), 1);
    check_sum(SHAPE(5, 9, 9, 65), 7);
    check_sum(SHAPE(700, 100), 2);
    check_sum(SHAPE(4, 1, 50, 100), 4);
    check_sum(SHAPE(40, 900, 7), 2);
    check_sum(SHAPE(6, 5, 4), 5);
    check_sum(SHAPE(100000), 1);
    check_sum(SHAPE(7, 1), 1);
}

/* Parts, blocks and indices of examples out of order: the same numbers as the reference, bit for bit. */
static void check_random(distribution_kind kind, bool by_example, const int64_t *index)
{
    enum { EXAMPLES = 30, FOLD = 2, WIDTH = 1201 };
    static float fast[EXAMPLES * FOLD * WIDTH], exact[EXAMPLES * FOLD * WIDTH];
    run_env env = {.seed = 5, .step = 7, .index = index, .first_index = 1000};
    node n = {.op = OP_random, .shape = SHAPE(EXAMPLES * FOLD, WIDTH), .rows = by_example ? FOLD : 0,
              .at = {.flag = (int32_t)kind, .stream = 3, .slot = by_example}};
    kernel_args k = {.n = &n, .out = {exact, F32, n.shape}, .n_examples = EXAMPLES, .n_parts = 1, .env = &env};
    ref_kernels[OP_random].run(&k);
    k.out.data = fast;
    k.n_parts = cpu_kernels[OP_random].parts(&n);
    assert_true(k.n_parts > 1);
    for (k.part = 0; k.part < k.n_parts; k.part++) cpu_kernels[OP_random].run(&k);
    assert_memory_equal(fast, exact, sizeof fast);
    if (!by_example) return;
    enum { FIRST = 11, SOME = 5 };
    kernel_args block = {.n = &n, .out = {fast, F32, SHAPE(SOME * FOLD, WIDTH)}, .first_example = FIRST, .n_examples = SOME,
                         .n_parts = 1, .env = &env};
    cpu_kernels[OP_random].run(&block);
    assert_memory_equal(fast, exact + FIRST * FOLD * WIDTH, SOME * FOLD * WIDTH * sizeof *fast);
}

static void test_random_numbers(void **state)
{
    (void)state;
    int64_t index[30];
    for (int i = 0; i < 30; i++) index[i] = i < 20 ? 59990 - i * 37 : 100 + i + i / 25 * i;
    for (distribution_kind kind = UNIFORM; kind <= NORMAL; kind++) {
        check_random(kind, false, NULL);
        check_random(kind, true, NULL);
        check_random(kind, true, index);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moving),  cmocka_unit_test(test_reducing), cmocka_unit_test(test_ordering),
        cmocka_unit_test(test_indices), cmocka_unit_test(test_matmul),   cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_sums),    cmocka_unit_test(test_random_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
