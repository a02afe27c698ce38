#!/usr/bin/env bash
# Prints the path of a program of this Go module, or of the one in the folder MODULE, built once into the
# per-user cache. What it does meanwhile goes to stderr. For scripts that know what they want:
#   build.sh NAME PACKAGE VERSION LINKER_FLAGS
set -euo pipefail
cd "${MODULE:-$(dirname "$0")}"
name=$1 package=$2 version=$3 link=$4

flags=(-mod=readonly -buildvcs=false -trimpath)
key=$( (cat go.mod go.sum && { cat */main.go 2>/dev/null || true; } && echo "${flags[*]} $link $(uname -sm)") | sha256sum | cut -c1-32)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/polyscaler/tools
folder=$cache/$key

if [ ! -x "$folder/$name" ]; then
  if ! command -v go >/dev/null; then
    variable=${name//-/_}
    echo "$name is built with Go: install Go 1.26 or newer, or set ${variable^^} to a $name program" >&2
    exit 1
  fi
  mkdir -p "$cache"
  # Two runs at once build once: the second waits here. The kernel lets go of the lock if we are killed.
  exec 9>"$folder.lock"
  flock 9
  if [ ! -x "$folder/$name" ]; then
    echo "building $name $version with Go, once; this takes some minutes" >&2
    rm -rf "$folder.partial"
    mkdir "$folder.partial"
    CGO_ENABLED=0 GOWORK=off GOOS='' GOARCH='' go build "${flags[@]}" -ldflags "$link" \
      -o "$folder.partial/$name" "$package" >&2
    rm -rf "$folder"
    mv "$folder.partial" "$folder"
  fi
fi
echo "$folder/$name"
