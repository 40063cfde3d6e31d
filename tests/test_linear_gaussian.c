/* test_linear_gaussian.c - a linear-Gaussian VAE, of which everything is known in closed form, as a test of everything at once.
 *
 *     x = W'z + b + sigma e,   p(x) = N(b, W'W + sigma^2 I),   p(z|x) = N(P w/sigma^2, P), P^-1 = I + W W'/sigma^2, w = W (x - b)
 *
 * (Tipping and Bishop 1999; rows of W [Z,D] are directions in the data). Where the rows of W are orthogonal P is diagonal, and an
 * encoder that is linear can be the posterior: then every weight p(x,z)/q(z|x) is p(x), whatever z was drawn. */
#include "base/philox.h"
#include "model_rig.h"

enum { D = 6, Z = 2, B = 5, MAX_K = 8 };
static const int64_t dims[] = {1, 2, 3};
#define SIGMA 0.5
#define LINEAR "encoder=|decoder=|likelihood=gaussian|sigma=0.5|latent=2"
#define LOG_2PI 1.8378770664093453

/* ---- The model in numbers, as the closed forms read it ---- */

typedef struct linear {
    double w[Z][D], b[D];           /* decoder           */
    double a[Z][D], mu[Z];          /* mean = a x + mu   */
    double l[Z][D], logvar[Z];      /* log variance      */
} linear;

static double dot(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < D; i++) sum += a[i] * b[i];
    return sum;
}

/* Any model: nothing is orthogonal, the posterior is another. */
static linear any_model(void)
{
    linear m;
    for (int j = 0; j < Z; j++) {
        for (int i = 0; i < D; i++) {
            m.w[j][i] = 0.7 * sin(1 + 3 * j + 1.3 * i);
            m.a[j][i] = 0.3 * cos(2 + 5 * j + 0.7 * i);
            m.l[j][i] = 0.2 * sin(4 + j + 2.1 * i);
        }
        m.mu[j] = 0.1 - 0.3 * j;
        m.logvar[j] = -1.2 + 0.4 * j;
    }
    for (int i = 0; i < D; i++) m.b[i] = 0.5 + 0.1 * cos(i);
    return m;
}

/* W with orthogonal rows, and the encoder its posterior. */
static linear posterior_model(void)
{
    linear m = any_model();
    double along = dot(m.w[1], m.w[0]) / dot(m.w[0], m.w[0]);
    for (int i = 0; i < D; i++) m.w[1][i] -= along * m.w[0][i];
    for (int j = 0; j < Z; j++) {
        double total = dot(m.w[j], m.w[j]) + SIGMA * SIGMA;
        for (int i = 0; i < D; i++) {
            m.a[j][i] = m.w[j][i] / total;
            m.l[j][i] = 0;
        }
        m.mu[j] = -dot(m.w[j], m.b) / total;
        m.logvar[j] = log(SIGMA * SIGMA / total);
    }
    return m;
}

static const double *data(void)
{
    static double x[B * D];
    for (int i = 0; i < B * D; i++) x[i] = 0.5 + 0.45 * sin(1.9 * i);
    return x;
}

/* q(z|x) of an example */
static void posterior_of(const linear *m, const double *x, double *mu, double *logvar)
{
    for (int j = 0; j < Z; j++) {
        mu[j] = dot(m->a[j], x) + m->mu[j];
        logvar[j] = dot(m->l[j], x) + m->logvar[j];
    }
}

/* ---- Closed forms ---- */

/* log N(x; b, W'W + sigma^2 I), by a Cholesky factor of the covariance. */
static double evidence(const linear *m, const double *x)
{
    double c[D][D], y[D], log_p = -0.5 * D * LOG_2PI;
    for (int i = 0; i < D; i++)
        for (int k = 0; k <= i; k++) {
            c[i][k] = i == k ? SIGMA * SIGMA : 0;
            for (int j = 0; j < Z; j++) c[i][k] += m->w[j][i] * m->w[j][k];
            for (int t = 0; t < k; t++) c[i][k] -= c[i][t] * c[k][t];
            c[i][k] = i == k ? sqrt(c[i][i]) : c[i][k] / c[k][k];
        }
    for (int i = 0; i < D; i++) {
        y[i] = x[i] - m->b[i];
        for (int t = 0; t < i; t++) y[i] -= c[i][t] * y[t];
        y[i] /= c[i][i];
        log_p -= log(c[i][i]) + 0.5 * y[i] * y[i];
    }
    return log_p;
}

