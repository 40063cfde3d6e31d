"""networks.py - the convolutional models that bench/compare times, in elbo's notation: elbo is given these words, and
peer_torch.py builds the same layers from them. Sizes are numbers (no auto), and the last layer is added as elbo adds it."""

BN = "bn leaky_relu"
NETWORKS = {
    # the ready-made network
    "conv-28": {
        "encoder": "conv 32 4x4/2 relu; conv 64 4x4/2 relu; dense 256 relu",
        "decoder": "dense 256 relu; dense 3136 relu; reshape 7x7x64; deconv 32 4x4/2 relu; deconv 32 4x4/2 relu",
        "latent": 16, "shape": (28, 28, 1), "likelihood": "bernoulli"},
    # two layers each way
    "conv-28-small": {
        "encoder": "conv 32 3x3/2 relu; conv 64 3x3/2 relu",
        "decoder": "dense 3136 relu; reshape 7x7x64; deconv 32 3x3/2 relu; deconv 1 3x3/2",
        "latent": 16, "shape": (28, 28, 1), "likelihood": "bernoulli"},
    # the preset; squared stands for the mean squared error behind tanh + 0.00025 KL
    "conv-64": {
        "encoder": "; ".join(f"conv {c} 3x3/2 {BN}" for c in (32, 64, 128, 256, 512)),
        "decoder": "dense 2048; reshape 2x2x512; " + "; ".join(f"deconv {c} 3x3/2 {BN}" for c in (256, 128, 64, 32, 32)),
        "latent": 128, "shape": (64, 64, 3), "likelihood": "squared"},
}


def arguments(name):
    """A network as arguments of bench_step."""
    n = NETWORKS[name]
    words = [f"{key}={n[key]}" for key in ("encoder", "decoder", "latent", "likelihood")]
    if n["likelihood"] == "squared":
        words += ["output=tanh", "range=symmetric", "reduction=mean", "beta=0.00025"]
    return words + ["shape=" + "x".join(map(str, n["shape"]))]
