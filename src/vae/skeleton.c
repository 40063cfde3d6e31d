/* skeleton.c - see vae.h */
#include "units.h"

#define FAMILY(name, ...) extern const family family_##name;
#include "families.def"
#undef FAMILY

const family *family_at(size_t i)
{
    static const family *const table[] = {
#define FAMILY(name, ...) &family_##name,
#include "families.def"
#undef FAMILY
    };
    return i < sizeof table / sizeof *table ? table[i] : NULL;
}

const elbo_family_info *elbo_family_at(size_t i)
{
    static const elbo_family_info table[] = {
#define FAMILY(name, summary) {#name, summary},
#include "families.def"
#undef FAMILY
    };
    return i < sizeof table / sizeof *table ? &table[i] : NULL;
}

bool family_samples(const family *f)
{
    return f->has_prior || f->draw;
}

node *vae_features(vae *v, node *x)
{
    node *seen = units_seen(v, x);
    int mark = scope_enter(&v->s, "encoder");
    node *h = architecture(&v->s, seen, v->config->encoder, &v->trunk, v->notes);
    scope_leave(&v->s, mark);
    return h;
}

node *vae_encode(vae *v, node *x)
{
    return flatten(vae_features(v, x));
}

/* What a decoder emits are parameters of the likelihood, which has a transformation of its own. */
static node *transformed_twice(vae *v, const char *activation)
{
    return g_fail(v->s.g,
                  "the decoder's pictures have the data's channels and end in %s, but what it emits are parameters of "
                  "the likelihood, which applies sigmoid (bernoulli) or --output itself; leave %s out",
                  activation, activation);
}

/* The channels of what the decoder emits: the likelihood's numbers for each of the data's. */
static int64_t emitted_channels(const vae *v)
{
    return likelihood_emits(&v->likelihood, v->shape[2]);
}

/* A picture of the emitted channels, by a last convolution where they differ, cut at the middle to the data's size. */
static node *matched_picture(vae *v, node *y)
{
    conv_layer last = {.filters = emitted_channels(v), .kernel = {3, 3}, .stride = 1, .padding = 1, .dilation = 1, .groups = 1};
    int bent = architecture_activation(v->config->decoder);
    if (shape_last(y->shape) != emitted_channels(v)) y = conv2d(&v->s, y, last, "out", NULL);
    else if (bent >= 0) return transformed_twice(v, activation_at((size_t)bent));
    for (int axis = 1; axis <= 2 && !g_broken(y); axis++) {
        int64_t have = y->shape.dim[axis], want = v->shape[axis - 1];
        if (have < want)
            return g_fail(v->s.g, "the decoder's pictures are %lld %s, the data's %lld; add an 'up' or 'deconv' layer",
                          (long long)have, axis == 1 ? "high" : "wide", (long long)want);
        y = g_slice(y, axis, (have - want) / 2, want);
    }
    return y;
}

/* Whatever the decoder's layers end in becomes the shape of what it emits: a picture is matched, anything flat goes through
 * a dense layer. */
node *vae_decode(vae *v, node *z)
{
    int mark = scope_enter(&v->s, "decoder");
    shape picture = SHAPE(v->shape[0], v->shape[1], emitted_channels(v)), trunk = v->trunk;
    node *h = architecture(&v->s, z, v->config->decoder, &trunk, v->notes);
    node *y = g_broken(h) ? h
              : h->shape.rank == 4 ? matched_picture(v, h)
                                   : dense(&v->s, h, shape_count(picture), "out", NULL, picture);
    scope_leave(&v->s, mark);
    return flatten(y);
}

node *vae_nll(vae *v, node *decoded, node *x)
{
    if (g_broken(decoded) || g_broken(x)) return g_broken(x) ? x : decoded;
    int64_t b = x->shape.dim[0], k = decoded->shape.dim[0] / b, e = decoded->shape.dim[1];
    node *each = g_reshape(decoded, SHAPE(b, k, e)), *original = units_read(v, x);
    if (g_broken(original)) return original;
    shape rows = SHAPE(b, 1, shape_last(original->shape));
    likelihood l = v->likelihood;
    l.present = v->present ? g_reshape(v->present, rows) : NULL;
    int mark = scope_enter(&v->s, "likelihood");
    node *nll = likelihood_nll(&v->s, &l, each, g_reshape(original, rows));
    scope_leave(&v->s, mark);
    return nll;
}

node *vae_parameters(vae *v, node *decoded)
{
    int mark = scope_enter(&v->s, "likelihood");
    node *p = likelihood_parameters(&v->s, &v->likelihood, decoded);
    scope_leave(&v->s, mark);
    return p;
}

node *vae_rec(vae *v, node *decoded, node *x)
{
    node *each = vae_nll(v, decoded, x);
    return g_name(g_scale(g_sum_last(each), 1.0 / (double)shape_last(each->shape)), "rec");
}

normal vae_gaussian(vae *v, node *x)
{
    return normal_head(&v->s, vae_encode(v, x), v->config->latent, (head_kind)v->config->head, "q");
}

int gaussian_latents(const elbo_config *c, latent out[MAX_LATENTS])
{
    out[0] = (latent){"z", LATENT_GAUSSIAN, c->latent};
    return 1;
}

posterior gaussian_encode(vae *v, node *x)
{
    normal q = vae_gaussian(v, x);
    return (posterior){.mean = q.mu, .std = normal_std(q)};
}

/* Held at a capacity (Burgess et al. 2018): |mean KL - C|, over the batch. */
static node *held(vae *v, node *kl)
{
    return g_abs(g_sub(g_mean_all(kl), v->capacity));
}

/* Free bits (Kingma et al. 2016, appendix C8): sum_j max(lambda, mean KL_j), over the batch. */
static node *above_free(vae *v, node *each)
{
    if (!each) return g_fail(v->s.g, "free-bits needs the KL of each number of the code, which this family has not");
    if (g_broken(each)) return each;
    node *mean = g_scale(g_sum(each, 1u), 1.0 / (double)each->shape.dim[0]);                     /* [Z] */
    return g_sum_last(g_max(mean, g_like(mean, v->config->free_bits)));
}

term vae_kl(vae *v, node *kl, node *each)
{
    term t = {"kl", kl, v->beta, NULL};
    if (v->config->capacity > 0) t.instead = held(v, kl);
    if (v->config->free_bits > 0) t.instead = above_free(v, each);
    return t;
}

node *one(vae *v)
{
    return g_constant(v->s.g, 1, SCALAR);
}

/* reduction = mean divides rec by the number of values, but nothing else. */
node *vae_weight(vae *v, double weight)
{
    enum { EXAMPLE, SUM, MEAN };
    double numbers = (double)(v->shape[0] * v->shape[1] * v->shape[2]);
    return g_constant(v->s.g, v->config->reduction == MEAN ? weight * numbers : weight, SCALAR);
}
