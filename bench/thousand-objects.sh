#!/usr/bin/env bash
# The operator with 1,000 BusinessScalings polled every 10 s while nothing changes: processor,
# memory, readings, lateness of polls and writes, in one line each for distinct and for equal
# queries. Usage: bench/thousand-objects.sh [OBJECTS [INTERVAL [SECONDS]]]
# BASELINE names a commit to build and measure in the same run, each beside the other, with the ratio per poll;
# BASELINE_BINARY names a binary of it that is built already. POLYSCALER names another binary than the release build.
set -euo pipefail
cd "$(dirname "$0")/.."

objects=${1:-1000} interval=${2:-10} seconds=${3:-60}
polyscaler=${POLYSCALER:-target/release/polyscaler}
baseline=${BASELINE_BINARY:-}

if [ -z "${POLYSCALER:-}" ]; then
  cargo build --quiet --locked --release --package polyscaler --no-default-features
fi
if [ -n "${BASELINE:-}" ] && [ -z "$baseline" ]; then
  checkout=$(mktemp -d)
  trap 'git worktree remove --force "$checkout"' EXIT
  git worktree add --quiet --detach "$checkout" "$BASELINE"
  (cd "$checkout" && cargo build --quiet --locked --release --package polyscaler --no-default-features)
  baseline=$checkout/target/release/polyscaler
fi
cargo build --quiet --locked --package bench --bin many-objects

measure() { target/debug/many-objects "$1" "$objects" "$interval" "$seconds" "$queries"; }
per_poll() { sed -n 's/.* per_poll=\([0-9.]*\)us.*/\1/p' <<<"$1"; }
for queries in distinct equal; do
  line=$(measure "$polyscaler")
  echo "$line"
  [ -n "$baseline" ] || continue
  before=$(measure "$baseline")
  echo "$before (baseline)"
  awk -v now="$(per_poll "$line")" -v then="$(per_poll "$before")" -v queries="$queries" \
    'BEGIN { printf "queries=%s per_poll=%.1fus baseline=%.1fus ratio=%.2f\n", queries, now, then, now / then }'
done
