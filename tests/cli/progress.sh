# What training says while it works.
. "$CLI_TESTS/lib.sh"

# elsewhere than on a terminal: a line for every epoch, and nothing that rewrites
run train toy --epochs 3 --no-pictures
expect_rc 0
lines=$(grep -Ec '^epoch [123]/3  train rec [0-9.]+ kl [0-9.]+ total ' stderr)
[ "$lines" -eq 3 ] || fail "expected 3 lines of epochs, got $lines"
! grep -q "$(printf '\r')" stderr || fail 'expected no carriage return'
expect_out '^runs/toy-vae$'

run train toy --epochs 3 --no-pictures --quiet
expect_silence
expect_out '^runs/toy-vae-2$'

# what a family has beside the loss is told too
run train toy --family vq --latent 4 --codes 8 --epochs 1 --no-pictures
expect_err '^epoch 1/1  train rec .* perplexity [0-9.]+  valid rec .* perplexity [0-9.]+  active'

# on a terminal: also a line that is rewritten in place and never as wide as the terminal
if script -qec true /dev/null >/dev/null 2>&1; then # there is one, and there are terminals to be had
    : >stderr
    typed="stty cols 60; '$ELBO' train toy --epochs 100 --no-pictures --out long"
    TERM=xterm script -qec "$typed" /dev/null >stdout 2>&1 </dev/null
    tr '\r' '\n' <stdout | grep 'ETA' >live
    [ -s live ] || fail 'expected a live line'
    esc=$(printf '\033')
    sed "s/$esc\[K//g" live | awk 'length($0) > 59 { exit 1 }' || fail 'expected lines of less than 60 columns'
    grep -Eo 'epoch +100/100  (train total|valid total) .*' stdout >last || fail 'expected the lasting line to be cut down'
    tr -d '\r' <last | awk 'length($0) > 59 { exit 1 }' || fail 'expected a lasting line of less than 60 columns'
    : >stdout
fi

finish
