#!/bin/sh
# test.sh - installs what is missing, builds elbo with gcc and with clang (sanitized), warnings being errors, and checks
# everything: all tests in the first build, the fast ones in the second, and the rules scripts/check-* hold. The last line is
# "N passed, N failed"; the exit status is 0 when nothing failed.
set -u
cd "$(dirname "$0")" || exit 1
n_passed=0
n_failed=0
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
logs=build-test
mkdir -p "$logs"

# check NAME COMMAND...: one check, its output shown when it fails.
check() {
    name=$1
    shift
    if "$@" >"$logs/$name.log" 2>&1; then
        n_passed=$((n_passed + 1))
        echo "ok      $name"
    else
        n_failed=$((n_failed + 1))
        echo "FAILED  $name ($*)"
        tail -n 40 "$logs/$name.log" | sed 's/^/    /'
        return 1
    fi
}

build() { # build PRESET
    cmake --preset "$1" && cmake --build "build-$1" -j "$jobs"
}

# tests PRESET CTEST_ARGUMENTS...: ctest's own counts are added.
tests() {
    preset=$1
    shift
    ctest --test-dir "build-$preset" -j "$jobs" --output-on-failure "$@" >"$logs/ctest-$preset.log" 2>&1
    counts=$(sed -n 's/^.*tests passed, \([0-9]*\) tests failed out of \([0-9]*\)$/\1 \2/p' "$logs/ctest-$preset.log")
    set -- ${counts:-1 1}
    n_failed=$((n_failed + $1))
    n_passed=$((n_passed + $2 - $1))
    if [ "$1" = 0 ]; then
        echo "ok      $2 tests, $preset"
    else
        sed 's/^/    /' "$logs/ctest-$preset.log"
        echo "FAILED  $1 of $2 tests, $preset"
    fi
}

scripts/setup test
check build-gcc build gcc && {
    tests gcc
    check exports scripts/check-exports build-gcc
}
check build-clang build clang && tests clang -L fast
check includes scripts/check-includes
check tree scripts/check-tree
check abi scripts/check-abi

echo "$n_passed passed, $n_failed failed"
[ "$n_failed" = 0 ] && [ "$n_passed" -gt 0 ]
