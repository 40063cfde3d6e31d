"""Writes stats.h: statistics of arrays by NumPy, SciPy, scikit-learn and scikit-image.

    python3 tests/golden/make_golden_stats.py > tests/golden/stats.h
"""
import numpy as np
from scipy.stats import multivariate_normal
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity
from sklearn.covariance import LedoitWolf
from sklearn.metrics import average_precision_score, roc_auc_score

rng = np.random.default_rng(5)


def numbers(name, kind, x):
    flat = np.asarray(x).ravel()
    if kind == "float":
        words = [w + ("f" if "." in w or "e" in w else ".f") for w in (f"{v:.9g}" for v in flat)]
    else:
        words = [f"{v:.17g}" if kind == "double" else f"{v}" for v in flat]
    print(f"static const {kind} {name}[] = {{")
    for i in range(0, len(words), 8):
        print("    " + ", ".join(words[i:i + 8]) + ",")
    print("};")


def plane(x):
    """The first two principal components, with the largest weight of each axis positive, and their shares."""
    centred = x - x.mean(0)
    values, vectors = np.linalg.eigh(centred.T @ centred / len(x))
    top = vectors[:, ::-1][:, :2]
    top = top * np.sign(top[np.abs(top).argmax(0), [0, 1]])
    return centred @ top, values[::-1][:2] / values.sum()


print("/* Made by make_golden_stats.py. */")

# ---- Principal planes: few numbers, more than iterate together, more than points ----

PLANES = [(40, 5), (60, 20), (4, 12)]
print(f"enum {{ N_PLANES = {len(PLANES)} }};")
print("static const int plane_n[] = {" + ", ".join(str(n) for n, _ in PLANES) + "};")
print("static const int plane_d[] = {" + ", ".join(str(d) for _, d in PLANES) + "};")
for i, (n, d) in enumerate(PLANES):
    x = (rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3).astype(np.float32)
    points, share = plane(x.astype(np.float64))
    numbers(f"plane_x_{i}", "float", x)
    numbers(f"plane_points_{i}", "double", points)
    numbers(f"plane_share_{i}", "double", share)
names = ("x", "points", "share")
for name, kind in zip(names, ("float", "double", "double")):
    print(f"static const {kind} *const plane_{name}[] = {{" + ", ".join(f"plane_{name}_{i}" for i in range(len(PLANES))) + "};")

# ---- Likeness of pictures: mean squared error, peak signal to noise ratio, SSIM (Wang et al. 2004) ----

PICTURES = [((13, 17, 1), 1.0), ((11, 14, 3), 2.0)]
print(f"enum {{ N_LIKENESS = {len(PICTURES)} }};")
print("static const int64_t likeness_shape[][3] = {" + ", ".join("{%d, %d, %d}" % s for s, _ in PICTURES) + "};")
print("static const double likeness_range[] = {" + ", ".join(f"{r}" for _, r in PICTURES) + "};")
results = []
for i, (shape, span) in enumerate(PICTURES):
    rows, columns = np.mgrid[0:shape[0], 0:shape[1]]
    wave = 0.5 + 0.3 * np.sin(rows / 2.0) * np.cos(columns / 3.0)
    x = (span * np.stack([wave ** (k + 1) for k in range(shape[2])], 2)).astype(np.float32)
    y = np.clip(x + 0.1 * span * rng.normal(size=shape), 0, span).astype(np.float32)
    a, b = x.astype(np.float64), y.astype(np.float64)
    results.append((mean_squared_error(a, b), peak_signal_noise_ratio(a, b, data_range=span),
                    structural_similarity(a, b, channel_axis=2, data_range=span, gaussian_weights=True, sigma=1.5,
                                          use_sample_covariance=False)))
    numbers(f"likeness_x_{i}", "float", x)
    numbers(f"likeness_y_{i}", "float", y)
for name in "xy":
    print(f"static const float *const likeness_{name}[] = {{" + ", ".join(f"likeness_{name}_{i}" for i in range(len(PICTURES))) + "};")
print("/* mse, psnr, ssim */")
print("static const double likeness_want[][3] = {" + ", ".join("{%.17g, %.17g, %.17g}" % r for r in results) + "};")

# ---- Rankings, with ties ----

N = 50
positive = (rng.random(N) < 0.3).astype(int)
score = np.round(rng.normal(size=N) + positive, 1)
print(f"enum {{ RANKING_N = {N} }};")
numbers("ranking_score", "double", score)
numbers("ranking_positive", "unsigned char", positive)
print(f"static const double ranking_auroc = {roc_auc_score(positive, score):.17g};")
print(f"static const double ranking_precision = {average_precision_score(positive, score):.17g};")

# ---- A Gaussian fitted with the shrinkage of Ledoit and Wolf (2004): -log density of other points ----

FITS = [(30, 4), (6, 9)]
M = 5
print(f"enum {{ N_FITS = {len(FITS)}, FIT_M = {M} }};")
print("static const int fit_n[] = {" + ", ".join(str(n) for n, _ in FITS) + "};")
print("static const int fit_d[] = {" + ", ".join(str(d) for _, d in FITS) + "};")
for i, (n, d) in enumerate(FITS):
    mix = rng.normal(size=(d, d)) * 10.0 ** np.arange(d)[None] ** 0.5  # columns of quite different widths
    x = (rng.normal(size=(n, d)) @ mix + 1).astype(np.float32)
    x[:, 1] = 0.5  # a number that never varies
    y = (rng.normal(size=(M, d)) @ mix + 1).astype(np.float32)
    a, b = x.astype(np.float64), y.astype(np.float64)
    fit = LedoitWolf().fit(a)
    nll = -multivariate_normal(fit.location_, fit.covariance_).logpdf(b)
    scale = np.where(a.std(0) > 0, a.std(0), 1)  # as a table: in units of each column's standard deviation
    fit = LedoitWolf().fit(a / scale)
    table_nll = -multivariate_normal(fit.location_, fit.covariance_).logpdf(b / scale) + np.log(scale).sum()
    numbers(f"fit_x_{i}", "float", x)
    numbers(f"fit_y_{i}", "float", y)
    numbers(f"fit_nll_{i}", "double", nll)
    numbers(f"fit_table_nll_{i}", "double", table_nll)
for name, kind in zip(("x", "y", "nll", "table_nll"), ("float", "float", "double", "double")):
    print(f"static const {kind} *const fit_{name}[] = {{" + ", ".join(f"fit_{name}_{i}" for i in range(len(FITS))) + "};")
