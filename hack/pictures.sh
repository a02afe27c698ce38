#!/usr/bin/env bash
# Makes the README's pictures: the demo's live table and the activity page, of one true
# run of the demo. Takes three minutes. Needs `script` (Debian's bsdutils) and chromium.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --quiet --locked --package polyscaler
cargo run --quiet --locked --package bench --bin pictures -- target/debug/polyscaler docs/pictures
