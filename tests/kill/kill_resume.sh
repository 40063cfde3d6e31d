#!/bin/sh
# kill_resume.sh ELBO [KILLS [LOG]] - kills `elbo train` with SIGKILL at random moments, resumes it, and compares the whole
# run directory, byte by byte, with that of a run nobody disturbed (lib.sh says what may differ).
#
# A trial is a run that is killed one to three times and then finished; its moments follow from its number, and every other one
# computes in bf16. KILLS (default 4) is how many kills there are at least. LOG keeps the trials that went well, so that a long
# campaign can be stopped and gone on with.
ELBO=${1:?usage: kill_resume.sh ELBO [KILLS [LOG]]}
KILLS=${2:-4}
LOG=${3:-}
. "$(dirname "$0")/lib.sh"
case $LOG in
'') LOG=$work/log ;;
/*) ;;
*) LOG=$from/$LOG ;;
esac
touch "$LOG" || exit 1

options='--epochs 30 --batch 40 --latent 4 --rescue lower-rate --optimizer rmsprop --momentum 0.9 --ema 0.99
    --schedule plateau --drop-patience 0 --shards 3'
encoder='dense 32 relu; dropout 0.1'

# train_into DIR PRECISION: begins the run, or goes on with it. A run that was killed before it wrote its configuration has
# nothing.
train_into()
{
    if [ -e "$1/config.toml" ]; then
        exec "$ELBO" train data-idx3-ubyte --resume "$1"
    fi
    rm -rf "$1"
    # shellcheck disable=SC2086
    exec "$ELBO" train data-idx3-ubyte --out "$1" $options --encoder "$encoder" --precision "$2"
}

# seconds TRIAL KILL: a random time of up to a whole run
seconds() { awk -v seed="$1$2" -v most="$whole_ms" 'BEGIN { srand(seed); rand(); printf "%.3f", rand() * most / 1000 }'; }

now_ms() { date +%s%N | cut -c1-13; }

start=$(now_ms)
for precision in fp32 bf16; do
    (train_into whole-$precision $precision) >out 2>&1 || { cat out; exit 1; }
done
whole_ms=$((($(now_ms) - start) / 2))
killed=$(awk '{ n += $2 } END { print n + 0 }' "$LOG")
trial=$(wc -l <"$LOG")
while [ "$killed" -lt "$KILLS" ]; do
    trial=$((trial + 1))
    here=0
    precision=fp32
    [ $((trial % 2)) -eq 1 ] || precision=bf16
    rm -rf run
    for kill in 1 2 3; do
        [ "$kill" -le $((1 + trial % 3)) ] || break
        (train_into run $precision) >out 2>&1 &
        pid=$!
        sleep "$(seconds "$trial" "$kill")"
        kill -9 $pid 2>/dev/null
        wait $pid 2>/dev/null
        rc=$?
        [ $rc -eq 137 ] || [ $rc -eq 0 ] || { cat out; echo "trial $trial: exit code $rc"; exit 1; }
        [ $rc -eq 137 ] || break
        here=$((here + 1))
    done
    (train_into run $precision) >out 2>&1 || { cat out; echo "trial $trial: can't be resumed"; exit 1; }
    if ! same_run whole-$precision run; then
        echo "trial $trial in $precision, killed $here times: not what an undisturbed run leaves"
        exit 1
    fi
    echo "$trial $here" >>"$LOG"
    killed=$((killed + here))
done
echo "$killed kills in $trial runs, half of them in bf16: every one left what an undisturbed run leaves"
