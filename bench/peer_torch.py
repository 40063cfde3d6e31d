#!/usr/bin/env python3
"""peer_torch.py - PyTorch at the same work, for bench/compare, which sets the environment.

    peer_torch.py train MODEL BATCH THREADS [bf16]    a step: forward, loss, backward, Adam; no data loading
    peer_torch.py decode MODEL N THREADS              N latents to pixels, as a traced module
    peer_torch.py epoch FILE BATCH THREADS            a program that reads the IDX file and trains mlp-400-20 for one epoch
    peer_torch.py save FILE / cold FILE               a traced decoder of mlp-400-20; a program that loads it and decodes a latent

MODEL is mlp-HIDDEN-LATENT, iwae-K (two tanh layers of 200 each way, latent 50, K draws) or one of networks.py. train and decode
measure for each line of standard input, a number of seconds, and answer as measure.c does. bf16: the forward pass under
autocast. The strongest settings found for PyTorch 1.13 are used: foreach Adam, gradients set to None, subnormals flushed,
batches sliced by hand from one tensor."""
import math
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

from networks import NETWORKS


class Mlp(nn.Module):
    def __init__(self, hidden, latent):
        super().__init__()
        self.latent = latent
        self.enc = nn.Linear(784, hidden)
        self.mu = nn.Linear(hidden, latent)
        self.lv = nn.Linear(hidden, latent)
        self.dec = nn.Linear(latent, hidden)
        self.out = nn.Linear(hidden, 784)

    def decode(self, z):
        return self.out(F.relu(self.dec(z)))

    def forward(self, x):
        h = F.relu(self.enc(x))
        mu, lv = self.mu(h), self.lv(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * lv)
        rec = F.binary_cross_entropy_with_logits(self.decode(z), x, reduction="sum")
        kl = 0.5 * torch.sum(mu * mu + lv.exp() - 1 - lv)
        return (rec + kl) / x.shape[0]


