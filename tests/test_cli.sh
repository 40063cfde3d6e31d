# The command by transcript: what is quick. See tests/cli.
# ctest: slow
exec sh "$(dirname "$0")/cli/run.sh" "$ELBO" usage flags models evaluate pictures tables score factors json report pages show
