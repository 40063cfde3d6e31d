/* vae.c - the variational autoencoder, with a weight on the KL term (Kingma and Welling 2014; beta-VAE, Higgins et al. 2017).
 *
 *     L = E_q[-log p(x|z)] + beta KL(q(z|x) || N(0,I)),    q(z|x) = N(mu(x), diag exp(logvar(x)))
 *
 * The expectation is the mean over k draws, z = mu + exp(logvar/2) eps. KL may be held at a capacity, or have free bits. */
#include "vae.h"

static objectives build(vae *v, const batch *b)
{
    normal q = vae_gaussian(v, b->x);                                 /* mu, logvar [B,Z]                        */
    node *z = normal_sample(&v->s, q, v->config->samples, "eps");     /* [B k,Z]  mu + exp(logvar/2) eps         */
    node *rec = vae_rec(v, vae_decode(v, z), b->x);                   /* [B]      -log p(x|z)                    */
    node *kl = normal_kl_std(q);                                      /* [B]      1/2 sum mu^2 + e^lv - lv - 1   */
    node *each = normal_kl_each(q);                                   /* [B,Z]                                   */
    objective elbo = {.terms = {{"rec", rec, one(v)}, vae_kl(v, kl, each)}, .n_terms = 2, .group = "model", .code = q.mu,
                      .latent_kl = each};
    return (objectives){{elbo}, 1};
}

const family family_vae = {gaussian_latents, gaussian_encode, build, .has_prior = true};
