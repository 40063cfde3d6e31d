#!/usr/bin/env python3
"""make_golden.py - golden values for the tests, made in double with PyTorch and numpy, independently of elbo's own code.

    /usr/bin/python3 tests/golden/make_golden.py        writes ops.h, losses.h and trajectory.h beside itself

Every number drawn here comes from the Philox of this file (written from the paper and the bit layout in src/base/philox.h), so
equal versions of the libraries give equal files. Inputs are odd multiples of 1/128: exact in float, off the kinks at integers.
"""
import math
import os
import re
import sys
import zlib

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

# ---- Philox4x32-10 (Salmon et al. 2011) and what is made of its words ----

M32 = np.uint64(0xFFFFFFFF)


def philox_words(seed, step, stream, blocks):
    """The four words of each block, [n,4]."""
    c = [blocks & M32, blocks >> np.uint64(32), np.full_like(blocks, step), np.full_like(blocks, stream)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & M32,
             (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & M32]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(c, 1)


def words_of(seed, step, stream, first, n):
    """The block words around elements first .. first + n - 1, and the index of first among them."""
    blocks = np.arange(first // 4, (first + n + 3) // 4 + 1, dtype=np.uint64)
    return philox_words(seed, step, stream, blocks), first % 4


def unit(words):
    return ((words >> np.uint64(9)).astype(np.float64) + 0.5) / 2**23


def uniform(seed, step, stream, first, n):
    words, skip = words_of(seed, step, stream, first, n)
    return unit(words).reshape(-1)[skip:skip + n]


def normal(seed, step, stream, first, n):
    """Box-Muller on the words (0,1) and (2,3) of each block."""
    words, skip = words_of(seed, step, stream, first, n)
    pairs = words.reshape(-1, 2)
    radius = np.sqrt(-2 * np.log(unit(pairs[:, 0])))
    angle = 2 * np.pi * (pairs[:, 1] >> np.uint64(8)).astype(np.float64) / 2**24
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).reshape(-1)[skip:skip + n]


def stream_of(name):
    """FNV-1a, 32 bits."""
    h = 2166136261
    for byte in name.encode():
        h = ((h ^ byte) * 16777619) & 0xFFFFFFFF
    return h


def per_example(draw, seed, step, stream, index, each):
    """Numbers counted from each example's own index: [len(index), each]."""
    return np.stack([draw(seed, step, stream, i * each, each) for i in index])


# ---- Inputs ----

n_drawn = 0


def fresh(n):
    global n_drawn
    n_drawn += 1
    return uniform(20240607, 0, n_drawn, 0, n)


def reals(shape, low=-3, high=3, even=False):
    """Odd (or even) multiples of 1/128 in [low, high]."""
    n = int(np.prod(shape))
    k = np.floor((low + (high - low) * fresh(n)) * 64)
    return (2 * k + (0 if even else 1)).reshape(shape) / 128


def distinct(shape):
    """Different odd multiples of 1/128 in a random order, round 0."""
    n = int(np.prod(shape))
    return ((2 * np.argsort(fresh(n)) - n + 1 + n % 2) / 128).reshape(shape)


def ints(shape, low, high):
    return np.floor(low + (high - low) * fresh(int(np.prod(shape)))).astype(np.int32).reshape(shape)


# ---- Writing ----

def number(v):
    if isinstance(v, np.float32):
        return "%.9g" % v
    v = float(v)
    if math.isnan(v):
        return "NAN"
    if math.isinf(v):
        return "INFINITY" if v > 0 else "-INFINITY"
    text = repr(v)
    return text[:-2] if text.endswith(".0") and text != "-0.0" else text


def numbers(values):
    lines, line = [], ""
    for v in np.asarray(values).reshape(-1):
        word = number(v) + ","
        if len(line) + len(word) > 118:
            lines.append(line)
            line = ""
        line += word
    return "\n".join(lines + [line[:-1]])


TYPES = {"float64": "F32", "uint8": "U8", "int32": "I32", "int64": "I32", "bool": "F32"}


def array(a, kind=None):
    a = np.asarray(a.detach() if torch.is_tensor(a) else a)
    kind = kind or TYPES[str(a.dtype)]
    dims = "{%d, {%s}}" % (a.ndim, ", ".join(str(d) for d in a.shape) or "0")
    return "{%s, %s, (const double[]){\n%s}}" % (kind, dims, numbers(a))


def write(name, text):
    with open(os.path.join(HERE, name), "w") as f:
        f.write("/* Made by %s; see golden.h. */\n" % os.path.basename(sys.argv[0]) + text)


cases = []


def case(name, inputs, out, kind=None):
    cases.append((name, inputs, out, kind))


def write_cases(file, table):
    body = ""
    for name, inputs, out, kind in cases:
        operands = ",\n".join(array(a) for a in inputs)
        body += '{"%s", %d, {\n%s},\n%s},\n' % (name, len(inputs), operands, array(out, kind))
    write(file, "static const golden %s[] = {\n%s};\n" % (table, body))
    cases.clear()


def t(a):
    return torch.tensor(a)


# ---- Elementwise operations: ranges from ew.def, values from torch ----

EW = {
    "neg": torch.neg, "exp": torch.exp, "log": torch.log, "log1p": torch.log1p, "expm1": torch.expm1, "sqrt": torch.sqrt, "rsqrt": torch.rsqrt,
    "square": torch.square, "recip": torch.reciprocal, "abs": torch.abs, "sign": lambda a: torch.sign(a) + a * 0,
    "floor": torch.floor, "finite": lambda a: torch.isfinite(a).double(), "sin": torch.sin, "cos": torch.cos,
    "tanh": torch.tanh, "sigmoid": torch.sigmoid, "softplus": lambda a: torch.logaddexp(a, torch.zeros_like(a)), "relu": torch.relu,
    "erf": torch.erf, "lgamma": torch.lgamma, "digamma": torch.digamma,
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "pow": torch.pow, "max": torch.maximum,
    "min": torch.minimum, "less": lambda a, b: (a < b).double(), "equal": lambda a, b: (a == b).double(),
    "where": lambda a, b, c: torch.where(a != 0, b, c), "clamp": torch.clamp,
}
SPECIAL = [0.0, -0.0, 1, -1, 0.5, 2, 90, -90, 100, -100, 800, -800, 3e-5, -3e-5, math.inf, -math.inf, math.nan]
NO_SPECIAL = {"lgamma", "digamma", "sign"}


def elementwise():
    rows = re.findall(r"^EW(\d)\((\w+),.*,\s*([-\d.]+),\s*([-\d.]+)\)$",
                      open(os.path.join(HERE, "../../src/graph/ew.def")).read(), re.M)
    assert sorted(r[1] for r in rows) == sorted(EW), "ew.def and the references here differ"
    global n_drawn
    saved = n_drawn
    for arity, name, low, high in rows:
        n_drawn = zlib.crc32(name.encode()) # numbers of its own: a new row leaves the others as they are
        low, high = float(low), float(high)
        a = [reals((7, 5), low, high, even=i == 1) for i in range(int(arity))]
        if name == "clamp":
            a[1], a[2] = np.full((7, 5), -1.0), reals((7, 5), 0.5, 1.5)
        if name in ("where", "equal"):
            a[0] = a[0] * (reals((7, 5)) > 0)
        if name == "equal":
            a[1] = np.where(reals((7, 5)) > 0, a[0], a[1])
        case(name, a, EW[name](*map(t, a)))
    n_drawn = saved + 100
    x = reals((7, 5), -0.9, 0.4)
    case("clamp_inside", [x, np.full((7, 5), -1.0), np.full((7, 5), 0.5)], x)
    for arity, name, _, _ in rows:
        if arity == "1" and name not in NO_SPECIAL:
            case(name + "_special", [np.array(SPECIAL)], EW[name](t(SPECIAL)))
        if name in ("max", "min", "less", "equal", "div"):
            a, b = np.meshgrid([0.0, -3, 8, math.inf, -math.inf, math.nan], [0.0, 8, -math.inf, math.nan])
            a, b = a.reshape(-1), b.reshape(-1)
            case(name + "_special", [a, b], EW[name](t(a), t(b)))
    lg = [0.01, 0.3, 1, 2, 9.99, 10, 11, 100, 1e4]
    case("lgamma_wide", [np.array(lg)], torch.lgamma(t(lg)))
    case("digamma_wide", [np.array(lg)], torch.digamma(t(lg)))
    p, q = np.array([0, 0, 2, 2, 1, -2, -2, 9, 0.25]), np.array([0, 2, 0, -1.5, 7, 2, 3, 0.5, -3])
    case("pow_special", [p, q], torch.pow(t(p), t(q)))


# ---- Broadcasting, shape and order ----

def shapes():
    x = reals((7, 6))
    for name, a, s in [("column", (7, 1), (7, 5)), ("row", (5,), (7, 5)), ("middle", (7, 1, 3), (7, 4, 3)),
                       ("first", (1, 3), (7, 4, 3)), ("scalar", (), (7, 5)), ("ends", (1, 4, 1), (7, 4, 3)),
                       ("rank", (7, 5), (1, 7, 5))]:
        a = reals(a)
        case("broadcast_" + name, [a], np.broadcast_to(a, s).copy())
    a, b = reals((7, 1)), reals((5,))
    case("add_column_row", [a, b], a + b)
    a, b = reals((7, 3, 1)), reals((4,))
    case("mul_column_row", [a, b], a * b)
    a, b, c = reals((7, 1, 5), 0, 2) * (reals((7, 1, 5)) > 0), reals((4, 1)), reals((5,))
    case("where_mixed", [a, b, c], np.where(a != 0, b, c))
    case("reshape_split", [x], x.reshape(7, 2, 3))
    case("reshape_flat", [x], x.reshape(-1))
    case("reshape_rows", [x], x.reshape(21, 2))
    y = reals((7, 2, 3, 4))
    case("permute_channels", [y], y.transpose(0, 3, 1, 2))
    case("permute_batch", [y], y.transpose(3, 0, 2, 1))
    case("transpose", [y], y.swapaxes(2, 3))
    case("slice_last", [x], x[:, 2:5])
    case("slice_batch", [x], x[1:4])
    case("slice_step", [y], y[:, :, 0:3:2])
    case("slice_step_last", [x], x[:, 1:6:3])
    case("pad_last", [x], np.pad(x, ((0, 0), (2, 1))))
    case("pad_batch", [x], np.pad(x, ((1, 2), (0, 0))))
    stretched = np.zeros((7, 2, 3 * 2 - 1 + 3, 4))
    stretched[:, :, 2:7:2] = y
    case("pad_step", [y], stretched)
    parts = [reals((7, 1)), reals((7, 4)), reals((7, 2))]
    case("concat_last", parts, np.concatenate(parts, 1))
    case("concat_batch", [x, x[:3] * 2], np.concatenate([x, x[:3] * 2]))
    parts = [reals((7, 1, 3)), reals((7, 2, 3))]
    case("concat_middle", parts, np.concatenate(parts, 1))
    case("split", [x], x[:, 2:4])
    case("stop", [x], x)
    case("straight_through", [x], np.round(x))
    case("iota", [], np.arange(9))
    case("constant", [x], x * 0 + 2.5)
    case("param", [x], x)
    case("state", [x], x)
    u8, big = ints((7, 5), 0, 256).astype(np.uint8), reals((7, 5), -300, 300)
    case("cast_u8", [u8], u8.astype(np.float64))
    case("cast_to_u8", [big], np.clip(np.trunc(big), 0, 255).astype(np.uint8))
    case("cast_to_i32", [big], np.trunc(big).astype(np.int32))
    case("cast_bf16", [big], t(big).to(torch.bfloat16).double())


# ---- Reductions, sorting, indices, products ----

def reductions():
    x, y = distinct((7, 6)), distinct((7, 3, 4))
    case("sum_last", [x], x.sum(1))
    case("sum_batch", [x], x.sum(0))
    case("sum_all", [y], y.sum())
    case("sum_middle", [y], y.sum(1))
    case("sum_outer", [y], y.sum((0, 2)))
    case("sum_features", [y], y.sum((1, 2)))
    case("mean_all", [y], y.mean())
    case("amax_last", [x], x.max(1))
    case("amax_batch", [x], x.max(0))
    case("amax_middle", [y], y.max(1))
    case("amax_all", [y], y.max())
    ties = t(ints((7, 5), 0, 3).astype(float)).requires_grad_()
    largest = torch.amax(ties, 1)
    largest.sum().backward()
    case("amax_ties", [ties], largest)
    case("amax_ties_gradient", [ties], ties.grad)
    nan, inf = math.nan, math.inf
    case("amax_special", [np.array([[1, nan, 2], [-inf, -inf, -inf], [nan, 1, 2], [3, 2, inf]])], np.array([nan, -inf, nan, inf]))
    case("cumsum", [y], y.cumsum(2))
    case("cumsum_back", [y], y[..., ::-1].cumsum(2)[..., ::-1])
    case("cumsum_line", [x[0]], x[0].cumsum())
    case("logsumexp", [x * 4], torch.logsumexp(t(x * 4), 1))
    huge = np.array([[1000, 1000, -1000], [-1000, -1001, -1002.0]])
    case("logsumexp_huge", [huge], torch.logsumexp(t(huge), 1))
    tied = ints((7, 6), 0, 3).astype(float)
    case("argmax", [tied], tied.argmax(1))
    case("argmin", [tied], tied.argmin(1))
    case("argsort", [tied], np.argsort(tied, 1, kind="stable"))
    case("argsort_nan", [np.array([3, math.nan, 1, math.inf, math.nan, -math.inf, 1])], np.array([5, 2, 6, 0, 3, 1, 4]))
    case("sort", [y], np.sort(y, 2))


def derivative(f, *a):
    a = [t(v).requires_grad_() for v in a]
    f(*a).backward()
    return a[0].grad


def take_rows(table, index):
    ok = (index >= 0) & (index < len(table))
    return np.where(ok.reshape(-1, *[1] * (table.ndim - 1)), table[np.where(ok, index, 0)], 0)


def put_last(x, index, n):
    out = np.zeros(x.shape[:-1] + (n,))
    for at in np.ndindex(*index.shape):
        if 0 <= index[at] < n:
            out[at[:-1] + (index[at],)] += x[at]
    return out


def indices():
    index = ints((7,), 0, 4)
    index[1], index[2], index[5] = index[0], -1, 4
    hot = np.zeros((7, 4))
    for i, j in enumerate(index):
        if 0 <= j < 4:
            hot[i, j] = 1
    table, rows = reals((4, 3)), reals((7, 3))
    case("one_hot", [index], hot)
    case("gather", [table, index], take_rows(table, index))
    case("scatter", [rows, index], hot.T @ rows)
    cube = reals((4, 2, 3))
    case("gather_cube", [cube, index], take_rows(cube, index))
    x, at = reals((7, 5)), ints((7, 3), 0, 5)
    at[0], at[1, 0], at[2, 1] = [2, 2, 2], -3, 5
    case("take", [x, at], np.stack([take_rows(x[i], at[i]) for i in range(7)]))
    z = reals((7, 3))
    case("put", [z, at], put_last(z, at, 5))
    a, b = reals((2, 3, 4)), ints((2, 3, 2), 0, 4)
    case("take_cube", [a, b], np.take_along_axis(a, b.astype(int), 2))


def products():
    for flags in range(4):
        a, b = reals((7, 5)), reals((5, 3))
        case("matmul_%d" % flags, [a.T if flags & 1 else a, b.T if flags & 2 else b], a @ b)
        a, b = reals((7, 3, 4)), reals((7, 4, 2))
        case("matmul_batched_%d" % flags, [a.swapaxes(1, 2) if flags & 1 else a, b.swapaxes(1, 2) if flags & 2 else b], a @ b)
    a, b = reals((7, 2, 5)), reals((5, 3))
    case("matmul_folded", [a, b], a @ b)
    a, b = reals((2, 2, 3, 2)), reals((2, 2, 2, 1))
    case("matmul_rank4", [a, b], a @ b)
    a, b = reals((7, 1)), reals((1, 1))
    case("matmul_thin", [a, b], a @ b)
    a, b = reals((19, 17)), reals((17, 9))
    case("matmul_odd", [a, b], a @ b)


def short_forms():
    x = reals((7, 5))
    case("leaky_relu", [x], F.leaky_relu(t(x), 0.2))
    case("elu", [x], F.elu(t(x)))
    case("silu", [x], F.silu(t(x)))
    case("gelu", [x], F.gelu(t(x)))
    case("dense_tanh_dense", [x, reals((5, 4)), reals((4,)), reals((4, 2))], 0)
    a = [t(v) for v in cases[-1][1]]
    cases[-1] = (*cases[-1][:2], torch.tanh(a[0] @ a[1] + a[2]) @ a[3], None)
    case("derivative_tanh_exp", [x], derivative(lambda a: (torch.tanh(a) * torch.exp(a)).sum(), x))
    w, v = reals((5, 4)), reals((7, 5))
    case("derivative_softmax", [w, v], derivative(lambda a, b: torch.logsumexp(torch.sin(b @ a), 1).sum(), w, v))


# ---- Images: channels last here, first in PyTorch; weights HWIO, OIHW in PyTorch (IOHW for transposed convolution) ----

def first(x):
    return t(x).permute(0, 3, 1, 2) if not torch.is_tensor(x) else x.permute(0, 3, 1, 2)


def weights(w):
    return t(w).permute(3, 2, 0, 1) if not torch.is_tensor(w) else w.permute(3, 2, 0, 1)


def last(y):
    return y.permute(0, 2, 3, 1)


def conv(x, w, transpose=False, **options):
    return last((F.conv_transpose2d if transpose else F.conv2d)(first(x), weights(w), **options))


def images():
    """Draws numbers of its own, so that those of other cases stay."""
    global n_drawn
    saved, n_drawn = n_drawn, 1 << 20
    for name, x, w, options in [
            ("plain", (5, 4, 3), (3, 3, 3, 4), dict(padding=1)),
            ("stride", (5, 6, 2), (3, 2, 2, 3), dict(stride=(2, 3), padding=(1, 0))),
            ("dilated", (6, 5, 2), (2, 3, 2, 3), dict(stride=(2, 1), padding=(1, 2), dilation=2)),
            ("groups", (4, 4, 4), (3, 3, 2, 6), dict(stride=2, padding=1, groups=2)),
            ("depthwise", (4, 3, 3), (2, 2, 1, 3), dict(groups=3)),
            ("1x1", (3, 2, 5), (1, 1, 5, 4), {}),
            ("1x1_stride", (4, 5, 2), (1, 1, 2, 3), dict(stride=2)),
            ("large", (2, 3, 2), (5, 5, 2, 3), dict(padding=2)),
            ("grey", (6, 5, 1), (4, 4, 1, 5), dict(stride=2, padding=1)),
            ("to_grey", (4, 5, 3), (3, 3, 3, 1), dict(padding=1)),
            ("gaps", (6, 7, 1), (1, 2, 1, 2), dict(stride=3)),
            ("odd", (3, 2, 5), (2, 3, 5, 3), dict(padding=1))]:
        x, w = reals((7,) + x), reals(w)
        case("conv_" + name, [x, w], conv(x, w, **options))
    for name, x, w, options in [
            ("double", (3, 3, 4), (3, 3, 3, 4), dict(stride=2, padding=1, output_padding=1)),
            ("odd", (2, 3, 3), (4, 3, 2, 3), dict(stride=(2, 3), padding=(1, 0), output_padding=(0, 2))),
            ("groups", (2, 2, 4), (3, 3, 1, 4), dict(stride=2, padding=1, groups=2)),
            ("dilated", (3, 2, 2), (2, 2, 3, 2), dict(padding=1, dilation=2)),
            ("1x1", (3, 2, 5), (1, 1, 4, 5), {})]:
        x, w = reals((7,) + x), reals(w)
        case("conv_transpose_" + name, [x, w], conv(x, w, transpose=True, **options))
    x, w, y = reals((7, 4, 5, 2)), reals((3, 3, 2, 3)), reals((7, 2, 3, 3))
    case("conv_weights", [x, w, y], derivative(lambda w, x: (conv(x, w, stride=2, padding=1) * t(y)).sum(), w, x))
    x = distinct((7, 4, 5, 3))
    case("pool_max", [x], last(F.max_pool2d(first(x), 2)))
    case("pool_max_padded", [x], last(F.max_pool2d(first(x), (3, 2), (2, 1), (1, 1))))
    case("pool_max_dilated", [x], last(F.max_pool2d(first(x), 2, 1, 0, 2)))
    case("pool_average", [x], last(F.avg_pool2d(first(x), 2)))
    case("pool_average_padded", [x], last(F.avg_pool2d(first(x), (3, 2), (2, 1), (1, 0))))
    case("pool_average_derivative", [x], derivative(lambda x: F.avg_pool2d(first(x), 3, 1, 1).square().sum(), x))
    patches = F.unfold(first(x), (3, 2), padding=(1, 0), stride=2).reshape(7, 3, 6, 4).permute(0, 3, 1, 2)
    case("windows", [x], patches.reshape(7, 2, 2, 3, 6))
    x = reals((7, 5, 3, 2))
    for kind in "nearest", "bilinear":
        for name, size in [("up", (8, 7)), ("down", (3, 2)), ("tall", (10, 3))]:
            case("resize_%s_%s" % (kind, name), [x], last(F.interpolate(first(x), size, mode=kind)))
        square = lambda x: F.interpolate(first(x), (8, 2), mode=kind).square().sum()
        case("resize_%s_derivative" % kind, [x], derivative(square, x))
    n_drawn = saved


def variances():
    global n_drawn
    saved = n_drawn
    x, y = reals((7, 6)), reals((7, 3, 4))
    case("variance_batch", [x], x.var(0))
    case("variance_all", [y], y.var())
    case("variance_channels", [y], y.var((0, 1)))
    case("variance_outer", [y], y.var((0, 2)))
    case("variance_last", [x], x.var(1))
    case("variance_far", [x + 1000], x.var(0))
    n_drawn = saved


SEED, STEP, STREAM = 0x1234567890ABCDEF, 77, stream_of("golden/noise")
INDEX = [5, 0, 17, 3, 1000003, 9, 2**33 + 1]


def random_numbers():
    case("random_uniform", [], uniform(SEED, STEP, STREAM, 0, 33).reshape(11, 3))
    case("random_normal", [], normal(SEED, STEP, STREAM, 0, 33).reshape(11, 3))
    case("random_examples", [], per_example(normal, SEED, STEP, STREAM, INDEX, 5))


# ---- Likelihoods and divergences: inputs r, x, parameters of the loss ----

def losses():
    r, x = reals((7, 5), -4, 4), np.abs(reals((7, 5), -1, 1))
    d = torch.distributions
    case("bernoulli", [r, x], F.binary_cross_entropy_with_logits(t(r), t(x), reduction="none").sum(1))
    hot = (x > 0.5).astype(float)
    case("bernoulli_binary", [r, hot], -d.Bernoulli(logits=t(r)).log_prob(t(hot)).sum(1))
    p = torch.sigmoid(t(r))
    eps = -(t(x) * torch.log(1e-10 + p) + (1 - t(x)) * torch.log(1e-10 + (1 - p)))
    case("bernoulli_eps", [r, x], eps.sum(1))
    case("gaussian_fixed", [r, x], -d.Normal(t(r), 0.5).log_prob(t(x)).sum(1))
    case("gaussian_learned", [r, x], -d.Normal(torch.sigmoid(t(r)), 0.25).log_prob(t(x)).sum(1))
    case("gaussian_per_dimension", [r, x], -d.Normal(torch.tanh(t(r)), 2.0).log_prob(t(x)).sum(1))
    sigma = torch.sqrt(((t(r) - t(x)) ** 2).mean() + 1e-8)
    case("gaussian_optimal", [r, x], -d.Normal(t(r), sigma).log_prob(t(x)).sum(1))
    case("squared", [r, x], F.mse_loss(torch.tanh(t(r)), t(x), reduction="none").sum(1))
    case("half_squared", [r, x], 0.5 * F.mse_loss(t(r), t(x), reduction="none").sum(1))
    mu, lv = reals((7, 5)), reals((7, 5), -4, 2)
    case("kl", [mu, lv], d.kl_divergence(d.Normal(t(mu), torch.exp(t(lv) / 2)), d.Normal(0.0, 1.0)).sum(1))
    likelihoods()


def logistic_mass(location, scale, levels, x, low, step):
    """-log of the mass of each level: the distribution function's differences, on the side of its smaller tail."""
    side = np.where(x > location, -1, 1)
    f = lambda v: 1 / (1 + np.exp(-side * (v.astype(np.longdouble) - location) / scale))
    level, ends = np.rint((x - low) / step), (1 - side) // 2
    upper = np.where(level == levels - 1, 1 - ends, f(x + step / 2))
    lower = np.where(level == 0, ends, f(x - step / 2))
    return -np.log(np.abs(upper - lower)).sum(1).astype(np.float64)


def likelihoods():
    """What p(x|z) is beside these. Draws numbers of its own, so that those of other cases stay."""
    global n_drawn
    saved, n_drawn = n_drawn, 1 << 21
    d = torch.distributions
    r, x = reals((7, 5), -2, 2), reals((7, 5), -2, 2)
    pairs = reals((7, 10), -2, 2)
    at, scale = t(pairs)[:, 0::2], torch.exp(t(pairs)[:, 1::2])
    case("laplace", [r, x], -d.Laplace(t(r), 0.5).log_prob(t(x)).sum(1))
    case("laplace_per_dimension", [r, x], -d.Laplace(torch.tanh(t(r)), 2.0).log_prob(t(x)).sum(1))
    optimal = (t(r) - t(x)).abs().mean() + 1e-8
    case("laplace_optimal", [r, x], -d.Laplace(t(r), optimal).log_prob(t(x)).sum(1))
    case("laplace_predicted", [pairs, x], -d.Laplace(at, scale / 4).log_prob(t(x)).sum(1))
    case("gaussian_predicted", [pairs, x], -d.Normal(torch.sigmoid(at), scale * 2).log_prob(t(x)).sum(1))
    bytes = np.floor(np.abs(reals((7, 5), -1, 1)) * 255)
    bytes[0], bytes[1] = [0, 255, 1, 254, 128], [255, 0, 0, 255, 7]
    r = np.abs(reals((7, 5), -1, 1))
    case("logistic", [r, bytes / 255], logistic_mass(r, 0.05, 256, bytes / 255, 0, 1 / 255))
    two = reals((7, 10), -1, 1)
    case("logistic_predicted", [two, bytes / 127.5 - 1],
         logistic_mass(np.tanh(two[:, 0::2]), 0.1 * np.exp(two[:, 1::2]), 256, bytes / 127.5 - 1, -1, 2 / 255))
    logits, level = reals((7, 20), -3, 3), np.floor(np.abs(reals((7, 5), -1, 1)) * 3.99)
    case("categorical", [logits, level],
         -d.Categorical(logits=t(logits).reshape(7, 5, 4)).log_prob(t(level)).sum(1))
    r, count = reals((7, 5), -2, 4), np.floor(np.exp(np.abs(reals((7, 5), -4, 4)))) - 1
    case("poisson", [r, count], -d.Poisson(torch.exp(t(r))).log_prob(t(count)).sum(1))
    case("poisson_bytes", [r, count / 255], -d.Poisson(torch.exp(t(r))).log_prob(t(count)).sum(1))
    case("negative_binomial", [r, count],
         -d.NegativeBinomial(torch.tensor(2.5), logits=t(r) - math.log(2.5)).log_prob(t(count)).sum(1))
    n_drawn = saved


# ---- Ten steps of Adam on tiny models ----
# Data are [B,2,2,3] with channels last for elbo, and channels first here; weights are written as PyTorch has them.

B, H, W, C, STEPS = 6, 2, 2, 3, 10
EXAMPLES = [5, 0, 17, 3, 42, 9]
RUNS = [
    dict(name="bernoulli", seed=11, k=1, z=3, beta=1.0, rate=0.01, enc=[(8, "relu")], dec=[(8, "relu")], scale="logvar",
         config="encoder=dense 8 relu|decoder=dense 8 relu|latent=3|rate=0.01|likelihood=bernoulli"),
    dict(name="gaussian", seed=2**40 + 7, k=3, z=2, beta=2.0, rate=0.003, enc=[(7, "silu"), (5, "tanh")],
         dec=[(6, "leaky")], scale="logsigma",
         config="encoder=dense 7 silu; dense 5 tanh|decoder=dense 6 leaky_relu:0.2|latent=2|rate=0.003|samples=3|beta=2"
                "|likelihood=gaussian|variance=learned|sigma=0.5|output=tanh|range=symmetric|head=logsigma|reduction=sum"),
]
ACTIVATIONS = {"relu": torch.relu, "silu": F.silu, "tanh": torch.tanh, "leaky": lambda x: F.leaky_relu(x, 0.2)}


def run_weights(run):
    """Names and initial values, exact in float."""
    sizes, n = {}, H * W * C
    for i, (out, _) in enumerate(run["enc"]):
        sizes["encoder.%d" % i], n = (out, n), out
    sizes["q.mu"] = sizes["q." + run["scale"]] = (run["z"], n)
    n = run["z"]
    for i, (out, _) in enumerate(run["dec"]):
        sizes["decoder.%d" % i], n = (out, n), out
    sizes["decoder.out"] = (H * W * C, n)
    weights = {}
    for name, (out, n_in) in sizes.items():
        weights[name + ".weight"] = reals((out, n_in), -1, 1) / math.ceil(math.sqrt(n_in))
        weights[name + ".bias"] = reals((out,), -0.5, 0.5)
    if "gaussian" in run["name"]:
        weights["likelihood.logsigma"] = np.array([-0.625])
    return {name: np.float32(w).astype(np.float64) for name, w in weights.items()}


def run_loss(run, w, x, eps):
    """(loss, rec, kl) of the flattened, channels-first batch x [B,12]; eps [B,k,z]."""
    h = x = 2 * x - 1 if run["name"] == "gaussian" else x
    for i, (_, act) in enumerate(run["enc"]):
        h = ACTIVATIONS[act](F.linear(h, w["encoder.%d.weight" % i], w["encoder.%d.bias" % i]))
    mu, s = (F.linear(h, w[n + ".weight"], w[n + ".bias"]) for n in ("q.mu", "q." + run["scale"]))
    q = torch.distributions.Normal(mu, torch.exp(s / 2 if run["scale"] == "logvar" else s))
    kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu)))
    h = mu[:, None] + q.stddev[:, None] * eps
    for i, (_, act) in enumerate(run["dec"]):
        h = ACTIVATIONS[act](F.linear(h, w["decoder.%d.weight" % i], w["decoder.%d.bias" % i]))
    r, x = F.linear(h, w["decoder.out.weight"], w["decoder.out.bias"]), x[:, None].expand(-1, run["k"], -1)
    if run["name"] == "bernoulli":
        nll = F.binary_cross_entropy_with_logits(r, x, reduction="none")
    else:
        nll = -torch.distributions.Normal(torch.tanh(r), torch.exp(w["likelihood.logsigma"])).log_prob(x)
    rec, kl = nll.sum(2).mean(), kl.sum(1).mean()
    return (rec + run["beta"] * kl) * (B if run["name"] == "gaussian" else 1), rec, kl


