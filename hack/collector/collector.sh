#!/usr/bin/env bash
# Prints the path of the collector that tests send traces to: the program that TESTBED_COLLECTOR
# names, else this Go module, built once into the per-user cache. What it does meanwhile goes to stderr.
set -euo pipefail
cd "$(dirname "$0")"

if [ -n "${TESTBED_COLLECTOR:-}" ]; then
  if ! program=$(command -v "$TESTBED_COLLECTOR"); then
    echo "TESTBED_COLLECTOR is $TESTBED_COLLECTOR, which is not a program" >&2
    exit 1
  fi
  echo "$program"
  exit
fi

flags=(-v -mod=readonly -buildvcs=false -trimpath -ldflags '-s -w')
key=$( (cat go.mod go.sum main.go && echo "${flags[*]} $(uname -sm)") | sha256sum | cut -c1-32)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/polyscaler/collector
folder=$cache/$key

# Go names each package that it compiles; a line every ten seconds is enough.
build() {
  local next=10 line
  { CGO_ENABLED=0 GOWORK=off GOOS='' GOARCH='' go build "${flags[@]}" -o "$1/collector" . 2>&1 || echo failed >"$1/failed"; } |
    while read -r line; do
      echo "$line" >>"$1/log"
      if [ "$SECONDS" -ge "$next" ]; then
        echo "building the collector, $SECONDS s: $line" >&2
        next=$((SECONDS + 10))
      fi
    done
  if [ -e "$1/failed" ]; then
    echo "the collector cannot be built; go said last:" >&2
    tail -n 20 "$1/log" >&2
    exit 1
  fi
}

if [ ! -x "$folder/collector" ]; then
  if ! command -v go >/dev/null; then
    echo "the collector is built with Go: install Go 1.26 or newer, or set TESTBED_COLLECTOR to a program" >&2
    exit 1
  fi
  mkdir -p "$cache"
  # Two runs at once build once: the second waits here. The kernel lets go of the lock if we are killed.
  exec 9>"$folder.lock"
  flock 9
  if [ ! -x "$folder/collector" ]; then
    echo "building the OpenTelemetry collector with Go, once; this takes some minutes" >&2
    rm -rf "$folder.partial"
    mkdir "$folder.partial"
    build "$folder.partial"
    rm -rf "$folder"
    mv "$folder.partial" "$folder"
  fi
fi
echo "$folder/collector"
