#!/usr/bin/env bash
# Memory and descriptors while objects are created, edited and deleted, 30 changes a second, in one line: the second and
# the last third of the time, which must not differ.
# Usage: bench/churn.sh [OBJECTS [SECONDS]]
# Variables: see bench/common.sh.
set -euo pipefail
source "$(dirname "$0")/common.sh"
prepare churn
side_by_side churn "${1:-300}" "${2:-180}"