def train(run, initial, x, dtype):
    """Losses, and the gradients of the first and last step and the last weights by name."""
    w = {n: torch.tensor(v, dtype=dtype, requires_grad=True) for n, v in initial.items()}
    adam = torch.optim.Adam(w.values(), lr=run["rate"], betas=(0.9, 0.999), eps=1e-8)
    x = torch.tensor(x, dtype=dtype)
    losses, first = [], None
    for step in range(STEPS):
        eps = per_example(normal, run["seed"], step, stream_of("train/eps#0"), EXAMPLES, run["k"] * run["z"])
        adam.zero_grad()
        loss = run_loss(run, w, x, torch.tensor(eps.reshape(B, run["k"], run["z"]), dtype=dtype))
        loss[0].backward()
        losses.append([float(v.detach()) for v in loss])
        last = {n: v.grad.detach().clone() for n, v in w.items()}
        first = first or last
        adam.step()
    return losses, first, last, {n: v.detach() for n, v in w.items()}


def trajectories():
    text = ""
    for run in RUNS:
        pixels = np.floor(fresh(B * H * W * C).reshape(B, H, W, C) * 257) / 256
        first_channels = pixels.transpose(0, 3, 1, 2).reshape(B, -1)
        initial = run_weights(run)
        losses, _, last, final = train(run, initial, first_channels, torch.float64)
        losses32, first32, _, _ = train(run, initial, first_channels, torch.float32)
        tensors = ""
        for name, v in initial.items():
            four = (np.float32(v), last[name], final[name], first32[name].numpy())
            four = ",\n".join("(const double[]){\n%s}" % numbers(a) for a in four)
            tensors += '{"%s", %d,\n%s},\n' % (name, v.size, four)
        text += '{"%s", "%s", %dull, {%s}, (const double[]){\n%s},\n(const double[]){\n%s},\n(const double[]){\n%s},\n%d, ' \
                "(const golden_tensor[]){\n%s}},\n" % (run["name"], run["config"], run["seed"], ", ".join(map(str, EXAMPLES)),
                                                     numbers(pixels), numbers(losses), numbers(losses32), len(initial), tensors)
    write("trajectory.h", "static const golden_run golden_runs[] = {\n%s};\n" % text)


if __name__ == "__main__":
    elementwise()
    shapes()
    reductions()
    indices()
    products()
    short_forms()
    random_numbers()
    images()
    variances()
    write_cases("ops.h", "golden_ops")
    losses()
    write_cases("losses.h", "golden_losses")
    trajectories()
