#!/usr/bin/env bash
# Prints the path of a helm program: the one that HELM names, else the one of this Go module,
# built once into the per-user cache. What it does meanwhile goes to stderr.
set -euo pipefail
cd "$(dirname "$0")"

if [ -n "${HELM:-}" ]; then
  if ! program=$(command -v "$HELM"); then
    echo "HELM is $HELM, which is not a program" >&2
    exit 1
  fi
  echo "$program"
  exit
fi

flags=(-mod=readonly -buildvcs=false -trimpath)
version=$(awk '$1 == "helm.sh/helm/v3" { print $2 }' go.mod)
kubernetes=$(awk '$1 == "k8s.io/client-go" { split($2, number, "."); print number[2] }' go.mod)
link="-s -w -X helm.sh/helm/v3/internal/version.version=$version"
# What `helm template` takes for the cluster's version, and `helm lint` for the newest.
for package in chartutil lint/rules; do
  link+=" -X helm.sh/helm/v3/pkg/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$package.k8sVersionMinor=$kubernetes"
done
key=$( (cat go.mod go.sum && echo "${flags[*]} $link $(uname -sm)") | sha256sum | cut -c1-32)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/polyscaler/tools
folder=$cache/$key

if [ ! -x "$folder/helm" ]; then
  if ! command -v go >/dev/null; then
    echo "helm is built with Go: install Go 1.26 or newer, or set HELM to a helm program" >&2
    exit 1
  fi
  mkdir -p "$cache"
  # Two runs at once build once: the second waits here. The kernel lets go of the lock if we are killed.
  exec 9>"$folder.lock"
  flock 9
  if [ ! -x "$folder/helm" ]; then
    echo "building helm $version with Go, once; this takes some minutes" >&2
    rm -rf "$folder.partial"
    mkdir "$folder.partial"
    CGO_ENABLED=0 GOWORK=off GOOS='' GOARCH='' go build "${flags[@]}" -ldflags "$link" \
      -o "$folder.partial/helm" helm.sh/helm/v3/cmd/helm >&2
    rm -rf "$folder"
    mv "$folder.partial" "$folder"
  fi
fi
echo "$folder/helm"
