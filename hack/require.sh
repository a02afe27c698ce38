#!/usr/bin/env bash
# Makes sure that what the build needs is there. Installs a C compiler from Debian's
# packages where that is possible, and says plainly what is missing where it is not.
set -euo pipefail

missing=()

if ! command -v cargo >/dev/null; then
  missing+=("cargo: install Rust, see https://rustup.rs")
fi

if ! command -v cc >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "installing a C compiler"
    apt-get update -qq && apt-get install -y -qq gcc libc6-dev
  else
    missing+=("cc: install a C compiler, on Debian with: apt-get install gcc libc6-dev")
  fi
fi

# Go builds the control plane once; programs from elsewhere do as well.
if [ -z "${KUBEBUILDER_ASSETS:-}" ] && ! command -v go >/dev/null; then
  missing+=("go: install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager, kube-scheduler and kwok")
fi

if [ "${#missing[@]}" -gt 0 ]; then
  echo "this machine lacks:" >&2
  printf '  %s\n' "${missing[@]}" >&2
  exit 1
fi
