#!/usr/bin/env python3
"""The polynomials of src/kernels/cpu/vector_math.inc and its table of 2/pi.

Each is the Remez exchange for the smallest weighted error max |weight(x) (f(x) - p(x))|; coefficients are then rounded to
float. Prints C hex constants, lowest degree first, and the error in units of 2^-24 (half an ulp of 1). Needs mpmath.
"""
from mpmath import mp, mpf, exp, expm1, log, log1p, tanh, sin, cos, erf, erfc, pi, sqrt, lu_solve, matrix
import struct

mp.prec = 200


def to_float(x):
    return mpf(struct.unpack("f", struct.pack("f", float(x)))[0])


def horner(c, x):
    y = mpf(0)
    for a in reversed(c):
        y = y * x + a
    return y


def extrema(error, a, b, n, grid=400):
    """The largest |error| of each stretch of one sign; n of them, next to each other."""
    xs = [a + (b - a) * (1 - cos(pi * i / grid)) / 2 for i in range(grid + 1)]
    found = []
    for x in xs:
        e = error(x)
        if found and (found[-1][1] > 0) == (e > 0):
            if abs(e) > abs(found[-1][1]):
                found[-1] = (x, e)
        else:
            found.append((x, e))
    while len(found) > n:
        found.pop(0 if abs(found[0][1]) < abs(found[-1][1]) else -1)
    return [x for x, _ in found]


def remez(f, weight, a, b, degree):
    a, b, n = mpf(a), mpf(b), degree + 2
    xs = [(a + b) / 2 - (b - a) / 2 * cos(pi * i / (n - 1)) for i in range(n)]
    for _ in range(12):
        rows = [[x**j for j in range(degree + 1)] + [(-1) ** i / weight(x)] for i, x in enumerate(xs)]
        c = list(lu_solve(matrix(rows), matrix([f(x) for x in xs])))[:-1]
        new = extrema(lambda x: weight(x) * (f(x) - horner(c, x)), a, b, n)
        if len(new) < n:
            break
        xs = new
    return c


def fit(name, f, weight, a, b, degree):
    """a and b must keep away from 0 where f is 0/0 there."""
    c = [to_float(x) for x in remez(f, weight, a, b, degree)]
    worst = max(abs(weight(x) * (f(x) - horner(c, x))) for x in [mpf(a) + (mpf(b) - mpf(a)) * i / 2000 for i in range(2001)])
    print(f"{name}: {float(worst * 2**24):.3f} x 2^-24")
    print("   ", ", ".join(float(x).hex() + "f" for x in c))


def turns(entries=53, step=2):
    """2^(step k) 2/pi modulo 4 in (-2, 2], in two doubles, the first of 29 bits."""
    high, low = [], []
    mp.prec = 400
    for k in range(entries):
        t = mpf(2) ** (step * k) * 2 / pi
        t = t - 4 * mp.nint(t / 4)
        scale = mpf(2) ** (28 - mp.floor(log(abs(t), 2)))
        h = mp.nint(t * scale) / scale
        high.append(float(h).hex())
        low.append(float(t - h).hex())
    print("turns_high:", ", ".join(high))
    print("turns_low:", ", ".join(low))


tiny = mpf(2) ** -40
half = log(mpf(2)) / 2
fit("exp: (e^r - 1 - r) / r^2", lambda r: (expm1(r) - r) / r**2, lambda r: abs(r) + mpf(1) / 8, -half, half + tiny, 5)
root = sqrt(mpf(2))
fit("log: (log(1+f) - f + f^2/2) / f^3", lambda f: (log1p(f) - f + f * f / 2) / f**3, lambda f: f**3 / log1p(f),
    root / 2 - 1, root - 1 + tiny, 7)
fit("softplus: (log(1+e) - e) / e^2", lambda e: (log1p(e) - e) / e**2, lambda e: e * e / log1p(e), mpf("0.0001"), 1, 9)
fit("tanh: (tanh x / x - 1) / x^2 in x^2", lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z * sqrt(z) / tanh(sqrt(z)),
    tiny, mpf("0.625") ** 2, 4)
fit("sin: (sin r / r - 1) / r^2 in r^2", lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z * sqrt(z) / sin(sqrt(z)),
    tiny, (pi / 4) ** 2, 2)
fit("cos: (cos r - 1 + r^2/2) / r^4 in r^2", lambda z: (cos(sqrt(z)) - 1 + z / 2) / z**2, lambda z: z**2 / cos(sqrt(z)),
    tiny, (pi / 4) ** 2, 2)
fit("erf small: erf x / x - 1 in x^2", lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: sqrt(z) / erf(sqrt(z)), tiny, 1, 6)
fit("erf large: -log erfc", lambda x: -log(erfc(x)), lambda x: erfc(x) / erf(x), 1, 4, 8)
turns()
