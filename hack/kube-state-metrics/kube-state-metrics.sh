#!/usr/bin/env bash
# Prints the path of kube-state-metrics: the program that KUBE_STATE_METRICS names, else the one of this Go
# module, built once into the per-user cache. What it does meanwhile goes to stderr.
set -euo pipefail

if [ -n "${KUBE_STATE_METRICS:-}" ]; then
  if ! program=$(command -v "$KUBE_STATE_METRICS"); then
    echo "KUBE_STATE_METRICS is $KUBE_STATE_METRICS, which is not a program" >&2
    exit 1
  fi
  echo "$program"
  exit
fi

cd "$(dirname "$0")"
version=$(awk '$1 == "k8s.io/kube-state-metrics/v2" { print $2 }' go.mod)
MODULE=$PWD exec ../tools/build.sh kube-state-metrics k8s.io/kube-state-metrics/v2 "$version" "-s -w"