static double kl_of(const linear *m, const double *x)
{
    double mu[Z], logvar[Z], kl = 0;
    posterior_of(m, x, mu, logvar);
    for (int j = 0; j < Z; j++) kl += 0.5 * (mu[j] * mu[j] + exp(logvar[j]) - 1 - logvar[j]);
    return kl;
}

/* -log p(x|z) */
static double nll_of(const linear *m, const double *x, const double *z)
{
    double square = 0;
    for (int i = 0; i < D; i++) {
        double r = x[i] - m->b[i];
        for (int j = 0; j < Z; j++) r -= z[j] * m->w[j][i];
        square += r * r;
    }
    return 0.5 * D * (LOG_2PI + 2 * log(SIGMA)) + square / (2 * SIGMA * SIGMA);
}

/* E_q[-log p(x|z)]: at the mean, and the trace of what the variance adds */
static double rec_of(const linear *m, const double *x)
{
    double mu[Z], logvar[Z];
    posterior_of(m, x, mu, logvar);
    double rec = nll_of(m, x, mu);
    for (int j = 0; j < Z; j++) rec += exp(logvar[j]) * dot(m->w[j], m->w[j]) / (2 * SIGMA * SIGMA);
    return rec;
}

/* KL(q(z|x) || p(z|x)), which is what the ELBO lacks, for Z = 2. */
static double gap_of(const linear *m, const double *x)
{
    double mu[Z], logvar[Z], p[Z][Z], w[Z], off[Z], centred[D], gap = -Z;
    posterior_of(m, x, mu, logvar);
    for (int i = 0; i < D; i++) centred[i] = x[i] - m->b[i];
    for (int j = 0; j < Z; j++) {
        for (int k = 0; k < Z; k++) p[j][k] = (j == k) + dot(m->w[j], m->w[k]) / (SIGMA * SIGMA);
        w[j] = dot(m->w[j], centred) / (SIGMA * SIGMA);
    }
    double det = p[0][0] * p[1][1] - p[0][1] * p[1][0];
    off[0] = mu[0] - (p[1][1] * w[0] - p[0][1] * w[1]) / det;
    off[1] = mu[1] - (p[0][0] * w[1] - p[1][0] * w[0]) / det;
    for (int j = 0; j < Z; j++) {
        gap += p[j][j] * exp(logvar[j]) - logvar[j];
        for (int k = 0; k < Z; k++) gap += off[j] * p[j][k] * off[k];
    }
    return 0.5 * (gap - log(det));
}

static double mean_of(const linear *m, double (*f)(const linear *, const double *))
{
    double sum = 0;
    for (int n = 0; n < B; n++) sum += f(m, data() + n * D);
    return sum / B;
}

static void test_closed_forms_agree(void **state)
{
    (void)state;
    const linear models[] = {any_model(), posterior_model()};
    for (int i = 0; i < 2; i++)
        for (int n = 0; n < B; n++) {
            const double *x = data() + n * D;
            double lacking = evidence(&models[i], x) + rec_of(&models[i], x) + kl_of(&models[i], x);
            assert_true(fabs(lacking - gap_of(&models[i], x)) < 1e-12);
            assert_true(i ? fabs(lacking) < 1e-12 : lacking > 0.1);
        }
}

/* ---- The same model in elbo ---- */

/* Dense weights are [in,out] inside; that they are [out,in] in files is for the tests of layouts. */
static void put_matrix(const elbo_model *m, const char *name, const double (*rows)[D], bool transposed, double *value)
{
    const entry *e = store_find(&m->store.params, name);
    assert_true(e && e->count == Z * D);
    for (int j = 0; j < Z; j++)
        for (int i = 0; i < D; i++) value[e->offset + (transposed ? i * Z + j : j * D + i)] = rows[j][i];
}

static void put_vector(const elbo_model *m, const char *name, const double *v, int n, double *value)
{
    const entry *e = store_find(&m->store.params, name);
    assert_true(e && e->count == n);
    memcpy(value + e->offset, v, (size_t)n * sizeof *v);
}

