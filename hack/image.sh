#!/usr/bin/env bash
# Builds images without an engine: a stage of a Dockerfile, of binaries that were built on this machine.
#   hack/image.sh FOLDER NAME[=IMAGE]...
# NAME is polyscaler, http-app, worker, event-queue, order-queue or keda-python; IMAGE is what it is tagged with, NAME:VERSION unless given.
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

# The programs that the stage of a sample takes from the first one.
programs() {
  local target programs program
  target=$(uname -m)-unknown-linux-gnu
  programs=$(sed -n 's#^COPY /out/\([^ ]*\) .*#\1#p' "$work/Dockerfile")
  RUSTFLAGS="${RUSTFLAGS:-} -C target-feature=+crt-static" \
    cargo build --locked --release --package examples --target "$target" $(printf -- '--bin %s ' $programs)
  for program in $programs; do cp "${CARGO_TARGET_DIR:-target}/$target/release/$program" "$work/out/$program"; done
}

# Its Dockerfile begins with an image of Python, which is somewhere else: here it is this machine's own.
python_sample() {
  local folder=examples/keda-python
  command -v python3 >/dev/null || missing python3 python3
  python3 -m venv "$work/venv" || missing "python3's venv" python3-venv
  "$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$folder/requirements.txt"
  hack/python-root.sh "$work/root" "$work/venv/bin/python" "$work"/venv/lib/python3*/site-packages >/dev/null
  cp "$folder/app.py" "$work/root/app.py"
  {
    echo "FROM scratch"
    echo "COPY root /"
    # What else its Dockerfile says of the image.
    grep -E '^(USER|EXPOSE|CMD) ' "$folder/Dockerfile"
  } >"$work/Dockerfile"
}

# Takes a stage of a Dockerfile that begins with nothing, the last one or that of a name. The first stage happens here, so what
# is taken from it is found in the folder.
stage() {
  awk -v from="FROM scratch${2:+ AS $2}" '/^FROM / { is_it = $0 == from } is_it' "$1" |
    sed 's/^FROM scratch .*/FROM scratch/; s/--from=builder //' >"$work/Dockerfile"
  grep -q '^COPY ' "$work/Dockerfile" || { echo "$1 has no stage FROM scratch${2:+ AS $2}" >&2; exit 1; }
}

build() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }

for wanted in "$@"; do
  name=${wanted%%=*}
  image=$name:$version
  if [ "$name" != "$wanted" ]; then image=${wanted#*=}; fi
  case $name in
    polyscaler)
      hack/static-binary.sh "$work/out/polyscaler"
      stage Dockerfile
      ;;
    http-app | worker | event-queue | order-queue)
      stage examples/Dockerfile "$name"
      programs
      ;;
    keda-python) python_sample ;;
    *)
      echo "there is no image $name: polyscaler, http-app, worker, event-queue, order-queue, keda-python" >&2
      exit 2
      ;;
  esac
  build bud --quiet --isolation chroot --file "$work/Dockerfile" --tag "$image" "$work" >/dev/null
  rm -f "$folder/$name.tar"
  build push --quiet "$image" "docker-archive:$folder/$name.tar:$image"
  echo "$image: $(stat -c %s "$folder/$name.tar") bytes, in $folder/$name.tar"
done
