/* iwae.c - the importance weighted autoencoder (Burda et al. 2016): a tighter bound on log p(x) from k draws.
 *
 *     L = -log 1/k sum_i w_i,   log w_i = log p(x|z_i) + log p(z_i) - log q(z_i|x);    k = 1 is the ELBO
 *
 * With dreg the encoder's gradient is the doubly reparameterised one (Tucker et al. 2019): phi inside log q is held fixed, and
 * z_i passes back the squared normalised weight. The decoder keeps the plain weight. */
#include "vae.h"

#include <math.h>

/* Each example's value of L [B], whose gradient is that of DReG: dz_i is taken first, with the weights as constants,
 * and passed on to the encoder's z once more weighted. */
static node *doubly_reparameterised(node *bound, node *log_w, node *fixed_z, node *z)
{
    shape rows = SHAPE(z->shape.dim[0], 1);
    node *w = g_stop(g_exp(g_sub(log_w, g_reshape(g_logsumexp_last(log_w), SHAPE(log_w->shape.dim[0], 1))))); /* [B,k] */
    node *decoder = g_neg(g_sum_last(g_mul(w, log_w)));                                                       /* [B]   */
    node *total = g_sum_all(decoder), *dz;                                                                    /* [B k,Z] */
    g_gradient(total, &fixed_z, 1, &dz);
    node *encoder = g_mul(g_stop(g_mul(g_reshape(w, rows), dz)), z);                                          /* [B k,Z] */
    node *each = g_sum(g_reshape(encoder, SHAPE(log_w->shape.dim[0], log_w->shape.dim[1], z->shape.dim[1])), 6u);
    node *surrogate = g_add(decoder, each);                                                                   /* [B]   */
    return g_add(g_stop(g_sub(bound, surrogate)), surrogate);
}

static objectives build(vae *v, const batch *b)
{
    normal q = vae_gaussian(v, b->x);                                 /* mu, logvar [B,Z]                          */
    node *z = normal_sample(&v->s, q, v->config->samples, "eps");     /* [B k,Z]                                   */
    bool dreg = v->config->dreg && !g_broken(z);
    node *used = dreg ? g_stop(z) : z;
    normal held = {dreg ? g_stop(q.mu) : q.mu, dreg ? g_stop(q.logvar) : q.logvar};
    node *nll = vae_nll(v, vae_decode(v, used), b->x);                /* [B,k]    -log p(x|z_i)                    */
    node *log_w = g_neg(g_add(nll, normal_log_ratio(held, used)));    /* [B,k]    log p(x|z) p(z) / q(z|x)         */
    node *bound = g_neg(g_shift(g_logsumexp_last(log_w), -log((double)shape_last(log_w->shape)))); /* [B]          */
    node *rec = g_scale(g_sum_last(nll), 1.0 / (double)shape_last(nll->shape));                    /* [B]          */
    if (dreg) bound = doubly_reparameterised(bound, log_w, used, z);
    objective o = {.terms = {{"rec", rec, one(v)}, {"kl", g_sub(bound, rec), one(v)}}, .n_terms = 2, .group = "model",
                   .code = q.mu, .latent_kl = normal_kl_each(q)};
    return (objectives){{o}, 1};
}

const family family_iwae = {gaussian_latents, gaussian_encode, build, .has_prior = true};