class Iwae(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k, self.latent = k, 50
        self.enc = nn.Sequential(nn.Linear(784, 200), nn.Tanh(), nn.Linear(200, 200), nn.Tanh())
        self.mu = nn.Linear(200, 50)
        self.lv = nn.Linear(200, 50)
        self.dec = nn.Sequential(nn.Linear(50, 200), nn.Tanh(), nn.Linear(200, 200), nn.Tanh(), nn.Linear(200, 784))

    def decode(self, z):
        return self.dec(z)

    def forward(self, x):
        h = self.enc(x)
        mu, lv = self.mu(h), self.lv(h)
        eps = torch.randn(self.k, *mu.shape)
        z = mu + eps * torch.exp(0.5 * lv)
        logits = self.decode(z)
        target = x.expand(self.k, *x.shape)
        nll = F.binary_cross_entropy_with_logits(logits, target, reduction="none").sum(-1)
        log_w = 0.5 * (eps * eps + lv - z * z).sum(-1) - nll
        return (math.log(self.k) - torch.logsumexp(log_w, 0)).mean()


def convolution(words, channels):
    filters, (kernel, _, stride) = int(words[1]), words[2].partition("/")
    k, s = int(kernel.split("x")[0]), int(stride or 1)
    p = (k - 1) // 2
    if words[0] == "conv":
        return nn.Conv2d(channels, filters, k, s, p)
    return nn.ConvTranspose2d(channels, filters, k, s, p, output_padding=max(0, min(s - 1, s + 2 * p - k)))


def network(text, shape):
    """The layers that a text in elbo's notation means, and the shape (C,H,W) or (features,) they end in."""
    layers = []
    for line in text.split(";"):
        words = line.split()
        if words[0] == "dense":
            layers += [nn.Flatten(), nn.Linear(math.prod(shape), int(words[1]))]
            rest, shape = words[2:], (int(words[1]),)
        elif words[0] == "reshape":
            height, width, channels = map(int, words[1].split("x"))
            rest, shape = words[2:], (channels, height, width)
            layers.append(nn.Unflatten(1, shape))
        else:
            layers.append(convolution(words, shape[0]))
            rest, shape = words[3:], tuple(layers[-1](torch.zeros(1, *shape)).shape[1:])
        for word in rest:
            layers.append({"bn": lambda: nn.BatchNorm2d(shape[0]), "relu": nn.ReLU, "leaky_relu": nn.LeakyReLU}[word]())
    return layers, shape


class Conv(nn.Module):
    def __init__(self, latent, shape, encoder, decoder, likelihood):
        super().__init__()
        height, width, channels = shape
        self.latent, self.squared, self.picture = latent, likelihood == "squared", (channels, height, width)
        layers, out = network(encoder, self.picture)
        self.enc = nn.Sequential(*layers, nn.Flatten())
        self.mu = nn.Linear(math.prod(out), latent)
        self.lv = nn.Linear(math.prod(out), latent)
        layers, out = network(decoder, (latent,))
        if out[0] != channels:
            layers.append(nn.Conv2d(out[0], channels, 3, 1, 1))
        self.dec = nn.Sequential(*layers)

    def decode(self, z):
        y = self.dec(z)
        return torch.tanh(y) if self.squared else y

    def forward(self, x):
        h = self.enc(x)
        mu, lv = self.mu(h), self.lv(h)
        y = self.decode(mu + torch.randn_like(mu) * torch.exp(0.5 * lv))
        kl = 0.5 * torch.sum(mu * mu + lv.exp() - 1 - lv)
        if self.squared:
            return F.mse_loss(y, x) + 0.00025 * kl / x.shape[0]
        return (F.binary_cross_entropy_with_logits(y, x, reduction="sum") + kl) / x.shape[0]


def make(name):
    if name in NETWORKS:
        return Conv(**NETWORKS[name])
    kind, *numbers = name.split("-")
    return {"mlp": Mlp, "iwae": Iwae}[kind](*map(int, numbers))


def adam(model):
    return torch.optim.Adam(model.parameters(), lr=1e-3, foreach=True)


def descend(model, optimiser, x, bf16=False):
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        loss = model(x)
    loss.backward()
    optimiser.step()
    return loss


def trainer(name, batch, bf16):
    model = make(name)
    optimiser = adam(model)
    shape = (batch, *getattr(model, "picture", (784,)))
    data = [torch.rand(shape) * (torch.rand(shape) < 0.5) for _ in range(16)]
    return lambda i: descend(model, optimiser, data[i % len(data)], bf16)


class Pixels(nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, z):
        y = self.model.decode(z)
        return y if getattr(self.model, "squared", False) else torch.sigmoid(y)


def traced(name):
    model = make(name)
    return torch.jit.trace(Pixels(model).eval(), torch.randn(2, model.latent), check_trace=False), model.latent


def decoder(name, n):
    decode, latent = traced(name)
    z = torch.randn(n, latent)

    def run(_):
        with torch.no_grad():
            decode(z)

    return run


def measure(run, seconds, i=0):
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        begin = time.perf_counter()
        run(i + len(times))
        times.append(1e3 * (time.perf_counter() - begin))
    times.sort()
    n = len(times)
    return f"{times[n // 2]:.4f} ms ({times[n // 4]:.4f} to {times[3 * n // 4]:.4f}, {n} times)"


def measure_on_demand(run):
    measure(run, 0.3)
    for line in sys.stdin:
        print(measure(run, float(line)), flush=True)


def epoch(file, batch):
    import numpy

    raw = numpy.fromfile(file, dtype=numpy.uint8, offset=16).reshape(-1, 784)
    x = torch.from_numpy(raw.astype(numpy.float32) / 255)
    model = make("mlp-400-20")
    optimiser = adam(model)
    order = torch.randperm(len(x))
    total = 0
    for i in range(0, len(x), batch):
        chosen = x[order[i:i + batch]]
        total += descend(model, optimiser, chosen).item() * len(chosen)
    print(total / len(x))


def cold(file):
    decode = torch.jit.load(file)
    with torch.no_grad():
        print(decode(torch.randn(1, 20)).sum().item())


def main():
    what, name = sys.argv[1:3]
    torch.manual_seed(0)
    torch.set_flush_denormal(True)
    if len(sys.argv) > 4:
        torch.set_num_threads(int(sys.argv[4]))
    if what == "train":
        measure_on_demand(trainer(name, int(sys.argv[3]), sys.argv[5:] == ["bf16"]))
    elif what == "decode":
        measure_on_demand(decoder(name, int(sys.argv[3])))
    elif what == "epoch":
        epoch(name, int(sys.argv[3]))
    elif what == "save":
        torch.jit.save(traced("mlp-400-20")[0], name)
    else:
        cold(name)


main()
