/* model.h - a model: a configuration, the shape of its data, its parameters, and the plans compiled from its graphs.
 *
 * One graph for each (purpose, number of examples), compiled when first needed and kept, the least recently used one given up
 * when there are many. All plans share one arena and one scratch of the largest size. */
#ifndef ELBO_VAE_MODEL_H
#define ELBO_VAE_MODEL_H

#include "../graph/plan.h"
#include "../nn/optim.h"
#include "vae.h"

typedef enum purpose { TRAIN, EVALUATE, ENCODE, DECODE, DRAW, WEIGH } purpose;

/* What a plan is compiled for. */
typedef struct plan_key {
    purpose purpose;
    int64_t examples;
    elbo_dtype dtype; /* of x */
    int objective;    /* TRAIN: its number */
    int draws;        /* WEIGH */
    bool parameters;  /* DECODE, DRAW: [B,P], what p(x|z) is, in place of its mean */
    plan_backend backend;
} plan_key;

/* A compiled graph and where its outputs are.
 *   TRAIN     loss (scalar), terms of its objective (scalars, nats per example), gradients of its group to the store;
 *             the first objective's also code [B,Z] and the states, to the store
 *   EVALUATE  terms [B], code [B,Z], latent_kl [B,Z]
 *   ENCODE    code [B,Z], std [B,Z], book [B,P]
 *   DECODE    x [B,D] in the data's units, to the caller's array
 *   DRAW      the same from noise [B,Z], by the family's own prior
 *   WEIGH     x [B,k]: log p(x,z) - log q(z|x) of key.draws draws of each example */
typedef struct compiled {
    plan_key key;
    graph *graph;
    plan *plan;
    int loss, first_term, code, latent_kl, std, book, x; /* numbers of outputs; -1: none */
    double *seconds; /* see plan_buffers: set by who measures, and its own */
    int64_t last_used;
} compiled;

enum { MAX_COMPILED = 16, TERM_NAME = 16 };

/* What is known of a term and of an objective without a graph; the terms of all objectives are numbered in one row. */
typedef struct model_term {
    char name[TERM_NAME];
    double weight; /* in the total; 0: a figure, or of another objective than the first */
    bool by_beta;  /* the weight is beta instead */
    bool instead;  /* an option changes what of it is minimised (vae.h) */
} model_term;

typedef struct model_objective {
    const char *group;
    double rate, beta1, beta2; /* rate 0: the options' */
    int first_term, n_terms;
} model_objective;

/* What a model is made for. */
typedef struct model_data {
    int64_t shape[3];
    double min, max;
    double step;            /* every value is a whole multiple of it: 1/255 of bytes, 1 of whole numbers; 0: real numbers */
    bool binary;            /* every value is 0 or 1 */
    const column_list *columns; /* of a table; NULL: no table. The model keeps a copy */
    int64_t max_parameters; /* a file's numbers, so that a hostile one can't ask for more; 0: no limit */
    bool draw;              /* draw initial parameters; else they are zeros, to be loaded */
} model_data;

/* How much of beta and of the capacity schedules let a TRAIN plan see: 0 to 1. All other plans see all. */
typedef struct kl_share {
    double beta, capacity;
} kl_share;

struct elbo_model {
    elbo_engine *engine;
    memory m;
    elbo_config config;
    model_data data;
    column_list *columns; /* what data.columns is */
    elbo_model_info info;
    const family *family;
    latent latents[MAX_LATENTS];
    elbo_latent_info latent_info[MAX_LATENTS];
    int n_latents;
    model_term terms[MAX_TERMS];
    model_objective objectives[MAX_OBJECTIVES];
    int n_terms, n_objectives;
    kl_share share;
    store store;
    shape trunk;   /* see vae.h */
    char *layers;  /* a line for each layer: model_next_layer */
    compiled plans[MAX_COMPILED];
    int n_plans;
    int64_t clock;
    void *arena, *scratch;
    size_t arena_size, scratch_size;
    elbo_latent_use *latent_use; /* [Z] over the data evaluated last; NULL: none */
};

/* Levels from 0 to the largest value, in steps. */
int64_t model_levels(const model_data *d);

/* Whether options fit each other and the data. Errors: USAGE with the reason and the fix. */
elbo_status check_fit(const elbo_config *c, const model_data *d, elbo_error *error);

/* A model. Errors: USAGE, NO_MEMORY. */
elbo_model *model_new(elbo_engine *engine, const elbo_config *config, const model_data *data, elbo_error *error);

/* After data.mean and data.scale have changed: what follows from them. Errors: BAD_FILE (a scale that is not positive). */
elbo_status model_note_units(elbo_model *m, elbo_error *error);

/* p(x|z) as the options say. */
likelihood model_likelihood(const elbo_model *m);

/* Makes room for gradients and the optimiser, where there is none yet. */
elbo_status model_trains(elbo_model *m, elbo_error *error);

/* How the group of an objective is updated, as the options and the objective say: at the full rate, unclipped, in step 1. */
optim_settings model_optimiser(const elbo_model *m, int number);

/* The plan for a key; NULL: see error. Valid until the next call. */
compiled *model_plan(elbo_model *m, plan_key key, elbo_error *error);

/* Runs a plan on x (or z for DECODE) [B,...]. env tells seed, step and indices, and how many examples there are where that is
 * fewer than the plan's (a plan that looks at several at once computes all the same); to: where DECODE and DRAW put their x. */
void model_run(elbo_model *m, compiled *c, const void *x, run_env env);
void model_run_to(elbo_model *m, compiled *c, const void *x, run_env env, float *to);
const float *model_result(elbo_model *m, compiled *c, int output);

/* The number of examples of the plan that serves n: the smallest of a few sizes, MOST_SERVED at most. */
enum { MOST_SERVED = 1024 };
int64_t model_bucket(int64_t n);

/* Whether training may multiply in bf16, and the processor gains from it. */
typedef enum bf16_use { BF16_NO, BF16_NO_GAIN, BF16_YES } bf16_use;
bf16_use model_bf16(const elbo_model *m);

/* Runs c again step by step with reference kernels, and describes in words the first number that is not finite; index tells which
 * example of the data each of the batch is. Errors: NO_MEMORY. */
elbo_status model_blame(elbo_model *m, const compiled *c, const void *x, run_env env, const int64_t *index, char *words,
                        size_t room, elbo_error *error);

/* What the gradient of a part of a batch, this share of its examples, counts in that of the whole. */
double model_share(const elbo_model *m, int number, double share);

/* The weight of a term in the total, in nats per example. */
double model_term_weight(const elbo_model *m, int i);

/* The loss that means of the terms make, at full weights and the full capacity, whatever a schedule says: it means the same in
 * every epoch. Free bits are no part of it, so it is the bound itself. */
double model_total(const elbo_model *m, const double *mean);

/* The weight of KL in the loss that is minimised, when the loss is scaled so that rec is nats per example. */
double model_effective_beta(const elbo_model *m);

/* A layer of the architecture. */
typedef struct model_layer {
    char part[32], name[16], words[192], result[64]; /* "encoder", "0", "dense 400 relu", "[400]" */
    long long parameters, flop;                      /* of one example */
} model_layer;

/* Reads the layer at *at, which begins as m->layers, and goes on to the next; false: there is none. */
bool model_next_layer(const char **at, model_layer *out);

int64_t model_numbers(const elbo_model *m); /* numbers in an example */
const char *model_family_name(const elbo_config *c);

#endif
