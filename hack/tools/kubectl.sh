#!/usr/bin/env bash
# Prints the path of a kubectl program: the one that KUBECTL names, else the one of this Go module,
# built once into the per-user cache. What it does meanwhile goes to stderr.
set -euo pipefail

if [ -n "${KUBECTL:-}" ]; then
  if ! program=$(command -v "$KUBECTL"); then
    echo "KUBECTL is $KUBECTL, which is not a program" >&2
    exit 1
  fi
  echo "$program"
  exit
fi

cd "$(dirname "$0")"
version=$(awk '$1 == "k8s.io/kubectl" { sub("v0", "v1", $2); print $2 }' go.mod)
exec ./build.sh kubectl ./kubectl "$version" "-s -w -X k8s.io/component-base/version.gitVersion=$version"
