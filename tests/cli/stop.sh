# SIGINT and SIGTERM: the run stops, is saved, and goes on to the same bytes.
. "$CLI_TESTS/lib.sh"

# interrupt SIGNAL DIR ARGUMENTS...: trains for a second, then sends the signal; leaves rc. The training is no
# background job of this shell: there SIGINT would be ignored.
interrupt()
{
    signal=$1
    dir=$2
    shift 2
    line="elbo train toy --out $dir $*, stopped by $signal"
    : >stdout
    timeout --foreground --preserve-status -k 20 -s "$signal" 1 "$ELBO" train toy --out "$dir" "$@" 2>stderr >stdout
    rc=$?
}

if ! command -v timeout >/dev/null 2>&1; then
    echo 'skipped: there is no timeout'
    exit 0
fi

interrupt INT a --epochs 1000000 --no-pictures
expect_rc 130
expect_no_out
expect_err 'go on with: elbo train toy --resume a --epochs 1000000$'
expect_file a/last.safetensors
interrupt TERM 'b c' --epochs 1000000 --no-pictures
expect_rc 143
expect_err "go on with: elbo train toy --resume 'b c' --epochs 1000000\$"
interrupt TERM quiet --epochs 1000000 --no-pictures --quiet
expect_rc 143
expect_silence

# a second signal leaves at once: both wait while the process is held, and come together
if env --default-signal=INT true 2>/dev/null; then
    line='elbo train toy, stopped by two signals'
    env --default-signal=INT "$ELBO" train toy --epochs 1000000 --no-pictures --out twice >stdout 2>stderr &
    child=$!
    while ! grep -q '^epoch  *2/' stderr && kill -0 $child; do sleep 0.1; done
    kill -STOP $child
    kill -INT $child
    kill -TERM $child
    kill -CONT $child
    wait $child
    rc=$?
    [ "$rc" = 130 ] || [ "$rc" = 143 ] || fail "expected exit code 130 or 143, got $rc"
    ! grep -q 'go on with' stderr || fail 'expected to leave at once'
fi

# an interrupted run and one that was never interrupted: of as many epochs as take a few seconds here
epochs=50
seconds=0
while [ $seconds -lt 3 ]; do
    epochs=$((epochs * 3))
    rm -rf whole
    start=$(date +%s)
    run train toy --epochs $epochs --out whole --no-pictures --quiet
    expect_rc 0
    seconds=$(($(date +%s) - start))
    [ "$rc" = 0 ] || break
done
interrupt INT parts --epochs $epochs --no-pictures
expect_rc 130
run train toy --resume parts --no-pictures --quiet # with the options of the run
expect_rc 0
expect_same whole/last.safetensors parts/last.safetensors
expect_same whole/best.safetensors parts/best.safetensors

finish
