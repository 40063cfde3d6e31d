# lib.sh - what the scripts that disturb runs share. To be read (`.`) with the command in $ELBO: makes $ELBO an absolute path, goes
# into an empty folder $work that is removed in the end, and makes the data set data-idx3-ubyte there.
case $ELBO in
/*) ;;
*) ELBO=$(cd "$(dirname "$ELBO")" && pwd)/$(basename "$ELBO") ;;
esac
LC_ALL=C
export LC_ALL
from=$(pwd)
work=$(mktemp -d) || exit 1
leave() { rm -rf "$work"; }
trap leave EXIT
trap 'exit 1' HUP INT TERM
chmod 755 "$work"
cd "$work" || exit 1

# 400 pictures of 8 x 8, as an IDX file; any bytes will do, and the command's own are at hand.
{
    printf '\000\000\010\003\000\000\001\220\000\000\000\010\000\000\000\010'
    tail -c 30000 "$ELBO" | head -c 25600
} >data-idx3-ubyte

# same_run WHOLE OTHER: whether two run directories are equal but for what a clock or an interruption has a part in: times.jsonl,
# the line of report.html that shows the time, and previous.safetensors (which two checkpoints are kept depends on where a run
# was resumed). Shows where they differ.
same_run()
{
    for page in "$1/report.html" "$2/report.html"; do
        [ ! -e "$page" ] || sed -i '/^<div id="time">/d' "$page"
    done
    diff -r -x times.jsonl -x previous.safetensors "$1" "$2"
}
