#!/usr/bin/env bash
# The external metrics API with many objects under RATE requests a second, asked as the API server does, and through it
# with a fifth of that. One line each.
# Usage: bench/metrics-api-load.sh [OBJECTS [RATE [SECONDS]]]
# Variables: see bench/common.sh.
set -euo pipefail
source "$(dirname "$0")/common.sh"
prepare metrics-api-load
side_by_side metrics-api-load "${1:-10000}" "${2:-1000}" "${3:-20}"
