#!/usr/bin/env bash
# The operator with 1,000 BusinessScalings polled every 10 s while nothing changes: processor,
# memory, readings, lateness of polls and writes, in one line each for distinct and for equal
# queries. Usage: bench/thousand-objects.sh [OBJECTS [INTERVAL [SECONDS]]]
# Variables: see bench/common.sh. With a baseline it also prints the ratio per poll.
set -euo pipefail
source "$(dirname "$0")/common.sh"
objects=${1:-1000} interval=${2:-10} seconds=${3:-60}
prepare many-objects

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
