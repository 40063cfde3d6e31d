/* test_vae_math.c - the mathematics of whole models: losses against golden values, the gradient of every family's loss against
 * differences in double, ten Adam steps against PyTorch's, KL against Monte Carlo, layouts, and that training fits. */
#include "base/philox.h"
#include "golden/golden.h"
#include "model_rig.h"

#include "golden/losses.h"
#include "golden/trajectory.h"

/* ---- The gradient of whole losses ---- */

enum { GRADIENT_B = 3 };
static const int64_t tiny[] = {1, 2, 3};

/* Empty, or what is wrong with the gradient of an objective of a model of these options, at every third parameter of its group
 * whose name begins with part. */
static void check_part(const char *options, int number, const char *part, bool wrong, char *what, size_t room)
{
    static double x[GRADIENT_B * 6];
    elbo_model *m = model_of(options, tiny);
    for (int i = 0; i < GRADIENT_B * 6; i++) x[i] = value_for(m, i);
    exact e = exact_open_objective(m, number, GRADIENT_B, x);
    const char *group = e.m->objectives[number].group;
    e.b.env = (run_env){.seed = 9, .step = 4};
    exact_run(&e);
    int64_t n = e.m->store.params.size;
    double *dx = doubles(n), largest = 0;
    memcpy(dx, e.gradient, (size_t)n * sizeof *dx);
    if (wrong) dx[0] *= 1.0001;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(dx[i]));
    *what = 0;
    for (int p = 0; p < e.m->store.params.n && !*what; p++) {
        const entry *t = &e.m->store.params.at[p];
        if (strcmp(e.m->store.groups[t->group], group) != 0 || strncmp(t->name, part, strlen(part)) != 0) continue;
        for (int64_t i = t->offset; i < t->offset + t->count && !*what; i += 3) {
            const double h = 1.0 / 512, at[] = {-2, -1, 1, 2}, v = e.value[i];
            double f[4];
            for (int k = 0; k < 4; k++) {
                e.value[i] = v + at[k] * h;
                f[k] = exact_run(&e);
            }
            e.value[i] = v;
            double slope = (8 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * h);
            if (fabs(slope - dx[i]) > 1e-6 * fmax(fmax(fabs(slope), fabs(dx[i])), 1e-3 * largest))
                snprintf(what, room, "%s: %s: got %.12g, expected %.12g", options, t->name, dx[i], slope);
        }
    }
    mem_free(&mem_standard, dx);
    exact_close(&e);
}

static void check_objective(const char *options, int number, bool wrong, char *what, size_t room)
{
    check_part(options, number, "", wrong, what, room);
}

static void check_loss(const char *options, bool wrong, char *what, size_t room)
{
    check_objective(options, 0, wrong, what, room);
}

#define NET "critic=dense 4 tanh|encoder=dense 4 tanh|decoder=dense 3 softplus|latent=2"
static const char *const likelihoods[] = {
    "likelihood=bernoulli",
    "likelihood=bernoulli-eps",
    "likelihood=squared|output=sigmoid",
    "likelihood=half-squared|output=tanh|range=symmetric",
    "likelihood=gaussian|sigma=0.3",
    "likelihood=gaussian|variance=learned|sigma=0.7|output=sigmoid",
    "likelihood=gaussian|variance=per-dimension",
    "likelihood=gaussian|variance=optimal|range=symmetric",
    "likelihood=gaussian|variance=predicted|output=tanh",
    "likelihood=laplace|sigma=0.3",
    "likelihood=laplace|variance=optimal",
    "likelihood=laplace|variance=predicted",
    "likelihood=logistic|variance=learned",
    "likelihood=logistic|variance=predicted|sigma=0.5",
    "likelihood=categorical",
    "likelihood=poisson",
    "likelihood=negative-binomial",
    "likelihood=columns|variance=per-dimension",
    "likelihood=columns|variance=predicted",
    "likelihood=columns|variance=optimal|standardize=false",
    "likelihood=gaussian|variance=learned|standardize=true",
    "likelihood=poisson|standardize=true",
};
enum { N_LIKELIHOODS = sizeof likelihoods / sizeof *likelihoods };
static const char *const heads[] = {"logvar", "logsigma", "softplus"}, *const reductions[] = {"example", "sum", "mean"};

/* What options make of the KL term has the gradient of what is minimised. */
static void test_kl_gradients(void **state)
{
    (void)state;
    static const char *const options[] = {"capacity=0.5|beta=20", "capacity=2|beta=3|reduction=mean", "free-bits=0.05",
                                          "free-bits=0.3|beta=2|reduction=sum", "family=factor|capacity=0.5",
                                          "family=factor|free-bits=0.1"};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char all[256], what[512];
        snprintf(all, sizeof all, NET "|%s", options[i]);
        check_loss(all, false, what, sizeof what);
        if (*what) fail_msg("%s", what);
    }
}

