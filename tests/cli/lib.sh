# lib.sh - what the transcripts of tests/cli share. A script begins with `. "$CLI_TESTS/lib.sh"` and ends with
# `finish`; it runs in an empty folder of its own, with the command in $ELBO. A failed expectation is told and
# counted, and the script goes on, so that one run shows all that is wrong.

failures=0
line='(nothing was run)'

# Runs elbo with the arguments; leaves rc, and what it printed in files stdout and stderr.
run()
{
    line="elbo $*"
    "$ELBO" "$@" >stdout 2>stderr </dev/null
    rc=$?
}

fail()
{
    failures=$((failures + 1))
    echo "FAILED: $line"
    echo "  $1"
    sed 's/^/  stdout: /' stdout | head -n 20
    sed 's/^/  stderr: /' stderr | head -n 20
}

expect_rc() { [ "$rc" = "$1" ] || fail "expected exit code $1, got $rc"; }
expect_out() { grep -Eq -e "$1" stdout || fail "expected on stdout: $1"; }
expect_err() { grep -Eq -e "$1" stderr || fail "expected on stderr: $1"; }
expect_silence() { [ ! -s stderr ] || fail "expected nothing on stderr"; }
expect_no_out() { [ ! -s stdout ] || fail "expected nothing on stdout"; }
expect_file() { [ -s "$1" ] || fail "expected a file $1"; }
expect_no_file() { [ ! -e "$1" ] || fail "expected no $1"; }
expect_lines() { [ "$(wc -l <stdout)" -eq "$1" ] || fail "expected $1 lines on stdout, got $(wc -l <stdout)"; }
expect_same() { cmp -s "$1" "$2" || fail "expected $1 and $2 to be the same"; }
expect_begins() { [ "$(head -c "$2" "$1" | od -An -tx1 | tr -d ' \n')" = "$3" ] || fail "$1 does not begin with $3"; }
expect_png() { expect_begins "$1" 8 89504e470d0a1a0a; }
expect_npy() { expect_begins "$1" 6 934e554d5059; }

# Every line of stdout is a JSON object or array. Checked for good where something that knows JSON is installed.
expect_json()
{
    if [ ! -s stdout ] || grep -Evq '^[[{].*[]}]$' stdout; then
        fail "expected JSON, an object or array a line"
    elif command -v jq >/dev/null 2>&1; then
        jq . stdout >/dev/null 2>&1 || fail "jq can't read stdout"
    fi
}

# expect_key KEY...: stdout has these keys.
expect_key()
{
    for key in "$@"; do
        grep -q "\"$key\": " stdout || fail "expected the key $key"
    done
}

# json_number KEY: the number under KEY on stdout.
json_number() { sed -n "s/.*\"$1\": \(-\{0,1\}[0-9][0-9.e+-]*\).*/\1/p" stdout | head -n 1; }

finish()
{
    [ "$failures" -eq 0 ] && exit 0
    echo "$failures expectations failed"
    exit 1
}