static void put(const elbo_model *m, const linear *l, double *value)
{
    put_matrix(m, "decoder.out.weight", l->w, false, value);
    put_vector(m, "decoder.out.bias", l->b, D, value);
    put_matrix(m, "q.mu.weight", l->a, true, value);
    put_vector(m, "q.mu.bias", l->mu, Z, value);
    put_matrix(m, "q.logvar.weight", l->l, true, value);
    put_vector(m, "q.logvar.bias", l->logvar, Z, value);
}

static exact exact_of(const char *options, const linear *l)
{
    exact e = exact_open(model_of(options, dims), B, data());
    put(e.m, l, e.value);
    e.b.env.seed = 3;
    return e;
}

/* The model in float. */
static elbo_model *float_of(const char *options, const linear *l)
{
    elbo_model *m = model_of(options, dims);
    double *value = doubles(m->store.params.size);
    put(m, l, value);
    for (int64_t i = 0; i < m->store.params.size; i++) m->store.value[i] = (float)value[i];
    mem_free(&mem_standard, value);
    return m;
}

/* The largest gradient of a parameter whose name begins with part. */
static double steepest(const exact *e, const char *part)
{
    double most = 0;
    for (int p = 0; p < e->m->store.params.n; p++) {
        const entry *t = &e->m->store.params.at[p];
        if (strncmp(t->name, part, strlen(part)) != 0) continue;
        for (int64_t i = t->offset; i < t->offset + t->count; i++) most = fmax(most, fabs(e->gradient[i]));
    }
    return most;
}

/* ---- Where the encoder is the posterior, the bound is the evidence, with any draws and any number of them ---- */

static void test_bound_is_evidence(void **state)
{
    (void)state;
    linear l = posterior_model();
    for (int k = 1; k <= MAX_K; k++)
        for (int dreg = 0; dreg < 2; dreg++) {
            char options[256];
            snprintf(options, sizeof options, LINEAR "|family=iwae|samples=%d|dreg=%s", k, dreg ? "true" : "false");
            exact e = exact_of(options, &l);
            for (uint32_t step = 0; step < 3; step++) {
                e.b.env.step = step;
                assert_true(fabs(exact_run(&e) + mean_of(&l, evidence)) < 1e-12);
                /* Tucker et al. 2019: at the posterior nothing is left of the encoder's gradient, draw by draw. */
                assert_true(dreg ? steepest(&e, "q.") < 1e-13 : steepest(&e, "q.") > 1e-3);
                assert_true(steepest(&e, "decoder") > 1e-2);
            }
            exact_close(&e);
        }
}

/* The same in float, by the functions people call. */
static void test_float_evidence(void **state)
{
    (void)state;
    elbo_error err = {0};
    linear l = posterior_model();
    float x[B * D];
    double want = -mean_of(&l, evidence), got;
    for (int i = 0; i < B * D; i++) x[i] = (float)data()[i];
    elbo_data *d = elbo_data_from_memory(engine, x, ELBO_F32, B, dims, NULL, &err);
    assert_non_null(d);
    for (int iwae = 0; iwae < 2; iwae++) {
        elbo_model *m = float_of(iwae ? LINEAR "|family=iwae|samples=5" : LINEAR, &l);
        static const int64_t samples[] = {1, 50, 333};
        for (int i = 0; i < 3; i++) {
            must(elbo_model_nll(m, d, samples[i], &got, &err), &err);
            assert_true(rig_near(got, want, 1e-5, 0));
        }
        elbo_metrics found;
        must(elbo_model_evaluate(m, d, &found, &err), &err);
        assert_true(rig_near(found.total, found.rec + found.kl, 1e-6, 0));
        assert_true(rig_near(iwae ? found.total : found.kl, iwae ? want : mean_of(&l, kl_of), 1e-5, 0));
        elbo_model_free(m);
    }
    elbo_data_free(d);
}

/* ---- Elsewhere: each draw by hand, and the means of many ---- */

