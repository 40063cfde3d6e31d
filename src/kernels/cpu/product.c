/* product.c - which library computes a product, and how a whole-tensor matmul is cut into parts.
 *
 * A part is a run of whole matrices of a batch, or a band of C across its longer side: rows where it is tall, columns
 * where it is flat. Bands are multiples of BAND lines and hold at least PART_FLOPS operations (but for the last), so
 * that a part outweighs handing it out.
 *
 * Where many calls read the same right operand (weights), it is laid out once, ahead of them: packed for the built-in product;
 * turned for oneDNN, which turns one that lies the wrong way round in every call. Products in bf16 (product_bf16.h) always have
 * it packed, and are cut by rows. */
#include "product.h"
#include "fast.h"
#include "product_bf16.h"
#include "product_onednn.h"
#include "transpose.h"
#include "../../base/integer.h"

#include <stdio.h>

enum { MAX_PARTS = 64, BAND = 32, PART_FLOPS = 8000000, BF16_PART_FLOPS = 24000000, TINY = 8192 };

/* ---- The library ---- */

typedef struct library {
    memory m;
    cpu_level level;
    onednn *onednn; /* NULL: built-in */
    char name[48];
} library;

static void set_name(library *l)
{
    static const char *const levels[] = {"no vectors", "AVX2", "AVX-512"};
    snprintf(l->name, sizeof l->name, "%s, %s", l->onednn ? onednn_name(l->onednn) : "elbo's own product", levels[l->level]);
}

void *product_open(memory m, product_choice choice, cpu_level level)
{
    library *l = mem_new(m, 1, sizeof *l);
    if (!l) return NULL;
    *l = (library){.m = m, .level = level};
    if (choice == PRODUCT_BEST && !onednn_open(m, &l->onednn)) {
        mem_free(m, l);
        return NULL;
    }
    set_name(l);
    return l;
}

void product_close(void *handle)
{
    library *l = handle;
    if (!l) return;
    onednn_close(l->onednn);
    mem_free(l->m, l);
}

cpu_level product_level(const void *handle)
{
    const library *l = handle;
    return l ? l->level : cpu_best();
}

const onednn *product_onednn(const void *handle)
{
    const library *l = handle;
    return l ? l->onednn : NULL;
}

const char *product_name(const void *handle)
{
    return ((const library *)handle)->name;
}

void product(const void *handle, bool ta, bool tb, int64_t m, int64_t n, int64_t k, const float *a, int64_t lda,
             const float *b, int64_t ldb, float *c, int64_t ldc)
{
    const library *l = handle;
    bool tiny = m * n * k <= TINY; /* done before the library has looked at its arguments */
    if (l && l->onednn && !tiny && onednn_product(l->onednn, ta, tb, m, n, k, a, lda, b, ldb, c, ldc)) return;
    product_builtin(product_level(l), ta, tb, m, n, k, a, lda, b, ldb, c, ldc);
}

/* ---- The kernel ---- */

/* batch products of [m,k] and [k,n], so many numbers from one matrix of an operand to the next. */
typedef struct matmul {
    bool ta, tb, bf16;
    int64_t batch, m, n, k;
    int64_t a_step, b_step;
} matmul;

static matmul matmul_of(int32_t flag, shape a, shape b, shape c)
{
    bool ta = flag & TRANSPOSE_A, tb = flag & TRANSPOSE_B, bf16 = flag & IN_BF16;
    int64_t m = c.dim[c.rank - 2], n = c.dim[c.rank - 1], k = a.dim[a.rank - (ta ? 2 : 1)];
    int64_t batch = shape_count(c) / (m * n);
    if (b.rank == 2 && !ta) return (matmul){ta, tb, bf16, 1, batch * m, n, k, 0, 0};
    return (matmul){ta, tb, bf16, batch, m, n, k, a.rank > 2 ? m * k : 0, b.rank > 2 ? k * n : 0};
}

static matmul matmul_of_node(const node *n)
{
    return matmul_of(n->at.flag, n->in[0]->shape, n->in[1]->shape, n->shape);
}

/* What one part computes: lines are matrices of the batch, columns or rows. */
typedef enum cut_axis { MATRICES, ROWS_OF_C, COLUMNS_OF_C } cut_axis;

typedef struct cut {
    cut_axis axis;
    int64_t lines, per_part;
} cut;

static cut cut_of(const matmul *p)
{
    cut_axis axis = p->batch > 1 ? MATRICES : p->m >= p->n || p->bf16 ? ROWS_OF_C : COLUMNS_OF_C;
    int64_t lines = axis == MATRICES ? p->batch : axis == ROWS_OF_C ? p->m : p->n;
    int64_t flops_per_line = 2 * p->batch * p->m * p->n / lines * p->k;
    int64_t enough = ratio_up(p->bf16 ? BF16_PART_FLOPS : PART_FLOPS, flops_per_line), fewest = ratio_up(lines, MAX_PARTS);
    int64_t per_part = enough > fewest ? enough : fewest;
    if (axis != MATRICES) per_part = ratio_up(per_part, BAND) * BAND;
    return (cut){axis, lines, per_part};
}

