#!/usr/bin/env bash
# Prints the path of a Lua of the kind that Argo CD has, built once into the per-user cache. What it does meanwhile
# goes to stderr.
set -euo pipefail
cd "$(dirname "$0")"
version=$(awk '$1 == "github.com/yuin/gopher-lua" { print $2 }' go.mod)
MODULE=$PWD exec ../tools/build.sh glua github.com/yuin/gopher-lua/cmd/glua "$version" "-s -w"