static void test_loss_gradients(void **state)
{
    (void)state;
    char options[512], what[512];
    int failed = 0;
    for (int i = 0; i < N_LIKELIHOODS * 3 * 3 * 6; i++) {
        static const char *const families[] = {"vae|samples=1", "vae|samples=3", "ae", "iwae|samples=1",
                                               "iwae|samples=3", "factor|gamma=2.5"};
        int l = i % N_LIKELIHOODS, head = i / N_LIKELIHOODS % 3, reduction = i / N_LIKELIHOODS / 3 % 3,
            kind = i / N_LIKELIHOODS / 9;
        if (kind == 2 && head > 0) continue; /* no head */
        snprintf(options, sizeof options, NET "|beta=1.5|%s|head=%s|reduction=%s|family=%s", likelihoods[l],
                 heads[head], reductions[reduction], families[kind]);
        check_loss(options, false, what, sizeof what);
        if (*what) print_error("%s\n", what);
        failed += *what != 0;
    }
    assert_int_equal(failed, 0);
    for (size_t i = 0; likelihood_at(i); i++) { /* none is left out */
        int n = 0;
        snprintf(options, sizeof options, "likelihood=%s", likelihood_at(i)->name);
        for (int k = 0; k < N_LIKELIHOODS; k++) n += strstr(likelihoods[k], options) == likelihoods[k];
        assert_true(n > 0);
    }
    check_loss(NET, true, what, sizeof what);
    assert_non_null(strstr(what, "expected")); /* the check can fail */
}

/* The critic's loss moves the critic only, and the model's loss leaves it alone. */
static void test_critic(void **state)
{
    (void)state;
    char what[512];
    static const double x[GRADIENT_B * 6] = {0.2, 0.4, 0.9, 0.1, 0.6, 0.8, 0.3};
    check_objective(NET "|family=factor", 1, false, what, sizeof what);
    assert_string_equal(what, "");
    check_objective(NET "|family=factor|reduction=mean", 1, false, what, sizeof what);
    assert_string_equal(what, "");
    for (int k = 0; k < 2; k++) {
        exact e = exact_open_objective(model_of(NET "|family=factor", tiny), k, GRADIENT_B, x);
        int64_t begin, end, others = 0;
        store_range(&e.m->store, e.m->objectives[k].group, &begin, &end);
        exact_run(&e);
        for (int64_t i = 0; i < e.m->store.params.size; i++) others += (i < begin || i >= end) && e.gradient[i] != 0;
        assert_int_equal(others, 0);
        assert_true(end - begin > 0 && end - begin < e.m->store.params.size);
        exact_close(&e);
    }
}

/* The straight-through gradient of vq, with one vector to a code. Where bias and book move together, nothing is rounded another
 * way and z - e stays, so the loss changes by dL/de: what the bias must get. The commitment's is checked with the book fixed: the
 * reconstruction, which reads e, does not change then. */
static void test_straight_through(void **state)
{
    (void)state;
    enum { K = 5, D = 2 };
    static const double x[GRADIENT_B * 6] = {0.2, 0.4, 0.9, 0.1, 0.6, 0.8, 0.3, 0.95, 0.05, 0.7, 0.15, 0.85, 0.5, 0.2};
    for (int held = 0; held < 2; held++) {
        exact e = exact_open(model_of(NET "|family=vq|codes=5|code-size=2|commitment=0.7", tiny), GRADIENT_B, x);
        const entry *bias = store_find(&e.m->store.params, "code.bias");
        const entry *count = store_find(&e.m->store.states, "book.count"), *sum = store_find(&e.m->store.states, "book.sum");
        assert_true(bias && count && sum);
        for (int k = 0; k < K; k++) e.state[count->offset + k] = 1;
        for (int i = 0; i < K * D; i++) e.state[sum->offset + i] = 0.6 * sin(2.3 * i);
        exact_run(&e);
        double commitment = exact_term(&e, 1);
        assert_true(commitment > 1e-3);
        for (int j = 0; j < D; j++) {
            const double h = 1e-5;
            double got = e.gradient[bias->offset + j], found[2][2];
            for (int side = 0; side < 2; side++) {
                double by = side ? h : -h;
                e.value[bias->offset + j] += by;
                for (int k = 0; k < K && !held; k++) e.state[sum->offset + k * D + j] += by;
                exact_run(&e);
                found[side][0] = exact_term(&e, 0), found[side][1] = exact_term(&e, 1);
                e.value[bias->offset + j] -= by;
                for (int k = 0; k < K && !held; k++) e.state[sum->offset + k * D + j] -= by;
            }
            exact_run(&e);
            double slope[2];
            for (int t = 0; t < 2; t++) slope[t] = (found[1][t] - found[0][t]) / (2 * h);
            assert_true(fabs(slope[held ? 0 : 1]) < 1e-8); /* the other one does not change */
            static double through[D];
            if (held) assert_true(rig_near(got, through[j] + 0.7 * slope[1], 1e-6, 1e-3));
            else through[j] = slope[0];
        }
        exact_close(&e);
    }
}

/* The decoder sees e, so its gradient is the loss's; nothing else of vq has a gradient that differences can find. */
static void test_vq_decoder(void **state)
{
    (void)state;
    char what[512];
    for (int i = 0; i < N_LIKELIHOODS; i++) {
        char options[512];
        snprintf(options, sizeof options, NET "|family=vq|codes=3|code-size=1|%s", likelihoods[i]);
        check_part(options, 0, "decoder", false, what, sizeof what);
        assert_string_equal(what, "");
    }
}

