#!/usr/bin/env python3
"""make_golden_conv.py - golden values of whole PyTorch programs and files of their weights, made in double with PyTorch.

    /usr/bin/python3 tests/golden/make_golden_conv.py                 writes programs.h, conv.safetensors, mlp.safetensors
    /usr/bin/python3 tests/golden/make_golden_conv.py check MODEL FILE    compares MODEL, elbo's, with the weights of FILE

Two programs, small: a convolutional VAE built of nn.Sequential with the names of AntixK's PyTorch-VAE, and the VAE of the
PyTorch examples. One training step gives the loss, the moved statistics and the gradients; evaluation gives codes and
pictures. Weights are multiples of 1/1024 and pixels of 1/256, exact in float.
"""
import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# ---- safetensors in plain Python: 8 bytes header length, JSON, data ----


def write_safetensors(name, tensors):
    """tensors: name to (shape, floats, or ints for int64)."""
    header, data = {}, b""
    for key, (shape, values) in tensors.items():
        ints = all(isinstance(v, int) for v in values)
        block = struct.pack("<%d%s" % (len(values), "q" if ints else "f"), *values)
        header[key] = {"dtype": "I64" if ints else "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + len(block)]}
        data += block
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(HERE, name), "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    """name to (shape, numbers)."""
    raw = open(path, "rb").read()
    n, = struct.unpack("<Q", raw[:8])
    out = {}
    for key, t in json.loads(raw[8:8 + n]).items():
        if key == "__metadata__":
            continue
        block = raw[8 + n + t["data_offsets"][0]:8 + n + t["data_offsets"][1]]
        out[key] = t["shape"], struct.unpack("<%d%s" % (len(block) // {"F32": 4, "I64": 8}[t["dtype"]],
                                                        {"F32": "f", "I64": "q"}[t["dtype"]]), block)
    return out


# ---- Names: PyTorch's to elbo's, for three levels ----

N = 3
NAMES = {"fc_mu": "q.mu", "fc_var": "q.logvar", "decoder_input": "decoder.0", "final_layer.0": "decoder.%d" % (N + 1),
         "final_layer.1": "decoder.%d.bn" % (N + 1), "final_layer.3": "decoder.%d" % (N + 2),
         "fc1": "encoder.0", "fc21": "q.mu", "fc22": "q.logvar", "fc3": "decoder.0", "fc4": "decoder.out"}
for i in range(N):
    NAMES["encoder.%d.0" % i], NAMES["encoder.%d.1" % i] = "encoder.%d" % i, "encoder.%d.bn" % i
    NAMES["decoder.%d.0" % i], NAMES["decoder.%d.1" % i] = "decoder.%d" % (i + 2), "decoder.%d.bn" % (i + 2)


def our_name(theirs):
    layer, what = theirs.rsplit(".", 1)
    return NAMES[layer] + "." + what


def check(model, file):
    ours, theirs = read_safetensors(model), read_safetensors(file)
    theirs = {our_name(k): v for k, v in theirs.items() if not k.endswith("num_batches_tracked")}
    assert ours.keys() == theirs.keys(), "names: %s" % sorted(ours.keys() ^ theirs.keys())
    for name, (shape, numbers) in theirs.items():
        assert ours[name] == (shape, numbers), "%s differs: %s %s" % (name, ours[name][0], shape)
    print("%d tensors are the same" % len(ours))


if __name__ == "__main__" and sys.argv[1:2] == ["check"]:
    check(*sys.argv[2:])
    sys.exit()

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import make_golden as golden

golden.n_drawn = 1 << 21
B, Z, SEED, STEP = 4, 5, 2**33 + 5, 3
EXAMPLES = [5, 0, 17, 2**33 + 1]

# ---- The programs ----


class Conv(nn.Module):
    """Strided convolutions and back, batch norm, LeakyReLU 0.01, tanh at the end."""
    shape, weight = (16, 16, 3), 0.00025
    config = "encoder=conv 4 3x3/2 bn leaky_relu; conv 6 3x3/2 bn leaky_relu; conv 8 3x3/2 bn leaky_relu" \
             "|decoder=dense auto; reshape auto; deconv 6 3x3/2 bn leaky_relu; deconv 4 3x3/2 bn leaky_relu; " \
             "deconv 4 3x3/2 bn leaky_relu; conv 3 3x3" \
             "|latent=5|likelihood=squared|output=tanh|range=symmetric|reduction=mean|beta=0.00025"

    def __init__(self):
        super().__init__()
        widths = [3, 4, 6, 8]

        def block(layer, n):
            return nn.Sequential(layer, nn.BatchNorm2d(n), nn.LeakyReLU())

        def up(a, b):
            return nn.ConvTranspose2d(a, b, 3, 2, 1, output_padding=1)
        self.encoder = nn.Sequential(*(block(nn.Conv2d(a, b, 3, 2, 1), b) for a, b in zip(widths, widths[1:])))
        self.fc_mu, self.fc_var = nn.Linear(32, Z), nn.Linear(32, Z)
        self.decoder_input = nn.Linear(Z, 32)
        self.decoder = nn.Sequential(block(up(8, 6), 6), block(up(6, 4), 4))
        self.final_layer = nn.Sequential(up(4, 4), nn.BatchNorm2d(4), nn.LeakyReLU(), nn.Conv2d(4, 3, 3, padding=1), nn.Tanh())

    def encode(self, x):
        h = torch.flatten(self.encoder(2 * x - 1), 1)
        return self.fc_mu(h), self.fc_var(h)

    def decode(self, z):
        return self.final_layer(self.decoder(self.decoder_input(z).view(-1, 8, 2, 2)))

    def loss(self, y, x, kl):
        return F.mse_loss(y, 2 * x - 1) + self.weight * kl

    def pixels(self, y):
        return (y + 1) / 2


class Mlp(nn.Module):
    shape = (3, 4, 2)
    config = "encoder=dense 7 relu|decoder=dense 6 relu|latent=5"

    def __init__(self):
        super().__init__()
        self.fc1, self.fc21, self.fc22 = nn.Linear(24, 7), nn.Linear(7, Z), nn.Linear(7, Z)
        self.fc3, self.fc4 = nn.Linear(Z, 6), nn.Linear(6, 24)

    def encode(self, x):
        h = torch.relu(self.fc1(torch.flatten(x, 1)))
        return self.fc21(h), self.fc22(h)

    def decode(self, z):
        return self.fc4(torch.relu(self.fc3(z))).view(-1, 2, 3, 4)

    def loss(self, y, x, kl):
        return F.binary_cross_entropy_with_logits(y, x, reduction="sum") / B + kl

    def pixels(self, y):
        return torch.sigmoid(y)


def set_weights(net):
    """Every tensor a multiple of 1/1024: weights of He's size, statistics near 0 and 1."""
    for name, v in net.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        low, high = (0.5, 1.5) if v.dim() == 1 and name.endswith(("weight", "running_var")) else (-0.25, 0.25)
        if v.dim() > 1:
            high = (6 / (v[0].numel())) ** 0.5
            low = -high
        v.copy_(torch.tensor(np.floor((low + (high - low) * golden.fresh(v.numel())) * 1024) / 1024).reshape(v.shape))


def doubles(a):
    return "(const double[]){\n%s}" % golden.numbers(np.array(["%.13g" % v for v in np.asarray(a).reshape(-1)], dtype=float))


def last(y):
    return y.detach().permute(0, 2, 3, 1).numpy()


def program(name, net):
    h, w, c = net.shape
    net = net.double()
    with torch.no_grad():
        set_weights(net)
    state = net.state_dict()
    write_safetensors(name + ".safetensors", {k: (v.shape, v.reshape(-1).tolist()) for k, v in state.items()})
    bytes_ = np.floor(golden.fresh(B * h * w * c) * 257).reshape(B, h, w, c)
    x = golden.first(bytes_ / 256)
    net.eval()
    mu, logvar = net.encode(x)
    pictures = net.pixels(net.decode(mu))
    codes = torch.cat([mu, torch.exp(logvar / 2)], 1).detach()
    net.train()
    mu, logvar = net.encode(x)
    eps = golden.per_example(golden.normal, SEED, STEP, golden.stream_of("train/eps#0"), EXAMPLES, Z)
    kl = -0.5 * (1 + logvar - mu ** 2 - logvar.exp()).sum(1).mean()
    loss = net.loss(net.decode(mu + torch.exp(logvar / 2) * torch.tensor(eps)), x, kl)
    loss.backward()
    # PyTorch's gradient of a bias before a batch norm is rounding only
    silent = {k[:-len("1.running_mean")] + "0.bias" for k in state if k.endswith("1.running_mean")}
    tensors = [(our_name(k), p.grad) for k, p in net.named_parameters() if k not in silent]
    tensors += [(our_name(k), v) for k, v in net.state_dict().items() if "running" in k]
    text = ",\n".join('{"%s", %d, %s}' % (n, v.numel(), doubles(v.detach())) for n, v in tensors)
    return '{"%s", "%s", %dull, %d, {%d, %d, %d}, {%s},\n(const double[]){\n%s},\n%.17g, %.17g,\n%s,\n%s,\n' \
           "%d, (const golden_value[]){\n%s}},\n" % (
               name, net.config, SEED, STEP, h, w, c, ", ".join(map(str, EXAMPLES)), golden.numbers(bytes_), loss.item(), kl.item(),
               doubles(codes), doubles(last(pictures)[:2]), len(tensors), text)


if __name__ == "__main__":
    golden.write("programs.h", "static const golden_program golden_programs[] = {\n%s%s};\n" % (
        program("conv", Conv()), program("mlp", Mlp())))
