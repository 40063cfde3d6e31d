#!/usr/bin/env python3
"""peer_torch.py - the same training step in PyTorch: forward, summed BCE from logits + KL, backward, Adam.

    peer_torch.py HIDDEN LATENT BATCH THREADS SECONDS

Data loading is left out (elbo's figure has it in). The settings are the strongest found for PyTorch 1.13 on such a machine:
foreach Adam, gradients set to None, flushed subnormals; bench/compare sets the environment. Prints as bench_step does."""
import sys
import time

import torch
import torch.nn.functional as F

hidden, latent, batch, threads = map(int, sys.argv[1:5])
seconds = float(sys.argv[5])
torch.set_num_threads(threads)
torch.set_flush_denormal(True)
torch.manual_seed(0)


class Vae(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.enc = torch.nn.Linear(784, hidden)
        self.mu = torch.nn.Linear(hidden, latent)
        self.lv = torch.nn.Linear(hidden, latent)
        self.dec = torch.nn.Linear(latent, hidden)
        self.out = torch.nn.Linear(hidden, 784)

    def forward(self, x):
        h = F.relu(self.enc(x))
        mu, lv = self.mu(h), self.lv(h)
        z = mu + torch.randn_like(mu) * torch.exp(0.5 * lv)
        logits = self.out(F.relu(self.dec(z)))
        rec = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = 0.5 * torch.sum(mu * mu + lv.exp() - 1 - lv)
        return (rec + kl) / x.shape[0]


model = Vae()
adam = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=True)
data = [torch.rand(batch, 784) * (torch.rand(batch, 784) < 0.5) for _ in range(16)]


def step(i):
    adam.zero_grad(set_to_none=True)
    model(data[i % len(data)]).backward()
    adam.step()


times = []
end = time.perf_counter() + 0.3
i = 0
while time.perf_counter() < end:
    step(i)
    i += 1
end = time.perf_counter() + seconds
while time.perf_counter() < end:
    begin = time.perf_counter()
    step(i)
    times.append(1e3 * (time.perf_counter() - begin))
    i += 1
times.sort()
n = len(times)
print(f"{times[n // 2]:.4f} ms a step ({times[n // 4]:.4f} to {times[3 * n // 4]:.4f}, {n} steps)")
