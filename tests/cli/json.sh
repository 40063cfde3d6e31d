# --json: one line a program can read.
. "$CLI_TESTS/lib.sh"

run train toy --epochs 2 --json --out m
expect_rc 0
expect_json
expect_lines 1
expect_key run family epoch step seconds train valid rec kl total

run evaluate m toy --json
expect_rc 0
expect_silence
expect_json
expect_lines 1
expect_key rec kl total active count
awk "BEGIN { d = $(json_number rec) + $(json_number kl) - ($(json_number total)); exit !(d * d < 1e-6) }" ||
    fail 'expected total = rec + kl'

run info m --json
expect_json
expect_key family shape min max parameters latent_size latents step epoch options
run sample m --json --quiet
expect_json
expect_key out count shape
expect_silence
run reconstruct m toy --json --quiet
expect_json
run encode m toy --n 3 --json
expect_json
expect_lines 3
expect_key index label mean std
run encode m toy --n 3 --out codes.npy --json
expect_json
expect_lines 1
run decode m codes.npy --json
expect_json
run graph m --json --what layers
expect_json
expect_key what text
run data --json
expect_json
expect_key name summary how_to_get
run data toy --json --picture toy.png
expect_json
expect_lines 1
expect_key name path count shape min max binary mean classes
[ "$(json_number count)" = 100 ] || fail 'expected 100 rows of toy'
expect_png toy.png

finish
