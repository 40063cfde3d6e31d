/* ae.c - the autoencoder (Hinton and Salakhutdinov 2006): L = -log p(x|z), z = code(x). Nothing says where codes lie, so there is
 * nothing to draw new examples from; it is here to be compared with the vae. */
#include "vae.h"

static int latents(const elbo_config *c, latent out[MAX_LATENTS])
{
    out[0] = (latent){"z", LATENT_POINT, c->latent};
    return 1;
}

static posterior encode(vae *v, node *x)
{
    node *h = vae_encode(v, x);                                                             /* [B,F] */
    return (posterior){.mean = dense(&v->s, h, v->config->latent, "code", NULL, SCALAR)};   /* [B,Z] */
}

static objectives build(vae *v, const batch *b)
{
    node *z = encode(v, b->x).mean;                                                         /* [B,Z] */
    node *rec = vae_rec(v, vae_decode(v, z), b->x);                                         /* [B]   */
    objective o = {.terms = {{"rec", rec, one(v)}}, .n_terms = 1, .group = "model", .code = z};
    return (objectives){{o}, 1};
}

const family family_ae = {latents, encode, build, .has_prior = false};
