#!/usr/bin/env bash
# One ScalingGroup (policy bottleneck) beside seven independent GeneralScalers, on two copies of an
# application of seven services that call each other, under the same load at the same time. Pods
# take 5 to 30 s to be ready. One table: a row a step of the load, all steps, and the ratios.
# "Satisfied" is an application whose ready pods can bear, at each service, what the load means for
# it; actions are changes of replicas, those within one interval counted once; turns are changes
# of direction a service; lost are calls that the load means and nobody serves.
# Usage: bench/groups.sh [INTERVAL [SECONDS_A_STEP]]
# POLYSCALER names another binary than the release build.
set -euo pipefail
cd "$(dirname "$0")/.."

interval=${1:-5} seconds=${2:-90}
polyscaler=${POLYSCALER:-target/release/polyscaler}

if [ -z "${POLYSCALER:-}" ]; then
  cargo build --quiet --locked --release --package polyscaler --no-default-features
fi
cargo build --quiet --locked --package bench --bin scaling-groups
target/debug/scaling-groups "$polyscaler" "$interval" "$seconds"
