#!/usr/bin/env bash
# Runs one program of tests for Cargo, and has it print how long each test took. Rust calls that unstable,
# so it must be asked for as such; tests that call Cargo take the variable away again.
set -euo pipefail

case $1 in
  */deps/*) exec env RUSTC_BOOTSTRAP=1 "$@" -Z unstable-options --report-time ;;
  # Not a program of tests: `cargo run`, or an example in documentation.
  *) exec "$@" ;;
esac
