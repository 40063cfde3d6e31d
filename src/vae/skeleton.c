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

node *vae_rec(vae *v, node *decoded, node *x)
{
    if (g_broken(decoded) || g_broken(x)) return g_broken(x) ? x : decoded;
    int64_t b = x->shape.dim[0], k = decoded->shape.dim[0] / b, d = decoded->shape.dim[1];
    node *flat = flatten(x);
    if (k == 1) return g_name(likelihood_nll(&v->s, &v->likelihood, decoded, flat), "rec");
    node *each = likelihood_nll(&v->s, &v->likelihood, g_reshape(decoded, SHAPE(b, k, d)), g_reshape(flat, SHAPE(b, 1, d)));
    return g_name(g_scale(g_sum_last(each), 1.0 / (double)k), "rec");
}

node *one(vae *v)
{
    return g_constant(v->s.g, 1, SCALAR);
}
