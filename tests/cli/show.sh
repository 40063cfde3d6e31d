# Pictures in the terminal: exact characters for a picture made here, and when commands show something by themselves.
. "$CLI_TESTS/lib.sh"
unset NO_COLOR COLORTERM LC_ALL
LANG=C.UTF-8
export LANG
esc=$(printf '\033')

# four pixels: white above black, black above white
printf 'P2 2 2 255 255 0 0 255\n' >four.pgm
run show four.pgm
expect_rc 0
expect_silence
printf '++\n' >want # half of the light is the shade in the middle
tr '=+' '++' <stdout >got
expect_same got want
run show four.pgm --colours true
printf '%s\n' "$esc[48;2;0;0;0m$esc[38;2;255;255;255m▀$esc[48;2;255;255;255m$esc[38;2;0;0;0m▀$esc[0m" >want
expect_same stdout want
run show four.pgm --colours 256
printf '%s\n' "$esc[48;5;16m$esc[38;5;231m▀$esc[48;5;231m$esc[38;5;16m▀$esc[0m" >want
expect_same stdout want

# a wide picture is made as wide as there are columns
run data sprites --picture sprites.png --quiet
run show sprites.png --columns 40
expect_rc 0
awk 'length($0) != 40 { exit 1 }' stdout || fail 'expected lines of 40 characters'

# a run: its loss, and what it draws
run train sprites --epochs 0 --encoder 'dense 4 relu' --decoder 'dense 4 relu' --latent 2 --out m --quiet
run show m --columns 80
expect_rc 0
[ "$(wc -l <stdout)" -ge 18 ] || fail 'expected a picture'
run train toy --epochs 4 --family ae --out ae --quiet
run show ae
expect_rc 0
expect_out '^loss .* in 4 epochs$'
run show m/last.safetensors --seed 2
expect_rc 0
run show nowhere.png
expect_rc 5
run show toy
expect_rc 2
expect_err 'is no picture'

# sample shows nothing by itself where stderr is no terminal, and anything where it is typed
run sample m --n 20
expect_lines 0
[ "$(wc -l <stderr)" -eq 1 ] || fail 'expected one line'
run sample m --n 20 --show
[ "$(wc -l <stderr)" -gt 10 ] || fail 'expected a picture'
! grep -q "$esc" stderr || fail 'expected no colours'

# on a terminal with colours by itself, unless NO_COLOR, --no-show or --quiet say otherwise
if script -qec true /dev/null >/dev/null 2>&1; then
    # seen FLAGS VARIABLES: whether the terminal saw a colour
    seen()
    {
        line="elbo sample m --n 20 $1, with $2"
        : >stderr
        TERM=xterm-256color script -qec "env $2 '$ELBO' sample m --n 20 $1" /dev/null >stdout 2>&1 </dev/null
        grep -q "$esc\[[34]8;" stdout
    }
    seen '' COLORTERM=truecolor || fail 'expected colours'
    seen '' A=1 || fail 'expected colours'
    ! seen '' NO_COLOR=1 || fail 'expected no colours'
    ! seen --no-show A=1 || fail 'expected no colours'
    ! seen --quiet A=1 || fail 'expected no colours'
    ! seen '' TERM=dumb || fail 'expected no colours'
fi

finish
