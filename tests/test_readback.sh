# elbo's files read by plain Python, which computes with a model's tensors what PyTorch would: tests/readback/read_model.py.
# ctest: slow
here=$(cd "$(dirname "$0")/readback" && pwd)
if ! python3 -c '' 2>/dev/null; then
    echo 'left out: python3 is missing'
    exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
cd "$work" || exit 1

# compare KIND ENCODER DECODER: a model trained a little, its best file and its checkpoint
compare()
{
    "$ELBO" train x.npy --encoder "$2" --decoder "$3" --latent 3 --likelihood gaussian --output sigmoid \
        --epochs 3 --batch 4 --quiet --out "$1" >/dev/null &&
        "$ELBO" encode "$1" x.npy --part all --out mean.npy --std std.npy --quiet &&
        "$ELBO" decode "$1" mean.npy --out y.npy --quiet || exit 1
    for file in best last; do
        python3 "$here/read_model.py" check "$1" "$1/$file.safetensors" x.npy mean.npy std.npy y.npy || exit 1
    done
}

python3 "$here/read_model.py" data x.npy || exit 1
compare dense 'dense 7 tanh' 'dense 6 relu'
compare conv 'conv 4 3x3/2 leaky_relu:0.2' 'dense auto; reshape auto; deconv 5 3x3/2 tanh; conv 3 3x3'