/* ---- The book of vq ---- */

static elbo_model *vq_model(const char *options)
{
    char words[256];
    snprintf(words, sizeof words, "family=vq|latent=4|code-size=2|codes=3|encoder=dense 8 tanh|decoder=dense 8 tanh|%s", options);
    return model_of(words, tiny);
}

/* At the first step every vector is placed on one of the batch's; then counts and sums are running means, by hand. */
static void test_book(void **state)
{
    (void)state;
    enum { B = 6, P = 2, K = 3, D = 2, M = B * P };
    elbo_model *m = vq_model("batch=6");
    float x[B * 6];
    for (int i = 0; i < B * 6; i++) x[i] = (float)(0.5 + 0.45 * sin(1.9 * i * i));
    const entry *count = store_find(&m->store.states, "book.count"), *sum = store_find(&m->store.states, "book.sum"),
                *prior = store_find(&m->store.states, "book.prior");
    for (int step = 0; step < 3; step++) {
        float e[B * P * D], before[64];
        memcpy(before, m->store.state, (size_t)m->store.states.size * sizeof *before);
        must(elbo_model_encode(m, x, B, e, NULL, NULL), &(elbo_error){.code = ELBO_OK});
        plan_key key = {.purpose = TRAIN, .examples = B, .dtype = ELBO_F32};
        compiled *c = model_plan(m, key, NULL);
        assert_non_null(c);
        model_run(m, c, x, (run_env){.seed = 1, .step = (uint32_t)step});
        const float *now = m->store.new_state;
        float total = 0;
        for (int p = 0; p < P; p++) {
            float share = 0;
            for (int k = 0; k < K; k++) share += now[prior->offset + p * K + k];
            assert_true(fabsf(share - 1) < 1e-5f);
        }
        for (int k = 0; k < K; k++) {
            float used = 0, v[D];
            for (int d = 0; d < D; d++) v[d] = before[sum->offset + k * D + d] / fmaxf(before[count->offset + k], 1e-9f);
            for (int i = 0; i < M; i++) used += fabsf(e[i * D] - v[0]) + fabsf(e[i * D + 1] - v[1]) < 1e-4f;
            float expected = 0.99f * before[count->offset + k] + 0.01f * used;
            if (step > 0) assert_true(fabsf(now[count->offset + k] - expected) < 1e-4f);
            else assert_true(now[count->offset + k] == (float)M / K);
            total += now[count->offset + k];
        }
        assert_true(fabsf(total - M) < 1e-3f);
        store_commit(&m->store);
    }
    m->store.state[count->offset + 1] = 0.01f; /* hardly used: placed anew, though it is still what is nearest */
    m->store.state[sum->offset + 2] = m->store.state[sum->offset + 3] = 10;
    compiled *c = model_plan(m, (plan_key){.purpose = TRAIN, .examples = B, .dtype = ELBO_F32}, NULL);
    model_run(m, c, x, (run_env){.seed = 1, .step = 3});
    assert_true(m->store.new_state[count->offset + 1] == (float)M / K);
    assert_true(fabsf(m->store.new_state[sum->offset + 2]) < 10 * M / K);
    elbo_model_free(m);
}

/* A book larger than a batch: its vectors begin on the batch's, each more than once. */
static void test_large_book(void **state)
{
    (void)state;
    enum { K = 200 };
    elbo_model *m = model_of(NET "|family=vq|codes=200|code-size=2", tiny);
    static const float x[GRADIENT_B * 6] = {0.2f, 0.4f, 0.9f, 0.1f, 0.6f, 0.8f, 0.3f, 0.95f, 0.05f, 0.7f, 0.15f, 0.85f, 0.5f};
    compiled *c = model_plan(m, (plan_key){.purpose = TRAIN, .examples = GRADIENT_B, .dtype = ELBO_F32}, NULL);
    assert_non_null(c);
    model_run(m, c, x, (run_env){.seed = 1});
    const float *sum = m->store.new_state + store_find(&m->store.states, "book.sum")->offset;
    for (int i = 0; i < 2 * K; i++) assert_true(isfinite(sum[i]) && sum[i] == sum[i % (2 * GRADIENT_B)]);
    assert_true(sum[0] != sum[2] && sum[2] != sum[4] && sum[0] != sum[4]);
    elbo_model_free(m);
}

