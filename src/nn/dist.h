/* dist.h - the diagonal Gaussian over latent numbers: heads that emit it, samples, divergences. */
#ifndef ELBO_NN_DIST_H
#define ELBO_NN_DIST_H

#include "layers.h"

typedef struct normal {
    node *mu;     /* [B,Z] */
    node *logvar; /* [B,Z] log sigma^2, in [-30, 20] */
} normal;

/* What a head's second half emits. All are linear: a scale is made positive by exp or softplus, never by relu. */
typedef enum head_kind { HEAD_LOGVAR, HEAD_LOGSIGMA, HEAD_SOFTPLUS } head_kind;

/* mu = h W + b and the scale's head, under name.mu and name.<kind>; h [B,F]. */
normal normal_head(scope *s, node *h, int64_t latent, head_kind kind, const char *name);

/* z = mu + exp(logvar/2) eps with k draws for each example, folded into rows: [B k, Z], k fastest. */
node *normal_sample(scope *s, normal q, int64_t k, const char *name);

node *normal_std(normal q); /* exp(logvar/2) */

/* KL(q_j || N(0,1)) = 1/2 (mu_j^2 + exp(lv_j) - 1 - lv_j) of each number, [B,Z]   (Kingma and Welling 2014, appendix B) */
node *normal_kl_each(normal q);
/* KL(q || N(0,I)), the sum of these: [B] */
node *normal_kl_std(normal q);

/* log q(z|x) - log p(z) of draws z [B k,Z], p = N(0,I): [B,k] */
node *normal_log_ratio(normal q, node *z);

#endif
