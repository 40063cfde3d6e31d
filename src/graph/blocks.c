/* blocks.c - how many examples a block of each phase has.
 *
 * Rows: enough for products to run at full rate, few enough that a block's tensors stay in the second-level cache and that a
 * small batch still makes work for several threads; of many, more, for which weights are read less often. An image is so many
 * rows that a few of them fill the cache: then a block is as many as it holds, but enough that their bytes are no fewer than
 * those of the weights, which every block reads again.
 * A function of the problem only. */
#include "compile.h"

enum { BLOCK_ROWS = 64, MANY_ROWS = 1024, FEW_ROWS = 32, MOST_IMAGES = 32, BLOCK_BYTES = 1 << 19 };

/* Of a phase: the most rows of a product an example has, the most bytes of images it has before and after a step, and the bytes
 * of the largest weights. */
typedef struct demand {
    int64_t rows, image_bytes, weight_bytes;
} demand;

static void at_least(int64_t *most, int64_t n)
{
    if (n > *most) *most = n;
}

static void add_demand(const plan *p, const item *it, demand *d)
{
    const node *x = it->members[0];
    int64_t examples = g_examples(p->g);
    bool conv = x->op == OP_conv || x->op == OP_conv_dx;
    if (conv || x->op == OP_matmul) {
        at_least(&d->rows, x->rows);
        if (x->in[1]->rows == 0) at_least(&d->weight_bytes, (int64_t)node_bytes(p, x->in[1]));
    }
    if (conv) {
        at_least(&d->image_bytes, (int64_t)(node_bytes(p, x) + node_bytes(p, x->in[0])) / examples);
    } else if (it->fused && shape_count(it->space) / examples >= BLOCK_BYTES / (4 * BLOCK_ROWS)) {
        at_least(&d->image_bytes, 4 * shape_count(it->space) / examples);
    }
}

static int64_t block_examples(const demand *d, int64_t examples)
{
    int64_t rows = examples * d->rows < MANY_ROWS ? BLOCK_ROWS : 2 * BLOCK_ROWS;
    int64_t n = rows / d->rows;
    if (d->image_bytes) {
        int64_t images = BLOCK_BYTES / d->image_bytes;
        at_least(&images, d->weight_bytes / d->image_bytes);
        n = images < MOST_IMAGES ? images : MOST_IMAGES;
    }
    if (n >= examples) n = examples * d->rows <= FEW_ROWS ? examples : (examples + 1) / 2;
    if (n < 1) return 1;
    int64_t blocks = (examples + n - 1) / n;
    return (examples + blocks - 1) / blocks; /* about equal */
}

void make_blocks(plan *p)
{
    for (int ph = 0; ph < p->n_phases; ph++) {
        if (!p->phases[ph].by_example) continue;
        demand d = {.rows = 1};
        for (int i = 0; i < p->n_items; i++)
            if (p->items[i].phase == ph) add_demand(p, &p->items[i], &d);
        p->phases[ph].block = block_examples(&d, g_examples(p->g));
    }
}
