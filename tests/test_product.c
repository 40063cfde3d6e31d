/* test_product.c - matrix products by every library at hand against sums in double, and what is promised about bits:
 * the same in any thread and after a fork, and from the built-in product however the work is cut. */
/* ctest: slow */
#include "graph/graph.h"
#include "graph/kernel.h"
#include "kernels/cpu/fast.h"
#include "kernels/cpu/product.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* ---- The libraries ---- */

enum { MAX_LIBRARIES = 4 };

/* [0] is the best there is; [i] the built-in product at level i - 1, as far as this processor has it. */
static void *library[MAX_LIBRARIES];
static int n_libraries;

static int open_libraries(void **state)
{
    (void)state;
    library[0] = product_open(&mem_standard, PRODUCT_BEST, cpu_best());
    for (int level = CPU_PORTABLE; level <= (int)cpu_best(); level++)
        library[level + 1] = product_open(&mem_standard, PRODUCT_BUILTIN, (cpu_level)level);
    n_libraries = (int)cpu_best() + 2;
    for (int i = 0; i < n_libraries; i++)
        if (!library[i]) return -1;
    return 0;
}

static int close_libraries(void **state)
{
    (void)state;
    for (int i = 0; i < n_libraries; i++) product_close(library[i]);
    return 0;
}

/* ---- A product to be checked ---- */

/* Rows are pad numbers longer than they need be; the excess of A and B is nan, of C a mark that must stay. */
typedef struct trial {
    bool ta, tb;
    int64_t m, n, k, lda, ldb, ldc;
    float *a, *b, *c;
} trial;

static const float mark = 12345;

static float number(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return (float)(*seed >> 8) / (float)(1 << 23) - 1;
}

/* Exactly as many numbers as the product may touch: the last row has no pad. */
static float *matrix(int64_t rows, int64_t columns, int64_t stride, float pad, uint32_t seed)
{
    float *x = malloc((size_t)((rows - 1) * stride + columns) * sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < (rows - 1) * stride + columns; i++) x[i] = i % stride < columns ? number(&seed) : pad;
    return x;
}

static trial trial_new(bool ta, bool tb, int64_t m, int64_t n, int64_t k, int64_t pad)
{
    trial t = {ta, tb, m, n, k, (ta ? m : k) + pad, (tb ? k : n) + pad, n + pad, NULL, NULL, NULL};
    t.a = matrix(ta ? k : m, ta ? m : k, t.lda, NAN, 1);
    t.b = matrix(tb ? n : k, tb ? k : n, t.ldb, NAN, 2);
    t.c = matrix(m, n, t.ldc, mark, 3);
    return t;
}

static void trial_free(trial *t)
{
    free(t->a);
    free(t->b);
    free(t->c);
}

static void compute(const void *with, trial *t)
{
    product(with, t->ta, t->tb, t->m, t->n, t->k, t->a, t->lda, t->b, t->ldb, t->c, t->ldc);
}

static size_t bytes_of_c(const trial *t)
{
    return (size_t)((t->m - 1) * t->ldc + t->n) * sizeof(float);
}

/* The error of each number is bounded by k roundings of the sum of magnitudes. */
static bool right(const trial *t)
{
    for (int64_t i = 0; i < t->m; i++) {
        for (int64_t j = 0; j < t->n; j++) {
            double sum = 0, size = 0;
            for (int64_t l = 0; l < t->k; l++) {
                double x = (double)t->a[t->ta ? l * t->lda + i : i * t->lda + l] *
                           (double)t->b[t->tb ? j * t->ldb + l : l * t->ldb + j];
                sum += x;
                size += fabs(x);
            }
            if (!(fabs((double)t->c[i * t->ldc + j] - sum) <= (double)(t->k + 1) * 0x1p-24 * size)) return false;
        }
        for (int64_t j = t->n; j < t->ldc && i < t->m - 1; j++)
            if (t->c[i * t->ldc + j] != mark) return false;
    }
    return true;
}

static const int64_t sizes[][3] = {
    {1, 1, 1},    {1, 5, 3},     {2, 3, 1},    {3, 1, 7},    {4, 4, 4},     {7, 9, 11},    {1, 20, 400}, {1, 400, 20},
    {2, 100, 50}, {1, 96, 33},   {2, 113, 65}, {5, 17, 31},  {8, 48, 192},  {9, 49, 193},  {16, 16, 16}, {13, 47, 385},
    {32, 20, 40}, {32, 40, 20},  {33, 65, 10}, {20, 78, 64}, {100, 3, 500}, {3, 100, 500}, {64, 64, 64}, {70, 33, 1200},
    {31, 1, 300}, {250, 10, 17}, {10, 1, 600}, {1, 1, 999},  {40, 90, 2},   {12, 24, 2100},
};

