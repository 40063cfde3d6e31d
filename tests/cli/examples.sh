# Every example of every --help, in the order of the commands, in one folder: each must work.
. "$CLI_TESTS/lib.sh"

has_fashion=no
"$ELBO" data fashion-mnist >/dev/null 2>&1 && has_fashion=yes

commands=$("$ELBO" --help | sed -n '/^Commands$/,/^$/s/^  \([a-z]*\) .*/\1/p')
for cmd in $commands; do
    "$ELBO" help "$cmd" | sed -n '/^Examples$/,$s/^  elbo \(.*\)/\1/p' >"list-$cmd"
    [ "$(wc -l <"list-$cmd")" -ge 2 ] || fail "expected 2 examples or more of $cmd"
    while read -r words; do
        case $words in *fashion-mnist*) [ $has_fashion = yes ] || continue ;; esac
        # the examples hold plain words only
        # shellcheck disable=SC2086
        run $words
        expect_rc 0
    done <"list-$cmd"
done

finish
