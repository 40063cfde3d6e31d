/* test_penalty.c - losses that hold a gradient, so that their own is a gradient of a gradient: value and gradients against
 * PyTorch's, and the gradients against differences in double. */
#include "golden/golden.h"
#include "golden/penalty.h"
#include "rig.h"

enum { CASES = sizeof golden_penalties / sizeof *golden_penalties };

static elbo_engine *engine;

static node *slope_of(node *sum, node *x)
{
    node *dx;
    g_gradient(sum, &x, 1, &dx);
    return dx;
}

/* mean of the scores [B,1] + 10 mean (|d score/dx| - 1)^2                        (Gulrajani et al. 2017) */
static node *wgan(node *score, node *x)
{
    node *norm = g_sqrt(g_sum_features(g_square(slope_of(g_sum_all(score), x))));
    return g_add(g_mean_all(score), g_scale(g_mean_all(g_square(g_shift(norm, -1))), 10));
}

static node *critic_dense(node *const *in)
{
    node *h = g_tanh(g_add(g_matmul(in[0], in[1]), in[2]));
    h = g_leaky_relu(g_add(g_matmul(h, in[3]), in[4]), 0.2);
    return wgan(g_matmul(h, in[5]), in[0]);
}

static node *normalised(node *h)
{
    shape one = h->shape;
    double n = (double)shape_last(one);
    one.dim[one.rank - 1] = 1;
    node *centred = g_sub(h, g_reshape(g_scale(g_sum_last(h), 1 / n), one));
    node *variance = g_reshape(g_scale(g_sum_last(g_square(centred)), 1 / n), one);
    return g_mul(centred, g_rsqrt(g_shift(variance, 1e-5)));
}

static node *critic_conv(node *const *in)
{
    node *h = g_add(g_conv(in[0], in[1], (conv_geometry){.stride = {2, 2}, .padding = {1, 1}}), in[2]);
    h = g_softplus(g_mul(normalised(h), in[3]));
    return wgan(g_matmul(g_reshape(h, SHAPE(3, 24)), in[4]), in[0]);
}

static node *decoder_conv(node *const *in)
{
    node *h = g_reshape(g_silu(g_add(g_matmul(in[0], in[1]), in[2])), SHAPE(4, 2, 2, 4));
    node *x = g_sigmoid(g_add(g_conv_transpose(h, in[3], (conv_geometry){.stride = {2, 2}, .padding = {1, 1}}), in[4]));
    node *dz = slope_of(g_sum_all(x), in[0]);
    return g_add(g_mean_all(g_sum_features(g_square(x))), g_scale(g_mean_all(g_sum_last(g_square(dz))), 0.5));
}

static node *decoder_jacobian(node *const *in)
{
    node *h = g_exp(g_neg(g_square(g_add(g_matmul(in[0], in[1]), in[2]))));
    node *x = g_tanh(g_matmul(h, in[3])), *sum = NULL;
    for (int i = 0; i < 5; i++) {
        node *dz = slope_of(g_sum_all(g_slice(x, 1, i, 1)), in[0]);
        node *square = g_mean_all(g_sum_last(g_square(dz)));
        sum = sum ? g_add(sum, square) : square;
    }
    return sum;
}

static const struct {
    const char *name;
    node *(*loss)(node *const *in);
} losses[CASES] = {{"critic_dense", critic_dense},
                   {"critic_conv", critic_conv},
                   {"decoder_conv", decoder_conv},
                   {"decoder_jacobian", decoder_jacobian}};

/* A loss and its gradients, simplified as models are, ready to run; simple is closed after the rig. */
static rig open_case(int i, plan_backend backend, graph **simple)
{
    const golden_gradient *want = &golden_penalties[i];
    node *in[6], *out[7];
    elbo_error err = {0};
    assert_string_equal(want->name, losses[i].name);
    graph *g = g_open(&mem_standard, want->in[0].shape.dim[0]);
    for (int k = 0; k < want->n_in; k++) in[k] = g_input(g, k, F32, want->in[k].shape, k == 0, "in");
    out[0] = losses[i].loss(in);
    g_gradient(out[0], in, want->n_in, out + 1);
    if (g_status(g, &err) != ELBO_OK) fail_msg("%s", err.message);
    *simple = g_simplify(g, out, want->n_in + 1, &err);
    assert_non_null(*simple);
    g_close(g);
    rig r = rig_open(engine, *simple, out, want->n_in + 1, backend);
    for (int k = 0; k < want->n_in; k++) rig_set(&r, k, F32, shape_count(want->in[k].shape), want->in[k].v);
    return r;
}

