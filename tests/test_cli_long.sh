# ctest: slow
# The command by transcript: what takes seconds. See tests/cli.
exec sh "$(dirname "$0")/cli/run.sh" "$ELBO" rundir progress stop examples
