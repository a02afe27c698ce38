#!/usr/bin/env bash
# Runs all tests, and names the ten that took longest. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
"${CARGO:-cargo}" test --locked --workspace --no-fail-fast \
  --config "target.'cfg(all())'.runner = ['$PWD/hack/timed.sh']" "$@" | tee "$log" || status=$?

printf '\nthe slowest tests\n'
sed --quiet --regexp-extended 's/^test (.*) \.\.\. .* <([0-9.]+)s>$/\2 s  \1/p' "$log" | sort --numeric-sort --reverse | sed --quiet 1,10p
exit "$status"
