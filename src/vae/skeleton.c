/* skeleton.c - see vae.h */
#include "vae.h"

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

node *vae_encode(vae *v, node *x)
{
    int mark = scope_enter(&v->s, "encoder");
    node *h = architecture(&v->s, flatten(x), v->config->encoder);
    scope_leave(&v->s, mark);
    return h;
}

node *vae_decode(vae *v, node *z)
{
    int mark = scope_enter(&v->s, "decoder");
    shape picture = SHAPE(v->shape[0], v->shape[1], v->shape[2]);
    node *h = architecture(&v->s, z, v->config->decoder);
    node *y = dense(&v->s, h, shape_count(picture), "out", NULL, picture);
    scope_leave(&v->s, mark);
    return y;
}

node *vae_nll(vae *v, node *decoded, node *x)
{
    if (g_broken(decoded) || g_broken(x)) return g_broken(x) ? x : decoded;
    int64_t b = x->shape.dim[0], k = decoded->shape.dim[0] / b, d = decoded->shape.dim[1];
    node *each = g_reshape(decoded, SHAPE(b, k, d)), *original = g_reshape(flatten(x), SHAPE(b, 1, d));
    return likelihood_nll(&v->s, &v->likelihood, each, original);
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
    return (posterior){q.mu, normal_std(q)};
}

node *one(vae *v)
{
    return g_constant(v->s.g, 1, SCALAR);
}
