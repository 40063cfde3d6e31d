/* convolve_shared.c - see convolve.h */
#include "convolve.h"
#include "product.h"
#include "../../base/integer.h"

enum {
    PATCH_NUMBERS = 1 << 18, /* of a chunk of patches: 1 MB, half a second-level cache */
    LEAST_PLACES = 128,      /* of a chunk: weights are read once for each */
    MOST_PLACES = 1024,
};

bool conv_in_bf16(const node *n)
{
    return n->at.flag & IN_BF16;
}

int64_t conv_taps(const conv_sizes *s)
{
    return (int64_t)s->at.size[0] * s->at.size[1];
}

int64_t conv_places(const conv_sizes *s)
{
    return s->batch * s->out[0] * s->out[1];
}

int64_t conv_weights(const conv_sizes *s)
{
    return conv_taps(s) * s->group_c * s->results;
}

int64_t conv_most_places(int64_t places, int64_t columns)
{
    int64_t n = PATCH_NUMBERS / columns;
    n = n < LEAST_PLACES ? LEAST_PLACES : n > MOST_PLACES ? MOST_PLACES : n;
    return least(n, places);
}

int64_t conv_chunk(int64_t places, int64_t columns)
{
    return ratio_up(places, ratio_up(places, conv_most_places(places, columns)));
}

size_t conv_bytes(int64_t numbers)
{
    return (size_t)ratio_up(numbers, 16) * 64;
}

bool conv_mirror(const conv_sizes *s, conv_sizes *m)
{
    int64_t reach[2];
    *m = *s;
    if (s->groups != 1 || s->results >= s->channels || conv_weights(s) > SMALL_WEIGHTS) return false;
    for (int i = 0; i < 2; i++) {
        reach[i] = (int64_t)(s->at.size[i] - 1) * s->at.dilation[i];
        if (s->at.stride[i] != 1 || s->at.padding[i] > reach[i]) return false;
    }
    for (int i = 0; i < 2; i++) {
        m->at.padding[i] = (int32_t)(reach[i] - s->at.padding[i]);
        m->in[i] = s->out[i];
        m->out[i] = s->in[i];
    }
    m->channels = m->group_c = s->results;
    m->results = m->group_f = s->channels;
    return true;
}

void conv_turn_weights(const conv_sizes *s, const float *w, float *to)
{
    for (int64_t t = conv_taps(s); t-- > 0;)
        for (int64_t f = 0; f < s->results; f++)
            for (int64_t c = 0; c < s->group_c; c++) *to++ = w[(t * s->group_c + c) * s->results + f];
}

int64_t conv_narrow(conv_sizes *s, const kernel_args *k)
{
    int64_t each = ratio_up(s->batch, k->n_parts), first = k->part * each;
    s->batch = least(each, s->batch - first);
    return first;
}

/* ---- The library ---- */

static void release_convs(void *made)
{
    library_convs *c = made;
    for (int i = 0; i < 2; i++) onednn_conv_close(c->conv[i]);
    mem_free(c->m, c);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

bool library_convs_make(const preparing *q, conv_sizes s, int64_t images, preparation *p)
{
    library_convs *c = mem_new(q->m, 1, sizeof *c);
    if (!c) return false;
    *c = (library_convs){.m = q->m, .images = {images, s.batch % images}};
    p->made = c;
    p->release = release_convs;
    for (int i = 0; i < 2 && c->images[i] > 0; i++) {
        s.batch = c->images[i];
        c->conv[i] = onednn_conv_open(product_onednn(q->library), q->m, q->n->op, &s, q->workers, c->conv[0]);
        if (!c->conv[i]) break;
        p->scratch = larger(p->scratch, conv_bytes((int64_t)(onednn_conv_scratch(c->conv[i]) / 4 + 1)));
    }
    return true;
}

const onednn_conv *library_conv(const kernel_args *k, int64_t images)
{
    const library_convs *c = conv_in_bf16(k->n) ? NULL : k->made;
    for (int i = 0; c && i < 2; i++)
        if (c->images[i] == images) return c->conv[i];
    return NULL;
}
