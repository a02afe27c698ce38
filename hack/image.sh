#!/usr/bin/env bash
# Builds images without an engine: the last stage of a Dockerfile, of binaries that were built on this machine.
#   hack/image.sh FOLDER NAME[=IMAGE]...
# NAME is polyscaler, http-app, worker or event-queue; IMAGE is what it is tagged with, NAME:VERSION unless given.
# FOLDER gets NAME.tar for each, in the form of `docker save`.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -lt 2 ]; then
  echo "usage: hack/image.sh FOLDER NAME[=IMAGE]..." >&2
  exit 2
fi
folder=$1
shift
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
certificates=/etc/ssl/certs/ca-certificates.crt

missing() {
  echo "$1 is missing: install Debian's package $2 (apt-get install $2)" >&2
  exit 1
}
if ! command -v buildah >/dev/null; then
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "installing buildah"
    apt-get update -qq && apt-get install -y -qq --no-install-recommends buildah
  else
    missing buildah buildah
  fi
fi
[ -f "$certificates" ] || missing "$certificates" ca-certificates

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/etc/ssl/certs" "$work/out" "$folder"
cp "$certificates" "$work$certificates"

sample() {
  local target
  target=$(uname -m)-unknown-linux-gnu
  RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
    cargo build --locked --release --package examples --target "$target" --bin "$1"
  cp "${CARGO_TARGET_DIR:-target}/$target/release/$1" "$work/out/$1"
}

build() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }

for wanted in "$@"; do
  name=${wanted%%=*}
  image=$name:$version
  if [ "$name" != "$wanted" ]; then image=${wanted#*=}; fi
  case $name in
    polyscaler)
      file=Dockerfile
      hack/static-binary.sh "$work/out/polyscaler"
      ;;
    http-app | worker | event-queue)
      file=examples/$name/Dockerfile
      sample "$name"
      ;;
    *)
      echo "there is no image $name: polyscaler, http-app, worker, event-queue" >&2
      exit 2
      ;;
  esac
  # The first stage has happened here, so what the last one takes from it is found in the folder.
  sed -n '/^FROM scratch$/,$p' "$file" | sed 's/--from=builder //' >"$work/Dockerfile"
  grep -q '^COPY ' "$work/Dockerfile" || { echo "$file has no stage that begins with FROM scratch" >&2; exit 1; }
  build bud --quiet --isolation chroot --file "$work/Dockerfile" --tag "$image" "$work" >/dev/null
  rm -f "$folder/$name.tar"
  build push --quiet "$image" "docker-archive:$folder/$name.tar:$image"
  echo "$image: $(stat -c %s "$folder/$name.tar") bytes, in $folder/$name.tar"
done