/* New examples have each place's vectors as often as the prior says. */
static void test_vq_draws(void **state)
{
    (void)state;
    enum { N = 3000 };
    elbo_model *m = vq_model("likelihood=squared");
    const entry *count = store_find(&m->store.states, "book.count"), *sum = store_find(&m->store.states, "book.sum"),
                *prior = store_find(&m->store.states, "book.prior");
    static const float share[6] = {0.7f, 0, 0.3f, 0.2f, 0.5f, 0.3f};
    for (int k = 0; k < 3; k++) m->store.state[count->offset + k] = 1;
    for (int i = 0; i < 6; i++) m->store.state[sum->offset + i] = (float)i;
    memcpy(m->store.state + prior->offset, share, sizeof share);
    float *x = mem_new(&mem_standard, N * 6, sizeof *x), pair[9][6];
    elbo_error err = {0};
    assert_non_null(x);
    must(elbo_model_sample(m, N, 5, x, &err), &err);
    for (int i = 0; i < 9; i++) {
        float a = (float)(i / 3 * 2), b = (float)(i % 3 * 2), z[4] = {a, a + 1, b, b + 1};
        must(elbo_model_decode(m, z, 1, pair[i], &err), &err);
    }
    for (int i = 0; i < 9; i++) {
        int seen = 0;
        for (int n = 0; n < N; n++) {
            float far = 0;
            for (int k = 0; k < 6; k++) far = fmaxf(far, fabsf(x[n * 6 + k] - pair[i][k]));
            seen += far < 1e-3f;
        }
        double p = (double)share[i / 3] * (double)share[3 + i % 3];
        assert_true(fabs(seen - N * p) <= 4.5 * sqrt(N * p * (1 - p)) + 0.5);
    }
    mem_free(&mem_standard, x);
    elbo_model_free(m);
}

/* The three reductions are one loss in other units. */
static void test_reductions(void **state)
{
    (void)state;
    static double x[GRADIENT_B * 6];
    double loss[3];
    for (int i = 0; i < GRADIENT_B * 6; i++) x[i] = 0.5 + 0.45 * sin(1.9 * i);
    for (int i = 0; i < 3; i++) {
        char options[256];
        snprintf(options, sizeof options, NET "|beta=1.5|reduction=%s", reductions[i]);
        exact e = exact_open(model_of(options, tiny), GRADIENT_B, x);
        loss[i] = exact_run(&e);
        double rec = exact_term(&e, 0), kl = exact_term(&e, 1);
        double want = i == 0 ? rec + 1.5 * kl : i == 1 ? 3 * (rec + 1.5 * kl) : rec / 6 + 1.5 * kl;
        assert_true(rig_near(loss[i], want, 1e-12, 0));
        exact_close(&e);
    }
    assert_true(loss[1] > loss[0] && loss[0] > loss[2]);
}

/* ---- Losses against golden values ---- */

typedef struct loss_case {
    const char *name;
    likelihood l;
} loss_case;

static const loss_case loss_cases[] = {
    {"bernoulli", {.kind = L_bernoulli}},
    {"bernoulli_binary", {.kind = L_bernoulli}},
    {"bernoulli_eps", {.kind = L_bernoulli_eps}},
    {"gaussian_fixed", {.kind = L_gaussian, .sigma = 0.5}},
    {"gaussian_learned", {.kind = L_gaussian, .sigma_kind = SIGMA_LEARNED, .sigma = 0.25, .output = OUTPUT_SIGMOID}},
    {"gaussian_per_dimension",
     {.kind = L_gaussian, .sigma_kind = SIGMA_PER_DIMENSION, .sigma = 2, .output = OUTPUT_TANH}},
    {"gaussian_optimal", {.kind = L_gaussian, .sigma_kind = SIGMA_OPTIMAL}},
    {"squared", {.kind = L_squared, .output = OUTPUT_TANH}},
    {"half_squared", {.kind = L_half_squared}},
    {"kl", {.kind = L_bernoulli}},
    {"laplace", {.kind = L_laplace, .sigma = 0.5}},
    {"laplace_per_dimension",
     {.kind = L_laplace, .sigma_kind = SIGMA_PER_DIMENSION, .sigma = 2, .output = OUTPUT_TANH}},
    {"laplace_optimal", {.kind = L_laplace, .sigma_kind = SIGMA_OPTIMAL}},
    {"laplace_predicted", {.kind = L_laplace, .sigma_kind = SIGMA_PREDICTED, .sigma = 0.25}},
    {"gaussian_predicted", {.kind = L_gaussian, .sigma_kind = SIGMA_PREDICTED, .sigma = 2, .output = OUTPUT_SIGMOID}},
    {"logistic", {.kind = L_logistic, .sigma_kind = SIGMA_LEARNED, .sigma = 0.05, .step = 1.0 / 255, .levels = 256}},
    {"logistic_predicted", {.kind = L_logistic, .sigma_kind = SIGMA_PREDICTED, .sigma = 0.1, .output = OUTPUT_TANH,
                            .low = -1, .step = 2.0 / 255, .levels = 256}},
    {"categorical", {.kind = L_categorical, .step = 1, .levels = 4}},
    {"poisson", {.kind = L_poisson, .step = 1}},
    {"poisson_bytes", {.kind = L_poisson, .step = 1.0 / 255}},
    {"negative_binomial", {.kind = L_negative_binomial, .step = 1, .sigma = 2.5}},
};

static node *loss_node(const loss_case *c, scope *s, node *a, node *b)
{
    return strcmp(c->name, "kl") == 0 ? normal_kl_std((normal){a, b}) : likelihood_nll(s, &c->l, a, b);
}

/* log sigma of a learned sigma is log(c->l.sigma) for each dimension; parameter arrays begin at 0 */
static void run_loss(rig *r, const loss_case *c, const golden *want)
{
    double logsigma[16];
    for (int i = 0; i < 16; i++) logsigma[i] = log(c->l.sigma);
    for (int i = 0; i < 2; i++) rig_set(r, i, F32, shape_count(want->in[i].shape), want->in[i].v);
    rig_set(r, 2, F32, 16, logsigma);
    r->b.values = r->b.state = r->inputs[2];
    rig_run(r);
}

