/* vae.c - the variational autoencoder, with a weight on the KL term (Kingma and Welling 2014; beta-VAE, Higgins et al. 2017).
 *
 *     L = E_q[-log p(x|z)] + beta KL(q(z|x) || N(0,I)),    q(z|x) = N(mu(x), diag exp(logvar(x)))
 *
 * The expectation is the mean over k draws, z = mu + exp(logvar/2) eps. */
#include "vae.h"

static int latents(const elbo_config *c, latent out[MAX_LATENTS])
{
    out[0] = (latent){"z", LATENT_GAUSSIAN, c->latent};
    return 1;
}

static normal q_of(vae *v, node *x)
{
    node *h = vae_encode(v, x);                                                         /* [B,F]    */
    return normal_head(&v->s, h, v->config->latent, (head_kind)v->config->head, "q");   /* [B,Z] x2 */
}

static posterior encode(vae *v, node *x)
{
    normal q = q_of(v, x);
    return (posterior){q.mu, normal_std(q)};
}

static objectives build(vae *v, const batch *b)
{
    normal q = q_of(v, b->x);                                         /* mu, logvar [B,Z]                        */
    node *z = normal_sample(&v->s, q, v->config->samples, "eps");     /* [B k,Z]  mu + exp(logvar/2) eps         */
    node *rec = vae_rec(v, vae_decode(v, z), b->x);                   /* [B]      -log p(x|z)                    */
    node *kl = normal_kl_std(q);                                      /* [B]      1/2 sum mu^2 + e^lv - lv - 1   */
    objective elbo = {.terms = {{"rec", rec, one(v)}, {"kl", kl, v->beta}}, .n_terms = 2, .group = "model", .code = q.mu};
    return (objectives){{elbo}, 1};
}

const family family_vae = {latents, encode, build, .has_prior = true};