static bool gradient_near(const rig *r, const golden_gradient *want, int k, double tolerance)
{
    double largest = 0;
    int64_t n = shape_count(want->slope[k].shape);
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, fabs(want->slope[k].v[i]));
    for (int64_t i = 0; i < n; i++) {
        if (fabs(rig_at(r, k + 1, i) - want->slope[k].v[i]) <= tolerance * largest) continue;
        print_error("%s, operand %d [%d]: got %.15g, expected %.15g\n", want->name, k, (int)i, rig_at(r, k + 1, i),
                    want->slope[k].v[i]);
        return false;
    }
    return true;
}

static void test_against_golden(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++)
        for (int in_double = 0; in_double < 2; in_double++) {
            const golden_gradient *want = &golden_penalties[i];
            graph *simple;
            rig r = open_case(i, in_double ? BACKEND_REF_DOUBLE : BACKEND_CPU, &simple);
            rig_run(&r);
            assert_true(rig_near(rig_at(&r, 0, 0), want->value, in_double ? 1e-12 : 1e-5, 0));
            for (int k = 0; k < want->n_in; k++) assert_true(gradient_near(&r, want, k, in_double ? 1e-11 : 1e-4));
            rig_close(&r);
            g_close(simple);
        }
}

static void test_against_differences(void **state)
{
    (void)state;
    for (int i = 0; i < CASES; i++) {
        const golden_gradient *want = &golden_penalties[i];
        graph *simple;
        rig r = open_case(i, BACKEND_REF_DOUBLE, &simple);
        for (int k = 0; k < want->n_in; k++)
            for (int64_t j = 0, n = shape_count(want->in[k].shape); j < n; j += 1 + n / 8) {
                double slope = rig_slope(&r, k, j, 0);
                rig_run(&r);
                assert_true(rig_near(rig_at(&r, k + 1, j), slope, 1e-6, 1e-3 * rig_largest(&r, k + 1)));
            }
        rig_close(&r);
        g_close(simple);
    }
}

/* Of a slope by the weights of a convolution, the way back is through all three operations a convolution is made of. */
static void test_slope_by_weights(void **state)
{
    (void)state;
    static const shape shapes[] = {{4, {2, 5, 4, 3}}, {4, {3, 2, 3, 4}}};
    node *in[2], *out[3];
    graph *g = g_open(&mem_standard, 0);
    for (int k = 0; k < 2; k++) in[k] = g_input(g, k, F32, shapes[k], false, "in");
    node *y = g_tanh(g_conv(in[0], in[1], (conv_geometry){.stride = {2, 1}, .padding = {1, 0}}));
    out[0] = g_sum_all(g_square(slope_of(g_sum_all(y), in[1])));
    g_gradient(out[0], in, 2, out + 1);
    assert_int_equal(g_status(g, NULL), ELBO_OK);
    rig r = rig_open(engine, g, out, 3, BACKEND_REF_DOUBLE);
    double v[128];
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < shape_count(shapes[k]); i++) v[i] = 0.6 * sin(1.3 * i + k);
        rig_set(&r, k, F32, shape_count(shapes[k]), v);
    }
    for (int k = 0; k < 2; k++)
        for (int64_t i = 0; i < shape_count(shapes[k]); i++) {
            double slope = rig_slope(&r, k, i, 0);
            rig_run(&r);
            assert_true(rig_near(rig_at(&r, k + 1, i), slope, 1e-6, 1e-3 * rig_largest(&r, k + 1)));
        }
    rig_close(&r);
    g_close(g);
}

static int open_engine(void **state)
{
    (void)state;
    engine = rig_engine(2, false);
    return 0;
}

static int close_engine(void **state)
{
    (void)state;
    elbo_engine_close(engine);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_golden),
        cmocka_unit_test(test_against_differences),
        cmocka_unit_test(test_slope_by_weights),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
