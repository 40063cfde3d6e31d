#!/bin/sh
# demo.sh - trains a variational autoencoder on Fashion-MNIST, from nothing to pictures in a few minutes: installs what is
# missing, builds elbo, trains, evaluates. Arguments are passed on to `elbo train`:
#
#     ./demo.sh --latent 2 --epochs 5
#
# Each demo has a run directory of its own: runs/demo, runs/demo-2, ...
set -eu
cd "$(dirname "$0")"

say() {
    printf '%s\n' "$*" >&2
}

fresh_run() { # the first of runs/demo, runs/demo-2, ... that is free
    run=runs/demo
    n=2
    while [ -e "$run" ]; do
        run=runs/demo-$n
        n=$((n + 1))
    done
}

build() {
    cmake -B build -DCMAKE_BUILD_TYPE=Release && cmake --build build --target elbo_command -j "$(getconf _NPROCESSORS_ONLN)"
}

scripts/setup demo
mkdir -p build runs
say 'building elbo ...'
build >build/demo.log 2>&1 || { tail -n 30 build/demo.log >&2 && say 'The build failed; all of it is in build/demo.log.' && exit 1; }

elbo=build/elbo
fresh_run
if $elbo data fashion-mnist >/dev/null 2>&1; then
    data=fashion-mnist epochs=10
else
    data=sprites epochs=1 # 737,280 pictures of 64x64: a small network sees enough of them in one epoch
    set -- --encoder 'dense 128 relu' --decoder 'dense 128 relu' --batch 512 "$@"
    say 'Fashion-MNIST is not on this machine (Debian has it as the package dataset-fashion-mnist; `elbo data fashion-mnist`'
    say 'says where it is looked for), so the demo trains on the built-in data set "sprites" instead.'
fi

$elbo train $data --out "$run" --epochs $epochs "$@"
$elbo evaluate "$run" $data

say ''
say "The run is in $run:"
ls -d "$run"/*.png "$run"/pictures 2>/dev/null | sed 's/^/    /' >&2 || true
say "Go on with it:"
say "    $elbo info $run"
say "    $elbo sample $run"
say "    $elbo reconstruct $run $data"
