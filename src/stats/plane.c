/* plane.c - points in the plane in which they vary most: principal component analysis (Pearson 1901), of two components.
 *
 * The two largest eigenvectors of the covariance come from orthogonal iteration of a few more vectors than two, turned in
 * each round to the eigenvectors of the covariance within their span (Rayleigh-Ritz), which a Jacobi iteration of that
 * small matrix finds. It begins with vectors drawn by a fixed key, so equal points give equal bytes. */
#include "../base/engine.h"
#include "../base/error.h"
#include "../base/mode.h"
#include "../base/philox.h"

#include <math.h>
#include <string.h>

enum { VECTORS = 8, ROUNDS = 500, SWEEPS = 30 };

typedef struct axes {
    int64_t d;                     /* numbers of a point */
    int k;                         /* vectors: VECTORS, or d where that is less */
    double *mean;                  /* [d] */
    double *covariance;            /* [d,d] */
    double *vector[VECTORS], *image[VECTORS]; /* [d] each; the image of v is C v */
    double value[VECTORS];         /* eigenvalues, the largest first */
} axes;

static double dot(const double *a, const double *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* a += s b */
static void add_scaled(double *a, double s, const double *b, int64_t n)
{
    for (int64_t i = 0; i < n; i++) a[i] += s * b[i];
}

static void measure(axes *a, const float *x, int64_t n, double *centred)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < a->d; j++) a->mean[j] += (double)x[i * a->d + j] / (double)n;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < a->d; j++) centred[j] = (double)x[i * a->d + j] - a->mean[j];
        for (int64_t j = 0; j < a->d; j++)
            add_scaled(a->covariance + j * a->d, centred[j] / (double)n, centred, a->d);
    }
}

/* Makes the vectors orthonormal, each with those before it. One that is in their span becomes zero. */
static void orthonormalise(axes *a)
{
    for (int i = 0; i < a->k; i++) {
        double *v = a->vector[i], before = sqrt(dot(v, v, a->d));
        for (int twice = 0; twice < 2; twice++)
            for (int j = 0; j < i; j++) add_scaled(v, -dot(v, a->vector[j], a->d), a->vector[j], a->d);
        double length = sqrt(dot(v, v, a->d)), scale = length > 1e-12 * before && length > 0 ? 1 / length : 0;
        for (int64_t j = 0; j < a->d; j++) v[j] *= scale;
    }
}

/* The rotation of rows and columns p and q that makes m[p][q] zero (Jacobi 1846), and of the columns of e with it. */
static void rotate(double m[VECTORS][VECTORS], double e[VECTORS][VECTORS], int n, int p, int q)
{
    if (m[p][q] == 0) return;
    double theta = 0.5 * (m[q][q] - m[p][p]) / m[p][q];
    double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
    for (int i = 0; i < n; i++) {
        double a = m[i][p], b = m[i][q], u = e[i][p], v = e[i][q];
        m[i][p] = c * a - s * b, m[i][q] = s * a + c * b;
        e[i][p] = c * u - s * v, e[i][q] = s * u + c * v;
    }
    for (int i = 0; i < n; i++) {
        double a = m[p][i], b = m[q][i];
        m[p][i] = c * a - s * b, m[q][i] = s * a + c * b;
    }
}

/* Eigenvectors (columns of e) of the symmetric m, which is left diagonal. */
static void diagonalise(double m[VECTORS][VECTORS], double e[VECTORS][VECTORS], int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) e[i][j] = i == j;
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) rotate(m, e, n, p, q);
}

/* basis becomes its combinations by the columns of e, in the given order. */
static void turn(double *const basis[VECTORS], int64_t d, int k, double e[VECTORS][VECTORS], const int order[VECTORS])
{
    for (int64_t j = 0; j < d; j++) {
        double old[VECTORS];
        for (int i = 0; i < k; i++) old[i] = basis[i][j];
        for (int i = 0; i < k; i++) {
            basis[i][j] = 0;
            for (int l = 0; l < k; l++) basis[i][j] += e[l][order[i]] * old[l];
        }
    }
}