static void test_golden_losses(void **state)
{
    (void)state;
    enum { N_CASES = sizeof loss_cases / sizeof *loss_cases };
    int failed = 0;
    assert_int_equal(N_CASES, sizeof golden_losses / sizeof *golden_losses);
    for (int i = 0; i < N_CASES; i++) {
        const loss_case *c = &loss_cases[i];
        const golden *want = &golden_losses[i];
        assert_string_equal(c->name, want->name);
        for (int k = 0; k < 2; k++) {
            store st;
            store_open(&st, &mem_standard);
            graph *g = g_open(&mem_standard, 7);
            scope s = {.g = g, .store = &st, .group = "model", .purpose = "train", .training = true};
            node *a = g_input(g, 0, F32, want->in[0].shape, true, "a"), *b = g_input(g, 1, F32, want->in[1].shape, true, "b");
            node *nll = loss_node(c, &s, a, b);
            rig r = rig_open(engine, g, &nll, 1, k ? BACKEND_CPU : BACKEND_REF_DOUBLE);
            run_loss(&r, c, want);
            for (int j = 0; j < 7; j++) {
                if (rig_near(rig_at(&r, 0, j), want->out.v[j], k ? 2e-6 : 1e-12, k ? 1 : 1e-3)) continue;
                print_error("%s, row %d: got %.17g, expected %.17g\n", c->name, j, rig_at(&r, 0, j), want->out.v[j]);
                failed++;
            }
            rig_close(&r);
            g_close(g);
            store_close(&st);
        }
    }
    assert_int_equal(failed, 0);
}

/* The masses of all counts or levels add up to 1, and their mean is the one that leaves the model. */
static void test_masses(void **state)
{
    (void)state;
    enum { K = 400 };
    static const loss_case cases[] = {
        {"logistic", {.kind = L_logistic, .sigma = 0.07, .low = -1, .step = 2.0 / 255, .levels = 256}},
        {"categorical", {.kind = L_categorical, .step = 1.0 / 255, .levels = 5}},
        {"poisson", {.kind = L_poisson, .step = 1}},
        {"negative_binomial", {.kind = L_negative_binomial, .step = 1, .sigma = 0.5}},
    };
    for (int i = 0; i < 4; i++) {
        const likelihood *l = &cases[i].l;
        int64_t n = l->levels ? l->levels : K, e = likelihood_emits(l, 1);
        double x[K], sum = 0, mean = 0, logsigma = log(l->sigma);
        static const double r[] = {0.4, -1, 2, 0.5, -0.25};
        store st;
        store_open(&st, &mem_standard);
        graph *g = g_open(&mem_standard, 0);
        scope s = {.g = g, .store = &st, .group = "model", .purpose = "train"};
        node *emitted = g_input(g, 0, F32, SHAPE(1, e), false, "r"), *at = g_input(g, 1, F32, SHAPE(n, 1), false, "x");
        node *o[] = {likelihood_nll(&s, l, g_broadcast(emitted, SHAPE(n, e)), at), likelihood_mean(l, emitted)};
        rig run = rig_open(engine, g, o, 2, BACKEND_REF_DOUBLE);
        for (int k = 0; k < n; k++) x[k] = l->low + k * l->step;
        rig_set(&run, 0, F32, e, r);
        rig_set(&run, 1, F32, n, x);
        run.b.values = &logsigma;
        rig_run(&run);
        for (int k = 0; k < n; k++) {
            double p = exp(-rig_at(&run, 0, k));
            sum += p;
            mean += p * x[k];
        }
        assert_true(rig_near(sum, 1, 1e-12, 0));
        assert_true(rig_near(rig_at(&run, 1, 0), mean, l->kind == L_logistic ? 1e-3 : 1e-12, 0));
        rig_close(&run);
        g_close(g);
        store_close(&st);
    }
}

/* The logits form and log(1e-10 + p) agree where p is not small: they differ by 1e-10 / p = 1e-10 (1 + e^|logit|) at most.
 * Far out the epsilon form saturates at -log(1e-10), where its gradient dies; the original's order of its sum gives inf there. */