static void test_against_double(void **state)
{
    (void)state;
    for (int l = 0; l < n_libraries; l++) {
        for (size_t s = 0; s < COUNT(sizes) * 8; s++) {
            const int64_t *size = sizes[s / 8];
            trial t = trial_new(s & 1, s & 2, size[0], size[1], size[2], s & 4 ? 3 : 0);
            compute(library[l], &t);
            if (!right(&t))
                fail_msg("%s: %s%s m %d, n %d, k %d, pad %d", product_name(library[l]), t.ta ? "T" : "N",
                         t.tb ? "T" : "N", (int)t.m, (int)t.n, (int)t.k, s & 4 ? 3 : 0);
            trial_free(&t);
        }
    }
}

/* ---- Bits of the built-in product ---- */

/* Computes a product in pieces of so many rows and columns. */
static void compute_cut(const void *with, const trial *t, int64_t rows, int64_t columns)
{
    for (int64_t i = 0; i < t->m; i += rows)
        for (int64_t j = 0; j < t->n; j += columns)
            product(with, t->ta, t->tb, i + rows < t->m ? rows : t->m - i, j + columns < t->n ? columns : t->n - j,
                    t->k, t->a + i * (t->ta ? 1 : t->lda), t->lda, t->b + j * (t->tb ? t->ldb : 1), t->ldb,
                    t->c + i * t->ldc + j, t->ldc);
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    static const int64_t cuts[][2] = {{1, 1000}, {5, 1000}, {1000, 7}, {3, 50}, {32, 1000}};
    for (int l = 1; l < n_libraries; l++) {
        for (int flags = 0; flags < 4; flags++) {
            trial whole = trial_new(flags & 1, flags & 2, 45, 101, 410, 0);
            trial cut = trial_new(flags & 1, flags & 2, 45, 101, 410, 0);
            compute(library[l], &whole);
            for (size_t i = 0; i < COUNT(cuts); i++) {
                memset(cut.c, 0, bytes_of_c(&cut));
                compute_cut(library[l], &cut, cuts[i][0], cuts[i][1]);
                assert_memory_equal(whole.c, cut.c, bytes_of_c(&whole));
            }
            trial_free(&whole);
            trial_free(&cut);
        }
    }
}

/* Fused multiply-adds in the same order: 8 or 16 at a time makes no difference. */
static void test_same_for_any_width(void **state)
{
    (void)state;
    if (cpu_best() < CPU_AVX512) skip();
    trial narrow = trial_new(true, false, 50, 70, 300, 0), wide = trial_new(true, false, 50, 70, 300, 0);
    compute(library[1 + CPU_AVX2], &narrow);
    compute(library[1 + CPU_AVX512], &wide);
    assert_memory_equal(narrow.c, wide.c, bytes_of_c(&wide));
    trial_free(&narrow);
    trial_free(&wide);
}

/* A right operand packed ahead, in parts, what is beyond its columns nan: the same bits. */
static void test_packed(void **state)
{
    (void)state;
    enum { PARTS = 3 };
    for (int l = 1; l < n_libraries; l++) {
        cpu_level level = product_level(library[l]);
        for (size_t s = 0; s < COUNT(sizes) * 8; s++) {
            const int64_t *size = sizes[s / 8];
            trial t = trial_new(s & 1, s & 2, size[0], size[1], size[2], s & 4 ? 3 : 0);
            compute(library[l], &t);
            float *want = t.c, *packed = matrix(1, product_packed(level, t.n, t.k), product_packed(level, t.n, t.k), 0, 9);
            for (int64_t i = 0; i < product_packed(level, t.n, t.k); i++) packed[i] = NAN;
            t.c = matrix(t.m, t.n, t.ldc, mark, 3);
            for (int part = PARTS; part-- > 0;) product_pack(level, t.tb, t.n, t.k, t.b, t.ldb, packed, part, PARTS);
            product_by_packed(level, t.ta, t.m, t.n, t.k, t.a, t.lda, packed, t.c, t.ldc);
            if (memcmp(want, t.c, bytes_of_c(&t)))
                fail_msg("%s: %s%s m %d, n %d, k %d", product_name(library[l]), t.ta ? "T" : "N", t.tb ? "T" : "N", (int)t.m,
                         (int)t.n, (int)t.k);
            free(want);
            free(packed);
            trial_free(&t);
        }
    }
}

/* ---- Threads and processes ---- */

static const int64_t busy_sizes[][3] = {{64, 200, 300}, {128, 20, 400}, {400, 20, 128}, {32, 300, 100}, {1, 784, 400}};

