#!/usr/bin/env bash
# Builds the operator as one static file, which runs where there is nothing else:
#   hack/static-binary.sh FILE
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# != 1 ]; then
  echo "usage: hack/static-binary.sh FILE" >&2
  exit 2
fi

# The image is pulled by every node, so its size counts.
most_bytes=20000000

machine=$(uname -m)
case $machine in
  x86_64 | aarch64) target=$machine-unknown-linux-gnu ;;
  *)
    echo "static binaries are built on x86_64 and aarch64, this machine is $machine" >&2
    exit 1
    ;;
esac

# With a target of its own, programs that run during the build stay dynamic.
RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
  cargo build --locked --profile image --target "$target" --package polyscaler --no-default-features
install -D "${CARGO_TARGET_DIR:-target}/$target/image/polyscaler" "$1"

# `ldd` fails for what is not dynamic, so only its words count.
linked=$(ldd "$1" 2>&1 || true)
case $linked in
  *"statically linked"* | *"not a dynamic executable"*) ;;
  *)
    echo "$1 is not static: $linked" >&2
    exit 1
    ;;
esac
bytes=$(stat -c %s "$1")
echo "$1: static, $bytes bytes"
if [ "$bytes" -ge "$most_bytes" ]; then
  echo "$1 has $bytes bytes, at most $most_bytes are wanted" >&2
  exit 1
fi
