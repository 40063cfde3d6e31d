/* numbers.c - see numbers.h
 *
 * Digamma: the recurrence psi(x) = psi(x + 1) - 1 / x up to x >= 10, then the asymptotic series (Abramowitz and Stegun
 * 6.3.5, 6.3.18), of which the first term left out is below 1e-16 there; the reflection 6.3.7 for negative x. */
#include "numbers.h"

#include <math.h>

double num_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}

double num_softplus(double x)
{
    return (x > 0 ? x : 0) + log1p(exp(-fabs(x)));
}

double num_lgamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

/* log x - 1 / (2x) - sum of B_2k / (2k x^2k) */
static double digamma_series(double x)
{
    static const double c[] = {1.0 / 12, -1.0 / 120, 1.0 / 252, -1.0 / 240, 1.0 / 132, -691.0 / 32760, 1.0 / 12};
    double z = 1 / (x * x), sum = 0;
    for (int i = (int)(sizeof c / sizeof *c) - 1; i >= 0; i--) sum = (sum + c[i]) * z;
    return log(x) - 0.5 / x - sum;
}

double num_digamma(double x)
{
    const double pi = 3.14159265358979323846;
    double y = 0;
    if (x <= 0) {
        if (x == floor(x)) return NAN;
        y = -pi / tan(pi * (x - floor(x)));
        x = 1 - x;
    }
    while (x < 10) {
        y -= 1 / x;
        x += 1;
    }
    return x < INFINITY ? y + digamma_series(x) : x;
}
