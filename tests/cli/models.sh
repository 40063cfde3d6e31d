# What is done with a model: evaluate, sample, reconstruct, encode, decode, info, graph.
. "$CLI_TESTS/lib.sh"

run train toy --epochs 5 --quiet --out m
expect_rc 0

run evaluate m toy
expect_rc 0
expect_out '^total +[0-9]'
run evaluate m toy --part all
expect_rc 0
run evaluate m toy --squared-error
expect_out '^error +[0-9.]+ squared; the mean example'
run evaluate m/last.safetensors toy
expect_rc 0

run sample m
expect_rc 0
expect_err '^wrote samples.png: 64 examples$'
expect_png samples.png
cp samples.png first.png
run sample m --seed 1
expect_same samples.png first.png
run sample m --seed 2
! cmp -s samples.png first.png || fail 'expected other samples with another seed'
run sample m --n 3 --out three.npy --quiet
expect_silence
expect_npy three.npy
run sample m --n 7 --out seven.npy --quiet
[ "$(tail -c 60 three.npy | cksum)" = "$(tail -c 140 seven.npy | head -c 60 | cksum)" ] ||
    fail 'expected the first 3 of 7 samples to be the 3'

run reconstruct m toy --n 10
expect_rc 0
expect_png reconstructions.png
run reconstruct m toy --n 0 --part all --out all.npy
expect_rc 0
expect_err '100 examples'
expect_npy all.npy

run encode m toy --part all
expect_rc 0
expect_out '^index,label,'
expect_lines 101
run encode m toy --part all --out codes.npy --std widths.npy
expect_rc 0
expect_npy codes.npy
expect_npy widths.npy

# decoding the codes is reconstructing
run decode m codes.npy --out decoded.npy
expect_rc 0
expect_same decoded.npy all.npy
run decode m codes.npy --n 9
expect_rc 0
expect_png decoded.png

run info m
expect_rc 0
expect_out '^family +vae$'
expect_out '^parameters +[0-9,]+$'
expect_out '^trained +[0-9]+ epochs'
for what in layers graph plan; do
    run graph m --what $what
    expect_rc 0
    [ -s stdout ] || fail "expected a text"
done

# the graph's reader may go away
"$ELBO" graph m 2>stderr | head -n 1 >stdout
[ ! -s stderr ] || fail 'expected no complaint about a reader that has gone'

# what doesn't fit
run evaluate m sprites
expect_rc 7
expect_err '64x64x1'
run decode m all.npy
expect_rc 7
run evaluate nowhere toy
expect_rc 5
expect_err 'nowhere'
run evaluate m tyo
expect_rc 2
expect_err 'toy'
echo nonsense >bad.safetensors
run info bad.safetensors
expect_rc 3
expect_err 'bad.safetensors'
run sample m --out nowhere/x.png
expect_rc 5
expect_err 'nowhere/x.png'
if [ -w /dev/full ]; then
    "$ELBO" info m >/dev/full 2>stderr
    [ $? -eq 5 ] || fail 'expected exit code 5 with a full disk'
fi

# weights of another program, and elbo's own
weights=$CLI_TESTS/../golden/mlp.safetensors
run import "$weights" --preset pytorch-examples --shape 3x4x2 --encoder 'dense 7 relu' --decoder 'dense 6 relu' --latent 5
expect_rc 0
expect_out '^imported.safetensors$'
run sample imported.safetensors --n 2 --out two.npy
expect_rc 0
run import "$weights" --preset pytorch-examples --out none.safetensors
expect_rc 3
expect_err 'fc1.bias, for encoder.0.bias: got F32 \[7\], expected floats \[400\]'
expect_no_file none.safetensors
run import "$weights" --shape 3x4
expect_rc 2
expect_err '3x4.*28x28x1'
run import m/best.safetensors --shape 1x1x5 --json
expect_rc 0
expect_json
expect_key model shape parameters

finish
