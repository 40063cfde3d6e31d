#!/bin/sh
# run.sh ELBO [NAME...] - runs the transcripts of this folder (all of them, or those named) with the command ELBO,
# each in an empty folder, and exits 1 if any expectation failed.
ELBO=${1:?usage: run.sh ELBO [NAME...]}
shift
CLI_TESTS=$(cd "$(dirname "$0")" && pwd)
case $ELBO in
/*) ;;
*) ELBO=$(cd "$(dirname "$ELBO")" && pwd)/$(basename "$ELBO") ;;
esac
export ELBO CLI_TESTS
LC_ALL=C
export LC_ALL

[ $# -gt 0 ] || set -- usage flags rundir models evaluate pictures tables score factors json report pages show progress stop examples
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
status=0
for name in "$@"; do
    mkdir "$work/$name"
    if (cd "$work/$name" && sh "$CLI_TESTS/$name.sh"); then
        echo "ok     $name"
    else
        echo "FAILED $name"
        status=1
    fi
done
exit $status