int cpu_matmul_parts(const node *n)
{
    matmul p = matmul_of_node(n);
    cut u = cut_of(&p);
    return (int)ratio_up(u.lines, u.per_part);
}

typedef struct operands {
    const float *a, *b;
    float *c;
    int64_t lda, ldb, ldc;
} operands;

/* Narrows a product to its lines from first on. */
static void take_part(matmul *p, operands *x, const cut *u, int64_t first)
{
    int64_t rest = u->lines - first, lines = rest < u->per_part ? rest : u->per_part;
    if (u->axis == MATRICES) {
        x->a += first * p->a_step;
        x->b += first * p->b_step;
        x->c += first * p->m * p->n;
        p->batch = lines;
    } else if (u->axis == ROWS_OF_C) {
        x->a += first * (p->ta ? 1 : x->lda);
        x->c += first * x->ldc;
        p->m = lines;
    } else {
        x->b += first * (p->tb ? x->ldb : 1);
        x->c += first;
        p->n = lines;
    }
}

/* Whether the right operand is the same for all calls, read by enough rows, and lies otherwise than the library likes it. */
static bool pays_to_lay_out(const preparing *q, const matmul *p)
{
    enum { ENOUGH = 96 };
    bool shared = q->n->in[1]->shape.rank == 2 && q->n->in[1]->rows == 0 && !p->ta;
    return shared && p->m >= ENOUGH && (product_onednn(q->library) ? p->tb : q->parts == 1);
}

static int layout_parts(const matmul *p)
{
    enum { ENOUGH = 1 << 15 };
    int64_t parts = ratio_up(p->n * p->k, ENOUGH);
    return parts > 8 ? 8 : (int)parts;
}

static void turn(const kernel_args *k)
{
    matmul p = matmul_of_node(k->n);
    int64_t lines = ratio_up(ratio_up(p.n, k->n_parts), 16) * 16, first = k->part * lines;
    if (first + lines > p.n) lines = p.n - first;
    if (lines > 0) transpose(lines, p.k, (const float *)k->in[1].data + first * p.k, p.k, (float *)k->shared + first, p.n);
}

static void pack(const kernel_args *k)
{
    matmul p = matmul_of_node(k->n);
    product_pack(product_level(k->library), p.tb, p.n, p.k, k->in[1].data, p.tb ? p.k : p.n, k->shared, k->part, k->n_parts);
}

static void pack_bf16(const kernel_args *k)
{
    matmul p = matmul_of_node(k->n);
    bf16_pack(k->made, p.tb, p.n, p.k, k->in[1].data, p.tb ? p.k : p.n, k->shared, k->part, k->n_parts);
}

static void prepare_bf16(const matmul *p, preparation *out)
{
    out->made = (void *)(uintptr_t)bf16_best();
    out->scratch = bf16_room(p->k);
    out->shared = bf16_packed(p->n, p->k);
    out->before = pack_bf16;
    out->before_parts = layout_parts(p);
}

bool cpu_matmul_prepare(const preparing *q, preparation *out)
{
    matmul p = matmul_of_node(q->n);
    if (p.bf16) {
        prepare_bf16(&p, out);
        return true;
    }
    if (!pays_to_lay_out(q, &p)) return true;
    bool own = !product_onednn(q->library);
    int64_t numbers = own ? product_packed(product_level(q->library), p.n, p.k) : p.n * p.k;
    out->shared = (size_t)ratio_up(numbers, 16) * 64;
    out->before = own ? pack : turn;
    out->before_parts = layout_parts(&p);
    return true;
}

void cpu_matmul(const kernel_args *k)
{
    matmul p = matmul_of(k->n->at.flag, k->in[0].shape, k->in[1].shape, k->out.shape);
    operands x = {k->in[0].data, k->in[1].data, k->out.data, p.ta ? p.m : p.k, p.tb ? p.k : p.n, p.n};
    bool turned = k->shared && !p.bf16 && product_onednn(k->library);
    if (turned) {
        p.tb = false;
        x.b = k->shared;
        x.ldb = p.n;
    }
    if (k->n_parts > 1) {
        cut u = cut_of(&p);
        take_part(&p, &x, &u, k->part * u.per_part);
    }
    if (p.bf16) {
        bf16_by_packed(k->made, p.ta, p.m, p.n, p.k, x.a, x.lda, k->shared, x.c, x.ldc, false, k->scratch);
        return;
    }
    if (k->shared && !turned) {
        product_by_packed(product_level(k->library), p.ta, p.m, p.n, p.k, x.a, x.lda, k->shared, x.c, x.ldc);
        return;
    }
    for (int64_t i = 0; i < p.batch; i++)
        product(k->library, p.ta, p.tb, p.m, p.n, p.k, x.a + i * p.a_step, x.lda, x.b + i * p.b_step, x.ldb,
                x.c + i * p.m * p.n, x.ldc);
}
