"""read_model.py - elbo's files read by plain Python, which knows nothing of elbo: only the standard library.

    read_model.py data X.npy                                  writes 8 pictures of 6x4x3
    read_model.py check KIND MODEL X.npy MEAN.npy STD.npy Y.npy

check reads MODEL, a safetensors file, as strictly as the format asks for, computes with its tensors what PyTorch would with layers
of these shapes (channels first, weights [out,in] and [out,in,height,width], transposed ones [in,out,height,width]), and compares with
what elbo encoded X to, and decoded the means to. KIND is dense or conv, the two models that test_readback.sh trains.
"""
import ast
import json
import math
import struct
import sys
import zlib

H, W, C, Z = 6, 4, 3, 3


# ---- Files ----

def read_npy(path):
    raw = open(path, "rb").read()
    assert raw[:8] == b"\x93NUMPY\x01\x00", "not an npy file of version 1"
    n, = struct.unpack("<H", raw[8:10])
    header = ast.literal_eval(raw[10:10 + n].decode())
    assert header["descr"] == "<f4" and not header["fortran_order"] and (10 + n) % 64 == 0
    values = struct.unpack("<%df" % (math.prod(header["shape"])), raw[10 + n:])
    return header["shape"], list(values)


def write_npy(path, shape, values):
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape})
    header += " " * (-(11 + len(header)) % 64) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<%df" % len(values), *values))


def no_duplicates(pairs):
    assert len({k for k, _ in pairs}) == len(pairs), "a key twice"
    return dict(pairs)


def read_safetensors(path):
    """name to (shape, numbers), and the metadata."""
    raw = open(path, "rb").read()
    n, = struct.unpack("<Q", raw[:8])
    assert (8 + n) % 64 == 0 and raw[8:9] == b"{"
    header = json.loads(raw[8:8 + n].decode("utf-8"), object_pairs_hook=no_duplicates)
    meta, data, tensors, at = header.pop("__metadata__"), raw[8 + n:], {}, 0
    assert all(isinstance(v, str) for v in meta.values())
    for name, t in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        assert set(t) == {"dtype", "shape", "data_offsets"}
        (begin, end), (size, code) = t["data_offsets"], {"F32": (4, "f"), "F64": (8, "d")}[t["dtype"]]
        assert begin == at and end - begin == size * math.prod(t["shape"]), name
        tensors[name] = t["shape"], struct.unpack("<%d%s" % ((end - begin) // size, code), data[begin:end])
        at = end
    assert at == len(data), "bytes after the last tensor"
    mark = b'"elbo.checksum":"' + meta["elbo.checksum"].encode() + b'"'
    assert raw.count(mark) == 1
    assert "%08x" % zlib.crc32(raw.replace(mark, b'"elbo.checksum":"00000000"')) == meta["elbo.checksum"], "the checksum"
    return tensors, meta


# ---- Layers, as PyTorch has them, on one example: lists, and pictures [C][H][W] ----

def dense(t, name, x):
    (n_out, n_in), w = t[name + ".weight"]
    assert n_in == len(x)
    return [sum(map(float.__mul__, w[o * n_in:(o + 1) * n_in], x)) + t[name + ".bias"][1][o] for o in range(n_out)]


def conv(t, name, x, stride):
    """3x3, padding 1"""
    (n_out, n_in, _, _), w = t[name + ".weight"]
    h, width = len(x[0]), len(x[0][0])

    def at(o, y0, x0):
        return t[name + ".bias"][1][o] + sum(
            w[((o * n_in + c) * 3 + i) * 3 + j] * x[c][y0 + i - 1][x0 + j - 1]
            for c in range(n_in) for i in range(3) for j in range(3) if 0 <= y0 + i - 1 < h and 0 <= x0 + j - 1 < width)
    return [[[at(o, y, k) for k in range(0, width, stride)] for y in range(0, h, stride)] for o in range(n_out)]


def deconv(t, name, x):
    """3x3, stride 2, padding 1, output padding 1: twice the size"""
    (n_in, n_out, _, _), w = t[name + ".weight"]
    h, width = 2 * len(x[0]), 2 * len(x[0][0])
    out = [[[t[name + ".bias"][1][o]] * width for _ in range(h)] for o in range(n_out)]
    for c in range(n_in):
        for y, row in enumerate(x[c]):
            for k, v in enumerate(row):
                for o in range(n_out):
                    for i in range(3):
                        for j in range(3):
                            if 0 <= 2 * y + i - 1 < h and 0 <= 2 * k + j - 1 < width:
                                out[o][2 * y + i - 1][2 * k + j - 1] += v * w[((c * n_out + o) * 3 + i) * 3 + j]
    return out


def each(f, x):
    return [each(f, v) for v in x] if isinstance(x, list) else f(x)


def flat(x):
    return [v for part in x for v in flat(part)] if isinstance(x, list) else [x]


def picture(values, c, h, w):
    return [[[values[(k * h + y) * w + x] for x in range(w)] for y in range(h)] for k in range(c)]


def sigmoid(v):
    return 1 / (1 + math.exp(-v))


# ---- The two models ----

def encode(kind, t, x):
    if kind == "conv":
        h = each(lambda v: v if v > 0 else 0.2 * v, conv(t, "encoder.0", x, 2))
    else:
        h = each(math.tanh, dense(t, "encoder.0", flat(x)))
    return dense(t, "q.mu", flat(h)), [math.exp(v / 2) for v in dense(t, "q.logvar", flat(h))]


def decode(kind, t, z):
    if kind == "conv":
        h = picture(dense(t, "decoder.0", z), 4, H // 2, W // 2)
        y = conv(t, "decoder.3", each(math.tanh, deconv(t, "decoder.2", h)), 1)
    else:
        y = dense(t, "decoder.out", each(lambda v: max(v, 0), dense(t, "decoder.0", z)))
    return picture(each(sigmoid, flat(y)), C, H, W)


def channels_first(values):
    return [[[values[(y * W + x) * C + c] for x in range(W)] for y in range(H)] for c in range(C)]


def compare(what, got, expected):
    worst = max(abs(a - b) for a, b in zip(got, expected)) / max(map(abs, expected))
    assert len(got) == len(expected) and worst < 1e-5, "%s differ by %g" % (what, worst)


def check(kind, model, *arrays):
    t, meta = read_safetensors(model)
    assert json.loads(meta["elbo.model"])["shape"] == [H, W, C]
    x, mean, std, y = (read_npy(path)[1] for path in arrays)
    n = len(x) // (H * W * C)
    for i in range(n):
        size = H * W * C
        mu, sigma = encode(kind, t, channels_first(x[i * size:(i + 1) * size]))
        compare("means", mean[i * Z:(i + 1) * Z], mu)
        compare("standard deviations", std[i * Z:(i + 1) * Z], sigma)
        compare("pictures", flat(channels_first(y[i * size:(i + 1) * size])), flat(decode(kind, t, mean[i * Z:(i + 1) * Z])))
    for name in [name for name in t if name.startswith("optimiser.")]:
        assert t[name][0] == t[name.split("/", 1)[1]][0], name
    print("%s: %d tensors, %d examples agree" % (model, len(t), n))


if sys.argv[1] == "data":
    write_npy(sys.argv[2], (8, H, W, C), [0.5 + 0.5 * math.sin(1.7 * i * i) for i in range(8 * H * W * C)])
else:
    check(*sys.argv[2:])
