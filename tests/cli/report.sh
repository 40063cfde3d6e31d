# The page about a run, and that the command on it makes the run again.
. "$CLI_TESTS/lib.sh"

without_time() { sed '/^<div id="time">/d' "$1/report.html"; }

run train toy --epochs 3 --latent 3 --encoder 'dense 9 relu' --no-flip --out a --quiet
expect_rc 0
expect_file a/report.html
grep -q '<h2>Learning curves</h2>' a/report.html || fail 'expected curves'

# equal runs have equal pages but for the line with the time; made later, the page is the same
run train toy --epochs 3 --latent 3 --encoder 'dense 9 relu' --out b --quiet
without_time a >page-a
without_time b >page-b
expect_same page-a page-b
run report b
expect_rc 0
expect_out '^b/report.html$'
without_time b >page-b
expect_same page-a page-b

# the command makes it again
command=$(sed -n 's/^<pre>elbo \(.*\)<\/pre>$/\1/p' a/report.html | sed "s/&#39;/'/g")
line="elbo $command"
eval "\"\$ELBO\" $command --out c --quiet" >stdout 2>stderr
expect_same a/best.safetensors c/best.safetensors
without_time c >page-c
expect_same page-a page-c

run report a toy --part test --out page.html --json
expect_rc 0
expect_json
expect_key out
expect_file page.html
run train toy --epochs 1 --no-pictures --out d --quiet
expect_no_file d/report.html
run report d --quiet
expect_rc 0
expect_file d/report.html
run train toy --epochs 1 --out d --overwrite --quiet
expect_rc 0
mkdir empty
run report empty
expect_rc 2
expect_err 'no run to report on'
run report a sprites
expect_rc 2
expect_err '64x64x1'

finish
