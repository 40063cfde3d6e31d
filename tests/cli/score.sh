# score: the loss of single examples, and what it finds.
. "$CLI_TESTS/lib.sh"

# rows SEED N LABEL SHIFT: lines of a table whose numbers lie around SHIFT.
rows()
{
    awk -v seed="$1" -v n="$2" -v label="$3" -v shift="$4" 'BEGIN { srand(seed); for (i = 0; i < n; i++) {
        for (j = 0; j < 4; j++) printf "%.5f,", shift + rand() + rand(); print label } }'
}
{
    echo a,b,c,d,label
    rows 1 300 0 0
} >normal.csv
{
    echo a,b,c,d,label
    rows 2 60 0 0
    rows 3 40 1 1.2
} >mixed.csv

run train normal.csv --label-column label --likelihood gaussian --latent 2 --epochs 20 --out m --quiet --no-pictures
expect_rc 0

# ---- lines ----

run score m mixed.csv --part all
expect_rc 0
expect_silence
expect_lines 101
expect_out '^index,score,rec,kl,label$'
cp stdout lines
awk -F, 'NR > 1 { d = $2 - $3 - $4; if (d * d > 1e-8 || $1 != NR - 2 || $5 != (NR > 61)) exit 1 }' lines ||
    fail 'expected score = rec + kl, in the order of the table'
run evaluate m mixed.csv --part all --json
awk -F, -v want="$(json_number total)" 'NR > 1 { sum += $2 } END { d = sum / 100 - want; exit d * d > 1e-6 }' lines ||
    fail 'expected the mean to be what evaluate gives'
run score m mixed.csv --part all --by kl
cut -d , -f 2,3 stdout | sed 1d >by_kl
cut -d , -f 4,3 lines | sed 1d | awk -F, '{ print $2 "," $1 }' >want
expect_same by_kl want
run score m mixed.csv --part all --samples 200 --csv averaged.csv
expect_no_out
! cmp -s lines averaged.csv || fail 'expected another score of more draws'
run score m mixed.csv --part all --samples 200 --threads 3
expect_same stdout averaged.csv

# ---- thresholds ----

run score m mixed.csv --part all --threshold-quantile 0.9 --reference normal.csv --reference-part all --gaussian
expect_rc 0
expect_out '^index,score,rec,kl,label,gaussian,flag$'
expect_err '^model: threshold [0-9.-]+; [0-9]+ of 100 flagged$'
expect_err '^Gaussian: threshold '
cp stdout flags
run score m normal.csv --part all --csv reference.csv
sed 1d reference.csv | cut -d , -f 2 | sort -g | awk '{ s[NR - 1] = $1 }
    END { at = 0.9 * 299; low = int(at); printf "%.9g\n", s[low] + (at - low) * (s[low + 1] - s[low]) }' >threshold
awk -F, -v t="$(cat threshold)" 'NR > 1 { if ($7 != ($2 > t)) exit 1; n += $7 } END { exit n < 10 }' flags ||
    fail "expected flags above $(cat threshold)"
run score m mixed.csv --part all --threshold-quantile 0.9 --reference normal.csv --reference-part all --json --quiet
expect_json
expect_lines 1
expect_silence
expect_key count mean threshold flagged by samples
awk -v a="$(json_number threshold)" -v b="$(cat threshold)" 'BEGIN { d = a - b; exit d * d > 1e-10 }' ||
    fail "expected the threshold $(cat threshold)"
[ "$(json_number flagged)" = "$(awk -F, 'NR > 1 { n += $7 } END { print n }' flags)" ] || fail 'expected as many flags'

# ---- ranking ----

run score m mixed.csv --part all --normal 0 --gaussian --json --histogram scores.svg
expect_json
expect_key auroc average_precision anomalies normal gaussian
grep -q '<svg' scores.svg || fail 'expected a chart'
# the share of pairs in which the anomaly scores higher
awk -F, 'NR > 1 { if ($5) a[++n] = $2; else b[++m] = $2 }
    END { for (i in a) for (j in b) w += a[i] > b[j] ? 1 : a[i] == b[j] ? 0.5 : 0; print w / n / m }' lines >auroc
sed 's/"gaussian": {[^}]*}//' stdout >summary
cp summary stdout
awk -v a="$(json_number auroc)" -v b="$(cat auroc)" 'BEGIN { exit !((a - b) ^ 2 < 1e-10 && a > 0.9) }' ||
    fail "expected an AUROC of $(cat auroc)"
run score m mixed.csv --part all --anomaly 1 --json
[ "$(json_number auroc)" = "$(sed 's/.*"auroc": \([0-9.]*\).*/\1/' summary)" ] || fail 'expected the same AUROC'
[ "$(json_number anomalies)" = 40 ] || fail 'expected 40 anomalies'
{
    echo a,b,c,d,label
    rows 3 40 1 1.2
} >others.csv
run score m normal.csv --part all --against others.csv --json --histogram scores.png
expect_rc 0
expect_png scores.png
[ "$(json_number anomalies)" = 40 ] && [ "$(json_number normal)" = 300 ] || fail 'expected 40 against 300'

# ---- what doesn't fit ----

run score m mixed.csv --normal 0 --anomaly 1
expect_rc 2
expect_err 'exclude each other'
for words in x 0, ,1 0,x; do
    run score m mixed.csv --normal "$words"
    expect_rc 2
    expect_err 'has 2 classes, "0" to "1", and no'
done
# names, whatever the order in which the model numbers them
{
    echo a,b,c,d,label
    rows 1 300 good 0
} >named.csv
{
    echo a,b,c,d,label
    rows 2 60 good 0
    rows 3 40 bad 1.2
} >both.csv
run train named.csv --label-column label --likelihood gaussian --latent 2 --epochs 20 --out named --quiet --no-pictures
run score named both.csv --part all --anomaly bad --json
[ "$(json_number anomalies)" = 40 ] || fail 'expected the 40 bad ones to be the anomalies'
awk -v a="$(json_number auroc)" 'BEGIN { exit !(a > 0.9) }' || fail 'expected them to score higher'
run score named both.csv --part all --normal good --json
[ "$(json_number anomalies)" = 40 ] || fail 'expected the same'
run score named both.csv --anomaly 1
expect_rc 2
expect_err '"good" to "bad", and no "1"'
run score m toy
expect_rc 7
run score m mixed.csv --threshold-quantile 1.5
expect_rc 2
run score m mixed.csv --histogram x.jpg
expect_rc 2
expect_err '.png or .svg'
run score m mixed.csv --csv nowhere/x.csv
expect_rc 5
expect_err 'nowhere/x.csv'
run train toy --epochs 1 --quiet --out bits
run score bits toy --normal 0
expect_rc 2
expect_err 'toy has no labels'

finish