/* The bound of k draws by hand, averaged over the batch. */
static double bound_by_hand(const linear *m, int k, uint64_t seed, uint32_t step)
{
    double eps[B * MAX_K * Z], mu[Z], logvar[Z], sum = 0;
    philox_normal_double((philox_key){.seed = seed, .step = step, .stream = philox_stream("train/eps#0")}, 0,
                         (size_t)(B * k * Z), eps);
    for (int n = 0; n < B; n++) {
        const double *x = data() + n * D;
        double mean_weight = 0;
        posterior_of(m, x, mu, logvar);
        for (int i = 0; i < k; i++) {
            double z[Z], log_w = 0;
            for (int j = 0; j < Z; j++) {
                double e = eps[(n * k + i) * Z + j];
                z[j] = mu[j] + exp(0.5 * logvar[j]) * e;
                log_w += 0.5 * (e * e + logvar[j] - z[j] * z[j]);
            }
            mean_weight += exp(log_w - nll_of(m, x, z)) / k;
        }
        sum -= log(mean_weight) / B;
    }
    return sum;
}

/* A mean of runs, and its standard error. */
typedef struct average {
    double mean, error;
} average;

static average average_of(double sum, double square, int n)
{
    double mean = sum / n;
    return (average){mean, sqrt((square / n - mean * mean) / (n - 1))};
}

static bool agrees(average a, double want)
{
    if (fabs(a.mean - want) <= 4.5 * a.error) return true;
    print_error("got %.6g +- %.2g, expected %.6g\n", a.mean, a.error, want);
    return false;
}

enum { RUNS = 4000 };

static average total_of(const char *options, const linear *l)
{
    exact e = exact_of(options, l);
    double sum = 0, square = 0;
    for (uint32_t step = 0; step < RUNS; step++) {
        e.b.env.step = step;
        double total = exact_run(&e);
        sum += total;
        square += total * total;
    }
    exact_close(&e);
    return average_of(sum, square, RUNS);
}

static void test_bounds(void **state)
{
    (void)state;
    linear l = any_model();
    double elbo = mean_of(&l, rec_of) + mean_of(&l, kl_of), least = -mean_of(&l, evidence);
    assert_true(agrees(total_of(LINEAR, &l), elbo) && agrees(total_of(LINEAR "|samples=3", &l), elbo));
    double before = elbo;
    for (int k = 1; k <= MAX_K; k *= 2) {
        char options[256];
        snprintf(options, sizeof options, LINEAR "|family=iwae|samples=%d", k);
        exact e = exact_of(options, &l);
        for (uint32_t step = 0; step < 5; step++) {
            e.b.env.step = step;
            assert_true(rig_near(exact_run(&e), bound_by_hand(&l, k, 3, step), 1e-12, 0));
        }
        exact_close(&e);
        average bound = total_of(options, &l);
        if (k == 1) assert_true(agrees(bound, elbo));
        else assert_true(bound.mean + 4.5 * bound.error < before);
        assert_true(bound.mean - 4.5 * bound.error > least);
        before = bound.mean;
    }
    exact e = exact_of(LINEAR, &l);
    exact_run(&e);
    assert_true(fabs(exact_term(&e, 1) - mean_of(&l, kl_of)) < 1e-12);
    exact_close(&e);
}

/* Many draws in float come near the evidence too, as elbo_model_nll promises: here from a posterior that is too wide, and beside
 * the true one. */
static void test_importance_sampling(void **state)
{
    (void)state;
    elbo_error err = {0};
    linear l = posterior_model();
    float x[B * D];
    double got[2];
    for (int j = 0; j < Z; j++) l.mu[j] += 0.05, l.logvar[j] += 0.3;
    for (int i = 0; i < B * D; i++) x[i] = (float)data()[i];
    elbo_data *d = elbo_data_from_memory(engine, x, ELBO_F32, B, dims, NULL, &err);
    elbo_model *m = float_of(LINEAR, &l);
    must(elbo_model_nll(m, d, 1, &got[0], &err), &err);
    must(elbo_model_nll(m, d, 50000, &got[1], &err), &err);
    if (!rig_near(got[1], -mean_of(&l, evidence), 1e-3, 0))
        fail_msg("nll %.6g, expected %g", got[1], -mean_of(&l, evidence));
    assert_true(got[0] > got[1]);
    elbo_model_free(m);
    elbo_data_free(d);
}

/* ---- The gradient of the bound of two draws, by quadrature ---- */

