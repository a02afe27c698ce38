#!/usr/bin/env bash
# The operator with 1,000 GeneralScalers over Prometheus, Redis and Pub/Sub, a third each, polled
# every 15 s while nothing changes: memory, processor, readings and connections to Redis, in one
# line. Usage: bench/thousand-general-scalers.sh [OBJECTS [INTERVAL [SECONDS]]]
# POLYSCALER names another binary than the release build, whose figures are the ones that count.
set -euo pipefail
cd "$(dirname "$0")/.."

objects=${1:-1000} interval=${2:-15} seconds=${3:-60}
polyscaler=${POLYSCALER:-target/release/polyscaler}

if [ -z "${POLYSCALER:-}" ]; then
  cargo build --quiet --locked --release --package polyscaler --no-default-features
fi
cargo build --quiet --locked --package bench --bin many-objects
target/debug/many-objects "$polyscaler" "$objects" "$interval" "$seconds" plugins
