/* precision.c - which products take operands rounded to bf16. The units that multiply such numbers are several times as fast, but
 * operands must be packed for them, which takes as long as 20 or 30 rows of a product in float, and sizes are filled up to 16 or
 * 32: small products are left as they are. */
#include "conv.h"
#include "graph.h"

/* A product [m,k] [k,n]. */
typedef struct sides {
    int64_t m, n, k;
} sides;

static sides sides_of_conv(const node *x)
{
    conv_sizes s = conv_sizes_of_node(x);
    int64_t places = s.batch * s.out[0] * s.out[1], patch = s.at.size[0] * s.at.size[1] * s.group_c;
    if (s.groups != 1) return (sides){0, 0, 0};
    return x->op == OP_conv      ? (sides){places, s.results, patch}
           : x->op == OP_conv_dx ? (sides){places, patch, s.results}
                                 : (sides){patch, s.results, places};
}

static sides sides_of_matmul(const node *x)
{
    shape a = x->in[0]->shape, b = x->in[1]->shape;
    bool ta = x->at.flag & TRANSPOSE_A, tb = x->at.flag & TRANSPOSE_B;
    if (b.rank != 2 || (ta && a.rank != 2)) return (sides){0, 0, 0};
    int64_t n = b.dim[!tb], k = b.dim[tb];
    return (sides){shape_count(a) / k, n, k};
}

static bool pays(sides s)
{
    enum { LEAST = 32, LEAST_COLUMNS = 16, ENOUGH = 1 << 18 };
    return s.m >= LEAST && s.n >= LEAST_COLUMNS && s.k >= LEAST && s.m * s.n * s.k >= ENOUGH;
}

void g_products_in_bf16(graph *g)
{
    for (int i = 0; i < g_count(g); i++) {
        node *x = g_at(g, i);
        bool conv = is_conv(x);
        if ((conv || x->op == OP_matmul) && pays(conv ? sides_of_conv(x) : sides_of_matmul(x))) x->at.flag |= IN_BF16;
    }
}
