/* factor.c - FactorVAE (Kim and Mnih 2018): the numbers of a code are made independent of each other.
 *
 *     L = E_q[-log p(x|z)] + beta KL(q(z|x) || N(0,I)) + gamma TC,    TC = KL(q(z) || prod_j q(z_j)) ~ mean D_0(z) - D_1(z)
 *
 * D, the critic, tells codes (class 0) from codes whose numbers were exchanged between examples (class 1); its two
 * logits differ by the log of the ratio of the densities. It is trained beside the model, as a group of its own, on
 *
 *     L_D = 1/2 (CE(D(z), 0) + CE(D(z'), 1))
 *
 * where z are the codes of the first half of the batch and z' those of the second, each number permuted by itself.
 * Both losses are taken at the same parameters (the paper updates the model in between). */
#include "vae.h"

/* The critic's logits [N,2] of codes z [N,Z]. */
static node *judge(vae *v, node *z, struct text *notes)
{
    const char *group = v->s.group;
    shape none = SCALAR;
    v->s.group = "critic";
    int mark = scope_enter(&v->s, "critic");
    node *h = flatten(architecture(&v->s, z, v->config->critic, &none, notes));
    node *logits = dense(&v->s, h, 2, "out", NULL, SCALAR);
    scope_leave(&v->s, mark);
    v->s.group = group;
    return logits;
}

/* z [N,Z] with each column in an order of its own: the order that sorts u [N,Z]. */
static node *exchanged(node *z, node *u)
{
    return g_transpose(g_take(g_transpose(z), g_argsort(g_transpose(u))));
}

static node *difference(node *logits) /* D_0 - D_1 [N] */
{
    return g_sum_last(g_sub(g_split(logits, 2, 0), g_split(logits, 2, 1)));
}

/* L_D [1], by softplus: CE(D, 0) = softplus(D_1 - D_0). */
static node *critic_loss(vae *v, node *codes)
{
    if (g_broken(codes)) return codes;
    int64_t b = codes->shape.dim[0], half = b > 1 ? b / 2 : 1;
    node *u = scope_random(&v->s, UNIFORM, codes->shape, "exchange");
    node *z = g_slice(codes, 0, 0, half), *other = g_slice(codes, 0, b - half, half);               /* [B/2,Z] */
    node *mixed = exchanged(other, g_slice(u, 0, b - half, half));
    node *real = g_softplus(g_neg(difference(judge(v, z, NULL)))), *fake = g_softplus(difference(judge(v, mixed, NULL)));
    return g_scale(g_add(real, fake), 0.5);                                                          /* [B/2]   */
}

static objectives build(vae *v, const batch *b)
{
    normal q = vae_gaussian(v, b->x);                                 /* mu, logvar [B,Z]                        */
    node *z = normal_sample(&v->s, q, 1, "eps");                      /* [B,Z]                                   */
    node *rec = vae_rec(v, vae_decode(v, z), b->x);                   /* [B]      -log p(x|z)                    */
    node *kl = normal_kl_std(q), *each = normal_kl_each(q);           /* [B], [B,Z]                              */
    node *tc = difference(judge(v, z, v->notes));                     /* [B]      log q(z) / prod_j q(z_j)       */
    node *gamma = vae_weight(v, v->config->gamma);
    objective model = {.terms = {{"rec", rec, one(v)}, vae_kl(v, kl, each), {"tc", tc, gamma}}, .n_terms = 3,
                       .group = "model", .code = q.mu, .latent_kl = each};
    objective critic = {.terms = {{"critic", critic_loss(v, g_stop(z)), one(v)}}, .n_terms = 1, .group = "critic",
                        .rate = v->config->critic_rate, .beta1 = 0.5, .beta2 = 0.9};
    return (objectives){{model, critic}, 2};
}

const family family_factor = {gaussian_latents, gaussian_encode, build, .has_prior = true};