static void test_epsilon_form(void **state)
{
    (void)state;
    enum { N = 161 };
    static const likelihood forms[] = {{.kind = L_bernoulli}, {.kind = L_bernoulli_eps}};
    static double logit[N], ones[N], zeros[N];
    for (int i = 0; i < N; i++) logit[i] = (i - 80) * 0.5, ones[i] = 1;
    for (int k = 0; k < 4; k++) {
        bool in_double = k / 2, on = k % 2;
        graph *g = g_open(&mem_standard, 0);
        node *l = g_input(g, 0, F32, SHAPE(N, 1), false, "l"), *x = g_input(g, 1, F32, SHAPE(N, 1), false, "x"), *o[3];
        for (int f = 0; f < 2; f++) o[f] = likelihood_nll(NULL, &forms[f], l, x);
        g_gradient(g_sum_all(o[1]), &l, 1, &o[2]);
        rig r = rig_open(engine, g, o, 3, in_double ? BACKEND_REF_DOUBLE : BACKEND_CPU);
        rig_set(&r, 0, F32, N, logit);
        rig_set(&r, 1, F32, N, on ? ones : zeros);
        rig_run(&r);
        for (int i = 0; i < N; i++) {
            double stable = rig_at(&r, 0, i), eps = rig_at(&r, 1, i), far = on ? -logit[i] : logit[i];
            assert_true(isfinite(stable) && isfinite(eps) && eps < 23.1);
            double want = fmax(far, 0) + log1p(exp(-fabs(far)));
            assert_true(rig_near(stable, want, in_double ? 1e-15 : 3e-7, fmax(1, fabs(far))));
            if (in_double && fabs(logit[i]) < 8)
                assert_true(fabs(stable - eps) <= 1.01e-10 * (1 + exp(fabs(logit[i]))));
            if (!in_double && fabs(logit[i]) < 6) assert_true(fabs(stable - eps) <= 1e-4 * fmax(1, stable));
            if (far > 37) assert_true(fabs(eps - 23.0258) < 1e-3 && fabs(rig_at(&r, 2, i)) < 1e-5);
        }
        rig_close(&r);
        g_close(g);
    }
    volatile float p = 1 / (1 + expf(-18)), original = 1e-10f + 1;
    assert_true(isinf(-logf(original - p)));
}

/* ---- The Gaussian posterior: moments of its draws, KL >= 0, and KL = E_q[log q - log p] ---- */

static void test_posterior(void **state)
{
    (void)state;
    enum { B = 3, Z = 2, K = 20000 };
    static const double mu[B * Z] = {0, 1, -2, 0.5, 3, -0.25}, logvar[B * Z] = {0, -2, 0.5, -6, 1, 0};
    graph *g = g_open(&mem_standard, B);
    scope s = {.g = g, .purpose = "train"};
    normal q = {g_input(g, 0, F32, SHAPE(B, Z), true, "mu"), g_input(g, 1, F32, SHAPE(B, Z), true, "logvar")};
    node *o[] = {normal_sample(&s, q, K, "eps"), normal_kl_std(q)};
    rig r = rig_open(engine, g, o, 2, BACKEND_CPU);
    rig_set(&r, 0, F32, B * Z, mu);
    rig_set(&r, 1, F32, B * Z, logvar);
    r.b.env = (run_env){.seed = 3};
    rig_run(&r);
    for (int b = 0; b < B; b++) {
        double sum = 0, square = 0;
        for (int k = 0; k < K; k++) {
            double ratio = 0; /* log q(z) - log p(z) */
            for (int j = 0; j < Z; j++) {
                double z = rig_at(&r, 0, (b * K + k) * Z + j), m = mu[b * Z + j], lv = logvar[b * Z + j];
                ratio += 0.5 * (z * z - lv - (z - m) * (z - m) / exp(lv));
            }
            sum += ratio;
            square += ratio * ratio;
        }
        double kl = rig_at(&r, 1, b), mean = sum / K, error = sqrt((square / K - mean * mean) / K);
        assert_true(kl >= 0 && fabs(mean - kl) < 4.5 * error && error < 0.05);
        for (int j = 0; j < Z; j++) {
            double m = 0, v = 0, sigma = exp(logvar[b * Z + j] / 2);
            for (int k = 0; k < K; k++) {
                double e = (rig_at(&r, 0, (b * K + k) * Z + j) - mu[b * Z + j]) / sigma;
                m += e / K;
                v += e * e / K;
            }
            assert_true(fabs(m) < 4.5 / sqrt(K) && fabs(v - 1) < 4.5 * sqrt(2.0 / K));
        }
    }
    rig_close(&r);
    g_close(g);
}

static void test_kl_is_not_negative(void **state)
{
    (void)state;
    enum { N = 10000 };
    static double mu[N], logvar[N];
    for (int i = 0; i < N; i++) mu[i] = 1e-3 * sin(i), logvar[i] = 1e-3 * cos(3 * i);
    for (int k = 0; k < 2; k++) {
        graph *g = g_open(&mem_standard, 0);
        node *kl = normal_kl_std(
            (normal){g_input(g, 0, F32, SHAPE(N, 1), false, "mu"), g_input(g, 1, F32, SHAPE(N, 1), false, "lv")});
        rig r = rig_open(engine, g, &kl, 1, k ? BACKEND_REF_DOUBLE : BACKEND_CPU);
        rig_set(&r, 0, F32, N, mu);
        rig_set(&r, 1, F32, N, logvar);
        rig_run(&r);
        for (int i = 0; i < N; i++) assert_true(rig_at(&r, 0, i) >= (k ? 0 : -1.2e-7)); /* float: one rounding of 1 */
        rig_close(&r);
        g_close(g);
    }
}

/* ---- Ten Adam steps against PyTorch ---- */

