# Manual pages and completions: every flag of every command is in all of them, and the programs they are for take them.
. "$CLI_TESTS/lib.sh"

run man --out .
expect_rc 0
for shell in bash zsh fish; do
    run completion $shell
    expect_rc 0
    expect_silence
    cp stdout $shell
done

# in_page FILE WORD: the word stands in the file, not as the beginning of another
in_page() { grep -Eq -e "(^|[^a-z-])$2(\$|[^a-z0-9-])" "$1" || fail "expected $2 in $1"; }

commands=$("$ELBO" --help | sed -n '/^Commands$/,/^$/s/^  \([a-z]*\) .*/\1/p')
for cmd in $commands; do
    run man "$cmd"
    expect_same stdout "elbo-$cmd.1"
    sed 's/\\//g' "elbo-$cmd.1" >page
    sed -n "/^    $cmd\/\*)/,/;;/p" bash >of-bash
    sed -n "/^    $cmd)\$/,/;;/p" zsh >of-zsh
    grep -F "from $cmd'" fish >of-fish
    grep -Fq "elbo\\-$cmd (1)" elbo.1 || fail "expected $cmd in elbo.1"
    "$ELBO" help "$cmd" | sed -n 's/^  --\([][a-z0-9-]*\).*/\1/p' >flags
    [ -s flags ] || fail "expected flags of $cmd"
    while read -r flag; do
        plain=${flag#'[no-]'}
        [ "$plain" = "$flag" ] && typed=$plain || typed=no-$plain
        grep -Fq -e "fB--${flag}f" page || fail "expected --$flag in elbo-$cmd.1"
        in_page of-bash "--$typed"
        in_page of-zsh "--$typed"
        grep -q -e " -l $typed " of-fish || fail "expected $typed of $cmd in the completion of fish"
    done <flags
done

if command -v groff >/dev/null 2>&1; then
    for page in *.1; do
        line="groff -man -ww $page"
        groff -man -ww -Tascii "$page" >stdout 2>stderr || fail 'expected success'
        expect_silence
    done
fi
for shell in bash zsh fish; do
    command -v $shell >/dev/null 2>&1 || continue
    line="$shell -n"
    $shell -n $shell >stdout 2>stderr || fail "expected a script that $shell can read"
done

# completes WORDS... - EXPECTED: what bash offers for the last word
if command -v bash >/dev/null 2>&1; then
    cat >try <<'END'
. ./bash
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_elbo
echo "${COMPREPLY[*]}"
END
    completes()
    {
        want=$1
        shift
        line="completing: elbo $*"
        bash try elbo "$@" >stdout 2>stderr
        [ "$(cat stdout)" = "$want" ] || fail "expected '$want'"
    }
    mkdir 'a run' && : >data.npy
    completes 'train traverse' tra
    completes '--help --version' -
    completes 'sample' help sam
    completes 'sprites' train spr
    completes 'data.npy' train data.n
    completes '--latent' train toy --lat
    completes 'vae vq' train toy --family v
    completes 'vq' train toy --family = vq
    completes 'a run' train toy --resume a
    completes 'bash zsh fish' completion ''
    completes 'train test' evaluate m toy --part t
fi

run man trian
expect_rc 2
expect_err 'did you mean train\?'
run completion tcsh
expect_rc 2
expect_err 'bash, zsh and fish'

finish
