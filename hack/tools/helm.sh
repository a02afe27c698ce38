#!/usr/bin/env bash
# Prints the path of a helm program: the one that HELM names, else the one of this Go module,
# built once into the per-user cache. What it does meanwhile goes to stderr.
set -euo pipefail

if [ -n "${HELM:-}" ]; then
  if ! program=$(command -v "$HELM"); then
    echo "HELM is $HELM, which is not a program" >&2
    exit 1
  fi
  echo "$program"
  exit
fi

cd "$(dirname "$0")"
version=$(awk '$1 == "helm.sh/helm/v3" { print $2 }' go.mod)
kubernetes=$(awk '$1 == "k8s.io/client-go" { split($2, number, "."); print number[2] }' go.mod)
link="-s -w -X helm.sh/helm/v3/internal/version.version=$version"
# What `helm template` takes for the cluster's version, and `helm lint` for the newest.
for package in chartutil lint/rules; do
  link+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$kubernetes"
done
exec ./build.sh helm helm.sh/helm/v3/cmd/helm "$version" "$link"
