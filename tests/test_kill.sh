# A few kills at random moments; tests/kill/kill_resume.sh does as many as one likes.
# ctest: slow
exec sh "$(dirname "$0")/kill/kill_resume.sh" "$ELBO" 4
