# How flags are read and refused. Nothing here gets as far as training.
. "$CLI_TESTS/lib.sh"

# refused PATTERN ARGUMENTS...: wrong usage, with a message, before anything is written
refused()
{
    pattern=$1
    shift
    run "$@"
    expect_rc 2
    expect_no_out
    expect_err "$pattern"
    expect_no_file runs
}

refused 'DATA is missing' train
refused 'DATA is missing' evaluate somewhere
refused 'unexpected word sprites' train toy sprites
refused 'MODEL is missing' latent
refused 'unexpected word d' latent a b c d
refused 'unknown flag --epoch; did you mean --epochs\?' train toy --epoch 3
refused 'unknown flag --qiuet; did you mean --quiet\?' train toy --qiuet
refused 'unknown flag --no-jsn; did you mean --no-json\?' info model --no-jsn
refused 'unknown flag --frobnicate$' train toy --frobnicate 3
refused 'flags begin with --' sample model -n 3
refused 'epochs needs a value' train toy --epochs
refused 'epochs needs a value' train toy --epochs --quiet
refused 'epochs x: must be a whole number' train toy --epochs x
refused 'epochs 1.5: must be a whole number' train toy --epochs 1.5
refused 'epochs : must be a whole number' train toy --epochs=
refused 'epochs -1: must be ' train toy --epochs -1
refused 'epochs 99999999999999999999: must be ' train toy --epochs=99999999999999999999
refused 'threads 257: must be 0 to 256' train toy --threads=257
refused 'n 0: must be 1 to 1000000' sample model --n 0
refused 'family vea: did you mean vae\?' train toy --family vea
refused 'xyzzy.* one of vae' train toy --family xyzzy
refused 'logarithm' train toy --head relu
refused 'what xyzzy: must be one of layers' graph model --what xyzzy
refused 'what lyers: did you mean layers\?' graph model --what lyers
refused 'part tset: did you mean test\?' evaluate model toy --part=tset
refused 'json=maybe: must be true or false' info model --json=maybe
refused 'takes no value' info model --no-json=true
refused 'resume and --out exclude' train toy --resume a --out b
refused 'resume and --overwrite exclude' train toy --resume a --overwrite
refused 'a is no run to resume' train toy --resume a
refused 'must end in .png' sample model --out x.jpg
refused 'must end in .npy' encode model toy --out x.png
refused '--std needs --out' encode model toy --std x.npy

# the usage line follows a line that was typed wrong, and the message names the command
refused '^usage: elbo train DATA' train toy --epoch 3
refused '^elbo train: ' train toy --epoch 3

# a last value counts; --flag=value and --flag value are the same; -- ends the flags
run data --json toy
expect_rc 0
expect_json
cp stdout json
run data toy --no-json --json=true
expect_same stdout json
run data toy --json --no-json
expect_out '^count +100$'
run data -- --json
expect_rc 2
expect_err '--json'

# a nonsense file of options
echo 'epochs = many' >bad.conf
run train toy --config bad.conf
expect_rc 3
echo 'epoch = 3' >bad.conf
run train toy --config bad.conf
expect_rc 3
expect_err 'bad.conf'
expect_err 'epochs'
run train toy --config missing.conf
expect_rc 5
expect_err 'missing.conf'
expect_no_file runs

finish