/* Images of the vectors; both turned to the eigenvectors within the span, the largest value first. */
static void ritz(axes *a)
{
    double m[VECTORS][VECTORS], e[VECTORS][VECTORS];
    int order[VECTORS];
    for (int i = 0; i < a->k; i++)
        for (int64_t j = 0; j < a->d; j++) a->image[i][j] = dot(a->covariance + j * a->d, a->vector[i], a->d);
    for (int i = 0; i < a->k; i++)
        for (int j = 0; j < a->k; j++) m[i][j] = dot(a->vector[i], a->image[j], a->d);
    diagonalise(m, e, a->k);
    for (int i = 0; i < a->k; i++) {
        int at = i;
        for (; at > 0 && m[order[at - 1]][order[at - 1]] < m[i][i]; at--) order[at] = order[at - 1];
        order[at] = i;
    }
    for (int i = 0; i < a->k; i++) a->value[i] = m[order[i]][order[i]];
    turn(a->vector, a->d, a->k, e, order);
    turn(a->image, a->d, a->k, e, order);
}

/* Whether the first two are eigenvectors, as far as doubles can tell: |C v - value v| against the largest value. */
static bool is_done(const axes *a)
{
    double worst = 0;
    for (int i = 0; i < 2 && i < a->k; i++) {
        double sum = 0;
        for (int64_t j = 0; j < a->d; j++) {
            double r = a->image[i][j] - a->value[i] * a->vector[i][j];
            sum += r * r;
        }
        worst = fmax(worst, sqrt(sum));
    }
    return worst <= 1e-8 * a->value[0];
}

static void iterate(axes *a)
{
    for (int i = 0; i < a->k; i++) {
        philox_key key = {.stream = philox_stream("plane"), .step = (uint32_t)i};
        philox_normal_double(key, 0, (size_t)a->d, a->vector[i]);
    }
    orthonormalise(a);
    ritz(a);
    for (int round = 0; round < ROUNDS && !is_done(a); round++) {
        for (int i = 0; i < a->k; i++) memcpy(a->vector[i], a->image[i], (size_t)a->d * sizeof(double));
        orthonormalise(a);
        ritz(a);
    }
}

/* The largest number of an axis is positive, so that its direction is no accident. */
static double sign_of(const double *v, int64_t d)
{
    int64_t at = 0;
    for (int64_t j = 1; j < d; j++)
        if (fabs(v[j]) > fabs(v[at]) * (1 + 1e-9)) at = j;
    return v[at] < 0 ? -1 : 1;
}

static void project(const axes *a, const float *x, int64_t n, float *plane, double share[2])
{
    double total = 0;
    for (int64_t j = 0; j < a->d; j++) total += a->covariance[j * a->d + j];
    for (int k = 0; k < 2; k++) {
        bool there = k < a->k;
        const double *v = there ? a->vector[k] : a->mean;
        double sign = there ? sign_of(v, a->d) : 0;
        share[k] = there && total > 0 ? fmax(0, a->value[k]) / total : 0;
        for (int64_t i = 0; i < n; i++) {
            double sum = 0;
            for (int64_t j = 0; j < a->d; j++) sum += ((double)x[i * a->d + j] - a->mean[j]) * v[j];
            plane[2 * i + k] = (float)(sign * sum);
        }
    }
}

elbo_status elbo_principal_plane(elbo_engine *engine, const float *x, int64_t n, int64_t d, float *plane, double share[2],
                                 elbo_error *error)
{
    ROUNDS_TO_NEAREST;
    if (n < 1 || d < 1)
        return err_set(error, ELBO_USAGE, "got %lld points of %lld numbers, expected 1 or more of both", (long long)n,
                       (long long)d);
    for (int64_t i = 0; i < n * d; i++)
        if (!isfinite(x[i])) return err_set(error, ELBO_USAGE, "point %lld has a number that is not finite", (long long)(i / d));
    size_t row = (size_t)d;
    axes a = {.d = d, .k = d < VECTORS ? (int)d : VECTORS};
    a.covariance = mem_new(engine->m, row, row * sizeof(double));
    double *rows = mem_new(engine->m, 2 * VECTORS + 2, row * sizeof *rows);
    elbo_status status = a.covariance && rows ? ELBO_OK : err_memory(error, "principal axes");
    if (status == ELBO_OK) {
        a.mean = rows;
        for (int i = 0; i < VECTORS; i++) {
            a.vector[i] = rows + (size_t)(2 + 2 * i) * row;
            a.image[i] = a.vector[i] + row;
        }
        measure(&a, x, n, rows + row);
        iterate(&a);
        project(&a, x, n, plane, share);
    }
    mem_free(engine->m, rows);
    mem_free(engine->m, a.covariance);
    return status;
}