/* E over both draws of one number a code, for one example: a sum over a grid is exact to rounding for what falls off like a
 * Gaussian. p: w [2], b [2], a [2], mu, l [2], logvar */
enum { PARAMETERS = 10, POINTS = 121 };

static double bound_of_two(const double *p, const double *x)
{
    double mu = p[4] * x[0] + p[5] * x[1] + p[6], logvar = p[7] * x[0] + p[8] * x[1] + p[9];
    double w[POINTS], density[POINTS], sum = 0;
    const double h = 0.14;
    for (int i = 0; i < POINTS; i++) {
        double e = (i - POINTS / 2) * h, z = mu + exp(logvar / 2) * e;
        double r0 = x[0] - p[2] - z * p[0], r1 = x[1] - p[3] - z * p[1];
        w[i] = exp(-(r0 * r0 + r1 * r1) / (2 * SIGMA * SIGMA) - 0.5 * z * z + 0.5 * e * e + 0.5 * logvar);
        density[i] = h * exp(-0.5 * e * e) / sqrt(exp(LOG_2PI));
    }
    for (int i = 0; i < POINTS; i++)
        for (int k = 0; k < POINTS; k++) sum -= density[i] * density[k] * log((w[i] + w[k]) / 2);
    return sum + LOG_2PI + 2 * log(SIGMA);
}

static const char *const two_names[] = {"decoder.out.weight", "decoder.out.bias", "q.mu.weight",
                                        "q.mu.bias",          "q.logvar.weight",  "q.logvar.bias"};

/* Means and standard errors of the loss and of the gradient by each parameter, of many batches of one example many times. */
static void averages(const double *p, const double *x, bool dreg, average *loss, average gradient[PARAMETERS])
{
    enum { SAME = 128, TIMES = 400 };
    static double many[SAME * 2];
    char options[256];
    double sum[PARAMETERS + 1] = {0}, square[PARAMETERS + 1] = {0};
    for (int i = 0; i < SAME * 2; i++) many[i] = x[i % 2];
    snprintf(options, sizeof options, "encoder=|decoder=|likelihood=gaussian|sigma=0.5|latent=1|family=iwae|samples=2|dreg=%s",
             dreg ? "true" : "false");
    exact e = exact_open(model_of(options, (const int64_t[]){1, 1, 2}), SAME, many);
    int64_t place[PARAMETERS];
    for (int i = 0, at = 0; i < 6; i++) {
        const entry *t = store_find(&e.m->store.params, two_names[i]);
        assert_non_null(t);
        for (int64_t k = 0; k < t->count; k++, at++) e.value[place[at] = t->offset + k] = p[at];
    }
    for (uint32_t step = 0; step < TIMES; step++) {
        e.b.env = (run_env){.seed = 11, .step = step};
        double total = exact_run(&e);
        for (int i = 0; i <= PARAMETERS; i++) {
            double v = i < PARAMETERS ? e.gradient[place[i]] : total;
            sum[i] += v;
            square[i] += v * v;
        }
    }
    for (int i = 0; i < PARAMETERS; i++) gradient[i] = average_of(sum[i], square[i], TIMES);
    *loss = average_of(sum[PARAMETERS], square[PARAMETERS], TIMES);
    exact_close(&e);
}

static void test_gradient_of_bound(void **state)
{
    (void)state;
    static const double x[] = {0.9, 0.2};
    double p[PARAMETERS] = {0.8, -0.6, 0.4, 0.5, 0.5, -0.3, 0.2, 0.3, 0.1, -0.9}, expected[PARAMETERS];
    double value = bound_of_two(p, x), errors[2] = {0, 0};
    for (int i = 0; i < PARAMETERS; i++) {
        double was = p[i], f[2];
        for (int k = 0; k < 2; k++) {
            p[i] = was + (k ? 1e-5 : -1e-5);
            f[k] = bound_of_two(p, x);
        }
        p[i] = was;
        expected[i] = (f[1] - f[0]) / 2e-5;
    }
    for (int dreg = 0; dreg < 2; dreg++) {
        average loss, gradient[PARAMETERS];
        averages(p, x, dreg, &loss, gradient);
        assert_true(agrees(loss, value));
        for (int i = 0; i < PARAMETERS; i++) assert_true(agrees(gradient[i], expected[i]));
        for (int i = 4; i < PARAMETERS; i++) errors[dreg] += gradient[i].error;
    }
    assert_true(errors[1] < 0.7 * errors[0]); /* what it is for */
}

