#!/usr/bin/env python3
"""make_golden_training.py - what PyTorch's optimisers do, in double.

    /usr/bin/python3 tests/golden/make_golden_training.py        writes training.h beside itself
"""
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
N, STEPS = 5, 10
torch.set_default_dtype(torch.float64)


def numbers(values):
    return ", ".join(repr(float(v)) for v in values)


def rows(values):
    return ",\n".join("{%s}" % numbers(v) for v in values)


def eighths(i, n):
    """n numbers in [-1,1], multiples of 1/128, from a linear congruence."""
    out = []
    for k in range(n):
        i = (i * 1103515245 + 12345) % 2**31
        out.append(((i >> 16) % 257 - 128) / 128)
    return out


# ---- Optimisers: ten steps from the same numbers along the same gradients ----

START = eighths(1, N)
GRADIENTS = [[g if k or step > 4 else 0.0 for k, g in enumerate(eighths(2 + step, N))] for step in range(STEPS)]
OPTIM = torch.optim
OPTIMISERS = [  # options of elbo, and the same for PyTorch
    ("optimizer=adam|rate=0.01|weight-decay=0.1", OPTIM.Adam, dict(lr=0.01, weight_decay=0.1)),
    ("optimizer=adam|beta1=0.5|beta2=0.9|epsilon=0.001", OPTIM.Adam, dict(betas=(0.5, 0.9), eps=1e-3)),
    ("optimizer=adamw|rate=0.01|weight-decay=0.1", OPTIM.AdamW, dict(lr=0.01, weight_decay=0.1)),
    ("optimizer=adamax|rate=0.02|weight-decay=0.1", OPTIM.Adamax, dict(lr=0.02, weight_decay=0.1)),
    ("optimizer=rmsprop|rate=0.01", OPTIM.RMSprop, dict(lr=0.01)),
    ("optimizer=rmsprop|alpha=0.9|weight-decay=0.1", OPTIM.RMSprop, dict(lr=0.001, alpha=0.9, weight_decay=0.1)),
    ("optimizer=rmsprop|momentum=0.9", OPTIM.RMSprop, dict(lr=0.001, momentum=0.9)),
    ("optimizer=rmsprop|centred=true", OPTIM.RMSprop, dict(lr=0.001, centered=True)),
    ("optimizer=rmsprop|centred=true|momentum=0.5|weight-decay=0.1", OPTIM.RMSprop,
     dict(lr=0.001, centered=True, momentum=0.5, weight_decay=0.1)),
    ("optimizer=sgd|rate=0.1", OPTIM.SGD, dict(lr=0.1)),
    ("optimizer=sgd|rate=0.1|momentum=0.9|weight-decay=0.1", OPTIM.SGD, dict(lr=0.1, momentum=0.9, weight_decay=0.1)),
    ("optimizer=sgd|rate=0.1|momentum=0.9|nesterov=true|weight-decay=0.1", OPTIM.SGD,
     dict(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.1)),
    ("optimizer=adagrad|rate=0.1|epsilon=1e-10|weight-decay=0.1", OPTIM.Adagrad, dict(lr=0.1, weight_decay=0.1)),
]


def steps_of(optimiser, options):
    x = torch.tensor(START, requires_grad=True)
    how = optimiser([x], **options)
    for g in GRADIENTS:
        x.grad = torch.tensor(g)
        how.step()
        yield x.tolist()


def optimisers():
    text = "enum { OPTIM_N = %d, OPTIM_STEPS = %d };\n" % (N, STEPS)
    text += "static const double optim_start[OPTIM_N] = {%s};\n" % numbers(START)
    text += "static const double optim_gradients[OPTIM_STEPS][OPTIM_N] = {\n%s};\n" % rows(GRADIENTS)
    text += "static const struct {\n    const char *options;\n    double x[OPTIM_STEPS][OPTIM_N];\n} optim_steps[] = {\n"
    return text + "".join('{"%s",\n{%s}},\n' % (name, rows(steps_of(how, o))) for name, how, o in OPTIMISERS) + "};\n"


with open(os.path.join(HERE, "training.h"), "w") as f:
    f.write("/* Made by make_golden_training.py. */\n" + optimisers())
