#!/usr/bin/env bash
# Prints the path of a program that tests and scripts want: the one that a variable names, HELM for helm and so on, else the
# one of a Go module here, built once into the per-user cache. What it does meanwhile goes to stderr.
#   hack/tool.sh helm | kubectl | kube-state-metrics | metrics-server | glua
# glua is a Lua of the kind that Argo CD has.
set -euo pipefail
cd "$(dirname "$0")"
name=${1:-}

case $name in
  helm) folder=tools module=helm.sh/helm/v3 package=$module/cmd/helm ;;
  kubectl) folder=tools module=k8s.io/kubectl package=./kubectl ;;
  kube-state-metrics) folder=kube-state-metrics module=k8s.io/kube-state-metrics/v2 package=$module ;;
  metrics-server) folder=metrics-server module=sigs.k8s.io/metrics-server package=$module/cmd/metrics-server ;;
  glua) folder=lua module=github.com/yuin/gopher-lua package=$module/cmd/glua ;;
  *)
    echo "usage: hack/tool.sh helm | kubectl | kube-state-metrics | metrics-server | glua" >&2
    exit 2
    ;;
esac

variable=${name//-/_}
variable=${variable^^}
wanted=${!variable:-}
if [ -n "$wanted" ]; then
  if ! program=$(command -v "$wanted"); then
    echo "$variable is $wanted, which is not a program" >&2
    exit 1
  fi
  echo "$program"
  exit
fi

cd "$folder"
version_of() { awk -v module="$1" '$1 == module { print $2 }' go.mod; }
version=$(version_of "$module")
link="-s -w"
case $name in
  helm)
    link+=" -X helm.sh/helm/v3/internal/version.version=$version"
    minor=$(version_of k8s.io/client-go | cut -d . -f 2)
    # What `helm template` takes for the cluster's version, and `helm lint` for the newest.
    for part in chartutil lint/rules; do
      link+=" -X helm.sh/helm/v3/pkg/$part.k8sVersionMajor=1 -X helm.sh/helm/v3/pkg/$part.k8sVersionMinor=$minor"
    done
    ;;
  kubectl)
    version=${version/#v0/v1}
    link+=" -X k8s.io/component-base/version.gitVersion=$version"
    ;;
esac

flags=(-mod=readonly -buildvcs=false -trimpath)
key=$( (cat go.mod go.sum && { cat */main.go 2>/dev/null || true; } && echo "${flags[*]} $link $(uname -sm)") | sha256sum | cut -c1-32)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/polyscaler/tools
built=$cache/$key

if [ ! -x "$built/$name" ]; then
  if ! command -v go >/dev/null; then
    echo "$name is built with Go: install Go 1.26 or newer, or set $variable to a $name program" >&2
    exit 1
  fi
  mkdir -p "$cache"
  # Two runs at once build once: the second waits here. The kernel lets go of the lock if we are killed.
  exec 9>"$built.lock"
  flock 9
  if [ ! -x "$built/$name" ]; then
    echo "building $name $version with Go, once; this takes some minutes" >&2
    rm -rf "$built.partial"
    mkdir "$built.partial"
    CGO_ENABLED=0 GOWORK=off GOOS='' GOARCH='' go build "${flags[@]}" -ldflags "$link" \
      -o "$built.partial/$name" "$package" >&2
    rm -rf "$built"
    mv "$built.partial" "$built"
  fi
fi
echo "$built/$name"
