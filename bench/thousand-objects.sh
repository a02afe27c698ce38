#!/usr/bin/env bash
# The operator with 1,000 BusinessScalings polled every 10 s while nothing changes: processor,
# memory, readings, lateness of polls and writes, in one line each for distinct and for equal
# queries. Usage: bench/thousand-objects.sh [OBJECTS [INTERVAL [SECONDS]]]
set -euo pipefail
cd "$(dirname "$0")/.."

objects=${1:-1000} interval=${2:-10} seconds=${3:-60}

cargo build --quiet --locked --release --package polyscaler --no-default-features
cargo build --quiet --locked --package bench --bin many-objects
for queries in distinct equal; do
  target/debug/many-objects target/release/polyscaler "$objects" "$interval" "$seconds" "$queries"
done
