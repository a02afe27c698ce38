#!/usr/bin/env bash
# The operator with 1,000 GeneralScalers over Prometheus, Redis and Pub/Sub, a third each, polled
# every 15 s while nothing changes: memory, processor, readings and connections to Redis, in one
# line. Usage: bench/thousand-general-scalers.sh [OBJECTS [INTERVAL [SECONDS]]]
# Variables: see bench/common.sh.
set -euo pipefail
source "$(dirname "$0")/common.sh"
prepare many-objects
side_by_side many-objects "${1:-1000}" "${2:-15}" "${3:-60}" plugins
