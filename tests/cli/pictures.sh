# Pictures of what a model has learned: interpolate.
. "$CLI_TESTS/lib.sh"

# numbers FILE COLUMNS: the values of a .npy file of floats, so many a line.
numbers() { tail -c +129 "$1" | od -An -v -tf4 -w"$((4 * $2))"; }

# A decoder without hidden layers: what is decoded is a linear function of the code.
run train toy --epochs 20 --encoder 'dense 8 tanh' --decoder '' --likelihood gaussian --latent 3 --quiet --out linear
expect_rc 0

# ---- interpolate ----

run interpolate linear toy
expect_rc 0
expect_err '^wrote interpolations.png: 60 examples$'
expect_png interpolations.png
run interpolate linear toy --n 2 --steps 4 --animation moving.png --out i.npy --json --quiet
expect_json
expect_key out count shape
expect_silence
expect_png moving.png
grep -q acTL moving.png || fail 'expected an animation'
run reconstruct linear toy --n 4 --out r.npy
numbers i.npy 5 | sed -n '2p;5p;8p;11p' >ends
numbers r.npy 5 >reconstructed
expect_same ends reconstructed
run data toy --part test --picture x.npy --n 4
numbers i.npy 5 | sed -n '1p;6p;7p;12p' >ends
numbers x.npy 5 >originals
expect_same ends originals

# along the straight line: equal steps
numbers i.npy 5 | awk 'NR >= 2 && NR <= 5 { for (j = 1; j <= 5; j++) x[NR, j] = $j }
    END { for (j = 1; j <= 5; j++) for (k = 3; k <= 4; k++) {
        d = x[k + 1, j] - 2 * x[k, j] + x[k - 1, j]; if (d * d > 1e-11) exit 1 } }' || fail 'expected equal steps'

# along the great circle: x = w0 a + w1 b + (1 - w0 - w1) c, with c, the code 0 decoded, from the middle of the way
run encode linear toy --n 4
sed -n '2p;5p' stdout | tr ',' ' ' >codes
run interpolate linear toy --from 0 --to 3 --steps 5 --spherical --out s.npy
expect_rc 0
numbers s.npy 5 | cat codes - | awk '
    NR <= 2 { for (j = 0; j < 3; j++) z[NR, j] = $(3 + j) }
    NR > 3 { for (j = 1; j <= 5; j++) x[NR - 4, j] = $j }
    END {
        for (j = 0; j < 3; j++) { aa += z[1, j] ^ 2; bb += z[2, j] ^ 2; ab += z[1, j] * z[2, j] }
        cosine = ab / sqrt(aa * bb); w = atan2(sqrt(1 - cosine ^ 2), cosine)
        for (k = 1; k < 4; k++) { p[k] = sin((1 - k / 4) * w) / sin(w); q[k] = sin(k / 4 * w) / sin(w) }
        for (j = 1; j <= 5; j++) {
            c = (x[2, j] - p[2] * x[0, j] - q[2] * x[4, j]) / (1 - p[2] - q[2])
            for (k = 1; k < 4; k += 2) {
                d = x[k, j] - p[k] * x[0, j] - q[k] * x[4, j] - (1 - p[k] - q[k]) * c
                if (d * d > 1e-10) exit 1
            }
        }
    }' || fail 'expected a great circle'

run interpolate linear toy --from 0
expect_rc 2
expect_err 'need each other'
run interpolate linear toy --from 0 --to 10
expect_rc 2
expect_err '10 examples'
run interpolate linear toy --animation x.npy
expect_rc 2
expect_err 'must end in .png \(a picture\)'

finish
