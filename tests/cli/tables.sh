# Tables from a CSV file to rows of samples: what elbo data shows, defaults that suit, names and units on the way out.
. "$CLI_TESTS/lib.sh"

awk 'BEGIN {
    print "id,size,n,\"hair, or none\",species"
    for (i = 1; i <= 60; i++)
        printf "%d,%s,%d,%s,%s\n", i, i % 7 ? 500 + 40 * (i % 11) : "NA", i % 4, i % 3 ? "red" : i % 2 ? "grey" : "blue",
            i % 2 ? "cat" : "dog"
}' >rows.csv

run data rows.csv
expect_rc 0
expect_out '^labels +species, 2 classes: cat, dog$'
expect_out '^id: numbers the rows; '
expect_out '^size +real +8 '
expect_out '^n +count +0 '
expect_out '^hair, or none +categorical +0 blue 10, grey 10, red 40$'
run data rows.csv --json
expect_out '"class_names": \["cat", "dog"\]'
expect_out '"name": "n", "kind": "count", "missing": 0, "mean": 1\.5'

run train rows.csv --epochs 3 --no-pictures --out m
expect_rc 0
expect_err '^rows.csv: as nothing else is asked for, likelihood columns, variance per-dimension, data-bias true, latent 2, '
expect_err '^rows.csv: 49 examples of 1x1x3 for training, 5 for validation$'
run train rows.csv --resume m --epochs 4 --no-pictures
expect_rc 0

run sample m --n 5
expect_rc 0
expect_err '^wrote samples.csv: 5 examples$'
[ "$(head -1 samples.csv)" = 'size,n,"hair, or none"' ] || fail 'expected the names of the columns'
[ "$(wc -l <samples.csv)" = 6 ] || fail 'expected 5 rows'
awk -F, 'NR > 1 && ($1 < 100 || $1 > 1500 || $3 !~ /^(red|grey|blue)$/) { exit 1 }' samples.csv ||
    fail 'expected sizes in units of the table, and words'
run reconstruct m rows.csv --n 2 --out back.csv
expect_rc 0
expect_err '^wrote back.csv: 2 examples$'
run sample m --out samples.npy
expect_npy samples.npy
run evaluate m rows.csv --json
expect_rc 0

# other columns in another order are found by name
printf 'hair,n,size\nred,1,700\n' >renamed.csv
run evaluate m renamed.csv --part all
expect_rc 2
expect_err 'has no column "hair, or none", which the model was trained on'
printf 'more,"hair, or none",n,size\nx,grey,1,700\ny,pink,1,\n' >more.csv
run encode m more.csv --part all
expect_rc 3
expect_err 'line 3, column 2: "pink" is none of the 3 values of hair, or none'

run train rows.csv --columns 'n=real' --ignore 'hair, or none' --label-column none --epochs 1 --out other
expect_rc 2
expect_err 'option ignore: rows.csv has no column "hair"'
run train rows.csv --ignore 4 --label-column none --epochs 1 --no-pictures --out other
expect_rc 0
run train toy --epochs 1 --no-pictures --out t
run sample t --out t.csv
expect_rc 2
expect_err 'the examples of the model are no rows of a table'

finish
