"""Writes factors.h: codes, factors, and their mutual information and gaps, with NumPy alone.

The protocol is that of disentanglement_lib (Locatello et al. 2019): np.histogram's bins of equal width, np.digitize on all
but the last edge, mutual information of the discrete values, and the gap over the factor's entropy (Chen et al. 2018).

    python3 tests/golden/make_golden_factors.py > tests/golden/factors.h
"""
import numpy as np

N, Z, SIZES, BINS = 60, 3, (4, 3), 7


def mutual_information(a, b):
    joint = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(joint, (a, b), 1 / len(a))
    apart = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
    some = joint > 0
    return float((joint[some] * np.log(joint[some] / apart[some])).sum())


def entropy(a):
    p = np.bincount(a) / len(a)
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


def numbers(name, kind, x):
    flat = np.asarray(x).ravel()
    words = [f"{v:.9g}f" if kind == "float" and "." in f"{v:.9g}" else f"{v:.17g}" if kind == "double" else f"{v}" for v in flat]
    print(f"static const {kind} {name}[] = {{")
    for i in range(0, len(words), 8):
        print("    " + ", ".join(words[i:i + 8]) + ",")
    print("};")


rng = np.random.default_rng(3)
factors = np.stack([rng.integers(0, s, N) for s in SIZES], 1)
codes = rng.normal(size=(N, Z))
codes[:, 0] += 2 * factors[:, 0]
codes[:, 1] += factors[:, 0] - 2 * factors[:, 1]
codes = codes.astype(np.float32)
bins = np.stack([np.digitize(codes[:, j], np.histogram(codes[:, j], BINS)[1][:-1]) - 1 for j in range(Z)], 1)
information = np.array([[mutual_information(bins[:, j], factors[:, k]) for k in range(2)] for j in range(Z)])
entropies = np.array([entropy(factors[:, k]) for k in range(2)])
ordered = np.sort(information, 0)[::-1]

print("/* Made by make_golden_factors.py. */")
print(f"enum {{ FACTORS_N = {N}, FACTORS_Z = {Z}, FACTORS_F = {len(SIZES)}, FACTORS_BINS = {BINS} }};")
numbers("factors_codes", "float", codes)
numbers("factors_values", "int32_t", factors)
numbers("factors_information", "double", information)
numbers("factors_entropy", "double", entropies)
numbers("factors_gap", "double", (ordered[0] - ordered[1]) / entropies)
