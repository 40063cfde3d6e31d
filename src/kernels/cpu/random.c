/* random.c - random tensors: the longest runs of consecutive elements go to the generator in one call. */
#include "../ref/ref.h"
#include "fast.h"

int cpu_random_parts(const node *n)
{
    return cpu_flat_parts(n);
}

/* The examples that share a run of element numbers with the one before */
static int64_t consecutive(const kernel_args *k, int64_t example, int64_t limit)
{
    const int64_t *index = k->env->index;
    if (!index) return limit - example;
    int64_t last = example;
    while (last + 1 < limit && index[k->first_example + last + 1] == index[k->first_example + last] + 1) last++;
    return last + 1 - example;
}

static int64_t example_index(const kernel_args *k, int64_t example)
{
    int64_t i = k->first_example + example;
    return k->env->index ? k->env->index[i] : k->env->first_index + i;
}

static void draw(const kernel_args *k, int64_t first, int64_t n, float *out)
{
    philox_key key = {k->env->seed, k->n->at.end ? 0 : k->env->step, k->n->at.stream};
    (k->n->at.flag == NORMAL ? philox_normal : philox_uniform)(key, (uint64_t)first, (size_t)n, out);
}

void cpu_random(const kernel_args *k)
{
    int64_t begin, end;
    float *out = k->out.data;
    cpu_flat_range(k, &begin, &end);
    if (k->n->at.slot != 1 || k->n->rows < 1) {
        if (end > begin) draw(k, begin, end - begin, out + begin);
        return;
    }
    int64_t examples = k->out.shape.dim[0] / k->n->rows, each = shape_count(k->out.shape) / examples;
    while (begin < end) {
        int64_t example = begin / each, inside = begin % each;
        int64_t n = consecutive(k, example, examples) * each - inside;
        if (n > end - begin) n = end - begin;
        draw(k, example_index(k, example) * each + inside, n, out + begin);
        begin += n;
    }
}
