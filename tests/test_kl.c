/* test_kl.c - what options make of the KL term: the term held at a capacity and with free bits against PyTorch's, the schedules
 * as tables of values, the loss they enter, and the total, which does not see them. */
#include "golden/training.h"
#include "model_rig.h"
#include "train/trainer.h"

static const int64_t shape_of_data[] = {1, 2, 3};

/* ---- The term ---- */

static void test_terms_are_pytorchs(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof kl_terms / sizeof *kl_terms; k++) {
        elbo_config *c = config_of(kl_terms[k].options);
        graph *g = g_open(&mem_standard, KL_B);
        vae v = {.config = c, .s = {.g = g}, .beta = g_constant(g, 1, SCALAR), .capacity = g_constant(g, c->capacity, SCALAR)};
        normal q = {g_input(g, 0, F32, SHAPE(KL_B, KL_Z), true, "mu"), g_input(g, 1, F32, SHAPE(KL_B, KL_Z), true, "logvar")};
        term t = vae_kl(&v, normal_kl_std(q), normal_kl_each(q));
        node *wrt[] = {q.mu, q.logvar}, *outputs[3];
        outputs[0] = t.instead;
        g_gradient(t.instead, wrt, 2, outputs + 1);
        rig r = rig_open(engine, g, outputs, 3, BACKEND_REF_DOUBLE);
        rig_set(&r, 0, F32, KL_N, kl_mu);
        rig_set(&r, 1, F32, KL_N, kl_logvar);
        rig_run(&r);
        assert_true(rig_near(rig_at(&r, 0, 0), kl_terms[k].value, 1e-12, 0));
        for (int i = 0; i < KL_N; i++) {
            assert_true(rig_near(rig_at(&r, 1, i), kl_terms[k].dmu[i], 1e-12, 1e-3));
            assert_true(rig_near(rig_at(&r, 2, i), kl_terms[k].dlogvar[i], 1e-12, 1e-3));
        }
        rig_close(&r);
        g_close(g);
        elbo_config_free(c);
    }
}

static void test_without_options_it_is_kl(void **state)
{
    (void)state;
    elbo_config *c = config_of("beta=2");
    graph *g = g_open(&mem_standard, 1);
    vae v = {.config = c, .s = {.g = g}, .beta = g_constant(g, 1, SCALAR)};
    node *kl = g_input(g, 0, F32, SHAPE(1), true, "kl");
    term t = vae_kl(&v, kl, NULL);
    assert_true(t.value == kl && t.weight == v.beta && !t.instead);
    g_close(g);
    elbo_config_free(c);
}

/* ---- Schedules ---- */

#define ONES {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}

static void test_schedules(void **state)
{
    (void)state;
    enum { STEPS = 13 }; /* of epochs of two */
    static const struct {
        const char *options;
        double beta[STEPS], capacity[STEPS];
    } cases[] = {
        {"beta=1", ONES, ONES},
        {"kl-warmup=2", {0, .25, .5, .75, 1, 1, 1, 1, 1, 1, 1, 1, 1}, ONES},
        {"kl-warmup=1.5|kl-cycle=3", {0, 1 / 3., 2 / 3., 1, 1, 1, 0, 1 / 3., 2 / 3., 1, 1, 1, 0}, ONES},
        {"kl-warmup=2|kl-cycle=2", {0, .25, .5, .75, 0, .25, .5, .75, 0, .25, .5, .75, 0}, ONES},
        {"capacity=8|capacity-epochs=4", ONES, {0, .125, .25, .375, .5, .625, .75, .875, 1, 1, 1, 1, 1}},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        trainer t = {.m = model_of(cases[k].options, shape_of_data), .feed = {.n_train = 2, .batch = 1}};
        for (int i = 0; i < STEPS; i++) {
            kl_share share = step_share(&t, i);
            assert_true(rig_near(share.beta, cases[k].beta[i], 1e-15, 0));
            assert_true(rig_near(share.capacity, cases[k].capacity[i], 1e-15, 0));
        }
        elbo_model_free(t.m);
    }
}