static const entry *set_initial(elbo_model *m, const golden_tensor *t)
{
    const entry *e = store_find(&m->store.params, t->name);
    if (!e) print_error("no %s\n", t->name);
    assert_non_null(e);
    assert_int_equal(e->count, t->n);
    float v[256];
    assert_true(t->n <= 256);
    for (int64_t i = 0; i < t->n; i++) v[i] = (float)t->initial[i];
    store_import(e, v, m->store.value);
    return e;
}

/* Compares a tensor of a flat array with a golden one: the golden one is imported, so that both are laid out inside. */
static bool tensor_near(const entry *e, const double *base, const double *want, double tolerance)
{
    float order[256], inside[256];
    double largest = 0;
    entry alone = *e;
    alone.offset = 0;
    for (int64_t i = 0; i < e->count; i++) order[i] = (float)i, largest = fmax(largest, fabs(want[i]));
    store_import(&alone, order, inside);
    for (int64_t i = 0; i < e->count; i++) {
        double got = base[e->offset + i], expected = want[(int64_t)inside[i]];
        if (fabs(got - expected) <= tolerance * largest) continue;
        print_error("%s [%d]: got %.15g, expected %.15g\n", e->name, (int)inside[i], got, expected);
        return false;
    }
    return true;
}

static const int64_t picture[] = {2, 2, 3};

static elbo_model *golden_model(const golden_run *run)
{
    elbo_model *m = model_of(run->config, picture);
    int64_t n = 0;
    for (int i = 0; i < run->n_tensors; i++) {
        set_initial(m, &run->tensors[i]);
        n += run->tensors[i].n;
    }
    assert_int_equal(store_parameters(&m->store), n);
    return m;
}

static void test_trajectory_double(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof golden_runs / sizeof *golden_runs; k++) {
        const golden_run *run = &golden_runs[k];
        exact e = exact_open(golden_model(run), 6, run->x);
        for (int step = 0; step < 10; step++) {
            e.b.env = (run_env){.seed = run->seed, .step = (uint32_t)step, .index = run->index};
            assert_true(rig_near(exact_run(&e), run->losses[3 * step], 1e-11, 0));
            for (int t = 0; t < 2; t++)
                assert_true(rig_near(exact_term(&e, t), run->losses[3 * step + 1 + t], 1e-11, 1));
            optim_settings o = model_optimiser(e.m, 0);
            o.step = step + 1;
            optim_at(0)->update_double(&o, (size_t)e.m->store.params.size, e.value, e.gradient, e.slot);
        }
        for (int i = 0; i < run->n_tensors; i++) {
            const golden_tensor *t = &run->tensors[i];
            const entry *p = store_find(&e.m->store.params, t->name);
            assert_true(tensor_near(p, e.gradient, t->last, 1e-9) && tensor_near(p, e.value, t->final, 1e-9));
        }
        exact_close(&e);
    }
}

static void test_trajectory_float(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof golden_runs / sizeof *golden_runs; k++) {
        const golden_run *run = &golden_runs[k];
        elbo_model *m = golden_model(run);
        float x[72];
        for (int i = 0; i < 72; i++) x[i] = (float)run->x[i];
        double *gradient = doubles(m->store.params.size);
        for (int step = 0; step < 10; step++) {
            plan_key key = {.purpose = TRAIN, .examples = 6, .dtype = ELBO_F32, .backend = BACKEND_CPU};
            compiled *c = model_plan(m, key, NULL);
            assert_non_null(c);
            model_run(m, c, x, (run_env){.seed = run->seed, .step = (uint32_t)step, .index = run->index});
            double loss = (double)*model_result(m, c, c->loss);
            assert_true(rig_near(loss, run->losses_float[3 * step], step ? 1e-4 : 1e-5, 0));
            for (int64_t i = 0; i < m->store.params.size; i++) gradient[i] = (double)m->store.gradient[i];
            for (int i = 0; step == 0 && i < run->n_tensors; i++) {
                const golden_tensor *t = &run->tensors[i];
                assert_true(tensor_near(store_find(&m->store.params, t->name), gradient, t->first_float, 1e-5));
            }
            optim_settings o = model_optimiser(m, 0);
            o.step = step + 1;
            optim_at(0)->update(&o, (size_t)m->store.params.size, m->store.value, m->store.gradient, m->store.slot);
        }
        mem_free(&mem_standard, gradient);
        elbo_model_free(m);
    }
}

/* ---- Exported layouts are PyTorch's: [out,in], and channels first where a picture was flattened or is made ---- */

