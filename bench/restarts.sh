#!/usr/bin/env bash
# How an operator with many objects, half of whose metric server is down, begins: at a restart, and when another replica
# takes over from one that was killed. One line each: when it leads, in what time every object was polled, the busiest
# second of each metric server, and writes of /scale, of which there must be none.
# Usage: bench/restarts.sh [OBJECTS [INTERVAL]]
# Variables: see bench/common.sh.
set -euo pipefail
source "$(dirname "$0")/common.sh"
prepare restarts
side_by_side restarts "${1:-10000}" "${2:-30}"
