#!/usr/bin/env python3
"""make_golden_models.py ELBO [NAME...] - small model files as a version of elbo writes them, and what it computes with them.

Every later version must load them and compute the same: tests/test_models.c. So a file that is there is not written again; a
new kind of model gets a row in MODELS here and, by the version that has it first, a file models/NAME.safetensors and
models/NAME.expected.safetensors with x [N,H,W,C], mean and std [N,Z], and y [N,H,W,C], what the means decode to. Needs NumPy.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
DENSE = ["--encoder", "dense 3 tanh", "--decoder", "dense 3 relu"]
CONV = ["--encoder", "conv 3 3x3/2 bn leaky_relu:0.2; conv 2 3x3 gn:2 silu", "--decoder",
        "dense auto; reshape auto; deconv 3 3x3/2 bn relu; conv 2 3x3"]
MODELS = {  # name: (H, W, C), options
    "vae": ((2, 3, 1), DENSE),
    "checkpoint": ((2, 3, 1), DENSE + ["--rescue", "lower-rate"]),  # last.safetensors of its run
    "gaussian": ((2, 3, 1), DENSE + ["--likelihood", "gaussian", "--variance", "per-dimension", "--head", "softplus",
                                     "--output", "tanh", "--range", "symmetric"]),
    "optimal": ((2, 3, 1), DENSE + ["--likelihood", "gaussian", "--variance", "optimal"]),
    "iwae": ((1, 1, 5), DENSE + ["--family", "iwae", "--samples", "3", "--dreg", "--head", "logsigma"]),
    "ae": ((1, 1, 5), DENSE + ["--family", "ae", "--likelihood", "squared", "--output", "sigmoid"]),
    "factor": ((1, 1, 5), DENSE + ["--family", "factor", "--critic", "dense 3 relu"]),
    "vq": ((1, 1, 5), DENSE + ["--family", "vq", "--latent", "4", "--codes", "3", "--code-size", "2"]),
    "conv": ((6, 5, 2), CONV),
}


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, a in tensors.items():
        a = np.ascontiguousarray(a, "<f4")
        header[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [len(data), len(data) + a.nbytes]}
        data += a.tobytes()
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def make(elbo, name, shape, options):
    h, w, c = shape
    x = (0.5 + 0.5 * np.sin(1.7 * np.arange(12 * h * w * c) ** 1.5)).astype("<f4").reshape(12, h, w, c)
    with tempfile.TemporaryDirectory() as work:
        def run(*words):
            subprocess.run([elbo, *words, "--quiet"], check=True, cwd=work, stdout=subprocess.DEVNULL)
        np.save(os.path.join(work, "x.npy"), x)
        run("train", "x.npy", "--out", "r", "--epochs", "3", "--batch", "4", *([] if "--latent" in options else ["--latent", "2"]),
            *options)
        model = "r/%s.safetensors" % ("last" if name == "checkpoint" else "best")
        run("encode", model, "x.npy", "--part", "all", "--out", "mean.npy", "--std", "std.npy")
        run("decode", model, "mean.npy", "--out", "y.npy")
        arrays = {k: np.load(os.path.join(work, k + ".npy")) for k in ("mean", "std", "y")}
        write_safetensors(os.path.join(HERE, name + ".expected.safetensors"), {"x": x, **arrays})
        shutil.copy(os.path.join(work, model), os.path.join(HERE, name + ".safetensors"))


os.makedirs(HERE, exist_ok=True)
for wanted, (dims, words) in MODELS.items():
    if not os.path.exists(os.path.join(HERE, wanted + ".safetensors")) and wanted in (sys.argv[2:] or MODELS):
        make(os.path.abspath(sys.argv[1]), wanted, dims, words)