static uint64_t hash(uint64_t h, const trial *t)
{
    const unsigned char *bytes = (const unsigned char *)t->c;
    for (size_t i = 0; i < bytes_of_c(t); i++) h = (h ^ bytes[i]) * 1099511628211u;
    return h;
}

/* Of the bits of many products, computed with the library that arg points to. */
static uint64_t hash_of_products(const void *with)
{
    uint64_t h = 1469598103934665603u;
    for (size_t s = 0; s < COUNT(busy_sizes) * 3; s++) {
        const int64_t *size = busy_sizes[s / 3];
        trial t = trial_new(s % 3 == 1, s % 3 == 2, size[0], size[1], size[2], 0);
        compute(with, &t);
        h = hash(h, &t);
        trial_free(&t);
    }
    return h;
}

typedef struct worker {
    const void *library;
    uint64_t hash;
    pthread_t thread;
} worker;

static void *work(void *arg)
{
    worker *w = arg;
    w->hash = hash_of_products(w->library);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    for (int l = 0; l < n_libraries; l++) {
        uint64_t expected = hash_of_products(library[l]);
        worker w[3];
        for (size_t i = 0; i < COUNT(w); i++) {
            w[i].library = library[l];
            assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
        }
        for (size_t i = 0; i < COUNT(w); i++) {
            assert_int_equal(pthread_join(w[i].thread, NULL), 0);
            assert_true(w[i].hash == expected);
        }
    }
}

