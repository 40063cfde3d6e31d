# Help, version, mistyped words: what needs no data and no model.
. "$CLI_TESTS/lib.sh"

commands='train evaluate sample reconstruct encode decode info graph data'

run --version
expect_rc 0
expect_out '^elbo [0-9]+\.[0-9]+\.[0-9]+$'

run --help
expect_rc 0
expect_silence
for cmd in $commands; do expect_out "^  $cmd +[A-Z]"; done
cp stdout help
run help
expect_same stdout help

run
expect_rc 2
expect_no_out
expect_err '^usage: elbo COMMAND'

for cmd in $commands; do
    run help "$cmd"
    expect_rc 0
    expect_silence
    expect_out "^usage: elbo $cmd"
    expect_out '^General$'
    expect_out '^Examples$'
    expect_out "^  elbo $cmd"
    cp stdout help
    run "$cmd" --help
    expect_rc 0
    expect_same stdout help
    run "$cmd" no such words --help
    expect_same stdout help
done

# every option of the library is a flag of train, with its default
run train --help
expect_out '^  --epochs N .*'
expect_out '^  --seed N'
expect_out '^  --family WORD'
expect_out 'default'
expect_out '^Families$'

run trian toy
expect_rc 2
expect_no_out
expect_err 'did you mean train\?'
run help evalute
expect_rc 2
expect_err 'did you mean evaluate\?'
run --versoin
expect_rc 2
expect_err 'did you mean --version\?'
run xyzzy
expect_rc 2
expect_err 'unknown word xyzzy$'

finish
