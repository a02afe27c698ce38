#!/usr/bin/env bash
# From a metric's change to the write of /scale, in direct mode, as a watch sees it: 100 targets one after the other, then
# TARGETS whose metrics change at the same moment. One line each.
# Usage: bench/reaction-times.sh [TARGETS [INTERVAL]]
# Variables: see bench/common.sh.
set -euo pipefail
source "$(dirname "$0")/common.sh"
prepare reaction-times
side_by_side reaction-times "${1:-500}" "${2:-10}"
