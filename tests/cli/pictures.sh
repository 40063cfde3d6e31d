# Pictures of what a model has learned: interpolate, traverse, manifold, latent, impute.
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

# ---- traverse ----

run traverse linear toy --part all
expect_rc 0
expect_err '^wrote traversals.png: 33 examples$'
expect_png traversals.png
run traverse linear toy --steps 5 --range 2 --out t.npy --json --quiet
expect_json
expect_silence
expect_key out count shape rows name kl from to
tr '{' '\n' <stdout | sed -n 's/.*"kl": \([0-9.e-]*\).*/\1/p' >kl
[ "$(wc -l <kl)" = 3 ] || fail 'expected a KL for each of 3 numbers'
sort -rg kl | cmp -s - kl || fail 'expected the largest KL first'
# the middle of every row is what the prior's mean stands for, and a linear decoder takes equal steps
numbers t.npy 5 | awk '{ for (j = 1; j <= 5; j++) x[NR - 1, j] = $j }
    END { for (j = 1; j <= 5; j++) for (r = 0; r < 3; r++) {
        if (x[5 * r + 2, j] != x[2, j]) exit 1
        for (k = 1; k < 4; k++) {
            d = x[5 * r + k + 1, j] - 2 * x[5 * r + k, j] + x[5 * r + k - 1, j]; if (d * d > 1e-11) exit 1 } } }' ||
    fail 'expected equal steps around one middle'
run traverse linear toy --example 3 --n 1 --steps 2 --range 0 --out t.npy --quiet
expect_rc 0
run traverse linear --steps 3 --out t.npy
expect_rc 0
run traverse linear --example 3
expect_rc 2
expect_err 'example needs DATA'
run traverse linear toy --example 10
expect_rc 2
expect_err '10 examples'

# codes that are points go as far as those of the data do
run train toy --family ae --epochs 3 --latent 2 --quiet --out points
run encode points toy
cp stdout codes
run traverse points toy --range 1 --steps 2 --json
expect_json
tr '{' '\n' <stdout | sed -n 's/.*"from": \([0-9.e-]*\), "name": "z.0", "to": \([0-9.e-]*\).*/\1 \2/p' >ends
tr '{' '\n' <stdout | sed -n 's/.*"name": "z.0".*"from": \([0-9.e-]*\), "to": \([0-9.e-]*\).*/\1 \2/p' >>ends
awk -F, 'NR > 1 { n++; s += $3; q += $3 * $3 } END { m = s / n; d = sqrt(q / n - m * m); print m - d, m + d }' codes >want
paste -d ' ' ends want | awk '{ d = ($1 - $3) ^ 2 + ($2 - $4) ^ 2; if (NF != 4 || d > 1e-8) exit 1 }' ||
    fail "expected a standard deviation around the mean, $(cat want), got $(cat ends)"

# ---- manifold ----

# with a linear decoder, the corners are made of what each number does alone: Phi^-1(1/6) = -0.967421566101701
run traverse linear --range 0.967421566101701 --steps 3 --out t.npy --quiet
run manifold linear --latents 1,2 --side 3 --out grid.npy --json
expect_rc 0
expect_json
expect_key out count shape latents
expect_out '"latents": \["z.1", "z.2"\]'
numbers t.npy 5 >alone
numbers grid.npy 5 | cat alone - | awk '{ for (j = 1; j <= 5; j++) x[NR - 1, j] = $j }
    END { for (j = 1; j <= 5; j++) for (r = 0; r < 3; r++) for (k = 0; k < 3; k++) { # r counts from above
        d = x[9 + 3 * r + k, j] - (x[3 + k, j] + x[6 + 2 - r, j] - x[1, j]); if (d * d > 1e-11) exit 1 } }' ||
    fail 'expected z.1 to the right and z.2 up'
run manifold linear toy --side 4
expect_rc 0
expect_png manifold.png
run manifold points toy --side 2 --json
expect_out '"latents": \["z.0", "z.1"\]'
run manifold linear
expect_rc 2
expect_err 'codes of linear have 3 numbers: choose two'
for latents in 1 1,x 1,2,3 '1, 2 '; do
    run manifold linear --latents "$latents"
    expect_rc 2
    expect_err 'must be two numbers'
done
for latents in 1,1 0,3 -1,2; do
    run manifold linear "--latents=$latents"
    expect_rc 2
    expect_err 'two different numbers of 0 to 2'