/* ---- In a model ---- */

/* The loss of a training plan, its terms rec and kl, and the total that means of these make. */
static double loss_at(elbo_model *m, kl_share share, double mean[2])
{
    static const float x[18] = {0, 1, 0.5f, 0.25f, 1, 0, 0.125f, 0, 0, 1, 1, 0.75f, 0.5f, 0, 1, 0, 0.25f, 0.5f};
    m->share = share;
    compiled *c = model_plan(m, (plan_key){.purpose = TRAIN, .examples = 3, .dtype = ELBO_F32}, NULL);
    assert_non_null(c);
    model_run(m, c, x, (run_env){.seed = 3});
    for (int i = 0; i < 2; i++) mean[i] = (double)*model_result(m, c, c->first_term + i);
    return (double)*model_result(m, c, c->loss);
}

/* A schedule changes inputs only: one plan serves all, and the total does not see it. */
static void test_schedules_enter_the_loss(void **state)
{
    (void)state;
    static const char *const options[] = {"beta=3|kl-warmup=2", "beta=3|capacity=4|capacity-epochs=2", "beta=3|capacity=0.01"};
    static const double shares[] = {0, 0.5, 1};
    for (size_t k = 0; k < sizeof options / sizeof *options; k++) {
        elbo_model *m = model_of(options[k], shape_of_data);
        double capacity = m->config.capacity;
        for (int i = 0; i < 3; i++) {
            double mean[2], beta = 3 * shares[i], held = capacity * shares[2 - i];
            double loss = loss_at(m, (kl_share){shares[i], shares[2 - i]}, mean);
            double kl = capacity > 0 ? fabs(mean[1] - held) : mean[1];
            double at_full = capacity > 0 ? fabs(mean[1] - capacity) : mean[1];
            assert_true(rig_near(loss, mean[0] + beta * kl, 1e-6, 0));
            assert_true(rig_near(model_total(m, mean), mean[0] + 3 * at_full, 1e-15, 0));
        }
        assert_int_equal(m->n_plans, 1);
        elbo_model_free(m);
    }
}

/* Free bits are no part of the total, which is the bound. */
static void test_free_bits_and_the_total(void **state)
{
    (void)state;
    elbo_model *m = model_of("free-bits=2|latent=5", shape_of_data);
    double mean[2], loss = loss_at(m, (kl_share){1, 1}, mean);
    assert_true(mean[1] < 5); /* less than is free */
    assert_true(rig_near(loss, mean[0] + 10, 1e-6, 0));
    assert_true(rig_near(model_total(m, mean), mean[0] + mean[1], 1e-15, 0));
    elbo_model_free(m);
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"family=ae|kl-warmup=1", "family ae has none"},
        {"family=iwae|kl-warmup=1", "family iwae has none"},
        {"family=iwae|free-bits=1", "family iwae has none that can be changed"},
        {"family=vq|capacity=1", "family vq has none that can be changed"},
        {"capacity=1|free-bits=1", "give one of them"},
        {"kl-cycle=3", "kl-warmup is 0"},
        {"kl-cycle=3|kl-warmup=4", "kl-warmup is 4"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        elbo_error error = {0};
        elbo_config *c = config_of(cases[k][0]);
        model_data d = {.shape = {1, 2, 3}, .max = 1};
        assert_null(model_new(engine, c, &d, &error));
        assert_int_equal(error.code, ELBO_USAGE);
        if (!strstr(error.message, cases[k][1])) fail_msg("%s: %s", cases[k][0], error.message);
        elbo_config_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_terms_are_pytorchs),       cmocka_unit_test(test_without_options_it_is_kl),
        cmocka_unit_test(test_schedules),                cmocka_unit_test(test_schedules_enter_the_loss),
        cmocka_unit_test(test_free_bits_and_the_total),  cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
