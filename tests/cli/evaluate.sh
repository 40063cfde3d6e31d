# evaluate: every figure beside the loss, against what encode and reconstruct give.
. "$CLI_TESTS/lib.sh"

# numbers FILE COLUMNS: the values of a .npy file of floats, so many a line.
numbers() { tail -c +129 "$1" | od -An -v -tf4 -w"$((4 * $2))"; }

run train toy --epochs 20 --latent 3 --quiet --out m --no-pictures
expect_rc 0

run evaluate m toy --part all --json
cp stdout plain
expect_lines 1
! grep -Eq 'bits|mse|dimensions|book|nll' plain || fail 'expected nothing that was not asked for'

run evaluate m toy --part all --dimensions
expect_out '^number +kl +mean +variance$'
run evaluate m toy --part all --dimensions --json
expect_json
expect_key dimensions name variance
kl=$(sed 's/.*"kl": \([0-9.e-]*\), "total".*/\1/' plain)
tr '{' '\n' <stdout | sed -n 's/.*"name": "z.[0-9]*", "kl": \([0-9.e-]*\),.*/\1/p' >each
awk -v kl="$kl" '{ if (NR > 1 && $1 > before) exit 1; before = $1; sum += $1; n++ }
    END { d = sum - kl; exit !(n == 3 && d * d < 1e-8) }' each || fail "expected KLs, the largest first, that add up to $kl"
[ "$(grep -o '"active": true' stdout | wc -l)" = "$(sed 's/.*"active": \([0-9]*\),.*/\1/' plain)" ] ||
    fail 'expected as many active numbers'

run evaluate m toy --part all --quality --squared-error --json
expect_json
expect_key mse psnr ssim squared_error
expect_out '"ssim": null'
mse=$(json_number mse)
psnr=$(json_number psnr)
run reconstruct m toy --part all --n 0 --out r.npy
run data toy --picture x.npy --n 0
numbers x.npy 5 >x
numbers r.npy 5 | paste -d ' ' x - | awk -v mse="$mse" -v psnr="$psnr" '
    { e = 0; for (j = 1; j <= 5; j++) e += ($j - $(j + 5)) ^ 2; sum += e / 5; db -= 10 * log(e / 5) / log(10) }
    END { a = sum / NR - mse; b = db / NR - psnr; exit !(a * a < 1e-12 && b * b < 1e-8) }' || fail "expected other errors"
run evaluate m toy --quality
expect_out '^ssim +- '

# bits are nats over numbers and log 2
run evaluate m toy --part all --bits --nll 10 --json
expect_key bits nll_bits
awk -v r="$(json_number rec)" -v k="$kl" -v b="$(json_number bits)" -v n="$(json_number nll)" -v nb="$(json_number nll_bits)" \
    'BEGIN { x = (r + k) / 5 / log(2) - b; y = n / 5 / log(2) - nb; exit !(x * x < 1e-10 && y * y < 1e-10) }' ||
    fail 'expected bits of the bound and of the likelihood'
run train toy --family ae --epochs 1 --quiet --out points
run evaluate points toy --bits
expect_rc 2
expect_err 'no prior of codes'

# the vectors of a book, counted in the codes
run evaluate m toy --book
expect_rc 2
expect_err 'no book'
run train toy --family vq --latent 6 --code-size 2 --codes 7 --epochs 20 --quiet --out book
expect_rc 0
run evaluate book toy --part all --book --json
expect_json
expect_key codes used perplexity
sed 's/.*"book": {"codes": \([0-9]*\), "used": \([0-9]*\), "perplexity": \([0-9.]*\)}.*/\1 \2 \3/' stdout >told
run encode book toy --part all
sed 1d stdout | awk -F, '{ for (j = 3; j <= 8; j += 2) print $j "," $(j + 1) }' | sort | uniq -c |
    awk '{ n++; c[n] = $1; t += $1 } END { for (i in c) h -= c[i] / t * log(c[i] / t); print 7, n, exp(h) }' >counted
paste -d ' ' told counted | awk '{ d = $3 - $6; exit !($1 == $4 && $2 == $5 && d * d < 1e-6) }' ||
    fail "expected a book of $(cat counted), got $(cat told)"

finish
