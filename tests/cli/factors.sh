# elbo factors: a table, a heat map, JSON; data without factors are refused.
. "$CLI_TESTS/lib.sh"

run train sprites --epochs 0 --encoder 'dense 8 relu' --decoder 'dense 8 relu' --latent 3 --no-pictures --quiet --out s
expect_rc 0
run factors s sprites --n 300
expect_rc 0
expect_out '^share +shape +scale +rotation +x +y$'
expect_out '^z\.2 '
expect_out '^mig +[0-9.]+$'
expect_png factors.png
cp factors.png first.png
run factors s sprites --n 300 --json --quiet
expect_rc 0
expect_silence
expect_json
expect_lines 1
expect_key mig factors information bins count out
expect_same factors.png first.png
run factors s sprites --n 300 --out factors.npy
expect_rc 2

run train toy --epochs 1 --quiet --no-pictures --out t
run factors t toy
expect_rc 2
expect_err 'has neither factors nor labels'

finish
