#!/usr/bin/env python3
"""make_golden_penalty.py - golden values of losses that hold a gradient, made in double with PyTorch.

    /usr/bin/python3 tests/golden/make_golden_penalty.py        writes penalty.h beside itself

A critic with the gradient penalty of WGAN-GP (Gulrajani et al. 2017), dense and convolutional, and decoders with the penalties of
regularised autoencoders (Ghosh et al. 2020). tests/test_penalty.c describes the same losses as graphs, under the same names.
"""
import torch
import torch.nn.functional as F

import make_golden as golden
from make_golden import conv, reals

golden.n_drawn = 1 << 22


def slope(value, x):
    return torch.autograd.grad(value, x, create_graph=True)[0]


def wgan(score, x):
    """mean of the scores + 10 mean (|d score/dx| - 1)^2"""
    norm = slope(score.sum(), x).flatten(1).norm(dim=1)
    return score.mean() + 10 * ((norm - 1) ** 2).mean()


def critic_dense(x, w1, b1, w2, b2, w3):
    h = torch.tanh(x @ w1 + b1)
    h = F.leaky_relu(h @ w2 + b2, 0.2)
    return wgan((h @ w3).squeeze(1), x)


def critic_conv(x, w1, b1, gain, w2):
    h = conv(x, w1, stride=2, padding=1) + b1
    h = F.softplus(F.layer_norm(h, h.shape[-1:]) * gain)
    return wgan((h.flatten(1) @ w2).squeeze(1), x)


def decoder_conv(z, w1, b1, w2, b2):
    h = F.silu(z @ w1 + b1).reshape(-1, 2, 2, 4)
    x = torch.sigmoid(conv(h, w2, transpose=True, stride=2, padding=1) + b2)
    d = slope(x.sum(), z)
    return (x ** 2).sum(dim=(1, 2, 3)).mean() + 0.5 * (d ** 2).sum(1).mean()


def decoder_jacobian(z, w1, b1, w2):
    """|dx/dz|^2, all of it"""
    x = torch.tanh(torch.exp(-(z @ w1 + b1) ** 2) @ w2)
    return sum((slope(x[:, i].sum(), z) ** 2).sum(1).mean() for i in range(x.shape[1]))


LOSSES = {
    critic_dense: [(5, 4), (4, 6), (6,), (6, 5), (5,), (5, 1)],
    critic_conv: [(3, 5, 4, 2), (3, 3, 2, 4), (4,), (4,), (24, 1)],
    decoder_conv: [(4, 3), (3, 16), (16,), (4, 4, 2, 4), (2,)],
    decoder_jacobian: [(4, 3), (3, 6), (6,), (6, 5)],
}

if __name__ == "__main__":
    text = ""
    for f, shapes in LOSSES.items():
        inputs = [torch.tensor(reals(s, -1, 1), requires_grad=True) for s in shapes]
        value = f(*inputs)
        value.backward()
        text += '{"%s", %d, {\n%s},\n%s, {\n%s}},\n' % (
            f.__name__, len(inputs), ",\n".join(golden.array(a) for a in inputs), golden.number(value.item()),
            ",\n".join(golden.array(a.grad) for a in inputs))
    golden.write("penalty.h", "static const golden_gradient golden_penalties[] = {\n%s};\n" % text)
