/* vq.c - VQ-VAE (van den Oord et al. 2017): a code is a row of vectors, each one of K that the model learns.
 *
 *     L = -log p(x|e) + commitment ||z - sg(e)||^2,    e = the nearest of e_1 ... e_K,    dL/dz of the first term is dL/de
 *
 * The vectors follow the encoder as running means, decayed by .99 each step (appendix A.1): n_k of how many of a
 * batch's vectors are nearest to e_k, s_k of their sum, and e_k = s_k / n_k with the counts smoothed (Laplace). A
 * vector that is hardly used any more is
 * placed on one of the batch's, drawn without replacement; at the first step that is all of them.
 *
 * The prior is fitted beside: how often each place of the code has each vector, as a running mean; places are taken
 * as independent. */
#include "vae.h"

#define DECAY 0.99
#define SMOOTHING 1e-5
#define LEAST_USE 0.05 /* of an even use, below which a vector is placed anew */

typedef struct book {
    int64_t codes, size, places; /* K, D, P */
    node *count, *sum;           /* [K] and [K,D], as they were before the step */
    node *prior;                 /* [P,K] */
    node *vectors;               /* [K,D] */
} book;

/* [K,D] from counts and sums: s_k / ((n_k + eps) / (N + K eps) N) */
static node *vectors_of(const book *k, node *count, node *sum)
{
    node *total = g_shift(g_sum_all(count), 1e-30);
    node *share = g_div(g_shift(count, SMOOTHING), g_shift(total, SMOOTHING * (double)k->codes));
    return g_div(sum, g_reshape(g_mul(share, total), SHAPE(k->codes, 1)));
}

static book open_book(vae *v)
{
    const elbo_config *c = v->config;
    book k = {.codes = c->codes, .size = c->code_size, .places = c->latent / c->code_size};
    if (c->latent % c->code_size) {
        g_fail(v->s.g, "latent is %lld, which is not a multiple of code-size, %lld", (long long)c->latent,
               (long long)c->code_size);
        k.places = 1;
    }
    int mark = scope_enter(&v->s, "book");
    k.count = scope_state(&v->s, "count", SHAPE(k.codes), 0);
    k.sum = scope_state(&v->s, "sum", SHAPE(k.codes, k.size), 0);
    k.prior = scope_state(&v->s, "prior", SHAPE(k.places, k.codes), 1.0 / (double)k.codes);
    scope_leave(&v->s, mark);
    k.vectors = vectors_of(&k, k.count, k.sum);
    return k;
}

/* The code before it is rounded, [B,Z]: of a picture, each place's features through one dense layer; of anything
 * flat, another. */
static node *raw_code(vae *v, node *x)
{
    int64_t size = v->config->code_size, numbers = v->config->latent;
    node *h = vae_features(v, x);
    if (g_broken(h)) return h;
    if (h->shape.rank != 4) return dense(&v->s, flatten(h), numbers, "code", NULL, SCALAR);
    conv_layer point = {.filters = size, .kernel = {1, 1}, .stride = 1, .dilation = 1, .groups = 1};
    int64_t places = h->shape.dim[1] * h->shape.dim[2];
    if (places * size != numbers)
        return g_fail(v->s.g, "the encoder ends in %lldx%lld places of code-size %lld numbers: latent must be %lld, not %lld",
                      (long long)h->shape.dim[1], (long long)h->shape.dim[2], (long long)size, (long long)(places * size),
                      (long long)numbers);
    return flatten(conv2d(&v->s, h, point, "code", NULL));
}

/* The numbers [M] of the vectors nearest to z [M,D]: the smallest |e|^2 - 2 z e. */
static node *nearest(const book *k, node *z)
{
    node *lengths = g_reshape(g_sum_last(g_square(k->vectors)), SHAPE(1, k->codes));
    return g_argmin(g_sub(lengths, g_scale(g_matmul_flags(z, k->vectors, TRANSPOSE_B), 2)));
}

static node *moved(node *kept, node *now)
{
    return g_add(g_scale(kept, DECAY), g_scale(now, 1 - DECAY));
}

/* K of the rows of z [M,D] in a random order, which begins again where they are too few: [K,D]. */
static node *drawn_rows(vae *v, const book *k, node *z)
{
    int64_t m = z->shape.dim[0], rounds = (k->codes + m - 1) / m;
    node *order = g_argsort(scope_random(&v->s, UNIFORM, SHAPE(m), "revival"));
    node *again = g_reshape(g_broadcast(g_reshape(order, SHAPE(1, m)), SHAPE(rounds, m)), SHAPE(rounds * m));
    return g_gather(z, g_slice(again, 0, 0, k->codes));
}

