#!/usr/bin/env bash
# The steps of a release that are more than one command; .github/workflows/release.yaml calls them:
#   release.sh version                              prints the version of the workspace
#   release.sh check TAG                            fails unless TAG, changelog and upgrade page speak of that version
#   release.sh notes                                prints what the changelog says of it
#   release.sh chart IMAGE DIGEST FOLDER            packages the chart, which installs that image
#   release.sh push-chart FOLDER REGISTRY           pushes it, and prints its digest
#   release.sh assets BINARIES IMAGE DIGEST FOLDER  archives, manifests with that image, and SHA256SUMS
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  echo "release.sh: $*" >&2
  exit 1
}

version() {
  sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1
}

# What stands under the heading of the version, without blank lines around it.
notes() {
  awk -v heading="## $(version)" '
    $0 == heading || index($0, heading " ") == 1 { found = 1; next }
    found && /^## / { exit }
    found { print }
  ' CHANGELOG.md | sed -e '/./,$!d'
}

check() {
  [ "$1" = "v$(version)" ] || fail "the tag is $1, and Cargo.toml has version $(version)"
  [ -n "$(notes)" ] || fail "CHANGELOG.md has no section ## $(version)"
  grep -q "^### $(version)\$" docs/upgrade.md || fail "docs/upgrade.md has no paragraph ### $(version)"
}

chart() {
  local image=$1 digest=$2 folder=$3 copy
  [[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || fail "$digest is no digest"
  copy=$(mktemp -d)
  cp -r charts/polyscaler "$copy"
  sed -i -e "s|^  repository: polyscaler\$|  repository: $image|" -e "s|^  digest: \"\"\$|  digest: \"$digest\"|" \
    "$copy/polyscaler/values.yaml"
  grep -q "^  repository: $image\$" "$copy/polyscaler/values.yaml" || fail "values.yaml has no repository to replace"
  grep -q "^  digest: \"$digest\"\$" "$copy/polyscaler/values.yaml" || fail "values.yaml has no digest to replace"
  mkdir -p "$folder"
  "$(hack/tool.sh helm)" package "$copy/polyscaler" --destination "$folder" >&2
  rm -r "$copy"
}

push_chart() {
  local pushed
  pushed=$("$(hack/tool.sh helm)" push "$1/polyscaler-$(version).tgz" "$2" 2>&1)
  echo "$pushed" >&2
  echo "$pushed" | sed -n 's/^Digest: *//p'
}

assets() {
  local binaries=$1 image=$2 digest=$3 folder=$4 machine
  mkdir -p "$folder"
  for machine in amd64 arm64; do
    local name="polyscaler_$(version)_linux_$machine" place
    place=$(mktemp -d)
    install -D "$binaries/linux/$machine/polyscaler" "$place/$name/polyscaler"
    cp LICENSE README.md CHANGELOG.md "$place/$name"
    # Equal binaries make equal archives.
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime='2000-01-01' --mode='u=rwX,go=rX' \
      -C "$place" -c "$name" | gzip --no-name >"$folder/$name.tar.gz"
    rm -r "$place"
  done
  cp deploy/crd.yaml "$folder/crd.yaml"
  sed "s|image: polyscaler:.*|image: $image@$digest|" deploy/operator.yaml >"$folder/operator.yaml"
  grep -q "image: $image@$digest" "$folder/operator.yaml" || fail "deploy/operator.yaml has no image to replace"
  (cd "$folder" && find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
}

case "${1:-} $#" in
  "version 1") version ;;
  "check 2") check "$2" ;;
  "notes 1") notes ;;
  "chart 4") chart "$2" "$3" "$4" ;;
  "push-chart 3") push_chart "$2" "$3" ;;
  "assets 5") assets "$2" "$3" "$4" "$5" ;;
  *)
    sed -n '2,8p' "$0" | sed 's/^# \{0,1\}//' >&2
    exit 2
    ;;
esac