static void test_fork(void **state)
{
    (void)state;
    for (int l = 0; l < n_libraries; l++) {
        uint64_t expected = hash_of_products(library[l]);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            alarm(30);
            bool same = hash_of_products(library[l]) == expected;
            close_libraries(NULL);
            _exit(same ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* ISO C has no conversion from dlsym's result to a function. */
static void symbol(void *from, const char *name, void *function)
{
    void *at = dlsym(from, name);
    assert_non_null(at);
    memcpy(function, &at, sizeof at);
}

/* A program's own OpenMP setting outlives elbo's products. */
static void test_openmp_setting(void **state)
{
    (void)state;
    void *openmp = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
    if (!openmp || !strstr(product_name(library[0]), "oneDNN")) skip();
    void (*set)(int);
    int (*get)(void);
    symbol(openmp, "omp_set_num_threads", &set);
    symbol(openmp, "omp_get_max_threads", &get);
    set(3);
    hash_of_products(library[0]);
    assert_int_equal(get(), 3);
    dlclose(openmp);
}

/* ---- The kernel ---- */

typedef struct problem {
    node a, b, n;
    node *in[2];
    tensor tensors[2];
    kernel_args args;
} problem;

static float *filled(shape s, uint32_t seed)
{
    return matrix(1, shape_count(s), shape_count(s), 0, seed);
}

/* Points into *p, which must not move. */
static void problem_open(problem *p, int flags, shape a, shape b, shape c)
{
    *p = (problem){.a.shape = a, .b.shape = b, .in = {&p->a, &p->b}};
    p->n = (node){.op = OP_matmul, .shape = c, .n_in = 2, .in = p->in, .at.flag = flags};
    p->tensors[0] = (tensor){filled(a, 5), F32, a};
    p->tensors[1] = (tensor){filled(b, 6), F32, b};
    p->args = (kernel_args){.n = &p->n, .out = {filled(c, 7), F32, c}, .in = p->tensors, .n_parts = 1};
}

static void problem_close(problem *p)
{
    free(p->tensors[0].data);
    free(p->tensors[1].data);
    free(p->args.out.data);
}

/* Each matrix of the batch as a product of its own. */
static bool kernel_right(const problem *p)
{
    shape a = p->tensors[0].shape, b = p->tensors[1].shape, c = p->args.out.shape;
    int flags = p->n.at.flag;
    int64_t m = c.dim[c.rank - 2], n = c.dim[c.rank - 1], k = a.dim[flags & TRANSPOSE_A ? a.rank - 2 : a.rank - 1];
    for (int64_t i = 0; i < shape_count(c) / (m * n); i++) {
        trial t = {flags & TRANSPOSE_A, flags & TRANSPOSE_B, m, n, k, a.dim[a.rank - 1], b.dim[b.rank - 1], n,
                   (float *)p->tensors[0].data + i * m * k, (float *)p->tensors[1].data + (b.rank > 2 ? i * k * n : 0),
                   (float *)p->args.out.data + i * m * n};
        if (!right(&t)) return false;
    }
    return true;
}

static void run_parts(problem *p, int n_parts)
{
    p->args.n_parts = n_parts;
    for (p->args.part = n_parts - 1; p->args.part >= 0; p->args.part--) cpu_matmul(&p->args);
}

typedef struct kernel_case {
    int flags, least_parts;
    shape a, b, c;
} kernel_case;

#define S2(...) {2, {__VA_ARGS__}}
#define S3(...) {3, {__VA_ARGS__}}
#define S4(...) {4, {__VA_ARGS__}}
static const kernel_case kernel_cases[] = {
    {0, 1, S2(5, 7), S2(7, 3), S2(5, 3)},
    {TRANSPOSE_A, 4, S2(160, 300), S2(160, 290), S2(300, 290)}, /* rows, the last band short */
    {TRANSPOSE_A, 3, S2(900, 50), S2(900, 310), S2(50, 310)}, /* columns */
    {TRANSPOSE_B, 2, S2(70, 500), S2(201, 500), S2(70, 201)},
    {TRANSPOSE_A | TRANSPOSE_B, 2, S2(500, 70), S2(201, 500), S2(70, 201)},
    {0, 2, S3(9, 40, 130), S3(9, 130, 150), S3(9, 40, 150)},
    {TRANSPOSE_A, 2, S3(9, 130, 40), S3(9, 130, 150), S3(9, 40, 150)},
    {TRANSPOSE_B, 1, S4(2, 3, 4, 5), S4(2, 3, 6, 5), S4(2, 3, 4, 6)},
    {0, 2, S3(9, 40, 130), S2(130, 150), S3(9, 40, 150)},
    {TRANSPOSE_B, 2, S3(9, 40, 130), S2(150, 130), S3(9, 40, 150)},
    {TRANSPOSE_A, 2, S3(9, 130, 40), S2(130, 150), S3(9, 40, 150)},
    {0, 1, S3(100, 2, 2), S3(100, 2, 2), S3(100, 2, 2)},
};

static void test_kernel(void **state)
{
    (void)state;
    for (int l = 0; l < n_libraries; l++) {
        for (size_t i = 0; i < COUNT(kernel_cases); i++) {
            const kernel_case *k = &kernel_cases[i];
            problem p;
            problem_open(&p, k->flags, k->a, k->b, k->c);
            p.args.library = library[l];
            int n_parts = cpu_matmul_parts(&p.n);
            assert_in_range(n_parts, k->least_parts, 64);
            run_parts(&p, n_parts);
            assert_true(kernel_right(&p));
            size_t bytes = (size_t)shape_count(k->c) * sizeof(float);
            float *parts = p.args.out.data;
            p.args.out.data = filled(k->c, 8);
            run_parts(&p, 1);
            assert_true(kernel_right(&p));
            if (l > 0) assert_memory_equal(parts, p.args.out.data, bytes);
            free(parts);
            problem_close(&p);
        }
    }
}

/* The engine passes a block of examples: shorter tensors than the node's. */
static void test_block(void **state)
{
    (void)state;
    problem p;
    problem_open(&p, 0, SHAPE(64, 3, 10), SHAPE(10, 6), SHAPE(64, 3, 6));
    cpu_matmul(&p.args); /* library NULL: built-in */
    float whole[3 * 3 * 6], *c = p.args.out.data;
    memcpy(whole, c + 8 * 3 * 6, sizeof whole);
    memset(c, 0, 64 * 3 * 6 * sizeof *c);
    p.tensors[0].data = (float *)p.tensors[0].data + 8 * 3 * 10;
    p.args.out.data = c + 8 * 3 * 6;
    p.tensors[0].shape.dim[0] = p.args.out.shape.dim[0] = 3;
    cpu_matmul(&p.args);
    assert_memory_equal(whole, p.args.out.data, sizeof whole);
    assert_true(c[8 * 3 * 6 - 1] == 0 && c[11 * 3 * 6] == 0);
    p.tensors[0].data = (float *)p.tensors[0].data - 8 * 3 * 10;
    p.args.out.data = c;
    problem_close(&p);
}

/* ---- Opening ---- */

static void *failing(void *user, void *ptr, size_t old_size, size_t new_size)
{
    int *left = user;
    if (new_size > 0 && (*left)-- <= 0) return NULL;
    return mem_standard.resize(NULL, ptr, old_size, new_size);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    int left = 0;
    const elbo_allocator m = {failing, &left};
    assert_null(product_open(&m, PRODUCT_BEST, cpu_best()));
    left = 1; /* the handle, but no adaptor: another product, and so other bits, would be no answer */
    void *p = product_open(&m, PRODUCT_BEST, CPU_PORTABLE);
    assert_true(p == NULL || left == 1);
    product_close(p);
    product_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_double),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_same_for_any_width),
        cmocka_unit_test(test_packed),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_fork),
        cmocka_unit_test(test_openmp_setting),
        cmocka_unit_test(test_kernel),
        cmocka_unit_test(test_block),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, open_libraries, close_libraries);
}
