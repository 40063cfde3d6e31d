#!/usr/bin/env python3
"""make_golden_training.py - what PyTorch's optimisers and schedules do, in double.

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


# ---- Running means ----


def keep(decay, step):
    return min(decay, (1 + step) / (10 + step))


def averages(decay=0.6):
    """AveragedModel copies at its first update, which is the one before the first step."""
    model = torch.nn.Linear(N, 1, bias=False)
    mean = torch.optim.swa_utils.AveragedModel(model, avg_fn=lambda a, x, n: keep(decay, int(n)) * a + (1 - keep(decay, int(n))) * x)
    for values in [START] + list(steps_of(OPTIM.SGD, dict(lr=0.1))):
        model.weight.data = torch.tensor([values])
        mean.update_parameters(model)
        yield mean.module.weight[0].tolist()


def running_means():
    rows_of = list(averages())[1:]
    return "static const double ema_steps[OPTIM_STEPS][OPTIM_N] = { /* of sgd's, rate 0.1, decay 0.6 */\n%s};\n" % rows(rows_of)


# ---- Rates: the factor in each epoch ----

EPOCHS, WARM, TOTALS = 14, 4, [9, 8, 8, 8.5, 7.9995, 7.9985, 7, 8, 9, 8, 7, 7, 6, 6.5]
SCHEDULES = [
    ("schedule=constant", lambda o: OPTIM.lr_scheduler.ConstantLR(o, 1.0)),
    ("schedule=exponential|decay=0.9", lambda o: OPTIM.lr_scheduler.ExponentialLR(o, 0.9)),
    ("schedule=step|drop-every=3|drop=0.5", lambda o: OPTIM.lr_scheduler.StepLR(o, 3, 0.5)),
    ("schedule=multistep|drop-at=2, 7, 8", lambda o: OPTIM.lr_scheduler.MultiStepLR(o, [2, 7, 8])),
    ("schedule=cosine|epochs=14|rate=0.5|rate-end=0.1", lambda o: OPTIM.lr_scheduler.CosineAnnealingLR(o, 14, 0.1)),
    ("schedule=cosine|epochs=20|rate-epochs=13", lambda o: OPTIM.lr_scheduler.CosineAnnealingLR(o, 13)),
    ("schedule=plateau|drop-patience=1|drop=0.5|rate=0.5|rate-end=0.1",
     lambda o: OPTIM.lr_scheduler.ReduceLROnPlateau(o, patience=1, factor=0.5, min_lr=0.1)),
    ("schedule=plateau|drop-patience=0", lambda o: OPTIM.lr_scheduler.ReduceLROnPlateau(o, patience=0, eps=0)),
    ("schedule=iwae", lambda o: OPTIM.lr_scheduler.LambdaLR(o, iwae)),
    ("rate-warmup=4", lambda o: OPTIM.lr_scheduler.LinearLR(o, 1 / WARM, 1, WARM - 1)),
]


def iwae(epoch):
    """experiments.py of Burda et al. 2016: for i in 1..8, 3^(i-1) epochs with 1e-3 * round(10^(1-(i-1)/7), 1)"""
    return [r for i in range(8) for r in [round(10.0 ** (1 - i / 7), 1) / 10] * 3**i][epoch]


def factors(options, schedule):
    base = 0.5 if "rate=0.5" in options else 0.001
    optimiser = OPTIM.SGD([torch.zeros(1)], lr=base)
    how = schedule(optimiser)
    for total in TOTALS:
        yield optimiser.param_groups[0]["lr"] / base
        optimiser.step()
        how.step(total) if "plateau" in options else how.step()


def schedules():
    text = "enum { RATE_EPOCHS = %d };\n" % EPOCHS
    text += "static const double rate_totals[RATE_EPOCHS] = {%s};\n" % numbers(TOTALS)
    text += "static const struct {\n    const char *options;\n    double factor[RATE_EPOCHS];\n} rate_factors[] = {\n"
    return text + "".join('{"%s",\n{%s}},\n' % (o, numbers(factors(o, how))) for o, how in SCHEDULES) + "};\n"


# ---- The KL term: held at a capacity, and with free bits ----

KL_B, KL_Z = 3, 4
MU = [eighths(21 + i, KL_Z) for i in range(KL_B)]
LOGVAR = [[2 * v - 0.5 for v in eighths(31 + i, KL_Z)] for i in range(KL_B)]
KL_CASES = [("capacity=1.25", lambda kl: (kl.sum(1).mean() - 1.25).abs()), ("capacity=6", lambda kl: (kl.sum(1).mean() - 6).abs()),
            ("free-bits=0.5", lambda kl: torch.clamp(kl.mean(0), min=0.5).sum()),
            ("free-bits=0.05", lambda kl: torch.clamp(kl.mean(0), min=0.05).sum())]


def kl_case(loss):
    mu, logvar = (torch.tensor(v, requires_grad=True) for v in (MU, LOGVAR))
    normal = torch.distributions.Normal
    value = loss(torch.distributions.kl_divergence(normal(mu, torch.exp(logvar / 2)), normal(0.0, 1.0)))
    value.backward()
    return [float(value)] + mu.grad.reshape(-1).tolist() + logvar.grad.reshape(-1).tolist()


def kl_terms():
    n = KL_B * KL_Z
    text = "enum { KL_B = %d, KL_Z = %d, KL_N = %d };\n" % (KL_B, KL_Z, n)
    text += "static const double kl_mu[KL_N] = {%s};\n" % numbers(sum(MU, []))
    text += "static const double kl_logvar[KL_N] = {%s};\n" % numbers(sum(LOGVAR, []))
    text += "static const struct {\n    const char *options;\n    double value, dmu[KL_N], dlogvar[KL_N];\n} kl_terms[] = {\n"
    for options, loss in KL_CASES:
        v = kl_case(loss)
        text += '{"%s", %r,\n{%s},\n{%s}},\n' % (options, v[0], numbers(v[1:n + 1]), numbers(v[n + 1:]))
    return text + "};\n"


with open(os.path.join(HERE, "training.h"), "w") as f:
    f.write("/* Made by make_golden_training.py. */\n" + optimisers() + running_means() + schedules() + kl_terms())
