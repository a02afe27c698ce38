#!/usr/bin/env bash
# How long the admission webhook takes, with many objects and RATE reviews a second, in one line.
# Usage: bench/admission-load.sh [OBJECTS [RATE [SECONDS]]]
# Variables: see bench/common.sh.
set -euo pipefail
source "$(dirname "$0")/common.sh"
prepare admission-load
side_by_side admission-load "${1:-10000}" "${2:-100}" "${3:-20}"
