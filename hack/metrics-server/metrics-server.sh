#!/usr/bin/env bash
# Prints the path of metrics-server: the program that METRICS_SERVER names, else the one of this Go module, built once
# into the per-user cache. What it does meanwhile goes to stderr.
set -euo pipefail

if [ -n "${METRICS_SERVER:-}" ]; then
  if ! program=$(command -v "$METRICS_SERVER"); then
    echo "METRICS_SERVER is $METRICS_SERVER, which is not a program" >&2
    exit 1
  fi
  echo "$program"
  exit
fi

cd "$(dirname "$0")"
version=$(awk '$1 == "sigs.k8s.io/metrics-server" { print $2 }' go.mod)
MODULE=$PWD exec ../tools/build.sh metrics-server sigs.k8s.io/metrics-server/cmd/metrics-server "$version" "-s -w"
