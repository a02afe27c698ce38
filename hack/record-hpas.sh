#!/usr/bin/env bash
# Records the real HPA controller beside HPAs drawn by chance, and compares the engine with it: docs/hpa-recordings.md.
#
#   hack/record-hpas.sh [SECONDS [HPAS [SEED [FOLDER]]]]
set -euo pipefail

seconds="${1:-300}" hpas="${2:-20}" seed="${3:-1}" folder="${4:-}"
cd "$(dirname "$0")/.."
export HPA_RECORD_SECONDS="$seconds" HPA_RECORD_HPAS="$hpas" HPA_RECORD_SEED="$seed"
if [ -n "$folder" ]; then
    mkdir -p "$folder"
    HPA_RECORD_DIR="$(cd "$folder" && pwd)"
    export HPA_RECORD_DIR
fi
exec cargo test --locked -p polyscaler --test integration hpa_controller -- --nocapture
