#!/usr/bin/env bash
# How fast a replay is, one line a figure: 30 days at 15 s for one rule, a thousand candidates over the same, the report,
# and memory. With a folder of recorded traces, the table of docs/backtest.md after that.
# Usage: bench/backtest.sh [TRACES]
set -euo pipefail
cd "$(dirname "$0")/.."

cargo bench --quiet --locked --package backtest --bench speed
if [ -n "${1:-}" ]; then
  cargo bench --quiet --locked --package backtest --bench traces -- "$(realpath "$1")"
fi
