# Sourced by the scripts beside it: builds what they measure, and measures it.
# BASELINE names a commit to build, once, and to measure in the same run, after this one; BASELINE_BINARY names a binary of it
# that is built already. POLYSCALER names another binary than the release build, whose figures are the ones that count.
# CARGO builds. BEFORE is a shell command that is run when all is there that is to be measured, for example one that waits
# until builds have ended.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cargo=${CARGO:-cargo}
polyscaler=${POLYSCALER:-target/release/polyscaler}
baseline=${BASELINE_BINARY:-}

# Builds the operators, and the program of ours that measures them.
prepare() {
  if [ -z "${POLYSCALER:-}" ]; then
    "$cargo" build --quiet --locked --release --package polyscaler --no-default-features
  fi
  if [ -n "${BASELINE:-}" ] && [ -z "$baseline" ]; then
    baseline=target/baseline/$(git rev-parse --verify "$BASELINE^{commit}")
    [ -x "$baseline" ] || build_baseline
  fi
  "$cargo" build --quiet --locked --package bench --bin "$1"
}

# Builds the commit BASELINE into the file $baseline.
build_baseline() {
  checkout=$(mktemp -d)
  trap 'git worktree remove --force "$checkout"' EXIT
  git worktree add --quiet --detach "$checkout" "$BASELINE"
  (
    unset CARGO_TARGET_DIR
    cd "$checkout" && "$cargo" build --quiet --locked --release --package polyscaler --no-default-features
  )
  install -D "$checkout/target/release/polyscaler" "$baseline"
}

# Runs the program $1 with the operator and the other arguments, and again with the baseline where there is one.
side_by_side() {
  local program=$1
  shift
  "target/debug/$program" "$polyscaler" "$@"
  [ -z "$baseline" ] || "target/debug/$program" "$baseline" "$@" | sed 's/$/ (baseline)/'
}
