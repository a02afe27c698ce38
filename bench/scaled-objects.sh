#!/usr/bin/env bash
# The operator with ScaledObjects, a Prometheus query of its own each, polled every 30 s while nothing changes: memory,
# processor, readings, writes; one line each for HPAs, whose controller asks every 15 s, and for direct mode.
# Usage: bench/scaled-objects.sh [OBJECTS [INTERVAL [SECONDS [hpa|direct]]]]
# Variables: see bench/common.sh.
set -euo pipefail
source "$(dirname "$0")/common.sh"
objects=${1:-1000} interval=${2:-30} seconds=${3:-60} modes=${4:-hpa direct}
prepare many-objects
for mode in $modes; do
  side_by_side many-objects "$objects" "$interval" "$seconds" "$mode"
done