static void test_layouts(void **state)
{
    (void)state;
    enum { H = 2, W = 4, C = 3, D = H * W * C, F = 5 };
    const int64_t dims[] = {H, W, C};
    elbo_model *m = model_of("encoder=dense 5 tanh|decoder=dense 7 relu|latent=2", dims);
    float out[D * 7], back[D * 7];
    for (int64_t i = 0; i < m->store.params.size; i++) m->store.value[i] = (float)i;
    for (int i = 0; i < m->store.params.n; i++) {
        const entry *e = &m->store.params.at[i];
        const float *in = m->store.value + e->offset;
        bool encoder = strcmp(e->name, "encoder.0.weight") == 0, decoder = strcmp(e->name, "decoder.out.weight") == 0;
        bool bias = strcmp(e->name, "decoder.out.bias") == 0;
        store_export(e, m->store.value, out);
        int64_t rows = e->layout.exported.dim[0],
                columns = e->layout.exported.rank == 2 ? e->layout.exported.dim[1] : 1;
        assert_int_equal(rows * columns, e->count);
        for (int64_t o = 0; o < rows; o++)
            for (int64_t c = 0; c < columns; c++) {
                int64_t pixel = encoder ? c : o, last = pixel / (H * W) + pixel % (H * W) * C; /* CHW to HWC */
                int64_t to = decoder || bias ? last : o, from = encoder ? last : c;
                assert_true(out[o * columns + c] == in[columns == 1 ? to : from * rows + to]);
            }
        entry alone = *e;
        alone.offset = 0;
        store_import(&alone, out, back);
        assert_memory_equal(back, in, (size_t)e->count * sizeof *back);
    }
    const entry *w = store_find(&m->store.params, "encoder.0.weight");
    const entry *out_w = store_find(&m->store.params, "decoder.out.weight");
    assert_true(shape_equal(w->layout.exported, SHAPE(F, D)) && shape_equal(out_w->layout.exported, SHAPE(D, 7)));
    elbo_model_free(m);
}

/* ---- Training fits 16 examples ---- */

static elbo_metrics fit(const char *options)
{
    enum { N = 16, D = 25 };
    elbo_error err = {0};
    uint8_t x[N * D];
    const int64_t dims[] = {5, 5, 1};
    for (int i = 0; i < N * D; i++) {
        uint32_t words[4];
        philox_block((philox_key){.seed = 7}, (uint64_t)i, words);
        x[i] = words[0] & 1 ? 255 : 0;
    }
    elbo_data *data = elbo_data_from_memory(engine, x, ELBO_U8, N, dims, NULL, &err);
    assert_non_null(data);
    elbo_config *c = config_of(options);
    elbo_train_options o = {.no_validation = 1};
    elbo_model *m = elbo_train(engine, c, data, &o, &err);
    if (!m) print_error("%s\n", err.message);
    assert_non_null(m);
    elbo_metrics found;
    must(elbo_model_evaluate(m, data, &found, &err), &err);
    elbo_model_free(m);
    elbo_config_free(c);
    elbo_data_free(data);
    return found;
}

#define FIT "epochs=%d|batch=16|rate=0.01|latent=8|encoder=dense 64 relu|decoder=dense 64 relu"
static void test_fits_16_examples(void **state)
{
    (void)state;
    static const struct {
        const char *options;
        double most; /* nats of reconstruction; 25 fair coins are 17.3 */
    } table[] = {{"family=vae|beta=0.1", 1.5}, {"family=ae", 0.5}, {"family=iwae|samples=3", 9},
                 {"family=factor|beta=0.1|gamma=0.1|critic=dense 16 relu", 1.5},
                 {"family=vq|codes=32|code-size=2", 4}};
    for (int i = 0; i < 5; i++) {
        char options[256];
        snprintf(options, sizeof options, "epochs=0|%s", table[i].options);
        elbo_metrics before = fit(options);
        snprintf(options, sizeof options, FIT "|%s", 300, table[i].options);
        elbo_metrics after = fit(options);
        if (!(after.rec < table[i].most)) print_error("%s: rec %g\n", options, after.rec);
        assert_true(before.rec > 15 && after.rec < table[i].most && after.kl > -1e-6);
    }
}

/* Sixteen points are anything but independent numbers: the critic sees it, and gamma makes it less. */
static void test_total_correlation(void **state)
{
    (void)state;
    double tc[2];
    for (int i = 0; i < 2; i++) {
        char options[256];
        snprintf(options, sizeof options, FIT "|family=factor|beta=0.1|critic=dense 64 relu|critic-rate=0.003|gamma=%d",
                 300, 5 * i);
        elbo_metrics m = fit(options);
        assert_int_equal(m.n_other, 1);
        assert_string_equal(m.other[0].name, "tc");
        assert_true(rig_near(m.total, m.rec + 0.1 * m.kl + 5 * i * m.other[0].value, 1e-5, 1));
        tc[i] = m.other[0].value;
    }
    if (!(tc[0] > 0.3 && tc[1] < tc[0] / 2)) print_error("tc %g without gamma, %g with\n", tc[0], tc[1]);
    assert_true(tc[0] > 0.3 && tc[1] < tc[0] / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_losses),
        cmocka_unit_test(test_masses),
        cmocka_unit_test(test_epsilon_form),
        cmocka_unit_test(test_posterior),
        cmocka_unit_test(test_kl_is_not_negative),
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_reductions),
        cmocka_unit_test(test_critic),
        cmocka_unit_test(test_straight_through),
        cmocka_unit_test(test_vq_decoder),
        cmocka_unit_test(test_book),
        cmocka_unit_test(test_large_book),
        cmocka_unit_test(test_vq_draws),
        cmocka_unit_test(test_total_correlation),
        cmocka_unit_test(test_kl_gradients),
        cmocka_unit_test(test_loss_gradients),
        cmocka_unit_test(test_trajectory_double),
        cmocka_unit_test(test_trajectory_float),
        cmocka_unit_test(test_fits_16_examples),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