/* ---- Training finds the maximum of the evidence, which is probabilistic PCA ---- */

/* Eigenvalues of a symmetric matrix by Jacobi's rotations; a is destroyed. */
static void eigenvalues(double a[D][D], double out[D])
{
    for (int sweep = 0; sweep < 30; sweep++)
        for (int p = 0; p < D; p++)
            for (int q = p + 1; q < D; q++) {
                double angle = 0.5 * atan2(2 * a[p][q], a[q][q] - a[p][p]), c = cos(angle), s = sin(angle);
                for (int i = 0; i < D; i++) {
                    double u = a[i][p], v = a[i][q];
                    a[i][p] = c * u - s * v;
                    a[i][q] = s * u + c * v;
                }
                for (int i = 0; i < D; i++) {
                    double u = a[p][i], v = a[q][i];
                    a[p][i] = c * u - s * v;
                    a[q][i] = s * u + c * v;
                }
            }
    for (int i = 0; i < D; i++) out[i] = a[i][i];
}

/* The least -log p(x) that a linear-Gaussian model with Z latent numbers can have, averaged over the data: its covariance keeps
 * the Z largest eigenvalues and has the mean of the others for the rest. */
static double least_nll(const float *x, int n)
{
    double mean[D] = {0}, c[D][D] = {{0}}, value[D];
    for (int i = 0; i < n * D; i++) mean[i % D] += (double)x[i] / n;
    for (int k = 0; k < n; k++)
        for (int i = 0; i < D; i++)
            for (int j = 0; j < D; j++) c[i][j] += ((double)x[k * D + i] - mean[i]) * ((double)x[k * D + j] - mean[j]) / n;
    eigenvalues(c, value);
    double log_det = 0, rest = 0;
    for (int t = 0; t < Z; t++) {
        int most = t;
        for (int i = t + 1; i < D; i++)
            if (value[i] > value[most]) most = i;
        double v = value[most];
        value[most] = value[t];
        log_det += log(v);
    }
    for (int t = Z; t < D; t++) rest += value[t] / (D - Z);
    return 0.5 * (D * LOG_2PI + log_det + (D - Z) * log(rest) + D);
}

static void test_training_finds_ppca(void **state)
{
    (void)state;
    enum { N = 1000 };
    static float x[N * D], noise[N * (D + Z)];
    elbo_error err = {0};
    linear l = any_model();
    philox_normal((philox_key){.seed = 5}, 0, N * (D + Z), noise);
    for (int n = 0; n < N; n++)
        for (int i = 0; i < D; i++) {
            x[n * D + i] = (float)l.b[i] + 0.3f * noise[n * (D + Z) + i];
            for (int j = 0; j < Z; j++) x[n * D + i] += (float)l.w[j][i] * noise[n * (D + Z) + D + j];
        }
    elbo_data *d = elbo_data_from_memory(engine, x, ELBO_F32, N, dims, NULL, &err);
    elbo_config *c = config_of("encoder=|decoder=|likelihood=gaussian|variance=learned|latent=2|epochs=1500|batch=100|"
                               "rate=0.01|schedule=exponential|decay=0.998");
    elbo_train_options o = {.no_validation = 1};
    elbo_model *m = elbo_train(engine, c, d, &o, &err);
    if (!m) fail_msg("%s", err.message);
    double nll, least = least_nll(x, N);
    elbo_metrics found;
    must(elbo_model_nll(m, d, 200, &nll, &err), &err);
    must(elbo_model_evaluate(m, d, &found, &err), &err);
    if (!(fabs(nll - least) < 1e-3 && fabs(found.total - least) < 0.03))
        fail_msg("nll %g, total %g, expected %g", nll, found.total, least);
    elbo_model_free(m);
    elbo_config_free(c);
    elbo_data_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_forms_agree), cmocka_unit_test(test_bound_is_evidence),
        cmocka_unit_test(test_float_evidence),     cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_importance_sampling), cmocka_unit_test(test_gradient_of_bound),
        cmocka_unit_test(test_training_finds_ppca),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
