# Run directories: default names, nothing overwritten unless told, options from a file, resuming.
. "$CLI_TESTS/lib.sh"

run train toy --epochs 2 --quiet
expect_rc 0
expect_silence
expect_out '^runs/toy-vae$'
expect_file runs/toy-vae/last.safetensors
expect_file runs/toy-vae/best.safetensors

run train toy --epochs 1 --quiet --no-pictures --no-validation
expect_rc 0
expect_out '^runs/toy-vae-2$'
[ -z "$(find runs/toy-vae-2 -name '*.png')" ] || fail 'expected no pictures'
run train toy --epochs 1 --quiet
expect_out '^runs/toy-vae-3$'

# not overwritten unless told
cp runs/toy-vae/last.safetensors before
run train toy --epochs 1 --out runs/toy-vae
expect_rc 2
expect_err 'overwrite'
expect_same before runs/toy-vae/last.safetensors
run train toy --epochs 1 --out runs/toy-vae --overwrite --seed 7 --quiet
expect_rc 0
! cmp -s before runs/toy-vae/last.safetensors || fail 'expected another checkpoint'


# metrics as other programs read them
run train toy --epochs 2 --tensorboard --out watched --quiet
expect_file watched/tensorboard/valid/events.out.tfevents.elbo
[ "$(wc -l <watched/metrics.csv)" -eq 3 ] || fail 'expected a line of names and two of epochs in metrics.csv'
run train toy --epochs 1 --out watched --overwrite --quiet
expect_rc 0
expect_no_file watched/tensorboard

# and then nothing but a run
echo precious >runs/toy-vae/mine
run train toy --epochs 1 --out runs/toy-vae --overwrite
expect_rc 2
expect_err 'mine'
expect_file runs/toy-vae/mine
expect_file runs/toy-vae/last.safetensors
mkdir folder && echo precious >folder/notes.txt
run train toy --epochs 1 --out folder --overwrite
expect_rc 2
expect_file folder/notes.txt
echo precious >file
run train toy --epochs 1 --out file --overwrite
expect_rc 2
expect_file file
mkdir empty
run train toy --epochs 1 --out empty --quiet
expect_rc 0
expect_file empty/last.safetensors

# options from a file; flags rule over them
printf '# a comment\nepochs = 2\nseed = 5\n' >conf
run train toy --config conf --epochs 1 --out configured --quiet
expect_rc 0
run train toy --epochs 1 --seed 5 --out typed --quiet
expect_same configured/last.safetensors typed/last.safetensors

# a run in two parts is the run in one
run train toy --epochs 4 --seed 3 --out whole --quiet
run train toy --epochs 2 --seed 3 --out parts --quiet
run train toy --resume parts --epochs 4 --quiet
expect_rc 0
expect_out '^parts$'
run info parts/last.safetensors --json
[ "$(json_number epoch)" = 4 ] || fail 'expected epoch 4'
expect_same whole/last.safetensors parts/last.safetensors

# a run goes on with its own options only
run train toy --resume parts --seed 4
expect_rc 7

# a run without a validation part goes on without one
run train toy --epochs 1 --no-validation --out bare --quiet
run train toy --resume bare --epochs 2 --quiet
expect_rc 0
run train toy --resume parts --no-validation
expect_rc 7

# one thread or three: the same bytes
run train toy --epochs 4 --seed 3 --out one --threads 1 --quiet
run train toy --epochs 4 --seed 3 --out three --threads=3 --quiet
expect_same one/last.safetensors three/last.safetensors
expect_same one/last.safetensors whole/last.safetensors

finish