/* Sets the states after the step; z [M,D] and its vectors' numbers. Returns the counts [K]. */
static node *follow(vae *v, const book *k, node *z, node *index)
{
    int64_t m = z->shape.dim[0];
    double even = (double)m / (double)k->codes;
    node *hot = g_one_hot(index, k->codes);                                                     /* [M,K] */
    node *count = moved(k->count, g_sum(hot, 1u)), *sum = moved(k->sum, g_matmul_flags(hot, z, TRANSPOSE_A));
    node *dead = g_less(k->count, g_like(count, LEAST_USE * even));                             /* [K]   */
    node *fresh = g_scale(drawn_rows(v, k, z), even);
    node *alive = g_where(dead, g_like(count, even), count);
    int mark = scope_enter(&v->s, "book");
    scope_state_set(&v->s, "count", alive);
    scope_state_set(&v->s, "sum", g_where(g_reshape(dead, SHAPE(k->codes, 1)), fresh, sum));
    node *each = g_reshape(hot, SHAPE(m / k->places, k->places, k->codes));
    scope_state_set(&v->s, "prior", moved(k->prior, g_scale(g_sum(each, 1u), (double)k->places / (double)m)));
    scope_leave(&v->s, mark);
    return alive;
}

/* exp of the entropy of how the vectors are used: how many there are in effect. */
static node *perplexity(node *count)
{
    node *share = g_div(g_shift(count, 1e-10), g_shift(g_sum_all(count), 1e-10));
    return g_exp(g_neg(g_sum_last(g_mul(share, g_log(share)))));
}

static int latents(const elbo_config *c, latent out[MAX_LATENTS])
{
    out[0] = (latent){"z", LATENT_POINT, c->latent};
    return 1;
}

static posterior encode(vae *v, node *x)
{
    book k = open_book(v);
    node *z = raw_code(v, x);
    if (g_broken(z) || g_broken(k.vectors)) return (posterior){.mean = z};
    node *rows = g_reshape(z, SHAPE(z->shape.dim[0] * k.places, k.size)), *index = nearest(&k, rows);
    return (posterior){.mean = g_reshape(g_gather(k.vectors, index), z->shape),
                       .book = g_reshape(g_cast(index, F32), SHAPE(z->shape.dim[0], k.places))};
}

static objectives build(vae *v, const batch *b)
{
    book k = open_book(v);
    node *z = raw_code(v, b->x);                                                                /* [B,Z]  */
    objective o = {.terms = {{"rec", z, one(v)}}, .n_terms = 1, .group = "model", .code = z};
    if (g_broken(z) || g_broken(k.vectors)) return (objectives){{o}, 1};
    int64_t n = z->shape.dim[0];
    node *rows = g_stop(g_reshape(z, SHAPE(n * k.places, k.size))), *index = nearest(&k, rows); /* [B P,D] */
    node *e = g_reshape(g_gather(k.vectors, index), z->shape);                                  /* [B,Z]  */
    node *through = g_add(z, g_stop(g_sub(e, z)));
    node *used = v->s.training ? follow(v, &k, rows, index) : k.count;
    o = (objective){.terms = {{"rec", vae_rec(v, vae_decode(v, through), b->x), one(v)},
                              {"commitment", g_sum_last(g_square(g_sub(z, g_stop(e)))), vae_weight(v, v->config->commitment)},
                              {"perplexity", g_broadcast(g_reshape(perplexity(used), SHAPE(1)), SHAPE(n)), NULL}},
                    .n_terms = 3, .group = "model", .code = e};
    return (objectives){{o}, 1};
}

/* Each place's vector by the inverse of its distribution function, at u = Phi(noise). */
static node *draw(vae *v, node *noise)
{
    book k = open_book(v);
    if (g_broken(k.vectors)) return noise;
    int64_t n = noise->shape.dim[0];
    node *u = g_scale(g_shift(g_erf(g_scale(g_slice(noise, 1, 0, k.places), 0.7071067811865476)), 1), 0.5);      /* [B,P]   */
    node *below = g_less(g_reshape(g_cumsum(k.prior, false), SHAPE(1, k.places, k.codes)), g_reshape(u, SHAPE(n, k.places, 1)));
    node *number = g_clip(g_sum_last(below), 0, (double)k.codes - 1);                                            /* [B,P]   */
    node *index = g_reshape(g_cast(number, I32), SHAPE(n * k.places));
    return g_reshape(g_gather(k.vectors, index), noise->shape);
}

const family family_vq = {latents, encode, build, .whole_batch = true, .has_prior = false, .draw = draw};
