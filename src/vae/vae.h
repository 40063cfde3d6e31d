/* vae.h - the skeleton every family stands on, and what a family says about itself.
 *
 * A family says only what differs: its latents, its posterior, its objective. The skeleton supplies the encoder's and decoder's
 * trunks, the likelihood, sampling, reconstruction and scoring. Loss terms are nats for each example. */
#ifndef ELBO_VAE_VAE_H
#define ELBO_VAE_VAE_H

#include "../nn/architecture.h"
#include "../nn/dist.h"
#include "../nn/likelihoods.h"
#include "config.h"

enum { MAX_TERMS = 6, MAX_OBJECTIVES = 2, MAX_LATENTS = 4 };

/* What a family's functions are given. */
typedef struct vae {
    scope s;
    const elbo_config *config;
    int64_t shape[3];      /* H, W, C of an example */
    shape trunk;           /* [H,W,C] of the last picture in the encoder: what auto means in the decoder; rank 0: none */
    struct text *notes;    /* a line for each layer; NULL: none */
    likelihood likelihood;
    const column_list *columns; /* of a table; NULL: no table */
    node *present;         /* of a table: 1 where a value is there, else 0 [B,D] */
    node *beta;            /* scalar input: the weight of the KL term, in the units of nats per example */
    node *capacity;        /* scalar input: nats at which the KL term is held, where the options say so */
} vae;

/* A batch as a graph: x [B,H,W,C] in the network's range; what is missing of a table is 0. */
typedef struct batch {
    node *x;
} batch;

typedef struct posterior {
    node *mean; /* [B,Z] */
    node *std;  /* [B,Z]; NULL: a point */
    node *book; /* [B,P] the numbers of the vectors that a code is made of; NULL: it is not */
} posterior;

/* One term of a loss: value [B] in nats, times weight (beta or a constant; NULL: a figure that is only noted). instead is a
 * scalar that is minimised in place of the batch's mean of value; NULL: none is. */
typedef struct term {
    const char *name;
    node *value, *weight, *instead;
} term;

/* A loss to be minimised over a group of parameters: the sum of weight x value. The group's optimiser has the rate
 * and betas given here; rate 0: those of the options. */
typedef struct objective {
    term terms[MAX_TERMS];
    int n_terms;
    const char *group; /* a literal */
    double rate, beta1, beta2;
    node *code;      /* [B,Z] the posterior's mean, for statistics of its use; of the first objective */
    node *latent_kl; /* [B,Z] KL of each number of the code to its prior; NULL: there is no such thing */
} objective;

/* The first is the model's own: the loss that evaluation reports. All together have at most MAX_TERMS terms. In a step the
 * gradients of all are taken at the same parameters, then every group is updated. */
typedef struct objectives {
    objective at[MAX_OBJECTIVES];
    int n;
} objectives;

typedef enum latent_kind { LATENT_GAUSSIAN, LATENT_POINT } latent_kind;

typedef struct latent {
    const char *name;
    latent_kind kind;
    int64_t size;
} latent;

typedef struct family {
    int (*latents)(const elbo_config *c, latent out[MAX_LATENTS]); /* how many */
    posterior (*encode)(vae *v, node *x);
    objectives (*build)(vae *v, const batch *b);
    bool whole_batch; /* its states are made from all of a batch: no shards */
    bool has_prior; /* the prior of z is N(0,I) */
    node *(*draw)(vae *v, node *noise); /* codes of the family's own prior, [B,Z], from noise [B,Z] ~ N(0,I); NULL: none */
} family;

bool family_samples(const family *f); /* whether new examples can be drawn */

const family *family_at(size_t i); /* the i-th row of families.def */

/* ---- What families use ---- */

node *vae_features(vae *v, node *x);                /* the encoder's trunk: [B,H,W,C] to [B,F] or [B,h,w,c]              */
node *vae_encode(vae *v, node *x);                  /* the same, flat: [B,F]                                             */
node *vae_decode(vae *v, node *z);                  /* [N,Z] to what the likelihood reads, [N,D E], laid out as the data */
node *vae_nll(vae *v, node *decoded, node *x);      /* -log p(x|z) of each of an example's k draws: [B,k]                */
node *vae_parameters(vae *v, node *decoded);        /* what p(x|z) is, for likelihood_draw: [N,P]                        */
node *vae_rec(vae *v, node *decoded, node *x);      /* the mean of that over the draws: [B]                              */
normal vae_gaussian(vae *v, node *x);               /* q(z|x), from the trunk and its two heads: mu, logvar [B,Z]        */
int gaussian_latents(const elbo_config *c, latent out[MAX_LATENTS]); /* a family's latents and posterior where they are  */
posterior gaussian_encode(vae *v, node *x);                          /* one Gaussian z                                   */
term vae_kl(vae *v, node *kl, node *each);           /* beta x KL [B] with the options capacity and free-bits; each [B,Z]: of
                                                        each number of the code, NULL: there is no such thing            */
node *one(vae *v);                                  /* the scalar 1                                                      */
node *vae_weight(vae *v, double weight);            /* of a term beside rec, as beta is of KL (see reduction)            */

#endif