done

# ---- latent ----

run latent points toy --csv points.csv
expect_rc 0
expect_err '^wrote latent.png$'
expect_png latent.png
[ "$(head -n 1 points.csv)" = model,index,label,x,y ] || fail 'expected a header'
cut -d , -f 2- points.csv | sed 1d >plane # of codes of two numbers, the codes
sed 1d codes >want
expect_same plane want
run latent linear toy --part all --latents 2,0 --csv points.csv --out l.svg
expect_rc 0
grep -q '<svg' l.svg || fail 'expected SVG'
run encode linear toy --part all
cut -d , -f 3- stdout | sed 1d | awk -F, '{ print $3 "," $1 }' >want
cut -d , -f 4- points.csv | sed 1d >plane
expect_same plane want

# principal components: without a mean or a covariance, and of the variances and shares told
run latent linear toy --part all --n 0 --csv points.csv --json
expect_json
expect_lines 1
expect_key out panels model count axes share
sed -n 's/.*"share": \[\([0-9.]*\), \([0-9.]*\)\].*/\1 \2/p' stdout >shares
run encode linear toy --part all
cut -d , -f 3- stdout | sed 1d | tr ',' ' ' | cat shares - | awk 'NR == 1 { a = $1; b = $2; next }
    { n++; for (j = 1; j <= 3; j++) { s[j] += $j; q[j] += $j * $j } }
    END { for (j = 1; j <= 3; j++) t += q[j] / n - (s[j] / n) ^ 2; print a * t, b * t }' >variances
cut -d , -f 4- points.csv | sed 1d | tr ',' ' ' | cat variances - | awk 'NR == 1 { va = $1; vb = $2; next }
    { n++; x += $1; y += $2; xx += $1 * $1; yy += $2 * $2; xy += $1 * $2 }
    END { if (va < vb || x * x + y * y > 1e-6 || xy * xy > 1e-6) exit 1
          d = (xx / n / va - 1) ^ 2 + (yy / n / vb - 1) ^ 2; if (d > 1e-8) exit 1 }' || fail 'expected principal components'

run latent linear points toy --out both.png --json
expect_rc 0
expect_png both.png
expect_out '"model": "points"'
run latent linear toy --latents 0,3
expect_rc 2
expect_err '0 to 2'
run latent linear toy --out x.npy
expect_rc 2
expect_err '.png or .svg'
run latent linear
expect_rc 2
expect_err 'DATA is missing'
run latent linear points sprites
expect_rc 7

# ---- impute ----

run impute linear toy --mask left --n 4
expect_rc 0
expect_err '^mean squared error [0-9.]+ of what was hidden'
expect_png imputed.png
run impute linear toy --mask right --n 4 --out filled.npy --json --quiet
expect_json
expect_key out count shape mask hidden rounds mse mse_of_mean
expect_silence
[ "$(json_number hidden)" = 0.4 ] || fail 'expected 2 of 5 numbers hidden'
mse=$(json_number mse)
numbers filled.npy 5 | paste -d ' ' originals - >both # originals: the first 4 of the test part
awk -v mse="$mse" '{ for (j = 1; j <= 3; j++) if ($j != $(j + 5)) exit 1
    for (j = 4; j <= 5; j++) sum += ($j - $(j + 5)) ^ 2 } END { d = sum / 8 - mse; exit d * d > 1e-12 }' both ||
    fail "expected what is known as it is, and an error of $mse"
cp filled.npy before.npy
run impute linear toy --mask right --n 4 --out filled.npy --threads 3
expect_same filled.npy before.npy
run impute linear toy --mask random:0.5 --n 0 --part all --json
awk -v h="$(json_number hidden)" 'BEGIN { exit !(h > 0.4 && h < 0.6) }' || fail 'expected about half of it hidden'
run impute linear toy --mask x.npy # as many numbers as 4 examples
expect_rc 7
expect_err 'has 20 numbers, but an example has 5'
run data toy --part all --picture one.npy --n 1
run impute linear toy --mask one.npy --json
expect_rc 0
run impute linear toy --mask missing
expect_rc 2
expect_err 'hides nothing'
for mask in random: random:2 random:x; do
    run impute linear toy --mask $mask
    expect_rc 2
    expect_err 'a chance of 0 to 1'
done
run impute linear toy --mask nonsense
expect_rc 2
expect_err 'nonsense'

finish
